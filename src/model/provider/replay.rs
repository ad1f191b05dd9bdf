//! A recorded transcript in the place of a server: raw response bodies, one a turn, in order.
//!
//! A transcript is a folder whose files are the bodies, in the order of their names, or a `.jsonl`
//! file with one JSON string, or one object with the string under `body`, a line, or any other file
//! that is one body. The bodies are those of either protocol, told apart by their first event.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use serde_json::Value;

use super::Dialect;
use crate::fs;
use crate::model::Error;

/// A transcript and how far it has been replayed.
#[derive(Debug)]
pub(in crate::model) struct Replay {
    path: PathBuf,
    bodies: Vec<Bytes>,
    next: AtomicUsize,
}

impl Replay {
    /// Reads the whole transcript.
    pub(in crate::model) fn open(path: &Path) -> Result<Self, Error> {
        let bodies = match path.extension() {
            _ if path.is_dir() => folder(path)?,
            Some(extension) if extension == "jsonl" => lines(path)?,
            _ => vec![fs::read(path)?.into()],
        };
        Ok(Self { path: path.to_owned(), bodies, next: AtomicUsize::new(0) })
    }

    /// The next body and the protocol it is in.
    pub(in crate::model) fn next(&self) -> Result<(Dialect, Bytes), Error> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let body = self.bodies.get(turn).cloned().ok_or_else(|| Error::Replay {
            path: self.path.display().to_string(),
            what: format!("turn {} was asked for, and it holds {}", turn + 1, self.bodies.len()),
        })?;
        Ok((dialect(&body), body))
    }
}

fn folder(path: &Path) -> Result<Vec<Bytes>, Error> {
    let listed = |source| fs::Error::new("list", path, source);
    let entries = std::fs::read_dir(path).map_err(listed)?.collect::<Result<Vec<_>, _>>().map_err(listed)?;
    let mut files: Vec<_> =
        entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files.iter().map(|file| Ok(fs::read(file)?.into())).collect()
}

fn lines(path: &Path) -> Result<Vec<Bytes>, Error> {
    let text = fs::read_text(path)?;
    let body = |(number, line): (usize, &str)| {
        let value: Option<Value> = serde_json::from_str(line).ok();
        let body = value.as_ref().and_then(|value| value.as_str().or_else(|| value["body"].as_str()));
        body.map(|body| Bytes::from(body.to_owned())).ok_or_else(|| Error::Replay {
            path: path.display().to_string(),
            what: format!("line {} is no JSON string and has none under `body`", number + 1),
        })
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(body).collect()
}

fn dialect(body: &[u8]) -> Dialect {
    let head = String::from_utf8_lossy(body.get(..body.len().min(4096)).unwrap_or(body));
    if head.contains("\"choices\"") && !head.contains("message_start") {
        Dialect::Openai
    } else {
        Dialect::Anthropic
    }
}
