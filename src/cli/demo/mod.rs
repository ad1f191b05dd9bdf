//! The demo: the whole story on a throw-away repository, verb after verb, as a person would type them.
//!
//! Every act is this same program, started anew with its arguments; the demo adds nothing but the stage
//! and the scripted models, and says so. An act that ends otherwise than it should ends the demo there,
//! with that act's exit code.

mod finale;
mod script;
mod stage;

use std::path::PathBuf;

use crate::artifact::Branch;
use crate::cli::error::Stop;
use crate::cli::screen::{self, Screen, styled};
use crate::cli::session::Call;
use crate::clock::Stopwatch;
use crate::config::Role;
use crate::error::Exit;
use crate::model::script as models;
use crate::process::{self, Command, Limits, Status};

use stage::Stage;

/// The sentence that the story begins with.
const GOAL: &str = "Show which open issues have gone quiet, without a test that calls the live GitHub API";

/// The models whose lines are scripted: those that the profiles name when nobody says otherwise.
const STRONG: &str = "claude-opus-5-5";
const FAST: &str = "claude-sonnet-5-5";

/// Watch the whole story on a throw-away repository, without any key
///
/// One sentence becomes a plan, the plan becomes linked issues, one issue becomes a reviewed commit, and
/// everything lands in DuckDB. The models are scripted and say so; everything else is the real thing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  planwright demo\n  NO_COLOR=1 planwright demo 2> story.txt")]
pub(in crate::cli) struct Args {
    /// Take what the models say from this folder instead: planner.jsonl, implementer.jsonl, reviewer.jsonl
    #[arg(long, value_name = "DIR", hide = true)]
    script: Option<PathBuf>,
}

/// One step of the story.
struct Act {
    /// What happens, for people.
    says: &'static str,
    /// The arguments, as a person would type them.
    args: &'static [&'static str],
}

/// Up to the commit.
const TO_THE_COMMIT: &[Act] = &[
    Act {
        says: "The strong model plans: one sentence becomes linked issues.",
        args: &["plan", GOAL, "--yes"],
    },
    Act { says: "Which issue can be begun?", args: &["plan", "next"] },
    Act {
        says: "The fast model builds it in a sandboxed worktree; the strong model reviews before the commit.",
        args: &["build", "--next", "--yes"],
    },
];

/// After the person has merged.
const AFTER_THE_MERGE: &[Act] = &[
    Act { says: "The merge closed the issue, so another can be begun.", args: &["plan", "next"] },
    Act {
        says: "Everything the hub knows goes into DuckDB; models are built and data tests run.",
        args: &["sync"],
    },
];

/// What it came to, before the numbers.
const AT_THE_END: &[Act] = &[
    Act { says: "What it came to", args: &["plan", "status"] },
    Act {
        says: "The same, asked of the warehouse",
        args: &["query", "SELECT number, title, sub_issues, closed, blocked, percent FROM epics"],
    },
];

/// Plays the demo.
pub(in crate::cli) async fn run(args: &Args, call: &Call) -> Result<Exit, Stop> {
    let watch = Stopwatch::start();
    let roles = [(Role::Planner, STRONG), (Role::Reviewer, STRONG), (Role::Implementer, FAST)];
    let script = script::whole(args.script.as_deref(), roles)?;
    let models = models::serve(script).await?;
    let stage = Stage::set(&call.environment.all(), &models.url()).await?;
    let play = Play { screen: call.screen, stage, executable: call.executable.clone() };
    play.introduce();
    for act in TO_THE_COMMIT {
        if let Some(exit) = play.act(act).await? {
            return Ok(exit);
        }
    }
    play.merge().await?;
    for act in AFTER_THE_MERGE.iter().chain(AT_THE_END) {
        if let Some(exit) = play.act(act).await? {
            return Ok(exit);
        }
    }
    finale::show(call.screen, &play.stage, watch).await?;
    Ok(Exit::Done)
}

/// The demo at work.
struct Play {
    screen: Screen,
    stage: Stage,
    executable: PathBuf,
}

impl Play {
    fn introduce(&self) {
        let root = self.stage.root().display();
        self.screen.mention(format!("{}  the repository is {root}", styled(screen::HEAD, "planwright demo")));
        let scripted = "The models are SCRIPTED: their answers are replayed from files over loopback.";
        self.screen.mention(styled(screen::LOOK, scripted));
        self.screen
            .mention("Everything else is real: git, the hub, the sandbox, checks, review, commit, DuckDB.");
    }

    /// Runs one act; the exit code to stop with, if it did not end well.
    async fn act(&self, act: &Act) -> Result<Option<Exit>, Stop> {
        self.heading(act.says, &shown(act.args));
        let mut args: Vec<_> = act.args.iter().map(Into::into).collect();
        if self.screen.json {
            args.push("--json".into());
        }
        if self.screen.quiet {
            args.push("--quiet".into());
        }
        let command = Command {
            program: self.executable.clone().into_os_string(),
            args,
            dir: self.stage.root().to_owned(),
            environment: self.stage.environment.clone(),
            input: Vec::new(),
            limits: Limits { time: std::time::Duration::MAX, output_bytes: 0 },
        };
        let exit = match process::show(&command).await? {
            Status::Exited(0) => return Ok(None),
            Status::Exited(code) => exit_of(code),
            _ => Exit::Interrupted,
        };
        let said = format!("the story ends here: that act ended with exit code {}", exit as u8);
        self.screen.say(styled(screen::BAD, said));
        self.screen.say(format!("it lies in {}", self.stage.folder.display()));
        Ok(Some(exit))
    }

    /// What the person does: ship.
    async fn merge(&self) -> Result<(), Stop> {
        let Some(branch) = self.built()? else { return Ok(()) };
        self.heading("You ship: the commit goes where you decide.", &format!("git merge --ff-only {branch}"));
        let commit = self.stage.repo.fast_forward(&branch).await?;
        self.screen.mention(format!("main is now at {}", commit.short()));
        Ok(())
    }

    /// The branch that the build made.
    fn built(&self) -> Result<Option<Branch>, Stop> {
        let trees = self.stage.repo.worktrees()?;
        Ok(trees
            .into_iter()
            .filter_map(|tree| tree.branch)
            .find(|branch| branch.0.starts_with("planwright/")))
    }

    fn heading(&self, says: &str, command: &str) {
        self.screen.mention(format!("\n{}", styled(screen::HEAD, says)));
        self.screen.mention(styled(screen::DIM, format!("$ {command}")));
    }
}

/// A command line as a person would type it.
fn shown(args: &[&str]) -> String {
    let words =
        args.iter().map(|word| if word.contains(' ') { format!("\"{word}\"") } else { (*word).to_owned() });
    std::iter::once("planwright".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// The exit that a child ended with.
const fn exit_of(code: i32) -> Exit {
    match code {
        1 => Exit::Refused,
        2 => Exit::Usage,
        3 => Exit::Unable,
        4 => Exit::Partial,
        130 => Exit::Interrupted,
        _ => Exit::Bug,
    }
}
