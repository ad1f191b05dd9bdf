//! What the helper is told, and what it tells back: the two documents between us and our other self.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::policy::{Network, Protections};
use crate::artifact::evidence::Attempt;
use crate::fs;

/// What the helper is to do. Every path is absolute, real and there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) level: Level,
    pub(super) network: Network,
    /// Folders that the command may write; it starts in the first.
    pub(super) writable: Vec<PathBuf>,
    /// Paths inside these that it may not write.
    pub(super) read_only: Vec<PathBuf>,
    /// Paths that stay visible where everything else of their folder is hidden.
    pub(super) visible: Vec<PathBuf>,
    /// Files and folders that it may not see.
    pub(super) hidden: Vec<PathBuf>,
    /// A folder for the helper's own files: this order and the report among them.
    pub(super) private: PathBuf,
    /// What to run: a path and its arguments.
    pub(super) program: PathBuf,
    pub(super) args: Vec<String>,
    /// How the helper starts its own next stage.
    pub(super) helper: PathBuf,
}

/// How much of the kernel the helper asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Level {
    /// Namespaces, Landlock and seccomp.
    Namespaces,
    /// Landlock and seccomp, where namespaces cannot be had.
    Filters,
}

impl Order {
    /// Writes the order into its folder.
    pub(super) fn write(&self) -> Result<(), fs::Error> {
        let path = order_in(&self.private);
        let text = serde_json::to_vec(self).map_err(|error| fs::Error::new("write", &path, error.into()))?;
        fs::jot(&path, &text)
    }

    /// Reads the order out of its folder.
    pub(super) fn read(private: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(&order_in(private)).ok()?).ok()
    }

    /// The report, which the command may read and never write.
    pub(super) fn report(&self) -> PathBuf {
        self.private.join("report.jsonl")
    }

    /// A name server's address for the command, where it has a network of its own.
    pub(super) fn resolver(&self) -> PathBuf {
        self.private.join("resolv.conf")
    }
}

fn order_in(private: &Path) -> PathBuf {
    private.join("order.json")
}

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// Namespaces cannot be had here; nothing has run.
    Unavailable(String),
    /// This step failed; nothing has run.
    Failed(String),
    /// This much holds, and it is too little; nothing has run.
    TooWeak(String),
    /// The network is watched.
    Watching,
    /// This holds from now on, and the command starts.
    Confined(Protections),
    /// The command tried to reach this.
    Attempt {
        /// A name, or an address where no name was asked for.
        host: String,
        /// The port, where it came so far.
        port: Option<u16>,
    },
}

/// The report while it is written.
#[derive(Debug)]
pub(super) struct Report(File);

impl Report {
    /// Opens the report. A file open for writing keeps its mount from becoming read-only, so that this
    /// happens before there are mounts of our own, and later stages are given the open file.
    pub(super) fn open(order: &Order) -> io::Result<Self> {
        std::fs::OpenOptions::new().create(true).append(true).open(order.report()).map(Self)
    }

    /// The report that a stage was given as its standard input.
    pub(super) fn given() -> io::Result<Self> {
        io::stdin().as_fd().try_clone_to_owned().map(File::from).map(Self)
    }

    /// The report for the next stage's standard input.
    pub(super) fn give(&self) -> io::Result<File> {
        self.0.try_clone()
    }

    /// Writes one line. Without its lines a report says that nothing ran, which is the safe reading.
    pub(super) fn say(&mut self, line: &Line) {
        if let Ok(mut text) = serde_json::to_vec(line) {
            text.push(b'\n');
            drop(self.0.write_all(&text));
        }
    }
}

/// A report as it was found.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) unavailable: Option<String>,
    pub(super) failed: Option<String>,
    pub(super) too_weak: Option<String>,
    pub(super) watching: bool,
    pub(super) confined: Option<Protections>,
    pub(super) attempts: Vec<Attempt>,
}

/// Characters of a command that say who tried.
const SAYS_WHO: usize = 80;

impl Told {
    /// Reads a report. Each attempt counts once; a name that was only asked for says less than the same
    /// name with a port, and goes.
    pub(super) fn read(text: &str, by: &str) -> Self {
        let mut told = Self::default();
        let by: String = by.lines().next().unwrap_or_default().chars().take(SAYS_WHO).collect();
        for line in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
            match line {
                Line::Unavailable(reason) => told.unavailable = Some(reason),
                Line::Failed(step) => told.failed = Some(step),
                Line::TooWeak(missing) => told.too_weak = Some(missing),
                Line::Watching => told.watching = true,
                Line::Confined(protections) => told.confined = Some(protections),
                Line::Attempt { host, port } => told.attempts.push(Attempt { host, port, by: by.clone() }),
            }
        }
        let mut seen = std::collections::HashSet::new();
        told.attempts.retain(|attempt| seen.insert(attempt.clone()));
        let reached: Vec<_> =
            seen.iter().filter(|one| one.port.is_some()).map(|one| one.host.clone()).collect();
        told.attempts.retain(|attempt| attempt.port.is_some() || !reached.contains(&attempt.host));
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_attempt_is_told_once_with_its_port_and_who_tried() {
        let lines = r#"{"attempt":{"host":"api.github.com","port":null}}
            {"attempt":{"host":"api.github.com","port":443}}
            {"attempt":{"host":"api.github.com","port":443}}
            "watching"
            {"attempt":{"host":"pypi.org","port":null}}"#;
        let told = Told::read(lines, "cargo test\nmore");
        let attempts: Vec<_> =
            told.attempts.iter().map(|a| (a.host.as_str(), a.port, a.by.as_str())).collect();
        assert_eq!(attempts, [("api.github.com", Some(443), "cargo test"), ("pypi.org", None, "cargo test")]);
        assert!(told.watching && told.confined.is_none());
    }
}
