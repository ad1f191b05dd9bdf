//! `sync`: a pipeline's resources from GitHub, the hub or any REST API into the warehouse; then its models
//! and data tests.
//!
//! It gives the pipeline its source and says how each resource ended. A second run without changes
//! loads nothing; an interrupted or killed one is taken up where it was. Only one sync writes a
//! warehouse at a time, and the other is told who does; queries are answered by the one that holds it.

mod choice;
mod estimate;
mod ledger;
mod made;
mod rebuild;

use std::path::Path;

use serde::Serialize;

pub use estimate::{Estimate, Quota, estimate};
pub use rebuild::{Rebuild, rebuild};

use crate::artifact::{Event, Events};
use crate::config::settings;
use crate::error::{Exit, Failure};
use crate::github::Client;
use crate::pipeline::data_tests::{self, Tested};
use crate::pipeline::desk::Desk;
use crate::pipeline::extract::{self, Extraction};
use crate::pipeline::models::{self, Built, Extent, Increments, Which};
use crate::pipeline::outcome::{Outcome, Status};
use crate::pipeline::warehouse::{self, Place, Warehouse};
use crate::pipeline::{Folder, Spec, spec};
use crate::source::{Github, rest};
use crate::telemetry::{Audit, Run, audit};
use made::Made;

/// What is synced, and where to.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The pipeline.
    pub folder: &'a Folder,
    /// Where the warehouse is.
    pub warehouse: &'a Place,
    /// The state folder, whose ledger is loaded too.
    pub state: &'a Path,
    /// A name of the server that stays: its address, or the hub's folder. What two servers gave never mixes.
    pub origin: &'a str,
    /// What to gather and the bounds.
    pub settings: &'a settings::Sync,
    /// Where listings begin that were never read, if they can be asked from a time on.
    pub since: Option<jiff::Timestamp>,
    /// Reads everything anew and removes what is gone at the source.
    pub full: bool,
}

impl Options<'_> {
    async fn narrowed(&self, server: Server<'_>, events: &Events) -> Result<extract::Options, Error> {
        Ok(extract::Options {
            origin: self.origin.to_owned(),
            only: self.settings.resources.clone(),
            choice: choice::choose(server, &self.settings.repos, events).await?,
            since: self.since,
            full: self.full,
            count: true,
        })
    }
}

/// Whom a pipeline is read from.
#[derive(Debug, Clone, Copy)]
pub enum Server<'a> {
    /// GitHub, or the hub.
    Github(&'a Client),
    /// Any other API.
    Rest(&'a rest::Client),
}

/// What a sync did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// How each resource ended.
    pub resources: Vec<Outcome>,
    /// Lines of the ledger that were new.
    pub ledger_rows: u64,
    /// The models built.
    pub models: Vec<Built>,
    /// What the data tests showed.
    pub tests: Vec<Tested>,
    /// Whether the person interrupted it; what was loaded is kept.
    pub interrupted: bool,
}

impl Report {
    /// Rows that were new or changed.
    pub fn rows(&self) -> u64 {
        self.resources.iter().map(|outcome| outcome.rows).sum()
    }

    /// Requests made.
    pub fn requests(&self) -> u64 {
        self.resources.iter().map(|outcome| outcome.requests).sum()
    }

    /// How the process ends: partial is never success.
    pub fn exit(&self) -> Exit {
        let whole = |outcome: &Outcome| matches!(outcome.status, Status::Complete | Status::Skipped);
        if self.interrupted {
            Exit::Interrupted
        } else if !self.resources.is_empty()
            && self.resources.iter().all(|outcome| outcome.status == Status::Failed)
        {
            Exit::Unable
        } else if !self.resources.iter().all(whole) {
            Exit::Partial
        } else if self.tests.iter().any(|test| !test.green) {
            Exit::Refused
        } else {
            Exit::Done
        }
    }
}

