//! A file of lines that is set aside when it grows too large: `log.jsonl`, then `log.1.jsonl`, and no more.
//!
//! Two files bound what a run can fill: twice the limit. The folder is made with the first line, so
//! that a run that says nothing leaves nothing.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// See the module.
#[derive(Debug)]
pub(super) struct Rotating {
    path: PathBuf,
    limit: u64,
    open: Option<(File, u64)>,
}

impl Rotating {
    /// Lines go to `path`, which is set aside after `limit` bytes.
    pub(super) const fn new(path: PathBuf, limit: u64) -> Self {
        Self { path, limit, open: None }
    }

    /// Appends one line in one write.
    pub(super) fn line(&mut self, line: &[u8]) -> io::Result<()> {
        let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if self
            .open
            .as_ref()
            .is_some_and(|(_, written)| *written > 0 && written.saturating_add(length) > self.limit)
        {
            self.open = None;
            std::fs::rename(&self.path, aside(&self.path))?;
        }
        if self.open.is_none() {
            self.open = Some(open(&self.path)?);
        }
        if let Some((file, written)) = &mut self.open {
            file.write_all(line)?;
            *written += length;
        }
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<(File, u64)> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let file = OpenOptions::new().create(true).append(true).open(path)?;
    let written = file.metadata()?.len();
    Ok((file, written))
}

/// `log.jsonl` is set aside as `log.1.jsonl`.
fn aside(path: &Path) -> PathBuf {
    path.with_extension("1.jsonl")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_is_set_aside_and_only_one_of_them_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs/log.jsonl");
        let mut rotating = Rotating::new(path.clone(), 10);
        for line in ["first\n", "second\n", "third\n"] {
            rotating.line(line.as_bytes()).unwrap();
        }
        assert_eq!(crate::fs::read_text(&path).unwrap(), "third\n");
        assert_eq!(crate::fs::read_text(&path.with_file_name("log.1.jsonl")).unwrap(), "second\n");
    }
}
