//! Data tests: what must hold in the tables and models of a pipeline.
//!
//! `tests/*.sql` holds one query each that must return no rows. `tests/*.toml` declares the usual ones
//! (unique, not null, accepted values, relationships, freshness, numbers of rows), queries with the rows
//! they must return, and tables, models or queries that must be as they are kept under `snapshots/`. A file
//! may name the data it is about: `source = "cassette:NAME"`; without it the test holds everywhere. A
//! snapshot needs a cassette.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::bounds::{Bound, Rows};
use super::models::{self, Templates};
use super::see::See;
use super::snapshot::{self, Snapshot};
use super::spec::{Problem, Spec, is_identifier};
use super::store;
use super::warehouse::{self, Warehouse, literal, quoted};
use super::{Folder, Table};
use crate::error::{Exit, Failure};

/// A test, ready to run.
#[derive(Debug, Clone, PartialEq)]
pub struct DataTest {
    /// Its name.
    pub name: String,
    /// How messages name its file.
    pub place: String,
    /// The data it is about.
    pub about: About,
    /// The one table whose rows it is about, where it says so; of no rows everything holds.
    pub table: Option<String>,
    /// One SELECT.
    pub sql: String,
    /// What it must return.
    pub expect: Expect,
}

/// What a test's query must return.
#[derive(Debug, Clone, PartialEq)]
pub enum Expect {
    /// No row.
    Nothing,
    /// These rows, in the columns that are named.
    Rows(Vec<Map<String, Value>>),
    /// What was kept of it.
    Snapshot(Snapshot),
    /// An age or a number of rows within a bound.
    Within(Bound),
}

impl DataTest {
    /// Whether waiting may change what it shows.
    pub fn ages(&self) -> bool {
        matches!(&self.expect, Expect::Within(bound) if bound.ages())
    }
}

/// The data that a test is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum About {
    /// Whatever the pipeline loaded: in every warehouse, with every cassette.
    Everything,
    /// One cassette, by name.
    Cassette(String),
    /// The live API. The harness refuses it and reports the attempt.
    Live,
}

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

