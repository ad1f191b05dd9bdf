//! Faults: a cassette replayed while something goes wrong on purpose, and nothing of it is to be seen.
//!
//! What the warehouse holds at the end, and how each resource ended, must be as without the fault.
//! `[[faults]]` in a test file says which fault strikes where; the matrix is every fault at every
//! request of every cassette, one at a time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::pipelines::{Bench, Error};
use crate::net::cassette::{Cassette, Fault, Strike};
use crate::pipeline::Folder;
use crate::pipeline::data_tests::{self, Tested};
use crate::pipeline::outcome::Outcome;
use crate::pipeline::snapshot;
use crate::pipeline::spec::Problem;
use crate::pipeline::warehouse::{self, Warehouse, quoted};

/// A fault that a test file asks for.
#[derive(Debug)]
pub(super) struct Disturbance {
    name: String,
    place: String,
    /// The cassette's name.
    pub(super) cassette: String,
    strike: Strike,
}

impl Disturbance {
    /// Whether its name or file holds this text.
    pub(super) fn is_named(&self, text: &str) -> bool {
        self.name.contains(text) || self.place.contains(text)
    }
}

/// What is read of a test file here; the rest is for [`data_tests`].
#[derive(Debug, Deserialize)]
struct TestFile {
    source: Option<String>,
    #[serde(default)]
    faults: Vec<Declared>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    name: Option<String>,
    fault: Fault,
    at: Option<String>,
}

/// What was found of every fault at every request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Matrix {
    /// Replays that were made.
    pub replays: u64,
    /// Those that left a trace.
    pub traces: Vec<Trace>,
}

/// A fault that was not survived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// The cassette.
    pub cassette: String,
    /// The fault's name.
    pub fault: &'static str,
    /// The request that met it.
    pub request: String,
    /// What was not as without it.
    pub difference: String,
}

/// What a replay left behind: how each resource ended, and the rows of each table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Held {
    ends: Vec<String>,
    tables: BTreeMap<String, String>,
}

impl Held {
    fn of(warehouse: &Warehouse, outcomes: &[Outcome]) -> Result<Self, warehouse::Error> {
        let sql = "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main' ORDER BY table_name";
        let mut tables = BTreeMap::new();
        for row in warehouse.query(sql)?.rows {
            let Some(name) = row.first().and_then(|name| name.as_str()) else { continue };
            let rows = warehouse.query(&format!("SELECT * FROM {}", quoted(name)))?;
            tables.insert(name.to_owned(), snapshot::text(&rows));
        }
        let end = |outcome: &Outcome| {
            let why = outcome.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
            format!("{} is {}{why}", outcome.name, outcome.status.name())
        };
        Ok(Self { ends: outcomes.iter().map(end).collect(), tables })
    }

    /// What is not as in the other.
    fn differs(&self, disturbed: &Self) -> Option<String> {
        let ended = self.ends.iter().zip(&disturbed.ends).find(|(one, other)| one != other);
        let ended = ended.map(|(one, other)| format!("without the fault {one}, with it {other}"));
        let rows = || {
            self.tables.iter().find_map(|(name, rows)| {
                let other = disturbed.tables.get(name).map(String::as_str).unwrap_or_default();
                let difference = snapshot::difference(rows, other)?;
                Some(format!("`{name}` without the fault `-` and with it `+`:\n{difference}"))
            })
        };
        ended.or_else(rows)
    }
}

/// Reads the faults that the test files of a pipeline ask for.
pub(super) fn read(folder: &Folder) -> Result<Vec<Disturbance>, data_tests::Error> {
    let mut all = Vec::new();
    for file in folder.part("tests", "toml") {
        let place = folder.place_of(file.path);
        let parsed: Result<TestFile, _> = toml::from_str(file.text);
        let parsed = parsed.map_err(|error| data_tests::Error::Unreadable {
            place: place.clone(),
            problem: Problem::of_toml(&error, file.text),
        })?;
        let cassette = parsed.source.as_deref().and_then(|source| source.strip_prefix("cassette:"));
        for (index, Declared { name, fault, at }) in parsed.faults.into_iter().enumerate() {
            let (number, why) = (index + 1, "is a fault, and its file names no cassette".to_owned());
            let Some(cassette) = cassette else {
                return Err(data_tests::Error::Incomplete { place, number, why });
            };
            let cassette = cassette.trim_end_matches(".jsonl").to_owned();
            let asked = at.as_ref().map_or("every request".to_owned(), |at| format!("`{at}`"));
            let name = name.unwrap_or_else(|| format!("{} at {asked} leaves no trace", fault.name()));
            all.push(Disturbance { name, place: place.clone(), cassette, strike: Strike { fault, at } });
        }
    }
    Ok(all)
}

/// A question by GraphQL. What a server gives up on is asked again in halves, which no cassette answers that
/// holds the whole.
const QUESTION: &str = "POST /graphql";

/// A cassette and what it leaves behind undisturbed.
pub(super) struct Calm<'a> {
    bench: &'a Bench<'a>,
    name: &'a str,
    cassette: &'a Cassette,
    held: Held,
    requests: Vec<String>,
}

impl<'a> Calm<'a> {
    /// Replays it undisturbed.
    pub(super) async fn replay(
        bench: &'a Bench<'a>,
        name: &'a str,
        cassette: &'a Cassette,
    ) -> Result<Self, Error> {
        let (warehouse, outcomes, replay) = bench.extract(name, cassette, Vec::new()).await?;
        let held = Held::of(&warehouse, &outcomes)?;
        Ok(Self { bench, name, cassette, held, requests: replay.requests() })
    }

    /// What a fault changes, and whether it met a request.
    async fn with(&self, strike: Strike) -> Result<(Option<String>, bool), Error> {
        let (warehouse, outcomes, replay) =
            self.bench.extract(self.name, self.cassette, vec![strike]).await?;
        Ok((self.held.differs(&Held::of(&warehouse, &outcomes)?), replay.struck(0)))
    }

    /// Runs a fault that a test file asks for.
    pub(super) async fn test(&self, disturbance: &Disturbance) -> Result<Tested, Error> {
        let Disturbance { name, place, strike, .. } = disturbance;
        let (difference, struck) = self.with(strike.clone()).await?;
        let detail = match (struck, difference) {
            (false, _) => Some("no request of the cassette met it".to_owned()),
            (true, difference) => difference,
        };
        let (name, place) = (name.clone(), place.clone());
        Ok(Tested { name, place, green: detail.is_none(), rows: 0, detail })
    }

    /// Every fault at every request, one at a time.
    pub(super) async fn matrix(&self, matrix: &mut Matrix) -> Result<(), Error> {
        for request in &self.requests {
            let asks = |fault: &Fault| !(*fault == Fault::BadGateway && request.starts_with(QUESTION));
            for fault in Fault::ALL.into_iter().filter(asks) {
                matrix.replays += 1;
                let strike = Strike { fault, at: Some(request.clone()) };
                if let (Some(difference), _) = self.with(strike).await? {
                    let (cassette, request) = (self.name.to_owned(), request.clone());
                    matrix.traces.push(Trace { cassette, fault: fault.name(), request, difference });
                }
            }
        }
        Ok(())
    }
}
