//! Why a conversation could not go on, apart from the ends that [`Ended`](super::Ended) tells.

use super::step::{Ended, Shortfall};
use crate::error::{Exit, Failure};
use crate::{fs, ledger, model};

/// Why a turn or an answer could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The model could not be asked, retries used up.
    #[error(transparent)]
    Model(#[from] model::Error),
    /// The turn could not be entered in the ledger.
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// The transcript could not be written.
    #[error(transparent)]
    Transcript(#[from] fs::Error),
    /// The next request may cost more than is left; it was not made.
    #[error("the next turn may cost {next}: {spent} of the run's {cap} are spent", next = .0.next, spent = .0.spent, cap = .0.cap)]
    Unaffordable(Shortfall),
    /// The conversation ended without the answer that was asked for.
    #[error("no answer from the model: {0}")]
    NoAnswer(Ended),
    /// The person interrupted while tools ran.
    #[error("interrupted")]
    Interrupted,
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Model(error) => error.exit(),
            Self::Ledger(error) => error.exit(),
            Self::Transcript(error) => error.exit(),
            Self::Unaffordable(_) | Self::NoAnswer(Ended::OutOfMoney(_)) => Exit::Refused,
            Self::NoAnswer(_) => Exit::Unable,
            Self::Interrupted => Exit::Interrupted,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Model(error) => error.hints(),
            Self::Ledger(error) => error.hints(),
            Self::Transcript(error) => error.hints(),
            Self::Unaffordable(shortfall) | Self::NoAnswer(Ended::OutOfMoney(shortfall)) => {
                let double = shortfall.cap.0 * 2.0;
                vec![format!("in planwright.toml, under [build], write: max_cost = {double:.2}")]
            }
            Self::NoAnswer(_) | Self::Interrupted => Vec::new(),
        }
    }
}
