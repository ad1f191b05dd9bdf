//! Recording a cassette: a pipeline read live into a temporary warehouse, every answer kept, and the result
//! replayed at once.
//!
//! What cannot be replayed is told and never called whole. Nothing is written of a recording that failed or
//! was interrupted, and no credential is: see [`erase`](super::erase).

use std::path::PathBuf;

use serde::Serialize;

use super::erase::{Erased, Replacement, erase, replaced};
use super::pipelines::{self, bounds, is_whole};
use super::replay::{CREDENTIAL, HOST};
use super::snapshots;
use crate::artifact::evidence::Attempt;
use crate::error::{Exit, Failure};
use crate::fs;
use crate::github;
use crate::net::cassette::{Cassette, Chosen, Tape};
use crate::pipeline::choice::Choice;
use crate::pipeline::extract::{self, Extraction};
use crate::pipeline::outcome::{Outcome, Status};
use crate::pipeline::warehouse::Warehouse;
use crate::pipeline::{Folder, Spec};
use crate::source::{Github, rest};
use crate::telemetry::Run;

/// Whom a cassette is recorded from; the client's transport is the tape's.
#[derive(Debug, Clone, Copy)]
pub enum Server<'a> {
    /// GitHub, or the hub.
    Github(&'a github::Client),
    /// Any other API.
    Rest(&'a rest::Client),
}

/// What is recorded.
#[derive(Debug, Clone)]
pub struct Options<'a> {
    /// The pipeline.
    pub folder: &'a Folder,
    /// The cassette's name.
    pub name: &'a str,
    /// Resources to read; empty means the pipeline's defaults.
    pub resources: Vec<String>,
    /// Repositories to read instead of all.
    pub repos: Vec<String>,
    /// What is replaced everywhere.
    pub replacements: Vec<Replacement>,
}

/// A recording that was written.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recorded {
    /// The cassette.
    pub path: PathBuf,
    /// Answers on it.
    pub answers: usize,
    /// Secrets that were taken out, by kind.
    pub erased: Erased,
    /// How each resource ended when the cassette was replayed.
    pub resources: Vec<Outcome>,
    /// What the cassette did not answer.
    pub attempts: Vec<Attempt>,
}

impl Recorded {
    /// Whether the cassette answers all that is asked of it.
    pub fn is_whole(&self) -> bool {
        self.attempts.is_empty() && self.resources.iter().all(is_whole)
    }
}

/// Why nothing was recorded.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name cannot be a file's everywhere.
    #[error("`{name}` cannot name a cassette: lowercase letters, digits, `_` and `-` can")]
    Name {
        /// The name.
        name: String,
    },
    /// Every resource failed.
    #[error("nothing was recorded: {why}")]
    Nothing {
        /// What the first of them said.
        why: String,
    },
    /// The pipeline has no folder to write in.
    #[error(transparent)]
    Shipped(#[from] snapshots::Error),
    /// The pipeline cannot be read, or what was written cannot be replayed.
    #[error(transparent)]
    Pipeline(#[from] pipelines::Error),
    /// The cassette cannot be written.
    #[error(transparent)]
    File(#[from] fs::Error),
    /// What was answered has no line.
    #[error("an answer cannot be written as a line of JSON")]
    Line {
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Name { .. } => Exit::Usage,
            Self::Nothing { .. } => Exit::Unable,
            Self::Shipped(error) => error.exit(),
            Self::Pipeline(error) => error.exit(),
            Self::File(error) => error.exit(),
            Self::Line { .. } => Exit::Bug,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Name { .. } | Self::Nothing { .. } | Self::Line { .. } => Vec::new(),
            Self::Shipped(error) => error.hints(),
            Self::Pipeline(error) => error.hints(),
            Self::File(error) => error.hints(),
        }
    }
}

/// The file of a cassette that is to be recorded.
pub fn place(folder: &Folder, name: &str) -> Result<PathBuf, Error> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    if name.is_empty() || !name.chars().all(fits) {
        return Err(Error::Name { name: name.to_owned() });
    }
    snapshots::must_be_writable(folder)?;
    let root = folder.root.as_ref().unwrap_or(&folder.place);
    Ok(root.join(relative(name)))
}

fn relative(name: &str) -> String {
    format!("cassettes/{name}.jsonl")
}

/// Records a cassette and replays it. `None` where the person interrupted it: then nothing is written.
pub async fn record(
    run: &Run,
    (server, tape): (Server<'_>, &Tape),
    options: Options<'_>,
) -> Result<Option<Recorded>, Error> {
    let Options { folder, name, resources, repos, replacements } = options;
    let path = place(folder, name)?;
    let begun = jiff::Timestamp::from_second(run.clock.now().as_second()).ok();
    let narrowed = extract::Options {
        origin: format!("cassette:{name}"),
        only: resources.clone(),
        choice: Choice::named(&repos),
        ..extract::Options::default()
    };
    let outcomes = read(run, server, folder, narrowed).await?;
    if run.cancel.is_cancelled() {
        return Ok(None);
    }
    if outcomes.iter().all(|outcome| outcome.status == Status::Failed) {
        let why = outcomes.into_iter().find_map(|outcome| outcome.reason);
        return Err(Error::Nothing { why: why.unwrap_or_else(|| "there is nothing to read".to_owned()) });
    }
    let (base, taken) = known(server, tape);
    let all: Vec<_> = taken.into_iter().chain(replacements).collect();
    let mut recording = tape.recording(base);
    let erased = erase(&mut recording, &all);
    let answers = recording.len();
    let repos = replaced(repos, &all);
    let text = recording.text(&Chosen { resources, repos, recorded: begun });
    let text = text.map_err(|source| Error::Line { source })?;
    fs::write(&path, text.as_bytes())?;
    let place = path.display().to_string();
    let cassette = Cassette::parse(&place, &text).map_err(pipelines::Error::from)?;
    let (resources, attempts) = pipelines::replay(folder, name, &cassette).await?;
    Ok(Some(Recorded { path, answers, erased, resources, attempts }))
}

/// Reads the pipeline live into a warehouse that goes with it.
async fn read(
    run: &Run,
    server: Server<'_>,
    folder: &Folder,
    options: extract::Options,
) -> Result<Vec<Outcome>, pipelines::Error> {
    let spec = &Spec::read(folder)?;
    let warehouse = &Warehouse::in_memory(&bounds())?;
    Ok(match server {
        Server::Github(client) => {
            let source = &Github::new(client, &run.events);
            Extraction { run, spec, source, warehouse, options }.run().await?
        }
        Server::Rest(source) => Extraction { run, spec, source, warehouse, options }.run().await?,
    })
}

/// The server's base, and what must stand on no cassette of it: its credentials and, of GitHub, an address
/// other than the usual one.
fn known<'a>(server: Server<'a>, tape: &Tape) -> (&'a str, Vec<Replacement>) {
    let mut credentials = tape.credentials();
    let (base, home) = match server {
        Server::Github(client) => (client.base(), Some(client.base())),
        Server::Rest(client) => {
            credentials.extend(client.credential().map(|credential| credential.expose().to_owned()));
            (client.base(), None)
        }
    };
    let credentials = credentials.into_iter().filter(|credential| !credential.is_empty());
    let credentials = credentials.map(|old| Replacement { old, new: CREDENTIAL.to_owned() });
    let home = home.map(|base| Replacement { old: base.to_owned(), new: format!("https://{HOST}") });
    (base, credentials.chain(home).collect())
}
