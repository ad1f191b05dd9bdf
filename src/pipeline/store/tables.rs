//! Making the tables that a pipeline needs, and bringing those that are there up to its spec.
//!
//! Where only columns changed, a table is made anew from raw and the source is asked for nothing. Where
//! what is asked of the source changed, the table is emptied and read anew; raw keeps what it had.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::super::derive::{self, ANEW};
use super::super::schema::{Cell, Column, Kind};
use super::super::spec::{Child, ColumnSpec, Contract, Disposition, POSITION, Resource, Rule, Spec};
use super::super::table;
use super::super::warehouse::{At, Error, PACKED, Warehouse, Writer, literal, quoted};
use super::{digest, fact, lineage, names, set_fact};

const TABLES: &str = "
CREATE SCHEMA IF NOT EXISTS planwright;
CREATE SCHEMA IF NOT EXISTS history;
CREATE TABLE IF NOT EXISTS planwright.raw (
    origin VARCHAR, resource VARCHAR, key VARCHAR USING COMPRESSION zstd, parent VARCHAR,
    hash VARCHAR USING COMPRESSION uncompressed, run VARCHAR, fetched_at TIMESTAMP,
    body JSON USING COMPRESSION zstd, place BIGINT);
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
CREATE TABLE IF NOT EXISTS planwright.resources (
    resource VARCHAR, fingerprint VARCHAR, shape VARCHAR, pipeline VARCHAR);
CREATE TABLE IF NOT EXISTS planwright.models (name VARCHAR, pipeline VARCHAR, fingerprint VARCHAR, stamp VARCHAR);
CREATE TABLE IF NOT EXISTS ledger (
    run VARCHAR, ended_at TIMESTAMP, verb VARCHAR, role VARCHAR, model VARCHAR, issue BIGINT, turn BIGINT, input BIGINT,
    output BIGINT, cache_write BIGINT, cache_read BIGINT, cost DOUBLE, millis BIGINT, outcome VARCHAR);
";

/// Which layout of the engine's own tables this program knows. It grows with every change that an older
/// program would not understand.
const LAYOUT: u32 = 3;

/// The columns of `planwright.resources`.
const RESOURCES: [&str; 4] = ["resource", "fingerprint", "shape", "pipeline"];

/// What brings each layout up to the next, the first one first.
const STEPS: [&str; 2] = [
    "
ALTER TABLE planwright.raw ADD COLUMN IF NOT EXISTS place BIGINT;
ALTER TABLE planwright.resources ADD COLUMN IF NOT EXISTS shape VARCHAR;
ALTER TABLE planwright.resources ADD COLUMN IF NOT EXISTS pipeline VARCHAR;
ALTER TABLE planwright.models ADD COLUMN IF NOT EXISTS pipeline VARCHAR;
",
    "
ALTER TABLE planwright.models ADD COLUMN IF NOT EXISTS fingerprint VARCHAR;
ALTER TABLE planwright.models ADD COLUMN IF NOT EXISTS stamp VARCHAR;
",
];

/// What [`prepare`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prepared {
    /// The tables were made for just this spec before.
    Before,
    /// They were made or changed.
    Now,
}

/// Makes the tables that a pipeline needs, and describes those of the resources that are read now; there
/// are many, and models want even those that nobody reads.
pub(crate) fn prepare(warehouse: &Warehouse, spec: &Spec, read: &[&Resource]) -> Result<Prepared, Error> {
    let name = format!("spec {}", spec.name);
    let texts = spec.resources.iter().map(|resource| format!("{resource:?}"));
    let read_now = read.iter().map(|resource| resource.name.clone());
    let digest = digest([TABLES.to_owned()].into_iter().chain(texts).chain(read_now));
    if fact(warehouse, &name).as_ref() == Some(&digest) {
        return Ok(Prepared::Before);
    }
    let found = layout(warehouse)?;
    warehouse.write(|writer| {
        lay(writer, found)?;
        let mut preparing =
            Preparing { writer, spec, known: known(writer)?, emptied: HashSet::new(), prints: Vec::new() };
        spec.resources.iter().try_for_each(|resource| preparing.resource(resource))?;
        writer.append(At::own("resources"), &RESOURCES, &preparing.prints)?;
        let described =
            "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main' AND comment IS NOT NULL";
        let described = names(&writer.select(described, &[])?);
        for resource in read.iter().filter(|resource| !described.contains(&resource.name)) {
            describe(writer, resource)?;
            if !is_shown_late(spec, resource) {
                show_history(writer, spec, resource)?;
            }
        }
        set_fact(writer, &name, &digest)
    })?;
    Ok(Prepared::Now)
}

