//! Landlock: the kernel refuses writes whatever is mounted, and signals and sockets across the border.
//!
//! Each kernel knows more of it than the one before; what this one does not know is left to the rest.

use std::io;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access as _, AccessFs, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _, RulesetCreated,
    RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use super::mounts::DEVICES;
use crate::sandbox::order::{Level, Order};

/// The newest rules that we ask for.
const NEWEST: ABI = ABI::V9;

/// Restricts us and whoever we start, for good. Says whether the kernel does it.
pub(super) fn restrict(order: &Order, writable: &[PathBuf]) -> io::Result<bool> {
    let restricted =
        rules(order, writable).and_then(RulesetCreated::restrict_self).map_err(io::Error::other)?;
    Ok(restricted.ruleset != RulesetStatus::NotEnforced)
}

fn rules(order: &Order, writable: &[PathBuf]) -> Result<RulesetCreated, RulesetError> {
    let readable = match order.level {
        Level::Namespaces => vec![PathBuf::from("/")],
        Level::Filters => readable(order),
    };
    let devices = DEVICES.iter().chain(&["/dev/pts", "/dev/ptmx"]).map(Path::new);
    let device = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev | AccessFs::ReadDir;
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .add_rules(path_beneath_rules(readable, AccessFs::from_read(NEWEST)))?
        .add_rules(path_beneath_rules([Path::new("/")], AccessFs::ReadDir))?
        .add_rules(path_beneath_rules(devices, device))?
        .add_rules(path_beneath_rules(writable, AccessFs::from_all(NEWEST)))
}

/// Without mounts there is nothing to hide a secret with, so that everything around it is allowed
/// instead: the siblings of each folder on the way to it. Devices are allowed one by one.
fn readable(order: &Order) -> Vec<PathBuf> {
    let devices = PathBuf::from("/dev");
    let hidden: Vec<_> = order.hidden.iter().chain([&devices]).collect();
    let mut allowed = Vec::new();
    let mut ways = vec![PathBuf::from("/")];
    while let Some(folder) = ways.pop() {
        for path in crate::fs::list(&folder).unwrap_or_default() {
            if hidden.contains(&&path) || path.is_symlink() {
                continue;
            }
            if hidden.iter().any(|secret| secret.starts_with(&path)) {
                ways.push(path);
            } else {
                allowed.push(path);
            }
        }
    }
    allowed
}
