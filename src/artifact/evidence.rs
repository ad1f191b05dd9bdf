//! Evidence: what running the checks showed, before and after the work.
//!
//! Red before and green after is what proves an issue done. A check that could not run is not green.

use serde::{Deserialize, Serialize};

use super::TreeId;
use super::plan::Check;

/// What one run of the harness showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The version of this format; today 1.
    pub version: u32,
    /// The tree that the harness looked at, when it was frozen.
    pub tree: Option<TreeId>,
    /// The project's own test command, if one is configured.
    pub tests: Option<Shown>,
    /// Each acceptance check, in the order.
    pub checks: Vec<Shown>,
}

impl Evidence {
    /// The version written today.
    pub const VERSION: u32 = 1;

    /// Whether the project's tests and every executable check are green.
    pub fn is_green(&self) -> bool {
        let tests_hold = self.tests.as_ref().is_none_or(|tests| tests.outcome == Outcome::Green);
        tests_hold && self.checks.iter().all(|check| matches!(check.outcome, Outcome::Green | Outcome::Human))
    }

    /// Every attempt to reach the network, over all checks and tests.
    pub fn network(&self) -> impl Iterator<Item = &Attempt> {
        self.tests.iter().chain(&self.checks).flat_map(|shown| &shown.network)
    }
}

/// What one check showed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    /// The criterion in words.
    pub criterion: String,
    /// The check that was run.
    pub check: Check,
    /// Green, red, or why neither.
    pub outcome: Outcome,
    /// The exit status, where a process ran and ended by itself.
    pub exit: Option<i32>,
    /// The end of what it printed, capped, secrets removed.
    pub output: String,
    /// How long it ran.
    pub millis: u64,
    /// What it tried to reach on the network, as far as the platform shows.
    pub network: Vec<Attempt>,
}

/// The outcome of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Green,
    /// It does not hold.
    Red,
    /// It could not be run, and why. Never counts as green.
    NotRun(String),
    /// Left to the person.
    Human,
}

/// One attempt to reach the network.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Attempt {
    /// The host name, or the address where no name is known.
    pub host: String,
    /// The port, where known.
    pub port: Option<u16>,
    /// Who tried: a test, a pipeline resource, a process.
    pub by: String,
}
