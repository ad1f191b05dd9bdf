//! `sync`: GitHub, or the hub, into the warehouse.

use serde_json::json;

use super::error::Stop;
use super::query::{Format, shaped};
use super::render::{thousands, time};
use super::screen::{DIM, LOOK, Screen, styled};
use super::session::{self, Call, Session};
use super::tracker::Tracker;
use crate::artifact::RepoName;
use crate::clock::Stopwatch;
use crate::error::Exit;
use crate::pipeline::forecast::{Bound, Forecast};
use crate::pipeline::table::Column;
use crate::pipeline::{Folder, Table};
use crate::sync::{self, Estimate, Options};

const EXAMPLES: &str = "\
Examples:
  planwright sync                          everything the token sees, since the last time
  planwright sync --repo octo/hello        one repository
  planwright sync --only issues            one resource (and those above it)
  planwright sync --full                   everything anew, and what is gone at GitHub goes here too
  planwright sync --dry-run                what it would take of your quota and time

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
    /// Only tell what it would take: requests, time, and what is left of the hour
    #[arg(long)]
    dry_run: bool,
    /// The form of what is told: table, csv, json, markdown
    #[arg(long, value_name = "FORM", default_value = "table", requires = "dry_run")]
    #[arg(hide_possible_values = true)]
    format: Format,
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
    let options = Options {
        folder: &folder,
        warehouse: &settings.places.warehouse,
        state: &settings.places.state,
        origin: &tracker.origin,
        settings: &chosen,
        full: args.full,
    };
    if args.dry_run {
        let estimate = sync::estimate(&tracker.client, &options, settings.tracker.reserve).await?;
        return tell(&estimate, args.format, session.caught_up().await);
    }
    let watch = Stopwatch::start();
    let report = sync::sync(&session.run, &tracker.client, &options).await?;
    let (rows, requests, took) = (report.rows(), report.requests(), time(watch.millis()));
    let place = settings.places.warehouse.display();
    let screen = session.caught_up().await;
    screen.mention(format!("{rows} new or changed rows in {requests} requests and {took}"));
    screen.mention(styled(DIM, format!("in {place}; ask it: planwright query \"SHOW TABLES\"")));
    Ok(report.exit())
}

/// Tells what a sync would take: the resources as a result, the sum and the quota for people.
fn tell(estimate: &Estimate, format: Format, screen: Screen) -> Result<Exit, Stop> {
    if screen.json || format == Format::Json {
        screen.result(json!(estimate))?;
        return Ok(Exit::Done);
    }
    screen.result(shaped(&table(estimate), format))?;
    let (requests, took) = (amount(estimate.bound, estimate.requests), time(estimate.seconds * 1_000));
    screen
        .mention(format!("{requests} requests and about {took}; a page that did not change costs no quota"));
    let Some(quota) = &estimate.quota else {
        screen.mention("the server tells of no limit");
        return Ok(Exit::Done);
    };
    let [limit, left, after, reserve] = [quota.limit, quota.left, quota.after, quota.reserve].map(thousands);
    screen.mention(format!(
        "of {limit} requests an hour {left} are left, {after} after it; {reserve} are kept"
    ));
    if !quota.fits {
        let until = quota.resets;
        let text = format!("it would stop at what is kept, and go on when run again after {until}");
        screen.mention(styled(LOOK, text));
    }
    Ok(Exit::Done)
}

fn table(estimate: &Estimate) -> Table {
    let column = |name: &str| Column { name: name.to_owned(), kind: "VARCHAR".to_owned() };
    let row =
        |forecast: &Forecast| vec![json!(forecast.name), json!(amount(forecast.bound, forecast.requests))];
    Table {
        columns: vec![column("resource"), column("requests")],
        rows: estimate.resources.iter().map(row).collect(),
    }
}

fn amount(bound: Bound, number: u64) -> String {
    let word = if bound == Bound::About { "about" } else { "at least" };
    format!("{word} {}", thousands(number))
}
