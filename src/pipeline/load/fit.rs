//! Making a table wide enough for rows whose columns are inferred.

use super::Landing;
use crate::pipeline::normalize::{Row, Values};
use crate::pipeline::schema::{self, Change, Column, Kind};
use crate::pipeline::store;
use crate::pipeline::warehouse::{Error, Writer, quoted};

/// The columns of a resource's table after it can hold the rows of these pages.
pub(super) fn columns(
    writer: &Writer<'_>,
    table: &str,
    (pages, rows): (&[Landing], &[(usize, Row)]),
) -> Result<Vec<Column>, Error> {
    if let Some(columns) = pages.first().and_then(|page| page.shape.columns()) {
        return Ok(columns.to_vec());
    }
    let columns = store::own_columns(writer, table)?;
    let values = rows.iter().flat_map(|(_, row)| match &row.values {
        Values::Inferred(values, _) => values.as_slice(),
        Values::Declared(..) => &[],
    });
    let changes = schema::changes(&columns, values.map(|(name, value)| (name.as_str(), value)));
    if changes.is_empty() {
        return Ok(columns);
    }
    changes.iter().try_for_each(|change| alter(writer, table, change, &columns))?;
    store::own_columns(writer, table)
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
