//! What a command may do, as data, and what of it the platform holds.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What one command may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Where it works and may write.
    pub worktree: PathBuf,
    /// A private folder, made if it is not there: its `TMPDIR` and its `HOME` lie in it.
    pub temp: PathBuf,
    /// Whether it may use the network.
    pub network: Network,
    /// Environment variables it gets besides the built-in few.
    pub pass_environment: Vec<String>,
    /// Paths that it may read and never write, inside the worktree too; they stay visible where the rest
    /// of a shared folder like `/tmp` does not. `.git` in the worktree is always one of them; the
    /// repository's git folder belongs here too.
    pub read_only: Vec<PathBuf>,
    /// Where tools keep what they download, instead of in the person's home; `None` leaves them the home's
    /// toolchains, to read.
    pub cache: Option<Cache>,
}

/// A folder of our own for what tools download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// The folder, made if it is not there.
    pub folder: PathBuf,
    /// What a command may do there.
    pub access: Access,
}

/// What a command may do in a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Fill it.
    Fill,
    /// Read what is there.
    Read,
}

/// Whether a command may use the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// Its own loopback at most, where attempts to reach further are seen and refused.
    Refused,
    /// As the person's own programs.
    Allowed,
}

/// What holds on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "five independent facts, each printed by name")]
pub struct Protections {
    /// Files outside worktree and temp are read-only, secrets are hidden, `.git` cannot be changed.
    pub mounts: bool,
    /// It has a network of its own, with nothing on it but loopback.
    pub network: bool,
    /// It sees no other processes, and all of its own die with it.
    pub processes: bool,
    /// The kernel's Landlock refuses writes too, whatever is mounted.
    pub landlock: bool,
    /// System calls that could undo the rest are refused.
    pub seccomp: bool,
}

impl Protections {
    /// What is missing so badly that nothing may run: writing or network would be open.
    pub fn lacks(&self, network: Network) -> Option<&'static str> {
        if !self.mounts && !self.landlock {
            return Some(
                "it has neither user namespaces nor Landlock, so writing outside the worktree cannot be refused",
            );
        }
        if !self.seccomp {
            return Some("it has no seccomp filter, so a command could undo its confinement");
        }
        let open = network == Network::Refused && !self.network && !self.seccomp;
        open.then_some("it has neither network namespaces nor seccomp, so the network cannot be refused")
    }
}

impl fmt::Display for Protections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == (Self { mounts: true, network: true, processes: true, landlock: true, seccomp: true }) {
            return f.write_str("complete: mounts, network, processes, Landlock, seccomp");
        }
        let less = [
            (
                self.mounts,
                "no mount namespace: secrets are hidden by Landlock alone, `.git` in the worktree can be changed (planwright's git does not read it)",
            ),
            (
                self.network,
                "no network namespace: sockets are refused altogether, servers that tests start on loopback too, and attempts are not seen",
            ),
            (self.processes, "no process namespace: a process that leaves its group may outlive the command"),
            (self.landlock, "no Landlock: mounts alone refuse writes"),
            (self.seccomp, "no seccomp"),
        ];
        let less: Vec<_> = less.into_iter().filter(|(holds, _)| !holds).map(|(_, text)| text).collect();
        write!(f, "less than complete: {}", less.join("; "))
    }
}
