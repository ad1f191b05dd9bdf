//! What a run costs: start-up, time to the first model request, CPU a turn, memory, request size, sync speed.
//!
//! `cargo bench --profile dev` runs it. Every figure is of the whole program as a process, with models
//! scripted on loopback and the hub for GitHub. A figure of time stands beside a yardstick measured in
//! the same run (`git` doing something comparable), because seconds differ from machine to machine and
//! ratios do less.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark stops where it fails")]
#![expect(clippy::print_stdout, reason = "a benchmark prints what it found")]
#![expect(dead_code, reason = "the worlds of the tests can do more than the benchmark needs")]

#[path = "../it/support/mod.rs"]
mod support;

use std::process::Child;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use planwright::github::{Client, NewIssue};
use planwright::model::script::{self, Running, Script, Turn};
use serde_json::json;
use support::World;

const PLANWRIGHT: &str = env!("CARGO_BIN_EXE_planwright");
const FILES: usize = 3_000;
const TURNS: usize = 20;
const ISSUES: usize = 2_000;

fn main() {
    // `cargo test --benches` asks for tests; there are none here.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!("{:<44} {:>12} {:>12}  ratio, and what the yardstick is", "figure", "planwright", "yardstick");
    start_up();
    first_request();
    turns();
    sync();
}

/// `--version`: how long nothing takes.
fn start_up() {
    let world = World::with(&[("README.md", "# hello\n")]);
    let ours = median(31, || timed(|| run(&world, PLANWRIGHT, &["--version"])));
    let git = median(31, || timed(|| run(&world, "git", &["--version"])));
    compare("start-up, --version", ours, git, "git --version");
}

/// From `build 1` to the first byte of its first model request, in a repository of many files.
fn first_request() {
    let world = large();
    let git = median(11, || timed(|| run(&world, "git", &["status", "--short"])));
    let mut size = 0;
    let ours = median(5, || {
        let models =
            world.wait(script::serve(Script::new().model("claude-sonnet-5-5", [stalled()]))).unwrap();
        let mut child = build(&world, &models);
        let begun = Instant::now();
        while models.received().is_empty() && begun.elapsed() < Duration::from_secs(30) {
            std::thread::yield_now();
        }
        let taken = begun.elapsed();
        child.kill().unwrap();
        child.wait().unwrap();
        size = models.received().first().map_or(0, |request| request.bytes);
        forget_build(&world);
        taken
    });
    compare("build 1 to its first model request", ours, git, "git status in the same repository");
    println!("{:<44} {:>9.1} kB", "first request, tools included", kilo(size));
}

/// A build of many tool turns: CPU of the program and of what it waited for, and its highest memory.
fn turns() {
    let world = large();
    let (short, _) = worked(&world, 1);
    let (long, memory) = worked(&world, TURNS + 1);
    let turn = long.saturating_sub(short) / u32::try_from(TURNS).unwrap();
    let git = {
        let before = children();
        run(&world, "git", &["grep", "--count", "answer"]);
        children().saturating_sub(before)
    };
    compare("CPU of a tool turn, children included", turn, git, "CPU of one git grep over the same files");
    println!("{:<44} {:>9.1} MB", format!("highest memory of a build of {} turns", TURNS + 1), kilo(memory));
}

/// The hub's issues into DuckDB, first all of them, then nothing.
fn sync() {
    let world = World::with(&[("README.md", "# hello\n")]);
    let folder = world.root().join(".git/planwright/hub");
    world.wait(async {
        let hub = hub(folder).await;
        let client = Client::new(
            planwright::net::client(&planwright::net::Options::default()).unwrap(),
            &hub.api(),
            planwright::clock::Clock::System,
        )
        .unwrap();
        let repo = "local/hello".parse().unwrap();
        hub.ensure_repo(&repo).unwrap();
        for number in 0..ISSUES {
            let new = NewIssue {
                title: format!("Issue {number}"),
                body: "What must be true at its end. ".repeat(40),
                ..NewIssue::default()
            };
            client.create_issue(&repo, &new).await.unwrap();
        }
        hub.stop().await;
    });
    let full = timed(|| run(&world, PLANWRIGHT, &["sync"]));
    let again = timed(|| run(&world, PLANWRIGHT, &["sync"]));
    let rows = u32::try_from(ISSUES).unwrap();
    println!(
        "{:<44} {:>9.0} /s",
        format!("sync, rows of {rows} issues"),
        f64::from(rows) / full.as_secs_f64()
    );
    compare("sync again, nothing changed", again, full, "the first sync of the same account");
}

