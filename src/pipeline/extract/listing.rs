//! Reading one listing, page by page.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use super::parents::Parent;
use super::{Error, Extraction, Shared, window};
use crate::clock::Stopwatch;
use crate::pipeline::cursor::{Cursor, Route, Seen};
use crate::pipeline::load::{self, Landing};
use crate::pipeline::normalize::{PageRows, Row, Shape, Unreadable};
use crate::pipeline::outcome::End;
use crate::pipeline::source::{Page, PageRequest, Source, Target, Trouble};
use crate::pipeline::spec::Resource;
use crate::pipeline::store::{KnownPage, Listing};

/// A listing that is to be read, and where it stands.
pub(super) struct Begin {
    pub(super) parent: Parent,
    pub(super) route: Route,
    pub(super) shape: Arc<Shape>,
    pub(super) cursor: Cursor,
    pub(super) known: Vec<KnownPage>,
    /// The keys that came so far, where the table had no row before.
    pub(super) keys: Option<Arc<Keys>>,
    /// Whether it holds the rows of all parents.
    pub(super) over_all: bool,
}

impl<S: Source> Extraction<'_, S> {
    /// Reads a listing to its end; how many requests it took, and how it ended.
    pub(super) async fn listing(
        &self,
        resource: &Resource,
        begin: Begin,
        shared: &Shared,
    ) -> Result<(u64, End), Error> {
        self.reading(resource, begin, shared).read().await
    }

    /// A listing that nothing was read of yet.
    pub(super) fn reading<'a>(
        &'a self,
        resource: &Resource,
        begin: Begin,
        shared: &'a Shared,
    ) -> Reading<'a, S> {
        let listing = Listing {
            origin: self.options.origin.as_str().into(),
            resource: resource.name.as_str().into(),
            parent: begin.parent.key.clone(),
        };
        let met = Met { keys: begin.keys.clone(), last: HashMap::new() };
        Reading {
            extraction: self,
            shared,
            listing,
            begin,
            met,
            place: Place::default(),
            accept: resource.accept.clone(),
            rolling: resource.rolling,
            requests: 0,
            calm: true,
        }
    }
}

/// One listing being read.
pub(super) struct Reading<'a, S> {
    pub(super) extraction: &'a Extraction<'a, S>,
    pub(super) shared: &'a Shared,
    listing: Listing,
    pub(super) begin: Begin,
    met: Met,
    place: Place,
    accept: Option<String>,
    /// Whether rows that leave the listing stay.
    rolling: bool,
    pub(super) requests: u64,
    /// Whether nothing moved so far while it was read.
    pub(super) calm: bool,
}

/// What was read of a listing so far.
#[derive(Default)]
struct Place {
    /// Pages of this reading.
    targets: Vec<String>,
    /// The first page as it is to be remembered at the end, where the listing is read newest first.
    head: Option<KnownPage>,
    /// Keys of this reading, where it is read whole.
    keys: Vec<String>,
    /// How many items were read.
    items: usize,
    /// Whether any page was not as it was.
    moved: bool,
}

/// The status of an answer that is to be asked for again.
const ACCEPTED: u16 = 202;

/// The status of an answer whose listing is empty: the contributors of an empty repository.
const NO_CONTENT: u16 = 204;

/// What stops a listing, and why.
pub(super) type Stop = (Trouble, String);

