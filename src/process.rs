//! The one spawner of processes.
//!
//! The one idea: whoever runs a program says everything about it (the whole environment, the folder,
//! the input, how long, how much output is kept) and gets everything back. A program runs in a process
//! group of its own, which is killed whole when time is up, when the person interrupts, or when it ends
//! and leaves somebody behind. What a program may do is decided in `sandbox`, not here.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::Stopwatch;
use crate::error::{Exit, Failure};

/// A program to run, with all that it gets: nothing is inherited.
#[derive(Debug, Clone)]
pub struct Command {
    /// A path, or a name looked up in the `PATH` of `environment`.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// The folder it starts in.
    pub dir: PathBuf,
    /// The whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// What it reads on standard input.
    pub input: Vec<u8>,
    /// How long it may take and how much of its output is kept.
    pub limits: Limits,
}

/// How long a program may take and how much of its output is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Wall time, after which its process group is killed.
    pub time: Duration,
    /// Bytes kept of each of its two outputs: the first half and the last half.
    pub output_bytes: usize,
}

/// What a program did.
#[derive(Debug, Clone)]
pub struct Output {
    /// How it ended.
    pub status: Status,
    /// What it wrote to standard output.
    pub stdout: Captured,
    /// What it wrote to standard error.
    pub stderr: Captured,
    /// How long it ran.
    pub millis: u64,
}

impl Output {
    /// Whether it ended by itself with status 0.
    pub fn is_success(&self) -> bool {
        self.status == Status::Exited(0)
    }
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// By itself, with this exit status.
    Exited(i32),
    /// By this signal.
    Signaled(i32),
    /// Killed because its time was up.
    TimedOut,
    /// Killed because the person interrupted.
    Cancelled,
}

impl From<ExitStatus> for Status {
    fn from(status: ExitStatus) -> Self {
        #[cfg(unix)]
        if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
            return Self::Signaled(signal);
        }
        Self::Exited(status.code().unwrap_or(-1))
    }
}

/// Output as far as it was kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captured {
    /// The head, then the tail.
    pub bytes: Vec<u8>,
    /// Where in `bytes` the tail begins, when something is missing before it.
    pub tail_at: usize,
    /// How many bytes between head and tail were left out.
    pub omitted: u64,
}

impl Captured {
    /// The output as text: what is not UTF-8 is replaced, and what was left out is said where it was.
    pub fn text(&self) -> String {
        if self.omitted == 0 {
            return String::from_utf8_lossy(&self.bytes).into_owned();
        }
        let (head, tail) = self.bytes.split_at(self.tail_at.min(self.bytes.len()));
        let (head, tail) = (String::from_utf8_lossy(head), String::from_utf8_lossy(tail));
        format!("{head}\n[… {} bytes left out …]\n{tail}", self.omitted)
    }
}

/// A program could not be run at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such program.
    #[error("there is no program `{program}`")]
    Missing {
        /// Its name or path.
        program: String,
    },
    /// The folder to run it in is not there.
    #[error("cannot run `{program}`: there is no folder `{}`", dir.display())]
    NoFolder {
        /// Its name or path.
        program: String,
        /// The folder.
        dir: PathBuf,
    },
    /// The system refused.
    #[error("cannot run `{program}`")]
    Refused {
        /// Its name or path.
        program: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        Exit::Unable
    }
}

/// Runs a program to its end, or kills its process group when time is up or `cancel` says so.
///
/// A program that cannot be started is an error; one that fails is an [`Output`] with its status.
pub async fn run(command: &Command, cancel: &CancellationToken) -> Result<Output, Error> {
    run_with(command, cancel, AfterInput::Close).await
}

/// Like [`run`], but standard input stays open after `input` until the program has ended. If we die,
/// however suddenly, the program reads the end of its input and can die too.
pub async fn run_leashed(command: &Command, cancel: &CancellationToken) -> Result<Output, Error> {
    run_with(command, cancel, AfterInput::Hold).await
}

/// What happens to a program's standard input once everything is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AfterInput {
    Close,
    Hold,
}

