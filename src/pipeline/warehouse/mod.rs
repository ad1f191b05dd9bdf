//! The warehouse: the one home of DuckDB.
//!
//! It is opened with bounded memory and threads, without extensions from the network and, wherever SQL
//! from a repository or a model runs, without any access to files: then `read_csv`, `COPY` and `ATTACH`
//! are refused by DuckDB itself and no setting that matters can be changed any more. Loading speaks only BEGIN,
//! DELETE, INSERT, COMMIT and the appender; there are no keys and no indexes.

mod error;
mod open;
mod place;
mod question;
mod reads;
mod value;
mod writer;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use duckdb::Connection;
use serde_json::Value;

pub use error::{Engine, Error};
pub(crate) use open::ROW_GROUP;
pub use open::{Access, Mode, Options};
pub use place::{Address, Place};
pub use question::Question;
pub(crate) use reads::{Reads, Relation};
pub(crate) use writer::{At, PACKED, Writer};

use super::schema::Cell;
use super::table::{Column, Table};

/// An open DuckDB database. Cheap to clone; it closes when the last clone goes.
#[derive(Debug, Clone)]
pub struct Warehouse {
    connection: Arc<Mutex<Connection>>,
    /// How SQL of a pipeline is kept from what is no table.
    guard: Guard,
    /// Whether it is a file that this DuckDB lays out itself.
    is_native: bool,
}

/// What keeps SQL of a pipeline from files and addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guard {
    /// DuckDB, which can reach none.
    Engine,
    /// What the SQL says is looked at before it runs.
    Words,
}

impl Guard {
    /// Refuses a SELECT of more than it lets through: behind an address, where DuckDB itself cannot be closed
    /// to files and addresses, of more than tables.
    fn lets(self, reads: &Reads) -> Result<(), Error> {
        match reads.beyond.clone().filter(|_| self == Self::Words) {
            Some(name) => Err(Error::Reaches { name }),
            None => Ok(()),
        }
    }
}

/// How many times a checkpoint may join small row groups of a table once the warehouse is tidied.
const JOINED: u32 = 2;

impl Warehouse {
    /// Lets checkpoints from now on join small row groups, a few at a time, and drop what was deleted. Before,
    /// a load would do so over and over with what it has just written, for a fifth of its CPU and memory, and
    /// a look whether anything is new would do nothing else.
    pub(crate) fn tidy(&self) -> Result<(), Error> {
        if !self.is_native {
            return Ok(());
        }
        self.lock().execute_batch(&format!("SET max_vacuum_tasks = {JOINED}")).map_err(Error::sql)
    }

