//! Models: provider-neutral requests and replies, protocols that encode and decode, one send loop.
//!
//! A [`Client`] serves one profile. `request` and `event` are the words all protocols share;
//! `provider` holds the protocols, which do no I/O; `assemble`, `retry`, `explain` and `price` decide
//! and do none either; `receive` reads one stream; `client` is the loop. [`script`] is a server of
//! scripted bytes on loopback, for the demo and the tests. Conversations are append-only, and no
//! model is ever silently replaced by another.

mod assemble;
mod client;
pub mod error;
pub mod event;
mod explain;
pub mod facts;
pub mod price;
mod provider;
mod receive;
pub mod request;
mod retry;
mod schema;
pub mod script;
mod sse;

pub use client::Client;
pub use error::{Error, Kind};
pub use event::{Event, Reply, Stop, Usage};
pub use facts::ServerFacts;
pub use request::{Block, Message, Request, Tool};
