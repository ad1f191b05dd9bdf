//! What is asked of a build and what comes of it.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::artifact::{Branch, CommitId, Evidence, IssueNumber, TreeId, Usd, Verdict};

/// What is asked of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The issue to build.
    pub issue: IssueNumber,
    /// What happens to the commit besides lying on its branch.
    pub delivery: Delivery,
}

/// What happens to the commit besides lying on its branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Nothing: the person merges the branch.
    Branch,
    /// The branch is pushed and a pull request is opened for it.
    PullRequest,
}

/// What came of a build that reached its commit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// The issue.
    pub issue: IssueNumber,
    /// Its title.
    pub title: String,
    /// The branch the commit lies on.
    pub branch: Branch,
    /// The branch it was started from.
    pub onto: Branch,
    /// The worktree it was made in.
    pub worktree: PathBuf,
    /// The commit.
    pub commit: CommitId,
    /// Its tree: exactly the one that was reviewed.
    pub tree: TreeId,
    /// Rounds that it took.
    pub rounds: u32,
    /// What the checks showed before the work.
    pub before: Evidence,
    /// What they showed after it.
    pub after: Evidence,
    /// The verdict of the review.
    pub verdict: Verdict,
    /// What the issue has cost over all its runs; `None` where a model's prices are unknown.
    pub cost: Option<Usd>,
    /// The pull request, where one was asked for.
    pub pull_request: Option<String>,
    /// What the person does next to ship it.
    pub next: Vec<Step>,
}

/// Something the person can do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What it does, in a few words.
    pub what: String,
    /// The command.
    pub command: String,
}

impl fmt::Display for Step {
    /// `merge it first: git merge planwright/34-stars`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.command)
    }
}

impl Step {
    /// A step and what it does.
    pub(super) fn new(what: &str, command: String) -> Self {
        Self { what: what.to_owned(), command }
    }
}
