//! What is in a sample account: sizes, and by arithmetic everything that hangs on them.

use std::str::FromStr;

use super::spread::{Deal, MOST, Picked, Spread, choice, mix};

/// The account's owner, and the others who write in it.
pub(super) const PEOPLE: [&str; 16] = [
    "sample",
    "ada",
    "grace",
    "alan",
    "edsger",
    "barbara",
    "donald",
    "frances",
    "john",
    "katherine",
    "ken",
    "margaret",
    "dennis",
    "radia",
    "tony",
    "jean",
];

/// The first second of the account: 2020-01-01.
pub(super) const BEGIN: i64 = 1_577_836_800;
/// Its last second but for changes: five years later.
pub(super) const END: i64 = BEGIN + 5 * 365 * DAY;
pub(super) const DAY: i64 = 86_400;

const PULLS: u64 = 1 << 40;
const CHANGED: u64 = 2 << 40;
const EDITED: u64 = 3 << 40;

/// How much a sample account holds. Written `repos=4,issues=6000,comments=25000,pulls=30%,changed=60`,
/// in any order; what is left out has its default, and `changed` may be a share as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Account {
    /// Repositories, at least one.
    pub(super) repos: usize,
    /// Issues and pull requests over all repositories.
    pub(super) issues: usize,
    /// Comments over all of them; without issues there are none.
    pub(super) comments: usize,
    /// How many of a hundred issues are pull requests.
    pub(super) pulls: usize,
    /// How many issues were changed since, and half as many comments.
    pub(super) changed: usize,
}

impl Default for Account {
    fn default() -> Self {
        Self { repos: 4, issues: 6_000, comments: 25_000, pulls: 30, changed: 0 }
    }
}

/// What a sample account cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A part that is not known.
    #[error("`{part}` is not one of repos=N, issues=N, comments=N, pulls=N%, changed=N or changed=N%")]
    Part {
        /// What was written.
        part: String,
    },
    /// A number out of its bounds.
    #[error("`{part}` is out of bounds: from {least} to {most}")]
    Bounds {
        /// What was written.
        part: String,
        /// The least.
        least: usize,
        /// The most.
        most: usize,
    },
}

impl FromStr for Account {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (mut account, mut changed) = (Self::default(), ("", 0, None));
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let unknown = || Error::Part { part: part.to_owned() };
            let (name, value) = part.split_once('=').ok_or_else(unknown)?;
            let share = value.strip_suffix('%');
            let number: usize = share.unwrap_or(value).parse().map_err(|_not_a_number| unknown())?;
            let within = |least, most| match number {
                number if (least..=most).contains(&number) => Ok(number),
                _ => Err(Error::Bounds { part: part.to_owned(), least, most }),
            };
            match (name, share) {
                ("repos", None) => account.repos = within(1, 99_999)?,
                ("issues", None) => account.issues = within(0, MOST)?,
                ("comments", None) => account.comments = within(0, MOST)?,
                ("pulls", Some(_)) => account.pulls = within(0, 100)?,
                ("changed", None) => changed = (part, within(0, MOST)?, None),
                ("changed", Some(_)) => changed = (part, 0, Some(within(0, 100)?)),
                _ => return Err(unknown()),
            }
        }
        let (part, count, share) = changed;
        account.changed = share.map_or(count, |share| account.issues * share / 100);
        if account.changed > account.issues {
            return Err(Error::Bounds { part: part.to_owned(), least: 0, most: account.issues });
        }
        Ok(account)
    }
}

impl Account {
    /// The same account before anything was changed.
    pub(super) const fn unchanged(self) -> Self {
        Self { changed: 0, ..self }
    }

    /// Issues in the order of their birth, dealt to repositories.
    pub(super) const fn deal(self) -> Deal {
        Deal { total: self.issues, hands: self.repos }
    }

    /// The place of changes among all changes.
    pub(super) const fn changes(self) -> Deal {
        Deal { total: self.changed, hands: self.repos }
    }

    /// Comments, dealt to the repositories that have issues.
    pub(super) fn comment_deal(self) -> Deal {
        let hands = self.repos.min(self.issues.div_ceil(Deal::BLOCK));
        Deal { total: if hands > 0 { self.comments } else { 0 }, hands: hands.max(1) }
    }

    /// A repository's comments over its issues.
    pub(super) fn comments(self, repo: usize) -> Spread {
        let deal = self.comment_deal();
        let things = if repo < deal.hands { deal.held(repo) } else { 0 };
        Spread { things, bins: self.deal().held(repo) }
    }

    /// Which issues of a repository are pull requests.
    pub(super) fn pulls(self, repo: usize) -> Picked {
        let of = self.deal().held(repo);
        Picked { of, count: of * self.pulls / 100, salt: PULLS + repo as u64 }
    }

    /// Which issues of a repository were changed.
    pub(super) fn changed(self, repo: usize) -> Picked {
        Picked { of: self.deal().held(repo), count: self.changes().held(repo), salt: CHANGED + repo as u64 }
    }

