//! Why a review could not even be tried. A reviewer that does not answer is no error but a decision.

use crate::error::{Exit, Failure};
use crate::{agent, fs, git, prompts};

/// Why a review could not even be tried.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The tree or the change could not be read.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// A prompt could not be made.
    #[error(transparent)]
    Prompt(#[from] prompts::Error),
    /// The verdict could not be kept.
    #[error(transparent)]
    Store(#[from] fs::Error),
    /// The person interrupted, or ledger or transcript could not be written.
    #[error(transparent)]
    Agent(#[from] agent::Error),
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Git(error) => error.exit(),
            Self::Prompt(error) => error.exit(),
            Self::Store(error) => error.exit(),
            Self::Agent(error) => error.exit(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Git(error) => error.hints(),
            Self::Prompt(error) => error.hints(),
            Self::Store(error) => error.hints(),
            Self::Agent(error) => error.hints(),
        }
    }
}