/// How long output is still read after the program and its group are gone: somebody who left the
/// group may hold the pipe open for ever.
const DRAIN: Duration = Duration::from_millis(500);

/// How long a leashed program may take to go by itself before it is killed.
const LET_GO: Duration = Duration::from_secs(2);

async fn run_with(command: &Command, cancel: &CancellationToken, after: AfterInput) -> Result<Output, Error> {
    let watch = Stopwatch::start();
    let mut child = spawn(command)?;
    let group = Group(child.id());
    let stdout = Reading::start(child.stdout.take(), command.limits.output_bytes);
    let stderr = Reading::start(child.stderr.take(), command.limits.output_bytes);
    let feeding = tokio::spawn(feed(child.stdin.take(), command.input.clone()));
    let status = tokio::select! {
        ended = wait(&mut child, feeding, after) => ended,
        () = cancel.cancelled() => Ok(Status::Cancelled),
        () = expired(command.limits.time) => Ok(Status::TimedOut),
    };
    if after == AfterInput::Hold && matches!(status, Ok(Status::Cancelled | Status::TimedOut)) {
        // Its input has just ended, which tells it to go and to take along whoever left its group.
        drop(tokio::time::timeout(LET_GO, child.wait()).await);
    }
    drop(group);
    let status = status.map_err(|source| Error::Refused { program: name(command), source })?;
    if matches!(status, Status::Cancelled | Status::TimedOut) {
        drop(child.wait().await);
    }
    let (stdout, stderr) = tokio::join!(stdout.finish(), stderr.finish());
    Ok(Output { status, stdout, stderr, millis: watch.millis() })
}

fn spawn(command: &Command) -> Result<Child, Error> {
    #[expect(clippy::disallowed_methods, reason = "this is the one spawner")]
    let mut process = tokio::process::Command::new(found(command));
    process.args(&command.args).current_dir(&command.dir).env_clear();
    process.envs(command.environment.iter().map(|(name, value)| (name, value)));
    process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    process.process_group(0);
    process.spawn().map_err(|source| refusal(command, source))
}

/// Where the program lies. The standard library would look a bare name up too, but only in a copy of
/// ourselves, and to copy a process of our size takes longer than `git` runs. A name that is not found
/// stays one, for the system to refuse.
fn found(command: &Command) -> PathBuf {
    let program = Path::new(&command.program);
    if program.components().count() != 1 {
        return program.to_owned();
    }
    let path = command.environment.iter().rev().find(|(name, _)| name == "PATH");
    let folders = path.iter().flat_map(|(_, folders)| std::env::split_paths(folders));
    let places = folders.filter(|folder| folder.is_absolute()).map(|folder| folder.join(program));
    places.into_iter().find(|place| is_executable(place)).unwrap_or_else(|| program.to_owned())
}

fn is_executable(path: &Path) -> bool {
    let Ok(file) = std::fs::metadata(path) else { return false };
    #[cfg(unix)]
    let is_permitted = std::os::unix::fs::PermissionsExt::mode(&file.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let is_permitted = true;
    file.is_file() && is_permitted
}

fn refusal(command: &Command, source: io::Error) -> Error {
    let program = name(command);
    if !command.dir.is_dir() {
        return Error::NoFolder { program, dir: command.dir.clone() };
    }
    if source.kind() == io::ErrorKind::NotFound {
        return Error::Missing { program };
    }
    Error::Refused { program, source }
}

fn name(command: &Command) -> String {
    command.program.to_string_lossy().into_owned()
}

/// Waits for the end, with the input held open until then or closed as soon as it is written.
async fn wait(
    child: &mut Child,
    feeding: JoinHandle<Option<ChildStdin>>,
    after: AfterInput,
) -> io::Result<Status> {
    let held = match after {
        AfterInput::Hold => feeding.await.ok().flatten(),
        AfterInput::Close => {
            drop(feeding);
            None
        }
    };
    let status = child.wait().await;
    drop(held);
    status.map(Status::from)
}

/// A program that does not read its input to the end is not an error: its status says what it is.
async fn feed(stdin: Option<ChildStdin>, input: Vec<u8>) -> Option<ChildStdin> {
    let mut stdin = stdin?;
    stdin.write_all(&input).await.ok()?;
    Some(stdin)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a limit on real processes is real time, never a virtual clock's"
)]
async fn expired(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Output being read, shared so that what has arrived is kept even when the reading is given up.
struct Reading {
    kept: Arc<Mutex<Kept>>,
    task: JoinHandle<()>,
}

impl Reading {
    /// Reads `pipe` to its end, keeping the first and the last half of `limit` bytes.
    fn start(pipe: Option<impl AsyncRead + Unpin + Send + 'static>, limit: usize) -> Self {
        let kept = Arc::new(Mutex::new(Kept { half: limit / 2, ..Kept::default() }));
        let task = tokio::spawn(capture(pipe, Arc::clone(&kept)));
        Self { kept, task }
    }

    async fn finish(mut self) -> Captured {
        if tokio::time::timeout(DRAIN, &mut self.task).await.is_err() {
            self.task.abort();
        }
        std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner)).finish()
    }
}