    /// Which comments of a repository were edited.
    pub(super) fn edited(self, repo: usize) -> Picked {
        let of = self.comments(repo).things;
        Picked { of, count: self.changes().held(repo).div_ceil(2).min(of), salt: EDITED + repo as u64 }
    }

    /// When the changed issue that is `nth` of all was changed: on the day after the account's end.
    pub(super) fn change_time(self, nth: usize) -> i64 {
        END + DAY + along(nth + 1, self.changed, DAY)
    }

    /// When the `nth` edited comment of a repository was edited.
    pub(super) fn edit_time(self, repo: usize, nth: usize) -> i64 {
        END + DAY + along(nth + 1, self.edited(repo).count, DAY)
    }

    /// When an issue was opened, by its place among all.
    pub(super) fn born(self, issue: usize) -> i64 {
        BEGIN + along(issue, self.issues, END - BEGIN)
    }

    /// When an issue was last touched, but for changes. In every fifth block all share one second.
    pub(super) fn settled(self, issue: usize) -> i64 {
        let (_, nth) = self.deal().place(issue);
        let block_end = issue / Deal::BLOCK * Deal::BLOCK + Deal::BLOCK - 1;
        let is_tied = nth / Deal::BLOCK % 5 == 4;
        self.born(if is_tied { block_end.min(self.issues - 1) } else { issue } + 1)
    }

    /// When a comment was written: while its issue lived, and now and then four at once.
    pub(super) fn written(self, repo: usize, comment: usize) -> i64 {
        let spread = self.comments(repo);
        let nth = spread.bin(comment);
        let (of, mut place) = (spread.held(nth), comment - spread.start(nth));
        if nth.is_multiple_of(5) {
            place = place.max(3.min(of - 1));
        }
        let issue = self.deal().thing((repo, nth));
        self.born(issue) + along(place + 1, of, self.born(issue + 1) - self.born(issue))
    }

    /// Who wrote something. The owner writes most.
    pub(super) fn author(seed: u64) -> usize {
        if mix(seed).is_multiple_of(4) { 0 } else { choice(seed + 1, PEOPLE.len()) }
    }

    /// Of five issues, two are open.
    pub(super) const fn is_open(nth: usize) -> bool {
        matches!(nth % 5, 1 | 3)
    }

    /// Open issues and pull requests of a repository.
    pub(super) fn open(self, repo: usize) -> usize {
        let held = self.deal().held(repo);
        held / 5 * 2 + (0..held % 5).filter(|nth| Self::is_open(*nth)).count()
    }
}

/// The share of a span that `part` of `whole` takes.
fn along(part: usize, whole: usize, span: i64) -> i64 {
    let span = usize::try_from(span).unwrap_or(0);
    i64::try_from((part * span).checked_div(whole).unwrap_or(0)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_any_order_and_have_defaults() {
        let read = |text: &str| text.parse::<Account>();
        assert_eq!(read(""), Ok(Account::default()));
        let small = Account { repos: 2, issues: 300, comments: 0, pulls: 10, changed: 3 };
        assert_eq!(read("changed=1%,repos=2, issues=300,comments=0,pulls=10%"), Ok(small));
        assert_eq!(read("changed=7").map(|account| account.changed), Ok(7));
        for (wrong, said) in [
            ("issue=3", "`issue=3` is not one of"),
            ("issues=many", "is not one of"),
            ("issues", "is not one of"),
            ("pulls=30", "is not one of"),
            ("repos=0", "`repos=0` is out of bounds: from 1 to 99999"),
            ("issues=3,changed=4", "`changed=4` is out of bounds: from 0 to 3"),
        ] {
            assert!(read(wrong).unwrap_err().to_string().contains(said), "{wrong}");
        }
    }

    #[test]
    fn everything_happens_in_the_order_of_its_index_and_within_its_issue() {
        for text in
            ["", "repos=3,issues=50,comments=333", "repos=9,issues=7,comments=40", "issues=5,comments=2"]
        {
            let account: Account = text.parse().unwrap();
            let settled: Vec<i64> = (0..account.issues).map(|issue| account.settled(issue)).collect();
            assert!(settled.is_sorted(), "{text}");
            for repo in 0..account.repos {
                let spread = account.comments(repo);
                let written: Vec<i64> =
                    (0..spread.things).map(|comment| account.written(repo, comment)).collect();
                assert!(written.is_sorted(), "{text}");
                for (comment, at) in written.into_iter().enumerate() {
                    let issue = account.deal().thing((repo, spread.bin(comment)));
                    assert!((account.born(issue)..=account.settled(issue)).contains(&at), "{text} {comment}");
                }
            }
        }
    }

    #[test]
    fn counts_add_up() {
        let account: Account = "repos=3,issues=101,comments=333,changed=10".parse().unwrap();
        let sum = |of: &dyn Fn(usize) -> usize| (0..3).map(of).sum::<usize>();
        assert_eq!(sum(&|repo| account.comments(repo).things), 333);
        assert_eq!(sum(&|repo| account.changed(repo).count), 10);
        let open = |repo| (0..account.deal().held(repo)).filter(|nth| Account::is_open(*nth)).count();
        assert_eq!(sum(&|repo| account.open(repo)), sum(&open));
    }
}