/// Brings the engine's own tables, and nothing else, to the layout that this program knows.
pub(crate) fn lay_out(warehouse: &Warehouse) -> Result<(), Error> {
    if fact(warehouse, "layout").as_deref() == Some(&LAYOUT.to_string()) {
        return Ok(());
    }
    let found = layout(warehouse)?;
    warehouse.write(|writer| lay(writer, found))
}

/// Which layout the tables have; that of this program where there are none.
fn layout(warehouse: &Warehouse) -> Result<u32, Error> {
    let found = fact(warehouse, "layout").and_then(|layout| layout.parse().ok()).unwrap_or(LAYOUT);
    if found > LAYOUT { Err(Error::Layout { found, known: LAYOUT }) } else { Ok(found) }
}

fn lay(writer: &Writer<'_>, found: u32) -> Result<(), Error> {
    let steps = STEPS.iter().skip(found.saturating_sub(1) as usize);
    for statement in [&TABLES].into_iter().chain(steps).flat_map(|text| text.split(';')) {
        if !statement.trim().is_empty() {
            writer.lay_out(statement.trim())?;
        }
    }
    set_fact(writer, "layout", &LAYOUT.to_string())
}

/// By which it is told whether a resource is as it was.
#[derive(Debug, PartialEq, Eq)]
struct Prints {
    /// Of what decides which rows there are and what raw has of them.
    asked: String,
    /// Of what decides how they are shown in columns.
    shape: Option<String>,
}

impl Prints {
    fn of(resource: &Resource) -> Self {
        let Resource { path, query, accept, fill, parent, key, incremental, .. } = resource;
        let Resource { items, keep, drop, paging, graphql, .. } = resource;
        let placed = resource.columns.iter().any(|column| column.from == POSITION);
        let asked = (path, query, accept, fill, parent, paging);
        let kept = (key, incremental, items, keep, drop, resource.disposition);
        // How many are asked for at once changes no row.
        let question = graphql.as_ref().map(|how| (how.query(), &how.from));
        let asked = format!("{:?}", (asked, question, kept, placed, resource.columns.is_empty()));
        let columns = |columns: &[ColumnSpec]| -> Vec<_> {
            columns.iter().map(|column| (column.name.clone(), column.from.clone(), column.kind)).collect()
        };
        let child = |child: &Child| {
            (child.name.clone(), child.from.clone(), child.inherit.clone(), columns(&child.columns))
        };
        let children: Vec<_> = resource.children.iter().map(child).collect();
        let shape = format!("{:?}", (&resource.inherit, columns(&resource.columns), children));
        Self { asked: digest([asked]), shape: Some(digest([shape])) }
    }
}

/// The prints of each resource that has a table, and the pipeline that it belongs to.
fn known(writer: &Writer<'_>) -> Result<HashMap<String, (Prints, Option<String>)>, Error> {
    let rows =
        writer.select("SELECT resource, fingerprint, shape, pipeline FROM planwright.resources", &[])?;
    let pair = |row: Vec<Value>| {
        let text = |index: usize| row.get(index).and_then(Value::as_str).map(str::to_owned);
        Some((text(0)?, (Prints { asked: text(1)?, shape: text(2) }, text(3))))
    };
    Ok(rows.into_iter().filter_map(pair).collect())
}

/// The tables of a pipeline on their way to its spec.
struct Preparing<'a> {
    writer: &'a Writer<'a>,
    spec: &'a Spec,
    known: HashMap<String, (Prints, Option<String>)>,
    /// Resources whose tables are empty now, and will be read anew.
    emptied: HashSet<String>,
    /// What the changed ones are known by from now on.
    prints: Vec<Vec<Cell>>,
}

