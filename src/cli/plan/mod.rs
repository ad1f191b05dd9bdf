//! `plan`: one sentence becomes issues; `plan publish`, `next` and `status` go on from there.

mod tree;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;

use super::error::{Error, Stop};
use super::minds::Minds;
use super::plans::Plans;
use super::screen::Screen;
use super::session::{self, Call, Session};
use super::tracker::Tracker;
use super::{agree, ask};
use crate::agent::tools::{Toolbox, View};
use crate::artifact::{IssueNumber, Plan};
use crate::config::{Flag, Role};
use crate::error::Exit;
use crate::fs;
use crate::git;
use crate::plan::{self, Existing, Survey, file};

const EXAMPLES: &str = "\
Examples:
  planwright plan \"load all our GitHub issues into DuckDB\"
  planwright plan \"…\" --context notes.md --context docs/
  planwright plan \"…\" --show-context      what would be sent, and to stop there
  planwright plan \"…\" --dry-run --out plan.json
  planwright plan \"…\" --yes             in a script, where nobody can be asked
  planwright plan publish plan.json       twice makes nothing twice
  planwright plan next                    the issue that is ready
  planwright plan status                  every planned issue";

/// Turn one sentence into linked issues
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct Args {
    /// What you want, in one sentence or more
    #[arg(required = true)]
    goal: Option<String>,
    #[command(flatten)]
    draft: Draft,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, clap::Args)]
#[group(skip)]
struct Draft {
    /// Send this document or folder along; may be given more than once
    #[arg(long, value_name = "PATH")]
    context: Vec<PathBuf>,
    /// Print exactly what would be sent, and stop
    #[arg(long)]
    show_context: bool,
    /// Also write the plan to FILE; where nobody can be asked, only there
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Plan anew, even where an epic for this goal is there
    #[arg(long)]
    anew: bool,
    #[command(flatten)]
    publish: Offer,
}

#[derive(Debug, clap::Args)]
#[group(skip)]
struct Offer {
    /// Publish without asking
    #[arg(short, long)]
    yes: bool,
    /// Publish nothing
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    #[command(flatten)]
    place: super::args::Place,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Publish a plan from its file, or go on publishing it
    Publish {
        /// The plan; the latest one of this repository if not given
        file: Option<PathBuf>,
        #[command(flatten)]
        publish: Offer,
    },
    /// Show the issue that is ready to be built
    Next {
        #[command(flatten)]
        place: super::args::Place,
    },
    /// Show where every planned issue stands
    Status {
        /// Only this epic
        epic: Option<IssueNumber>,
        #[command(flatten)]
        place: super::args::Place,
    },
}

impl Args {
    fn flags(&self) -> Vec<Flag> {
        match &self.verb {
            None => self.draft.publish.place.flags(),
            Some(Verb::Publish { publish, .. }) => publish.place.flags(),
            Some(Verb::Next { place } | Verb::Status { place, .. }) => place.flags(),
        }
    }
}

/// Whether a plan is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Consent {
    /// It is.
    Given,
    /// The person is asked.
    Asked,
    /// It is not.
    Withheld,
}

impl Offer {
    const fn consent(&self) -> Consent {
        match (self.yes, self.dry_run) {
            (true, _) => Consent::Given,
            (_, true) => Consent::Withheld,
            _ => Consent::Asked,
        }
    }
}

impl Draft {
    /// Where nobody can be asked, a plan that goes to a file stays there, and one that would go nowhere is
    /// refused before it is paid for.
    fn consent(&self, screen: Screen) -> Result<Consent, Error> {
        match self.publish.consent() {
            Consent::Asked if screen.can_ask => Ok(Consent::Asked),
            Consent::Asked if self.out.is_some() || self.show_context => Ok(Consent::Withheld),
            Consent::Asked => Err(Error::NobodyToPublish),
            consent => Ok(consent),
        }
    }
}

