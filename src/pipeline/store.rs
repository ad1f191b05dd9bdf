//! The engine's own tables: raw bodies, cursors, known pages, the request log, runs.
//!
//! They live in the schema `planwright`, beside the tables that people query. Every state carries its
//! origin (which GitHub, which hub), so that two accounts in one warehouse never mix.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::cursor::Cursor;
use super::schema::{Cell, Column, Kind};
use super::spec::{Resource, Spec};
use super::warehouse::{At, Error, Warehouse, Writer, literal, quoted};
use crate::artifact::RunId;

/// Columns that every resource's table has after its own: key, the parent's key, hash, fetch time, origin.
pub(crate) const LINEAGE: [&str; 5] = ["_key", "_parent", "_hash", "_fetched_at", "_origin"];

const TABLES: &str = "
CREATE SCHEMA IF NOT EXISTS planwright;
CREATE TABLE IF NOT EXISTS planwright.raw (
    origin VARCHAR, resource VARCHAR, key VARCHAR, parent VARCHAR, hash VARCHAR, run VARCHAR,
    fetched_at TIMESTAMP, body JSON USING COMPRESSION zstd);
CREATE TABLE IF NOT EXISTS planwright.cursors (
    origin VARCHAR, resource VARCHAR, parent VARCHAR, since VARCHAR, next VARCHAR, probe VARCHAR,
    updated_at TIMESTAMP, ended_at TIMESTAMP);
CREATE TABLE IF NOT EXISTS planwright.pages (
    origin VARCHAR, resource VARCHAR, parent VARCHAR, target VARCHAR, etag VARCHAR, next VARCHAR, keys JSON);
CREATE TABLE IF NOT EXISTS planwright.requests (
    origin VARCHAR, run VARCHAR, resource VARCHAR, target VARCHAR, status BIGINT, items BIGINT, changed BIGINT,
    next VARCHAR, millis BIGINT, fetched_at TIMESTAMP);
CREATE TABLE IF NOT EXISTS planwright.rejects (
    origin VARCHAR, run VARCHAR, resource VARCHAR, key VARCHAR, \"column\" VARCHAR, reason VARCHAR, value JSON);
CREATE TABLE IF NOT EXISTS planwright.outcomes (
    origin VARCHAR, run VARCHAR, pipeline VARCHAR, resource VARCHAR, status VARCHAR, rows BIGINT, removed BIGINT,
    rejected BIGINT, requests BIGINT, reason VARCHAR, ended_at TIMESTAMP);
CREATE TABLE IF NOT EXISTS planwright.facts (name VARCHAR, value VARCHAR);
CREATE TABLE IF NOT EXISTS planwright.resources (resource VARCHAR, fingerprint VARCHAR);
CREATE TABLE IF NOT EXISTS planwright.models (name VARCHAR);
CREATE TABLE IF NOT EXISTS ledger (
    run VARCHAR, ended_at TIMESTAMP, verb VARCHAR, role VARCHAR, model VARCHAR, issue BIGINT, turn BIGINT, input BIGINT,
    output BIGINT, cache_write BIGINT, cache_read BIGINT, cost DOUBLE, millis BIGINT, outcome VARCHAR);
";

/// The columns of `planwright.raw`. A row without body says that its key is gone at the source.
pub(crate) const RAW: [&str; 8] =
    ["origin", "resource", "key", "parent", "hash", "run", "fetched_at", "body"];

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

/// Which layout of the engine's own tables this program knows. It grows with every change that an older
/// program would not understand.
const LAYOUT: u32 = 1;

/// What [`prepare`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prepared {
    /// The tables were made for just this spec before.
    Before,
    /// They were made or changed.
    Now,
}

/// Makes the tables that a pipeline needs, and describes those of the resources that are read now; there
/// are many, and models want even those that nobody reads. A resource whose spec changed is emptied and
/// read anew; what it had stays in raw.
pub(crate) fn prepare(warehouse: &Warehouse, spec: &Spec, read: &[&Resource]) -> Result<Prepared, Error> {
    let name = format!("spec {}", spec.name);
    let texts = spec.resources.iter().map(|resource| format!("{resource:?}"));
    let read_now = read.iter().map(|resource| resource.name.clone());
    let digest = digest([TABLES.to_owned()].into_iter().chain(texts).chain(read_now));
    if fact(warehouse, &name).as_ref() == Some(&digest) {
        return Ok(Prepared::Before);
    }
    let found = fact(warehouse, "layout").and_then(|layout| layout.parse().ok()).unwrap_or(LAYOUT);
    if found > LAYOUT {
        return Err(Error::Layout { found, known: LAYOUT });
    }
    warehouse.write(|writer| {
        for statement in TABLES.split(';').map(str::trim).filter(|statement| !statement.is_empty()) {
            writer.execute(statement, &[])?;
        }
        let known = fingerprints(writer)?;
        let mut resources = spec.resources.iter();
        resources
            .try_for_each(|resource| prepare_resource(writer, spec, resource, known.get(&resource.name)))?;
        let described =
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main' AND comment IS NOT NULL";
        let described = names(&writer.select(described, &[])?);
        let mut bare = read.iter().filter(|resource| !described.contains(&resource.name));
        bare.try_for_each(|resource| describe(writer, resource))?;
        set_fact(writer, "layout", &LAYOUT.to_string())?;
        set_fact(writer, &name, &digest)
    })?;
    Ok(Prepared::Now)
}

