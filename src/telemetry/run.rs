//! One invocation of a verb: its id, its folder, its clock, where its events go, how it is cancelled.
//!
//! A verb gets its run from `cli` and hands it down. It is the only thing that all of them share.

use std::path::{Path, PathBuf};

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

impl Run {
    /// A new run of `verb` whose folder is `<state>/runs/<id>`; the folder is made by whoever writes first.
    pub fn new(state: &Path, verb: &str, clock: Clock, events: Events) -> Self {
        let id = id(&clock, verb);
        let folder = state.join("runs").join(&id.0);
        Self { id, verb: verb.to_owned(), folder, clock, events, cancel: CancellationToken::new() }
    }
}

/// `20261122-114233-build-3f9a`: time in UTC, verb, four random digits against two runs in one second.
fn id(clock: &Clock, verb: &str) -> RunId {
    let at = clock.now().strftime("%Y%m%d-%H%M%S").to_string();
    RunId(format!("{at}-{verb}-{:04x}", fastrand::u16(..)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_when_and_what() {
        let clock = Clock::starting_at("2026-11-22T11:42:33Z".parse().unwrap());
        let run = Run::new(Path::new("/state"), "build", clock, Events::none());
        let (start, random) = run.id.0.rsplit_once('-').unwrap();
        assert_eq!(start, "20261122-114233-build");
        assert_eq!(random.len(), 4);
        assert_eq!(run.folder, Path::new("/state/runs").join(&run.id.0));
    }
}