/// Runs `plan` or what follows it.
pub(super) async fn run(args: &Args, call: &Call) -> Result<Exit, Stop> {
    session::within(call, "plan", &args.flags(), async |session| {
        let repo = session.settled.require_repo(&call.dir)?;
        let tracker = Tracker::open(session).await?;
        let done = match &args.verb {
            None => draft(args, session, repo, &tracker).await,
            Some(Verb::Publish { file, publish }) => {
                let (path, plan) = chosen(session, file.as_deref())?;
                tracker.introduce(session);
                tell(session, &plan).await?;
                offer(session, &tracker, publish.consent(), (&path, plan)).await
            }
            Some(Verb::Next { .. }) => next(session, &tracker).await,
            Some(Verb::Status { epic, .. }) => status(session, &tracker, *epic).await,
        };
        tracker.close().await;
        done
    })
    .await
}

async fn draft(
    args: &Args,
    session: &Session<'_>,
    repo: &git::Repo,
    tracker: &Tracker,
) -> Result<Exit, Stop> {
    let (goal, options) = (args.goal.as_deref().unwrap_or_default(), &args.draft);
    let consent = options.consent(session.call.screen)?;
    let settings = &session.settled.loaded.settings;
    let documents: Vec<_> = options.context.iter().map(|path| session.call.dir.join(path)).collect();
    let survey_of = (&tracker.client, &tracker.repo);
    let survey = plan::survey(repo.root(), &settings.context, &documents, Some(survey_of), goal).await?;
    tree::pack(session.call.screen, &survey.pack);
    if options.show_context {
        session.call.screen.result(survey.text())?;
        return Ok(Exit::Done);
    }
    tracker.introduce(session);
    let epic = survey.existing.as_ref().filter(|_| !options.anew);
    let (path, plan) = if let Some(found) = to_continue(session, consent, epic).await? {
        found
    } else {
        agree::agree(session, &[Role::Planner], options.publish.yes).await?;
        if let Some(folder) = options.out.as_ref().and_then(|out| out.parent()) {
            fs::must_be_writable(&session.call.dir.join(folder))?;
        }
        let plan = drafted(session, repo, &survey, goal).await?;
        let path = file::place(&settings.places.state, &plan.id);
        file::save(&path, &plan)?;
        (path, plan)
    };
    if let Some(out) = &options.out {
        file::save(&session.call.dir.join(out), &plan)?;
    }
    tell(session, &plan).await?;
    offer(session, tracker, consent, (&path, plan)).await
}

/// Asks the planner.
async fn drafted(session: &Session<'_>, repo: &git::Repo, survey: &Survey, goal: &str) -> Result<Plan, Stop> {
    let settings = &session.settled.loaded.settings;
    let minds = Minds::open(session, &[Role::Planner]).await?;
    let mind = minds.mind(session, Role::Planner, None).ok_or(Error::NoMind)?;
    let view = View::WorkTree { root: repo.root().to_owned(), exclude: &settings.context.exclude };
    let toolbox = Toolbox::read_only(view);
    let (test, turns) = (settings.build.test.as_deref(), settings.build.turns);
    session.run.events.stage("plan", format!("{} reads and plans", mind.profile.model));
    let ask = plan::Ask { goal, survey, test, turns };
    let drafted = plan::draft(&mind, &minds.prompts, &toolbox, ask).await;
    Ok(drafted.map_err(plan::Error::from)?)
}

/// The plan of an epic that is there for the same goal, if the person wants to go on with it.
async fn to_continue(
    session: &Session<'_>,
    consent: Consent,
    epic: Option<&Existing>,
) -> Result<Option<(PathBuf, Plan)>, Stop> {
    let Some(epic) = epic else { return Ok(None) };
    let state = &session.settled.loaded.settings.places.state;
    let path = file::place(state, &epic.plan);
    let (number, title) = (epic.number, &epic.title);
    if !path.exists() {
        return Err(Error::PlannedElsewhere { number, plan: epic.plan.clone() }.into());
    }
    if consent != Consent::Asked {
        session.run.events.note(format!("going on with {number} {title}; `--anew` plans it anew"));
        return Ok(Some((path.clone(), file::load(&path)?)));
    }
    let question = format!("{number} {title} was planned for this goal. Go on with it?");
    match ask::confirm(session.call.screen, "going on", &question).await {
        Ok(()) => Ok(Some((path.clone(), file::load(&path)?))),
        Err(Stop::Failed(failure)) if failure.exit() == Exit::Refused => Ok(None),
        Err(stop) => Err(stop),
    }
}

