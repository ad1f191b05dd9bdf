//! What `sync` costs beside what a person would take instead, and beside what nothing can be faster than.
//!
//! `cargo bench --profile dev --config profile.dev.opt-level=3 --bench sync` runs it: what planwright is linked with
//! stays as `cargo test` compiled it, and planwright itself is optimised as a release is; without `--config` it
//! takes about an eighth more CPU. A process of its own serves a made-up account; every
//! tool is a process too, start-up included, and loads repositories, issues and comments into a database
//! file: first all of them, then again with nothing changed, then after one in a hundred changed. The
//! tools take turns, so that what else the machine does hits all of them; the middle of the runs is told,
//! with the least and the most. What takes longer than a minute runs once. CPU is user and system time of
//! the process and its children; memory is that of the largest of them. The server counts the requests.
//! Rows that a tool does not have afterwards are said, and many of them stop the benchmark. At the end it
//! shows how requests grow with the account, which `-- growth` shows alone.
//!
//! Peers are Python: `BENCH_PYTHON=a/bin/python:b/bin/python` names interpreters that have them
//! (`pip install 'dlt[duckdb,parquet]' github-to-sqlite meltanolabs-tap-github target-duckdb`), otherwise
//! it is `python3`. Those not found are said. `BENCH_RUNS` is how often everything is run, 3 if not given.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark stops where it fails"
)]
#![expect(clippy::print_stdout, reason = "a benchmark prints what it found")]
#![expect(dead_code, reason = "the worlds of the tests can do more than the benchmark needs")]

#[path = "../it/support/mod.rs"]
mod support;

mod account;
mod floors;
mod gauge;
mod growth;
mod table;
mod tools;
mod usage;

use std::path::Path;
use std::process::{ExitCode, Stdio};

use account::{Served, Size};
use floors::Pages;
use gauge::Taken;
use support::World;
use table::{Sample, Scene, Table};
use tools::Tool;

/// The account that everybody loads.
const SIZE: Size = Size { repos: 4, issues: 6_000, comments: 25_000 };

/// How many times larger the account is on which growth is shown.
const LARGER: usize = 10;

const LATENCIES: [&str; 2] = ["0ms", "30ms"];
const NEAR: &str = LATENCIES[0];

/// The share of issues changed in the last scene.
const CHANGED: &str = "1%";
const UNCHANGED: &str = "0";

const ANY_PORT: u16 = 0;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let verb = arguments.first().map_or("", String::as_str);
    match verb {
        gauge::MEASURED => gauge::measure(&arguments[1..]),
        floors::DOWNLOAD => floors::download(&arguments[1..]),
        floors::READ => floors::read(&arguments[1..]),
        growth::ALONE => growth::show(),
        // `cargo test --benches` asks for tests; there are none here.
        _ if arguments.iter().any(|argument| argument == "--test") => ExitCode::SUCCESS,
        _ => bench(),
    }
}

fn bench() -> ExitCode {
    let runs: usize = variable("BENCH_RUNS").map_or(3, |runs| runs.parse().unwrap());
    let pythons = variable("BENCH_PYTHON").unwrap_or_else(|| "python3".to_owned());
    let tools = Tool::all(&World::empty(), &pythons.split(':').collect::<Vec<_>>());
    introduce(runs);
    let mut table = Table::default();
    for run in 0..runs {
        for latency in LATENCIES {
            for tool in &tools {
                if run > 0 && table.is_slow(tool.title()) {
                    continue;
                }
                for (scene, sample) in voyage(tool, latency) {
                    table.add((scene, latency), tool.title(), sample);
                }
            }
            floors(latency, &mut table);
        }
        table.add((Scene::Full, NEAR), &larger(), full(SIZE.times(LARGER)));
    }
    println!("{}", table.markdown(Tool::Planwright.title()));
    grown(&table);
    let shown = growth::show();
    println!("load of the machine at the end: {}", load());
    shown
}

