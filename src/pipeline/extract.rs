//! Reading a pipeline's resources page by page from a source into the warehouse.
//!
//! This drives; what comes next is decided in `cursor`, how a resource ended in `outcome`. A few
//! listings of one resource are read at once; resources follow each other, parents first. Cancelling
//! takes effect between pages, and every page that landed stays.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use futures_util::StreamExt as _;
use serde_json::{Map, Value};

use super::cursor::{self, CHOSEN, Cursor};
use super::load::{self, Landed, Landing};
use super::normalize::{self, Row};
use super::outcome::{End, Outcome, Status, judge};
use super::schema::{Cell, Column};
use super::source::{Page, PageRequest, Source, SourceError, Target, Trouble};
use super::spec::{Resource, Spec, placeholders};
use super::store::{self, KnownPage, Listing};
use super::warehouse::{self, At, Warehouse, quoted};
use crate::artifact::Event;
use crate::clock::Stopwatch;
use crate::error::{Exit, Failure};
use crate::telemetry::Run;

/// Listings of one resource that are read at once.
const AT_ONCE: usize = 6;

/// What is read, from where, into what.
#[derive(Debug)]
pub struct Extraction<'a, S> {
    /// The run it belongs to.
    pub run: &'a Run,
    /// The pipeline.
    pub spec: &'a Spec,
    /// Where pages come from.
    pub source: &'a S,
    /// Where rows go.
    pub warehouse: &'a Warehouse,
    /// What narrows it.
    pub options: Options,
}

/// What narrows an extraction.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Which GitHub or hub the rows come from: its address, or another name that stays.
    pub origin: String,
    /// Resources to read, their parents too; empty means the pipeline's defaults.
    pub only: Vec<String>,
    /// Items to read instead of listing all, for resources with a `chosen` path.
    pub chosen: Vec<String>,
    /// Reads everything anew, as if nothing were known, and removes what is gone at the source.
    pub full: bool,
}

/// Why an extraction ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The source refuses the credential.
    #[error("the source refuses the credential")]
    Unauthorized {
        /// What it said.
        source: SourceError,
    },
    /// No resource has this name.
    #[error("the pipeline `{pipeline}` has no resource `{name}`")]
    Unknown {
        /// The pipeline.
        pipeline: String,
        /// The name.
        name: String,
        /// The nearest one.
        hint: Option<String>,
    },
    /// The warehouse failed.
    #[error(transparent)]
    Warehouse(#[from] warehouse::Error),
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Unauthorized { .. } => Exit::Unable,
            Self::Unknown { .. } => Exit::Usage,
            Self::Warehouse(error) => error.exit(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Unauthorized { source } => source.hints.clone(),
            Self::Unknown { hint, .. } => hint.iter().cloned().collect(),
            Self::Warehouse(error) => error.hints(),
        }
    }
}

