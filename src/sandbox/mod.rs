//! The sandbox: what a spawned process may do.
//!
//! The one idea: our own executable is started again as a helper, which takes rights away from itself,
//! step by step and for good, and only then runs the command. So nothing is done between fork and exec,
//! and the one spawner stays one. A command writes in its worktree and in a private temp folder, sees
//! neither the person's secrets nor their processes, has its own loopback and no other network, and
//! dies with us. Where the platform cannot hold the two that matter, writing and network, nothing is
//! run; where it holds less of the rest, [`Protections`] says so.

mod error;
mod home;
#[cfg(target_os = "linux")]
mod linux;
mod order;
mod policy;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::artifact::evidence::Attempt;
use crate::fs;
use crate::process::{self, Command, Limits, Output, Status};

pub use error::Error;
pub use policy::{Access, Cache, Network, Policy, Protections};

use order::{Level, Order, Told};

/// The hidden first word of the helper's arguments.
const STAGE: &str = "__sandbox";

/// The shell that commands are written for.
const SHELL: &str = "/bin/sh";

/// How attempts to reach the network are seen.
const SEEN_BY: &str = "a network of its own: every packet and every name asked for";

/// Runs commands confined.
#[derive(Debug)]
pub struct Sandbox {
    program: PathBuf,
    environment: Vec<(OsString, OsString)>,
    /// What the kernel gives, known after the first command.
    level: OnceLock<Level>,
}

/// What a confined command did.
#[derive(Debug, Clone)]
pub struct Ran {
    /// How it ended and what it printed. A command that died by a signal has status 128 and the signal.
    pub output: Output,
    /// What it tried to reach on the network, each once.
    pub attempts: Vec<Attempt>,
    /// How the attempts were seen; `None` where they are not visible, so that an empty list says nothing.
    pub seen_by: Option<&'static str>,
    /// What held while it ran.
    pub protections: Protections,
}

/// One command to run, and how.
#[derive(Clone, Copy)]
struct Errand<'a> {
    job: Job<'a>,
    policy: &'a Policy,
    limits: Limits,
    cancel: &'a CancellationToken,
}

