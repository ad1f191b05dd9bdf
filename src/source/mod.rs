//! What pipelines read from: servers, in the words of [`pipeline::source`](crate::pipeline::source).
//!
//! The verbs read the live server with it and the harness a cassette of it, so that what is tested is
//! what runs. It decides nothing: a server's own client says what an answer means, and the pipeline what
//! follows from it.

mod github;
pub mod rest;

pub use github::Github;