impl<S: Source> Extraction<'_, S> {
    /// Reads the resources and says how each ended.
    pub async fn run(&self) -> Result<Vec<Outcome>, Error> {
        let resources = wanted(self.spec, &self.options.only)?;
        store::prepare(self.warehouse, self.spec)?;
        let stopped = Stopped::default();
        let mut outcomes: Vec<Outcome> = Vec::new();
        for resource in resources {
            let trusted = resource.parent.as_ref().is_none_or(|parent| {
                outcomes.iter().any(|outcome| outcome.name == *parent && outcome.status == Status::Complete)
            });
            let outcome = self.resource(resource, trusted, &stopped).await?;
            self.note(&outcome)?;
            outcomes.push(outcome);
        }
        Ok(outcomes)
    }

    async fn resource(
        &self,
        resource: &Resource,
        trusted: bool,
        stopped: &Stopped,
    ) -> Result<Outcome, Error> {
        self.tell(resource, "running");
        let parents = self.parents(resource)?;
        let declared = store::declared(self.spec, resource);
        let reads = parents.iter().map(|parent| {
            let listing =
                Listing { origin: &self.options.origin, resource: &resource.name, parent: &parent.key };
            Reading { extraction: self, resource, declared: &declared, listing, parent, stopped }.read()
        });
        let reads: Vec<_> = futures_util::stream::iter(reads).buffer_unordered(AT_ONCE).collect().await;
        let mut total = Tally::default();
        let mut ends = Vec::with_capacity(reads.len());
        for read in reads {
            let (tally, end) = read?;
            total = total.plus(tally);
            ends.push(end);
        }
        let (status, reason) = judge(&ends);
        if trusted && stopped.reason().is_none() {
            let keys: Vec<_> = parents.into_iter().map(|parent| parent.key).collect();
            total.landed.removed += load::prune(self.warehouse, &self.options.origin, &resource.name, &keys)?;
        }
        let Landed { changed: rows, removed, rejected } = total.landed;
        Ok(Outcome {
            name: resource.name.clone(),
            status,
            rows,
            removed,
            rejected,
            requests: total.requests,
            reason,
        })
    }

    /// The rows that a resource is listed for; a resource without parent has one, without key.
    fn parents(&self, resource: &Resource) -> Result<Vec<Parent>, Error> {
        let Some(parent) = &resource.parent else {
            if resource.chosen.is_none() || self.options.chosen.is_empty() {
                return Ok(vec![Parent::default()]);
            }
            let one = |name: &String| Parent {
                key: name.clone(),
                vars: Map::from_iter([(CHOSEN.to_owned(), Value::from(name.as_str()))]),
                inherited: Vec::new(),
            };
            return Ok(self.options.chosen.iter().map(one).collect());
        };
        let origin = [Cell::text(&self.options.origin)];
        let any = format!("SELECT 1 FROM {} WHERE _origin = ? LIMIT 1", quoted(parent));
        if self.warehouse.select(&any, &origin)?.is_empty() {
            // A table whose columns are inferred has none to ask for yet.
            return Ok(Vec::new());
        }
        let names: Vec<_> = placeholders(&resource.path).collect();
        let columns = ["_key"].into_iter().chain(names.iter().copied());
        let columns: Vec<_> =
            columns.chain(resource.inherit.iter().map(|(_, theirs)| theirs.as_str())).map(quoted).collect();
        let only_if = resource.only_if.as_deref().unwrap_or("true");
        let sql = format!(
            "SELECT {} FROM {} WHERE _origin = ? AND ({only_if}) ORDER BY _key",
            columns.join(", "),
            quoted(parent)
        );
        self.warehouse.check_select(&sql)?;
        let rows = self.warehouse.select(&sql, &origin)?;
        Ok(rows.into_iter().filter_map(|row| Parent::of(row, &names, &resource.inherit)).collect())
    }

    fn note(&self, outcome: &Outcome) -> Result<(), Error> {
        let run = self.run;
        run.events.send(Event::Resource {
            name: outcome.name.clone(),
            status: outcome.status.name().to_owned(),
            rows: outcome.rows,
            requests: outcome.requests,
            reason: outcome.reason.clone(),
        });
        let cells = vec![
            Cell::text(&self.options.origin),
            Cell::text(&run.id.0),
            Cell::text(&self.spec.name),
            Cell::text(&outcome.name),
            Cell::text(outcome.status.name()),
            Cell::count(outcome.rows),
            Cell::count(outcome.removed),
            Cell::count(outcome.rejected),
            Cell::count(outcome.requests),
            store::optional(outcome.reason.as_deref()),
            Cell::time(run.clock.now()),
        ];
        let columns = [
            "origin", "run", "pipeline", "resource", "status", "rows", "removed", "rejected", "requests",
            "reason", "ended_at",
        ];
        Ok(self.warehouse.write(|writer| writer.append(At::own("outcomes"), &columns, &[cells]))?)
    }

    fn tell(&self, resource: &Resource, status: &str) {
        let name = resource.name.clone();
        self.run.events.send(Event::Resource {
            name,
            status: status.to_owned(),
            rows: 0,
            requests: 0,
            reason: None,
        });
    }
}

