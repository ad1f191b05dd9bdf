//! The review of one exact tree, and the gate that build, the hook and `cli` share.
//!
//! The index is frozen with `git write-tree`; everything that is read is read from that tree, and the
//! verdict is bound to its id. Probes find what can be found without a model; the reviewer judges from
//! first principles; `decide` and `gate` are pure. A review that could not be made is never a pass.

pub mod decide;
pub mod diff;
pub mod gate;
pub mod hook;
pub mod probes;
pub mod sarif;
pub mod store;

pub use gate::{Gate, gate};
