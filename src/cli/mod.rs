//! The command line: parse, open what a verb needs, run it, render what it tells, choose the exit code.
//!
//! This is the one place that reads the environment, prints, asks and exits. People read stderr; results
//! go to stdout, where `--json` puts one event a line. Every verb is a file of its own: arguments whose
//! comments are its help, and one function. Nothing is opened before the arguments are understood.

mod agree;
mod args;
mod ask;
mod build;
mod completions;
mod demo;
mod doctor;
mod error;
mod hub;
mod init;
mod interrupt;
mod minds;
mod payers;
mod pipeline;
mod plan;
mod plans;
mod profiles;
mod progress;
mod query;
mod record;
mod render;
mod report;
mod review;
mod runs;
mod schema;
mod screen;
mod session;
mod since;
mod sync;
mod test;
mod tracker;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser as _;

use crate::clock::Clock;
use crate::config::Environment;
use crate::error::Exit;

use args::{Cli, Globals, Verb};
use error::Stop;
use screen::Screen;

/// The whole program, as `main` calls it.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub fn main() -> ExitCode {
    if let Some(code) = crate::sandbox::enter(std::env::args_os()) {
        return code;
    }
    let surroundings = Surroundings {
        environment: Environment::new(std::env::vars_os()),
        dir: std::env::current_dir(),
        executable: std::env::current_exe(),
    };
    let exit = run(std::env::args_os(), surroundings);
    ExitCode::from(exit as u8)
}

/// What the program finds around it when it starts.
#[derive(Debug)]
pub struct Surroundings {
    /// The environment.
    pub environment: Environment,
    /// The working directory, if it is there.
    pub dir: std::io::Result<PathBuf>,
    /// Our own program file, if the system says.
    pub executable: std::io::Result<PathBuf>,
}

/// Parses `args` and runs the verb; a panic on the way is a bug, reported with the run's folder.
pub fn run(args: impl Iterator<Item = OsString>, surroundings: Surroundings) -> Exit {
    let plain = Screen::new(&Globals::default(), &surroundings.environment);
    report::catch_bugs(plain, || {
        let cli = match Cli::try_parse_from(args) {
            Ok(cli) => cli,
            Err(error) => return told_by_clap(&error),
        };
        let screen = Screen::new(&cli.globals, &surroundings.environment);
        match dispatch(cli, surroundings, screen) {
            Ok(exit) => exit,
            Err(stop) => report::report(screen, &stop),
        }
    })
}

/// Help, version and errors in the arguments: clap knows best how to say them.
fn told_by_clap(error: &clap::Error) -> Exit {
    drop(error.print());
    if error.use_stderr() { Exit::Usage } else { Exit::Done }
}

fn dispatch(cli: Cli, surroundings: Surroundings, screen: Screen) -> Result<Exit, Stop> {
    if let Verb::Completions(args) = &cli.verb {
        return completions::run(args, screen);
    }
    let call = session::Call::new(cli.globals, surroundings, screen, Clock::System)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|source| error::Error::Runtime { source })?;
    let exit = runtime.block_on(verb(cli.verb, call));
    // What still runs in the background (a model's answer nobody waits for) must not keep the person waiting.
    runtime.shutdown_background();
    exit
}

async fn verb(verb: Verb, call: session::Call) -> Result<Exit, Stop> {
    match verb {
        Verb::Init(args) => init::run(&args, &call).await,
        Verb::Plan(args) => plan::run(&args, &call).await,
        Verb::Build(args) => build::run(&args, &call).await,
        Verb::Hub(args) => hub::run(&args, &call).await,
        Verb::Demo(args) => demo::run(&args, &call).await,
        Verb::Review(args) => review::run(&args, &call).await,
        Verb::Sync(args) => sync::run(&args, &call).await,
        Verb::Query(args) => query::run(&args, &call).await,
        Verb::Schema(args) => schema::run(&args, &call).await,
        Verb::Pipeline(args) => pipeline::run(&args, &call).await,
        Verb::Test(args) => test::run(&args, &call).await,
        Verb::Profiles(args) => profiles::run(&args, &call).await,
        Verb::Doctor(args) => doctor::run(&args, &call).await,
        Verb::Runs(args) => runs::run(&args, &call).await,
        Verb::Completions(args) => completions::run(&args, call.screen),
    }
}