#[expect(clippy::disallowed_methods, reason = "the benchmark's own settings")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The three scenes of one tool, from nothing, each beside a server of its own.
fn voyage(tool: &Tool, latency: &str) -> Vec<(Scene, Sample)> {
    let mut world = World::empty();
    let folder = world.folder().join("loaded");
    std::fs::create_dir(&folder).unwrap();
    let mut port = ANY_PORT;
    let mut sail = |scene: &Scene| {
        let changed = if *scene == Scene::Changed { CHANGED } else { UNCHANGED };
        let served = Served::start(&world, SIZE, [changed, latency], port);
        port = served.port();
        world.set("GITHUB_API_URL", &served.url).set("GITHUB_TOKEN", &served.token);
        let taken = measured(&world, &tool.load(&folder));
        let requests = Some(served.stop());
        let missing = tool.missing(&world, &folder, SIZE);
        let rows = (*scene == Scene::Full).then_some(SIZE.rows());
        (*scene, Sample { taken, requests, rows, missing })
    };
    tool.scenes().iter().map(&mut sail).collect()
}

/// A full load of an account of this size by planwright.
fn full(size: Size) -> Sample {
    let mut world = World::empty();
    let served = Served::start(&world, size, [UNCHANGED, NEAR], ANY_PORT);
    world.set("GITHUB_API_URL", &served.url).set("GITHUB_TOKEN", &served.token);
    let folder = world.folder().to_owned();
    let taken = measured(&world, &Tool::Planwright.load(&folder));
    let requests = Some(served.stop());
    let missing = Tool::Planwright.missing(&world, &folder, size);
    Sample { taken, requests, rows: Some(size.rows()), missing }
}

/// What no full load can be faster than.
fn floors(latency: &'static str, table: &mut Table) {
    let world = World::empty();
    let served = Served::start(&world, SIZE, [UNCHANGED, latency], ANY_PORT);
    let pages = Pages::of(&world, &served, SIZE);
    let ourselves = |rest: Vec<String>| {
        let program = std::env::current_exe().unwrap().to_string_lossy().into_owned();
        std::iter::once(program).chain(rest).collect::<Vec<_>>()
    };
    let scene = (Scene::Full, latency);
    let bare = |taken| Sample { taken, requests: None, rows: Some(SIZE.rows()), missing: 0 };
    let taken = measured(&world, &ourselves(pages.download(&served)));
    let title = format!("floor: the same pages, {} in flight, nothing kept", floors::IN_FLIGHT);
    table.add(scene, &title, bare(taken));
    if latency == NEAR {
        let folder = world.folder().join("pages");
        pages.save(&world, &served, &folder);
        let database = world.folder().join("floor.duckdb");
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let read = vec![floors::READ.to_owned(), text(&folder), text(&database)];
        let taken = measured(&world, &ourselves(read));
        table.add(scene, "floor: read_json of the same pages from files", bare(taken));
    }
    served.stop();
}

/// Runs a command in the world and tells what it took; a failure stops the benchmark.
fn measured(world: &World, command: &[String]) -> Taken {
    let file = world.folder().join("taken");
    let mut measuring = world.command(&std::env::current_exe().unwrap().to_string_lossy());
    measuring.arg(gauge::MEASURED).arg(&file).args(command).stdin(Stdio::null());
    let output = measuring.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} ended with {}:\n{said}", output.status);
    gauge::taken(&file)
}

fn larger() -> String {
    format!("planwright, {LARGER} times the account")
}

/// What becomes of time and memory when the account grows.
fn grown(table: &Table) {
    let of = |title: &str| table.middle((Scene::Full, NEAR), title);
    let (small, large) = (of(Tool::Planwright.title()), of(&larger()));
    println!(
        "{LARGER} times the rows take planwright {:.1} times the time, {:.1} times the CPU and {:.1} times the memory.",
        large.wall / small.wall,
        large.cpu / small.cpu,
        large.memory / small.memory
    );
}

fn introduce(runs: usize) {
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    println!(
        "{} repositories, {} issues and {} comments; {runs} runs, the tools in turn: the middle one (least to most).",
        SIZE.repos, SIZE.issues, SIZE.comments
    );
    println!("{processors} processors, load of the machine at the beginning: {}", load());
}

#[expect(clippy::disallowed_methods, reason = "the kernel's own account of the machine")]
fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim().to_owned()
}
