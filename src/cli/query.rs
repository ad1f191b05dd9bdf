//! `query`: SQL over the warehouse, and the result in the form the reader wants.

use std::path::PathBuf;

use clap::ValueEnum;
use comfy_table::{CellAlignment, ContentArrangement, Table as Grid, presets};
use serde_json::Value;

use super::error::{Error, Stop};
use super::screen::Screen;
use super::session::Call;
use crate::error::Exit;
use crate::fs;
use crate::pipeline::warehouse::{self, Access, Mode, Options, Warehouse};
use crate::pipeline::{Table, desk};

const EXAMPLES: &str = "\
Examples:
  planwright query \"SELECT repo, number, title FROM ready_issues\"
  planwright query --format csv \"FROM issues\" > issues.csv
  planwright query --file report.sql --format markdown
  planwright query \"SHOW TABLES\"";

/// Ask the warehouse in SQL
///
/// The warehouse is opened read-only. While a sync fills it, the sync answers, as of its last commit;
/// then a query reaches no other files.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The query
    #[arg(required_unless_present = "file")]
    sql: Option<String>,
    /// Read the query from this file instead
    #[arg(long, value_name = "FILE", conflicts_with = "sql")]
    file: Option<PathBuf>,
    /// The form of the result: table, csv, json, markdown
    #[arg(long, value_name = "FORM", default_value = "table", hide_possible_values = true)]
    format: Format,
}

/// The form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Table,
    /// RFC 4180, with a header.
    Csv,
    /// One object a line.
    Json,
    /// A table of GitHub's Markdown.
    Markdown,
}

/// Runs the query and prints its result.
pub(super) async fn run(args: &Args, call: &Call) -> Result<Exit, Stop> {
    let sql = match (&args.sql, &args.file) {
        (Some(sql), _) => sql.clone(),
        (None, Some(file)) => fs::read_text(&call.dir.join(file))?,
        (None, None) => return Err(Error::Nothing { what: "query" }.into()),
    };
    let settled = call.settled(&[]).await?;
    let settings = &settled.loaded.settings;
    let options = Options {
        memory_limit: settings.sync.memory_limit.clone(),
        threads: settings.sync.threads,
        access: Access::Free,
        mode: Mode::ReadOnly,
    };
    let table = match Warehouse::open(&settings.places.warehouse, &options) {
        Err(locked @ warehouse::Error::Locked { .. }) => {
            // Whoever holds it may answer for it.
            let http = call.http().map_err(Stop::from)?;
            desk::ask(&http, &settings.places.warehouse, &sql).await.unwrap_or(Err(locked))?
        }
        opened => opened?.query(&sql)?,
    };
    let format = if call.screen.json { Format::Json } else { args.format };
    call.screen.result(shaped(&table, format))?;
    if format == Format::Table {
        let (rows, word) = (table.rows.len(), if table.rows.len() == 1 { "row" } else { "rows" });
        call.screen.mention(format!("{rows} {word}"));
    }
    Ok(Exit::Done)
}

pub(super) fn shaped(table: &Table, format: Format) -> String {
    match format {
        Format::Table => grid(table),
        Format::Csv => csv(table),
        Format::Json => table.objects().map(|row| Value::Object(row).to_string() + "\n").collect(),
        Format::Markdown => markdown(table),
    }
}

/// A table for people, as wide as their terminal at most.
pub(super) fn grid(table: &Table) -> String {
    let mut grid = Grid::new();
    grid.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    grid.set_width(u16::try_from(Screen::width()).unwrap_or(u16::MAX));
    grid.set_header(table.columns.iter().map(|column| &column.name));
    for row in &table.rows {
        grid.add_row(row.iter().map(word));
    }
    for (index, column) in table.columns.iter().enumerate() {
        if is_number(&column.kind)
            && let Some(column) = grid.column_mut(index)
        {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    grid.to_string()
}

fn is_number(kind: &str) -> bool {
    ["INT", "DOUBLE", "FLOAT", "DECIMAL"].iter().any(|number| kind.contains(number))
}

/// A value in a cell; null is empty.
fn word(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn csv(table: &Table) -> String {
    let header = table.columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(",");
    let rows = table
        .rows
        .iter()
        .map(|row| row.iter().map(|value| quoted(&word(value))).collect::<Vec<_>>().join(","));
    std::iter::once(header).chain(rows).map(|line| line + "\r\n").collect()
}

/// A field of RFC 4180.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

fn markdown(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let escaped = |value: &Value| word(value).replace('|', "\\|").replace(['\r', '\n'], " ");
    let header = line(table.columns.iter().map(|column| column.name.clone()).collect());
    let rule = line(table.columns.iter().map(|_| "---".to_owned()).collect());
    let rows = table.rows.iter().map(|row| line(row.iter().map(escaped).collect()));
    [header, rule].into_iter().chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pipeline::table::Column;

    fn table() -> Table {
        let column = |name: &str, kind: &str| Column { name: name.to_owned(), kind: kind.to_owned() };
        Table {
            columns: vec![column("number", "BIGINT"), column("title", "VARCHAR")],
            rows: vec![vec![json!(1), json!("a, \"b\"\nc | d")], vec![json!(20), json!(null)]],
        }
    }

    #[test]
    fn each_form_keeps_what_could_break_it_in_place() {
        assert_eq!(shaped(&table(), Format::Csv), "number,title\r\n1,\"a, \"\"b\"\"\nc | d\"\r\n20,\r\n");
        assert_eq!(
            shaped(&table(), Format::Json),
            "{\"number\":1,\"title\":\"a, \\\"b\\\"\\nc | d\"}\n{\"number\":20,\"title\":null}\n"
        );
        assert_eq!(
            shaped(&table(), Format::Markdown),
            "| number | title |\n| --- | --- |\n| 1 | a, \"b\" c \\| d |\n| 20 |  |\n"
        );
    }
}
