//! `test`: pipelines tested offline; cassettes replayed, models built, data tests run, the network refused.

use std::path::PathBuf;

use super::error::{Error, Stop};
use super::record;
use super::screen::{BAD, DIM, GOOD, HEAD, LOOK, Screen, styled};
use super::session::Call;
use crate::error::Exit;
use crate::harness::faults::{Matrix, Trace};
use crate::harness::pipelines::{self, Options, PipelineReport};
use crate::harness::snapshots::{Change, Reviewed};
use crate::pipeline::Folder;
use crate::pipeline::data_tests::Tested;
use crate::pipeline::outcome::Status;

const EXAMPLES: &str = "\
Examples:
  planwright test                               every pipeline there is
  planwright test github                        one of them
  planwright test github --only \"what is ready\"
  planwright test github --sql \"SELECT * FROM issues WHERE title IS NULL\"
  planwright test mine --update                 keep what its snapshots differ in
  planwright test mine --faults                 every fault at every request
  planwright test mine --record two --repo octo/app --replace ada=octo
                                                a new cassette, cassettes/two.jsonl, read live
  planwright test mine --keep kept              each cassette's warehouse, to be asked:
  PLANWRIGHT_WAREHOUSE=kept/CASSETTE.duckdb planwright query \"SHOW TABLES\"";

/// Test pipelines offline
///
/// Cassettes are replayed into a temporary warehouse, models are built, data tests run and snapshots
/// compared. Nothing reaches the network; what tries to is listed, and the test fails. Only --record reads
/// live: it writes a new cassette.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The pipelines; all of them if none is named
    pipeline: Vec<String>,
    /// Run only tests whose name or file holds this text
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// One more query, which must return no rows
    #[arg(long, value_name = "SQL")]
    sql: Option<String>,
    /// Write the snapshots that differ or are missing, and show what changes in them
    #[arg(long, conflicts_with = "sql")]
    update: bool,
    /// Replay each cassette with every fault at every request; none may leave a trace
    #[arg(long)]
    faults: bool,
    /// Keep the warehouse of each cassette as DIR/CASSETTE.duckdb, to look at its rows; takes one pipeline
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    #[command(flatten)]
    recording: record::Args,
}

/// Runs the tests.
pub(super) async fn run(args: &Args, call: &Call) -> Result<Exit, Stop> {
    let settled = call.settled(&[]).await?;
    let own = settled.loaded.settings.places.pipelines.as_deref();
    let names = if args.pipeline.is_empty() { chosen(own)? } else { args.pipeline.clone() };
    if let Some(cassette) = &args.recording.record {
        let [name] = names.as_slice() else {
            return Err(Error::OnePipeline { flag: "--record", pipelines: names }.into());
        };
        return record::run(&args.recording, (name, cassette), call).await;
    }
    if args.keep.is_some() && names.len() != 1 {
        return Err(Error::OnePipeline { flag: "--keep", pipelines: names }.into());
    }
    let options = Options {
        only: args.only.clone(),
        sql: args.sql.clone(),
        update: args.update,
        faults: args.faults,
        keep: args.keep.as_ref().map(|folder| call.dir.join(folder)),
    };
    let (mut run, mut is_green) = (0, true);
    for name in &names {
        let report = pipelines::test(&Folder::find(name, own)?, &options).await?;
        run += report.tests.len();
        is_green &= report.is_green();
        if call.screen.json {
            call.screen.result(serde_json::json!(report))?;
        } else {
            told(call.screen, &report);
        }
    }
    if run == 0 {
        return Err(Error::NoTests { only: args.only.clone(), pipelines: names }.into());
    }
    Ok(if is_green { Exit::Done } else { Exit::Refused })
}

/// The user's own pipelines; where there are none, the shipped ones.
fn chosen(own: Option<&std::path::Path>) -> Result<Vec<String>, Stop> {
    let all = Folder::names(own)?;
    let is_own = |name: &String| own.is_some_and(|own| own.join(name).is_dir());
    let (owned, shipped): (Vec<_>, Vec<_>) = all.into_iter().partition(is_own);
    Ok(if owned.is_empty() { shipped } else { owned })
}

fn told(screen: Screen, report: &PipelineReport) {
    screen.mention(format!("{} {}", styled(HEAD, "pipeline"), report.pipeline));
    for replayed in &report.cassettes {
        for outcome in &replayed.resources {
            if !matches!(outcome.status, Status::Complete | Status::Skipped) {
                let why = outcome.reason.as_deref().unwrap_or("no reason given");
                let line = format!(
                    "  {} {} on cassette {}: {why}",
                    styled(BAD, "broken"),
                    outcome.name,
                    replayed.name
                );
                screen.say(line);
            }
        }
    }
    for test in &report.tests {
        one(screen, test);
    }
    for attempt in &report.attempts {
        let port = attempt.port.map_or_else(String::new, |port| format!(":{port}"));
        screen.say(format!("  {} {}{port} ({})", styled(LOOK, "refused network:"), attempt.host, attempt.by));
    }
    for reviewed in &report.snapshots {
        snapshot(screen, reviewed);
    }
    matrix(screen, &report.faults);
    for kept in report.cassettes.iter().filter_map(|replayed| replayed.kept.as_ref()) {
        screen.mention(format!("  {} {}", styled(DIM, "kept:"), kept.display()));
    }
    let red = report.tests.iter().filter(|test| !test.green).count();
    screen.mention(format!("  {} green, {red} red", report.tests.len() - red));
}

fn matrix(screen: Screen, matrix: &Matrix) {
    for Trace { cassette, fault, request, difference } in &matrix.traces {
        screen.say(format!("  {} {fault} at {request} (cassette {cassette})", styled(BAD, "trace of")));
        for line in difference.lines() {
            screen.say(format!("         {line}"));
        }
    }
    if matrix.replays > 0 {
        screen.mention(format!("  {} faults met, {} left a trace", matrix.replays, matrix.traces.len()));
    }
}

fn snapshot(screen: Screen, reviewed: &Reviewed) {
    let Reviewed { path, change, difference } = reviewed;
    let hint = if *change == Change::Unused { ": no test names it; delete it, or write one" } else { "" };
    screen.say(format!("  {} {path}{hint}", styled(LOOK, format!("{} snapshot:", change.name()))));
    for line in difference.lines() {
        screen.say(format!("         {line}"));
    }
}

fn one(screen: Screen, test: &Tested) {
    let place = styled(DIM, &test.place);
    if test.green {
        screen.mention(format!("  {}  {} {place}", styled(GOOD, "green"), test.name));
        return;
    }
    screen.say(format!("  {}    {} {place}", styled(BAD, "red"), test.name));
    for line in test.detail.iter().flat_map(|detail| detail.lines()) {
        screen.say(format!("         {line}"));
    }
}
