//! Reading a pipeline's resources page by page from a source into the warehouse.
//!
//! This drives; what comes next is decided in `cursor`, how a resource ended in `outcome`. Resources
//! that need nothing of each other are read in one wave, many listings at once; what hangs below their
//! rows comes in a later wave. Cancelling takes effect between pages, and every page that landed stays.

mod batch;
mod listing;
mod parents;
mod progress;
mod question;
mod recent;
mod totals;
mod window;
mod within;

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use futures_util::StreamExt as _;

use super::choice::Choice;
use super::load::{Gone, Landed, Loader, Tallies};
use super::outcome::{Counted, End, Outcome, Status, judge};
use super::paging::Trails;
use super::schema::Cell;
use super::source::{Source, SourceError, Trouble};
use super::spec::{DEFAULTS, Graphql, Resource, Spec};
use super::store::{self, Prepared};
use super::warehouse::{self, At, Warehouse};
use crate::artifact::Event;
use crate::error::{Exit, Failure};
use crate::telemetry::Run;
use listing::{Begin, Stop};
pub(super) use parents::due;
use parents::{Known, Which};
use progress::Progress;
pub(super) use within::within;

/// Listings that are read at once.
const AT_ONCE: usize = 24;

/// Requests that are under way at once.
const IN_FLIGHT: usize = 32;

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
    /// Resources to read, their parents too; empty means the pipeline's defaults, as [`DEFAULTS`] among
    /// others does.
    pub only: Vec<String>,
    /// Which items to read of resources with a `chosen` path, and so of all that hang below these.
    pub choice: Choice,
    /// Where listings begin that were never read and can be asked from a time on; with `full` it says nothing.
    pub since: Option<jiff::Timestamp>,
    /// Reads everything anew, as if nothing were known, and removes what is gone at the source.
    pub full: bool,
    /// Compares with what the source counts, where something changed.
    pub count: bool,
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

impl From<Gone> for Error {
    /// Stands until the writer itself says why it ended.
    fn from(_: Gone) -> Self {
        Self::Warehouse(warehouse::Error::Writer)
    }
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

/// What the readings of one extraction share.
struct Shared {
    loader: Loader,
    /// Set once the source will answer nothing more; every listing then stops at its next page.
    stopped: Mutex<Option<Stop>>,
    /// Room for requests.
    room: tokio::sync::Semaphore,
    /// The ways that listings took.
    trails: Trails,
    progress: Progress,
}

impl Shared {
    fn stopped(&self) -> Option<Stop> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn stop(&self, trouble: Trouble, reason: &str) {
        let mut stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        stopped.get_or_insert_with(|| (trouble, reason.to_owned()));
    }
}

/// A resource that is being read.
struct Work<'a> {
    resource: &'a Resource,
    /// Listings that are still to be read.
    begins: Vec<Begin>,
    /// The keys of all its parents, whether or not they are asked now.
    parents: Vec<String>,
    ends: Vec<End>,
    requests: u64,
    /// Whether each is asked for by its path, though GraphQL could ask for many.
    by_path: bool,
    /// What is held beside what the source counts, where they were compared.
    counted: Option<Counted>,
}

/// What is read on its own.
enum Task<'a> {
    One(Box<Begin>),
    /// Many listings, some with each question.
    Many(&'a Graphql, Vec<Begin>),
}

impl<'a> Work<'a> {
    /// What is still to be read, as it is asked for.
    fn tasks(&mut self) -> Vec<Task<'a>> {
        let begins = std::mem::take(&mut self.begins);
        match self.resource.graphql.as_ref().filter(|_| !self.by_path) {
            Some(_) if begins.is_empty() => Vec::new(),
            Some(graphql) => vec![Task::Many(graphql, begins)],
            None => begins.into_iter().map(|begin| Task::One(Box::new(begin))).collect(),
        }
    }
}

