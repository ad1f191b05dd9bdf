//! Running tests: what each showed and, of a red one, which rows and how to see them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::super::Table;
use super::super::see::See;
use super::super::snapshot::{self, Snapshot};
use super::super::warehouse::Warehouse;
use super::{DataTest, Expect};

/// What a test showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tested {
    /// Its name.
    pub name: String,
    /// Its file.
    pub place: String,
    /// Whether it holds.
    pub green: bool,
    /// Rows that break it.
    pub rows: u64,
    /// The first of them, or why it could not run.
    pub detail: Option<String>,
}

/// Rows shown of a test that is red.
const SHOWN: usize = 3;

/// What a test's query returns, or why it cannot run.
pub fn rows(warehouse: &Warehouse, test: &DataTest) -> Result<Table, String> {
    warehouse.check_select(&test.sql).and_then(|()| warehouse.query(&test.sql)).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        format!("{error}{}", cause.unwrap_or_default())
    })
}

/// Runs one test at a time; of a red one it says how to see all rows. A test that cannot run is red.
pub fn run(warehouse: &Warehouse, test: &DataTest, (see, now): (See<'_>, Timestamp)) -> Tested {
    let tested = |green, rows: usize, detail| Tested {
        name: test.name.clone(),
        place: test.place.clone(),
        green,
        rows: rows as u64,
        detail,
    };
    if test.expect == Expect::Nothing && matches!(warehouse.finds_any(&test.sql), Ok(false)) {
        return tested(true, 0, None);
    }
    let table = match rows(warehouse, test) {
        Ok(table) => table,
        Err(why) => return tested(false, 0, Some(why)),
    };
    let rows: Vec<_> = table.objects().collect();
    match &test.expect {
        Expect::Nothing if rows.is_empty() => tested(true, 0, None),
        Expect::Nothing => {
            let detail = format!("{}; see them all: {}", shown(&rows), see.command(&test.sql));
            tested(false, rows.len(), Some(detail))
        }
        Expect::Rows(expected) if agree(expected, &rows) => tested(true, rows.len(), None),
        Expect::Rows(expected) => {
            let detail = format!("expected {}; found {}", shown(expected), shown(&rows));
            tested(false, rows.len(), Some(detail))
        }
        Expect::Snapshot(snapshot) => {
            let why = differs(snapshot, &table);
            tested(why.is_none(), rows.len(), why)
        }
        Expect::Within(bound) => {
            let why = bound.breach(&table, now);
            tested(why.is_none(), rows.len(), why)
        }
    }
}

/// How a result differs from what was kept of it, and how to keep it.
fn differs(snapshot: &Snapshot, table: &Table) -> Option<String> {
    let Snapshot { pipeline, path, stored } = snapshot;
    let told = match stored {
        Some(stored) => {
            let difference = snapshot::difference(stored, &snapshot::text(table))?;
            format!("`-` is kept in `{path}`, `+` was found:\n{difference}")
        }
        None => format!("there is no `{path}` yet; it would hold {} rows\n", table.rows.len()),
    };
    Some(format!("{told}keep what was found: planwright test {pipeline} --update"))
}

fn shown(rows: &[Map<String, Value>]) -> String {
    if rows.is_empty() {
        return "no rows".to_owned();
    }
    let first: Vec<_> = rows.iter().take(SHOWN).map(|row| Value::Object(row.clone()).to_string()).collect();
    let rest = rows.len().saturating_sub(SHOWN);
    format!("{}{}", first.join(" "), if rest > 0 { format!(" and {rest} more") } else { String::new() })
}

/// Whether the rows are as expected: as many, and equal in every column that is named.
fn agree(expected: &[Map<String, Value>], found: &[Map<String, Value>]) -> bool {
    let row = |(expected, found): (&Map<String, Value>, &Map<String, Value>)| {
        expected.iter().all(|(name, value)| found.get(name).is_some_and(|found| same(value, found)))
    };
    expected.len() == found.len() && expected.iter().zip(found).all(row)
}

fn same(a: &Value, b: &Value) -> bool {
    a == b || a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| (a - b).abs() < f64::EPSILON)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_agree_in_the_columns_that_are_named() {
        let rows = |value: Value| {
            value.as_array().unwrap().iter().map(|row| row.as_object().unwrap().clone()).collect::<Vec<_>>()
        };
        assert!(agree(&rows(json!([{"n": 1}])), &rows(json!([{"n": 1.0, "other": 2}]))));
        assert!(!agree(&rows(json!([{"n": 1}])), &rows(json!([{"n": 1}, {"n": 1}]))));
        assert!(!agree(&rows(json!([{"n": 1}])), &rows(json!([{"m": 1}]))));
    }
}