/// A fact that was written down; none in a warehouse that has no place for facts yet.
pub(crate) fn fact(warehouse: &Warehouse, name: &str) -> Option<String> {
    let sql = "SELECT value FROM planwright.facts WHERE name = ?";
    let rows = warehouse.select(sql, &[Cell::text(name)]).ok()?;
    Some(rows.first()?.first()?.as_str()?.to_owned())
}

/// Writes a fact down.
pub(crate) fn set_fact(writer: &Writer<'_>, name: &str, value: &str) -> Result<(), Error> {
    writer.execute("DELETE FROM planwright.facts WHERE name = ?", &[Cell::text(name)])?;
    let cells = [Cell::text(name), Cell::text(value)];
    writer.execute("INSERT INTO planwright.facts VALUES (?, ?)", &cells).map(drop)
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

fn names(rows: &[Vec<Value>]) -> HashSet<String> {
    rows.iter().filter_map(|row| row.first()?.as_str().map(str::to_owned)).collect()
}

/// What decided how the rows of each resource look that has a table.
fn fingerprints(writer: &Writer<'_>) -> Result<HashMap<String, String>, Error> {
    let rows = writer.select("SELECT resource, fingerprint FROM planwright.resources", &[])?;
    let pair = |row: Vec<Value>| {
        let text = |index: usize| row.get(index).and_then(Value::as_str).map(str::to_owned);
        Some((text(0)?, text(1)?))
    };
    Ok(rows.into_iter().filter_map(pair).collect())
}

fn prepare_resource(
    writer: &Writer<'_>,
    spec: &Spec,
    resource: &Resource,
    known: Option<&String>,
) -> Result<(), Error> {
    let fingerprint = fingerprint(resource);
    let name = [Cell::text(&resource.name)];
    if known == Some(&fingerprint) {
        return Ok(());
    }
    if known.is_some() {
        writer.execute(&format!("DROP TABLE IF EXISTS {}", quoted(&resource.name)), &[])?;
        for table in ["cursors", "pages", "resources"] {
            writer.execute(&format!("DELETE FROM planwright.{table} WHERE resource = ?"), &name)?;
        }
    }
    let columns = declared(spec, resource).into_iter().map(|column| (column.name, column.kind.sql()));
    let lineage =
        LINEAGE.map(|name| (name.to_owned(), if name == "_fetched_at" { "TIMESTAMP" } else { "VARCHAR" }));
    let columns: Vec<_> =
        columns.chain(lineage).map(|(name, kind)| format!("{} {kind}", quoted(&name))).collect();
    writer.execute(&format!("CREATE TABLE {} ({})", quoted(&resource.name), columns.join(", ")), &[])?;
    writer.execute(
        "INSERT INTO planwright.resources VALUES (?, ?)",
        &[Cell::text(&resource.name), Cell::text(fingerprint)],
    )?;
    Ok(())
}

/// The columns that a spec declares: those taken over from the parent, then its own.
pub(crate) fn declared(spec: &Spec, resource: &Resource) -> Vec<Column> {
    if resource.columns.is_empty() {
        return Vec::new();
    }
    let parent = resource.parent.as_ref().and_then(|name| spec.resource(name));
    let parents = parent.map(|parent| declared(spec, parent)).unwrap_or_default();
    let inherited = resource.inherit.iter().map(|(own, theirs)| {
        let kind =
            parents.iter().find(|column| column.name == *theirs).map_or(Kind::Varchar, |column| column.kind);
        Column { name: own.clone(), kind }
    });
    let own = resource.columns.iter().map(|column| Column { name: column.name.clone(), kind: column.kind });
    inherited.chain(own).collect()
}

fn describe(writer: &Writer<'_>, resource: &Resource) -> Result<(), Error> {
    let table = quoted(&resource.name);
    writer.execute(&format!("COMMENT ON TABLE {table} IS {}", literal(&resource.description)), &[])?;
    for column in resource.columns.iter().filter(|column| !column.description.is_empty()) {
        let text = literal(&column.description);
        writer.execute(&format!("COMMENT ON COLUMN {table}.{} IS {text}", quoted(&column.name)), &[])?;
    }
    Ok(())
}

/// What of a spec decides how rows look.
fn fingerprint(resource: &Resource) -> String {
    let Resource { path, query, accept, fill, parent, inherit, key, incremental, .. } = resource;
    let Resource { items, keep, drop, columns, .. } = resource;
    let asked = (path, query, accept, fill, parent);
    let columns: Vec<_> = columns.iter().map(|column| (&column.name, &column.from, column.kind)).collect();
    digest([format!("{:?}", (asked, inherit, key, incremental, items, keep, drop, columns))])
}

/// Which listing a piece of state belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    /// Which GitHub or hub.
    pub(crate) origin: Arc<str>,
    /// The resource.
    pub(crate) resource: Arc<str>,
    /// The parent's key; empty where there is none.
    pub(crate) parent: String,
}