/// What a confined helper ends up running.
#[derive(Clone, Copy)]
enum Job<'a> {
    /// A command for the shell.
    Shell(&'a str),
    /// Our own executable.
    Ourselves(&'a [OsString]),
}

impl Sandbox {
    /// A sandbox that starts `program`, which is our own executable, as its helper, and puts it on the
    /// `PATH` inside as `planwright`. `environment` is ours, as data; a command sees a short list of it.
    pub const fn new(program: PathBuf, environment: Vec<(OsString, OsString)>) -> Self {
        Self { program, environment, level: OnceLock::new() }
    }

    /// What holds on this machine, found out by confining a command that does nothing.
    pub async fn protections(&self) -> Result<Protections, Error> {
        let folder = private_folder()?;
        let path = |name: &str| folder.path().join(name);
        fs::create_folder(&path("worktree")).map_err(Error::Prepare)?;
        let (worktree, temp) = (path("worktree"), path("temp"));
        let network = Network::Refused;
        let (pass_environment, read_only) = (Vec::new(), Vec::new());
        let policy = Policy { worktree, temp, network, pass_environment, read_only, cache: None };
        let limits = Limits { time: Duration::from_secs(20), output_bytes: 4096 };
        Ok(self.run(&policy, ":", limits, &CancellationToken::new()).await?.protections)
    }

    /// Runs `/bin/sh -c shell` in the worktree.
    pub async fn run(
        &self,
        policy: &Policy,
        shell: &str,
        limits: Limits,
        cancel: &CancellationToken,
    ) -> Result<Ran, Error> {
        self.confine(Errand { job: Job::Shell(shell), policy, limits, cancel }).await
    }

    /// Runs our own executable with `args` in the worktree.
    pub async fn run_self(
        &self,
        policy: &Policy,
        args: &[OsString],
        limits: Limits,
        cancel: &CancellationToken,
    ) -> Result<Ran, Error> {
        self.confine(Errand { job: Job::Ourselves(args), policy, limits, cancel }).await
    }

    async fn confine(&self, errand: Errand<'_>) -> Result<Ran, Error> {
        if !cfg!(target_os = "linux") {
            let missing = format!("planwright has no sandbox for {}", std::env::consts::OS);
            return Err(Error::TooWeak { missing });
        }
        let errand = Errand { policy: &settled(errand.policy)?, ..errand };
        let first = self.level.get().copied().unwrap_or(Level::Namespaces);
        let (output, told) = self.attempt(errand, first).await?;
        let (output, told, level) = if told.unavailable.is_some() {
            let (output, told) = self.attempt(errand, Level::Filters).await?;
            (output, told, Level::Filters)
        } else {
            (output, told, first)
        };
        let ran = concluded(output, told)?;
        self.level.get_or_init(|| level);
        Ok(ran)
    }

    async fn attempt(&self, errand: Errand<'_>, level: Level) -> Result<(Output, Told), Error> {
        let Errand { job, policy, limits, cancel } = errand;
        let private = private_folder()?;
        let order = self.order(policy, job, level, private.path())?;
        order.write().map_err(Error::Prepare)?;
        let command = Command {
            program: order.helper.clone().into_os_string(),
            args: vec![STAGE.into(), "outer".into(), order.private.clone().into_os_string()],
            dir: "/".into(),
            environment: home::environment(&self.environment, policy, &private.path().join("bin")),
            input: Vec::new(),
            limits,
        };
        let output = process::run_leashed(&command, cancel).await.map_err(Error::Start)?;
        let report = fs::read_text_if_exists(&order.report()).map_err(Error::Prepare)?.unwrap_or_default();
        let by = match job {
            Job::Shell(shell) => shell.to_owned(),
            Job::Ourselves(_) => format!("planwright {}", order.args.join(" ")),
        };
        Ok((output, Told::read(&report, &by)))
    }

    /// Writes down, with real paths, what the helper is to do.
    fn order(&self, policy: &Policy, job: Job<'_>, level: Level, private: &Path) -> Result<Order, Error> {
        let helper = real(&self.program)?;
        let private = real(private)?;
        fs::create_folder(&private.join("bin")).map_err(Error::Prepare)?;
        link(&helper, &private.join("bin/planwright"))?;
        let (program, args) = match job {
            Job::Shell(shell) => (SHELL.into(), vec!["-c".to_owned(), shell.to_owned()]),
            Job::Ourselves(args) => {
                (helper.clone(), args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect())
            }
        };
        let mut writable = vec![policy.worktree.clone(), policy.temp.clone()];
        let mut read_only = existing(&policy.read_only);
        if let Some(Cache { folder, access }) = &policy.cache {
            if *access == Access::Fill { &mut writable } else { &mut read_only }.push(folder.clone());
        }
        read_only.extend(existing(&[policy.worktree.join(".git"), private.clone()]));
        let mut visible = existing(&home::visible(&self.environment));
        visible.extend(read_only.iter().cloned().chain([helper.clone()]));
        let hidden = existing(&home::secrets(&self.environment));
        Ok(Order {
            level,
            network: policy.network,
            writable,
            read_only,
            visible,
            hidden,
            private,
            program,
            args,
            helper,
        })
    }
}

/// Runs a stage of the helper, if `args` (the program's own name first) ask for one. The program calls
/// this before anything else, while it has a single thread.
pub fn enter(args: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let mut args = args.skip(1);
    if args.next()? != STAGE {
        return None;
    }
    #[cfg(target_os = "linux")]
    return Some(linux::enter(&args.next().unwrap_or_default(), Path::new(&args.next().unwrap_or_default())));
    #[cfg(not(target_os = "linux"))]
    Some(ExitCode::from(crate::error::Exit::Bug as u8))
}

/// What the report and the helper's end say together. A command counts as run only if the report says
/// that it was confined.
fn concluded(output: Output, told: Told) -> Result<Ran, Error> {
    if let Some(missing) = told.too_weak {
        return Err(Error::TooWeak { missing });
    }
    if let Some(step) = told.failed.or(told.unavailable) {
        return Err(Error::Setup { step });
    }
    let stopped = matches!(output.status, Status::TimedOut | Status::Cancelled);
    match told.confined {
        None if !stopped => {
            let said = output.stderr.text();
            Err(Error::Setup {
                step: format!("the helper ended early ({:?}): {}", output.status, said.trim()),
            })
        }
        confined => Ok(Ran {
            output,
            attempts: told.attempts,
            seen_by: told.watching.then_some(SEEN_BY),
            protections: confined.unwrap_or_default(),
        }),
    }
}

/// The policy with its folders made and their real paths.
fn settled(policy: &Policy) -> Result<Policy, Error> {
    for folder in ["home", "tmp"] {
        fs::create_folder(&policy.temp.join(folder)).map_err(Error::Prepare)?;
    }
    let mut cache = policy.cache.clone();
    if let Some(cache) = &mut cache {
        fs::create_folder(&cache.folder).map_err(Error::Prepare)?;
        cache.folder = real(&cache.folder)?;
    }
    Ok(Policy { worktree: real(&policy.worktree)?, temp: real(&policy.temp)?, cache, ..policy.clone() })
}

fn private_folder() -> Result<tempfile::TempDir, Error> {
    let failed = |source| Error::Prepare(fs::Error::new("create", Path::new("a temporary folder"), source));
    tempfile::Builder::new().prefix("planwright-").tempdir().map_err(failed)
}

fn real(path: &Path) -> Result<PathBuf, Error> {
    path.canonicalize().map_err(|source| Error::Prepare(fs::Error::new("find", path, source)))
}

/// The real paths of those that are there.
fn existing(paths: &[PathBuf]) -> Vec<PathBuf> {
    paths.iter().filter_map(|path| path.canonicalize().ok()).collect()
}

#[cfg(unix)]
fn link(to: &Path, at: &Path) -> Result<(), Error> {
    std::os::unix::fs::symlink(to, at).map_err(|source| Error::Prepare(fs::Error::new("create", at, source)))
}

#[cfg(not(unix))]
fn link(_to: &Path, _at: &Path) -> Result<(), Error> {
    Ok(())
}