/// Shows the plan: the tree for people, the whole of it as an event.
async fn tell(session: &Session<'_>, plan: &Plan) -> Result<(), Stop> {
    let screen = session.caught_up().await;
    if screen.json {
        screen.result(json!({ "event": "plan", "plan": plan, "preview": plan::preview(plan) }))?;
    } else {
        screen.mention(tree::preview(&plan::preview(plan)));
    }
    Ok(())
}

/// Asks, then publishes.
async fn offer(
    session: &Session<'_>,
    tracker: &Tracker,
    consent: Consent,
    (path, mut plan): (&Path, Plan),
) -> Result<Exit, Stop> {
    let screen = session.call.screen;
    let errors = plan::lint::errors(&plan::lint(&plan));
    if !errors.is_empty() {
        return Err(plan::Error::Lint { problems: errors }.into());
    }
    if consent == Consent::Withheld {
        screen.mention(format!(
            "\nnothing was published; `planwright plan publish {}` does it",
            path.display()
        ));
        return Ok(Exit::Done);
    }
    if consent == Consent::Asked {
        let count = plan.issues.len() + 1;
        let question = format!("Publish {count} issues to {} on {}?", tracker.repo, tracker.name);
        ask::confirm(screen, "publishing", &question).await?;
    }
    session.run.events.stage("publish", format!("{} on {}", tracker.repo, tracker.name));
    let target = plan::Target {
        client: &tracker.client,
        tracker: &tracker.origin,
        repo: &tracker.repo,
        run: &session.run,
        file: path,
    };
    let report = plan::publish(target, &mut plan).await?;
    let screen = session.caught_up().await;
    if screen.json {
        screen.result(json!({ "event": "published", "report": report }))?;
    } else {
        screen.mention(tree::published(&report));
        screen.result(tracker.place(report.epic.number, &report.url))?;
    }
    screen.mention("next: planwright plan next");
    Ok(Exit::Done)
}

/// The plan file that was named, or the latest one of this repository.
fn chosen(session: &Session<'_>, named: Option<&Path>) -> Result<(PathBuf, Plan), Stop> {
    if let Some(path) = named {
        let path = session.call.dir.join(path);
        let plan = file::load(&path)?;
        return Ok((path, plan));
    }
    let state = &session.settled.loaded.settings.places.state;
    Ok(file::all(state)?.pop().ok_or(Error::NoPlan)?)
}

async fn next(session: &Session<'_>, tracker: &Tracker) -> Result<Exit, Stop> {
    let plans = Plans::read(session, tracker, None).await?;
    let screen = session.call.screen;
    let next = plans.next();
    if next.is_err() && screen.json {
        screen.result(json!({ "event": "next", "issue": null }))?;
    }
    let entry = next?;
    if screen.json {
        screen.result(json!({ "event": "next", "issue": entry }))?;
    } else {
        screen.result(format!("{} {}", entry.number, entry.title))?;
        let place = tracker.place(entry.number, &entry.url);
        screen.mention(format!("{place}\nbuild it: planwright build {}", entry.number.0));
    }
    Ok(Exit::Done)
}

async fn status(session: &Session<'_>, tracker: &Tracker, epic: Option<IssueNumber>) -> Result<Exit, Stop> {
    let plans = Plans::read(session, tracker, epic).await?;
    let screen = session.call.screen;
    let Plans { status, built } = &plans;
    if screen.json {
        screen.result(json!({ "event": "status", "status": status, "built": built }))?;
    } else if status.epics.is_empty() && status.loose.is_empty() {
        screen.mention(format!("no open planned issues in {} on {}", tracker.repo, tracker.name));
    } else {
        screen.result(tree::status(&plans))?;
    }
    Ok(Exit::Done)
}