async fn hub(folder: std::path::PathBuf) -> planwright::hub::Running {
    let options = planwright::hub::Options {
        folder,
        address: ([127, 0, 0, 1], 0).into(),
        login: "ada".to_owned(),
        clock: planwright::clock::Clock::System,
        faults: planwright::hub::Faults::default(),
    };
    planwright::hub::start(options).await.unwrap()
}

/// A repository of many small files, with one issue on its hub.
fn large() -> World {
    let files: Vec<_> = (0..FILES)
        .map(|n| (format!("src/part{}/file{n}.txt", n % 40), format!("file {n}\nthe answer is {}\n", n * 7)))
        .collect();
    let world = World::with(&files.iter().map(|(path, text)| (&**path, &**text)).collect::<Vec<_>>());
    let folder = world.root().join(".git/planwright/hub");
    world.wait(async {
        let hub = hub(folder).await;
        let repo = "local/hello".parse().unwrap();
        hub.ensure_repo(&repo).unwrap();
        let http = planwright::net::client(&planwright::net::Options::default()).unwrap();
        let client = Client::new(http, &hub.api(), planwright::clock::Clock::System).unwrap();
        let body = "Change the answer.\n\n## Acceptance criteria\n\n- [ ] The answer is there\n  - check (command): `test -e answer.txt`\n";
        let new = NewIssue { title: "Write the answer".to_owned(), body: body.to_owned(), ..NewIssue::default() };
        client.create_issue(&repo, &new).await.unwrap();
        hub.stop().await;
    });
    world
}

/// CPU and highest memory of a build that takes this many turns and then stops without an answer.
fn worked(world: &World, turns: usize) -> (Duration, usize) {
    let looks = (0..turns - 1).map(|n| {
        let path = format!("src/part{}/file{n}.txt", n % 40);
        script::turn().tool("read", &json!({ "path": path })).usage(1000, 50)
    });
    let script = Script::new().model("claude-sonnet-5-5", looks.chain([stalled()]));
    let models = world.wait(script::serve(script)).unwrap();
    let before = children();
    let mut child = build(world, &models);
    let mut memory = 0;
    while models.received().len() < turns && child.try_wait().unwrap().is_none() {
        memory = memory.max(peak(child.id()));
        std::thread::yield_now();
    }
    memory = memory.max(peak(child.id()));
    child.kill().unwrap();
    child.wait().unwrap();
    forget_build(world);
    (children().saturating_sub(before), memory)
}

/// A turn whose answer never comes: the build is stopped there.
fn stalled() -> Turn {
    script::turn().text("…").stalls_after(0)
}

fn build(world: &World, models: &Running) -> Child {
    world
        .command(PLANWRIGHT)
        .args(["build", "1", "--yes"])
        .env("ANTHROPIC_API_KEY", "scripted")
        .env("ANTHROPIC_BASE_URL", models.url())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

/// A build that was stopped is resumed the next time; here each begins anew.
fn forget_build(world: &World) {
    drop(std::fs::remove_dir_all(world.root().join(".git/planwright/builds")));
    drop(std::fs::remove_dir_all(world.home().join(".local/state/planwright/workbenches")));
    world.git(&["worktree", "prune"]);
    for branch in world.git(&["branch", "--list", "planwright/*", "--format=%(refname:short)"]).lines() {
        world.git(&["branch", "--delete", "--force", branch]);
    }
}

fn run(world: &World, program: &str, args: &[&str]) {
    let ran = world.run(program, args, "");
    assert!(ran.code <= 1, "{program} {args:?}: {}", ran.stderr);
}

fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn median(times: usize, mut measure: impl FnMut() -> Duration) -> Duration {
    let mut all: Vec<_> = (0..times).map(|_| measure()).collect();
    all.sort();
    all[times / 2]
}

/// CPU of every process that ended and was waited for.
fn children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let micros = |time: nix::sys::time::TimeVal| {
        Duration::from_micros(u64::try_from(time.tv_sec() * 1_000_000 + time.tv_usec()).unwrap())
    };
    micros(usage.user_time()) + micros(usage.system_time())
}

/// The highest resident memory of a running process in bytes; 0 once it has gone.
fn peak(process: u32) -> usize {
    #[expect(clippy::disallowed_methods, reason = "the kernel's own account of a process")]
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap_or(0) * 1024
}

fn compare(what: &str, ours: Duration, yardstick: Duration, which: &str) {
    let ratio = ours.as_secs_f64() / yardstick.as_secs_f64();
    println!("{what:<44} {:>9.1} ms {:>9.1} ms  {ratio:.2} × {which}", millis(ours), millis(yardstick));
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
fn kilo(bytes: usize) -> f64 {
    if bytes > 1_000_000 { bytes as f64 / 1e6 } else { bytes as f64 / 1e3 }
}
