//! Runs and their log: every invocation has an id, a folder and JSON lines that can be correlated.

pub mod run;

pub use run::Run;