/// The resources to read, in the spec's order: the chosen ones and whatever they hang below.
fn wanted<'a>(spec: &'a Spec, only: &[String]) -> Result<Vec<&'a Resource>, Error> {
    let known: Vec<_> = spec.resources.iter().map(|resource| resource.name.as_str()).collect();
    if let Some(name) = only.iter().find(|name| !known.contains(&name.as_str())) {
        let hint = super::spec::nearest("resource", name, &known);
        return Err(Error::Unknown { pipeline: spec.name.clone(), name: name.clone(), hint });
    }
    let mut names: HashSet<&str> = spec
        .resources
        .iter()
        .filter(|resource| if only.is_empty() { resource.default } else { only.contains(&resource.name) })
        .map(|resource| resource.name.as_str())
        .collect();
    for resource in spec.resources.iter().rev() {
        if let Some(parent) = resource.parent.as_deref().filter(|_| names.contains(resource.name.as_str())) {
            names.insert(parent);
        }
    }
    Ok(spec.resources.iter().filter(|resource| names.contains(resource.name.as_str())).collect())
}

/// A row that a resource is listed for.
#[derive(Debug, Default)]
struct Parent {
    key: String,
    vars: Map<String, Value>,
    inherited: Vec<(String, Value)>,
}

impl Parent {
    fn of(row: Vec<Value>, names: &[&str], inherit: &[(String, String)]) -> Option<Self> {
        let mut values = row.into_iter();
        let Value::String(key) = values.next()? else { return None };
        let vars = names.iter().map(|name| (*name).to_owned()).zip(values.by_ref()).collect();
        let inherited = inherit.iter().map(|(own, _)| own.clone()).zip(values).collect();
        Some(Self { key, vars, inherited })
    }
}

/// Set once the source will answer nothing more; every listing then stops at its next page.
#[derive(Debug, Default)]
struct Stopped(Mutex<Option<String>>);

impl Stopped {
    fn reason(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, reason: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| reason.to_owned());
    }
}

/// What was done so far.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    landed: Landed,
    requests: u64,
}

impl Tally {
    fn plus(self, other: Self) -> Self {
        let landed = Landed {
            changed: self.landed.changed + other.landed.changed,
            removed: self.landed.removed + other.landed.removed,
            rejected: self.landed.rejected + other.landed.rejected,
        };
        Self { landed, requests: self.requests + other.requests }
    }
}

/// One listing being read.
struct Reading<'a, S> {
    extraction: &'a Extraction<'a, S>,
    resource: &'a Resource,
    declared: &'a [Column],
    listing: Listing<'a>,
    parent: &'a Parent,
    stopped: &'a Stopped,
}

/// Where a listing being read stands.
struct State {
    cursor: Cursor,
    known: Vec<KnownPage>,
    /// Pages of this reading.
    targets: Vec<String>,
    /// Keys of this reading, in order.
    keys: Vec<String>,
    tally: Tally,
}

