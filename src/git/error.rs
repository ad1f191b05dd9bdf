//! What can go wrong with git, as facts.

use std::path::PathBuf;

use crate::artifact::{Branch, CommitId};
use crate::error::{Exit, Failure};
use crate::process;

/// Why git could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder belongs to no repository.
    #[error("`{}` is not in a git repository", dir.display())]
    NotARepository {
        /// The folder.
        dir: PathBuf,
    },
    /// The repository has no work tree.
    #[error("`{}` is a bare repository: it has no files to work on", dir.display())]
    Bare {
        /// The folder.
        dir: PathBuf,
    },
    /// git refuses a repository that belongs to somebody else.
    #[error("git does not trust `{}`, because somebody else owns it", dir.display())]
    DubiousOwnership {
        /// The folder.
        dir: PathBuf,
    },
    /// git is not installed.
    #[error("git is not installed, or not on the `PATH`")]
    GitMissing,
    /// The repository has no commit yet.
    #[error("the repository `{}` has no commit yet", root.display())]
    EmptyRepository {
        /// The top of its work tree.
        root: PathBuf,
    },
    /// git does not know who commits.
    #[error("git does not know your name and e-mail address")]
    NoIdentity,
    /// A branch to be made is there already.
    #[error("the branch `{branch}` exists already")]
    BranchExists {
        /// The branch.
        branch: Branch,
    },
    /// A branch is not where it was: somebody else moved it.
    #[error("the branch `{branch}` is not at {}", expected.as_ref().map_or("its beginning", |commit| commit.short()))]
    Moved {
        /// The branch.
        branch: Branch,
        /// Where it should have been; `None` when it should not have existed.
        expected: Option<CommitId>,
    },
    /// A path is no worktree of this repository.
    #[error("`{}` is not a worktree of this repository", path.display())]
    NoWorktree {
        /// The path.
        path: PathBuf,
    },
    /// git could not be run.
    #[error("cannot run git")]
    Process(#[source] process::Error),
    /// The records of worktrees could not be read.
    #[error("cannot read the repository's records of its worktrees")]
    Records(#[source] crate::fs::Error),
    /// A folder of a worktree could not be removed.
    #[error("cannot remove the worktree")]
    Remove(#[source] crate::fs::Error),
    /// git took too long.
    #[error("`git {what}` did not end within {seconds} seconds")]
    TimedOut {
        /// The git command.
        what: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// git answered more than fits.
    #[error("`git {what}` answers {found} bytes, of which {allowed} fit")]
    TooLarge {
        /// The git command.
        what: String,
        /// How much it was.
        found: u64,
        /// How much is read.
        allowed: u64,
    },
    /// git answered what is not understood.
    #[error("the answer of `git {what}` is not understood: `{answer}`")]
    Answer {
        /// The git command.
        what: String,
        /// The part that is not understood.
        answer: String,
    },
    /// git refused.
    #[error("`git {what}` failed: {stderr}")]
    Failed {
        /// The git command.
        what: String,
        /// What git said, in one line.
        stderr: String,
    },
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::NotARepository { .. } | Self::Bare { .. } | Self::EmptyRepository { .. } => Exit::Usage,
            _ => Exit::Unable,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::NotARepository { .. } => vec!["git init".to_owned()],
            Self::DubiousOwnership { dir } => {
                vec![format!("git config --global --add safe.directory {}", dir.display())]
            }
            Self::EmptyRepository { .. } => vec!["git add -A && git commit -m \"First commit\"".to_owned()],
            Self::NoIdentity => vec![
                "git config --global user.name \"Your Name\"".to_owned(),
                "git config --global user.email you@example.com".to_owned(),
            ],
            Self::Records(error) | Self::Remove(error) => error.hints(),
            Self::Failed { stderr, .. } if stderr.contains("Read-only file system") => {
                vec!["work in a copy that can be written: git clone . /another/place".to_owned()]
            }
            Self::BranchExists { branch } => vec![format!("git branch -D {branch}")],
            _ => Vec::new(),
        }
    }
}
