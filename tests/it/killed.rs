//! The program killed by SIGKILL in the middle of a build, and run again: it ends as if nothing had happened.
//!
//! Nothing is timed. A request that is held, or a file that a command makes, says when to kill.

use std::path::PathBuf;
use std::process::Child;
use std::time::Duration;

use planwright::artifact::IssueNumber;
use planwright::clock::Stopwatch;
use planwright::github::NewIssue;
use planwright::hub::{Only, What};
use planwright::model::script::{Running, Script, Turn, turn};
use serde_json::json;

use crate::support::World;
use crate::support::studio::{FAST, STRONG, done, nothing_found, writes};
use crate::support::tracker::Tracker;

const BRANCH: &str = "planwright/1-say-hello";

/// A repository, its hub, and models that build and review its one issue.
struct Site {
    world: World,
    tracker: Tracker,
    models: Running,
}

/// A turn, who takes it, and what it costs: the commit names the sum.
fn turns() -> [(&'static str, Turn); 3] {
    let turns = [(FAST, writes("greeting.txt", "hello\n")), (FAST, done()), (STRONG, nothing_found())];
    turns.map(|(model, turn)| (model, turn.usage(1000, 100)))
}

impl Site {
    fn new(turns: impl IntoIterator<Item = (&'static str, Turn)>) -> Self {
        let mut world = World::with(&[("README.md", "A greeting.\n")]);
        let tracker = world.wait(Tracker::start());
        let body = "What to do.\n\n## Acceptance\n\n- [ ] hello\n  - check (command): `grep -q hello greeting.txt`\n";
        let new = NewIssue { title: "Say hello".to_owned(), body: body.to_owned(), labels: Vec::new() };
        world.wait(tracker.client.create_issue(&tracker.repo, &new)).unwrap();
        world.set("GITHUB_API_URL", tracker.hub.url()).set("GITHUB_TOKEN", tracker.hub.token().expose());
        world.set("PLANWRIGHT_REPO", tracker.repo.to_string());
        let (fast, strong): (Vec<_>, Vec<_>) = turns.into_iter().partition(|(model, _)| *model == FAST);
        let only = |turns: Vec<(_, Turn)>| turns.into_iter().map(|(_, turn)| turn);
        let models = world.speaks(Script::new().model(FAST, only(fast)).model(STRONG, only(strong)));
        Self { world, tracker, models }
    }

    fn begin(&self) -> Child {
        self.world.command(env!("CARGO_BIN_EXE_planwright")).args(["build", "1"]).spawn().unwrap()
    }

    /// Kills it, and waits until nobody whom it started is left.
    #[track_caller]
    fn kill(&self, mut building: Child) {
        building.kill().unwrap();
        assert_eq!(building.wait().unwrap().code(), None, "it was killed, and had not ended by itself");
        until(|| !self.is_anybody_left());
    }

    /// Whether a process names this world's folder: the sandbox's helper does.
    fn is_anybody_left(&self) -> bool {
        let folder = self.world.folder().to_string_lossy().into_owned();
        let processes = planwright::fs::list("/proc".as_ref()).unwrap();
        let lines = processes.iter().filter_map(|path| planwright::fs::read(&path.join("cmdline")).ok());
        lines.into_iter().any(|line| String::from_utf8_lossy(&line).contains(&folder))
    }

    /// Builds to the end: the commit, after a look at everything that could have been doubled or lost.
    #[track_caller]
    fn finish(&self, when: &str) -> String {
        let ran = self.world.planwright(&["build", "1"]).ended(0);
        assert_eq!(self.models.missed(), Vec::<String>::new(), "{when}: {}", ran.stderr);
        let Tracker { client, repo, .. } = &self.tracker;
        let comments = self.world.wait(client.comments(repo, IssueNumber(1))).unwrap();
        assert_eq!(comments.len(), 1, "{when}");
        let worktrees = self.world.git(&["worktree", "list", "--porcelain"]);
        assert_eq!(worktrees.matches("worktree ").count(), 2, "{when}: {worktrees}");
        assert!(worktrees.contains(&format!("branch refs/heads/{BRANCH}")), "{when}: {worktrees}");
        assert_eq!(self.world.git(&["rev-list", "--count", &format!("main..{BRANCH}")]), "1", "{when}");
        assert!(!self.is_anybody_left(), "{when}");
        self.world.git(&["rev-parse", BRANCH])
    }
}

/// Looks again and again until it is so.
#[track_caller]
fn until(mut is_so: impl FnMut() -> bool) {
    let watch = Stopwatch::start();
    while !is_so() {
        assert!(watch.elapsed() < Duration::from_mins(1), "it never came to that");
        std::thread::yield_now();
    }
}

#[test]
fn killed_at_any_model_request_a_build_ends_in_the_same_commit() {
    let expected = Site::new(turns()).finish("undisturbed");
    for n in 1..=3 {
        let mut turns = turns().to_vec();
        let (model, held) = turns[n - 1].clone();
        turns.insert(n - 1, (model, held.stalls_after(0)));
        let site = Site::new(turns);
        let building = site.begin();
        site.world.wait(site.models.until_received(n));
        site.kill(building);
        let when = format!("killed at model request {n}");
        assert_eq!(site.finish(&when), expected, "{when}");
    }
}

#[test]
fn killed_at_any_request_to_the_tracker_a_build_ends_in_the_same_commit() {
    let undisturbed = Site::new(turns());
    let before = undisturbed.tracker.faults.requests();
    let building = undisturbed.begin().wait_with_output().unwrap();
    assert!(building.status.success(), "{}", String::from_utf8_lossy(&building.stderr));
    let requests = undisturbed.tracker.faults.requests() - before;
    assert!(requests >= 5, "{requests}");
    let expected = undisturbed.finish("undisturbed");
    for n in 1..=requests {
        let site = Site::new(turns());
        site.tracker.faults.once(Only::Any, n, What::Hold);
        let building = site.begin();
        site.world.wait(site.tracker.faults.until_held());
        site.kill(building);
        let when = format!("killed at request {n} to the tracker");
        assert_eq!(site.finish(&when), expected, "{when}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn killed_while_a_command_runs_a_build_leaves_no_process_and_goes_on() {
    let expected = Site::new(turns()).finish("undisturbed");
    let [(_, first), second, third] = turns();
    drop(first);
    let mut site = Site::new([]);
    let token = site.world.folder().to_string_lossy().into_owned();
    let command = format!("echo hello > greeting.txt; touch \"$TMPDIR/started\"; sleep 1000; : {token}");
    let first = turn().tool("shell", &json!({ "command": command })).usage(1000, 100);
    let second = second.1.expect("already holds work");
    site.models = site.world.speaks(Script::new().model(FAST, [first, second]).model(STRONG, [third.1]));
    let building = site.begin();
    until(|| started(&site.world));
    assert!(site.is_anybody_left(), "the command runs");
    site.kill(building);
    assert_eq!(site.finish("killed while a command ran"), expected);
}

/// Whether the command has made its file in its private folder, beside the worktree.
fn started(world: &World) -> bool {
    let benches = planwright::fs::list(&world.home().join(".local/state/planwright/workbenches")).unwrap();
    benches.iter().map(|bench| bench.join("1.tmp/tmp/started")).any(|path: PathBuf| path.exists())
}
