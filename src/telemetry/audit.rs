//! The audit trail: every change made to GitHub, git, the warehouse and the hub, one line each.

use std::fmt;

/// The target of audit events in the log.
pub const TARGET: &str = "audit";

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audit {
    /// Issues, comments, links and pull requests on GitHub or any server with its API.
    Github,
    /// Commits, branches and worktrees.
    Git,
    /// Tables of the warehouse.
    Warehouse,
    /// The embedded hub's own journal.
    Hub,
}

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Github => "github",
            Self::Git => "git",
            Self::Warehouse => "warehouse",
            Self::Hub => "hub",
        })
    }
}

/// Writes one line of the audit trail: `action` is a verb in the past (`created issue`), `target` what it was
/// done to (`octo/hello#34`). Call it after the change was made, never before.
pub fn audit(kind: Audit, action: &str, target: &str) {
    tracing::info!(target: TARGET, kind = %kind, action, object = target, "{kind}: {action} {target}");
}
