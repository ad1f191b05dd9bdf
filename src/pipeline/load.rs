//! Landing a page: one transaction holds its raw rows, its current rows, the cursor and the request log.
//!
//! What has not changed is not stored again. Whatever kills the process, the warehouse stands before the
//! page or after it, and the cursor with it: nothing is lost and nothing is doubled.

use std::collections::HashMap;

use serde_json::Value;

use super::cursor::Cursor;
use super::normalize::Row;
use super::schema::{self, Cell, Change, Column, Kind};
use super::store::{self, IN_LIST, KnownPage, LINEAGE, Listing, json_list};
use super::warehouse::{At, Error, Warehouse, Writer, quoted};
use crate::artifact::RunId;

/// A page on its way into the warehouse.
#[derive(Debug)]
pub(crate) struct Landing<'a> {
    /// The listing it belongs to.
    pub(crate) listing: Listing<'a>,
    /// The columns the spec declares; empty lets them be inferred.
    pub(crate) declared: &'a [Column],
    /// The run that fetched it.
    pub(crate) run: &'a RunId,
    /// When it was fetched.
    pub(crate) at: jiff::Timestamp,
    /// What was asked.
    pub(crate) target: String,
    /// The status of the answer.
    pub(crate) status: u16,
    /// How long the answer took.
    pub(crate) millis: u64,
    /// The link to the next page.
    pub(crate) next: Option<String>,
    /// Its rows.
    pub(crate) rows: Vec<Row>,
    /// The page to remember, where it has a tag.
    pub(crate) known: Option<KnownPage>,
    /// Where the listing stands with it.
    pub(crate) cursor: Cursor,
    /// With the listing's last page: what else must go.
    pub(crate) end: Option<End>,
}

/// What the end of a listing clears away.
#[derive(Debug, Default)]
pub(crate) struct End {
    /// The pages that make up the listing now.
    pub(crate) targets: Vec<String>,
    /// Every key of a listing that was read whole; other rows of it are gone at the source.
    pub(crate) keys: Option<Vec<String>>,
}

/// What a page changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Landed {
    /// Rows that were new or changed.
    pub(crate) changed: u64,
    /// Rows that went.
    pub(crate) removed: u64,
    /// Values that did not fit a declared column.
    pub(crate) rejected: u64,
}

/// Lands a page.
pub(crate) fn land(warehouse: &Warehouse, landing: &Landing<'_>) -> Result<Landed, Error> {
    let columns = fit(warehouse, landing)?;
    warehouse.write(|writer| {
        let changed = changed(writer, landing)?;
        let rejected = store_rows(writer, landing, &columns, &changed)?;
        let removed = finish(writer, landing)?;
        let counts = (landing.rows.len(), changed.len());
        log(writer, landing, counts)?;
        Ok(Landed { changed: changed.len() as u64, removed, rejected })
    })
}

/// The table's columns, after it has been made wide enough for the rows.
fn fit(warehouse: &Warehouse, landing: &Landing<'_>) -> Result<Vec<Column>, Error> {
    if !landing.declared.is_empty() {
        return Ok(landing.declared.to_vec());
    }
    let table = landing.listing.resource;
    let columns = own_columns(warehouse, table)?;
    let values = landing.rows.iter().flat_map(|row| &row.values).map(|(name, value)| (name.as_str(), value));
    let changes = schema::changes(&columns, values);
    if changes.is_empty() {
        return Ok(columns);
    }
    warehouse.write(|writer| changes.iter().try_for_each(|change| alter(writer, table, change, &columns)))?;
    own_columns(warehouse, table)
}

fn own_columns(warehouse: &Warehouse, table: &str) -> Result<Vec<Column>, Error> {
    let columns = warehouse.columns_of(&format!("SELECT * FROM {}", quoted(table)))?;
    let own = columns.into_iter().filter(|column| !LINEAGE.contains(&column.name.as_str()));
    Ok(own
        .filter_map(|column| Some(Column { kind: Kind::from_sql(&column.kind)?, name: column.name }))
        .collect())
}

