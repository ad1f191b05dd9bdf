//! The hub: an embedded GitHub, in this process, on loopback.
//!
//! It is the tracker where no token is configured, and the double of GitHub in tests: the same client
//! speaks to both, and only the base URL and the token differ. It answers GitHub's REST dialect under
//! `/` and under `/api/v3`, in bodies full enough for strict clients. Its state is the fold of an
//! append-only journal on disk, one line a change, synced before the answer; a line that a crash cut
//! in half is dropped at the next start. Ids are never equal to numbers, so that mixing them up fails.
//!
//! Under `/graphql` it answers questions over what those routes render (`graphql`).
//!
//! Requests are answered by plain functions from the state and the request to an answer
//! (`answer`); the sockets are in `server`. It knows no git: pull requests are names of branches.
//!
//! Behind the same door, token, paging and tags stands the [`sample`] account: made up, of any size, to read.

mod answer;
mod content;
mod edges;
mod exchange;
mod faults;
mod graphql;
mod issues;
mod journal;
mod labels;
mod listing;
mod meter;
mod pulls;
mod received;
mod refusal;
mod render;
mod repos;
mod request;
pub mod sample;
mod server;
mod state;
mod store;
mod wire;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

pub use faults::{Fault, Faults, Only, What};
pub use meter::Served;
pub use server::{Running, running, show, start};

use crate::clock::Clock;
use crate::error::{Exit, Failure};

/// How a hub runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the journal, the token and the last address are kept.
    pub folder: PathBuf,
    /// Where to listen. Port 0 takes the port of the last time, or any when that is taken.
    pub address: SocketAddr,
    /// Who the person is on the hub.
    pub login: String,
    /// The time of changes.
    pub clock: Clock,
    /// What goes wrong on purpose; [`Faults::default`] for nothing.
    pub faults: Faults,
}

/// How a sample account is shown.
#[derive(Debug, Clone)]
pub struct Show {
    /// What is in it.
    pub account: sample::Account,
    /// Where to listen; port 0 takes any.
    pub address: SocketAddr,
    /// How long every answer takes, as if it came from afar.
    pub latency: Duration,
    /// The time of the quota, and what waits.
    pub clock: Clock,
    /// What goes wrong on purpose; [`Faults::default`] for nothing.
    pub faults: Faults,
}

/// The hub could not start or could not keep its state.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process serves the same folder.
    #[error("the hub in `{}` is served by another process", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// Where the other one listens, as far as it said.
        address: Option<String>,
    },
    /// The address cannot be listened on.
    #[error("the hub cannot listen on `{address}`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of the hub could not be read or written.
    #[error(transparent)]
    File(#[from] crate::fs::Error),
    /// It would not do what it was asked to, outside of HTTP.
    #[error("the hub refused: {message}")]
    Refused {
        /// Why.
        message: String,
    },
    /// A line of the journal, not the last, makes no sense.
    #[error("line {line} of the hub's journal `{}` makes no sense", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// Counts from 1.
        line: usize,
        /// Why.
        source: serde_json::Error,
    },
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        Exit::Unable
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::InUse { address: Some(address), .. } => {
                vec![format!("it listens at {address}; stop it, or set GITHUB_API_URL={address}")]
            }
            Self::Journal { path, line, .. } => {
                vec![format!("look at the line: `sed -n {line}p {}`", path.display())]
            }
            Self::File(error) => error.hints(),
            _ => Vec::new(),
        }
    }
}
