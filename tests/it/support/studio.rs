//! A studio for builds and reviews: a world with a repository, a hub with issues, scripted models.
//!
//! Everything is the real thing but the two models, whose turns are written down. Each run makes its
//! own clients, so that a second run knows no more than a second process would.

use std::path::PathBuf;

use planwright::agent::{Budget, Mind};
use planwright::artifact::{CommitId, Event, Events, IssueNumber};
use planwright::build::{self, Delivery, Home, Models, Options, Outcome, Site};
use planwright::clock::Clock;
use planwright::config::settings::{Credential, ModelFacts, Profile};
use planwright::config::{self, Environment, Input, Repository, Secret, Settings, Shipped};
use planwright::git::Repo;
use planwright::github::NewIssue;
use planwright::ledger::Ledger;
use planwright::model::script::{self, Running, Script, Turn, turn};
use planwright::model::{self, price};
use planwright::net;
use planwright::prompts::Prompts;
use planwright::review::{self, Desk, Reviewed, Subject};
use planwright::sandbox::Sandbox;
use planwright::telemetry::Run;
use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;

use super::World;
use super::tracker::Tracker;

/// The model that builds.
pub(crate) const FAST: &str = "claude-sonnet-5-5";
/// The model that reviews.
pub(crate) const STRONG: &str = "claude-opus-5-5";

/// See the module.
pub(crate) struct Studio {
    pub(crate) world: World,
    pub(crate) tracker: Tracker,
    pub(crate) settings: Settings,
    pub(crate) repo: Repo,
}

/// What came of a build.
pub(crate) struct Built {
    pub(crate) result: Result<Outcome, build::Error>,
    pub(crate) events: Vec<Event>,
    pub(crate) models: Running,
}

