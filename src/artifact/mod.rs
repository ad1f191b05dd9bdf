//! The documents that the verbs exchange: plain data, versioned, stored as files.
//!
//! `plan` writes a [`Plan`], `harness` an [`Evidence`], `review` a [`Verdict`]; `build` reads all
//! three and imports none of their makers. An artifact decides nothing and does no I/O.

pub mod body;
pub mod choice;
pub mod event;
pub mod evidence;
pub mod ids;
pub mod plan;
pub mod verdict;

pub use choice::{RepoChoice, Repos};
pub use event::{Event, Events};
pub use evidence::Evidence;
pub use ids::{Branch, CommitId, IssueId, IssueNumber, RepoName, RepoPath, RunId, TreeId, Usd};
pub use plan::Plan;
pub use verdict::Verdict;
