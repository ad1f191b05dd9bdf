//! The sandbox: what a spawned process may do.
//!
//! The one idea: our own executable is started again as a helper, which takes rights away from itself,
//! step by step and for good, and only then runs the command. So nothing is done between fork and exec,
//! and the one spawner stays one. A command writes in its worktree and in a private temp folder, sees
//! neither the person's secrets nor their processes, has its own loopback and no other network, and
//! dies with us. Where the platform cannot hold the two that matter, writing and network, nothing is
//! run; where it holds less of the rest, [`Protections`] says so.

mod error;
mod policy;

use std::ffi::OsString;
use std::path::PathBuf;

use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::artifact::evidence::Attempt;
use crate::process::{self, Limits};

pub use error::Error;
pub use policy::{Network, Policy, Protections};

/// Runs commands confined.
#[derive(Debug)]
pub struct Sandbox {
    program: PathBuf,
    environment: Vec<(OsString, OsString)>,
    protections: OnceCell<Protections>,
}

/// What a confined command did.
#[derive(Debug, Clone)]
pub struct Ran {
    /// How it ended and what it printed. A command that died by a signal has status 128 and the signal.
    pub output: process::Output,
    /// What it tried to reach on the network, each once.
    pub attempts: Vec<Attempt>,
    /// How the attempts were seen; `None` where they are not visible, so that an empty list says nothing.
    pub seen_by: Option<&'static str>,
    /// What held while it ran.
    pub protections: Protections,
}

impl Sandbox {
    /// A sandbox that starts `program`, which is our own executable, as its helper, and puts it on the
    /// `PATH` inside as `planwright`. `environment` is ours, as data; a command sees a short list of it.
    pub fn new(program: PathBuf, environment: Vec<(OsString, OsString)>) -> Self {
        Self { program, environment, protections: OnceCell::new() }
    }

    /// What holds on this machine, found out by confining a helper that does nothing.
    pub async fn protections(&self) -> Result<Protections, Error> {
        self.protections.get_or_try_init(async || self.probe().await).await.copied()
    }

    /// Runs `/bin/sh -c shell` in the worktree.
    pub async fn run(
        &self,
        policy: &Policy,
        shell: &str,
        limits: Limits,
        cancel: &CancellationToken,
    ) -> Result<Ran, Error> {
        self.confine(policy, Job::Shell(shell.to_owned()), limits, cancel).await
    }

    /// Runs our own executable with `args` in the worktree.
    pub async fn run_self(
        &self,
        policy: &Policy,
        args: &[OsString],
        limits: Limits,
        cancel: &CancellationToken,
    ) -> Result<Ran, Error> {
        self.confine(policy, Job::Ourselves(args.to_vec()), limits, cancel).await
    }
}

/// What a confined helper ends up running.
enum Job {
    /// A command for the shell.
    Shell(String),
    /// Our own executable.
    Ourselves(Vec<OsString>),
}

impl Sandbox {
    async fn probe(&self) -> Result<Protections, Error> {
        Ok(Protections::default())
    }

    async fn confine(
        &self,
        policy: &Policy,
        job: Job,
        limits: Limits,
        cancel: &CancellationToken,
    ) -> Result<Ran, Error> {
        let _ = (policy, job, limits, cancel);
        Err(Error::TooWeak {
            missing: Protections::default().lacks(Network::Refused).unwrap_or_default().to_owned(),
        })
    }
}

/// The hidden first word of the helper's arguments.
pub const STAGE: &str = "__sandbox";

/// Runs a stage of the helper, if `args` (the program's own name first) ask for one. The program calls
/// this before anything else, while it has a single thread.
pub fn enter(args: impl Iterator<Item = OsString>) -> Option<std::process::ExitCode> {
    let mut args = args.skip(1);
    (args.next()? == STAGE).then(|| std::process::ExitCode::from(70))
}
