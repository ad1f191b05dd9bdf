//! Where builds are measured: a repository of many files, issues on a server, models that are scripted.
//!
//! The server is the hub, run by the benchmark and found by a token, as GitHub would be. What a build has
//! made is moved aside and not deleted: some file systems search long for a free place just after many
//! files were deleted, and no first build comes after that.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use planwright::clock::Clock;
use planwright::github::{Client, NewIssue};
use planwright::hub;
use planwright::model::script::{self, Running, Script};

use super::support::World;
use super::{FAST, PLANWRIGHT};

const FILES: usize = 3_000;

/// The issue's body: one check, which takes no time and is red.
const BODY: &str = "Change the answer.\n\n## Acceptance criteria\n\n- [ ] The answer is there\n  - check (command): `test -e answer.txt`\n";

/// How often a state that is waited for is looked at.
const LOOK: Duration = Duration::from_micros(200);

/// See the module.
pub(crate) struct Field {
    pub(crate) world: World,
    aside: std::cell::Cell<usize>,
    _github: hub::Running,
}

impl Field {
    /// A packed repository, as one that was cloned is, and one issue.
    pub(crate) fn new() -> Self {
        let files: Vec<_> = (0..FILES)
            .map(|n| {
                (format!("src/part{}/file{n}.txt", n % 40), format!("file {n}\nthe answer is {}\n", n * 7))
            })
            .collect();
        let mut world = World::with(&files.iter().map(|(path, text)| (&**path, &**text)).collect::<Vec<_>>());
        world.git(&["gc", "--quiet"]);
        let github = world.wait(served(world.folder().join("github")));
        world.wait(async {
            let repo = "ada/hello".parse().unwrap();
            github.ensure_repo(&repo).unwrap();
            let new = NewIssue {
                title: "Write the answer".to_owned(),
                body: BODY.to_owned(),
                ..NewIssue::default()
            };
            client(&github).create_issue(&repo, &new).await.unwrap();
        });
        let api = github.api();
        world.set("GITHUB_API_URL", api.url).set("GITHUB_TOKEN", api.token.expose());
        world.set("PLANWRIGHT_REPO", "ada/hello").set("ANTHROPIC_API_KEY", "scripted");
        Self { world, aside: std::cell::Cell::new(0), _github: github }
    }

    /// Serves scripted models.
    pub(crate) fn serve(&self, script: Script) -> Running {
        self.world.wait(script::serve(script)).unwrap()
    }

    /// Starts a build.
    pub(crate) fn build(&self, models: &Running) -> Child {
        let mut command = self.world.command(PLANWRIGHT);
        command.args(["build", "1", "--yes"]).env("ANTHROPIC_BASE_URL", models.url());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// How long a build takes to its first request, at which it is stopped.
    pub(crate) fn build_to_first_request(&self, models: &Running) -> Duration {
        let left = models.remaining(FAST);
        let begun = Instant::now();
        let mut child = self.build(models);
        wait_for(models, left - 1);
        let taken = begun.elapsed();
        end(&mut child);
        taken
    }

    /// A build that was stopped is gone on with the next time; after this it begins anew.
    pub(crate) fn forget(&self) {
        let home = self.world.home().join(".local/state/planwright/workbenches");
        if home.exists() {
            std::fs::rename(home, self.aside()).unwrap();
        }
        drop(std::fs::remove_dir_all(self.world.root().join(".git/planwright/builds")));
        self.world.git(&["worktree", "prune"]);
        for branch in
            self.world.git(&["branch", "--list", "planwright/*", "--format=%(refname:short)"]).lines()
        {
            self.world.git(&["branch", "--delete", "--force", branch]);
        }
    }

    /// A path at which nothing is yet.
    pub(crate) fn aside(&self) -> std::path::PathBuf {
        self.aside.set(self.aside.get() + 1);
        self.world.folder().join(format!("aside-{}", self.aside.get()))
    }
}

/// Waits until the implementer's script has no more than this many turns left.
pub(crate) fn wait_for(models: &Running, left: usize) {
    let begun = Instant::now();
    while models.remaining(FAST) > left {
        assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", models.missed());
        std::thread::park_timeout(LOOK);
    }
}

/// Stops a build where it is.
pub(crate) fn end(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A hub.
pub(crate) async fn served(folder: std::path::PathBuf) -> hub::Running {
    let options = hub::Options {
        folder,
        address: ([127, 0, 0, 1], 0).into(),
        login: "ada".to_owned(),
        clock: Clock::System,
        faults: hub::Faults::default(),
    };
    hub::start(options).await.unwrap()
}

/// The program's own client of a hub.
pub(crate) fn client(hub: &hub::Running) -> Client {
    let http = planwright::net::client(&planwright::net::Options::default()).unwrap();
    Client::new(http, &hub.api(), Clock::System).unwrap()
}
