//! One invocation of a verb: its id, its folder, its clock, where its events go, how it is cancelled.
//!
//! A verb gets its run from `cli` and hands it down. It is the only thing that all of them share.

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use crate::artifact::{Events, RunId};
use crate::clock::Clock;

/// One invocation of a verb. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Run {
    /// The run's id, which sorts by time.
    pub id: RunId,
    /// The verb: `plan`, `build`, `sync`.
    pub verb: String,
    /// Its folder under the state folder: log, audit trail, transcripts.
    pub folder: PathBuf,
    /// The time, as data.
    pub clock: Clock,
    /// Where events go.
    pub events: Events,
    /// Cancelled when the person interrupts.
    pub cancel: CancellationToken,
}
