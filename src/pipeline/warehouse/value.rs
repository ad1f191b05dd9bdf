//! Between DuckDB's values and plain data.
//!
//! The crate reads a handful of types without surprises; a SELECT with others is wrapped so that DuckDB
//! itself turns nested values into JSON and the rest into text.

use duckdb::arrow::datatypes::Schema;
use duckdb::types::{TimeUnit, ToSql, ToSqlOutput, ValueRef};
use serde_json::{Number, Value};

use super::super::schema::Cell;
use super::super::table::Column;
use super::quoted;

/// Types that are read as they are.
const PLAIN: [&str; 15] = [
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "FLOAT",
    "DOUBLE",
    "VARCHAR",
    "TIMESTAMP",
    "DATE",
];

/// The SELECT with every column in a type that is read as it is.
pub(super) fn readable(sql: &str, columns: &[Column]) -> String {
    let plain = |kind: &str| PLAIN.contains(&kind) || kind.starts_with("DECIMAL") || kind == "JSON";
    if columns.iter().all(|column| plain(&column.kind)) {
        return sql.to_owned();
    }
    let picked = columns.iter().enumerate().map(|(index, column)| {
        let (place, name) = (quoted(&format!("c{index}")), quoted(&column.name));
        if plain(&column.kind) {
            format!("{place} AS {name}")
        } else if is_nested(&column.kind) {
            format!("to_json({place})::VARCHAR AS {name}")
        } else {
            format!("{place}::VARCHAR AS {name}")
        }
    });
    let picked: Vec<_> = picked.collect();
    let places: Vec<_> = (0..columns.len()).map(|index| quoted(&format!("c{index}"))).collect();
    format!("SELECT {} FROM (\n{sql}\n) AS q({})", picked.join(", "), places.join(", "))
}

fn is_nested(kind: &str) -> bool {
    kind.ends_with(']') || ["STRUCT", "MAP", "UNION", "VARIANT"].iter().any(|start| kind.starts_with(start))
}

/// Turns the JSON text of JSON and nested columns into JSON.
pub(super) fn parse_json(row: Vec<Value>, columns: &[Column]) -> Vec<Value> {
    let parse = |(value, column): (Value, &Column)| match &value {
        Value::String(text) if column.kind == "JSON" || is_nested(&column.kind) => {
            serde_json::from_str(text).unwrap_or(value)
        }
        _ => value,
    };
    row.into_iter().zip(columns).map(parse).collect()
}

/// The names of a result's columns; the types are arrow's.
pub(super) fn columns(schema: &Schema) -> Vec<Column> {
    let column = |field: &duckdb::arrow::datatypes::FieldRef| Column {
        name: field.name().clone(),
        kind: field.data_type().to_string(),
    };
    schema.fields().iter().map(column).collect()
}

/// A value as JSON. Whole numbers beyond 64 bits and what JSON cannot say come as text.
pub(super) fn json(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Boolean(flag) => flag.into(),
        ValueRef::TinyInt(number) => number.into(),
        ValueRef::SmallInt(number) => number.into(),
        ValueRef::Int(number) => number.into(),
        ValueRef::BigInt(number) => number.into(),
        ValueRef::UTinyInt(number) => number.into(),
        ValueRef::USmallInt(number) => number.into(),
        ValueRef::UInt(number) => number.into(),
        ValueRef::UBigInt(number) => number.into(),
        ValueRef::HugeInt(number) => {
            i64::try_from(number).map_or_else(|_| number.to_string().into(), Value::from)
        }
        ValueRef::UHugeInt(number) => {
            u64::try_from(number).map_or_else(|_| number.to_string().into(), Value::from)
        }
        ValueRef::Float(number) => float(f64::from(number)),
        ValueRef::Double(number) => float(number),
        ValueRef::Decimal(decimal) => decimal.to_string().parse().map_or(Value::Null, float),
        ValueRef::Timestamp(unit, count) => time(unit, count),
        ValueRef::Date32(days) => day(days),
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned().into(),
        ValueRef::Blob(bytes) => hex::encode(bytes).into(),
        other => format!("{other:?}").into(),
    }
}

fn float(number: f64) -> Value {
    Number::from_f64(number).map_or_else(|| number.to_string().into(), Value::Number)
}

/// As DuckDB writes a TIMESTAMP: `2026-11-22 10:00:00`, with a fraction where there is one.
fn time(unit: TimeUnit, count: i64) -> Value {
    let micros = match unit {
        TimeUnit::Second => count.saturating_mul(1_000_000),
        TimeUnit::Millisecond => count.saturating_mul(1_000),
        TimeUnit::Microsecond => count,
        TimeUnit::Nanosecond => count / 1_000,
    };
    let text = |at: jiff::Timestamp| at.strftime("%Y-%m-%d %H:%M:%S%.f").to_string();
    jiff::Timestamp::from_microsecond(micros).map_or_else(|_| count.to_string(), text).into()
}

fn day(days: i32) -> Value {
    let day = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(days));
    day.map_or_else(|_| days.to_string(), |day| day.to_string()).into()
}

impl ToSql for Cell {
    fn to_sql(&self) -> duckdb::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Boolean(flag) => ValueRef::Boolean(*flag),
            Self::Bigint(number) => ValueRef::BigInt(*number),
            Self::Double(number) => ValueRef::Double(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Timestamp(micros) => ValueRef::Timestamp(TimeUnit::Microsecond, *micros),
        }))
    }
}