async fn capture(pipe: Option<impl AsyncRead + Unpin>, kept: Arc<Mutex<Kept>>) {
    let Some(mut pipe) = pipe else { return };
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count) = pipe.read(&mut buffer).await {
        match buffer.get(..count) {
            Some(chunk) if count > 0 => kept.lock().unwrap_or_else(PoisonError::into_inner).push(chunk),
            _ => break,
        }
    }
}

#[derive(Default)]
struct Kept {
    half: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    omitted: u64,
}

impl Kept {
    fn push(&mut self, chunk: &[u8]) {
        let room = self.half.saturating_sub(self.head.len()).min(chunk.len());
        let (head, rest) = chunk.split_at(room);
        self.head.extend_from_slice(head);
        self.tail.extend(rest);
        let surplus = self.tail.len().saturating_sub(self.half);
        self.tail.drain(..surplus);
        self.omitted += surplus as u64;
    }

    fn finish(self) -> Captured {
        let tail_at = self.head.len();
        let mut bytes = self.head;
        bytes.extend(self.tail);
        Captured { bytes, tail_at, omitted: self.omitted }
    }
}

/// Runs a program as the person would: its output goes where ours goes, it shares our process group and
/// so hears the person's interrupts, and it takes as long as it takes.
pub async fn show(command: &Command) -> Result<Status, Error> {
    attended(command, Stdio::null()).await
}

/// Like [`show`], for a program that the person talks to: its input comes from where ours comes.
pub async fn converse(command: &Command) -> Result<Status, Error> {
    attended(command, Stdio::inherit()).await
}

async fn attended(command: &Command, input: Stdio) -> Result<Status, Error> {
    #[expect(clippy::disallowed_methods, reason = "this is the one spawner")]
    let mut process = tokio::process::Command::new(&command.program);
    process.args(&command.args).current_dir(&command.dir).env_clear().stdin(input).kill_on_drop(true);
    process.envs(command.environment.iter().map(|(name, value)| (name, value)));
    let mut child = process.spawn().map_err(|source| refusal(command, source))?;
    let ended = child.wait().await;
    ended.map(Status::from).map_err(|source| Error::Refused { program: name(command), source })
}

/// Starts a program that inherits environment, output and group from us: for the sandbox's helper,
/// which has no runtime and whose own environment is already the one to hand on.
pub(crate) fn start(
    program: &OsStr,
    args: &[OsString],
    dir: &Path,
    stdin: Stdio,
) -> io::Result<std::process::Child> {
    #[expect(clippy::disallowed_methods, reason = "this is the one spawner")]
    let mut process = std::process::Command::new(program);
    process.args(args).current_dir(dir).stdin(stdin).spawn()
}