impl<S: Source> Extraction<'_, S> {
    /// Reads the resources and says how each ended.
    pub async fn run(&self) -> Result<Vec<Outcome>, Error> {
        let resources = wanted(self.spec, &self.options.only)?;
        if store::prepare(self.warehouse, self.spec, &resources)? == Prepared::Now {
            for (resource, parent) in
                resources.iter().filter_map(|resource| Some((resource, resource.parent.as_ref()?)))
            {
                self.warehouse.check_select(&parents::select(resource, parent, ("true", "true")))?;
            }
        }
        let (loader, writing) = Loader::start(self.warehouse.clone(), self.run.id.clone());
        let room = tokio::sync::Semaphore::new(IN_FLIGHT);
        let progress = Progress::new(self.run.clock.now(), resources.len());
        let shared = Shared { loader, stopped: Mutex::default(), room, trails: Trails::default(), progress };
        let read = self.waves(&resources, &shared).await;
        drop(shared);
        writing.await.map_err(|_panicked| warehouse::Error::Writer)??;
        let outcomes = read?;
        self.note(&outcomes)?;
        self.show(&resources, &outcomes)?;
        Ok(outcomes)
    }

    /// Shows the history of resources whose columns follow from rows that came now.
    fn show(&self, resources: &[&Resource], outcomes: &[Outcome]) -> Result<(), Error> {
        let came = |resource: &Resource| {
            outcomes.iter().any(|outcome| outcome.name == resource.name && outcome.rows > 0)
        };
        let late = |resource: &Resource| came(resource) && store::is_shown_late(self.spec, resource);
        for resource in resources.iter().filter(|resource| late(resource)) {
            self.warehouse.write(|writer| store::show_history(writer, self.spec, resource))?;
        }
        Ok(())
    }

    async fn waves(&self, resources: &[&Resource], shared: &Shared) -> Result<Vec<Outcome>, Error> {
        let mut outcomes: Vec<Outcome> = Vec::new();
        let mut before = Tallies::new();
        let mut known = Known::read(self)?;
        let waves = waves(resources);
        for (index, wave) in waves.iter().enumerate() {
            shared.progress.come(waves.iter().skip(index).flatten().map(|resource| resource.name.clone()));
            let mut works = Vec::with_capacity(wave.len());
            for resource in wave {
                self.tell(resource, "running");
                works.push(self.work(resource, &mut known)?);
            }
            while works.iter().any(|work| !work.begins.is_empty()) {
                self.read(&mut works, &mut known, shared).await?;
            }
            let landed = shared.loader.settle().await?;
            self.tell_idle(&works)?;
            let changed = |name: &str| of(&landed, name).since(of(&before, name));
            for work in works.iter_mut().filter(|work| work.ends.iter().all(|end| *end == End::Complete)) {
                if self.options.full || changed(&work.resource.name) != Landed::default() {
                    Box::pin(self.compare(work, &mut known, shared)).await?;
                }
            }
            let after = shared.loader.settle().await?;
            for work in works {
                let name = &work.resource.name;
                let landed = of(&after, name).since(of(&before, name));
                let mut outcome = self.end(&work, landed, &outcomes, shared)?;
                if outcome.status == Status::Complete {
                    let whole = shared.stopped().is_none() && self.options.choice.is_everything();
                    let recent = self.recent(work.resource, whole, &mut known)?;
                    outcome.reason = recent.or(outcome.reason);
                }
                shared.progress.ended();
                self.tell_end(&outcome);
                outcomes.push(outcome);
            }
            before = after;
        }
        outcomes.sort_by_key(|outcome| resources.iter().position(|resource| resource.name == outcome.name));
        Ok(outcomes)
    }

    /// Reads the listings that are to be read. Where one over all parents is refused, or GraphQL is,
    /// those of the parents are to be read next.
    async fn read(&self, works: &mut [Work<'_>], known: &mut Known, shared: &Shared) -> Result<(), Error> {
        let tasks = works.iter_mut().enumerate().flat_map(|(index, work)| {
            let resource = work.resource;
            work.tasks().into_iter().map(move |task| (index, resource, task))
        });
        let reads = tasks.collect::<Vec<_>>().into_iter().map(async |(index, resource, task)| {
            let (instead, read) = match task {
                Task::One(begin) => {
                    let instead = begin.over_all.then_some(Which::Each);
                    let (requests, end) = self.listing(resource, *begin, shared).await?;
                    (instead, (requests, vec![end]))
                }
                Task::Many(graphql, begins) => {
                    let instead = (!resource.path.is_empty()).then_some(Which::Paths);
                    (instead, Box::pin(self.batches(resource, (graphql, begins), shared)).await?)
                }
            };
            Ok::<_, Error>((index, instead, read))
        });
        let mut reads = futures_util::stream::iter(reads).buffer_unordered(AT_ONCE);
        while let Some(read) = reads.next().await {
            let (index, instead, (requests, ends)) = read?;
            let Some(work) = works.get_mut(index) else { continue };
            work.requests += requests;
            let refused = |end: &End| matches!(end, End::Trouble(Trouble::NotPermitted, _));
            match instead.filter(|_| !ends.is_empty() && ends.iter().all(refused)) {
                Some(instead) => {
                    work.begins = self.begins(work.resource, known, instead)?.0;
                    self.begin_late(work.resource, &mut work.begins, known)?;
                    work.by_path = true;
                }
                None => work.ends.extend(ends),
            }
        }
        Ok(())
    }

    fn end(
        &self,
        work: &Work<'_>,
        landed: Landed,
        before: &[Outcome],
        shared: &Shared,
    ) -> Result<Outcome, Error> {
        let resource = work.resource;
        let (mut status, mut reason) = judge(&work.ends);
        let incomplete = before
            .iter()
            .filter(|outcome| outcome.status != Status::Complete)
            .find(|outcome| needs(resource, &outcome.name));
        if let Some(incomplete) = incomplete.filter(|_| status == Status::Complete) {
            status = if incomplete.status == Status::Skipped { Status::Skipped } else { Status::Partial };
            reason = Some(format!("`{}` is {}", incomplete.name, incomplete.status.name()));
        }
        let mut removed = landed.removed;
        // Which parents there are follows from rows of what this one needs; what was not chosen stays.
        let moved =
            before.iter().any(|outcome| needs(resource, &outcome.name) && outcome.rows + outcome.removed > 0);
        let whole = incomplete.is_none() && shared.stopped().is_none() && self.options.choice.is_everything();
        if whole && (moved || resource.chosen.is_some() && landed != Landed::default() || self.options.full) {
            let gone = store::Gone { run: &self.run.id, at: self.run.clock.now() };
            let of = (self.options.origin.as_str(), resource);
            removed += store::prune(self.warehouse, of, &work.parents, gone)?;
        }
        Ok(Outcome {
            name: resource.name.clone(),
            status,
            rows: landed.changed,
            removed,
            rejected: landed.rejected,
            requests: work.requests,
            reason,
            counted: work.counted,
        })
    }

    fn tell_end(&self, outcome: &Outcome) {
        self.run.events.send(Event::Resource {
            name: outcome.name.clone(),
            status: outcome.status.name().to_owned(),
            rows: outcome.rows,
            requests: outcome.requests,
            reason: outcome.reason.clone().or_else(|| Some(outcome.counted?.to_string())),
        });
    }

    /// Keeps how the resources ended.
    fn note(&self, outcomes: &[Outcome]) -> Result<(), Error> {
        let row = |outcome: &Outcome| {
            vec![
                Cell::text(&self.options.origin),
                Cell::text(&self.run.id.0),
                Cell::text(&self.spec.name),
                Cell::text(&outcome.name),
                Cell::text(outcome.status.name()),
                Cell::count(outcome.rows),
                Cell::count(outcome.removed),
                Cell::count(outcome.rejected),
                Cell::count(outcome.requests),
                store::optional(outcome.reason.as_deref()),
                Cell::time(self.run.clock.now()),
            ]
        };
        let rows: Vec<_> = outcomes.iter().map(row).collect();
        let columns = [
            "origin", "run", "pipeline", "resource", "status", "rows", "removed", "rejected", "requests",
            "reason", "ended_at",
        ];
        Ok(self.warehouse.write(|writer| writer.append(At::own("outcomes"), &columns, &rows))?)
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

/// The same spec with only the resources that are read then: fewer tables are made.
pub fn narrowed(spec: &Spec, only: &[String]) -> Result<Spec, Error> {
    let resources = wanted(spec, only)?.into_iter().cloned().collect();
    Ok(Spec { resources, ..spec.clone() })
}

/// The resources to read, in the spec's order: the chosen ones and whatever they hang below.
pub(super) fn wanted<'a>(spec: &'a Spec, only: &[String]) -> Result<Vec<&'a Resource>, Error> {
    let mut known: Vec<_> = spec.resources.iter().map(|resource| resource.name.as_str()).collect();
    known.push(DEFAULTS);
    if let Some(name) = only.iter().find(|name| !known.contains(&name.as_str())) {
        let hint = super::spec::nearest("resource", name, &known);
        return Err(Error::Unknown { pipeline: spec.name.clone(), name: name.clone(), hint });
    }
    let defaults = only.is_empty() || only.iter().any(|name| name == DEFAULTS);
    let mut names: HashSet<&str> = spec
        .resources
        .iter()
        .filter(|resource| (defaults && resource.default) || only.contains(&resource.name))
        .map(|resource| resource.name.as_str())
        .collect();
    for resource in spec.resources.iter().rev() {
        if names.contains(resource.name.as_str()) {
            names.extend(resource.parent.as_deref());
            names.extend(resource.touched.as_ref().map(|touched| touched.by.as_str()));
            names.extend(resource.after.iter().map(String::as_str));
        }
    }
    Ok(spec.resources.iter().filter(|resource| names.contains(resource.name.as_str())).collect())
}

