//! `sync`: GitHub, or the hub, into the warehouse.

use super::error::Stop;
use super::render::time;
use super::screen::{DIM, styled};
use super::session::{self, Call, Session};
use super::tracker::Tracker;
use crate::artifact::RepoName;
use crate::clock::Stopwatch;
use crate::error::Exit;
use crate::pipeline::Folder;
use crate::sync::{self, Options};

const EXAMPLES: &str = "\
Examples:
  planwright sync                          everything the token sees, since the last time
  planwright sync --repo octo/hello        one repository
  planwright sync --only issues            one resource (and those above it)
  planwright sync --full                   everything anew, and what is gone at GitHub goes here too

The warehouse lies in ~/.local/share/planwright/warehouse.duckdb unless set otherwise.
Ask it with planwright query.";

/// Gather repositories, issues and how they hang together in the warehouse
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Only this resource; may be given more than once
    #[arg(long, value_name = "RESOURCE")]
    only: Vec<String>,
    /// Only this repository; may be given more than once
    #[arg(long, value_name = "OWNER/NAME")]
    repo: Vec<RepoName>,
    /// Read everything anew and remove what is gone
    #[arg(long)]
    full: bool,
}

/// Syncs.
pub(super) async fn run(args: &Args, call: &Call) -> Result<Exit, Stop> {
    session::within(call, "sync", &[], async |session| {
        let tracker = Tracker::open_anywhere(session).await?;
        tracker.introduce(session);
        let ended = load(args, session, &tracker).await;
        tracker.close().await;
        ended
    })
    .await
}

async fn load(args: &Args, session: &Session<'_>, tracker: &Tracker) -> Result<Exit, Stop> {
    let settings = &session.settled.loaded.settings;
    let mut chosen = settings.sync.clone();
    if !args.only.is_empty() {
        chosen.resources.clone_from(&args.only);
    }
    if !args.repo.is_empty() {
        chosen.repos.clone_from(&args.repo);
    }
    let folder = Folder::find(&chosen.pipeline, settings.places.pipelines.as_deref())?;
    let watch = Stopwatch::start();
    let report = sync::sync(
        &session.run,
        &tracker.client,
        &Options {
            folder: &folder,
            warehouse: &settings.places.warehouse,
            state: &settings.places.state,
            origin: &tracker.origin,
            settings: &chosen,
            full: args.full,
        },
    )
    .await?;
    let (rows, requests, took) = (report.rows(), report.requests(), time(watch.millis()));
    let place = settings.places.warehouse.display();
    let screen = session.caught_up().await;
    screen.mention(format!("{rows} new or changed rows in {requests} requests and {took}"));
    screen.mention(styled(DIM, format!("in {place}; ask it: planwright query \"SHOW TABLES\"")));
    Ok(report.exit())
}
