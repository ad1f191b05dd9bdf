//! The verdict of a review: bound to one exact tree, valid for no other.
//!
//! "Could not review" is a decision of its own, so that it can never be read as clean.

use serde::{Deserialize, Serialize};

use super::{RepoPath, TreeId};

/// What a review decided about one tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The version of this format; today 1.
    pub version: u32,
    /// The tree reviewed: the index frozen by `git write-tree`.
    pub tree: TreeId,
    /// The tree it was compared with, if there was one.
    pub base: Option<TreeId>,
    /// What was decided.
    pub decision: Decision,
    /// What was found, the most severe first.
    pub findings: Vec<Finding>,
    /// Files of the change that the reviewer did not see whole, and why.
    pub not_seen: Vec<String>,
    /// The model that reviewed.
    pub reviewer: String,
    /// When, in UTC.
    pub at: jiff::Timestamp,
}

impl Verdict {
    /// The version written today.
    pub const VERSION: u32 = 1;
}

/// What a review decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Nothing stands in the way of the commit.
    Pass,
    /// At least one blocking finding.
    Block,
    /// No review could be made, and why.
    Unreviewed(String),
}

/// One thing found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The file, if it is about one.
    pub path: Option<RepoPath>,
    /// The line in the reviewed tree, counted from 1.
    pub line: Option<u32>,
    /// One line: what is wrong.
    pub title: String,
    /// Why it is wrong, with the text or the run that shows it.
    pub evidence: String,
    /// What would mend it.
    pub suggestion: Option<String>,
    /// Who found it: `reviewer`, or the name of a probe.
    pub source: String,
}

impl Finding {
    /// Its title behind its place, as far as there is one: `src/a.rs:7: rows are lost`.
    pub fn placed(&self) -> String {
        match (&self.path, self.line) {
            (Some(path), Some(line)) => format!("{path}:{line}: {}", self.title),
            (Some(path), None) => format!("{path}: {}", self.title),
            (None, _) => self.title.clone(),
        }
    }
}

/// How bad a finding is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Must be mended before the commit.
    Blocking,
    /// Should be mended; does not stop the commit.
    Warning,
    /// Worth knowing.
    Note,
}
