//! Why a command was not run.

use crate::error::{Exit, Failure};
use crate::process;

/// Why a command was not run. A command that ran and failed is no error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The helper could not be started.
    #[error("cannot start the sandbox")]
    Start(#[source] process::Error),
    /// Its folders could not be made.
    #[error("cannot prepare the sandbox")]
    Prepare(#[source] crate::fs::Error),
    /// This platform holds too little to run what a model wrote.
    #[error("this machine cannot confine a command: {missing}")]
    TooWeak {
        /// What it does not hold.
        missing: String,
    },
    /// The helper took rights away and failed on the way.
    #[error("the sandbox could not be set up: {step}")]
    Setup {
        /// The step and what the system said.
        step: String,
    },
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        Exit::Unable
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::TooWeak { .. } => {
                vec!["run planwright on Linux 5.13 or newer, in a container too".to_owned()]
            }
            Self::Prepare(error) => error.hints(),
            _ => Vec::new(),
        }
    }
}
