//! The one integration binary: one file per verb, and the laws of the house.
#![expect(clippy::unwrap_used, clippy::panic, clippy::string_slice, reason = "tests fail by panicking")]
#![expect(clippy::print_stdout, reason = "the sandbox's errand runs inside it and tells by printing")]

mod agent;
mod build;
mod choosing;
mod cli;
mod config;
mod context;
mod demo;
mod git;
mod github;
mod governor;
mod graphql;
mod harness;
mod hub;
mod killed;
mod layering;
mod listing;
mod model;
mod models;
mod next;
mod pipeline;
mod pipeline_verb;
mod plan;
mod plan_verb;
mod process;
mod progress;
mod prompts;
mod query;
mod record;
mod replay;
mod rest;
mod review;
mod sample;
mod sandbox;
mod since;
mod support;
mod sync;
mod sync_dry_run;
mod sync_faults;
mod tables;
mod test_verb;
mod tidy;
mod tokens;
mod totals;
mod unwritable;
