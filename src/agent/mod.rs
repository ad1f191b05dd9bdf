//! The agent: a model with tools, worked turn by turn to an end.
//!
//! The one idea: a pure [`Machine`] decides and a small driver, [`Conversation`], performs. Around
//! them stand [`Mind`], which makes one model turn and accounts for it, [`Budget`], which is asked
//! before money is spent, and [`Toolbox`], whose tools can reach nothing outside the worktree they
//! were given. It knows no prompts: verbs hand it finished messages. It never commits.

mod budget;
mod conversation;
mod error;
pub mod machine;
mod mind;
pub mod step;
mod stuck;
pub mod tools;
mod transcript;

pub use budget::{Budget, Spent};
pub use conversation::Conversation;
pub use error::Error;
pub use machine::Machine;
pub use mind::Mind;
pub use step::{Ended, Limits, Shortfall};
pub use tools::{Outcome, Toolbox, View};
