//! Snapshots reviewed: which would be written anew, what would change in them, which no test names.
//!
//! Looking and writing are two steps. Nothing is written of a cassette that did not answer all that was
//! asked, and nothing is deleted: a file that no test names is told, and the person decides.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::error::{Exit, Failure};
use crate::fs;
use crate::pipeline::Folder;
use crate::pipeline::data_tests::{self, DataTest, Expect};
use crate::pipeline::snapshot::{self, Snapshot};
use crate::pipeline::warehouse::Warehouse;

/// What was found about one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reviewed {
    /// The file, in the pipeline's folder.
    pub path: String,
    /// What is with it.
    pub change: Change,
    /// The rows in which it differs; empty where it is not named.
    pub difference: String,
}

/// What is with a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It was not there.
    New,
    /// It held other rows.
    Changed,
    /// No test names it.
    Unused,
}

impl Change {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::Unused => "unused",
        }
    }
}

/// A snapshot to be written.
#[derive(Debug)]
pub(super) struct Fresh {
    pub(super) reviewed: Reviewed,
    text: String,
}

/// Why no snapshot can be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The pipeline has no folder to write in.
    #[error("the pipeline `{pipeline}` is shipped in the binary, where nothing can be written")]
    Shipped {
        /// Its name.
        pipeline: String,
    },
    /// A file cannot be written.
    #[error(transparent)]
    File(#[from] fs::Error),
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Shipped { .. } => Exit::Usage,
            Self::File(error) => error.exit(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Shipped { pipeline } => {
                vec![format!(
                    "copy the pipeline to `pipelines/{pipeline}` in your repository; a copy there wins"
                )]
            }
            Self::File(error) => error.hints(),
        }
    }
}

/// What the snapshot of a test would hold, where that is something else.
pub(super) fn fresh(warehouse: &Warehouse, test: &DataTest) -> Option<Fresh> {
    let Expect::Snapshot(Snapshot { path, stored, .. }) = &test.expect else { return None };
    let text = snapshot::text(&data_tests::rows(warehouse, test).ok()?);
    let before = stored.as_deref().unwrap_or_default();
    let difference = snapshot::difference(before, &text);
    let change = if stored.is_some() { Change::Changed } else { Change::New };
    if change == Change::Changed && difference.is_none() {
        return None;
    }
    let reviewed = Reviewed { path: path.clone(), change, difference: difference.unwrap_or_default() };
    Some(Fresh { reviewed, text })
}

/// The snapshots that none of the tests names.
pub(super) fn unused(folder: &Folder, tests: &[DataTest]) -> Vec<Reviewed> {
    let named: BTreeSet<&str> = tests
        .iter()
        .filter_map(|test| match &test.expect {
            Expect::Snapshot(snapshot) => Some(snapshot.path.as_str()),
            Expect::Nothing | Expect::Rows(_) | Expect::Within(_) => None,
        })
        .collect();
    let unused = folder.part(snapshot::PART, "jsonl").filter(|file| !named.contains(file.path));
    let reviewed =
        |path: &str| Reviewed { path: path.to_owned(), change: Change::Unused, difference: String::new() };
    unused.map(|file| reviewed(file.path)).collect()
}

/// Refuses a pipeline in whose folder nothing can be written.
pub(super) fn must_be_writable(folder: &Folder) -> Result<(), Error> {
    match folder.root {
        Some(_) => Ok(()),
        None => Err(Error::Shipped { pipeline: folder.name.clone() }),
    }
}

/// Writes the snapshots, once [`must_be_writable`] held.
pub(super) fn write(folder: &Folder, snapshots: &[Fresh]) -> Result<(), Error> {
    let Some(root) = folder.root.as_ref().filter(|_| !snapshots.is_empty()) else { return Ok(()) };
    for Fresh { reviewed, text } in snapshots {
        fs::write(&root.join(&reviewed.path), text.as_bytes())?;
    }
    Ok(())
}
