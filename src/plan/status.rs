//! Where the plans on a tracker stand: each epic with its issues, and which are ready, in order.
//!
//! Reads only. Issues count when they are in an open epic, at any depth, or carry a marker; what
//! people added to an epic by hand counts like what was planned.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::Error;
use super::ready::{Blocker, Node, State, ready, states};
use crate::artifact::body::{self, EPIC};
use crate::artifact::{IssueNumber, RepoName};
use crate::github::{Client, Issue, IssueQuery};

/// Reads under way at once.
const AT_ONCE: usize = 6;
/// Ancestors of an epic that are looked at: GitHub allows eight levels.
const LEVELS: usize = 8;

/// Where the plans on a tracker stand.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Status {
    /// Open epics, the smallest number first.
    pub epics: Vec<Group>,
    /// Open planned issues that are in no open epic.
    pub loose: Vec<Entry>,
    /// Issues that can be worked on now, the best first.
    pub ready: Vec<IssueNumber>,
}

/// An epic with its issues.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Group {
    /// The epic itself.
    pub epic: Entry,
    /// Its issues, in the order of the tracker; those below a sub-issue follow it.
    pub issues: Vec<Entry>,
}

impl Group {
    /// How many of its issues are closed.
    pub fn done(&self) -> usize {
        self.issues.iter().filter(|issue| issue.state == State::Done).count()
    }
}

/// An issue with its state.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Entry {
    /// Its number.
    pub number: IssueNumber,
    /// Its title.
    pub title: String,
    /// The page that people open.
    pub url: String,
    /// The issue it is part of.
    pub parent: Option<IssueNumber>,
    /// Its key in the plan, where it was planned.
    pub key: Option<String>,
    /// Where it stands.
    #[serde(flatten)]
    pub state: State,
}

impl Status {
    /// What should be worked on next.
    pub fn next(&self) -> Option<&Entry> {
        let number = *self.ready.first()?;
        self.entries().find(|entry| entry.number == number)
    }

    /// Where an issue stands; `None` for one that is not among these.
    pub fn state(&self, number: IssueNumber) -> Option<&State> {
        self.entries().find(|entry| entry.number == number).map(|entry| &entry.state)
    }

    /// Every issue with its state, epics too.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        let in_epics = self.epics.iter().flat_map(|group| std::iter::once(&group.epic).chain(&group.issues));
        in_epics.chain(&self.loose)
    }
}

/// Reads where the plans stand; with `epic`, that one only, open or closed. `built` are the issues that
/// have a finished build: the tracker cannot know.
pub async fn status(
    client: &Client,
    repo: &RepoName,
    epic: Option<IssueNumber>,
    built: &[IssueNumber],
) -> Result<Status, Error> {
    let mut open = client.issues(repo, &IssueQuery::default()).await?;
    open.retain(|issue| !issue.is_pull);
    let mut epics: Vec<Issue> = match epic {
        Some(number) => vec![client.issue(repo, number).await?],
        None => open.iter().filter(|issue| is_epic(issue)).cloned().collect(),
    };
    epics.sort_by_key(|issue| issue.number);
    let mut found = Found::default();
    for epic in &epics {
        let children = client.sub_issues(repo, epic.number).await?;
        found.add(epic, children, &open);
    }
    if epic.is_none() {
        found.add_loose(&open);
    }
    found.add_ancestors(&open);
    let mut nodes = nodes(client, repo, &found).await?;
    for node in &mut nodes {
        node.built = built.contains(&node.number);
    }
    Ok(found.into_status(&nodes))
}

fn is_epic(issue: &Issue) -> bool {
    body::marker(&issue.body).is_some_and(|marker| marker.key == EPIC)
}

/// Issues that count, by what they are.
#[derive(Default)]
struct Found {
    groups: Vec<(Issue, Vec<Issue>)>,
    loose: Vec<Issue>,
    /// Only looked at because they may block an epic.
    ancestors: Vec<Issue>,
    seen: BTreeSet<IssueNumber>,
}

