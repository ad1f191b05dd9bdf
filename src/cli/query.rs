//! `query`: SQL over the warehouse, and the result in the form the reader wants.

use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use comfy_table::{CellAlignment, ContentArrangement, Table as Grid, presets};
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use super::error::{Error, Stop};
use super::screen::Screen;
use super::session::Call;
use crate::config::Settings;
use crate::error::Exit;
use crate::fs;
use crate::pipeline::warehouse::{self, Access, Mode, Options, Place, Question, Warehouse};
use crate::pipeline::{Table, desk};
use crate::process::{self, Command, Limits, Status};

const EXAMPLES: &str = "\
Examples:
  planwright query \"SELECT repo, number, title FROM ready_issues\"
  planwright query --format csv \"FROM issues\" > issues.csv
  planwright query --file report.sql --format markdown
  planwright query --param label=bug \"FROM issue_labels WHERE name = $label\"
  planwright query --format parquet --out issues.parquet \"FROM issues\"
  planwright query --ui                    DuckDB's own shell on the warehouse, read-only
  planwright schema                        the tables and what is in them";

/// Ask the warehouse in SQL
///
/// The warehouse is opened read-only. While a sync fills it, the sync answers, as of its last commit;
/// then a query reaches no other files.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The query
    #[arg(required_unless_present_any = ["file", "ui"])]
    sql: Option<String>,
    /// Read the query from this file instead
    #[arg(long, value_name = "FILE", conflicts_with = "sql")]
    file: Option<PathBuf>,
    /// A value for `$NAME` in the query: a number, true, false, null or text; may be given more than once
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter)]
    param: Vec<(String, Value)>,
    /// The form of the result: table, csv, json, markdown, parquet
    #[arg(long, value_name = "FORM", default_value = "table", hide_possible_values = true)]
    format: Form,
    /// Write the result to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Open DuckDB's own shell on the warehouse, read-only
    #[arg(long, conflicts_with_all = ["sql", "file", "param", "format", "out"])]
    ui: bool,
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

/// The form of a query's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Text.
    Text(Format),
    /// A Parquet file.
    Parquet,
}

impl ValueEnum for Form {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Text(Format::Table),
            Self::Text(Format::Csv),
            Self::Text(Format::Json),
            Self::Text(Format::Markdown),
            Self::Parquet,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Text(format) => format.to_possible_value(),
            Self::Parquet => Some(PossibleValue::new("parquet")),
        }
    }
}

/// `NAME=VALUE`; what is no number, flag or null is text, and so is what stands in quotes.
fn parameter(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    let value =
        serde_json::from_str(value).ok().filter(|value: &Value| !value.is_array() && !value.is_object());
    let (_, text) = text.split_once('=').unwrap_or_default();
    Ok((name.trim_start_matches('$').to_owned(), value.unwrap_or_else(|| Value::from(text))))
}

/// Runs the query and prints its result.
pub(super) async fn run(args: &Args, call: &Call) -> Result<Exit, Stop> {
    let settled = call.settled(&[]).await?;
    let settings = &settled.loaded.settings;
    if args.ui {
        return shell(call, &Place::of(&settings.places)?).await;
    }
    let sql = match (&args.sql, &args.file) {
        (Some(sql), _) => sql.clone(),
        (None, Some(file)) => fs::read_text(&call.dir.join(file))?,
        (None, None) => return Err(Error::Nothing { what: "query" }.into()),
    };
    let question = Question::new(&sql, args.param.clone());
    let Form::Text(format) = args.format else {
        let file = args.out.as_ref().ok_or(Error::NoFile { form: "parquet" })?;
        let rows = open(settings)?.write_parquet(&question, &call.dir.join(file))?;
        call.screen.mention(format!("{} in {}", counted(rows), file.display()));
        return Ok(Exit::Done);
    };
    let table = answer(call, settings, &question).await?;
    let format = if call.screen.json { Format::Json } else { format };
    if let Some(file) = &args.out {
        fs::write(&call.dir.join(file), shaped(&table, format).as_bytes())?;
        call.screen.mention(format!("{} in {}", counted(table.rows.len() as u64), file.display()));
        return Ok(Exit::Done);
    }
    if format != Format::Table {
        call.screen.result(shaped(&table, format))?;
        return Ok(Exit::Done);
    }
    let (width, columns) = (Screen::width(), table.columns.len());
    let shown = legible(&table, width);
    call.screen.result(grid_of(&table, &shown, width))?;
    let hint = match columns - shown.iter().flatten().count() {
        0 => String::new(),
        some => format!("; {some} of {columns} columns are left out: --format csv"),
    };
    call.screen.mention(counted(table.rows.len() as u64) + &hint);
    Ok(Exit::Done)
}

fn counted(rows: u64) -> String {
    format!("{rows} {}", if rows == 1 { "row" } else { "rows" })
}

fn open(settings: &Settings) -> Result<Warehouse, warehouse::Error> {
    let options = Options {
        memory_limit: settings.sync.memory_limit.clone(),
        threads: settings.sync.threads,
        access: Access::Free,
        mode: Mode::ReadOnly,
    };
    Warehouse::open(Place::of(&settings.places)?, &options)
}

/// The answer of the warehouse, or of whoever holds it now.
pub(super) async fn answer(call: &Call, settings: &Settings, question: &Question) -> Result<Table, Stop> {
    match open(settings) {
        Err(locked @ warehouse::Error::Locked { .. }) => {
            let http = call.http().map_err(Stop::from)?;
            let told = desk::ask(&http, &settings.places.warehouse, question).await;
            Ok(told.unwrap_or(Err(locked))?)
        }
        opened => Ok(opened?.ask(question)?),
    }
}

