//! From one sentence to issues that can be built: survey, draft, lint, preview, publish, next.
//!
//! Deciding is pure (lint, order, reconcile, ready); drafting asks a model, publishing asks GitHub.
//! Publishing can be cut off at any request and run again: what was made is found by the marker in
//! its body, nothing is made twice, and what a person has edited is left alone.

#[cfg(test)]
mod example;
pub mod lint;
pub mod order;
pub mod preview;
pub mod ready;

pub use lint::{Problem, Weight, lint};
pub use preview::{Preview, preview};