impl Found {
    /// An epic, its sub-issues, and what is open below those.
    fn add(&mut self, epic: &Issue, children: Vec<Issue>, open: &[Issue]) {
        self.seen.insert(epic.number);
        let mut issues = Vec::new();
        for child in children {
            if self.seen.insert(child.number) {
                let child = Issue { parent: Some(epic.number), ..child };
                let number = child.number;
                issues.push(child);
                self.below(number, open, &mut issues);
            }
        }
        self.groups.push((epic.clone(), issues));
    }

    fn below(&mut self, parent: IssueNumber, open: &[Issue], issues: &mut Vec<Issue>) {
        for child in open.iter().filter(|issue| issue.parent == Some(parent)) {
            if self.seen.insert(child.number) {
                issues.push(child.clone());
                self.below(child.number, open, issues);
            }
        }
    }

    fn add_loose(&mut self, open: &[Issue]) {
        let planned = |issue: &&Issue| body::marker(&issue.body).is_some_and(|marker| marker.key != EPIC);
        for issue in open.iter().filter(planned) {
            if self.seen.insert(issue.number) {
                self.loose.push(issue.clone());
            }
        }
        self.loose.sort_by_key(|issue| issue.number);
    }

    fn add_ancestors(&mut self, open: &[Issue]) {
        let by_number: BTreeMap<IssueNumber, &Issue> =
            open.iter().map(|issue| (issue.number, issue)).collect();
        let tops = self.groups.iter().map(|(epic, _)| epic).chain(&self.loose);
        let mut next: Vec<IssueNumber> = tops.filter_map(|issue| issue.parent).collect();
        for _ in 0..LEVELS {
            let here: Vec<&Issue> = next
                .iter()
                .filter(|number| self.seen.insert(**number))
                .filter_map(|number| by_number.get(number).copied())
                .collect();
            next = here.iter().filter_map(|issue| issue.parent).collect();
            self.ancestors.extend(here.into_iter().cloned());
        }
    }

    fn all(&self) -> impl Iterator<Item = &Issue> {
        let in_groups = self.groups.iter().flat_map(|(epic, issues)| std::iter::once(epic).chain(issues));
        in_groups.chain(&self.loose).chain(&self.ancestors)
    }

    fn into_status(self, nodes: &[Node]) -> Status {
        let states = states(nodes);
        let entry = |issue: &Issue| Entry {
            number: issue.number,
            title: issue.title.clone(),
            url: issue.url.clone(),
            parent: issue.parent,
            key: body::marker(&issue.body).map(|marker| marker.key).filter(|key| key != EPIC),
            state: states.get(&issue.number).cloned().unwrap_or(State::Done),
        };
        let group = |(epic, issues): &(Issue, Vec<Issue>)| Group {
            epic: entry(epic),
            issues: issues.iter().map(entry).collect(),
        };
        let shown: BTreeSet<IssueNumber> = self
            .groups
            .iter()
            .flat_map(|(_, issues)| issues)
            .chain(&self.loose)
            .map(|issue| issue.number)
            .collect();
        Status {
            epics: self.groups.iter().map(group).collect(),
            loose: self.loose.iter().map(entry).collect(),
            ready: ready(nodes).into_iter().filter(|number| shown.contains(number)).collect(),
        }
    }
}

/// Every issue with its edges; what is closed waits for nothing and is not asked.
async fn nodes(client: &Client, repo: &RepoName, found: &Found) -> Result<Vec<Node>, Error> {
    let open = found.all().filter(|issue| issue.open).map(|issue| issue.number);
    let read = |number: IssueNumber| async move {
        let blockers = client.blocked_by(repo, number).await?;
        let blockers =
            blockers.iter().map(|issue| Blocker { number: issue.number, open: issue.open }).collect();
        Ok::<_, Error>((number, blockers))
    };
    let mut blockers: BTreeMap<IssueNumber, Vec<Blocker>> =
        stream::iter(open.map(read)).buffer_unordered(AT_ONCE).try_collect().await?;
    let parents: BTreeSet<IssueNumber> = found.all().filter_map(|issue| issue.parent).collect();
    let node = |issue: &Issue| Node {
        number: issue.number,
        open: issue.open,
        group: is_epic(issue) || parents.contains(&issue.number),
        parent: issue.parent,
        built: false,
        blockers: blockers.remove(&issue.number).unwrap_or_default(),
    };
    Ok(found.all().map(node).collect())
}
