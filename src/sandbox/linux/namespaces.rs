//! Namespaces: a user's own, and in it those of mounts, network, messages and processes.

use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::{ExitCode, Stdio};

use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

use super::{Failed, start_stage};
use crate::sandbox::order::Order;
use crate::sandbox::policy::Network;

/// Enters new namespaces of users, mounts and messages, and of the network where it is refused. In them
/// we are the superuser, who means nothing outside.
pub(super) fn enter(order: &Order) -> Result<(), Failed> {
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    let mapper = if user == 0 { Some(start_stage(order, "map", Stdio::piped())?) } else { None };
    let mut flags = CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWIPC;
    if order.network == Network::Refused {
        flags |= CloneFlags::CLONE_NEWNET;
    }
    unshare(flags).map_err(Failed::at("make namespaces"))?;
    if let Some(mut mapper) = mapper {
        drop(mapper.stdin.take());
        if mapper.wait().map_err(Failed::at("map user ids"))?.success() {
            return Ok(());
        }
    }
    map("self", &format!("0 {user} 1"), &format!("0 {group} 1"), Groups::Denied)
}

/// The next child of ours will be the first process of a new process namespace.
pub(super) fn enter_processes() -> Result<(), Failed> {
    unshare(CloneFlags::CLONE_NEWPID).map_err(Failed::at("make a process namespace"))
}

/// The user and group outside for whom we are the superuser here; `None` where that is the superuser.
pub(super) fn outside() -> Option<(String, String)> {
    let outside = |kind: &str| -> Option<String> {
        let map = crate::fs::read_text(Path::new(&format!("/proc/self/{kind}_map"))).ok()?;
        let mut fields = map.split_whitespace().map(str::to_owned);
        let (_, outside, count) = (fields.next()?, fields.next()?, fields.next()?);
        (count == "1").then_some(outside)
    };
    outside("uid").filter(|user| user != "0").zip(outside("gid"))
}

/// Leaves the superuser who arranged the mounts: an ordinary user becomes themselves again, in a
/// namespace from which the mounts cannot be rearranged.
pub(super) fn become_oneself() -> Result<(), Failed> {
    let Some((user, group)) = outside() else { return Ok(()) };
    unshare(CloneFlags::CLONE_NEWUSER).map_err(Failed::at("become oneself"))?;
    map("self", &format!("{user} 0 1"), &format!("{group} 0 1"), Groups::Denied)
}

/// The stage `map`: once our parent has its namespace, gives it every user and group id that we have
/// ourselves. So a superuser's worktree that belongs to somebody else can be worked in.
pub(super) fn map_parent() -> Option<ExitCode> {
    let mut wait = Vec::new();
    io::stdin().lock().read_to_end(&mut wait).ok()?;
    let parent = nix::unistd::getppid().to_string();
    map(&parent, &all_of("uid")?, &all_of("gid")?, Groups::Kept).ok()?;
    Some(ExitCode::SUCCESS)
}

/// Every id that we have, as it is: `first first count` for each range.
fn all_of(kind: &str) -> Option<String> {
    let map = crate::fs::read_text(Path::new(&format!("/proc/self/{kind}_map"))).ok()?;
    let range = |line: &str| {
        let mut fields = line.split_whitespace();
        let (first, _, count) = (fields.next()?, fields.next()?, fields.next()?);
        Some(format!("{first} {first} {count}\n"))
    };
    map.lines().map(range).collect()
}

/// Whether a process may still change its groups; without privilege outside it may not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Groups {
    Kept,
    Denied,
}

fn map(process: &str, users: &str, groups: &str, setgroups: Groups) -> Result<(), Failed> {
    let tell = |file: &str, text: &str| {
        let path = format!("/proc/{process}/{file}");
        let opened = std::fs::OpenOptions::new().write(true).open(&path);
        opened
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(Failed::at(format!("write `{path}`")))
    };
    if setgroups == Groups::Denied {
        tell("setgroups", "deny")?;
    }
    tell("uid_map", users)?;
    tell("gid_map", groups)
}
