//! What one object of an answer is about: the facts behind a row, worked out once before it is written.

use super::account::{Account, PEOPLE};
use super::families::Links;
use super::marks::{What, settled};
use super::spread::mix;

/// Ids of each kind begin here, so that none is a number and none is another's.
pub(super) const ISSUES: usize = 2_000_000_000;
const COMMENTS: usize = 3_000_000_000;
pub(super) const PULLS: usize = 4_000_000_000;
pub(super) const REVIEWS: usize = 5_000_000_000;
const VERDICTS: usize = 8_000_000_000;
/// A like has the id of what is liked, so much further on.
const LIKES: usize = 10_000_000_000;
pub(super) const RUNS: usize = 20_000_000_000;
const JOBS: usize = 30_000_000_000;
const EVENTS: usize = 40_000_000_000;

/// Reviews of a pull request at most.
const MOST_VERDICTS: usize = 2;

/// How many reviews a pull request has, by its place among those of its repository.
pub(super) const fn verdicts(pull: usize) -> usize {
    pull % (MOST_VERDICTS + 1)
}

/// Where the client reaches the account: the base of the API, and of pages for people.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::hub) struct Base {
    pub(in crate::hub) api: String,
    pub(in crate::hub) web: String,
}

/// A row in a repository: its place there, and when it was changed, if it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Entry {
    pub(super) repo: usize,
    pub(super) nth: usize,
    pub(super) changed: Option<i64>,
}

/// One object of an answer, by its place in the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Row {
    /// A person, with all that a profile says.
    Person(usize),
    /// A person in a list.
    User(usize),
    Repo(usize),
    /// A repository with when it was starred.
    Starred(usize),
    /// Who starred a repository, and when.
    Stargazer(usize),
    /// Asked for by itself.
    WholeRepo(usize),
    /// A repository, and one of its labels.
    Label(usize, usize),
    /// A repository, and one of its milestones.
    Milestone(usize, usize),
    Issue(Entry),
    /// With its repository, as in listings of the whole account.
    IssueAtHome(Entry),
    Comment(Entry),
    /// An issue that is a pull request, as one.
    Pull(Entry),
    /// Asked for by itself.
    WholePull(Entry),
    /// A remark on the diff of that pull request.
    Review(Entry),
    /// A review of that pull request: which of its reviews.
    Verdict(Entry, usize),
    /// The reaction to an issue, to a comment, to a remark.
    Liked(Entry),
    LikedComment(Entry),
    LikedRemark(Entry),
    /// Something that was done to an issue, on its own page.
    Happened(Entry, What),
    /// The same in the list of a repository, with the issue.
    Event(Entry, What),
    /// A comment on the page of its issue.
    Said(Entry),
    /// A repository, and one of its workflows.
    Workflow(usize, usize),
    /// The run of a workflow for that pull request, and its job.
    Run(Entry),
    Job(Entry),
}

/// The facts behind an object. What does not concern its kind is empty.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) account: Account,
    pub(super) base: &'a Base,
    pub(super) row: Row,
    pub(super) repo: usize,
    pub(super) user: usize,
    /// The label or milestone of the repository.
    pub(super) part: usize,
    /// The place of the issue in its repository: its number less one.
    pub(super) nth: usize,
    pub(super) id: usize,
    pub(super) seed: u64,
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) is_changed: bool,
    pub(super) is_pull: bool,
    pub(super) links: Links,
}

impl<'a> Scene<'a> {
    pub(super) fn of(account: Account, base: &'a Base, row: Row) -> Self {
        let scene = Self::empty(account, base, row);
        match row {
            Row::Person(user) | Row::User(user) => Self { user, ..scene },
            Row::Repo(repo) | Row::WholeRepo(repo) | Row::Starred(repo) | Row::Stargazer(repo) => {
                Self { repo, ..scene }
            }
            Row::Label(repo, part) | Row::Milestone(repo, part) | Row::Workflow(repo, part) => {
                Self { repo, part, ..scene }
            }
            Row::Issue(entry) | Row::IssueAtHome(entry) => scene.issue(entry, ISSUES),
            Row::Pull(entry) | Row::WholePull(entry) => scene.issue(entry, PULLS),
            Row::Comment(entry) | Row::Said(entry) => scene.comment(entry),
            Row::Review(entry) => scene.review(entry),
            Row::Verdict(entry, part) => scene.verdict(entry, part),
            Row::Liked(entry) => scene.issue(entry, ISSUES).liked(),
            Row::LikedComment(entry) => scene.comment(entry).liked(),
            Row::LikedRemark(entry) => scene.review(entry).liked(),
            Row::Happened(entry, what) | Row::Event(entry, what) => scene.happened(entry, what),
            Row::Run(entry) => scene.issue(entry, RUNS),
            Row::Job(entry) => scene.issue(entry, JOBS),
        }
    }

