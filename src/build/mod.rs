//! Builds one issue to a reviewed commit.
//!
//! The order is a pure machine: checks before, implement, checks after, review, commit, or another
//! round, up to a bound. The driver carries it out in a worktree of its own and journals each step, so
//! that a killed build goes on where it was. The commit is made here, never by the model, and the
//! person's own work tree is never touched.

pub mod order;
pub mod outcome;

pub use outcome::{Options, Outcome, Step};
