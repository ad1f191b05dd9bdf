//! The helper on Linux, in three stages, each a fresh run of our own executable with a single thread.
//!
//! `outer` makes the namespaces, watches the network and waits; `map` gives a superuser's namespace all
//! of its user ids; `inner` is the first process of the new process namespace, arranges the mounts, gives
//! up every right and runs the command. If planwright dies, `outer` reads the end of its input and goes,
//! `inner` goes with it, and the kernel kills whoever is left in the namespace.

mod landlock;
mod mounts;
mod namespaces;
mod packet;
mod seccomp;
mod watch;

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, ExitStatus, Stdio};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitStatus, wait};
use nix::unistd::Pid;

use super::STAGE;
use super::order::{Level, Line, Order, Report};
use super::policy::{Network, Protections};
use crate::process;
use watch::Watch;

/// What a stage ends with when the command did not run; the report says why.
const NOT_RUN: ExitCode = ExitCode::FAILURE;

/// A step that failed, and what the system said.
#[derive(Debug, thiserror::Error)]
#[error("{step}: {source}")]
struct Failed {
    step: String,
    source: io::Error,
}

impl Failed {
    fn at<E: Into<io::Error>>(step: impl Into<String>) -> impl FnOnce(E) -> Self {
        move |source| Self { step: step.into(), source: source.into() }
    }
}

/// Runs the stage of this name to its end. The order lies in the folder `private`.
pub(super) fn enter(stage: &OsStr, private: &Path) -> ExitCode {
    let ended = match stage.to_str() {
        Some("outer") => Order::read(private).as_ref().and_then(outer),
        Some("inner") => Order::read(private).as_ref().and_then(inner),
        Some("map") => namespaces::map_parent(),
        _ => None,
    };
    ended.unwrap_or(NOT_RUN)
}

/// Our standard input is the leash: it ends when planwright does.
fn outer(order: &Order) -> Option<ExitCode> {
    let mut report = Report::open(order).ok()?;
    let network = match order.level {
        Level::Filters => None,
        Level::Namespaces => match separate(order, &mut report) {
            Ok(network) => network,
            Err(failed) => {
                report.say(&Line::Unavailable(failed.to_string()));
                return None;
            }
        },
    };
    match attend(order, network, &mut report) {
        Ok(code) => Some(code),
        Err(failed) => {
            report.say(&Line::Failed(failed.to_string()));
            None
        }
    }
}

/// Makes every namespace but that of processes, which only a child can enter.
fn separate(order: &Order, report: &mut Report) -> Result<Option<Watch>, Failed> {
    namespaces::enter(order)?;
    if order.network == Network::Allowed {
        return Ok(None);
    }
    let watch = Watch::start(&order.resolver())?;
    report.say(&Line::Watching);
    Ok(Some(watch))
}

/// Starts `inner`, watches the network until it ends, and ends as it did.
fn attend(order: &Order, mut network: Option<Watch>, report: &mut Report) -> Result<ExitCode, Failed> {
    let mut children = SigSet::empty();
    children.add(Signal::SIGCHLD);
    children.thread_block().map_err(Failed::at("block SIGCHLD"))?;
    let ended = SignalFd::with_flags(&children, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK);
    let ended = ended.map_err(Failed::at("wait for SIGCHLD"))?;
    if order.level == Level::Namespaces {
        namespaces::enter_processes()?;
    }
    let given = report.give().map_err(Failed::at("hand the report over"))?;
    prctl::set_child_subreaper(true).map_err(Failed::at("adopt orphans"))?;
    let mut inner = start_stage(order, "inner", given.into())?;
    let leash = io::stdin();
    loop {
        let mut waited = vec![
            PollFd::new(leash.as_fd(), PollFlags::POLLIN),
            PollFd::new(ended.as_fd(), PollFlags::POLLIN),
        ];
        waited.extend(network.iter().flat_map(Watch::descriptors));
        match poll(&mut waited, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(Failed::at("wait")(error)),
        }
        let let_go = waited.first().and_then(PollFd::any).unwrap_or(false);
        drop(waited);
        if let Some(watch) = &mut network {
            watch.look(report);
        }
        if let_go {
            // Whoever outlives `inner` is ours to kill: without a process namespace nobody else would.
            drop(inner.kill().and_then(|()| inner.wait()));
            kill_the_rest();
            return Ok(NOT_RUN);
        }
        let _which_child = ended.read_signal();
        if let Some(status) = inner.try_wait().map_err(Failed::at("wait for the command"))? {
            if let Some(watch) = &mut network {
                watch.look(report);
            }
            return Ok(ExitCode::from(code_of(status)));
        }
    }
}

