//! The ledger: what every model turn cost and did, one JSON line each.
//!
//! Money that is not known is `null`, and a sum with an unknown part is unknown: a zero would be a
//! lie. The file only grows; `sync` loads it into the warehouse, `runs` reads it.

mod totals;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use totals::{Total, sum, totals};

use crate::artifact::{IssueNumber, RunId, Usd};
use crate::config::Role;
use crate::error::{Exit, Failure};
use crate::model::Usage;

/// One model turn, or one other thing worth its line: the outcome of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The run.
    pub run: RunId,
    /// When it ended.
    pub at: Timestamp,
    /// The verb of the run.
    pub verb: String,
    /// The role that spoke; `None` for the line that closes a run.
    pub role: Option<Role>,
    /// The model that answered.
    pub model: Option<String>,
    /// The issue worked on.
    pub issue: Option<IssueNumber>,
    /// The turn's number in its conversation, from 1; 0 for the line that closes a run.
    pub turn: u32,
    /// Tokens.
    #[serde(flatten)]
    pub usage: Usage,
    /// What it cost; `None` where the model's prices are unknown.
    pub cost: Option<Usd>,
    /// How long it took.
    pub millis: u64,
    /// `end_turn`, `tool_use`, `refusal`, an error's kind; for a run `done`, `refused`, `interrupted`.
    pub outcome: String,
}

/// The ledger of one state folder. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ledger {
    path: PathBuf,
}

/// Why the ledger could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be used.
    #[error(transparent)]
    File(#[from] crate::fs::Error),
    /// An entry could not be written as JSON.
    #[error("cannot write a ledger entry as JSON")]
    Entry {
        /// What the library said.
        #[source]
        source: serde_json::Error,
    },
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        Exit::Unable
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::File(error) => error.hints(),
            Self::Entry { .. } => Vec::new(),
        }
    }
}

/// What reading the ledger gave.
#[derive(Debug, Default)]
pub struct Read {
    /// The entries, oldest first.
    pub entries: Vec<Entry>,
    /// Numbers of lines that are no entries: a line cut by a crash, for instance.
    pub broken: Vec<usize>,
}

impl Ledger {
    /// The ledger in `state`; nothing is touched until something is recorded.
    pub fn open(state: &Path) -> Self {
        Self { path: state.join("ledger.jsonl") }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Appends one entry in one write.
    pub fn record(&self, entry: &Entry) -> Result<(), Error> {
        let line = serde_json::to_string(entry).map_err(|source| Error::Entry { source })?;
        Ok(crate::fs::append_line(&self.path, &line)?)
    }

    /// Every entry, oldest first.
    pub fn entries(&self) -> Result<Vec<Entry>, Error> {
        Ok(self.read()?.entries)
    }

    /// Every entry, and which lines could not be read.
    pub fn read(&self) -> Result<Read, Error> {
        let text = crate::fs::read_text_if_exists(&self.path)?.unwrap_or_default();
        let mut read = Read::default();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            match serde_json::from_str(line) {
                Ok(entry) => read.entries.push(entry),
                Err(_) => read.broken.push(index + 1),
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cut_by_a_crash_is_named_and_the_others_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path());
        assert!(ledger.entries().unwrap().is_empty());
        let entry = totals::tests::entry(Role::Planner, Some(0.25));
        ledger.record(&entry).unwrap();
        crate::fs::append_line(ledger.path(), "{\"run\":\"cut").unwrap();
        ledger.record(&entry).unwrap();
        let read = ledger.read().unwrap();
        assert_eq!(read.entries, [entry.clone(), entry]);
        assert_eq!(read.broken, [2]);
    }
}
