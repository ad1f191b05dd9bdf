//! An open transaction: the few things that loading says to DuckDB.

use std::borrow::Cow;

use duckdb::Connection;
use serde_json::Value;

use super::super::schema::Cell;
use super::super::table::Column;
use super::{Error, Guard, Reads, describe, parsed, run};

/// How a statement of our own says what a column is packed with.
pub(crate) const PACKED: &str = " USING COMPRESSION ";

/// An open transaction.
pub(crate) struct Writer<'a> {
    pub(super) connection: &'a Connection,
    pub(super) guard: Guard,
    /// Whether it is a file, which DuckDB lays out as it is told.
    pub(super) is_native: bool,
}

impl Writer<'_> {
    /// Runs a statement of our own and returns how many rows it changed.
    pub(crate) fn execute(&self, sql: &str, parameters: &[Cell]) -> Result<u64, Error> {
        let mut statement = self.connection.prepare_cached(sql).map_err(Error::sql)?;
        let changed = statement.execute(duckdb::params_from_iter(parameters)).map_err(Error::sql)?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    /// Makes or changes a table. How its columns are kept is said to a file alone; behind an address that is
    /// the server's affair.
    pub(crate) fn lay_out(&self, sql: &str) -> Result<(), Error> {
        let sql = if self.is_native { Cow::Borrowed(sql) } else { Cow::Owned(without_storage(sql)) };
        self.execute(&sql, &[]).map(drop)
    }

    /// The rows of a statement of our own.
    pub(crate) fn select(&self, sql: &str, parameters: &[Cell]) -> Result<Vec<Vec<Value>>, Error> {
        run(self.connection, sql, duckdb::params_from_iter(parameters)).map(|table| table.rows)
    }

    /// What a SELECT of a pipeline reads; refuses SQL that is not exactly one, or reaches too far.
    pub(crate) fn reads(&self, sql: &str) -> Result<Reads, Error> {
        let reads = Reads::of(&parsed(self.connection, sql)?)?;
        self.guard.lets(&reads).map(|()| reads)
    }

    /// The columns that a SELECT would return.
    pub(crate) fn columns_of(&self, sql: &str) -> Result<Vec<Column>, Error> {
        describe(self.connection, sql)
    }

    /// Appends rows, whose cells stand in the order of `columns`.
    pub(crate) fn append(&self, table: At<'_>, columns: &[&str], rows: &[Vec<Cell>]) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        let appender = self.connection.appender_with_columns_to_db(table.name, table.schema, columns);
        let mut appender = appender.map_err(Error::sql)?;
        for row in rows {
            appender.append_row(duckdb::appender_params_from_iter(row)).map_err(Error::sql)?;
        }
        // Dropping would flush too, and swallow the error.
        appender.flush().map_err(Error::sql)
    }
}

/// A table's place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At<'a> {
    /// The schema: `main`, or `planwright` for the engine's own.
    pub(crate) schema: &'a str,
    /// The table.
    pub(crate) name: &'a str,
}

impl<'a> At<'a> {
    /// A table that people query.
    pub(crate) const fn main(name: &'a str) -> Self {
        Self { schema: "main", name }
    }

    /// A table of the engine's own.
    pub(crate) const fn own(name: &'a str) -> Self {
        Self { schema: "planwright", name }
    }
}

fn without_storage(sql: &str) -> String {
    let mut parts = sql.split(PACKED);
    let first = parts.next().unwrap_or_default().to_owned();
    let after = |part: &str| part.trim_start_matches(|c: char| c.is_ascii_alphanumeric()).to_owned();
    parts.map(after).fold(first, |sql, part| sql + &part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_columns_are_kept_is_cut_out() {
        let sql =
            "CREATE TABLE t (a VARCHAR USING COMPRESSION zstd, b JSON USING COMPRESSION zstd, c BIGINT)";
        assert_eq!(without_storage(sql), "CREATE TABLE t (a VARCHAR, b JSON, c BIGINT)");
        assert_eq!(without_storage("DROP TABLE t"), "DROP TABLE t");
    }
}
