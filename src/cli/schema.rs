//! `schema`: the tables of the warehouse, and the columns of one, with what they mean.

use serde_json::Value;

use super::error::{Error, Stop};
use super::query::{self, Format, shaped};
use super::session::Call;
use crate::error::Exit;
use crate::pipeline::Table;
use crate::pipeline::spec::nearest;
use crate::pipeline::warehouse::Question;

const EXAMPLES: &str = "\
Examples:
  planwright schema                     every table and model
  planwright schema issues              the columns of one
  planwright schema history.issues      of its history: every version of every row
  planwright schema --format markdown   for a document or a model's context";

/// Tell the tables of the warehouse and what is in them
///
/// The descriptions are those of the pipeline that filled it. Columns that begin with `_` are the
/// engine's own: key, parent's key, hash, time of reading, origin.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The table or the model; all of them if left out
    table: Option<String>,
    /// The form of the result: table, csv, json, markdown
    #[arg(long, value_name = "FORM", default_value = "table", hide_possible_values = true)]
    format: Format,
}

const TABLES: &str = "SELECT CASE schema_name WHEN 'main' THEN name ELSE schema_name || '.' || name END AS \"table\", \
    what, description FROM (
        SELECT schema_name, table_name AS name, 'table' AS what, comment AS description FROM duckdb_tables()
        UNION ALL SELECT schema_name, view_name, CASE schema_name WHEN 'history' THEN 'history' ELSE 'model' END, comment
        FROM duckdb_views() WHERE NOT internal)
    WHERE schema_name <> 'planwright'
        AND (schema_name <> 'history' OR $table IS NOT NULL)
        AND ($table IS NULL OR $table IN (name, schema_name || '.' || name))
    ORDER BY schema_name = 'history', what DESC, name";

const COLUMNS: &str = "SELECT column_name AS \"column\", data_type AS type, coalesce(comment,
        (SELECT any_value(of.comment) FROM duckdb_columns() of WHERE of.schema_name = 'main'
            AND of.table_name = c.table_name AND of.column_name = c.column_name),
        (SELECT about FROM (VALUES
            ('_key', 'Its key, as text'),
            ('_parent', 'Key of the row that it was listed for'),
            ('_hash', 'Digest of what was read'),
            ('_fetched_at', 'UTC; when it was read'),
            ('_origin', 'The server that it is from: the address of its API, or hub:FOLDER'),
            ('_run', 'The run that read it'),
            ('_valid_from', 'UTC; since when it was so'),
            ('_valid_to', 'UTC; until when; null while it is')) own(name, about)
            WHERE own.name = c.column_name)) AS description
    FROM duckdb_columns() c WHERE NOT internal AND $table IN \
    (CASE schema_name WHEN 'main' THEN table_name END, schema_name || '.' || table_name) ORDER BY column_index";

/// Tells the tables, or the columns of one.
pub(super) async fn run(args: &Args, call: &Call) -> Result<Exit, Stop> {
    let settled = call.settled(&[]).await?;
    let settings = &settled.loaded.settings;
    let ask = async |sql: &str, table: &Value| {
        query::answer(call, settings, &Question::new(sql, vec![("table".to_owned(), table.clone())])).await
    };
    let told = match &args.table {
        None => ask(TABLES, &Value::Null).await?,
        Some(table) => {
            let name = Value::from(table.as_str());
            let columns = ask(COLUMNS, &name).await?;
            if columns.rows.is_empty() {
                return Err(unknown(table, &ask(TABLES, &Value::Null).await?).into());
            }
            columns
        }
    };
    let format = if call.screen.json { Format::Json } else { args.format };
    call.screen.result(shaped(&told, format))?;
    if args.table.is_none() && format == Format::Table {
        call.screen.mention("every version of every row: planwright schema history.issues, for instance");
    }
    Ok(Exit::Done)
}

fn unknown(table: &str, known: &Table) -> Error {
    let names: Vec<_> = known.rows.iter().filter_map(|row| row.first()?.as_str()).collect();
    Error::NoTable { table: table.to_owned(), hint: nearest("table", table, &names) }
}
