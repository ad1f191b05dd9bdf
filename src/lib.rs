//! planwright: a strong model plans, a fast model builds, the strong model reviews, and the person ships.
//!
//! # The map
//!
//! A module names only modules in lower layers, never up and never sideways; only the ground knows
//! itself. A test reads this table and holds it (`tests/it/layering.rs`).
//!
//! ```text
//! 10 cli                                     parse, render, exit codes; the only printing
//! 9  plan     build     sync                 the verbs; strangers to each other
//! 8  review                                  the gate that build, the hook and cli share
//! 7  agent                                   turn machine (pure), driver, tools
//! 6  harness                                 runs tests and checks, returns evidence
//! 5  source                                  servers as what a pipeline reads from
//! 4  context  github  hub  pipeline  sandbox  ledger     capabilities; strangers to each other
//! 3  model    prompts   git                  talk to model providers; render templates; run git
//! 2  config   net       telemetry            settings; HTTP and cassettes of it; runs and their log
//! 1  artifact                                the documents the verbs exchange
//! 0  error    clock   fs    process          ground; process is the one spawner
//! ```
//!
//! Artifacts are a layer of their own, below configuration and log, because both speak of them
//! (money, repositories, run ids) and they speak of nothing.
//!
//! Reading order for a newcomer: `cli`, `plan`, `agent::machine`, `model::provider`, `context::pack`,
//! `pipeline`.
//!
//! # Invariants
//!
//! Each is an absence.
//!
//! 1. Nothing below `cli` prints, exits or reads the environment; `cli` hands `config` the environment as data.
//! 2. What decides does no I/O: the agent's machine, readiness, ranking, packing, schema inference, the
//!    gate, policy, retry and rate decisions are pure functions or `(state, event) -> effects`, tested as lists.
//! 3. One home for each power: only `pipeline::warehouse` names `duckdb`; only `net` builds HTTP clients;
//!    only `process` spawns, and `sandbox` decides what the spawned may do; only `git` runs git; only
//!    `github::app` signs.
//! 4. Model protocol modules encode and decode; one send loop streams, retries, counts and records for all of them.
//! 5. Everything placed in a prompt has a stated token cap, and what was cut is said.
//! 6. A secret is a type whose `Debug` prints dots; it reaches no prompt, transcript, log or cassette.

pub mod agent;
pub mod artifact;
pub mod build;
pub mod cli;
pub mod clock;
pub mod config;
pub mod context;
pub mod error;
pub mod fs;
pub mod git;
pub mod github;
pub mod harness;
pub mod hub;
pub mod ledger;
pub mod model;
pub mod net;
pub mod pipeline;
pub mod plan;
pub mod process;
pub mod prompts;
pub mod review;
pub mod sandbox;
pub mod source;
pub mod sync;
pub mod telemetry;