impl Preparing<'_> {
    fn resource(&mut self, resource: &Resource) -> Result<(), Error> {
        let prints = Prints::of(resource);
        match self.known.get(&resource.name) {
            Some((_, Some(other))) if *other != self.spec.name => {
                return Err(Error::Taken { table: resource.name.clone(), by: other.clone() });
            }
            Some((known, _)) if *known == prints => return Ok(()),
            // What is taken over from a parent must be there to be taken.
            Some((known, _)) if known.asked == prints.asked && !self.is_emptied(resource) => {
                self.derive(resource)?;
            }
            Some(_) => {
                self.forget(resource)?;
                self.drop(resource)?;
                self.create(resource)?;
                self.emptied.insert(resource.name.clone());
            }
            None => self.create(resource)?,
        }
        let name = Cell::text(&resource.name);
        if self.known.contains_key(&resource.name) {
            let sql = "DELETE FROM planwright.resources WHERE resource = ?";
            self.writer.execute(sql, std::slice::from_ref(&name))?;
        }
        let shape = super::optional(prints.shape.as_deref());
        self.prints.push(vec![name, Cell::Text(prints.asked), shape, Cell::text(&self.spec.name)]);
        Ok(())
    }

    fn drop(&self, resource: &Resource) -> Result<(), Error> {
        let tables = [&resource.name].into_iter().chain(resource.children.iter().map(|child| &child.name));
        tables
            .map(|name| format!("DROP TABLE IF EXISTS {}", quoted(name)))
            .try_for_each(|sql| self.writer.execute(&sql, &[]).map(drop))
    }

    fn is_emptied(&self, resource: &Resource) -> bool {
        resource.parent.as_ref().is_some_and(|parent| self.emptied.contains(parent))
    }

    /// Makes the tables anew from raw.
    fn derive(&self, resource: &Resource) -> Result<(), Error> {
        let mut columns = declared(self.spec, resource);
        for column in own_columns(self.writer, &resource.name)? {
            let is_open = resource.columns.is_empty() || resource.contract.is_open();
            if is_open && !columns.iter().any(|known| known.name == column.name) {
                columns.push(column);
            }
        }
        self.swap(&resource.name, &derive::anew(resource, &columns))?;
        for child in &resource.children {
            let kinds: Vec<_> = child_columns(child, &columns).iter().map(|column| column.kind).collect();
            self.swap(&child.name, &derive::child_anew(resource, child, &kinds))?;
        }
        Ok(())
    }

    fn swap(&self, table: &str, anew: &str) -> Result<(), Error> {
        let table = quoted(table);
        self.writer.execute(anew, &[])?;
        self.writer.execute(&format!("DROP TABLE IF EXISTS {table}"), &[])?;
        self.writer.execute(&format!("ALTER TABLE {ANEW} RENAME TO {table}"), &[]).map(drop)
    }

    fn forget(&self, resource: &Resource) -> Result<(), Error> {
        for table in ["cursors", "pages"] {
            let sql = format!("DELETE FROM planwright.{table} WHERE resource = ?");
            self.writer.execute(&sql, &[Cell::text(&resource.name)])?;
        }
        Ok(())
    }

    fn create(&self, resource: &Resource) -> Result<(), Error> {
        let columns = declared(self.spec, resource);
        self.table(&resource.name, &columns, lineage(resource.disposition))?;
        let children = resource.children.iter();
        children
            .map(|child| (child, child_columns(child, &columns)))
            .try_for_each(|(child, columns)| self.table(&child.name, &columns, lineage(Disposition::Merge)))
    }

    fn table(&self, name: &str, columns: &[Column], lineage: &[&str]) -> Result<(), Error> {
        let columns = columns.iter().map(|column| (column.name.as_str(), stored(column.kind)));
        let lineage = lineage.iter().map(|name| (*name, stored_lineage(name)));
        let columns: Vec<_> =
            columns.chain(lineage).map(|(name, kind)| format!("{} {kind}", quoted(name))).collect();
        self.writer.lay_out(&format!("CREATE TABLE {} ({})", quoted(name), columns.join(", ")))
    }
}

/// A column's type and how it is kept. Left to itself DuckDB tries a dictionary and FSST on all text, which
/// takes five times the CPU of zstd and more room.
fn stored(kind: Kind) -> String {
    let is_text = matches!(kind, Kind::Varchar | Kind::Json);
    if is_text { format!("{}{PACKED}zstd", kind.sql()) } else { kind.sql().to_owned() }
}

/// The same of the engine's own columns; a hash cannot be made smaller.
fn stored_lineage(name: &str) -> String {
    match name {
        "_fetched_at" | "_valid_from" | "_valid_to" => stored(Kind::Timestamp),
        "_hash" => format!("VARCHAR{PACKED}uncompressed"),
        _ => stored(Kind::Varchar),
    }
}

/// The columns that a spec declares: those taken over from the parent, then its own.
pub(crate) fn declared(spec: &Spec, resource: &Resource) -> Vec<Column> {
    if resource.columns.is_empty() {
        return Vec::new();
    }
    let parent = resource.parent.as_ref().and_then(|name| spec.resource(name));
    let parents = parent.map(|parent| declared(spec, parent)).unwrap_or_default();
    columns(&resource.inherit, &resource.columns, &parents)
}

/// The columns of a child, whose row has these.
pub(crate) fn child_columns(child: &Child, row: &[Column]) -> Vec<Column> {
    columns(&child.inherit, &child.columns, row)
}