    /// A second way into the open database, which sees what was committed and waits for no writer.
    pub(crate) fn reader(&self) -> Result<Self, Error> {
        let first = self.lock();
        let named = run(&first, "SELECT current_database()", [])?;
        let name = named.first().and_then(Value::as_str).unwrap_or_default();
        let connection = first.try_clone().map_err(Error::sql)?;
        connection.execute_batch(&format!("USE {}", quoted(name))).map_err(Error::sql)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), ..*self })
    }

    /// Like [`query`](Self::query), for one statement that cannot change anything.
    pub(crate) fn look(&self, question: &Question) -> Result<Table, Error> {
        let connection = self.lock();
        let sql = question.sql();
        if sql.contains(';') && one_select(&connection, sql)?.is_none() {
            return Err(Error::NotASelect);
        }
        connection.execute_batch("BEGIN TRANSACTION READ ONLY").map_err(Error::sql)?;
        let looked = query(&connection, question);
        connection.execute_batch("ROLLBACK").map_err(Error::sql)?;
        looked
    }

    /// Runs one statement and returns its whole result. Types that have no JSON of their own come as text.
    pub fn query(&self, sql: &str) -> Result<Table, Error> {
        self.ask(&Question::from(sql))
    }

    /// Like [`query`](Self::query), with values for its parameters.
    pub fn ask(&self, question: &Question) -> Result<Table, Error> {
        query(&self.lock(), question)
    }

    /// Writes the result of a SELECT as a Parquet file; returns how many rows it has.
    pub fn write_parquet(&self, question: &Question, file: &Path) -> Result<u64, Error> {
        let connection = self.lock();
        if one_select(&connection, question.sql())?.is_none() {
            return Err(Error::NotASelect);
        }
        let file = literal(&file.display().to_string());
        let copy = format!("COPY ({}) TO {file} (FORMAT parquet, COMPRESSION zstd)", question.sql());
        let copied = run(&connection, &copy, &question.named())?;
        Ok(copied.first().and_then(Value::as_u64).unwrap_or_default())
    }

    /// Refuses SQL that is not exactly one SELECT.
    pub fn check_select(&self, sql: &str) -> Result<(), Error> {
        check(&self.lock(), self.guard, sql)
    }

    /// Whether a SELECT returns any row; refuses SQL that is not exactly one.
    pub fn finds_any(&self, sql: &str) -> Result<bool, Error> {
        let connection = self.lock();
        check(&connection, self.guard, sql)?;
        // On lines of its own, so that a comment at its end stays within.
        let any = format!("SELECT 1 FROM (\n{}\n) LIMIT 1", Question::from(sql).sql());
        run(&connection, &any, []).map(|table| !table.rows.is_empty())
    }

    /// The columns that a SELECT would return.
    pub fn columns_of(&self, sql: &str) -> Result<Vec<Column>, Error> {
        describe(&self.lock(), sql)
    }

    /// The rows of a statement of our own, with parameters.
    pub(crate) fn select(&self, sql: &str, parameters: &[Cell]) -> Result<Vec<Vec<Value>>, Error> {
        run(&self.lock(), sql, duckdb::params_from_iter(parameters)).map(|table| table.rows)
    }

    /// Does `work` in one transaction: all of it or nothing.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&Writer<'_>) -> Result<T, Error>) -> Result<T, Error> {
        self.transact(work)
    }

    /// Like [`write`](Self::write), for work that can fail for reasons of its own.
    pub(crate) fn transact<T, E: From<Error>>(
        &self,
        work: impl FnOnce(&Writer<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let connection = self.lock();
        connection.execute_batch("BEGIN").map_err(Error::sql)?;
        let Self { guard, is_native, .. } = *self;
        let worked = work(&Writer { connection: &connection, guard, is_native });
        let ended = connection.execute_batch(if worked.is_ok() { "COMMIT" } else { "ROLLBACK" });
        let value = worked?;
        ended.map_err(Error::sql)?;
        Ok(value)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name as SQL takes it whatever it holds.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Text as a SQL literal.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn query(connection: &Connection, question: &Question) -> Result<Table, Error> {
    let sql = question.sql();
    if one_select(connection, sql)?.is_none() {
        return run(connection, sql, &question.named());
    }
    let columns = described(&run(connection, &format!("DESCRIBE {sql}"), &question.named())?);
    let select = value::readable(sql, &columns);
    let table = run(connection, &select, &question.named())?;
    let kinds = columns.into_iter().map(|column| column.kind);
    let named = table.columns.into_iter().zip(kinds).map(|(column, kind)| Column { kind, ..column });
    let columns: Vec<_> = named.collect();
    let rows = table.rows.into_iter().map(|row| value::parse_json(row, &columns)).collect();
    Ok(Table { columns, rows })
}

/// Refuses what is not exactly one SELECT and, where DuckDB cannot be closed, one of more than tables.
fn check(connection: &Connection, guard: Guard, sql: &str) -> Result<(), Error> {
    let parsed = one_select(connection, sql)?.ok_or(Error::NotASelect)?;
    guard.lets(&Reads::of(&parsed)?)
}

/// The tree of exactly one SELECT.
fn one_select(connection: &Connection, sql: &str) -> Result<Option<Value>, Error> {
    let parsed = parsed(connection, sql)?;
    let count = |parsed: &Value| parsed.get("statements")?.as_array().map(Vec::len);
    Ok(Some(parsed).filter(|parsed| count(parsed) == Some(1)))
}

/// What DuckDB's own parser says, which serializes SELECTs and nothing else.
fn parsed(connection: &Connection, sql: &str) -> Result<Value, Error> {
    let parameters = [Cell::text(sql)];
    let parameters = duckdb::params_from_iter(&parameters);
    let table = run(connection, "SELECT json_serialize_sql(?::VARCHAR)::VARCHAR", parameters)?;
    let text = table.first().and_then(Value::as_str);
    Ok(text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default())
}

fn describe(connection: &Connection, sql: &str) -> Result<Vec<Column>, Error> {
    run(connection, &format!("DESCRIBE {sql}"), []).map(|table| described(&table))
}

/// The columns that a DESCRIBE tells.
fn described(table: &Table) -> Vec<Column> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    table.rows.iter().map(|row| Column { name: text(row.first()), kind: text(row.get(1)) }).collect()
}

/// Runs one statement.
fn run(connection: &Connection, sql: &str, parameters: impl duckdb::Params) -> Result<Table, Error> {
    let mut statement = connection.prepare_cached(sql).map_err(Error::sql)?;
    let mut found = Vec::new();
    let mut rows = statement.query(parameters).map_err(Error::sql)?;
    let schema = rows.as_ref().map(duckdb::Statement::schema);
    let columns: Vec<Column> = schema.map(|schema| value::columns(&schema)).unwrap_or_default();
    while let Some(row) = rows.next().map_err(Error::sql)? {
        let cells = (0..columns.len()).map(|index| row.get_ref(index).map(value::json));
        found.push(cells.collect::<duckdb::Result<Vec<_>>>().map_err(Error::sql)?);
    }
    Ok(Table { columns, rows: found })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fs;

    fn warehouse() -> Warehouse {
        Warehouse::in_memory(&Options::confined("256MB", 1)).unwrap()
    }

    fn refused(sql: &str) {
        let error = warehouse().query(sql).unwrap_err();
        let Error::Sql { source: Engine(message) } = &error else { panic!("{error:?}") };
        assert!(
            message.contains("disabled") || message.contains("locked") || message.contains("not allowed"),
            "{sql}: {message}"
        );
    }

    #[test]
    fn sql_from_a_repository_reaches_no_file_and_unlocks_nothing() {
        refused("SELECT * FROM read_csv('/etc/passwd')");
        refused("SELECT * FROM read_text('/etc/passwd')");
        refused("SELECT * FROM '/etc/passwd.csv'");
        refused("COPY (SELECT 1) TO '/tmp/planwright-out.csv'");
        refused("ATTACH '/tmp/planwright-other.duckdb'");
        refused("SET enable_external_access = true");
        refused("SET memory_limit = '10GB'");
        refused("INSTALL httpfs");
    }

    #[test]
    fn one_select_is_told_from_everything_else() {
        let warehouse = warehouse();
        for good in ["SELECT 1", "WITH a AS (SELECT 1) SELECT * FROM a", "FROM range(3)", "SELECT 1;"] {
            assert!(warehouse.check_select(good).is_ok(), "{good}");
        }
        for bad in
            ["SELECT 1; SELECT 2", "CREATE TABLE t (i INT)", "SELECT 1) x; DROP TABLE t; --", "not sql", ""]
        {
            assert!(matches!(warehouse.check_select(bad), Err(Error::NotASelect)), "{bad}");
        }
    }

    #[test]
    fn behind_an_address_sql_of_a_pipeline_is_held_to_tables() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("duckdb:{}", folder.path().join("w.duckdb").display());
        let address = Address { engine: place::Engine::Duckdb, url };
        let warehouse = Warehouse::open(Place::Address(address), &Options::confined("256MB", 1)).unwrap();
        warehouse.write(|writer| writer.execute("CREATE TABLE t (a BIGINT)", &[])).unwrap();
        for good in ["FROM t", "SELECT * FROM range(3), unnest([1])", "WITH x AS (FROM t) SELECT a FROM x"] {
            assert!(warehouse.check_select(good).is_ok(), "{good}");
        }
        for (bad, what) in [
            ("FROM read_text('/etc/passwd')", "read_text"),
            ("SELECT (SELECT content FROM READ_BLOB('x'))", "read_blob"),
            ("WITH x AS (FROM '/etc/passwd') FROM x", "/etc/passwd"),
            ("FROM t WHERE a IN (SELECT 1 FROM query('FROM x'))", "query"),
        ] {
            let error = warehouse.check_select(bad).unwrap_err();
            assert!(
                matches!(&error, Error::Reaches { name } if name.eq_ignore_ascii_case(what)),
                "{bad}: {error}"
            );
        }
    }

    #[test]
    fn every_type_becomes_json() {
        let sql = "SELECT 1 AS i, 2.5::DOUBLE AS d, true AS b, NULL AS n, 'x' AS t, TIMESTAMP '2026-11-22 10:00:00' AS at,
            TIMESTAMP '2026-11-22 10:00:00.25' AS at_fine, DATE '2026-11-22' AS day, 170141183460469231731687303715884105727 AS huge,
            sum(3::BIGINT) AS total, 1.25::DECIMAL(8,2) AS money, [1, 2] AS list, {'a': 1} AS struct, INTERVAL 3 DAY AS span,
            TIME '10:00:00' AS clock, '\\xAA'::BLOB AS blob, '{\"a\":1}'::JSON AS json, uuid() IS NOT NULL AS u, 'NaN'::DOUBLE AS nan";
        let table = warehouse().query(sql).unwrap();
        let expected = json!([1, 2.5, true, null, "x", "2026-11-22 10:00:00", "2026-11-22 10:00:00.25", "2026-11-22",
            "170141183460469231731687303715884105727", 3, 1.25, [1, 2], {"a": 1}, "3 days", "10:00:00", "\\xAA", {"a": 1}, true, "NaN"]);
        assert_eq!(json!(table.rows[0]), expected);
        assert_eq!(table.columns[4], Column { name: "t".to_owned(), kind: "VARCHAR".to_owned() });
    }

    #[test]
    fn a_tidied_warehouse_is_as_closed_as_before() {
        let tidied = warehouse();
        tidied.tidy().unwrap();
        let joined = tidied.query("SELECT current_setting('max_vacuum_tasks')").unwrap();
        assert_eq!(joined.first(), Some(&json!(JOINED)));
        assert!(tidied.query("SET threads = 7").is_err());
        assert!(tidied.query("SET lock_configuration = false").is_err());
    }

    #[test]
    fn a_transaction_is_all_or_nothing() {
        let warehouse = warehouse();
        warehouse.write(|writer| writer.execute("CREATE TABLE t (a BIGINT, b VARCHAR)", &[])).unwrap();
        let rows = [vec![Cell::Bigint(1), Cell::text("x")], vec![Cell::Null, Cell::Null]];
        warehouse.write(|writer| writer.append(At::main("t"), &["a", "b"], &rows)).unwrap();
        let failed = warehouse.write(|writer| {
            writer.append(At::main("t"), &["a", "b"], &rows)?;
            writer.execute("SELECT nonsense", &[])
        });
        assert!(failed.is_err());
        assert_eq!(warehouse.query("SELECT count(*) FROM t").unwrap().first(), Some(&json!(2)));
    }

    #[test]
    fn a_reader_sees_what_was_committed_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let warehouse =
            Warehouse::open(folder.path().join("w.duckdb"), &Options::confined("256MB", 1)).unwrap();
        warehouse.write(|writer| writer.execute("CREATE TABLE t (a BIGINT)", &[])).unwrap();
        let reader = warehouse.reader().unwrap();
        let count = || reader.look(&"SELECT count(*) FROM t;".into()).unwrap().first().cloned();
        let during = warehouse.write(|writer| {
            writer.execute("INSERT INTO t VALUES (1)", &[])?;
            Ok(count())
        });
        assert_eq!((during.unwrap(), count()), (Some(json!(0)), Some(json!(1))));
        for sql in
            ["DELETE FROM t", "DROP TABLE t", "COMMIT; DELETE FROM t", "SELECT 1; DELETE FROM t", "COMMIT"]
        {
            assert!(reader.look(&sql.into()).is_err(), "{sql}");
            assert_eq!(count(), Some(json!(1)), "{sql}");
        }
        assert_eq!(reader.look(&"SHOW TABLES".into()).unwrap().rows.len(), 1);
    }

    #[test]
    fn a_warehouse_that_cannot_be_opened_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.duckdb");
        let options = Options::confined("256MB", 1);
        let read = Options { mode: Mode::ReadOnly, ..options.clone() };
        assert!(matches!(Warehouse::open(&path, &read), Err(Error::NotThere { .. })));
        fs::write(&path, &b"this is no database, it is a text of some length".repeat(200)).unwrap();
        let error = Warehouse::open(&path, &options).unwrap_err();
        assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    }
}
