//! `pipeline check`: everything that is wrong with a pipeline's files, or what is in them.

use std::collections::BTreeSet;

use super::super::error::Stop;
use super::super::report;
use super::super::session::Call;
use crate::error::{Exit, Failure};
use crate::net::cassette::Cassette;
use crate::pipeline::data_tests::{self, About, DataTest};
use crate::pipeline::{Folder, Spec, models};

/// Look whether the files of a pipeline are right, and tell all that is wrong
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The pipeline; the one that `sync` runs if none is named
    name: Option<String>,
}

/// How many of each there are.
#[derive(Debug, Default)]
struct Found {
    resources: usize,
    models: usize,
    tests: usize,
    cassettes: usize,
}

/// Looks.
pub(super) async fn run(args: &Args, call: &Call) -> Result<Exit, Stop> {
    let folder = super::folder(args.name.as_ref(), call).await?;
    let (found, wrong) = look(&folder);
    for failure in &wrong {
        if call.screen.json {
            call.screen.result(report::as_json(&**failure))?;
        }
        call.screen.say(report::as_text(&**failure));
    }
    let Found { resources, models, tests, cassettes } = found;
    if !wrong.is_empty() {
        let things = if wrong.len() == 1 { "thing is" } else { "things are" };
        call.screen.mention(format!("{} {things} wrong in {}", wrong.len(), folder.place.display()));
        return Ok(Exit::Usage);
    }
    let name = &folder.name;
    if call.screen.json {
        let counts = serde_json::json!({"pipeline": name, "resources": resources, "models": models,
            "tests": tests, "cassettes": cassettes});
        call.screen.result(counts)?;
    }
    call.screen.mention(format!(
        "{name} is right: {}, {}, {}, {}",
        many(resources, "resource"),
        many(models, "model"),
        many(tests, "test"),
        many(cassettes, "cassette")
    ));
    Ok(Exit::Done)
}

/// Reads all there is. What hangs on something wrong is not judged.
fn look(folder: &Folder) -> (Found, Vec<Box<dyn Failure>>) {
    let mut wrong: Vec<Box<dyn Failure>> = Vec::new();
    let mut found = Found::default();
    for file in folder.part("cassettes", "jsonl") {
        found.cassettes += 1;
        if let Err(error) = Cassette::parse(&folder.place_of(file.path), file.text) {
            wrong.push(Box::new(error));
        }
    }
    let spec = match Spec::check(folder) {
        Ok(spec) => spec,
        Err(errors) => {
            wrong.extend(errors.into_iter().map(|error| Box::new(error) as Box<dyn Failure>));
            return (found, wrong);
        }
    };
    found.resources = spec.resources.len();
    match models::check(folder, &spec) {
        Ok(models) => found.models = models.len(),
        Err(errors) => wrong.extend(errors.into_iter().map(|error| Box::new(error) as Box<dyn Failure>)),
    }
    for file in folder.part("tests", "toml").chain(folder.part("tests", "sql")) {
        match data_tests::read(&folder.only("tests", file.path), &spec) {
            Ok(tests) => {
                found.tests += tests.len();
                wrong
                    .extend(dangling(folder, &spec, &tests).map(|error| Box::new(error) as Box<dyn Failure>));
            }
            Err(error) => wrong.push(Box::new(error)),
        }
    }
    (found, wrong)
}

/// A test of something that is not there.
#[derive(Debug, thiserror::Error)]
#[error("the test `{test}` in `{place}` is about {what}, and there is none")]
struct Dangling {
    test: String,
    place: String,
    what: String,
    hint: Option<String>,
}

impl Failure for Dangling {
    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn hints(&self) -> Vec<String> {
        self.hint.iter().cloned().collect()
    }
}

fn many(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// Tests of tables and cassettes that are not there, each thing once.
fn dangling(folder: &Folder, spec: &Spec, tests: &[DataTest]) -> impl Iterator<Item = Dangling> {
    let tables: Vec<&str> =
        spec.tables().chain(folder.part("models", "sql").map(|file| file.stem)).chain(["ledger"]).collect();
    let cassettes: Vec<&str> = folder.part("cassettes", "jsonl").map(|file| file.stem).collect();
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for test in tests {
        let cassette = match &test.about {
            About::Cassette(name) => Some(name),
            About::Everything | About::Live => None,
        };
        let named = [("table", test.table.as_ref(), &tables), ("cassette", cassette, &cassettes)];
        for (what, name, known) in named {
            let Some(name) = name.filter(|name| !known.contains(&name.as_str())) else { continue };
            if seen.insert((what, name.clone())) {
                let hint = crate::pipeline::spec::nearest(what, name, known);
                let (test, place, what) =
                    (test.name.clone(), test.place.clone(), format!("the {what} `{name}`"));
                all.push(Dangling { test, place, what, hint });
            }
        }
    }
    all.into_iter()
}