impl Listing {
    fn cells(&self) -> Vec<Cell> {
        vec![Cell::text(&*self.origin), Cell::text(&*self.resource), Cell::text(&self.parent)]
    }
}

const LISTING: &str = "origin = ? AND resource = ? AND parent = ?";

/// What is known of the listings of an origin: by resource, then by the parent's key.
pub(crate) type ByListing<T> = HashMap<String, HashMap<String, T>>;

/// Where all listings of an origin stand.
pub(crate) fn cursors(warehouse: &Warehouse, origin: &str) -> Result<ByListing<Cursor>, Error> {
    let sql = "SELECT resource, parent, since, next, probe, ended_at IS NOT NULL FROM planwright.cursors
        WHERE origin = ?";
    let mut cursors = ByListing::new();
    for row in warehouse.select(sql, &[Cell::text(origin)])? {
        let text = |index: usize| row.get(index).and_then(Value::as_str).map(str::to_owned);
        let (Some(resource), Some(parent)) = (text(0), text(1)) else { continue };
        let ended = row.get(5).and_then(Value::as_bool).unwrap_or(false);
        let cursor = Cursor { since: text(2), next: text(3), probe: text(4), newest: None, ended };
        cursors.entry(resource).or_default().insert(parent, cursor);
    }
    Ok(cursors)
}

/// Where a listing stands, to be written down.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stand<'a> {
    /// The listing.
    pub(crate) listing: &'a Listing,
    /// Where it stands.
    pub(crate) cursor: &'a Cursor,
    /// Since when.
    pub(crate) at: jiff::Timestamp,
}

/// Writes where listings of one resource stand.
pub(crate) fn set_cursors(writer: &Writer<'_>, stands: &[Stand<'_>]) -> Result<(), Error> {
    let Some(Stand { listing, .. }) = stands.first() else { return Ok(()) };
    let parents: Vec<_> = stands.iter().map(|stand| &stand.listing.parent).collect();
    let cells =
        [Cell::text(&*listing.origin), Cell::text(&*listing.resource), Cell::text(json_list(&parents))];
    let sql =
        format!("DELETE FROM planwright.cursors WHERE origin = ? AND resource = ? AND parent IN {IN_LIST}");
    writer.execute(&sql, &cells)?;
    let row = |stand: &Stand<'_>| {
        let mut cells = stand.listing.cells();
        let ended = if stand.cursor.ended { Cell::time(stand.at) } else { Cell::Null };
        let Cursor { since, next, probe, .. } = stand.cursor;
        cells.extend([since, next, probe].map(|text| optional(text.as_deref())));
        cells.extend([Cell::time(stand.at), ended]);
        cells
    };
    let rows: Vec<_> = stands.iter().map(row).collect();
    let columns = ["origin", "resource", "parent", "since", "next", "probe", "updated_at", "ended_at"];
    writer.append(At::own("cursors"), &columns, &rows)
}

/// A page as it was last seen, with the tag by which the source can say that it has not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownPage {
    /// The request it answers.
    pub(crate) target: String,
    /// Its tag.
    pub(crate) etag: String,
    /// The link to the page after it.
    pub(crate) next: Option<String>,
    /// The keys of its rows, in order.
    pub(crate) keys: Vec<String>,
}