/// DuckDB's own shell on the warehouse, where it is installed.
async fn shell(call: &Call, place: &Place) -> Result<Exit, Stop> {
    let program = call.environment.program("duckdb").ok_or(Error::NoShell)?;
    let warehouse = place.file().ok_or_else(|| Error::NoFileToShow { place: place.to_string() })?;
    if !warehouse.exists() {
        return Err(warehouse::Error::NotThere { path: warehouse.to_owned() }.into());
    }
    // The shell is told no credential: it needs none.
    let told = ["HOME", "PATH", "TERM", "LANG", "LC_ALL", "COLORTERM", "EDITOR"];
    let told = call.environment.all().into_iter().filter(|(name, _)| told.iter().any(|told| name == told));
    let command = Command {
        program: program.into_os_string(),
        args: vec!["-readonly".into(), warehouse.as_os_str().to_owned()],
        dir: call.dir.clone(),
        environment: told.collect(),
        input: Vec::new(),
        limits: Limits { time: std::time::Duration::MAX, output_bytes: 0 },
    };
    Ok(match process::converse(&command).await? {
        Status::Exited(0) => Exit::Done,
        _ => Exit::Unable,
    })
}

pub(super) fn shaped(table: &Table, format: Format) -> String {
    match format {
        Format::Table => grid(table),
        Format::Csv => csv(table),
        Format::Json => table.objects().map(|row| Value::Object(row).to_string() + "\n").collect(),
        Format::Markdown => markdown(table),
    }
}

/// Columns of a terminal that a column of a table needs at the least, to be read.
const LEGIBLE: usize = 10;

/// A table for people, as wide as their terminal at most. Of more columns than can be read side by side,
/// the first and the last are shown.
pub(super) fn grid(table: &Table) -> String {
    let width = Screen::width();
    grid_of(table, &legible(table, width), width)
}

fn grid_of(table: &Table, shown: &[Option<usize>], width: usize) -> String {
    let mut grid = Grid::new();
    grid.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    grid.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    let header = |index: &Option<usize>| {
        index.and_then(|index| table.columns.get(index)).map_or("…", |column| column.name.as_str())
    };
    grid.set_header(shown.iter().map(header));
    for row in &table.rows {
        grid.add_row(
            shown.iter().map(|index| index.and_then(|index| row.get(index)).map_or("…".to_owned(), word)),
        );
    }
    for (place, index) in shown.iter().enumerate() {
        let column = index.and_then(|index| table.columns.get(index));
        if column.is_some_and(|column| is_number(&column.kind))
            && let Some(column) = grid.column_mut(place)
        {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    grid.to_string()
}

/// The columns that are shown, and where some are left out, nothing.
fn legible(table: &Table, width: usize) -> Vec<Option<usize>> {
    let widest = |index: usize, name: &str| {
        let cells = table.rows.iter().filter_map(|row| row.get(index)).map(|value| word(value).width());
        cells.chain([name.width()]).max().unwrap_or_default().min(LEGIBLE) + 3
    };
    let needs: Vec<_> =
        table.columns.iter().enumerate().map(|(index, column)| widest(index, &column.name)).collect();
    let count = needs.len();
    if needs.iter().sum::<usize>() <= width {
        return (0..count).map(Some).collect();
    }
    let (mut first, mut last) = (Vec::new(), Vec::new());
    let mut room = width.saturating_sub(4);
    let both = (0..count.div_ceil(2)).flat_map(|step| [(step, true), (count - 1 - step, false)]);
    for (index, ahead) in both {
        let Some(rest) = needs.get(index).and_then(|need| room.checked_sub(*need)) else { break };
        room = rest;
        if ahead { first.push(Some(index)) } else { last.push(Some(index)) }
    }
    first.push(None);
    first.extend(last.into_iter().rev());
    first
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
    fn of_many_columns_the_first_and_the_last_are_shown() {
        let column = |index: usize| Column { name: format!("column_{index}"), kind: "BIGINT".to_owned() };
        let wide = |count: usize| Table {
            columns: (0..count).map(column).collect(),
            rows: vec![(0..count).map(|index| json!(index)).collect()],
        };
        assert_eq!(legible(&wide(3), 80), [Some(0), Some(1), Some(2)]);
        assert_eq!(legible(&wide(40), 60), [Some(0), Some(1), None, Some(38), Some(39)]);
        let told = grid_of(&wide(40), &legible(&wide(40), 60), 60);
        assert!(told.contains("column_1") && told.contains('…') && told.contains("column_39"), "{told}");
        assert!(told.lines().all(|line| line.width() <= 60), "{told}");
    }

    #[test]
    fn a_parameter_is_a_number_a_flag_null_or_text() {
        for (text, expected) in [
            ("n=7", json!(7)),
            ("$n=-1.5", json!(-1.5)),
            ("n=true", json!(true)),
            ("n=null", json!(null)),
            ("n=bug fix=1", json!("bug fix=1")),
            ("n=\"7\"", json!("7")),
            ("n=[1]", json!("[1]")),
            ("n=", json!("")),
        ] {
            assert_eq!(parameter(text), Ok(("n".to_owned(), expected)), "{text}");
        }
        assert!(parameter("n").is_err());
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
