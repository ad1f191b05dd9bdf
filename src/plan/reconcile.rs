//! A plan against what is on the tracker: which issues are there, whose text may be brought up to
//! date, which links are missing. Pure: issues in, decisions out.
//!
//! A person's edit wins: a text that is not as planwright wrote it is never overwritten, a link that
//! was made once and is gone is not made again, a closed issue is left alone.

use std::collections::BTreeMap;

use crate::artifact::body::{self, EPIC};
use crate::artifact::plan::{Link, Plan, Planned, Published};
use crate::artifact::{IssueNumber, RepoName};
use crate::github::Issue;

/// Where a plan was published on this tracker, if it was.
pub fn published<'a>(plan: &'a Plan, tracker: &str, repo: &RepoName) -> Option<&'a Published> {
    plan.published.iter().find(|place| place.tracker == tracker && place.repo == *repo)
}

/// The link of a key that a plan file remembers.
pub fn remembered(published: Option<&Published>, key: &str) -> Option<Link> {
    let published = published?;
    if key == EPIC {
        return Some(published.epic);
    }
    published.issues.iter().find(|(known, _)| known == key).map(|(_, link)| *link)
}

/// The issue of one key: the remembered one, else the one that carries the marker; where several
/// do (a copy, a stranger's imitation), the oldest.
pub fn find<'a>(plan: &Plan, key: &str, remembered: Option<Link>, issues: &'a [Issue]) -> Option<&'a Issue> {
    let known = remembered
        .and_then(|link| issues.iter().find(|issue| issue.id == link.id && issue.number == link.number));
    known.or_else(|| marked(plan, key, issues).into_iter().min_by_key(|issue| issue.number))
}

/// All issues that carry the marker of one key.
pub fn marked<'a>(plan: &Plan, key: &str, issues: &'a [Issue]) -> Vec<&'a Issue> {
    let is_it = |issue: &&Issue| {
        !issue.is_pull
            && body::marker(&issue.body).is_some_and(|marker| marker.plan == plan.id && marker.key == key)
    };
    issues.iter().filter(is_it).collect()
}

/// What to do about the text of an issue that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// It says what the plan says.
    Same,
    /// It is as planwright wrote it before the plan changed.
    Update {
        /// The title to write.
        title: String,
        /// The body to write.
        body: String,
    },
    /// A person has edited it.
    Edited,
    /// It is closed.
    Closed,
}

/// What to do about the text of `issue`, which should have this title and body.
pub fn text(issue: &Issue, title: String, body: String) -> Text {
    let same = |old: &str, new: &str| old.lines().map(str::trim_end).eq(new.lines().map(str::trim_end));
    if issue.title == title && same(issue.body.trim(), body.trim()) {
        Text::Same
    } else if !issue.open {
        Text::Closed
    } else if body::untouched(&issue.title, &issue.body) {
        Text::Update { title, body }
    } else {
        Text::Edited
    }
}

/// Title and body that a key should have, given the numbers that are known; empty for a key that is
/// not the plan's.
pub fn wanted(plan: &Plan, key: &str, links: &BTreeMap<String, Link>) -> (String, String) {
    let numbers: Vec<(String, IssueNumber)> =
        links.iter().map(|(key, link)| (key.clone(), link.number)).collect();
    if key == EPIC {
        return (plan.epic.title.clone(), body::epic(plan, &numbers));
    }
    let epic = links.get(EPIC).map(|link| link.number);
    let text = |planned: &Planned| (planned.title.clone(), body::issue(plan, planned, &numbers, epic));
    plan.issue(key).map(text).unwrap_or_default()
}

/// A link that a plan wants: the epic and its sub-issue, or an issue and its blocker.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The key that holds it: [`EPIC`], or the issue that waits.
    pub holder: String,
    /// The key it names: the sub-issue, or the blocker.
    pub named: String,
}

impl Edge {
    /// Whether it makes a sub-issue.
    pub fn is_sub_issue(&self) -> bool {
        self.holder == EPIC
    }
}