/// The pages of all listings of an origin as they were last seen.
pub(crate) fn known_pages(warehouse: &Warehouse, origin: &str) -> Result<ByListing<Vec<KnownPage>>, Error> {
    let sql =
        "SELECT resource, parent, target, etag, next, keys::VARCHAR FROM planwright.pages WHERE origin = ?";
    let mut pages: ByListing<Vec<KnownPage>> = ByListing::new();
    for row in warehouse.select(sql, &[Cell::text(origin)])? {
        let text = |index: usize| row.get(index).and_then(Value::as_str).map(str::to_owned);
        let (Some(resource), Some(parent)) = (text(0), text(1)) else { continue };
        let (Some(target), Some(etag)) = (text(2), text(3)) else { continue };
        let keys = text(5).and_then(|keys| serde_json::from_str(&keys).ok()).unwrap_or_default();
        let page = KnownPage { target, etag, next: text(4), keys };
        pages.entry(resource).or_default().entry(parent).or_default().push(page);
    }
    Ok(pages)
}

/// Remembers a page.
pub(crate) fn set_page(writer: &Writer<'_>, listing: &Listing, page: &KnownPage) -> Result<(), Error> {
    let mut cells = listing.cells();
    cells.push(Cell::text(&page.target));
    writer.execute(&format!("DELETE FROM planwright.pages WHERE {LISTING} AND target = ?"), &cells)?;
    cells.extend([Cell::text(&page.etag), optional(page.next.as_deref()), Cell::text(json_list(&page.keys))]);
    writer.execute("INSERT INTO planwright.pages VALUES (?, ?, ?, ?, ?, ?, ?)", &cells)?;
    Ok(())
}

/// Forgets all pages of a listing but these.
pub(crate) fn keep_pages(writer: &Writer<'_>, listing: &Listing, targets: &[String]) -> Result<(), Error> {
    let mut cells = listing.cells();
    cells.push(Cell::text(json_list(targets)));
    writer.execute(
        &format!("DELETE FROM planwright.pages WHERE {LISTING} AND target NOT IN {IN_LIST}"),
        &cells,
    )?;
    Ok(())
}

/// When rows went, and in which run it was seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gone<'a> {
    /// The run.
    pub(crate) run: &'a RunId,
    /// When.
    pub(crate) at: jiff::Timestamp,
}

/// Removes the rows of a listing, or of the one over all parents, whose keys are not among these; raw
/// keeps that they went.
pub(crate) fn remove_others(
    writer: &Writer<'_>,
    listing: &Listing,
    keys: &[String],
    gone: Gone<'_>,
) -> Result<u64, Error> {
    let (origin, keys) = (Cell::text(&*listing.origin), Cell::text(json_list(keys)));
    if listing.parent == ALL {
        let which = format!("_origin = ? AND _key NOT IN {IN_LIST}");
        return bury(writer, &listing.resource, &which, &[origin, keys], gone);
    }
    let which = format!("_origin = ? AND _parent = ? AND _key NOT IN {IN_LIST}");
    let cells = [origin, Cell::text(&listing.parent), keys];
    bury(writer, &listing.resource, &which, &cells, gone)
}

/// Removes the rows of parents that are not among these, and all that was known of their listings.
pub(crate) fn prune(
    warehouse: &Warehouse,
    (origin, resource): (&str, &str),
    parents: &[String],
    gone: Gone<'_>,
) -> Result<u64, Error> {
    let [origin, resource_cell, parents] =
        [Cell::text(origin), Cell::text(resource), Cell::text(json_list(parents))];
    warehouse.write(|writer| {
        let which = format!("_origin = ? AND _parent NOT IN {IN_LIST}");
        let removed = bury(writer, resource, &which, &[origin.clone(), parents.clone()], gone)?;
        for state in ["cursors", "pages"] {
            let sql = format!(
                "DELETE FROM planwright.{state} WHERE origin = ? AND resource = ? AND parent <> '{ALL}' AND parent NOT IN {IN_LIST}"
            );
            writer.execute(&sql, &[origin.clone(), resource_cell.clone(), parents.clone()])?;
        }
        Ok(removed)
    })
}

/// The parent under which a listing over all parents stands.
pub(crate) const ALL: &str = "*";

/// Deletes current rows, and says in raw that they went.
fn bury(
    writer: &Writer<'_>,
    resource: &str,
    which: &str,
    cells: &[Cell],
    gone: Gone<'_>,
) -> Result<u64, Error> {
    let table = quoted(resource);
    let sql = format!(
        "INSERT INTO planwright.raw SELECT _origin, ?, _key, _parent, '', ?, ?, NULL FROM {table} WHERE {which}"
    );
    let mut told = vec![Cell::text(resource), Cell::text(&gone.run.0), Cell::time(gone.at)];
    told.extend_from_slice(cells);
    if writer.execute(&sql, &told)? == 0 {
        return Ok(0);
    }
    writer.execute(&format!("DELETE FROM {table} WHERE {which}"), cells)
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
