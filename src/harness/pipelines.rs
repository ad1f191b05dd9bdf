//! The harness for pipelines: cassettes replayed into a temporary warehouse, models built, data tests
//! run, and the network refused.
//!
//! Every cassette gets a warehouse of its own. A test that names a cassette runs on it; one that names
//! none must hold on all of them that have its table, and is told once where it does; one that names the
//! live API is red, and what it would have reached is evidence. Nothing here opens a socket, and nothing
//! is written unless snapshots are to be written anew or warehouses to be kept.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::faults::{self, Calm, Disturbance, Matrix};
use super::kept;
use super::replay::{HOST, Replay};
use super::snapshots::{self, Fresh, Reviewed};
use crate::artifact::evidence::Attempt;
use crate::artifact::{Events, RunId};
use crate::clock::Clock;
use crate::error::{Exit, Failure};
use crate::github;
use crate::net::cassette::{self, Cassette, Strike};
use crate::pipeline::choice::Choice;
use crate::pipeline::data_tests::{self, About, DataTest, Expect, Tested};
use crate::pipeline::extract::{self, Extraction};
use crate::pipeline::models::{self, Built, Extent, Model};
use crate::pipeline::outcome::{Outcome, Status};
use crate::pipeline::see::See;
use crate::pipeline::spec::Api;
use crate::pipeline::warehouse::{self, Warehouse};
use crate::pipeline::{Folder, Spec, spec, store};
use crate::source::rest;
use crate::telemetry::Run;

/// Memory of a temporary warehouse.
const MEMORY: &str = "512MB";

/// What narrows a test run.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Runs only tests whose name or file holds this text.
    pub only: Option<String>,
    /// One more query, which must return no rows on any cassette.
    pub sql: Option<String>,
    /// Writes snapshots that differ, or are not there yet.
    pub update: bool,
    /// Tries every fault at every request.
    pub faults: bool,
    /// Keeps the warehouse of each cassette as a file in this folder.
    pub keep: Option<PathBuf>,
}

/// What a test run showed.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PipelineReport {
    /// The pipeline.
    pub pipeline: String,
    /// Each cassette that was replayed.
    pub cassettes: Vec<Replayed>,
    /// Each test.
    pub tests: Vec<Tested>,
    /// Snapshots that were written, and those that no test names.
    pub snapshots: Vec<Reviewed>,
    /// What was found of every fault at every request, where that was asked for.
    pub faults: Matrix,
    /// Every attempt to reach the network.
    pub attempts: Vec<Attempt>,
}

/// One cassette, replayed.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Replayed {
    /// The cassette.
    pub name: String,
    /// How its resources ended.
    pub resources: Vec<Outcome>,
    /// The models that were built.
    pub models: Vec<Built>,
    /// The file that its warehouse is kept in, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<PathBuf>,
}

impl PipelineReport {
    /// Whether everything holds: each test green, each cassette answering all that was asked, no attempt.
    pub fn is_green(&self) -> bool {
        self.attempts.is_empty()
            && self.faults.traces.is_empty()
            && self.tests.iter().all(|test| test.green)
            && self.cassettes.iter().all(Replayed::is_whole)
    }
}

impl Replayed {
    /// Whether the cassette answered all that was asked.
    fn is_whole(&self) -> bool {
        self.resources.iter().all(is_whole)
    }
}

/// Whether everything of a resource came that can be had.
pub(super) const fn is_whole(outcome: &Outcome) -> bool {
    matches!(outcome.status, Status::Complete | Status::Skipped)
}

