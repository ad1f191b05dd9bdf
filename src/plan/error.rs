//! Why a plan could not be surveyed for, read or published.

use std::path::PathBuf;

use super::draft;
use super::lint::Problem;
use crate::error::{Exit, Failure};
use crate::{context, fs, github};

/// Why a plan could not be surveyed for, read or published.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no plan.
    #[error(transparent)]
    Draft(#[from] draft::Error),
    /// The pack could not be made.
    #[error(transparent)]
    Context(#[from] context::Error),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] fs::Error),
    /// A plan file does not parse.
    #[error("`{}` is not a plan", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        source: serde_json::Error,
    },
    /// A plan file of another version.
    #[error("`{}` has version {found}; this program knows version {known}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// What it says.
        found: u64,
        /// What is known.
        known: u32,
    },
    /// The plan has errors, so nothing was published.
    #[error("the plan cannot be published: {}", listed(&texts(problems)))]
    Lint {
        /// The errors.
        problems: Vec<Problem>,
    },
    /// GitHub or the hub said no before anything was changed.
    #[error(transparent)]
    Github(#[from] github::Error),
    /// Publishing stopped in the middle. What is there stays and is found again.
    #[error("publishing stopped: {made} of {all} issues are there, {links} links between them are missing")]
    Partial {
        /// Issues that are there.
        made: usize,
        /// Issues of the plan, the epic included.
        all: usize,
        /// Links that are not made yet.
        links: usize,
        /// The plan file, to go on with.
        file: PathBuf,
        /// Why it stopped.
        source: Box<Self>,
    },
    /// The person interrupted.
    #[error("interrupted")]
    Interrupted,
}

fn texts(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

/// One problem on the same line, several on lines of their own.
pub(super) fn listed(problems: &[String]) -> String {
    match problems {
        [only] => only.clone(),
        many => format!("\n  - {}", many.join("\n  - ")),
    }
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Draft(error) => error.exit(),
            Self::Context(error) => error.exit(),
            Self::File(error) => error.exit(),
            Self::Parse { .. } | Self::Version { .. } | Self::Lint { .. } => Exit::Usage,
            Self::Github(error) => error.exit(),
            Self::Partial { source, .. } => match **source {
                Self::Interrupted => Exit::Interrupted,
                _ => Exit::Partial,
            },
            Self::Interrupted => Exit::Interrupted,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Draft(error) => error.hints(),
            Self::Context(error) => error.hints(),
            Self::File(error) => error.hints(),
            Self::Github(error) => error.hints(),
            Self::Parse { path, source } if source.is_eof() => {
                vec![format!(
                    "`{}` is cut off; take it from a backup, or plan anew: `planwright plan \"…\"`",
                    path.display()
                )]
            }
            Self::Parse { path, source } => {
                vec![format!("look at line {} of `{}`", source.line(), path.display())]
            }
            Self::Partial { source, file, .. } => {
                let mut hints = source.hints();
                hints.retain(|hint| !hint.starts_with("run the same command again"));
                hints.push(format!("go on where it stopped: `planwright plan publish {}`", file.display()));
                hints
            }
            _ => Vec::new(),
        }
    }
}