impl<S: Source> Reading<'_, S> {
    async fn read(mut self) -> Result<(u64, End), Error> {
        let mut target = Some(self.begin.route.first(&self.begin.cursor));
        while let Some(asked) = target {
            target = match self.ahead(&asked).await? {
                Ok(next) => next,
                Err((trouble, reason)) => return Ok((self.requests, End::Trouble(trouble, reason))),
            };
        }
        Ok((self.requests, End::Complete))
    }

    /// Reads a page and, where many follow, a window of them; what comes next, or why nothing does.
    async fn ahead(&mut self, asked: &Target) -> Result<Result<Option<Target>, Stop>, Error> {
        match self.page(asked).await? {
            Ok((Some(next), last)) if self.begin.route.incremental.is_some() => {
                match window::size(&next, last, self.calm) {
                    Some(pages) => self.window(next, pages).await,
                    None => Ok(Ok(Some(next))),
                }
            }
            Ok((next, _)) => Ok(Ok(next)),
            Err(stop) => Ok(Err(stop)),
        }
    }

    /// Fetches one page and hands it on; what comes next, and the number of the listing's last page.
    async fn page(&mut self, asked: &Target) -> Result<Result<(Option<Target>, Option<u64>), Stop>, Error> {
        let name = asked.to_string();
        let known = self.begin.known.iter().find(|page| page.target == name).cloned();
        let (page, millis) = match self.fetch(asked, known.as_ref().map(|page| page.etag.clone())).await? {
            Ok(answer) => answer,
            Err(stop) => return Ok(Err(stop)),
        };
        let last = page.last;
        match self.landing(asked, page, known) {
            Ok((landing, next)) => {
                self.shared.loader.land(Landing { millis, ..landing }).await?;
                Ok(Ok((next, last)))
            }
            Err(unreadable) => Ok(Err(broken(asked, &unreadable))),
        }
    }

    /// Fetches one page, and how long it took in milliseconds.
    pub(super) async fn fetch(
        &mut self,
        asked: &Target,
        etag: Option<String>,
    ) -> Result<Result<(Page, u64), Stop>, Error> {
        self.requests += 1;
        fetch(self.extraction, self.shared, self.request(asked, etag)).await
    }

    pub(super) fn request(&self, asked: &Target, etag: Option<String>) -> PageRequest {
        let (resource, accept) = (self.listing.resource.to_string(), self.accept.clone());
        PageRequest { resource, target: asked.clone(), accept, etag }
    }

    /// What a page means: the rows to land with it, and what to ask next.
    pub(super) fn landing(
        &mut self,
        asked: &Target,
        page: Page,
        known: Option<KnownPage>,
    ) -> Result<(Landing, Option<Target>), Unreadable> {
        let whole = self.begin.route.incremental.is_none();
        let newest_first = self.begin.route.is_newest_first();
        let unchanged = page.unchanged;
        let (mut found, link, keys) = match known {
            Some(known) if unchanged => {
                let found = PageRows { items: known.keys.len(), ..PageRows::default() };
                (found, known.next, known.keys)
            }
            _ => {
                let found = self.rows(&page)?;
                let keys = found.rows.iter().map(|row| row.key.clone()).collect();
                (found, page.next, keys)
            }
        };
        let seen = Seen { latest: found.latest.take(), link: link.clone(), items: found.items };
        // Newest first, a page is known only once the listing was read to its end.
        let (cursor, next) = if unchanged && !whole && (link.is_none() || newest_first) {
            (Cursor { ended: true, ..self.begin.cursor.clone() }, None)
        } else {
            self.begin.route.after(asked, &self.begin.cursor, seen)
        };
        // A page of a listing that is read by time is asked again only where it ended.
        let again = whole || cursor.probe.is_some() || (newest_first && self.place.targets.is_empty());
        let name = asked.to_string();
        let mut known = page.etag.filter(|_| again && !unchanged).map(|etag| KnownPage {
            target: name.clone(),
            etag,
            next: link.clone(),
            keys: keys.clone(),
        });
        self.place.targets.push(name.clone());
        self.place.moved |= !unchanged;
        self.count(found.items, keys);
        self.begin.cursor = cursor;
        let still = !self.place.moved;
        if newest_first {
            // Remembered before the end, it would say that nothing changed when the reading was cut off.
            self.place.head = self.place.head.take().or(known);
            known = self.place.head.take_if(|_| next.is_none());
        }
        let end = next.is_none().then(|| self.end(whole, &name));
        Ok((Landing { status: page.status, next: link, known, end, still, ..self.bring(name, found) }, next))
    }

    /// The rows of a page.
    pub(super) fn rows(&self, page: &Page) -> Result<PageRows, Unreadable> {
        if page.status == NO_CONTENT {
            return Ok(PageRows::default());
        }
        self.begin.shape.read(&page.body, &self.begin.parent.given, self.place.items)
    }

    pub(super) fn count(&mut self, items: usize, keys: Vec<String>) {
        self.place.items += items;
        if self.begin.route.incremental.is_none() || self.extraction.options.full {
            self.place.keys.extend(keys);
        }
    }

    /// The rows of a page on their way, where the listing stands as before.
    pub(super) fn bring(&mut self, target: String, found: PageRows) -> Landing {
        Landing {
            listing: self.listing.clone(),
            shape: Arc::clone(&self.begin.shape),
            at: self.extraction.run.clock.now(),
            target,
            status: 200,
            millis: 0,
            items: found.items,
            next: None,
            rows: self.met.new_of(found.rows),
            known: None,
            cursor: self.begin.cursor.clone(),
            end: None,
            still: false,
        }
    }

    fn end(&mut self, whole: bool, last: &str) -> load::End {
        let mut targets = std::mem::take(&mut self.place.targets);
        if self.begin.route.is_newest_first() {
            targets.truncate(1);
        } else if !whole {
            targets = vec![last.to_owned()];
        }
        let all = (whole || self.extraction.options.full) && !self.rolling;
        load::End { targets, keys: all.then(|| std::mem::take(&mut self.place.keys)) }
    }
}

