//! Runs and their log: every invocation has an id, a folder and JSON lines that can be correlated.
//!
//! The one idea: a line is flat. Whatever span an event happened in, its fields (run, issue, turn,
//! request) stand beside the event's own, so that a log loads into a table and joins with the ledger.
//! Nothing here prints: where people read along, `cli` hands in the writer.

pub mod audit;
pub mod log;
pub mod rotate;
pub mod run;

pub use audit::{Audit, audit};
pub use log::{Aloud, Error, Options, start};
pub use run::Run;