fn columns(inherit: &[(String, String)], own: &[ColumnSpec], from: &[Column]) -> Vec<Column> {
    let inherited = inherit.iter().map(|(own, theirs)| {
        let theirs = from.iter().find(|column| column.name == *theirs);
        Column { name: own.clone(), kind: theirs.map_or(Kind::Varchar, |column| column.kind) }
    });
    let own = own.iter().map(|column| Column { name: column.name.clone(), kind: column.kind });
    inherited.chain(own).collect()
}

/// A resource with the columns that its contract holds: those declared, and where they follow the data,
/// those that its table has by now; and all columns, those taken over from the parent first.
pub(crate) fn settled<'a>(
    warehouse: &Warehouse,
    spec: &Spec,
    resource: &'a Resource,
) -> Result<(Cow<'a, Resource>, Vec<Column>), Error> {
    let declared = declared(spec, resource);
    let follows = resource.columns.is_empty() || resource.contract.columns == Rule::Evolve;
    let open = Contract { columns: Rule::Evolve, data_type: Rule::Evolve };
    if !follows || resource.contract == open {
        return Ok((Cow::Borrowed(resource), declared));
    }
    let table = own(warehouse.columns_of(&all_of(&resource.name))?);
    if table.is_empty() {
        // The first data says which columns there are.
        return Ok((Cow::Owned(Resource { contract: open, ..resource.clone() }), declared));
    }
    let is_inherited = |name: &String| resource.inherit.iter().any(|(own, _)| own == name);
    let inherited: Vec<_> = table.iter().filter(|column| is_inherited(&column.name)).cloned().collect();
    let mut settled = resource.clone();
    for Column { name, kind } in table.into_iter().filter(|column| !is_inherited(&column.name)) {
        if !settled.columns.iter().any(|column| column.name == name) {
            let from = name.clone();
            settled.columns.push(ColumnSpec { name, from, kind, description: String::new() });
        }
    }
    let columns = columns(&resource.inherit, &settled.columns, &[]);
    let known = |column: Column| {
        let better = declared.iter().chain(&inherited).find(|known| known.name == column.name);
        better.cloned().unwrap_or(column)
    };
    let columns = columns.into_iter().map(known).collect();
    Ok((Cow::Owned(settled), columns))
}

/// The columns of a resource's table besides its lineage.
pub(crate) fn own_columns(writer: &Writer<'_>, table: &str) -> Result<Vec<Column>, Error> {
    writer.columns_of(&all_of(table)).map(own)
}

fn all_of(table: &str) -> String {
    format!("SELECT * FROM {}", quoted(table))
}

fn own(columns: Vec<table::Column>) -> Vec<Column> {
    let own = columns.into_iter().filter(|column| !column.name.starts_with('_'));
    own.filter_map(|column| Some(Column { kind: Kind::from_sql(&column.kind)?, name: column.name })).collect()
}

/// Whether the columns that its history shows are known only when rows came.
pub(crate) fn is_shown_late(spec: &Spec, resource: &Resource) -> bool {
    let parent = resource.parent.as_ref().and_then(|name| spec.resource(name));
    let inferred = |resource: &Resource| resource.columns.is_empty() || resource.contract.is_open();
    inferred(resource) || parent.is_some_and(inferred)
}

fn describe(writer: &Writer<'_>, resource: &Resource) -> Result<(), Error> {
    comment(writer, &resource.name, &resource.description, &resource.columns)?;
    let mut children = resource.children.iter();
    children.try_for_each(|child| comment(writer, &child.name, &child.description, &child.columns))
}

fn comment(writer: &Writer<'_>, table: &str, text: &str, columns: &[ColumnSpec]) -> Result<(), Error> {
    let table = quoted(table);
    writer.execute(&format!("COMMENT ON TABLE {table} IS {}", literal(text)), &[])?;
    for column in columns.iter().filter(|column| !column.description.is_empty()) {
        let text = literal(&column.description);
        writer.execute(&format!("COMMENT ON COLUMN {table}.{} IS {text}", quoted(&column.name)), &[])?;
    }
    Ok(())
}

/// Makes the view of all versions of a resource's rows: `history.NAME`.
pub(crate) fn show_history(writer: &Writer<'_>, spec: &Spec, resource: &Resource) -> Result<(), Error> {
    let columns = if is_shown_late(spec, resource) {
        own_columns(writer, &resource.name)?
    } else {
        declared(spec, resource)
    };
    let (name, select) = (quoted(&resource.name), derive::history(resource, &columns));
    writer.execute(&format!("CREATE OR REPLACE VIEW history.{name} AS {select}"), &[]).map(drop)
}
