//! `build`: one issue worked to a reviewed commit.

use serde_json::json;

use super::agree;
use super::error::{Error, Stop};
use super::minds::Minds;
use super::plans::Plans;
use super::render::money;
use super::screen::{GOOD, HEAD, styled};
use super::session::{self, Call, Session};
use super::tracker::Tracker;
use crate::artifact::IssueNumber;
use crate::build::{self, Delivery, Finished, Models, Outcome, Site, Step};
use crate::config::Role;
use crate::error::Exit;
use crate::sandbox::Sandbox;

const EXAMPLES: &str = "\
Examples:
  planwright build 34                     work issue 34 to a commit on a branch
  planwright build --next                 the issue that is ready
  planwright build 34 --pr                push the branch and open a pull request
  planwright build 34 --implementer opus --max-cost 10
  planwright build 34                     again: goes on where it stopped";

/// Work one issue to a reviewed commit
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The issue, as 34 or #34
    #[arg(required_unless_present = "next")]
    issue: Option<IssueNumber>,
    /// The issue that `plan next` shows
    #[arg(long, conflicts_with = "issue")]
    next: bool,
    /// Push the branch and open a pull request for it
    #[arg(long)]
    pr: bool,
    /// Spend up to the cap without asking
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    place: super::args::Place,
}

/// The roles of a build.
const ROLES: [Role; 2] = [Role::Implementer, Role::Reviewer];

/// Builds.
pub(super) async fn run(args: &Args, call: &Call) -> Result<Exit, Stop> {
    session::within(call, "build", &args.place.flags(), async |session| {
        session.settled.require_repo(&call.dir)?;
        let tracker = Tracker::open(session).await?;
        let done = built(args, session, &tracker).await;
        tracker.close().await;
        done
    })
    .await
}

async fn built(args: &Args, session: &Session<'_>, tracker: &Tracker) -> Result<Exit, Stop> {
    let call = session.call;
    let repo = session.settled.require_repo(&call.dir)?;
    let settings = &session.settled.loaded.settings;
    let home = tracker.home();
    let place = build::Tracker { client: &tracker.client, repo: &tracker.repo, home };
    let issue = match args.issue {
        Some(issue) => issue,
        None => Plans::read(session, tracker, None).await?.next()?.number,
    };
    tracker.introduce(session);
    if !args.pr {
        let state = &settings.places.state;
        let built = build::finished(repo, state, home).await?;
        if let Some(built) = built.iter().find(|build| build.issue == issue) {
            build::admit(repo, state, place, issue).await?;
            return already(session, built).await;
        }
    }
    agree::agree(session, &ROLES, args.yes).await?;
    let minds = Minds::open(session, &ROLES).await?;
    let [implementer, reviewer] =
        ROLES.map(|role| minds.mind(session, role, Some(issue)).ok_or(Error::NoMind));
    let sandbox = Sandbox::new(call.executable.clone(), call.environment.all());
    let site = Site {
        repo,
        tracker: place,
        settings,
        models: Models { implementer: implementer?.client, reviewer: reviewer?.client },
        prompts: &minds.prompts,
        sandbox: &sandbox,
        run: &session.run,
        ledger: &session.ledger,
        budget: &minds.budget,
    };
    let delivery = if args.pr { Delivery::PullRequest } else { Delivery::Branch };
    let options = build::Options { issue, delivery };
    let outcome = Box::pin(build::build(&site, &options)).await?;
    let screen = session.caught_up().await;
    if screen.json {
        screen.result(json!({ "event": "built", "outcome": outcome }))?;
    } else {
        screen.mention(told(&outcome));
        screen.result(&outcome.commit)?;
    }
    Ok(Exit::Done)
}

/// Says that the issue is built, and what to do about it. No model is asked, nothing is spent.
async fn already(session: &Session<'_>, built: &Finished) -> Result<Exit, Stop> {
    let screen = session.caught_up().await;
    if screen.json {
        screen.result(json!({ "event": "already_built", "build": built }))?;
    } else {
        let head = format!("\n{} {}: {built}", styled(GOOD, "already built"), styled(HEAD, built.issue));
        let steps = built.next.iter().map(step);
        screen.mention(std::iter::once(head).chain(steps).collect::<Vec<_>>().join("\n"));
        screen.result(&built.commit)?;
    }
    Ok(Exit::Done)
}

/// The last lines: what was made, and what the person does next.
fn told(outcome: &Outcome) -> String {
    let rounds =
        if outcome.rounds == 1 { "1 round".to_owned() } else { format!("{} rounds", outcome.rounds) };
    let cost = money(outcome.cost);
    let head = format!(
        "\n{} {} {}\n  commit {} on {}, after {rounds}, {cost}",
        styled(GOOD, "built"),
        styled(HEAD, outcome.issue),
        outcome.title,
        styled(HEAD, outcome.commit.short()),
        outcome.branch
    );
    let steps = outcome.next.iter().map(step);
    std::iter::once(head).chain(steps).collect::<Vec<_>>().join("\n")
}

/// What a step does, and its command below.
fn step(step: &Step) -> String {
    format!("  {}\n    {}", step.what, styled(HEAD, &step.command))
}