/// What pages changed of one resource.
fn of(tallies: &Tallies, name: &str) -> Landed {
    tallies.get(name).copied().unwrap_or_default()
}

/// Whether a resource can only be read after another.
fn needs(resource: &Resource, other: &str) -> bool {
    resource.parent.as_deref() == Some(other)
        || resource.touched.as_ref().is_some_and(|touched| touched.by == other)
        || resource.after.iter().any(|name| name == other)
}

/// The resources in waves: each in the first wave after all that it needs.
fn waves<'a>(resources: &[&'a Resource]) -> Vec<Vec<&'a Resource>> {
    let mut waves: Vec<Vec<&Resource>> = Vec::new();
    for resource in resources {
        let needed = |wave: &Vec<&Resource>| wave.iter().any(|other| needs(resource, &other.name));
        let after = waves.iter().rposition(needed).map_or(0, |index| index + 1);
        match waves.get_mut(after) {
            Some(wave) => wave.push(resource),
            None => waves.push(vec![resource]),
        }
    }
    waves
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(only: &[&str]) -> Result<Vec<String>, Error> {
        let text = r#"
            source = "github"
            resources = [
                { name = "repos", path = "/r", key = ["id"] },
                { name = "issues", path = "/{id}/i", parent = "repos", key = ["id"] },
                { name = "orgs", path = "/o", key = ["id"], default = false },
                { name = "fields", path = "/{id}/f", parent = "orgs", key = ["id"], default = false },
                { name = "items", path = "/{id}/x", parent = "orgs", key = ["id"], after = ["fields"], default = false },
            ]
        "#;
        let spec = Spec::parse("p", text).unwrap();
        let only: Vec<_> = only.iter().map(|name| (*name).to_owned()).collect();
        let names = |found: Vec<&Resource>| found.iter().map(|resource| resource.name.clone()).collect();
        wanted(&spec, &only).map(names)
    }

    #[test]
    fn what_is_chosen_brings_what_it_needs_and_may_stand_beside_the_defaults() {
        assert_eq!(chosen(&[]).unwrap(), ["repos", "issues"]);
        assert_eq!(chosen(&["issues"]).unwrap(), ["repos", "issues"]);
        assert_eq!(chosen(&["items"]).unwrap(), ["orgs", "fields", "items"]);
        assert_eq!(chosen(&["default", "orgs"]).unwrap(), ["repos", "issues", "orgs"]);
        let error = chosen(&["itmes"]).unwrap_err();
        assert_eq!(error.hints(), ["the nearest known resource is `items`"]);
    }

    #[test]
    fn a_wave_needs_only_what_came_before() {
        let text = r#"
            source = "github"
            resources = [
                { name = "repos", path = "/r", key = ["id"] },
                { name = "users", path = "/u", key = ["id"] },
                { name = "issues", path = "/{id}/i", parent = "repos", key = ["id"] },
                { name = "labels", path = "/{id}/l", parent = "repos", key = ["id"] },
                { name = "comments", path = "/{id}/c", parent = "repos", key = ["id"], touched = { by = "issues", column = "repo_id" } },
            ]
        "#;
        let spec = Spec::parse("p", text).unwrap();
        let resources: Vec<_> = spec.resources.iter().collect();
        let names =
            |wave: Vec<&Resource>| wave.iter().map(|resource| resource.name.clone()).collect::<Vec<_>>();
        let found: Vec<_> = waves(&resources).into_iter().map(names).collect();
        assert_eq!(found, [vec!["repos", "users"], vec!["issues", "labels"], vec!["comments"]]);
    }
}
