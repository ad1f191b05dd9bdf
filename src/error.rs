//! How a failure ends the process and what the person can do about it.
//!
//! Every module has its own error enum, whose variants are facts. What they share is this: each
//! failure knows its exit code and may know a hint. Only `cli` turns one into text on a screen.

use std::error::Error;

/// The exit codes of the program. Each has one meaning, the same for every verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The work is done.
    Done = 0,
    /// The tool worked and the answer is no: the gate refused, a check failed, the build could not finish.
    Refused = 1,
    /// Arguments, configuration or a spec are wrong.
    Usage = 2,
    /// Network, credentials, a missing program, a rate limit, a review that could not be made.
    Unable = 3,
    /// Part of the work is done and kept, and what is missing is listed.
    Partial = 4,
    /// A bug in planwright.
    Bug = 70,
    /// Interrupted by the person; state is saved.
    Interrupted = 130,
}

/// A failure that can present itself.
///
/// The `Display` text is the fact, `Error::source` the cause (never repeated in the text), and
/// `hints` are commands or edits that the person can make, not advice.
pub trait Failure: Error + Send + Sync + 'static {
    /// The exit code that this failure ends the process with.
    fn exit(&self) -> Exit;

    /// Commands or edits that help, each on a line of its own.
    fn hints(&self) -> Vec<String> {
        Vec::new()
    }
}