impl Studio {
    /// A repository with these files, and a hub without issues.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let world = World::with(files);
        let tracker = world.wait(Tracker::start());
        let environment = pairs(&world);
        let repo = world.wait(Repo::discover(world.root(), &environment)).unwrap();
        let shipped = Shipped { models: price::table(), aliases: Vec::new() };
        let input = Input {
            environment: &Environment::new(environment),
            dir: world.root().to_owned(),
            repository: Some(Repository {
                root: repo.root().to_owned(),
                common_dir: repo.common_dir().to_owned(),
            }),
            flags: &[],
            shipped: &shipped,
        };
        let mut settings = config::load(&input).unwrap().settings;
        settings.implementer.retries = 1;
        settings.reviewer.retries = 1;
        Self { world, tracker, settings, repo }
    }

    /// An issue whose one check is a shell command.
    pub(crate) fn issue(&self, title: &str, check: &str) -> IssueNumber {
        self.issue_with(title, &format!("- [ ] the work is done\n  - check (command): `{check}`\n"))
    }

    /// An issue with these lines under its acceptance heading.
    pub(crate) fn issue_with(&self, title: &str, acceptance: &str) -> IssueNumber {
        let body = format!("What to do and why.\n\n## Acceptance\n\n{acceptance}");
        let new = NewIssue { title: title.to_owned(), body, labels: Vec::new() };
        self.world.wait(self.tracker.client.create_issue(&self.tracker.repo, &new)).unwrap().number
    }

    /// Builds with an implementer and a reviewer that take these turns.
    pub(crate) fn build(&self, issue: IssueNumber, fast: Vec<Turn>, strong: Vec<Turn>) -> Built {
        self.build_as(Options { issue, delivery: Delivery::Branch }, fast, strong)
    }

    /// As [`Self::build`], with options.
    pub(crate) fn build_as(&self, options: Options, fast: Vec<Turn>, strong: Vec<Turn>) -> Built {
        let script = Script::new().model(FAST, fast).model(STRONG, strong);
        let models = self.world.wait(script::serve(script)).unwrap();
        let settings = self.pointed_at(&models);
        let (fast, strong) = (client(&settings.implementer), client(&settings.reviewer));
        let (sender, mut listener) = unbounded_channel();
        let run = Run::new(&settings.places.state, "build", clock(), Events::to(sender));
        let sandbox = Sandbox::new(PathBuf::from(env!("CARGO_BIN_EXE_planwright")), pairs(&self.world));
        let site = Site {
            repo: &self.repo,
            tracker: build::Tracker {
                client: &self.tracker.client,
                repo: &self.tracker.repo,
                home: Home::Hub,
            },
            settings: &settings,
            models: Models { implementer: &fast, reviewer: &strong },
            prompts: &Prompts::default(),
            sandbox: &sandbox,
            run: &run,
            ledger: &Ledger::open(&settings.places.state),
            budget: &Budget::new(settings.build.max_cost),
        };
        let result = self.world.wait(build::build(&site, &options));
        let events = std::iter::from_fn(|| listener.try_recv().ok()).collect();
        Built { result, events, models }
    }

    /// Reviews the index with a reviewer that takes these turns; how many of them it took.
    pub(crate) fn review(&self, turns: Vec<Turn>) -> (Reviewed, usize) {
        let models = self.world.wait(script::serve(Script::new().model(STRONG, turns))).unwrap();
        let settings = self.pointed_at(&models);
        let client = client(&settings.reviewer);
        let run = Run::new(&settings.places.state, "review", clock(), Events::none());
        let mind = Mind {
            client: &client,
            profile: &settings.reviewer,
            run: &run,
            ledger: &Ledger::open(&settings.places.state),
            budget: &Budget::new(settings.build.max_cost),
            issue: None,
        };
        let desk = Desk {
            mind: &mind,
            prompts: &Prompts::default(),
            repo: &self.repo,
            settings: &settings.review,
            state: &settings.places.state,
        };
        let reviewed = self.world.wait(async {
            let frozen = review::tree::freeze(&self.repo).await.unwrap();
            review::review(&desk, &Subject::alone(frozen)).await.unwrap()
        });
        (reviewed, models.received().len())
    }

    /// The comments of an issue.
    pub(crate) fn comments(&self, issue: IssueNumber) -> Vec<String> {
        let comments = self.world.wait(self.tracker.client.comments(&self.tracker.repo, issue)).unwrap();
        comments.into_iter().map(|comment| comment.body).collect()
    }

    /// The journal of a build, to look at or to damage.
    pub(crate) fn journal(&self, issue: IssueNumber) -> PathBuf {
        self.settings.places.state.join(format!("builds/{}.json", issue.0))
    }

    /// The commit at the tip of a branch.
    pub(crate) fn tip(&self, branch: &str) -> CommitId {
        CommitId(self.world.git(&["rev-parse", branch]))
    }

    fn pointed_at(&self, models: &Running) -> Settings {
        let mut settings = self.settings.clone();
        for profile in [&mut settings.implementer, &mut settings.reviewer] {
            profile.base_url = models.url();
            profile.credential = Some(Credential::Key(Secret::new("key".to_owned())));
        }
        settings
    }
}

/// A review that finds nothing.
pub(crate) fn nothing_found() -> Turn {
    turn().json(&json!({"findings": [], "criteria": [{"criterion": 1, "judged": "met", "why": "the check shows it"}]}))
}

/// A review with one blocking finding.
pub(crate) fn found(title: &str, path: &str, line: u32) -> Turn {
    let finding: Value = json!({
        "severity": "blocking", "path": path, "line": line, "title": title,
        "evidence": "the line shows it", "suggestion": "mend it",
    });
    turn().json(&json!({"findings": [finding], "criteria": []}))
}

/// Writes a file.
pub(crate) fn writes(path: &str, content: &str) -> Turn {
    turn().tool("write", &json!({"path": path, "content": content}))
}

/// Says that it is done.
pub(crate) fn done() -> Turn {
    turn().text("Done.")
}

fn client(profile: &Profile) -> model::Client {
    let facts: std::collections::BTreeMap<String, ModelFacts> = price::table();
    let http = net::client(&net::Options::default()).unwrap();
    model::Client::new(profile, &facts, http, clock()).unwrap()
}

fn clock() -> Clock {
    Clock::starting_at("2026-11-22T11:42:33Z".parse().unwrap())
}

fn pairs(world: &World) -> Vec<(std::ffi::OsString, std::ffi::OsString)> {
    world.environment().iter().map(|(name, value)| (name.into(), value.into())).collect()
}