fn start_stage(order: &Order, stage: &str, input: Stdio) -> Result<Child, Failed> {
    let args: [OsString; 3] = [STAGE.into(), stage.into(), order.private.clone().into_os_string()];
    process::start(order.helper.as_os_str(), &args, Path::new("/"), input)
        .map_err(Failed::at(format!("start stage `{stage}`")))
}

/// The status as shells tell it: a signal is 128 and its number.
fn code_of(status: ExitStatus) -> u8 {
    let signal = std::os::unix::process::ExitStatusExt::signal(&status).map(|signal| 128 + signal);
    status.code().or(signal).and_then(|code| u8::try_from(code & 0xff).ok()).unwrap_or(u8::MAX)
}

/// Our standard input is the report.
fn inner(order: &Order) -> Option<ExitCode> {
    prctl::set_pdeathsig(Signal::SIGKILL).ok()?;
    let mut report = Report::given().ok()?;
    match confine(order) {
        Err(failed) => {
            report.say(&Line::Failed(failed.to_string()));
            None
        }
        Ok(protections) => {
            if let Some(missing) = protections.lacks(order.network) {
                report.say(&Line::TooWeak(missing.to_owned()));
                return None;
            }
            report.say(&Line::Confined(protections));
            run(order).ok()
        }
    }
}

/// Takes every right away, in the order in which the rights to take rights away go.
fn confine(order: &Order) -> Result<Protections, Failed> {
    let mut protections = Protections::default();
    let mut writable = order.writable.clone();
    if order.level == Level::Namespaces {
        nix::unistd::setsid().map_err(Failed::at("leave the terminal"))?;
        let arranged = mounts::arrange(order)?;
        namespaces::become_oneself()?;
        writable.extend(arranged.writable);
        protections.mounts = arranged.left_writable.is_empty();
        protections.network = order.network == Network::Refused;
        protections.processes = true;
    } else {
        prctl::set_child_subreaper(true).map_err(Failed::at("adopt orphans"))?;
    }
    prctl::set_no_new_privs().map_err(Failed::at("give up privileges"))?;
    protections.landlock =
        landlock::restrict(order, &writable).map_err(Failed::at("restrict by Landlock"))?;
    let sockets = order.level == Level::Namespaces || order.network == Network::Allowed;
    protections.seccomp = seccomp::filter(sockets).map_err(Failed::at("filter system calls"))?;
    Ok(protections)
}

/// Runs the command, reaps whoever it leaves behind, and ends as it did.
fn run(order: &Order) -> Result<ExitCode, Failed> {
    let args: Vec<OsString> = order.args.iter().map(Into::into).collect();
    let step = || format!("run `{}`", order.program.display());
    let folder = order.writable.first().map_or(Path::new("/"), PathBuf::as_path);
    let started = process::start(order.program.as_os_str(), &args, folder, Stdio::null());
    let command = started.map_err(Failed::at(step()))?;
    let id = i32::try_from(command.id()).map_err(io::Error::other).map_err(Failed::at(step()))?;
    let code = loop {
        match wait().map_err(Failed::at("wait for the command"))? {
            WaitStatus::Exited(pid, code) if pid.as_raw() == id => break code,
            WaitStatus::Signaled(pid, signal, _) if pid.as_raw() == id => break 128 + signal as i32,
            _ => {}
        }
    };
    kill_the_rest();
    Ok(ExitCode::from(u8::try_from(code & 0xff).unwrap_or(u8::MAX)))
}

/// Whoever the command left behind is ours now, and is killed. Where we are the first process of a
/// namespace the kernel would do it anyway.
fn kill_the_rest() {
    loop {
        let children = crate::fs::read_text(Path::new("/proc/thread-self/children")).unwrap_or_default();
        let children: Vec<i32> = children.split_whitespace().filter_map(|id| id.parse().ok()).collect();
        if children.is_empty() {
            return;
        }
        for id in children {
            let _gone_already = kill(Pid::from_raw(id), Signal::SIGKILL);
        }
        if wait().is_err() {
            return;
        }
    }
}

/// Whether `path` is `folder` or lies in it.
fn is_in(path: &Path, folder: &Path) -> bool {
    path.starts_with(folder)
}

/// Those of `paths` that lie in `folder`.
fn within<'a>(paths: impl IntoIterator<Item = &'a PathBuf>, folder: &Path) -> Vec<&'a PathBuf> {
    paths.into_iter().filter(|path| is_in(path, folder) && path.as_path() != folder).collect()
}