fn alter(writer: &Writer<'_>, table: &str, change: &Change, columns: &[Column]) -> Result<(), Error> {
    let table = quoted(table);
    let sql = match change {
        Change::Add(column) => {
            format!("ALTER TABLE {table} ADD COLUMN {} {}", quoted(&column.name), column.kind.sql())
        }
        Change::Widen(column) => {
            let name = quoted(&column.name);
            let was = columns.iter().find(|old| old.name == column.name).map(|old| old.kind);
            let text = match was {
                Some(Kind::Timestamp) => format!("strftime({name}, '%Y-%m-%dT%H:%M:%SZ')"),
                _ => name.clone(),
            };
            let value = if column.kind == Kind::Json { format!("to_json({text})") } else { text };
            format!("ALTER TABLE {table} ALTER COLUMN {name} TYPE {} USING {value}::{0}", column.kind.sql())
        }
    };
    writer.execute(&sql, &[]).map(drop)
}

/// The rows that the table does not have just so.
fn changed<'a>(writer: &Writer<'_>, landing: &'a Landing<'_>) -> Result<Vec<&'a Row>, Error> {
    if landing.rows.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<_> = landing.rows.iter().map(|row| &row.key).collect();
    let table = quoted(landing.listing.resource);
    let sql = format!("SELECT _key, _hash FROM {table} WHERE _origin = ? AND _key IN {IN_LIST}");
    let found = writer.select(&sql, &[Cell::text(landing.listing.origin), Cell::text(json_list(&keys))])?;
    let pair = |row: &'_ [Value]| Some((row.first()?.as_str()?.to_owned(), row.get(1)?.as_str()?.to_owned()));
    let hashes: HashMap<String, String> = found.iter().filter_map(|row| pair(row)).collect();
    Ok(landing.rows.iter().filter(|row| hashes.get(&row.key) != Some(&row.hash)).collect())
}

fn store_rows(
    writer: &Writer<'_>,
    landing: &Landing<'_>,
    columns: &[Column],
    rows: &[&Row],
) -> Result<u64, Error> {
    if rows.is_empty() {
        return Ok(0);
    }
    let Listing { origin, resource, parent } = landing.listing;
    let (origin, parent, at) = (Cell::text(origin), Cell::text(parent), Cell::time(landing.at));
    let raw = rows.iter().map(|row| {
        let (key, hash, body) = (Cell::text(&row.key), Cell::text(&row.hash), Cell::text(&row.body));
        vec![
            origin.clone(),
            Cell::text(resource),
            key,
            parent.clone(),
            hash,
            Cell::text(&landing.run.0),
            at.clone(),
            body,
        ]
    });
    let raw: Vec<_> = raw.collect();
    let raw_columns = ["origin", "resource", "key", "parent", "hash", "run", "fetched_at", "body"];
    writer.append(At::own("raw"), &raw_columns, &raw)?;
    let keys: Vec<_> = rows.iter().map(|row| &row.key).collect();
    let sql = format!("DELETE FROM {} WHERE _origin = ? AND _key IN {IN_LIST}", quoted(resource));
    writer.execute(&sql, &[origin.clone(), Cell::text(json_list(&keys))])?;
    let mut rejects = Vec::new();
    let current = rows.iter().map(|row| {
        let mut cells = cells(row, columns, &mut rejects);
        cells.extend([
            Cell::text(&row.key),
            parent.clone(),
            Cell::text(&row.hash),
            at.clone(),
            origin.clone(),
        ]);
        cells
    });
    let current: Vec<_> = current.collect();
    let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).chain(LINEAGE).collect();
    writer.append(At::main(resource), &names, &current)?;
    reject(writer, landing, &rejects)?;
    Ok(rejects.len() as u64)
}

/// A value that did not fit its column.
struct Reject<'a> {
    key: &'a str,
    column: &'a str,
    kind: Kind,
    value: &'a Value,
}

