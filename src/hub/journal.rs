//! The journal: one JSON line a transaction, appended and synced before anybody is told of it.
//!
//! A kill can cut only the last line; such a line was never answered for, so it is dropped. If a
//! line cannot be written whole, the file is put back to its old length, and if even that fails no
//! further line is taken.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Serialize};

use super::Error;
use super::state::{Change, State};
use crate::fs;

/// One transaction: all of its changes, or none.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    at: Timestamp,
    changes: Vec<Change>,
}

/// The open journal. It is locked for this process by the file beside it.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    length: u64,
    broken: bool,
    _lock: fs::Lock,
}

impl Journal {
    /// Opens the journal and replays it.
    pub(super) fn open(folder: &Path, lock: fs::Lock) -> Result<(Self, State), Error> {
        let path = folder.join("journal.jsonl");
        let failed = |source| fs::Error::new("read", &path, source);
        let mut file = private(&path)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        let (state, length) = replay(&path, &text)?;
        file.set_len(length).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok((Self { path, file, length, broken: false, _lock: lock }, state))
    }

    /// Appends one transaction and syncs it.
    pub(super) fn append(&mut self, at: Timestamp, changes: &[Change]) -> Result<(), fs::Error> {
        let line = Line { at, changes: changes.to_vec() };
        let written = serde_json::to_vec(&line).map_err(io::Error::other).and_then(|mut bytes| {
            bytes.push(b'\n');
            self.write(&bytes)
        });
        written.map_err(|source| fs::Error::new("write", &self.path, source))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.broken {
            return Err(io::Error::other("an earlier write failed half-way"));
        }
        let result = self.file.write_all(bytes).and_then(|()| self.file.sync_data());
        match result {
            Ok(()) => self.length += bytes.len() as u64,
            Err(_) => self.broken = !self.put_back(),
        }
        result
    }

    fn put_back(&mut self) -> bool {
        self.file.set_len(self.length).is_ok() && self.file.seek(SeekFrom::End(0)).is_ok()
    }
}

/// The state that the lines make, and how many bytes of them are whole.
fn replay(path: &Path, text: &[u8]) -> Result<(State, u64), Error> {
    let mut state = State::default();
    let mut whole = 0;
    for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if !line.ends_with(b"\n") {
            tracing::warn!(
                bytes = line.len(),
                "the last line of the hub's journal was cut off and is dropped"
            );
            break;
        }
        let failed = |source| Error::Journal { path: path.to_owned(), line: index + 1, source };
        let Line { at, changes } = serde_json::from_slice(line).map_err(failed)?;
        for change in &changes {
            let dangling = || serde_json::Error::custom("it names something that does not exist");
            state.apply(at, change).ok_or_else(dangling).map_err(failed)?;
        }
        whole += line.len() as u64;
    }
    Ok((state, whole))
}

/// Opens or creates a file that only its owner reads.
pub(super) fn private(path: &Path) -> Result<File, fs::Error> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|source| fs::Error::new("open", path, source))
}
