//! Models: provider-neutral requests and replies, protocols that encode and decode, one send loop.

pub mod event;
pub mod request;

pub use event::{Event, Reply, Stop, Usage};
pub use request::{Block, Message, Request, Tool};
