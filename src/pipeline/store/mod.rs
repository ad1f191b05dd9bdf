//! The engine's own tables: raw bodies, cursors, known pages, the request log, runs.
//!
//! They live in the schema `planwright`, beside the tables that people query. Every state carries its
//! origin (which GitHub, which hub), so that two accounts in one warehouse never mix.

mod gone;
mod state;
mod tables;

use std::collections::HashSet;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::schema::Cell;
use super::spec::Disposition;
use super::warehouse::{At, Error, Warehouse, Writer};
pub(crate) use gone::{Gone, open, prune, remove_others, replace_rows};
pub(crate) use state::{
    ByListing, KnownPage, Listing, Stand, cursors, keep_pages, known_pages, set_cursors, set_page,
};
#[cfg(test)]
pub(crate) use tables::declared;
pub(crate) use tables::{
    Prepared, child_columns, is_shown_late, lay_out, own_columns, prepare, settled, show_history,
};

/// The parent under which a listing over all parents stands.
pub(crate) const ALL: &str = "*";

/// Columns that a resource's table has after its own: key, the parent's key, hash, fetch time, origin; of
/// `scd2` also from when to when the row holds.
pub(crate) const fn lineage(disposition: Disposition) -> &'static [&'static str] {
    match disposition {
        Disposition::Scd2 => {
            &["_key", "_parent", "_hash", "_fetched_at", "_origin", "_valid_from", "_valid_to"]
        }
        _ => &["_key", "_parent", "_hash", "_fetched_at", "_origin"],
    }
}

/// The columns of `planwright.raw`. A row without body says that its key is gone at the source.
pub(crate) const RAW: [&str; 9] =
    ["origin", "resource", "key", "parent", "hash", "run", "fetched_at", "body", "place"];

/// The columns of `planwright.requests`.
pub(crate) const REQUESTS: [&str; 10] =
    ["origin", "run", "resource", "target", "status", "items", "changed", "next", "millis", "fetched_at"];

/// The columns of `planwright.rejects`.
pub(crate) const REJECTS: [&str; 7] = ["origin", "run", "resource", "key", "column", "reason", "value"];

/// The columns of the table `ledger`, in order.
pub(crate) const LEDGER: [&str; 14] = [
    "run",
    "ended_at",
    "verb",
    "role",
    "model",
    "issue",
    "turn",
    "input",
    "output",
    "cache_write",
    "cache_read",
    "cost",
    "millis",
    "outcome",
];

/// A fact that was written down; none in a warehouse that has no place for facts yet.
pub(crate) fn fact(warehouse: &Warehouse, name: &str) -> Option<String> {
    let sql = "SELECT value FROM planwright.facts WHERE name = ?";
    let rows = warehouse.select(sql, &[Cell::text(name)]).ok()?;
    Some(rows.first()?.first()?.as_str()?.to_owned())
}

/// When the last request was answered; the beginning of time where there was none.
pub(crate) fn last_request(warehouse: &Warehouse) -> Result<jiff::Timestamp, Error> {
    let found = warehouse.select("SELECT epoch_ms(max(fetched_at)) FROM planwright.requests", &[])?;
    let at = found.first().and_then(|row| row.first()).and_then(Value::as_i64);
    Ok(at.and_then(|at| jiff::Timestamp::from_millisecond(at).ok()).unwrap_or_default())
}

/// The facts whose names begin so.
pub(crate) fn facts(warehouse: &Warehouse, prefix: &str) -> Result<Vec<(String, String)>, Error> {
    let sql = "SELECT name, value FROM planwright.facts WHERE starts_with(name, ?)";
    let rows = warehouse.select(sql, &[Cell::text(prefix)])?;
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    Ok(rows.iter().filter_map(|row| Some((text(row.first())?, text(row.get(1))?))).collect())
}

/// Writes a fact down.
pub(crate) fn set_fact(writer: &Writer<'_>, name: &str, value: &str) -> Result<(), Error> {
    writer.execute("DELETE FROM planwright.facts WHERE name = ?", &[Cell::text(name)])?;
    let cells = [Cell::text(name), Cell::text(value)];
    writer.execute("INSERT INTO planwright.facts VALUES (?, ?)", &cells).map(drop)
}

/// Takes a fact back.
pub(crate) fn forget_fact(writer: &Writer<'_>, name: &str) -> Result<(), Error> {
    writer.execute("DELETE FROM planwright.facts WHERE name = ?", &[Cell::text(name)]).map(drop)
}

/// A digest of texts, by which it is told later whether they are the same.
pub(crate) fn digest(texts: impl IntoIterator<Item = String>) -> String {
    let mut digest = Sha256::new();
    for text in texts {
        digest.update(text);
        digest.update([0]);
    }
    hex::encode(digest.finalize())
}

/// The resources of which anything was ever read.
pub(crate) fn read(warehouse: &Warehouse) -> Result<HashSet<String>, Error> {
    Ok(names(&warehouse.select("SELECT DISTINCT resource FROM planwright.cursors", &[])?))
}

/// Whether anything of this pipeline was ever read.
pub(crate) fn holds(warehouse: &Warehouse, pipeline: &str) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM planwright.resources WHERE pipeline IS NULL OR pipeline = ? LIMIT 1";
    Ok(!warehouse.select(sql, &[Cell::text(pipeline)])?.is_empty())
}

fn names(rows: &[Vec<Value>]) -> HashSet<String> {
    rows.iter().filter_map(|row| row.first()?.as_str().map(str::to_owned)).collect()
}

/// The members of a list that is given as one JSON parameter.
pub(crate) const IN_LIST: &str = "(SELECT unnest(from_json(?::VARCHAR, '[\"VARCHAR\"]')))";

/// A list as the JSON parameter of [`IN_LIST`].
pub(crate) fn json_list<S: AsRef<str>>(items: &[S]) -> String {
    items.iter().map(AsRef::as_ref).collect::<Value>().to_string()
}

/// Text or nothing.
pub(crate) fn optional(text: Option<&str>) -> Cell {
    text.map_or(Cell::Null, Cell::text)
}

/// Writes the ledger's lines of these runs anew; returns how many there are more than before. The ledger
/// only grows, so that as many lines are the same lines.
pub(crate) fn replace_ledger(warehouse: &Warehouse, runs: &[&str], rows: &[Vec<Cell>]) -> Result<u64, Error> {
    let runs = [Cell::text(json_list(runs))];
    let sql = format!("SELECT count(*) FROM ledger WHERE run IN {IN_LIST}");
    let known = warehouse.select(&sql, &runs)?;
    let before = known.first().and_then(|row| row.first()).and_then(Value::as_u64).unwrap_or(0);
    let more = (rows.len() as u64).saturating_sub(before);
    if more > 0 {
        warehouse.write(|writer| {
            writer.execute(&format!("DELETE FROM ledger WHERE run IN {IN_LIST}"), &runs)?;
            writer.append(At::main("ledger"), &LEDGER, rows)
        })?;
    }
    Ok(more)
}