    fn empty(account: Account, base: &'a Base, row: Row) -> Self {
        Self {
            account,
            base,
            row,
            repo: 0,
            user: 0,
            part: 0,
            nth: 0,
            id: 0,
            seed: 0,
            created: 0,
            updated: 0,
            is_changed: false,
            is_pull: false,
            links: Links::default(),
        }
    }

    fn issue(self, Entry { repo, nth, changed }: Entry, ids: usize) -> Self {
        let account = self.account;
        let issue = account.deal().thing((repo, nth));
        let seed = mix(issue as u64);
        Self {
            repo,
            nth,
            user: Account::author(seed),
            id: ids + issue,
            seed,
            created: account.born(issue),
            updated: changed.unwrap_or_else(|| account.settled(issue)),
            is_changed: changed.is_some(),
            is_pull: account.pulls(repo).nth(nth).is_some(),
            links: Links::of(account, repo, nth),
            ..self
        }
    }

    fn comment(self, Entry { repo, nth: comment, changed }: Entry) -> Self {
        let account = self.account;
        let nth = account.comments(repo).bin(comment);
        let id = account.comment_deal().thing((repo, comment));
        let seed = mix(id as u64 ^ (1 << 41));
        let created = account.written(repo, comment);
        Self {
            repo,
            nth,
            user: Account::author(seed),
            id: COMMENTS + id,
            seed,
            created,
            updated: changed.unwrap_or(created),
            is_changed: changed.is_some(),
            is_pull: account.pulls(repo).nth(nth).is_some(),
            ..self
        }
    }

    fn review(self, entry: Entry) -> Self {
        let scene = self.issue(entry, REVIEWS);
        let seed = mix(scene.seed);
        Self { user: Account::author(seed), seed, created: scene.updated, is_changed: false, ..scene }
    }

    fn verdict(self, entry: Entry, part: usize) -> Self {
        let scene = self.issue(entry, VERDICTS);
        let seed = mix(scene.seed ^ (part as u64 + 1));
        // Each pull request has room for as many ids as it can have reviews.
        let id = VERDICTS + (scene.id - VERDICTS) * MOST_VERDICTS + part;
        Self {
            user: Account::author(seed),
            seed,
            id,
            part,
            created: scene.updated,
            is_changed: false,
            ..scene
        }
    }

    /// The reaction to what stands here: one at most, soon after.
    fn liked(self) -> Self {
        Self { id: LIKES + self.id, user: Account::author(mix(self.seed ^ LIKES as u64)), ..self }
    }

    /// Whether somebody liked it: one of five.
    pub(super) const fn is_liked(&self) -> bool {
        self.seed.is_multiple_of(5)
    }

    fn happened(self, entry: Entry, what: What) -> Self {
        let scene = self.issue(entry, 0);
        // Each issue has room for as many ids as there can be events.
        let (part, id) = (what.label().unwrap_or(0), EVENTS + scene.id * What::MOST + what.place());
        let created = if what == What::Closed { settled(&scene) } else { scene.created };
        Self { user: 0, part, id, created, ..scene }
    }

    /// The same place with this person in it.
    pub(super) const fn with(&self, user: usize) -> Self {
        Self { user, ..*self }
    }

    pub(super) fn login(&self) -> &'static str {
        PEOPLE.get(self.user).unwrap_or(&"ghost")
    }

    pub(super) const fn number(&self) -> usize {
        self.nth + 1
    }

    pub(super) const fn is_open(&self) -> bool {
        Account::is_open(self.nth)
    }
}

/// The comment that has this database id, by its place among all comments.
pub(super) fn comment_of(id: usize) -> Option<usize> {
    id.checked_sub(COMMENTS)
}
