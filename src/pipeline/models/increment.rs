//! Incremental models: the rows of an increment take the place of those with the same key.
//!
//! That is a DELETE and an INSERT, not a MERGE: the tables have no constraints. So it is looked whether
//! a key is there once, in the whole as in each increment; nulls are a key like any other.

use super::{Error, Model};
use crate::pipeline::spec::nearest;
use crate::pipeline::warehouse::{self, Writer, quoted};

/// Where an increment lies on its way.
const NEW: &str = "temp.planwright_increment";

/// Adds the increment of a model to its table; says whether it could: with other columns than the table has
/// it cannot, nor can a model that is not incremental.
pub(super) fn add(writer: &Writer<'_>, model: &Model) -> Result<bool, Error> {
    let Some(increment) = &model.increment else { return Ok(false) };
    let table = quoted(&model.name);
    if writer.columns_of(increment)? != writer.columns_of(&format!("FROM {table}"))? {
        return Ok(false);
    }
    writer.execute(&format!("CREATE TEMP TABLE planwright_increment AS\n{increment}"), &[])?;
    check_rows(writer, model, NEW)?;
    let same = |column: &String| format!("old.{0} IS NOT DISTINCT FROM new.{0}", quoted(column));
    let same: Vec<_> = model.options.key.iter().map(same).collect();
    let same = same.join(" AND ");
    writer.execute(&format!("DELETE FROM {table} AS old USING {NEW} AS new WHERE {same}"), &[])?;
    writer.execute(&format!("INSERT INTO {table} FROM {NEW}"), &[])?;
    writer.execute(&format!("DROP TABLE {NEW}"), &[])?;
    Ok(true)
}

/// Refuses a key of columns that the model does not have.
pub(super) fn check_columns(writer: &Writer<'_>, model: &Model) -> Result<(), Error> {
    if model.options.key.is_empty() {
        return Ok(());
    }
    let columns = writer.columns_of(&model.sql)?;
    let known: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
    match model.options.key.iter().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(Error::KeyColumn {
            place: model.place.clone(),
            column: key.clone(),
            hint: nearest("column", key, &known),
        }),
    }
}

/// Refuses rows that share a key.
pub(super) fn check_rows(writer: &Writer<'_>, model: &Model, rows: &str) -> Result<(), Error> {
    if model.options.key.is_empty() {
        return Ok(());
    }
    match doubled(writer, &model.options.key, rows)? {
        None => Ok(()),
        Some((key, rows)) => Err(Error::Doubled { place: model.place.clone(), key, rows }),
    }
}

/// The first key that is there more than once, and how often.
fn doubled(
    writer: &Writer<'_>,
    key: &[String],
    rows: &str,
) -> Result<Option<(String, u64)>, warehouse::Error> {
    let columns: Vec<_> = key.iter().map(|column| quoted(column)).collect();
    let columns = columns.join(", ");
    let sql = format!(
        "SELECT count(*), {columns} FROM {rows} GROUP BY {columns} HAVING count(*) > 1 ORDER BY {columns} LIMIT 1"
    );
    let found = writer.select(&sql, &[])?;
    let Some((times, values)) = found.first().and_then(|row| row.split_first()) else { return Ok(None) };
    let named = key.iter().zip(values).map(|(column, value)| format!("{column} = {value}"));
    Ok(Some((named.collect::<Vec<_>>().join(", "), times.as_u64().unwrap_or_default())))
}
