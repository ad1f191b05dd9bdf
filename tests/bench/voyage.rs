//! What a run costs: start-up, time to the first model request, CPU a turn, memory, request size, sync speed.
//!
//! `cargo bench --profile dev` runs it. Every figure is of the whole program as a process, with models
//! scripted on loopback and the hub for GitHub. A figure of time is the median of several runs, with the
//! least in brackets, and stands beside a yardstick measured in the same run (`git` doing something
//! comparable), because seconds differ from machine to machine and ratios do less.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark stops where it fails")]
#![expect(clippy::print_stdout, reason = "a benchmark prints what it found")]
#![expect(dead_code, reason = "the worlds of the tests can do more than the benchmark needs")]

mod field;
mod measure;
#[path = "../it/support/mod.rs"]
mod support;
mod usage;

use std::time::{Duration, Instant};

use field::{Field, client, end, served, wait_for};
use measure::{Times, compare, cpu_of, peak, tell, timed};
use planwright::github::NewIssue;
use planwright::model::script::{self, Script, Turn};
use planwright::sandbox::Sandbox;
use serde_json::json;
use support::World;
use usage::children;

const PLANWRIGHT: &str = env!("CARGO_BIN_EXE_planwright");
/// The model that builds.
const FAST: &str = "claude-sonnet-5-5";
/// The model that reviews: it is asked what it knows of itself, and nothing else.
const STRONG: &str = "claude-opus-5-5";
/// Runs behind a figure.
const RUNS: usize = 11;
/// Builds whose turns are measured, and turns of each.
const BUILDS: usize = 5;
const TURNS: usize = 30;
const ISSUES: usize = 2_000;

fn main() {
    // `cargo test --benches` asks for tests; there are none here.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    println!("{:<42} {:>21} {:>21}  ratio, and what the yardstick is", "figure", "planwright", "yardstick");
    start_up();
    first_request();
    turns();
    sync();
}

/// `--version`: how long nothing takes.
fn start_up() {
    let world = World::with(&[("README.md", "# hello\n")]);
    let ours = Times::of(31, || timed(|| run(&world, PLANWRIGHT, &["--version"])));
    let git = Times::of(31, || timed(|| run(&world, "git", &["--version"])));
    compare("start-up, --version", ours, git, "git --version");
}

/// From `build 1` to its first model request, in a repository of many files: credentials in the
/// environment, what servers say of their models known from a run before, issues on a server that is up.
///
/// What lies between, and is in the figure: the issue and what blocks it are read, the worktree is made
/// (unless the build goes on with one), and the one check runs confined and is red.
fn first_request() {
    let field = Field::new();
    let stalls = std::iter::repeat_with(stalled).take(2 * RUNS + 1);
    let models = field.serve(Script::new().model(FAST, stalls).model(STRONG, []));
    field.build_to_first_request(&models);
    let worktree = Times::of(RUNS, || {
        let path = field.aside().to_string_lossy().into_owned();
        timed(|| run(&field.world, "git", &["worktree", "add", "--quiet", "--detach", &path]))
    });
    let begun = Times::of(RUNS, || {
        field.forget();
        field.build_to_first_request(&models)
    });
    compare("build to its first model request", begun, worktree, "git worktree add of the same files");
    confined(&field.world);
    let gone_on = Times::of(RUNS, || field.build_to_first_request(&models));
    let status = Times::of(RUNS, || timed(|| run(&field.world, "git", &["status", "--short"])));
    compare("  going on with the worktree of before", gone_on, status, "git status of the same files");
    let size = models.received().first().map_or(0, |request| request.bytes);
    tell("first request, tools included", kilo(size), "kB");
}

/// A command that does nothing, confined as every check is.
fn confined(world: &World) {
    let environment = world.environment().iter().map(|(name, value)| (name.into(), value.into()));
    let sandbox = Sandbox::new(PLANWRIGHT.into(), environment.collect());
    let ours = Times::of(RUNS, || timed(|| assert!(world.wait(sandbox.protections()).unwrap().seccomp)));
    let plain = Times::of(RUNS, || timed(|| run(world, "/bin/sh", &["-c", ":"])));
    compare("  of this, a check that does nothing", ours, plain, "sh -c : without a sandbox");
}

/// A build of many tool turns: CPU and time from its first request to its last, and its highest memory.
fn turns() {
    let field = Field::new();
    let script = (0..BUILDS).fold(Script::new().model(STRONG, []), |script, _| {
        script.model(FAST, (0..TURNS).map(look).chain([stalled()]))
    });
    let models = field.serve(script);
    let (mut cpu, mut wall, mut memory) = (Vec::new(), Vec::new(), 0);
    for _ in 0..BUILDS {
        field.forget();
        let left = models.remaining(FAST);
        let mut child = field.build(&models);
        wait_for(&models, left - 1);
        let (begun, before) = (Instant::now(), cpu_of(child.id()));
        wait_for(&models, left - 1 - TURNS);
        wall.push(a_turn(begun.elapsed()));
        cpu.push(a_turn(cpu_of(child.id()).saturating_sub(before)));
        memory = memory.max(peak(child.id()));
        end(&mut child);
    }
    let search = Times::of(RUNS, || {
        let before = children();
        run(&field.world, "git", &["grep", "--count", "answer"]);
        children().saturating_sub(before)
    });
    compare("CPU of a tool turn, children included", among(cpu), search, "CPU of git grep, same files");
    let grep = Times::of(RUNS, || timed(|| run(&field.world, "git", &["grep", "--count", "answer"])));
    compare("  from request to request", among(wall), grep, "git grep, same files");
    tell(&format!("highest memory of a build of {TURNS} turns"), kilo(memory), "MB");
}

/// A turn's share.
fn a_turn(time: Duration) -> Duration {
    time / u32::try_from(TURNS).unwrap()
}

fn among(times: Vec<Duration>) -> Times {
    let count = times.len();
    let mut times = times.into_iter();
    Times::of(count, || times.next().unwrap())
}

/// The hub's issues into DuckDB, first all of them, then nothing.
fn sync() {
    let world = World::with(&[("README.md", "# hello\n")]);
    let folder = world.root().join(".git/planwright/hub");
    world.wait(async {
        let hub = served(folder).await;
        let client = client(&hub);
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
    let again = Times::of(5, || timed(|| run(&world, PLANWRIGHT, &["sync"])));
    let rows = u32::try_from(ISSUES).unwrap();
    tell(&format!("sync, rows of {rows} issues"), f64::from(rows) / full.as_secs_f64(), "/s");
    compare("sync again, nothing changed", again, among(vec![full]), "the first sync of the same account");
}

/// A turn that reads a file.
fn look(number: usize) -> Turn {
    let path = format!("src/part{}/file{number}.txt", number % 40);
    script::turn().tool("read", &json!({ "path": path })).usage(1000, 50)
}

/// A turn whose answer never comes: the build is stopped there.
fn stalled() -> Turn {
    script::turn().text("…").stalls_after(0)
}

fn run(world: &World, program: &str, args: &[&str]) {
    let ran = world.run(program, args, "");
    assert!(ran.code <= 1, "{program} {args:?}: {}", ran.stderr);
}

#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
fn kilo(bytes: usize) -> f64 {
    if bytes > 1_000_000 { bytes as f64 / 1e6 } else { bytes as f64 / 1e3 }
}