/// The links that a plan wants and that were never made, sub-issues first, in the order given.
pub fn missing(plan: &Plan, order: &[usize], linked: &[(String, String)]) -> Vec<Edge> {
    let issues = || order.iter().filter_map(|&index| plan.issues.get(index));
    let children = issues().map(|issue| Edge { holder: EPIC.to_owned(), named: issue.key.clone() });
    let blockers = issues().flat_map(|issue| {
        issue.blocked_by.iter().map(|blocker| Edge { holder: issue.key.clone(), named: blocker.clone() })
    });
    let made =
        |edge: &Edge| linked.iter().any(|(holder, named)| *holder == edge.holder && *named == edge.named);
    children.chain(blockers).filter(|edge| !made(edge)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::IssueId;
    use crate::plan::example;

    fn links() -> BTreeMap<String, Link> {
        let link = |number| Link { number: IssueNumber(number), id: IssueId(900_000 + number) };
        [(EPIC, 11), ("cassette", 12), ("land-issues", 13), ("count-labels", 14)]
            .map(|(key, number)| (key.to_owned(), link(number)))
            .into()
    }

    fn issue(plan: &Plan, key: &str) -> Issue {
        let (title, body) = wanted(plan, key, &links());
        example::issue(links()[key].number.0, &title, &body)
    }

    #[track_caller]
    fn check(change_plan: impl FnOnce(&mut Plan), change_issue: impl FnOnce(&mut Issue), expected: &str) {
        let mut plan = example::plan();
        let mut issue = issue(&plan, "cassette");
        change_plan(&mut plan);
        change_issue(&mut issue);
        let (title, body) = wanted(&plan, "cassette", &links());
        let found = match text(&issue, title, body) {
            Text::Same => "same",
            Text::Update { .. } => "update",
            Text::Edited => "edited",
            Text::Closed => "closed",
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn a_persons_edit_wins() {
        check(|_| {}, |_| {}, "same");
        check(|_| {}, |issue| issue.body = issue.body.replace('\n', "\r\n"), "same");
        check(|plan| plan.issues[0].title.push('!'), |_| {}, "update");
        check(|plan| plan.issues[0].body.push_str(" More."), |_| {}, "update");
        check(|_| {}, |issue| issue.title.push('!'), "edited");
        check(|plan| plan.issues[0].body.push_str(" More."), |issue| issue.body.push_str("\nmine"), "edited");
        check(|plan| plan.issues[0].body.push_str(" More."), |issue| issue.open = false, "closed");
    }

    #[test]
    fn the_remembered_issue_wins_then_the_oldest_with_the_marker() {
        let plan = example::plan();
        let real = issue(&plan, "cassette");
        let copy = Issue { number: IssueNumber(40), id: IssueId(900_040), ..real.clone() };
        let pull = Issue { number: IssueNumber(2), is_pull: true, ..real.clone() };
        let issues = [copy, pull, real];
        let at = |remembered| find(&plan, "cassette", remembered, &issues).unwrap().number.0;
        assert_eq!(at(None), 12);
        assert_eq!(at(Some(Link { number: IssueNumber(40), id: IssueId(900_040) })), 40);
        assert_eq!(at(Some(Link { number: IssueNumber(40), id: IssueId(7) })), 12);
        assert_eq!(find(&plan, "land-issues", None, &issues), None);
    }

    #[test]
    fn links_made_once_are_not_made_again() {
        let plan = example::plan();
        let edges = |linked: &[(&str, &str)]| {
            let linked: Vec<_> = linked.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            let missing = missing(&plan, &[0, 1, 2], &linked);
            missing.into_iter().map(|edge| format!("{} {}", edge.holder, edge.named)).collect::<Vec<_>>()
        };
        assert_eq!(
            edges(&[]),
            [
                "epic cassette",
                "epic land-issues",
                "epic count-labels",
                "land-issues cassette",
                "count-labels land-issues",
            ]
        );
        assert_eq!(
            edges(&[("epic", "cassette"), ("land-issues", "cassette")]),
            ["epic land-issues", "epic count-labels", "count-labels land-issues",]
        );
    }
}
