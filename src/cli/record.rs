//! `test --record`: a pipeline read live, its answers written as a cassette, and the cassette replayed.

use serde_json::json;

use super::error::{Error, Stop};
use super::screen::{BAD, GOOD, LOOK, Screen, styled};
use super::session::{self, Call, Session};
use super::sync::open;
use super::tracker::Tracker;
use crate::artifact::RepoName;
use crate::error::Exit;
use crate::harness::erase::Replacement;
use crate::harness::record::{self, Options, Recorded, Server};
use crate::net::cassette::Tape;
use crate::pipeline::spec::{Api, Rest};
use crate::pipeline::{Folder, Spec};

/// What a recording takes.
#[derive(Debug, clap::Args)]
#[group(id = "recording")]
pub(super) struct Args {
    /// Read the pipeline live and write the answers as cassettes/NAME.jsonl; takes one pipeline of your own
    #[arg(long, value_name = "NAME", conflicts_with_all = ["only", "sql", "update", "faults", "keep"])]
    pub(super) record: Option<String>,
    /// Record only this resource (and those above it); may be given more than once
    #[arg(long, value_name = "RESOURCE", requires = "record")]
    only_resource: Vec<String>,
    /// Record only this repository; may be given more than once
    #[arg(long, value_name = "OWNER/NAME", requires = "record")]
    repo: Vec<RepoName>,
    /// Write NEW wherever OLD stands, in addresses too; may be given more than once
    #[arg(long, value_name = "OLD=NEW", requires = "record")]
    replace: Vec<Replacement>,
    /// Write the cassette anew if it is there
    #[arg(long, requires = "record")]
    force: bool,
}

/// Records.
pub(super) async fn run(args: &Args, (pipeline, name): (&str, &str), call: &Call) -> Result<Exit, Stop> {
    session::within(call, "test", &[], async |session| {
        let own = session.settled.loaded.settings.places.pipelines.as_deref();
        let folder = Folder::find(pipeline, own)?;
        let path = record::place(&folder, name)?;
        if path.exists() && !args.force {
            return Err(Error::Exists { path }.into());
        }
        let options = Options {
            folder: &folder,
            name,
            resources: args.only_resource.clone(),
            repos: args.repo.iter().map(ToString::to_string).collect(),
            replacements: args.replace.clone(),
        };
        let recorded = match Spec::read(&folder)?.source {
            Api::Github => of_github(session, options).await?,
            Api::Rest(rest) => of_rest(session, &rest, options).await?,
        };
        let screen = session.caught_up().await;
        let Some(recorded) = recorded else {
            screen.mention("interrupted; no cassette was written");
            return Ok(Exit::Interrupted);
        };
        tell(screen, &recorded)
    })
    .await
}

async fn of_github(session: &Session<'_>, options: Options<'_>) -> Result<Option<Recorded>, Stop> {
    let tape = Tape::default();
    let tracker = Tracker::open_recorded(session, &tape).await?;
    tracker.introduce(session);
    let recorded = record::record(&session.run, (Server::Github(&tracker.client), &tape), options).await;
    tracker.close().await;
    Ok(recorded?)
}

async fn of_rest(session: &Session<'_>, rest: &Rest, options: Options<'_>) -> Result<Option<Recorded>, Stop> {
    if !options.repos.is_empty() {
        return Err(Error::NotOfGithub { pipeline: options.folder.name.clone() }.into());
    }
    let tape = Tape::default();
    let client = open(session, rest, tape.over(session.call.http()?))?;
    Ok(record::record(&session.run, (Server::Rest(&client), &tape), options).await?)
}

/// Tells what was written, what was taken out of it, and whether it can be replayed.
fn tell(screen: Screen, recorded: &Recorded) -> Result<Exit, Stop> {
    let is_whole = recorded.is_whole();
    if screen.json {
        let mut told = json!(recorded);
        told["whole"] = json!(is_whole);
        screen.result(told)?;
    }
    let Recorded { path, answers, erased, resources, attempts } = recorded;
    screen.mention(format!("{answers} answers in {}", path.display()));
    for (kind, count) in erased {
        screen.say(format!("  {} {kind} ({count}): it stood in an answer", styled(LOOK, "taken out:")));
    }
    if is_whole {
        screen.mention(format!("  {} replayed, it answers all that is asked", styled(GOOD, "whole:")));
        return Ok(Exit::Done);
    }
    for attempt in attempts {
        screen.say(format!("  {} {}", styled(BAD, "not answered:"), attempt.by));
    }
    for outcome in resources.iter().filter(|outcome| outcome.reason.is_some()) {
        let why = outcome.reason.as_deref().unwrap_or_default();
        screen.say(format!("  {} is {}: {why}", outcome.name, outcome.status.name()));
    }
    screen.say(format!("  {} the cassette is kept, and a test with it is red", styled(BAD, "not whole:")));
    Ok(Exit::Refused)
}
