//! `sync`: GitHub, the hub, or a pipeline's own API into the warehouse.

use serde_json::json;

use super::error::{Error, Stop};
use super::query::{Format, shaped};
use super::render::{thousands, time};
use super::screen::{DIM, LOOK, Screen, styled};
use super::session::{self, Call, Session};
use super::since::Since;
use super::tracker::Tracker;
use crate::artifact::RepoChoice;
use crate::clock::Stopwatch;
use crate::config::settings;
use crate::error::Exit;
use crate::net::Transport;
use crate::pipeline::forecast::{Bound, Forecast};
use crate::pipeline::spec::{Api, Rest};
use crate::pipeline::table::Column;
use crate::pipeline::warehouse::Place;
use crate::pipeline::{Folder, Spec, Table};
use crate::source::rest;
use crate::sync::{self, Estimate, Options, Server};

const EXAMPLES: &str = "\
Examples:
  planwright sync                          everything the token sees, since the last time
  planwright sync --repo octo/hello        one repository
  planwright sync --repo 'octo/*'          all of one owner that the token sees
  planwright sync --repo starred           those that you starred
  planwright sync --repo '!octo/old-*'     all but these
  planwright sync --only issues            one resource (and those above it)
  planwright sync --since 30d              a first sync that begins there, not in 2008
  planwright sync --full                   everything anew, and what is gone at GitHub goes here too
  planwright sync --dry-run                what it would take of your quota and time
  planwright sync --pipeline shop          your own pipeline, pipelines/shop/

The warehouse lies in ~/.local/share/planwright/warehouse.duckdb unless set otherwise.
Ask it with planwright query.";

/// Gather repositories, issues and how they hang together in the warehouse, or what another pipeline reads
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Run this pipeline instead of the configured one
    #[arg(long, value_name = "NAME")]
    pipeline: Option<String>,
    /// Only this resource; may be given more than once
    #[arg(long, value_name = "RESOURCE")]
    only: Vec<String>,
    /// Only this repository, those of a pattern (octo/app-*), or those you starred (starred); with a leading
    /// !, not these; may be given more than once
    #[arg(long, value_name = "OWNER/NAME")]
    repo: Vec<RepoChoice>,
    /// What was never read and can be asked from a time on, only from then: 2026-01-01, RFC 3339, or 30d
    #[arg(long, value_name = "DATE", conflicts_with = "full")]
    since: Option<Since>,
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
        let settings = &session.settled.loaded.settings;
        let chosen = chosen(args, &settings.sync);
        let folder = Folder::find(&chosen.pipeline, settings.places.pipelines.as_deref())?;
        match Spec::read(&folder)?.source {
            Api::Github => {
                let tracker = Tracker::open_anywhere(session, &chosen.repos).await?;
                tracker.introduce(session);
                let from = (Server::Github(&tracker.client), tracker.origin.as_str());
                let ended = load(args, session, from, (&folder, &chosen)).await;
                tracker.close().await;
                ended
            }
            Api::Rest(rest) => {
                let client = open(session, &rest, session.call.http()?)?;
                if !args.repo.is_empty() {
                    return Err(Error::NotOfGithub { pipeline: folder.name }.into());
                }
                let chosen = settings::Sync { repos: Vec::new(), ..chosen };
                load(args, session, (Server::Rest(&client), client.base()), (&folder, &chosen)).await
            }
        }
    })
    .await
}

/// The settings with what the arguments say.
fn chosen(args: &Args, settings: &settings::Sync) -> settings::Sync {
    let mut chosen = settings.clone();
    if let Some(pipeline) = &args.pipeline {
        chosen.pipeline.clone_from(pipeline);
    }
    if !args.only.is_empty() {
        chosen.resources.clone_from(&args.only);
    }
    if !args.repo.is_empty() {
        chosen.repos.clone_from(&args.repo);
    }
    chosen
}

/// Opens a pipeline's own API. Its credential is in the variable that its host leads to, and nowhere else.
pub(super) fn open(
    session: &Session<'_>,
    rest: &Rest,
    transport: impl Into<Transport>,
) -> Result<rest::Client, Stop> {
    let credentials = &session.settled.loaded.credentials;
    let credential = rest.variable().and_then(|variable| credentials.for_host(&variable));
    session.run.events.note(format!("reading from {}", rest.base));
    Ok(rest::Client::new(transport, rest, credential, session.call.clock.clone())?)
}

async fn load(
    args: &Args,
    session: &Session<'_>,
    (server, origin): (Server<'_>, &str),
    (folder, chosen): (&Folder, &settings::Sync),
) -> Result<Exit, Stop> {
    let settings = &session.settled.loaded.settings;
    let place = &Place::of(&settings.places)?;
    let options = Options {
        folder,
        warehouse: place,
        state: &settings.places.state,
        origin,
        settings: chosen,
        since: args.since.as_ref().map(|since| since.before(session.call.clock.now())).transpose()?,
        full: args.full,
    };
    if args.dry_run {
        let estimate = sync::estimate(server, &options, settings.tracker.reserve).await?;
        return tell(&estimate, args.format, session.caught_up().await);
    }
    let watch = Stopwatch::start();
    let report = sync::sync(&session.run, server, &options).await?;
    let (rows, requests, took) = (report.rows(), report.requests(), time(watch.millis()));
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
