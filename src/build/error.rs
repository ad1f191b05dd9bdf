//! Why a build ended without a commit.

use std::path::PathBuf;

use crate::artifact::{Branch, IssueNumber, RepoName};
use crate::error::{Exit, Failure};
use crate::{agent, fs, git, github, ledger, prompts, review, sandbox};

use super::finished::Finished;
use super::order::{Cause, Stop};

/// Why a build ended without a commit.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such issue.
    #[error("there is no issue {number} in `{repo}`")]
    UnknownIssue {
        /// The number.
        number: IssueNumber,
        /// The repository.
        repo: RepoName,
    },
    /// The number is a pull request's.
    #[error("{number} is a pull request, not an issue")]
    PullRequest {
        /// The number.
        number: IssueNumber,
    },
    /// The issue is closed.
    #[error("issue {number} is closed")]
    Closed {
        /// The number.
        number: IssueNumber,
    },
    /// The issue has open sub-issues: they are what is built.
    #[error("issue {number} has {open} open sub-issues, which are built one by one")]
    HasParts {
        /// The number.
        number: IssueNumber,
        /// How many are open.
        open: usize,
    },
    /// Something must be done first.
    #[error("issue {number} waits for {}", waited_for(by, built))]
    Blocked {
        /// The number.
        number: IssueNumber,
        /// The open issues that block it, or an issue that it is part of.
        by: Vec<IssueNumber>,
        /// Those among them that are built and wait themselves: to be merged.
        built: Vec<Finished>,
    },
    /// HEAD is detached and no branch is the default one.
    #[error("there is no branch to build on: HEAD is detached, and neither `main` nor `master` is there")]
    NoBranch,
    /// Something of somebody else is where the workbench should be.
    #[error("`{}` is in the way of the workbench of {number}", path.display())]
    InTheWay {
        /// The issue.
        number: IssueNumber,
        /// What is there.
        path: PathBuf,
    },
    /// A branch that no build of ours made is there.
    #[error("the branch `{branch}` is there already, and no build on record made it")]
    BranchTaken {
        /// The branch.
        branch: Branch,
    },
    /// Another process builds the same issue.
    #[error("issue {number} is being built by another planwright")]
    InUse {
        /// The issue.
        number: IssueNumber,
    },
    /// The journal of the build cannot be understood.
    #[error("the journal `{}` of this build is damaged", path.display())]
    Journal {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The setup command failed.
    #[error("the setup command `{command}` {how}: {output}")]
    Setup {
        /// The command.
        command: String,
        /// How it ended.
        how: String,
        /// The end of what it printed.
        output: String,
    },
    /// The build was given up.
    #[error("{}", stop_text(*number, stop, *rounds))]
    Stopped {
        /// The issue.
        number: IssueNumber,
        /// Why.
        stop: Stop,
        /// Rounds that were made.
        rounds: u32,
        /// Where the work lies.
        worktree: PathBuf,
    },
    /// A pull request needs a remote.
    #[error("the repository has no remote `{remote}` to push to")]
    NoRemote {
        /// The remote's name.
        remote: String,
    },
    /// The tracker could not be asked or told.
    #[error(transparent)]
    Github(#[from] github::Error),
    /// git failed.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// A file could not be used.
    #[error(transparent)]
    File(#[from] fs::Error),
    /// The implementer could not be asked.
    #[error(transparent)]
    Agent(#[from] agent::Error),
    /// The review could not be tried.
    #[error(transparent)]
    Review(#[from] review::Error),
    /// A prompt could not be made.
    #[error(transparent)]
    Prompt(#[from] prompts::Error),
    /// A command could not be confined.
    #[error(transparent)]
    Sandbox(#[from] sandbox::Error),
    /// The ledger could not be read.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
}

fn waited_for(by: &[IssueNumber], built: &[Finished]) -> String {
    let name = |number: &IssueNumber| match built.iter().find(|build| build.issue == *number) {
        Some(build) => format!("{number} ({})", build.standing),
        None => number.to_string(),
    };
    by.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn stop_text(number: IssueNumber, stop: &Stop, rounds: u32) -> String {
    let after = if rounds == 1 { "after 1 round".to_owned() } else { format!("after {rounds} rounds") };
    match stop {
        Stop::NothingWasRed => {
            format!(
                "every check of {number} is green before the work, so that green afterwards would prove nothing"
            )
        }
        Stop::Rounds(Cause::Checks) => {
            format!("the build of {number} was given up {after}: its checks are not green")
        }
        Stop::Rounds(Cause::Findings) => {
            format!(
                "the build of {number} was given up {after}: the review still finds something that must be mended"
            )
        }
        Stop::Rounds(Cause::NothingChanged) | Stop::NothingChanged => {
            format!("the build of {number} was given up {after}: the implementer changed nothing")
        }
        Stop::SameFindings => {
            format!("the build of {number} was given up {after}: two reviews in a row found the same")
        }
        Stop::Implementer(why) => format!("the build of {number} was given up {after}: {why}"),
        Stop::Unreviewed(why) => format!("the work on {number} is green but could not be reviewed: {why}"),
        Stop::Gate(why) => format!("the gate stayed closed for {number}: {why}"),
    }
}

impl Error {
    fn inner(&self) -> Option<&dyn Failure> {
        match self {
            Self::Github(error) => Some(error),
            Self::Git(error) => Some(error),
            Self::File(error) => Some(error),
            Self::Agent(error) => Some(error),
            Self::Review(error) => Some(error),
            Self::Prompt(error) => Some(error),
            Self::Sandbox(error) => Some(error),
            Self::Ledger(error) => Some(error),
            _ => None,
        }
    }
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        if let Some(inner) = self.inner() {
            return inner.exit();
        }
        match self {
            Self::UnknownIssue { .. } | Self::PullRequest { .. } | Self::HasParts { .. } | Self::NoBranch => {
                Exit::Usage
            }
            Self::Stopped { stop: Stop::Unreviewed(_), .. } | Self::InUse { .. } | Self::Journal { .. } => {
                Exit::Unable
            }
            Self::NoRemote { .. } => Exit::Usage,
            _ => Exit::Refused,
        }
    }

    fn hints(&self) -> Vec<String> {
        if let Some(inner) = self.inner() {
            return inner.hints();
        }
        match self {
            Self::UnknownIssue { .. } => vec!["planwright plan status".to_owned()],
            Self::Closed { .. } | Self::HasParts { .. } => vec!["planwright build --next".to_owned()],
            Self::Blocked { number, by, built } => blocked_hints(*number, by, built),
            Self::NoBranch => vec!["git switch -c main".to_owned()],
            Self::InTheWay { path, .. } => {
                vec![format!("look at it, then remove it: rm -r {}", path.display())]
            }
            Self::BranchTaken { branch } => vec![format!("git branch -m {branch} {branch}-old")],
            Self::Journal { path, .. } => vec![format!("begin this build anew: rm {}", path.display())],
            Self::Setup { .. } => vec![
                "in planwright.toml, under [build], correct: setup = \"…\"".to_owned(),
                "if it needs the network, in ~/.config/planwright/config.toml, under [build], write: setup_network = true"
                    .to_owned(),
            ],
            Self::NoRemote { remote } => {
                vec![format!("git remote add {remote} git@github.com:OWNER/NAME.git")]
            }
            Self::Stopped { number, stop, worktree, .. } => stop_hints(*number, stop, worktree),
            _ => Vec::new(),
        }
    }
}

/// What is built wants to be shipped; what is not, to be built.
fn blocked_hints(number: IssueNumber, by: &[IssueNumber], built: &[Finished]) -> Vec<String> {
    let open = by.iter().find(|blocker| built.iter().all(|build| build.issue != **blocker));
    let ship = built.iter().filter_map(|build| build.next.first()).map(ToString::to_string);
    let last = open.map_or(number, |open| *open);
    ship.chain([format!("planwright build {}", last.0)]).collect()
}

fn stop_hints(number: IssueNumber, stop: &Stop, worktree: &std::path::Path) -> Vec<String> {
    match stop {
        Stop::NothingWasRed => {
            vec![format!("close {number}, or edit its checks so that one is red until the work is done")]
        }
        Stop::Unreviewed(_) => {
            vec![format!("the work is kept; review it again: planwright build {}", number.0)]
        }
        _ => vec![
            format!("see the work: git -C {} diff HEAD", worktree.display()),
            format!("mend it there or edit the issue, then go on: planwright build {}", number.0),
        ],
    }
}
