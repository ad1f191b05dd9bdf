//! Files, with errors that name the path.
//!
//! The one idea: a file is written whole or not at all (written beside, synced, renamed), and every
//! failure says what was tried on which path. Nothing here knows what the files mean.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

/// What was tried on a path and failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`", path.display())]
pub struct Error {
    /// The verb: read, write, create, remove, list.
    pub action: &'static str,
    /// The path it was tried on.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl Error {
    /// Names `path` and `action` in an I/O error.
    pub fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self { action, path: path.to_owned(), source }
    }

    /// What kind of I/O error lies beneath, for callers that branch.
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }
}

impl crate::error::Failure for Error {
    fn exit(&self) -> crate::error::Exit {
        crate::error::Exit::Unable
    }

    fn hints(&self) -> Vec<String> {
        let there = |path: &&Path| path.exists();
        let place = self.path.ancestors().skip(1).find(there).unwrap_or(&self.path).display();
        let hint = match self.kind() {
            io::ErrorKind::ReadOnlyFilesystem => {
                format!(
                    "`findmnt --target {place}` shows what is mounted read-only; work in a copy that is not"
                )
            }
            io::ErrorKind::PermissionDenied => format!("`ls -ld {place}` shows who may use it"),
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
                let file = self.path.ancestors().find(there).unwrap_or(&self.path).display();
                format!("`{file}` is a file where a folder should be: move it away")
            }
            io::ErrorKind::StorageFull => format!("`df -h {place}` shows what is full"),
            _ => return Vec::new(),
        };
        vec![hint]
    }
}

/// Reads a whole file.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads files")]
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::new("read", path, source))
}

/// Reads a whole file as UTF-8.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads files")]
pub fn read_text(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|source| Error::new("read", path, source))
}

/// Reads a whole file as UTF-8; a file that does not exist is `None`.
pub fn read_text_if_exists(path: &Path) -> Result<Option<String>, Error> {
    match read_text(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a whole file or nothing: beside it first, synced, then renamed over it. Creates the folder.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let failed = |source| Error::new("write", path, source);
    let folder = path.parent().unwrap_or(Path::new("."));
    create_folder(folder)?;
    let mut beside = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    beside.write_all(bytes).map_err(failed)?;
    beside.as_file().sync_data().map_err(failed)?;
    keep_permissions(path, beside.as_file()).map_err(failed)?;
    beside.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Writes a whole file or nothing, as [`write()`] does; only its owner can read it.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let failed = |source| Error::new("write", path, source);
    let mut beside =
        tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("."))).map_err(failed)?;
    beside.write_all(bytes).map_err(failed)?;
    beside.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Writes a file that nobody needs after a crash, as it comes: not synced, into a folder that is there.
#[expect(clippy::disallowed_methods, reason = "this is the one place that writes files")]
pub fn jot(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    std::fs::write(path, bytes).map_err(|source| Error::new("write", path, source))
}

/// A temporary file is private; the file it becomes has the mode of the one it replaces, or the usual one.
#[cfg(unix)]
fn keep_permissions(path: &Path, file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path).map_or(0o644, |old| old.permissions().mode());
    file.set_permissions(std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn keep_permissions(_path: &Path, _file: &File) -> io::Result<()> {
    Ok(())
}

/// Appends `line` and a newline in one write, so that lines of several processes do not mix. Creates the folder.
pub fn append_line(path: &Path, line: &str) -> Result<(), Error> {
    let failed = |source| Error::new("write", path, source);
    create_folder(path.parent().unwrap_or(Path::new(".")))?;
    let mut file = OpenOptions::new().create(true).append(true).open(path).map_err(failed)?;
    let mut whole = Vec::with_capacity(line.len() + 1);
    whole.extend_from_slice(line.as_bytes());
    whole.push(b'\n');
    file.write_all(&whole).map_err(failed)
}

/// Creates a folder and its parents; an existing one is fine.
pub fn create_folder(path: &Path) -> Result<(), Error> {
    std::fs::create_dir_all(path).map_err(|source| Error::new("create", path, source))
}

/// Fails now where a later write into this folder would: before something is paid for that could not be kept.
pub fn must_be_writable(folder: &Path) -> Result<(), Error> {
    create_folder(folder)?;
    tempfile::tempfile_in(folder).map(drop).map_err(|source| Error::new("write into", folder, source))
}

/// Removes a file; one that does not exist is fine.
pub fn remove_file(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::new("remove", path, source)),
        _ => Ok(()),
    }
}

/// Removes a folder with all it holds; one that does not exist is fine.
pub fn remove_folder(path: &Path) -> Result<(), Error> {
    match std::fs::remove_dir_all(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::new("remove", path, source)),
        _ => Ok(()),
    }
}

/// The entries of a folder, sorted by name; a folder that does not exist is empty.
pub fn list(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::new("list", path, source);
    let entries = match std::fs::read_dir(path) {
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed)?,
    };
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(failed)?;
    paths.sort();
    Ok(paths)
}

/// How often a lock that looks taken is tried, and the time between.
const LOCK_TRIES: u32 = 5;
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);

/// An exclusive lock on a file, held until it is dropped; `None` when another process holds it.
pub fn try_lock(path: &Path) -> Result<Option<Lock>, Error> {
    create_folder(path.parent().unwrap_or(Path::new(".")))?;
    let failed = |source| Error::new("lock", path, source);
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).read(true).open(path).map_err(failed)?;
    // A program that is just being started holds a copy of our files until it has replaced itself, so a lock
    // that was given back a moment ago may still look taken.
    for patience in (0..LOCK_TRIES).rev() {
        match file.try_lock() {
            Ok(()) => return Ok(Some(Lock { file, path: path.to_owned() })),
            Err(std::fs::TryLockError::WouldBlock) if patience > 0 => std::thread::sleep(LOCK_PAUSE),
            Err(std::fs::TryLockError::WouldBlock) => break,
            Err(std::fs::TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
    Ok(None)
}

/// See [`try_lock`].
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Reads the locked file.
    pub fn read(&mut self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        let read = self.file.rewind().and_then(|()| self.file.read_to_end(&mut bytes));
        read.map(|_| bytes).map_err(|source| Error::new("read", &self.path, source))
    }

    /// Writes the locked file in place, unsynced: cheap, and for what may be lost. A process that dies
    /// in the middle leaves it torn.
    pub fn replace(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.file.rewind().and_then(|()| self.file.write_all(bytes));
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let cut = written.and_then(|()| self.file.set_len(length));
        cut.map_err(|source| Error::new("write", &self.path, source))
    }
}