/// Why a sync could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The pipeline's spec is wrong.
    #[error(transparent)]
    Spec(#[from] spec::Error),
    /// A model is wrong.
    #[error(transparent)]
    Models(#[from] models::Error),
    /// A data test is wrong.
    #[error(transparent)]
    Tests(#[from] data_tests::Error),
    /// The warehouse cannot be used.
    #[error(transparent)]
    Warehouse(#[from] warehouse::Error),
    /// Extraction ended before its end.
    #[error(transparent)]
    Extract(#[from] extract::Error),
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] crate::ledger::Error),
    /// GitHub gave no estimate, or does not tell what was starred.
    #[error(transparent)]
    Github(#[from] crate::github::Error),
    /// What was starred cannot be read.
    #[error("the list of starred repositories cannot be read")]
    Starred {
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// Models are to be built of what was never read.
    #[error("the warehouse has nothing of the pipeline `{pipeline}`")]
    Unread {
        /// The pipeline.
        pipeline: String,
    },
    /// A pattern of names cannot be used.
    #[error("a pattern of repositories cannot be used")]
    Pattern(#[from] globset::Error),
}

impl Error {
    /// The failure beneath, or how the process ends for one of its own.
    fn inner(&self) -> Result<&dyn Failure, Exit> {
        Ok(match self {
            Self::Spec(error) => error,
            Self::Models(error) => error,
            Self::Tests(error) => error,
            Self::Warehouse(error) => error,
            Self::Extract(error) => error,
            Self::Ledger(error) => error,
            Self::Github(error) => error,
            Self::Starred { .. } | Self::Unread { .. } => return Err(Exit::Unable),
            Self::Pattern(_) => return Err(Exit::Usage),
        })
    }
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        self.inner().map_or_else(|exit| exit, Failure::exit)
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Unread { pipeline } => {
                vec![format!("read it first: planwright sync --pipeline {pipeline}")]
            }
            _ => self.inner().map_or_else(|_| Vec::new(), Failure::hints),
        }
    }
}

/// Syncs a pipeline. What is wrong with its files is said before anything is asked.
pub async fn sync(run: &Run, server: Server<'_>, options: &Options<'_>) -> Result<Report, Error> {
    let spec = Spec::read(options.folder)?;
    let models = models::plan(options.folder, &spec)?;
    let tests = data_tests::read(options.folder, &spec)?;
    let is_first = options.warehouse.is_missing();
    let (warehouse, _desk) = open(options.warehouse, options.settings).await?;
    let noted = made::take_back(&warehouse, &spec)?;
    run.events.stage("extract", spec.name.clone());
    let narrowed = options.narrowed(server, &run.events).await?;
    let resources = extract(run, server, (&spec, &warehouse), narrowed).await?;
    for outcome in resources.iter().filter(|outcome| outcome.rows + outcome.removed > 0) {
        audit(
            Audit::Warehouse,
            "loaded",
            &format!("{} ({} rows, {} removed)", outcome.name, outcome.rows, outcome.removed),
        );
    }
    let has_changed = resources.iter().any(|outcome| outcome.rows + outcome.removed > 0);
    if has_changed && !is_first {
        warehouse.tidy()?;
    }
    let ledger_rows = ledger::load(&warehouse, options.state)?;
    if run.cancel.is_cancelled() {
        return Ok(Report {
            resources,
            ledger_rows,
            models: Vec::new(),
            tests: Vec::new(),
            interrupted: true,
        });
    }
    let tests: Vec<_> = data_tests::due(&tests, &warehouse, &spec)?.into_iter().cloned().collect();
    let increments = if options.full { Increments::Anew } else { Increments::Added };
    let extent = Extent { which: Which::Changed, increments };
    let made = Made { spec: &spec, models: &models, tests: &tests, extent };
    let is_stale = has_changed || (ledger_rows > 0 && made.heeds_the_ledger());
    if !is_stale && !options.full && made.stand(noted.as_deref()) {
        made.note(&warehouse, noted.as_deref())?;
        run.events.stage("models", "as they were; their data tests held".to_owned());
        return Ok(Report {
            resources,
            ledger_rows,
            models: Vec::new(),
            tests: Vec::new(),
            interrupted: false,
        });
    }
    run.events.stage("models", format!("{} models, {} data tests", models.len(), tests.len()));
    let (models, tests) = made.make(&warehouse, run.clock.now())?;
    tell(&run.events, &models, &tests);
    Ok(Report { resources, ledger_rows, models, tests, interrupted: false })
}

/// Opens a warehouse to write to; where it is a file, queries are answered at its desk meanwhile.
async fn open(
    place: &Place,
    settings: &settings::Sync,
) -> Result<(Warehouse, Option<Desk>), warehouse::Error> {
    let bounds = warehouse::Options::confined(&settings.memory_limit, settings.threads);
    let warehouse = Warehouse::open(place.clone(), &bounds)?;
    let desk = match place.file() {
        Some(path) => Desk::open(&warehouse, path).await,
        None => None,
    };
    Ok((warehouse, desk))
}

async fn extract(
    run: &Run,
    server: Server<'_>,
    (spec, warehouse): (&Spec, &Warehouse),
    options: extract::Options,
) -> Result<Vec<Outcome>, extract::Error> {
    match server {
        Server::Github(client) => {
            let source = &Github::new(client, &run.events);
            Extraction { run, spec, source, warehouse, options }.run().await
        }
        Server::Rest(source) => Extraction { run, spec, source, warehouse, options }.run().await,
    }
}

fn tell(events: &Events, models: &[Built], tests: &[Tested]) {
    for model in models {
        events.send(Event::Model { name: model.name.clone(), rows: model.rows });
    }
    for test in tests {
        events.send(Event::DataTest {
            name: test.name.clone(),
            outcome: if test.green { "green" } else { "red" }.to_owned(),
            rows: test.rows,
            detail: test.detail.clone(),
        });
    }
}
