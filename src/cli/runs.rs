//! `runs`: what each run did and cost, read off the ledger.

use std::collections::BTreeMap;

use serde_json::json;

use super::error::{Error, Stop};
use super::render::{money, thousands, time};
use super::screen::{DIM, HEAD, styled};
use super::session::Call;
use crate::artifact::RunId;
use crate::error::Exit;
use crate::ledger::{self, Entry, Ledger, Total};

const EXAMPLES: &str = "\
Examples:
  planwright runs                                 the last twenty
  planwright runs 20261122-114233-build-3f9a      one of them, by role
  planwright runs --json | jq 'select(.cost > 1)'";

/// List what each run did and cost
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// One run, by its id or the beginning of it
    id: Option<String>,
    /// How many to list, the latest first
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    last: usize,
}

/// Prints the runs.
pub(super) async fn run(args: &Args, call: &Call) -> Result<Exit, Stop> {
    let settled = call.settled(&[]).await?;
    let state = &settled.loaded.settings.places.state;
    let read = Ledger::open(state).read()?;
    if !read.broken.is_empty() {
        call.screen.say(format!("warning: lines {:?} of the ledger cannot be read", read.broken));
    }
    let mut runs: BTreeMap<RunId, Vec<Entry>> = BTreeMap::new();
    for entry in read.entries {
        runs.entry(entry.run.clone()).or_default().push(entry);
    }
    if let Some(id) = &args.id {
        let found = runs.iter().find(|(run, _)| run.0.starts_with(id.as_str()));
        let (run, entries) = found.ok_or_else(|| Error::NoRun { id: id.clone() })?;
        let folder = state.join("runs").join(&run.0);
        call.screen.result(if call.screen.json {
            entries.iter().map(|entry| json!(entry).to_string()).collect::<Vec<_>>().join("\n")
        } else {
            format!("{}\n{}\n  folder    {}", line(run, entries), by_role(entries), folder.display())
        })?;
        return Ok(Exit::Done);
    }
    for (run, entries) in runs.iter().rev().take(args.last) {
        call.screen.result(if call.screen.json {
            as_json(run, entries).to_string()
        } else {
            line(run, entries)
        })?;
    }
    if runs.is_empty() {
        call.screen.mention("no runs yet");
    }
    Ok(Exit::Done)
}

/// The line that closed the run; without one it was killed, or is still at work.
fn closing(entries: &[Entry]) -> Option<&Entry> {
    entries.iter().rev().find(|entry| entry.role.is_none())
}

fn line(run: &RunId, entries: &[Entry]) -> String {
    let total = ledger::sum(entries);
    let closing = closing(entries);
    let outcome = closing.map_or("unfinished", |entry| &entry.outcome);
    let took = closing.map_or(total.millis, |entry| entry.millis);
    let issue =
        entries.iter().find_map(|entry| entry.issue).map_or_else(String::new, |issue| issue.to_string());
    let cost = if total.turns == 0 { String::new() } else { money(total.cost) };
    let line = format!("{:<34} {issue:<6} {outcome:<11} {cost:>12} {:>10}", run.0, time(took));
    line.trim_end().to_owned()
}

/// What each role took, a line for each of its models.
pub(super) fn by_role(entries: &[Entry]) -> String {
    let totals = ledger::totals(entries);
    let lines = totals.iter().map(|((role, model), total)| took(role.name(), model, total));
    lines.collect::<Vec<_>>().join("\n")
}

/// What something took: money, turns, tokens, and time spent waiting for models.
pub(super) fn took(who: &str, what: &str, total: &Total) -> String {
    let tokens = format!("{} in, {} out", thousands(total.usage.all_input()), thousands(total.usage.output));
    let head = styled(HEAD, format_args!("{who:<11}"));
    let turns = if total.turns == 1 { "turn" } else { "turns" };
    let rest = styled(DIM, format!("{what}, {} {turns}, {tokens}, {}", total.turns, time(total.millis)));
    format!("  {head} {:>10}  {rest}", money(total.cost))
}

fn as_json(run: &RunId, entries: &[Entry]) -> serde_json::Value {
    let total = ledger::sum(entries);
    let closing = closing(entries);
    json!({
        "run": run,
        "verb": entries.first().map(|entry| &entry.verb),
        "issue": entries.iter().find_map(|entry| entry.issue),
        "outcome": closing.map(|entry| &entry.outcome),
        "turns": total.turns,
        "usage": total.usage,
        "cost": total.cost,
        "millis": closing.map_or(total.millis, |entry| entry.millis),
    })
}