fn cells<'a>(row: &'a Row, columns: &'a [Column], rejects: &mut Vec<Reject<'a>>) -> Vec<Cell> {
    let values: HashMap<&str, &Value> =
        row.values.iter().map(|(name, value)| (name.as_str(), value)).collect();
    let cell = |column: &'a Column| {
        let value = *values.get(column.name.as_str())?;
        let cell = schema::cell(value, column.kind);
        if cell.is_none() {
            rejects.push(Reject { key: &row.key, column: &column.name, kind: column.kind, value });
        }
        cell
    };
    columns.iter().map(cell).map(|cell| cell.unwrap_or(Cell::Null)).collect()
}

fn reject(writer: &Writer<'_>, landing: &Landing<'_>, rejects: &[Reject<'_>]) -> Result<(), Error> {
    let row = |reject: &Reject<'_>| {
        let reason = format!("not a {}", reject.kind.sql());
        let texts =
            [landing.listing.origin, &landing.run.0, landing.listing.resource, reject.key, reject.column];
        let value = reject.value.to_string();
        texts.into_iter().chain([reason.as_str(), value.as_str()]).map(Cell::text).collect()
    };
    let rows: Vec<Vec<Cell>> = rejects.iter().map(row).collect();
    let columns = ["origin", "run", "resource", "key", "column", "reason", "value"];
    writer.append(At::own("rejects"), &columns, &rows)
}

/// Writes where the listing stands; with its last page, clears away what is gone at the source.
fn finish(writer: &Writer<'_>, landing: &Landing<'_>) -> Result<u64, Error> {
    store::set_cursor(writer, landing.listing, &landing.cursor, landing.at)?;
    if let Some(known) = &landing.known {
        store::set_page(writer, landing.listing, known)?;
    }
    let Some(end) = &landing.end else { return Ok(0) };
    store::keep_pages(writer, landing.listing, &end.targets)?;
    let Some(keys) = &end.keys else { return Ok(0) };
    let Listing { origin, resource, parent } = landing.listing;
    let sql = format!(
        "DELETE FROM {} WHERE _origin = ? AND _parent = ? AND _key NOT IN {IN_LIST}",
        quoted(resource)
    );
    writer.execute(&sql, &[Cell::text(origin), Cell::text(parent), Cell::text(json_list(keys))])
}

fn log(writer: &Writer<'_>, landing: &Landing<'_>, (items, changed): (usize, usize)) -> Result<(), Error> {
    let cells = [
        Cell::text(landing.listing.origin),
        Cell::text(&landing.run.0),
        Cell::text(landing.listing.resource),
        Cell::text(&landing.target),
        Cell::Bigint(i64::from(landing.status)),
        Cell::count(items as u64),
        Cell::count(changed as u64),
        store::optional(landing.next.as_deref()),
        Cell::count(landing.millis),
        Cell::time(landing.at),
    ];
    writer.execute("INSERT INTO planwright.requests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", &cells)?;
    Ok(())
}

/// Removes the rows of parents that are no longer asked for, and all that was known of their listings.
pub(crate) fn prune(
    warehouse: &Warehouse,
    origin: &str,
    resource: &str,
    parents: &[String],
) -> Result<u64, Error> {
    let cells = [Cell::text(origin), Cell::text(json_list(parents))];
    warehouse.write(|writer| {
        let table = quoted(resource);
        let sql = format!("DELETE FROM {table} WHERE _origin = ? AND _parent NOT IN {IN_LIST}");
        let removed = writer.execute(&sql, &cells)?;
        for state in ["cursors", "pages"] {
            let sql = format!(
                "DELETE FROM planwright.{state} WHERE resource = ? AND origin = ? AND parent NOT IN {IN_LIST}"
            );
            let [origin, parents] = &cells;
            writer.execute(&sql, &[Cell::text(resource), origin.clone(), parents.clone()])?;
        }
        Ok(removed)
    })
}
