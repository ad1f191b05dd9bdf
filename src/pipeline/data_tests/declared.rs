//! Tests as a file declares them, and the queries that they come to. Pure.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::super::snapshot::{self, Snapshot};
use super::super::spec::{Spec, is_identifier};
use super::super::warehouse::quoted;
use super::Expect;
use super::bounds::{Bound, Rows};
use super::constraint::Constraint;

/// A file under `tests/`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TestFile {
    pub(super) source: Option<toml::Spanned<String>>,
    #[serde(default, rename = "test")]
    pub(super) tests: Vec<Declared>,
    /// What goes wrong on purpose: for the harness, which replays it.
    #[serde(default, rename = "faults")]
    _faults: IgnoredAny,
}

/// A test in it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Declared {
    name: Option<String>,
    pub(super) table: Option<String>,
    column: Option<String>,
    unique: bool,
    not_null: bool,
    accepted_values: Vec<Value>,
    relationships: Option<Relationship>,
    pub(super) sql: Option<String>,
    expect: Option<Vec<Map<String, Value>>>,
    snapshot: Option<String>,
    freshness: Option<String>,
    rows: Option<Rows>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Relationship {
    to: String,
    column: String,
}

/// A named query and what it must return.
pub(super) type Query = (String, String, Expect);

impl Declared {
    /// What it asks; an error says what it lacks.
    pub(super) fn into_queries(self, spec: &Spec) -> Result<Vec<Query>, String> {
        if let Some(snapshot) = self.snapshot.clone() {
            return Ok(vec![self.into_snapshot(&snapshot)?]);
        }
        if let Some(sql) = self.sql {
            let name = self.name.ok_or("has no `name`")?;
            let expect = self.expect.map_or(Expect::Nothing, Expect::Rows);
            return Ok(vec![(name, sql, expect)]);
        }
        if self.expect.is_some() {
            return Err("has `expect` and no `sql`".to_owned());
        }
        let table = self.table.ok_or("has neither `sql` nor `table`")?;
        let within = |bound: Bound| (bound.name(), bound.sql(), Expect::Within(bound));
        let mut queries = Vec::new();
        if let Some(rows) = self.rows {
            queries.push(within(Bound::rows(&table, rows)?));
        }
        let Some(column) = self.column else {
            let is_lost = self.freshness.is_some()
                || self.unique
                || self.not_null
                || self.relationships.is_some()
                || !self.accepted_values.is_empty();
            let lacks = is_lost || queries.is_empty();
            return if lacks { Err("has no `column`".to_owned()) } else { Ok(queries) };
        };
        if let Some(freshness) = &self.freshness {
            queries.push(within(Bound::age(&table, &column, freshness)?));
        }
        let column = Constraint { spec, table: &table, column: &column };
        let mut broken = Vec::new();
        broken.extend(self.unique.then(|| column.unique()));
        broken.extend(self.not_null.then(|| column.not_null()));
        if !self.accepted_values.is_empty() {
            broken.push(column.accepted_values(&self.accepted_values));
        }
        broken.extend(self.relationships.map(|Relationship { to, column: other }| column.is_in(&to, &other)));
        queries.extend(broken.into_iter().map(|(name, sql)| (name, sql, Expect::Nothing)));
        if queries.is_empty() { Err("says nothing that must hold".to_owned()) } else { Ok(queries) }
    }

    /// The table, model or query of a snapshot. Without `table` and `sql` it has the snapshot's name.
    fn into_snapshot(self, kept: &str) -> Result<Query, String> {
        if !is_identifier(kept) {
            return Err(format!("has the snapshot `{kept}`: use lowercase letters, digits and `_`"));
        }
        let holds = self.unique || self.not_null || self.relationships.is_some();
        if holds || self.column.is_some() || self.expect.is_some() || !self.accepted_values.is_empty() {
            return Err("has a `snapshot` and says what must hold besides".to_owned());
        }
        if self.table.is_some() && self.sql.is_some() {
            return Err("has a `snapshot` of both `table` and `sql`".to_owned());
        }
        let table = self.table.unwrap_or_else(|| kept.to_owned());
        let sql = self.sql.unwrap_or_else(|| format!("SELECT * FROM {}", quoted(&table)));
        let name = self.name.unwrap_or_else(|| format!("{kept} is as it was kept"));
        let path = format!("{}/{kept}.jsonl", snapshot::PART);
        Ok((name, sql, Expect::Snapshot(Snapshot { pipeline: String::new(), path, stored: None })))
    }
}
