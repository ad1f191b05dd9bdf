//! Data tests: what must hold in the tables and models of a pipeline.
//!
//! `tests/*.sql` holds one query each that must return no rows. `tests/*.toml` declares the usual ones
//! (unique, not null, accepted values, relationships, freshness, numbers of rows), queries with the rows
//! they must return, and tables, models or queries that must be as they are kept under `snapshots/`. A file
//! may name the data it is about: `source = "cassette:NAME"`; without it the test holds everywhere. A
//! snapshot needs a cassette.

mod bounds;
mod constraint;
mod declared;
mod run;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Folder;
use super::models::{self, Templates};
use super::snapshot::Snapshot;
use super::spec::{Problem, Spec};
use super::store;
use super::warehouse::{self, Warehouse};
use crate::error::{Exit, Failure};
use bounds::Bound;
use declared::TestFile;
pub use run::{Tested, rows, run};

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
            for (name, sql, mut expect) in declared.into_queries(spec).map_err(incomplete)? {
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

#[cfg(test)]
mod tests {
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
}
