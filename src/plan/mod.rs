//! From one sentence to issues that can be built: survey, draft, lint, preview, publish, next.
//!
//! Deciding is pure (lint, order, reconcile, ready); drafting asks a model, publishing asks GitHub.
//! Publishing can be cut off at any request and run again: what was made is found by the marker in
//! its body, nothing is made twice, and what a person has edited is left alone.

pub mod draft;
mod error;
#[cfg(test)]
mod example;
pub mod file;
pub mod lint;
pub mod order;
pub mod preview;
pub mod publish;
pub mod ready;
pub mod reconcile;
pub mod status;
pub mod survey;
mod wire;

pub use draft::{Ask, draft};
pub use error::Error;
pub use lint::{Problem, Weight, lint};
pub use preview::{Preview, preview};
pub use publish::{Report, Target, publish};
pub use status::{Status, status};
pub use survey::{Existing, Survey, survey};
