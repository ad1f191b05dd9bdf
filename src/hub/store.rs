//! State and journal together, and the one way to change them: journal first, then state.

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};

use super::journal::Journal;
use super::refusal::Refusal;
use super::state::{Change, State};
use crate::artifact::RepoName;
use crate::clock::Clock;
use crate::telemetry::{Audit, audit};

/// What the hub's lock guards.
#[derive(Debug)]
pub(super) struct Store {
    pub(super) state: State,
    /// Taken away when the hub stops; nothing is changed after that.
    pub(super) journal: Option<Journal>,
    pub(super) login: String,
    pub(super) clock: Clock,
}

impl Store {
    /// The time in whole seconds, as GitHub keeps it.
    pub(super) fn now(&self) -> Timestamp {
        let now = self.clock.now();
        now.round(TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Trunc)).unwrap_or(now)
    }

    /// Makes a transaction last, then visible.
    pub(super) fn commit(&mut self, changes: &[Change]) -> Result<(), Refusal> {
        if changes.is_empty() {
            return Ok(());
        }
        let at = self.now();
        let journal = self.journal.as_mut().ok_or_else(Refusal::stopped)?;
        journal.append(at, changes).map_err(|error| {
            tracing::error!(%error, source = %error.source, "the hub's journal cannot be written");
            Refusal::broken()
        })?;
        for change in changes {
            self.state.apply(at, change);
        }
        audit(Audit::Hub, "committed", &format!("{} changes", changes.len()));
        Ok(())
    }

    /// Makes sure that people are known; changes for those who are not, with ids from the `nth` fresh one.
    pub(super) fn users(&self, logins: &[&str], nth: u64) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        for login in logins {
            let here = |change: &Change| matches!(change, Change::User { login: known, .. } if known.eq_ignore_ascii_case(login));
            if !self.state.users.contains_key(&login.to_lowercase()) && !changes.iter().any(here) {
                let id = self.state.fresh_id(nth + changes.len() as u64);
                changes.push(Change::User { id, login: (*login).to_owned() });
            }
        }
        changes
    }

    /// Makes a repository unless it exists.
    pub(super) fn ensure_repo(&mut self, name: &RepoName) -> Result<(), Refusal> {
        if self.state.repo(&name.owner, &name.name).is_some() {
            return Ok(());
        }
        let mut changes = self.users(&[&name.owner], 0);
        let id = self.state.fresh_id(changes.len() as u64);
        changes.push(Change::Repo { id, name: name.clone(), default_branch: "main".to_owned() });
        self.commit(&changes)
    }
}
