//! The one integration binary: one file per verb, and the laws of the house.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod agent;
mod cli;
mod config;
mod git;
mod github;
mod harness;
mod hub;
mod layering;
mod model;
mod pipeline;
mod prompts;
mod sandbox;
mod support;
mod sync;
mod tidy;
