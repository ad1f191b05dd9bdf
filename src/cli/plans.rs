//! What is next: where the plans stand on the tracker, together with what is built here already.
//!
//! `plan next`, `plan status` and `build --next` read it, so that the three never disagree.

use super::error::{Error, Stop};
use super::session::Session;
use super::tracker::Tracker;
use crate::artifact::IssueNumber;
use crate::build::{self, Finished};
use crate::plan::ready::State;
use crate::plan::status::Entry;
use crate::plan::{self, Status};

/// Where every planned issue stands.
pub(super) struct Plans {
    /// As the tracker has it.
    pub(super) status: Status,
    /// Finished builds whose branch is still there.
    pub(super) built: Vec<Finished>,
}

impl Plans {
    /// Asks tracker and repository; with `epic`, about that one only.
    pub(super) async fn read(
        session: &Session<'_>,
        tracker: &Tracker,
        epic: Option<IssueNumber>,
    ) -> Result<Self, Stop> {
        let repo = session.settled.require_repo(&session.call.dir)?;
        let state = &session.settled.loaded.settings.places.state;
        let mut built = build::finished(repo, state, tracker.home()).await?;
        let numbers: Vec<IssueNumber> = built.iter().map(|build| build.issue).collect();
        let status = plan::status(&tracker.client, &tracker.repo, epic, &numbers).await?;
        built.retain(|build| status.state(build.issue).is_none_or(|state| *state == State::Built));
        Ok(Self { status, built })
    }

    /// What should be worked on next, or what keeps everything from being worked on.
    pub(super) fn next(&self) -> Result<&Entry, Error> {
        let waiting = || {
            let blocked = |entry: &&Entry| matches!(entry.state, State::Blocked(_));
            self.status.entries().filter(blocked).count()
        };
        let built = || {
            let is_planned = |build: &&Finished| self.status.state(build.issue).is_some();
            self.built.iter().filter(is_planned).cloned().collect()
        };
        self.status.next().ok_or_else(|| Error::NothingReady { waiting: waiting(), built: built() })
    }

    /// The finished build of an issue that is still open.
    pub(super) fn build_of(&self, number: IssueNumber) -> Option<&Finished> {
        self.built.iter().find(|build| build.issue == number)
    }
}