impl<S: Source> Reading<'_, S> {
    async fn read(self) -> Result<(Tally, End), Error> {
        let mut state = self.state()?;
        let mut target = Some(cursor::first(self.resource, &self.parent.vars, &state.cursor));
        while let Some(asked) = target {
            target = match self.page(&asked, &mut state).await? {
                Ok(next) => next,
                Err((trouble, reason)) => return Ok((state.tally, End::Trouble(trouble, reason))),
            };
        }
        Ok((state.tally, End::Complete))
    }

    fn state(&self) -> Result<State, Error> {
        let warehouse = self.extraction.warehouse;
        let (cursor, known) = if self.extraction.options.full {
            (Cursor::default(), Vec::new())
        } else {
            (store::cursor(warehouse, self.listing)?, store::known_pages(warehouse, self.listing)?)
        };
        Ok(State { cursor, known, targets: Vec::new(), keys: Vec::new(), tally: Tally::default() })
    }

    /// Fetches one page and lands it; what comes next, or why nothing does.
    async fn page(
        &self,
        asked: &Target,
        state: &mut State,
    ) -> Result<Result<Option<Target>, (Trouble, String)>, Error> {
        if let Some(reason) = self.stopped.reason() {
            return Ok(Err((Trouble::Stopped, format!("not reached: {reason}"))));
        }
        let name = asked.to_string();
        let known = state.known.iter().find(|page| page.target == name).cloned();
        let watch = Stopwatch::start();
        let page = match self.fetch(asked, known.as_ref()).await {
            Ok(page) => page,
            Err(error) => return self.trouble(error).map(Err),
        };
        state.tally.requests += 1;
        match self.landing(name, page, known, state) {
            Ok((mut landing, next)) => {
                landing.millis = watch.millis();
                let landed = load::land(self.extraction.warehouse, &landing)?;
                state.tally = state.tally.plus(Tally { landed, requests: 0 });
                Ok(Ok(next))
            }
            Err(unreadable) => {
                let cause = std::error::Error::source(&unreadable).map(|cause| format!(": {cause}"));
                let reason = format!("{asked}: {unreadable}{}", cause.unwrap_or_default());
                Ok(Err((Trouble::Broken, reason)))
            }
        }
    }

    async fn fetch(&self, asked: &Target, known: Option<&KnownPage>) -> Result<Page, SourceError> {
        let request = PageRequest {
            resource: self.resource.name.clone(),
            target: asked.clone(),
            etag: known.map(|page| page.etag.clone()),
        };
        let extraction = self.extraction;
        let cancelled = || SourceError {
            trouble: Trouble::Stopped,
            message: "interrupted".to_owned(),
            source: None,
            hints: Vec::new(),
        };
        if extraction.run.cancel.is_cancelled() {
            return Err(cancelled());
        }
        tokio::select! {
            page = extraction.source.page(&request) => page,
            () = extraction.run.cancel.cancelled() => Err(cancelled()),
        }
    }

    fn trouble(&self, error: SourceError) -> Result<(Trouble, String), Error> {
        match error.trouble {
            Trouble::Unauthorized => Err(Error::Unauthorized { source: error }),
            Trouble::Stopped => {
                self.stopped.set(&error.message);
                Ok((Trouble::Stopped, error.message))
            }
            trouble => Ok((trouble, error.message)),
        }
    }

    /// What a page means: the rows to land with it, and what to ask next.
    fn landing(
        &self,
        target: String,
        page: Page,
        known: Option<KnownPage>,
        state: &mut State,
    ) -> Result<(Landing<'_>, Option<Target>), normalize::Unreadable> {
        let resource = self.resource;
        let (rows, keys, latest, link) = if let Some(known) = known.filter(|_| page.unchanged) {
            (Vec::new(), known.keys, None, known.next)
        } else {
            let items = normalize::items(&page.body)?;
            let latest = resource.incremental.as_ref().and_then(|how| cursor::latest(how, &items));
            let rows = normalize::rows(resource, &self.parent.inherited, items, state.keys.len())?;
            let keys = rows.iter().map(|row: &Row| row.key.clone()).collect();
            (rows, keys, latest, page.next)
        };
        let (cursor, next) = cursor::after(resource, &self.parent.vars, &state.cursor, latest, link.clone());
        // A page of an incremental listing is asked again only where the listing ended.
        let again = resource.incremental.is_none() || next.is_none();
        let remembered = page.etag.filter(|_| again && !page.unchanged).map(|etag| KnownPage {
            target: target.clone(),
            etag,
            next: link.clone(),
            keys: keys.clone(),
        });
        state.keys.extend(keys);
        state.targets.push(target.clone());
        state.cursor = cursor.clone();
        let end = next.is_none().then(|| self.end(state, &target));
        let (run, at) = (&self.extraction.run.id, self.extraction.run.clock.now());
        let (listing, declared, status) = (self.listing, self.declared, page.status);
        let landing = Landing {
            listing,
            declared,
            run,
            at,
            target,
            status,
            millis: 0,
            next: link,
            rows,
            known: remembered,
            cursor,
            end,
        };
        Ok((landing, next))
    }

    fn end(&self, state: &mut State, last: &str) -> load::End {
        let whole = self.resource.incremental.is_none();
        let targets = if whole { std::mem::take(&mut state.targets) } else { vec![last.to_owned()] };
        let keys = (whole || self.extraction.options.full).then(|| std::mem::take(&mut state.keys));
        load::End { targets, keys }
    }
}
