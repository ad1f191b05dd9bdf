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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::RepoName;
    use crate::hub::state::{Edit, NewIssue};

    fn open(folder: &Path) -> (Journal, State) {
        let lock = fs::try_lock(&folder.join("lock")).unwrap().unwrap();
        Journal::open(folder, lock).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn first() -> Vec<Change> {
        let name: RepoName = "acme/shop".parse().unwrap();
        let issue = NewIssue { id: 3_000_000_002, number: 1, by: "ada".to_owned(), ..NewIssue::default() };
        vec![
            Change::Repo { id: 3_000_000_001, name, default_branch: "main".to_owned() },
            Change::Issue { repo: 3_000_000_001, issue },
        ]
    }

    fn second() -> Vec<Change> {
        let edit =
            Edit {
                title: Some("Zwölf Boxkämpfer\njagen".to_owned()), open: Some(false), ..Edit::default()
            };
        let body = "a comment".to_owned();
        vec![
            Change::Edited { issue: 3_000_000_002, by: "ada".to_owned(), edit },
            Change::Comment { issue: 3_000_000_002, id: 3_000_000_003, by: "ada".to_owned(), body },
        ]
    }

    #[test]
    fn a_journal_cut_at_any_byte_of_its_last_line_gives_the_state_before_or_after() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let (mut journal, _) = open(folder.path());
        journal.append(at(1), &first()).unwrap();
        let before = journal.length;
        journal.append(at(2), &second()).unwrap();
        drop(journal);
        let whole = fs::read(&path).unwrap();
        let (state_after, _) = replay(&path, &whole).unwrap();
        let (state_before, _) = replay(&path, &whole[..usize::try_from(before).unwrap()]).unwrap();
        assert_ne!(state_before, state_after);
        for cut in usize::try_from(before).unwrap()..=whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let (mut journal, state) = open(folder.path());
            let expected = if cut == whole.len() { &state_after } else { &state_before };
            assert!(&state == expected, "cut after {cut} of {} bytes", whole.len());
            journal.append(at(3), &[Change::CommentDeleted { repo: 9, id: 9 }]).unwrap();
            let text = fs::read_text(&path).unwrap();
            assert!(text.ends_with('\n') && text.lines().all(|line| line.starts_with("{\"at\"")), "{text}");
        }
    }

    #[test]
    fn a_line_that_makes_no_sense_is_named_and_not_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let (mut journal, _) = open(folder.path());
        journal.append(at(1), &first()).unwrap();
        journal.append(at(2), &[Change::CommentDeleted { repo: 9, id: 9 }]).unwrap();
        drop(journal);
        let lock = fs::try_lock(&folder.path().join("lock")).unwrap().unwrap();
        let error = Journal::open(folder.path(), lock).unwrap_err();
        assert!(matches!(error, Error::Journal { line: 2, .. }), "{error}");
        assert!(fs::read_text(&path).unwrap().lines().count() == 2, "nothing was thrown away");
    }
}
