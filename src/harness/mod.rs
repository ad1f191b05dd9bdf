//! The harness: runs tests and checks, returns evidence.
//!
//! The one idea: a check is green only when it ran here, confined, and held. What could not run is
//! "not run" with its reason, never green and never red; what it tried to reach on the network is part
//! of what it showed. The harness decides nothing about commits: the gate does.

pub mod checks;
pub mod erase;
pub mod faults;
pub mod kept;
pub mod pipelines;
pub mod record;
pub mod replay;
pub mod run;
pub mod snapshots;

pub use run::Bench;