/// Why a pipeline's tests cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A test file is wrong.
    #[error("cannot read the tests `{place}`")]
    Unreadable {
        /// The file.
        place: String,
        /// What is wrong in it.
        #[source]
        problem: Problem,
    },
    /// A test says too little.
    #[error("the test {number} in `{place}` {why}")]
    Incomplete {
        /// The file.
        place: String,
        /// Which test in it, from 1.
        number: usize,
        /// What it lacks.
        why: String,
    },
    /// A test's SQL does not render.
    #[error(transparent)]
    Template(#[from] models::Error),
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Unreadable { problem, .. } => problem.hint.iter().cloned().collect(),
            Self::Incomplete { .. } => {
                vec!["a test has `sql`, or `table` and `column` and what must hold".to_owned()]
            }
            Self::Template(error) => error.hints(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TestFile {
    source: Option<toml::Spanned<String>>,
    #[serde(default, rename = "test")]
    tests: Vec<Declared>,
    /// What goes wrong on purpose: for the harness, which replays it.
    #[serde(default, rename = "faults")]
    _faults: IgnoredAny,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Declared {
    name: Option<String>,
    table: Option<String>,
    column: Option<String>,
    unique: bool,
    not_null: bool,
    accepted_values: Vec<Value>,
    relationships: Option<Relationship>,
    sql: Option<String>,
    expect: Option<Vec<Map<String, Value>>>,
    snapshot: Option<String>,
    freshness: Option<String>,
    rows: Option<Rows>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Relationship {
    to: String,
    column: String,
}

/// Reads the tests of a pipeline, in the order of their files.
pub fn read(folder: &Folder, spec: &Spec) -> Result<Vec<DataTest>, Error> {
    let templates = Templates::new(folder, spec);
    let mut tests = Vec::new();
    for file in folder.part("tests", "sql") {
        let place = folder.place_of(file.path);
        let sql = templates.test(file.path, &place, file.text)?;
        let name = file.stem.replace('_', " ");
        tests.push(DataTest {
            name,
            place,
            about: About::Everything,
            table: None,
            sql,
            expect: Expect::Nothing,
        });
    }
    let mut kept = BTreeSet::new();
    for file in folder.part("tests", "toml") {
        let place = folder.place_of(file.path);
        let problem = |problem| Error::Unreadable { place: place.clone(), problem };
        let parsed: Result<TestFile, _> = toml::from_str(file.text);
        let parsed = parsed.map_err(|error| problem(Problem::of_toml(&error, file.text)))?;
        let about = about(parsed.source.as_ref(), file.text).map_err(problem)?;
        for (index, declared) in parsed.tests.into_iter().enumerate() {
            let table = declared.table.clone().filter(|_| declared.sql.is_none());
            let incomplete = |why| Error::Incomplete { place: place.clone(), number: index + 1, why };
            for (name, sql, mut expect) in declared.into_queries().map_err(incomplete)? {
                if let Expect::Snapshot(snapshot) = &mut expect {
                    check_snapshot(snapshot, &about, &mut kept).map_err(incomplete)?;
                    snapshot.pipeline.clone_from(&folder.name);
                    snapshot.stored = folder.file(&snapshot.path).map(str::to_owned);
                }
                let sql = templates.test(file.path, &place, &sql)?;
                let (place, about, table) = (place.clone(), about.clone(), table.clone());
                tests.push(DataTest { name, place, about, table, sql, expect });
            }
        }
    }
    Ok(tests)
}

/// A snapshot is of one cassette, and no other test keeps something else in it.
fn check_snapshot(snapshot: &Snapshot, about: &About, kept: &mut BTreeSet<String>) -> Result<(), String> {
    if !matches!(about, About::Cassette(_)) {
        return Err("has a `snapshot`, and its file names no cassette".to_owned());
    }
    if !kept.insert(snapshot.path.clone()) {
        return Err(format!("keeps in `{}` what another test keeps there", snapshot.path));
    }
    Ok(())
}

/// Those of the tests that can show anything: a table that was never read holds whatever must hold of it.
pub fn due<'t>(
    tests: &'t [DataTest],
    warehouse: &Warehouse,
    spec: &Spec,
) -> Result<Vec<&'t DataTest>, warehouse::Error> {
    let read = store::read(warehouse)?;
    let is_unread =
        |table: &String| spec.filler(table).is_some_and(|resource| !read.contains(&resource.name));
    Ok(tests.iter().filter(|test| !test.table.as_ref().is_some_and(is_unread)).collect())
}

fn about(source: Option<&toml::Spanned<String>>, text: &str) -> Result<About, Problem> {
    let Some(source) = source else { return Ok(About::Everything) };
    match source.get_ref().split_once(':') {
        Some(("cassette", name)) if !name.is_empty() => {
            Ok(About::Cassette(name.trim_end_matches(".jsonl").to_owned()))
        }
        None if source.get_ref() == "live" => Ok(About::Live),
        _ => {
            let fact = format!("`{}` is not a source of tests", source.get_ref());
            let hint = Some("write `cassette:NAME`, for `cassettes/NAME.jsonl`".to_owned());
            let before = text.get(..source.span().start).unwrap_or_default();
            Err(Problem { line: before.matches('\n').count() + 1, fact, hint })
        }
    }
}

/// A named query and what it must return.
type Query = (String, String, Expect);

impl Declared {
    fn into_queries(self) -> Result<Vec<Query>, String> {
        if let Some(snapshot) = self.snapshot.clone() {
            return Ok(vec![self.into_snapshot(&snapshot)?]);
        }
        if let Some(sql) = self.sql {
            let name = self.name.ok_or("has no `name`")?;
            let expect = self.expect.map_or(Expect::Nothing, Expect::Rows);
            return Ok(vec![(name, sql, expect)]);
        }
        if self.expect.is_some() {
            return Err("has `expect` and no `sql`".to_owned());
        }
        let table = self.table.ok_or("has neither `sql` nor `table`")?;
        let within = |bound: Bound| (bound.name(), bound.sql(), Expect::Within(bound));
        let mut queries = Vec::new();
        if let Some(rows) = self.rows {
            queries.push(within(Bound::rows(&table, rows)?));
        }
        let Some(column) = self.column else {
            let is_lost = self.freshness.is_some()
                || self.unique
                || self.not_null
                || self.relationships.is_some()
                || !self.accepted_values.is_empty();
            let lacks = is_lost || queries.is_empty();
            return if lacks { Err("has no `column`".to_owned()) } else { Ok(queries) };
        };
        if let Some(freshness) = &self.freshness {
            queries.push(within(Bound::age(&table, &column, freshness)?));
        }
        let (t, c) = (quoted(&table), quoted(&column));
        if self.unique {
            let sql = format!(
                "SELECT {c}, count(*) AS times FROM {t} WHERE {c} IS NOT NULL GROUP BY {c} HAVING count(*) > 1 ORDER BY {c}"
            );
            queries.push((format!("{table}.{column} is unique"), sql, Expect::Nothing));
        }
        if self.not_null {
            queries.push((
                format!("{table}.{column} is not null"),
                format!("SELECT * FROM {t} WHERE {c} IS NULL"),
                Expect::Nothing,
            ));
        }
        if !self.accepted_values.is_empty() {
            let values: Vec<_> = self.accepted_values.iter().map(sql_value).collect();
            let sql = format!(
                "SELECT {c}, count(*) AS times FROM {t} WHERE {c} NOT IN ({}) GROUP BY {c} ORDER BY {c}",
                values.join(", ")
            );
            queries.push((format!("{table}.{column} has accepted values"), sql, Expect::Nothing));
        }
        if let Some(Relationship { to, column: other }) = self.relationships {
            let sql = format!(
                "SELECT DISTINCT {c} FROM {t} WHERE {c} IS NOT NULL AND {c} NOT IN (SELECT {0} FROM {1} WHERE {0} IS NOT NULL) ORDER BY {c}",
                quoted(&other),
                quoted(&to)
            );
            queries.push((format!("{table}.{column} is in {to}.{other}"), sql, Expect::Nothing));
        }
        if queries.is_empty() { Err("says nothing that must hold".to_owned()) } else { Ok(queries) }
    }

    /// The table, model or query of a snapshot. Without `table` and `sql` it has the snapshot's name.
    fn into_snapshot(self, kept: &str) -> Result<Query, String> {
        if !is_identifier(kept) {
            return Err(format!("has the snapshot `{kept}`: use lowercase letters, digits and `_`"));
        }
        let holds = self.unique || self.not_null || self.relationships.is_some();
        if holds || self.column.is_some() || self.expect.is_some() || !self.accepted_values.is_empty() {
            return Err("has a `snapshot` and says what must hold besides".to_owned());
        }
        if self.table.is_some() && self.sql.is_some() {
            return Err("has a `snapshot` of both `table` and `sql`".to_owned());
        }
        let table = self.table.unwrap_or_else(|| kept.to_owned());
        let sql = self.sql.unwrap_or_else(|| format!("SELECT * FROM {}", quoted(&table)));
        let name = self.name.unwrap_or_else(|| format!("{kept} is as it was kept"));
        let path = format!("{}/{kept}.jsonl", snapshot::PART);
        Ok((name, sql, Expect::Snapshot(Snapshot { pipeline: String::new(), path, stored: None })))
    }
}

fn sql_value(value: &Value) -> String {
    match value {
        Value::String(text) => literal(text),
        other => other.to_string(),
    }
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

    fn check(toml: &str) -> Result<Vec<DataTest>, String> {
        let folder = Folder::from_files("p", [("tests/t.toml".to_owned(), toml.to_owned())]);
        let spec = Spec::parse(
            "p",
            "source = \"github\"\n[[resources]]\nname = \"repos\"\npath = \"/r\"\nkey = [\"id\"]\n",
        )
        .unwrap();
        read(&folder, &spec).map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(" | {cause}"));
            format!("{error}{} | {}", cause.unwrap_or_default(), error.hints().join(", "))
        })
    }

    #[test]
    fn declared_tests_become_queries() {
        let tests = check(
            "[[test]]\ntable = \"repos\"\ncolumn = \"id\"\nunique = true\naccepted_values = [\"it's\", 2]\n",
        )
        .unwrap();
        assert_eq!(tests[0].name, "repos.id is unique");
        assert!(tests[1].sql.contains("NOT IN ('it''s', 2)"), "{}", tests[1].sql);
        assert!(tests.iter().all(|test| test.about == About::Everything));
    }

    #[test]
    fn a_file_says_what_data_it_is_about() {
        let test = "[[test]]\nname = \"n\"\nsql = \"SELECT 1\"\n";
        assert_eq!(
            check(&format!("source = \"cassette:a.jsonl\"\n{test}")).unwrap()[0].about,
            About::Cassette("a".to_owned())
        );
        assert_eq!(check(&format!("source = \"live\"\n{test}")).unwrap()[0].about, About::Live);
        assert_eq!(
            check(&format!("# x\nsource = \"github\"\n{test}")).unwrap_err(),
            "cannot read the tests `p/tests/t.toml` | line 2: `github` is not a source of tests | write `cassette:NAME`, for `cassettes/NAME.jsonl`"
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(
            check("[[test]]\ntabel = \"repos\"\n").unwrap_err(),
            "cannot read the tests `p/tests/t.toml` | line 2: unknown key `tabel` | the nearest known key is `table`"
        );
        for (said, why) in [
            ("freshness = \"2 days\"", "has no `column`"),
            ("column = \"at\"\nfreshness = \"soon\"", "has the freshness `soon`"),
            ("rows = {}", "has `rows` with neither"),
            ("rows = { at_least = 3, at_most = 1 }", "has `rows` of at least 3 and at most 1"),
        ] {
            let error = check(&format!("[[test]]\ntable = \"repos\"\n{said}\n")).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        assert!(
            check("[[test]]\ntable = \"repos\"\ncolumn = \"id\"\n")
                .unwrap_err()
                .starts_with("the test 1 in `p/tests/t.toml` says nothing")
        );
    }

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