/// Asks the source when there is room; the page and how long it took, or what stops the listing.
pub(super) async fn fetch<S: Source>(
    extraction: &Extraction<'_, S>,
    shared: &Shared,
    request: PageRequest,
) -> Result<Result<(Page, u64), Stop>, Error> {
    if let Some((trouble, reason)) = shared.stopped() {
        return Ok(Err((trouble, format!("not reached: {reason}"))));
    }
    let cancel = &extraction.run.cancel;
    if cancel.is_cancelled() {
        return Ok(Err(interrupted(shared)));
    }
    let answer = async {
        // The semaphore is never closed, so there is always a permit to wait for.
        let _room = shared.room.acquire().await;
        let watch = Stopwatch::start();
        let page = extraction.source.page(&request).await;
        let millis = watch.millis();
        extraction.tell_progress(&request.resource, shared);
        (page, millis)
    };
    tokio::select! {
        () = cancel.cancelled() => Ok(Err(interrupted(shared))),
        (page, millis) = answer => match page {
            Ok(page) if page.status == ACCEPTED => {
                let reason = format!("{}: still being made; the next sync asks again", request.target);
                Ok(Err((Trouble::Pending, reason)))
            }
            Ok(page) => Ok(match shared.trails.turn(extraction.spec, &request, page) {
                Ok(page) => Ok((page, millis)),
                Err(lost) => Err((Trouble::Broken, lost.to_string())),
            }),
            Err(error) => match error.trouble {
                Trouble::Unauthorized => Err(Error::Unauthorized { source: error }),
                // The points of GraphQL are a budget of their own: REST goes on.
                trouble @ (Trouble::Stopped | Trouble::Limited)
                    if trouble == Trouble::Stopped
                        || !matches!(request.target, Target::Question { .. }) =>
                {
                    shared.stop(trouble, &error.message);
                    Ok(Err((trouble, error.message)))
                }
                trouble => Ok(Err((trouble, error.message))),
            },
        },
    }
}

fn interrupted(shared: &Shared) -> Stop {
    let reason = "interrupted";
    shared.stop(Trouble::Stopped, reason);
    (Trouble::Stopped, reason.to_owned())
}

pub(super) fn broken(asked: &Target, unreadable: &Unreadable) -> Stop {
    let cause = std::error::Error::source(unreadable).map(|cause| format!(": {cause}"));
    (Trouble::Broken, format!("{asked}: {unreadable}{}", cause.unwrap_or_default()))
}

/// Keys of one resource, by their hashes. Two keys of one hash cost a look into the table, no more.
#[derive(Debug, Default)]
pub(super) struct Keys {
    hashes: Mutex<HashSet<u64>>,
    hasher: RandomState,
}

impl Keys {
    /// Whether the key did not come before.
    fn is_new(&self, key: &str) -> bool {
        let hash = self.hasher.hash_one(key);
        self.hashes.lock().unwrap_or_else(PoisonError::into_inner).insert(hash)
    }
}

/// The rows that were met in this reading, as far as it matters: pages that are asked from a time on
/// begin with rows of the page before, and rows that move while they are read come again.
struct Met {
    keys: Option<Arc<Keys>>,
    /// Keys and hashes of the last page's rows.
    last: HashMap<String, String>,
}

impl Met {
    /// The rows that were not on the page before; those that came nowhere before are marked.
    fn new_of(&mut self, rows: Vec<Row>) -> Vec<Row> {
        let now = rows.iter().map(|row| (row.key.clone(), row.hash.clone())).collect();
        let last = std::mem::replace(&mut self.last, now);
        let new = rows.into_iter().filter(|row| last.get(&row.key) != Some(&row.hash));
        let mark =
            |row: Row| Row { fresh: self.keys.as_ref().is_some_and(|keys| keys.is_new(&row.key)), ..row };
        new.map(mark).collect()
    }
}
