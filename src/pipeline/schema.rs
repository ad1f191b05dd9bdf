//! Columns and their types, inferred from JSON and widened as data comes. Pure.
//!
//! Six types hold everything GitHub sends. A value that does not fit an inferred column widens it; one
//! that does not fit a declared column is rejected and kept in raw. Times are UTC.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// True or false.
    Boolean,
    /// A whole number.
    Bigint,
    /// A number with a fraction.
    Double,
    /// Text.
    Varchar,
    /// A time, in UTC.
    Timestamp,
    /// An object or a list, as JSON text.
    Json,
}

impl Kind {
    /// As DuckDB writes it.
    pub const fn sql(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::Bigint => "BIGINT",
            Self::Double => "DOUBLE",
            Self::Varchar => "VARCHAR",
            Self::Timestamp => "TIMESTAMP",
            Self::Json => "JSON",
        }
    }

    /// The type that DuckDB calls so, if it is one of ours.
    pub fn from_sql(name: &str) -> Option<Self> {
        let all = [Self::Boolean, Self::Bigint, Self::Double, Self::Varchar, Self::Timestamp, Self::Json];
        all.into_iter().find(|kind| kind.sql() == name)
    }

    /// The narrowest type that holds the value; `None` for null, which fits all.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Null => None,
            Value::Bool(_) => Some(Self::Boolean),
            Value::Number(number) if number.is_i64() => Some(Self::Bigint),
            Value::Number(_) => Some(Self::Double),
            Value::String(text) if instant(text).is_some() => Some(Self::Timestamp),
            Value::String(_) => Some(Self::Varchar),
            Value::Array(_) | Value::Object(_) => Some(Self::Json),
        }
    }

    /// The narrowest type that holds what both hold.
    #[must_use]
    pub fn widen(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a,
            (Self::Bigint, Self::Double) | (Self::Double, Self::Bigint) => Self::Double,
            (Self::Json, _) | (_, Self::Json) => Self::Json,
            _ => Self::Varchar,
        }
    }
}

/// A value on its way into a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Bigint(i64),
    /// A number with a fraction.
    Double(f64),
    /// Text, or JSON as text.
    Text(String),
    /// Microseconds since 1970, UTC.
    Timestamp(i64),
}

impl Cell {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A time.
    pub fn time(at: jiff::Timestamp) -> Self {
        Self::Timestamp(at.as_microsecond())
    }

    /// The text in it, if it is text.
    pub fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A count; beyond what a `BIGINT` holds it stays at the largest.
    pub fn count(number: u64) -> Self {
        Self::Bigint(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// A column of a table that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
}

/// A change that a table needs before rows fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A column is new.
    Add(Column),
    /// A column must hold more.
    Widen(Column),
}

/// What a table with these columns needs so that all the named values fit.
pub fn changes<'a>(columns: &[Column], values: impl Iterator<Item = (&'a str, &'a Value)>) -> Vec<Change> {
    let known: HashMap<&str, Kind> =
        columns.iter().map(|column| (column.name.as_str(), column.kind)).collect();
    let mut wanted: Vec<(&str, Kind)> = Vec::new();
    let mut place: HashMap<&str, usize> = HashMap::new();
    for (name, value) in values {
        let Some(kind) = Kind::of(value) else { continue };
        let index = *place.entry(name).or_insert_with(|| {
            wanted.push((name, known.get(name).copied().unwrap_or(kind)));
            wanted.len() - 1
        });
        if let Some(entry) = wanted.get_mut(index) {
            entry.1 = entry.1.widen(kind);
        }
    }
    let change = |(name, kind): (&str, Kind)| {
        let column = Column { name: name.to_owned(), kind };
        match known.get(name) {
            None => Some(Change::Add(column)),
            Some(old) if *old != kind => Some(Change::Widen(column)),
            Some(_) => None,
        }
    };
    wanted.into_iter().filter_map(change).collect()
}

