//! The ledger in the warehouse, so that cost joins with issues.

use std::path::Path;

use super::Error;
use crate::artifact::IssueNumber;
use crate::ledger::{Entry, Ledger};
use crate::pipeline::schema::Cell;
use crate::pipeline::store;
use crate::pipeline::warehouse::Warehouse;

/// Loads the ledger of a state folder and returns how many of its lines were new. The ledger only
/// grows; the runs it names are written anew.
pub(super) fn load(warehouse: &Warehouse, state: &Path) -> Result<u64, Error> {
    let entries = Ledger::open(state).entries()?;
    let rows: Vec<Vec<Cell>> = entries.iter().map(row).collect();
    let mut runs: Vec<&str> = entries.iter().map(|entry| entry.run.0.as_str()).collect();
    runs.dedup();
    Ok(store::replace_ledger(warehouse, &runs, &rows)?)
}

/// The cells of an entry, in the order of [`store::LEDGER`].
fn row(entry: &Entry) -> Vec<Cell> {
    let text = |text: Option<&str>| text.map_or(Cell::Null, Cell::text);
    vec![
        Cell::text(&entry.run.0),
        Cell::time(entry.at),
        Cell::text(&entry.verb),
        text(entry.role.map(crate::config::Role::name)),
        text(entry.model.as_deref()),
        entry.issue.map_or(Cell::Null, |IssueNumber(number)| Cell::count(number)),
        Cell::count(u64::from(entry.turn)),
        Cell::count(entry.usage.input),
        Cell::count(entry.usage.output),
        Cell::count(entry.usage.cache_write),
        Cell::count(entry.usage.cache_read),
        entry.cost.map_or(Cell::Null, |cost| Cell::Double(cost.0)),
        Cell::count(entry.millis),
        Cell::text(&entry.outcome),
    ]
}
