//! How issues hang together: which are sub-issues of which, and which wait for which. By arithmetic alone.
//!
//! Of every twenty issues of a repository the first is a parent of the next three, and now and then the
//! last is blocked by one or two before it. Pull requests stand aside, as on GitHub.

use super::account::Account;

const FAMILY: usize = 20;
/// So many issues behind a parent are looked at for its children.
const NEAR: usize = 8;
const CHILDREN: usize = 3;

/// The links of one issue, as places in its repository.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Links {
    pub(super) parent: Option<usize>,
    pub(super) children: [Option<usize>; CHILDREN],
    pub(super) blocked_by: [Option<usize>; 2],
    pub(super) blocking: Option<usize>,
}

impl Links {
    /// The links of the issue at `nth` in a repository.
    pub(super) fn of(account: Account, repo: usize, nth: usize) -> Self {
        let (pulls, held) = (account.pulls(repo), account.deal().held(repo));
        let is_issue = |nth: &usize| *nth < held && pulls.nth(*nth).is_none();
        let mut links = Self::default();
        if !is_issue(&nth) {
            return links;
        }
        let (first, place) = (nth / FAMILY * FAMILY, nth % FAMILY);
        let last = first + FAMILY - 1;
        if place <= NEAR && is_issue(&first) {
            let mut near = (first + 1..=first + NEAR).filter(is_issue);
            let children = [near.next(), near.next(), near.next()];
            if place == 0 {
                links.children = children;
            } else if children.contains(&Some(nth)) {
                links.parent = Some(first);
            }
        }
        if place + 3 >= FAMILY && is_issue(&last) {
            let blockers = blockers(last).map(|blocker| blocker.filter(is_issue));
            if nth == last {
                links.blocked_by = blockers;
            } else if blockers.contains(&Some(nth)) {
                links.blocking = Some(last);
            }
        }
        links
    }
}

/// Of five families, three have a blocked issue, and every other one of all has two blockers.
fn blockers(last: usize) -> [Option<usize>; 2] {
    let family = last / FAMILY;
    if family % 5 > 2 { [None, None] } else { [Some(last - 1), family.is_multiple_of(2).then(|| last - 2)] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_agree_from_both_ends_and_are_as_many_as_was_said() {
        let account: Account = "repos=2,issues=4000".parse().unwrap();
        let (mut issues, mut parents, mut blocked) = (0, 0, 0);
        for repo in 0..2 {
            let links = |nth| Links::of(account, repo, nth);
            for nth in 0..account.deal().held(repo) {
                let own = links(nth);
                issues += usize::from(account.pulls(repo).nth(nth).is_none());
                parents += usize::from(own.children.iter().flatten().count() == CHILDREN);
                blocked += usize::from(own.blocked_by[0].is_some() || own.blocked_by[1].is_some());
                for child in own.children.into_iter().flatten() {
                    assert_eq!(links(child).parent, Some(nth));
                }
                for blocker in own.blocked_by.into_iter().flatten() {
                    assert_eq!(links(blocker).blocking, Some(nth));
                }
                if let Some(parent) = own.parent {
                    assert!(links(parent).children.contains(&Some(nth)));
                }
                if let Some(waiting) = own.blocking {
                    assert!(links(waiting).blocked_by.contains(&Some(nth)));
                }
            }
        }
        let percent = |part: usize| part * 1_000 / issues;
        assert!((40..=60).contains(&percent(parents)), "{parents} of {issues}");
        assert!((20..=35).contains(&percent(blocked)), "{blocked} of {issues}");
    }
}