/// The value as a cell of this type; what does not fit comes back.
pub fn cell(value: Value, kind: Kind) -> Result<Cell, Value> {
    let fitting = match (&value, kind) {
        (Value::Null, _) => Some(Cell::Null),
        (value, Kind::Json) => Some(Cell::Text(value.to_string())),
        (Value::Bool(flag), Kind::Boolean) => Some(Cell::Boolean(*flag)),
        (Value::Number(number), Kind::Bigint) => number.as_i64().map(Cell::Bigint),
        // GraphQL writes whole numbers that need more than 32 bits as text.
        (Value::String(text), Kind::Bigint) => text.parse().ok().map(Cell::Bigint),
        (Value::Number(number), Kind::Double) => number.as_f64().map(Cell::Double),
        (Value::String(text), Kind::Timestamp) => instant(text).map(Cell::time),
        (Value::Bool(_) | Value::Number(_), Kind::Varchar) => Some(Cell::Text(value.to_string())),
        (Value::String(text), Kind::Varchar) if text.contains('\0') => {
            Some(Cell::Text(text.replace('\0', "")))
        }
        _ => None,
    };
    match (fitting, value) {
        (Some(cell), _) => Ok(cell),
        (None, Value::String(text)) if kind == Kind::Varchar => Ok(Cell::Text(text)),
        (None, value) => Err(value),
    }
}

/// JSON text as a cell of type JSON.
pub fn json_cell(text: &str) -> Cell {
    if text == "null" { Cell::Null } else { Cell::text(text) }
}

/// A time as APIs write it, with its offset; a bare date or a number is not one.
fn instant(text: &str) -> Option<jiff::Timestamp> {
    let bytes = text.as_bytes();
    let looks = bytes.len() >= 20 && bytes.get(4) == Some(&b'-') && bytes.get(10) == Some(&b'T');
    if looks { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(columns: &[(&str, Kind)], rows: &[Value], expected: &[(&str, &str, Kind)]) {
        let columns: Vec<_> =
            columns.iter().map(|(name, kind)| Column { name: (*name).to_owned(), kind: *kind }).collect();
        let values =
            rows.iter().filter_map(Value::as_object).flatten().map(|(name, value)| (name.as_str(), value));
        let found: Vec<_> = changes(&columns, values)
            .into_iter()
            .map(|change| match change {
                Change::Add(column) => ("add".to_owned(), column.name, column.kind),
                Change::Widen(column) => ("widen".to_owned(), column.name, column.kind),
            })
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(what, name, kind)| ((*what).to_owned(), (*name).to_owned(), *kind))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn types_come_from_values_and_nulls_say_nothing() {
        let row = json!({"id": 1, "share": 0.5, "open": true, "title": "x", "at": "2026-11-22T10:00:00Z",
                         "user": {"login": "a"}, "labels": [], "closed_at": null, "day": "2026-11-22"});
        check(
            &[],
            &[row],
            &[
                ("add", "id", Kind::Bigint),
                ("add", "share", Kind::Double),
                ("add", "open", Kind::Boolean),
                ("add", "title", Kind::Varchar),
                ("add", "at", Kind::Timestamp),
                ("add", "user", Kind::Json),
                ("add", "labels", Kind::Json),
                ("add", "day", Kind::Varchar),
            ],
        );
    }

    #[test]
    fn a_value_that_does_not_fit_widens() {
        check(&[("n", Kind::Bigint)], &[json!({"n": 1}), json!({"n": 1.5})], &[("widen", "n", Kind::Double)]);
        check(&[("t", Kind::Timestamp)], &[json!({"t": "soon"})], &[("widen", "t", Kind::Varchar)]);
        check(&[("x", Kind::Bigint)], &[json!({"x": {"a": 1}})], &[("widen", "x", Kind::Json)]);
        check(&[], &[json!({"n": 1}), json!({"n": "a"})], &[("add", "n", Kind::Varchar)]);
        check(&[("n", Kind::Bigint)], &[json!({"n": 2})], &[]);
    }

    #[test]
    fn widening_is_commutative_and_idempotent() {
        let all = [Kind::Boolean, Kind::Bigint, Kind::Double, Kind::Varchar, Kind::Timestamp, Kind::Json];
        for a in all {
            assert_eq!(a.widen(a), a);
            for b in all {
                assert_eq!(a.widen(b), b.widen(a));
                assert_eq!(a.widen(b).widen(b), a.widen(b));
            }
        }
    }

    #[test]
    fn cells_fit_or_do_not() {
        assert_eq!(
            cell(json!("2026-11-22T10:00:00+02:00"), Kind::Timestamp),
            cell(json!("2026-11-22T08:00:00Z"), Kind::Timestamp)
        );
        assert_eq!(cell(json!("a\u{0}b"), Kind::Varchar), Ok(Cell::text("ab")));
        assert_eq!(cell(json!("seven"), Kind::Bigint), Err(json!("seven")));
        assert_eq!(cell(json!(u64::MAX), Kind::Bigint), Err(json!(u64::MAX)));
        assert_eq!(cell(json!([1]), Kind::Json), Ok(Cell::text("[1]")));
    }
}