/// A process group that is killed when this is dropped, whoever is still in it.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(id) = self.0.and_then(|id| i32::try_from(id).ok()) {
            use nix::sys::signal::{Signal, killpg};
            let _gone_already = killpg(nix::unistd::Pid::from_raw(id), Signal::SIGKILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        Command {
            program: "/bin/sh".into(),
            args: vec!["-c".into(), script.into()],
            dir: "/".into(),
            environment: vec![("PATH".into(), "/usr/bin:/bin".into()), ("GIVEN".into(), "yes".into())],
            input: b"fed".to_vec(),
            limits: Limits { time: Duration::from_mins(1), output_bytes: 64 },
        }
    }

    async fn check(script: &str, limits: Limits) -> Output {
        run(&Command { limits, ..shell(script) }, &CancellationToken::new()).await.unwrap()
    }

    #[tokio::test]
    async fn a_program_gets_what_it_is_given_and_nothing_else() {
        let output = check("cat; echo \" $GIVEN ${HOME-none}\"; exit 3", shell("").limits).await;
        assert_eq!(output.stdout.text(), "fed yes none\n");
        assert_eq!(output.status, Status::Exited(3));
    }

    #[tokio::test]
    async fn head_and_tail_of_long_output_are_kept_and_the_rest_is_counted() {
        let output = check("printf HEAD; yes | head -c 100000; printf TAIL", shell("").limits).await;
        let text = output.stdout.text();
        assert!(text.starts_with("HEAD") && text.ends_with("TAIL"), "{text}");
        assert_eq!(output.stdout.omitted, 100_008 - 64);
        assert!(text.contains("99944 bytes left out"), "{text}");
    }

    #[tokio::test]
    async fn when_time_is_up_the_whole_group_dies() {
        let limits = Limits { time: Duration::from_millis(200), output_bytes: 64 };
        let output = check("sleep 600 & echo $!; wait", limits).await;
        assert_eq!(output.status, Status::TimedOut);
        let child: i32 = output.stdout.text().trim().parse().unwrap();
        assert_gone(child);
    }

    #[tokio::test]
    async fn who_stays_behind_in_the_group_dies_with_the_program() {
        let output = check("sleep 600 & echo $!", shell("").limits).await;
        assert_eq!(output.status, Status::Exited(0));
        assert_gone(output.stdout.text().trim().parse().unwrap());
    }

    #[tokio::test]
    async fn cancelling_kills() {
        let cancel = CancellationToken::new();
        cancel.cancel();
        let output = run(&shell("sleep 600"), &cancel).await.unwrap();
        assert_eq!(output.status, Status::Cancelled);
    }

    #[tokio::test]
    async fn a_leashed_program_keeps_its_input_open() {
        let limits = Limits { time: Duration::from_millis(300), output_bytes: 64 };
        let output =
            run_leashed(&Command { limits, ..shell("cat") }, &CancellationToken::new()).await.unwrap();
        assert_eq!((output.status, output.stdout.text()), (Status::TimedOut, "fed".to_owned()));
    }

    #[tokio::test]
    async fn a_missing_program_and_a_missing_folder_are_told_apart() {
        let cancel = CancellationToken::new();
        let missing = Command { program: "no-such-program".into(), ..shell("") };
        assert!(matches!(run(&missing, &cancel).await, Err(Error::Missing { .. })));
        let nowhere = Command { dir: "/no/such/folder".into(), ..shell("") };
        assert!(matches!(run(&nowhere, &cancel).await, Err(Error::NoFolder { .. })));
    }

    /// A killed process that nobody has reaped yet is gone too. A busy machine needs a moment to bury one.
    fn assert_gone(pid: i32) {
        let watch = Stopwatch::start();
        loop {
            let stat = crate::fs::read_text(Path::new(&format!("/proc/{pid}/stat"))).unwrap_or_default();
            let state = stat.rsplit_once(") ").map(|(_, rest)| rest.chars().next());
            if matches!(state, None | Some(Some('Z' | 'X'))) {
                return;
            }
            assert!(watch.elapsed() < Duration::from_secs(20), "{pid} is alive: {stat}");
            std::thread::yield_now();
        }
    }
}