/// Why a pipeline cannot be tested.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its spec is wrong.
    #[error(transparent)]
    Spec(#[from] spec::Error),
    /// A model is wrong.
    #[error(transparent)]
    Models(#[from] models::Error),
    /// A test file is wrong.
    #[error(transparent)]
    Tests(#[from] data_tests::Error),
    /// A cassette is wrong.
    #[error(transparent)]
    Cassette(#[from] cassette::Error),
    /// The client that replays cannot be made.
    #[error(transparent)]
    Client(#[from] github::Error),
    /// The client of another API that replays cannot be made.
    #[error(transparent)]
    Rest(#[from] rest::Error),
    /// Extraction failed.
    #[error(transparent)]
    Extract(#[from] extract::Error),
    /// The temporary warehouse failed.
    #[error(transparent)]
    Warehouse(#[from] warehouse::Error),
    /// Snapshots cannot be written.
    #[error(transparent)]
    Snapshots(#[from] snapshots::Error),
    /// A cassette's warehouse cannot be kept.
    #[error(transparent)]
    Kept(#[from] kept::Error),
}

impl Error {
    fn inner(&self) -> &dyn Failure {
        match self {
            Self::Spec(error) => error,
            Self::Models(error) => error,
            Self::Tests(error) => error,
            Self::Cassette(error) => error,
            Self::Client(error) => error,
            Self::Rest(error) => error,
            Self::Extract(error) => error,
            Self::Warehouse(error) => error,
            Self::Snapshots(error) => error,
            Self::Kept(error) => error,
        }
    }
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        self.inner().exit()
    }

    fn hints(&self) -> Vec<String> {
        self.inner().hints()
    }
}

/// Tests a pipeline offline.
pub async fn test(folder: &Folder, options: &Options) -> Result<PipelineReport, Error> {
    if options.update {
        snapshots::must_be_writable(folder)?;
    }
    let spec = Spec::read(folder)?;
    let models = models::plan(folder, &spec)?;
    let all = data_tests::read(folder, &spec)?;
    let unused = snapshots::unused(folder, &all);
    let tests = chosen(all, folder, options);
    let keep = options.keep.as_deref();
    let bench = Bench { folder, spec: &spec, models: &models, tests: &tests, keep };
    let mut report = PipelineReport { pipeline: folder.name.clone(), ..PipelineReport::default() };
    let mut everywhere: Vec<Vec<(String, Tested)>> = vec![Vec::new(); bench.tests.len()];
    let mut disturbances = faults::read(folder)?;
    disturbances.retain(|disturbance| match &options.only {
        Some(only) => disturbance.is_named(only),
        None => options.sql.is_none(),
    });
    let mut fresh = Vec::new();
    for file in folder.part("cassettes", "jsonl") {
        let cassette = Cassette::parse(&folder.place_of(file.path), file.text)?;
        let warehouse = bench.replay(file.stem, &cassette, &mut report).await?;
        bench.disturb(file.stem, &cassette, (&disturbances, options.faults), &mut report).await?;
        let replayed = report.cassettes.last();
        let is_whole = replayed.is_some_and(Replayed::is_whole);
        let kept = replayed.and_then(|replayed| replayed.kept.clone());
        let see = match &kept {
            Some(path) => See::Kept(path),
            None => See::Passing { pipeline: &folder.name, cassette: file.stem },
        };
        let due = data_tests::due(bench.tests, &warehouse, &spec)?;
        let see = (see, store::last_request(&warehouse)?);
        for (test, runs) in bench.tests.iter().zip(&mut everywhere) {
            match &test.about {
                About::Everything if !due.contains(&test) || !tells_age(&cassette, test) => {}
                About::Everything => {
                    runs.push((file.stem.to_owned(), data_tests::run(&warehouse, test, see)));
                }
                About::Cassette(name) if name == file.stem && !tells_age(&cassette, test) => {
                    report.tests.push(red(test, format!("its cassette does not say {UNDATED}")));
                }
                About::Cassette(name) if name == file.stem => {
                    let write = (options.update && is_whole).then_some(&mut fresh);
                    report.tests.push(one((&warehouse, see), test, write));
                }
                _ => {}
            }
        }
    }
    let cassettes = report.cassettes.len();
    for (test, runs) in bench.tests.iter().zip(everywhere) {
        if runs.is_empty() && test.about == About::Everything && cassettes > 0 {
            let why = if test.ages() {
                format!("no cassette that reads its table says {UNDATED}")
            } else {
                "no cassette reads its table".to_owned()
            };
            report.tests.push(red(test, why));
        }
        report.tests.extend(together(cassettes > 1, runs));
    }
    bench.refuse(&mut report);
    snapshots::write(folder, &fresh)?;
    report.snapshots = fresh.into_iter().map(|fresh| fresh.reviewed).chain(unused).collect();
    Ok(report)
}

/// Replays one cassette, models left out: how its resources ended, and what it did not answer.
pub(super) async fn replay(
    folder: &Folder,
    name: &str,
    cassette: &Cassette,
) -> Result<(Vec<Outcome>, Vec<Attempt>), Error> {
    let spec = Spec::read(folder)?;
    let bench = Bench { folder, spec: &spec, models: &[], tests: &[], keep: None };
    let (_, resources, replay) = bench.extract(name, cassette, Vec::new()).await?;
    Ok((resources, replay.attempts()))
}

/// Runs a test of one cassette. Where snapshots are written anew, `fresh` gets what is to be written, and
/// the test holds.
fn one(
    (warehouse, see): (&Warehouse, (See<'_>, Timestamp)),
    test: &DataTest,
    fresh: Option<&mut Vec<Fresh>>,
) -> Tested {
    let tested = data_tests::run(warehouse, test, see);
    match fresh.and_then(|all| Some((all, snapshots::fresh(warehouse, test)?))) {
        Some((all, fresh)) => {
            all.push(fresh);
            Tested { green: true, detail: None, ..tested }
        }
        None => tested,
    }
}

/// What a cassette must say for ages to be told, and how.
const UNDATED: &str =
    "when it was recorded; write `\"recorded\": \"2026-01-31T12:00:00Z\"` into its line with `resources`";

/// Whether a cassette can judge a test: that of an age needs a clock.
fn tells_age(cassette: &Cassette, test: &DataTest) -> bool {
    cassette.is_dated() || !test.ages()
}

/// A test that could not run.
fn red(test: &DataTest, why: String) -> Tested {
    let (name, place) = (test.name.clone(), test.place.clone());
    Tested { name, place, green: false, rows: 0, detail: Some(why) }
}

/// What a test showed on cassettes: once where it holds on all of them, else where it does not.
fn together(several: bool, mut runs: Vec<(String, Tested)>) -> Vec<Tested> {
    if !several || runs.iter().all(|(_, tested)| tested.green) {
        runs.truncate(1);
        return runs.into_iter().map(|(_, tested)| tested).collect();
    }
    let named = |(cassette, tested): (String, Tested)| Tested {
        name: format!("{} (cassette {cassette})", tested.name),
        ..tested
    };
    runs.into_iter().filter(|(_, tested)| !tested.green).map(named).collect()
}

fn chosen(tests: Vec<DataTest>, folder: &Folder, options: &Options) -> Vec<DataTest> {
    let wanted = |test: &DataTest| {
        options
            .only
            .as_ref()
            .is_none_or(|only| test.name.contains(only.as_str()) || test.place.contains(only.as_str()))
    };
    let mut tests: Vec<_> = match &options.sql {
        // With a query of one's own, only that is asked, unless tests are named too.
        Some(_) if options.only.is_none() => Vec::new(),
        _ => tests.into_iter().filter(wanted).collect(),
    };
    tests.extend(options.sql.as_ref().map(|sql| DataTest {
        name: "the query returns no rows".to_owned(),
        place: folder.place.display().to_string(),
        about: About::Everything,
        table: None,
        sql: sql.clone(),
        expect: Expect::Nothing,
    }));
    tests
}

/// A pipeline on the bench.
pub(super) struct Bench<'a> {
    folder: &'a Folder,
    spec: &'a Spec,
    models: &'a [Model],
    tests: &'a [DataTest],
    /// Where warehouses are kept.
    keep: Option<&'a Path>,
}

impl Bench<'_> {
    /// Replays a cassette into a warehouse of its own.
    async fn replay(
        &self,
        name: &str,
        cassette: &Cassette,
        report: &mut PipelineReport,
    ) -> Result<Warehouse, Error> {
        let kept = self.keep.map(|folder| kept::file(folder, name));
        let warehouse = match &kept {
            Some(path) => kept::open(path, &bounds())?,
            None => Warehouse::in_memory(&bounds())?,
        };
        let (resources, replay) = self.fill(&warehouse, (name, cassette), Vec::new()).await?;
        if kept.is_some() {
            kept::mark(&warehouse, name)?;
        }
        let models = models::build(&warehouse, self.spec, self.models, Extent::default())?;
        report.attempts.extend(replay.attempts());
        report.cassettes.push(Replayed { name: name.to_owned(), resources, models, kept });
        Ok(warehouse)
    }

    /// Replays a cassette into a warehouse of its own, models left out, with faults on the way.
    pub(super) async fn extract(
        &self,
        name: &str,
        cassette: &Cassette,
        strikes: Vec<Strike>,
    ) -> Result<(Warehouse, Vec<Outcome>, Replay), Error> {
        let warehouse = Warehouse::in_memory(&bounds())?;
        let (resources, replay) = self.fill(&warehouse, (name, cassette), strikes).await?;
        Ok((warehouse, resources, replay))
    }

    /// Replays a cassette into this warehouse.
    async fn fill(
        &self,
        warehouse: &Warehouse,
        (name, cassette): (&str, &Cassette),
        strikes: Vec<Strike>,
    ) -> Result<(Vec<Outcome>, Replay), Error> {
        let replay = match &self.spec.source {
            Api::Github => Replay::disturbed(cassette, strikes)?,
            Api::Rest(rest) => Replay::of_rest(rest, cassette, strikes)?,
        };
        let options = extract::Options {
            origin: format!("cassette:{name}"),
            only: cassette.resources().to_vec(),
            choice: Choice::named(cassette.repos()),
            ..extract::Options::default()
        };
        let run = quiet(replay.clock());
        let extraction = Extraction { run: &run, spec: self.spec, source: &replay, warehouse, options };
        let resources = extraction.run().await?;
        Ok((resources, replay))
    }

    /// Replays a cassette with the faults that tests ask for, and with all at all requests if wanted.
    async fn disturb(
        &self,
        name: &str,
        cassette: &Cassette,
        (asked, all): (&[Disturbance], bool),
        report: &mut PipelineReport,
    ) -> Result<(), Error> {
        let mut asked = asked.iter().filter(|disturbance| disturbance.cassette == name).peekable();
        if asked.peek().is_none() && !all {
            return Ok(());
        }
        let spec = extract::narrowed(self.spec, cassette.resources())?;
        let bench = Bench { spec: &spec, ..*self };
        let calm = Calm::replay(&bench, name, cassette).await?;
        for disturbance in asked {
            report.tests.push(calm.test(disturbance).await?);
        }
        if all { calm.matrix(&mut report.faults).await } else { Ok(()) }
    }

    /// Tests that no cassette could serve: those that ask for the network, for a cassette that is not
    /// there, or for any at all where there is none.
    fn refuse(&self, report: &mut PipelineReport) {
        let known: Vec<_> = self.folder.part("cassettes", "jsonl").map(|file| file.stem).collect();
        for test in self.tests {
            let why = match &test.about {
                About::Live => {
                    let by = format!("test `{}` in {}", test.name, test.place);
                    report.attempts.push(Attempt { host: HOST.to_owned(), port: Some(443), by });
                    format!(
                        "it asks {HOST} for live data, and the network is refused here; record a cassette and write `source = \"cassette:NAME\"`"
                    )
                }
                About::Cassette(name) if !known.contains(&name.as_str()) => {
                    format!("there is no cassette `cassettes/{name}.jsonl`")
                }
                About::Everything if known.is_empty() => {
                    "the pipeline has no cassette to test with".to_owned()
                }
                _ => continue,
            };
            report.tests.push(red(test, why));
        }
    }
}

/// How the warehouse of a cassette is opened.
pub(super) fn bounds() -> warehouse::Options {
    warehouse::Options::confined(MEMORY, 1)
}

/// A run that nobody listens to, in which time stands still.
fn quiet(clock: Clock) -> Run {
    Run {
        id: RunId("test".to_owned()),
        verb: "test".to_owned(),
        folder: PathBuf::new(),
        clock,
        events: Events::none(),
        cancel: tokio_util::sync::CancellationToken::new(),
    }
}
