//! A model server of scripted bytes on loopback: what the demo and the tests talk to.
//!
//! It speaks real HTTP on a real socket, so everything above the socket is the code that talks to a
//! provider. A [`Script`] holds, by model id, turns in order; each may expect words in the last
//! message, so that a script that no longer fits fails where it stops fitting. It thinks nothing up.

mod serve;
mod turn;

use std::collections::BTreeMap;

pub use serve::{Error, Received, Running, serve};
pub use turn::Turn;

/// What scripted models do.
#[derive(Debug, Clone, Default)]
pub struct Script {
    turns: BTreeMap<String, Vec<Turn>>,
}

impl Script {
    /// A script of no models.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds turns of a model, after those it already has.
    #[must_use]
    pub fn model(mut self, id: impl Into<String>, turns: impl IntoIterator<Item = Turn>) -> Self {
        self.turns.entry(id.into()).or_default().extend(turns);
        self
    }
}

/// A turn that says nothing yet.
pub fn turn() -> Turn {
    Turn::default()
}
