//! The journal of one build: `builds/<number>.json`, written whole after every step.
//!
//! It holds what a later process needs to go on as if nothing had happened: where the machine
//! stands, the evidence so far, and the ids of what was made outside (commit, pull request), so that
//! nothing is made twice.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::artifact::verdict::Finding;
use crate::artifact::{Branch, CommitId, Evidence, IssueNumber, TreeId, Verdict};
use crate::fs;

use super::Error;
use super::order::State;

/// What is kept of a build.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Journal {
    /// The version of this format; today 1.
    pub(super) version: u32,
    /// The issue.
    pub(super) issue: IssueNumber,
    /// The branch it is built on.
    pub(super) branch: Branch,
    /// The branch it was started from.
    pub(super) onto: Branch,
    /// The commit it was started from.
    pub(super) base: CommitId,
    /// Where the worktree is.
    pub(super) worktree: PathBuf,
    /// Whether the worktree was made whole.
    #[serde(default)]
    pub(super) made: bool,
    /// Whether the setup command has run.
    pub(super) set_up: bool,
    /// Where the machine stands.
    pub(super) state: State,
    /// What the checks showed before the work.
    pub(super) before: Option<Evidence>,
    /// The tree as the checks before the work left it: what differs from it is somebody's work.
    #[serde(default)]
    pub(super) untouched: Option<TreeId>,
    /// What they showed last.
    pub(super) after: Option<Evidence>,
    /// The tree that was frozen last.
    pub(super) tree: Option<TreeId>,
    /// The verdict of the last review.
    pub(super) verdict: Option<Verdict>,
    /// What the last review found, for the round that mends it.
    pub(super) findings: Vec<Finding>,
    /// What blocked the last tree that a review refused.
    #[serde(default)]
    pub(super) blocked: Vec<Finding>,
    /// The implementer's last message in its last round.
    #[serde(default)]
    pub(super) said: String,
    /// The commit, made but perhaps not yet on its branch.
    pub(super) commit: Option<CommitId>,
    /// The pull request: its page on GitHub, `owner/name#1` on the hub.
    pub(super) pull_request: Option<String>,
}

impl Journal {
    /// The version written today.
    pub(super) const VERSION: u32 = 1;

    /// Reads the journal of an issue; `None` if it was never built.
    pub(super) fn load(state: &Path, issue: IssueNumber) -> Result<Option<Self>, Error> {
        let path = path(state, issue);
        let Some(text) = fs::read_text_if_exists(&path)? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|source| Error::Journal { path, source })
    }

    /// Every journal there is, by the number of its issue.
    pub(super) fn all(state: &Path) -> Result<Vec<Self>, Error> {
        let number = |path: PathBuf| path.file_name()?.to_str()?.strip_suffix(".json")?.parse().ok();
        let mut numbers: Vec<IssueNumber> =
            fs::list(&state.join("builds"))?.into_iter().filter_map(number).collect();
        numbers.sort();
        numbers.into_iter().filter_map(|number| Self::load(state, number).transpose()).collect()
    }

    /// Writes it whole or not at all.
    pub(super) fn save(&self, state: &Path) -> Result<(), Error> {
        let path = path(state, self.issue);
        let text = serde_json::to_vec_pretty(self)
            .map_err(|source| Error::Journal { path: path.clone(), source })?;
        Ok(fs::write(&path, &text)?)
    }

    /// Forgets a build.
    pub(super) fn remove(state: &Path, issue: IssueNumber) -> Result<(), Error> {
        Ok(fs::remove_file(&path(state, issue))?)
    }

    /// Keeps other processes from building the same issue; held until dropped.
    pub(super) fn lock(state: &Path, issue: IssueNumber) -> Result<fs::Lock, Error> {
        let path = path(state, issue).with_extension("lock");
        fs::try_lock(&path)?.ok_or(Error::InUse { number: issue })
    }
}

fn path(state: &Path, issue: IssueNumber) -> PathBuf {
    state.join("builds").join(format!("{}.json", issue.0))
}
