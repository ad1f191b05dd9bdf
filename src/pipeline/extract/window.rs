//! Reading many pages of a listing at once, and knowing that none of its rows was skipped.
//!
//! Page numbers drift: a row that changes leaves its page, and what came after it moves up, behind the
//! reader's back. So the last page of a window is read first, and asked again, with its tag, after all
//! others. If it did not change, nothing before it moved in between, and every page was what it would
//! have been at one moment. If it did, the listing is read again from where the window began, one page
//! after the other, each from the last time seen, which no drift can hurt.

use futures_util::StreamExt as _;

use super::Error;
use super::listing::{Reading, Stop, broken, fetch};
use crate::pipeline::cursor::later;
use crate::pipeline::load::Landing;
use crate::pipeline::source::{Source, Target};

/// Pages of a window at most. GitHub answers no page beyond 10,000 rows.
const WIDEST: u64 = 64;

/// Pages of a window that are asked for at once. It bounds what waits in memory.
const AT_ONCE: usize = 16;

/// Fewer pages are as fast one after the other.
const NARROWEST: u64 = 3;

/// How many pages to read at once from here, if more than one. `last` counts from the page before.
pub(super) fn size(next: &Target, last: Option<u64>, calm: bool) -> Option<u64> {
    let pages = last?.saturating_sub(1).min(WIDEST);
    (calm && matches!(next, Target::Path { .. }) && pages >= NARROWEST).then_some(pages)
}

impl<S: Source> Reading<'_, S> {
    /// Reads the pages of a window; what comes next, or why nothing does.
    pub(super) async fn window(
        &mut self,
        from: Target,
        pages: u64,
    ) -> Result<Result<Option<Target>, Stop>, Error> {
        let last = numbered(&from, pages);
        let (bracket, millis) = match self.fetch(&last, None).await? {
            Ok(answer) => answer,
            Err(stop) => return Ok(Err(stop)),
        };
        let Some(tag) = bracket.etag.clone() else {
            self.calm = false;
            return Ok(Ok(Some(from)));
        };
        let mut latest = match self.inner(&from, pages).await? {
            Ok(latest) => latest,
            Err(stop) => return Ok(Err(stop)),
        };
        match self.fetch(&last, Some(tag)).await? {
            Ok((again, _)) => self.calm = again.unchanged,
            Err(stop) => return Ok(Err(stop)),
        }
        if !self.calm {
            return Ok(Ok(Some(from)));
        }
        let mut found = match self.rows(&bracket) {
            Ok(found) => found,
            Err(unreadable) => return Ok(Err(broken(&last, &unreadable))),
        };
        latest = later(latest, found.latest.take());
        self.count(found.items, found.rows.iter().map(|row| row.key.clone()).collect());
        let next = self.begin.route.jump(&mut self.begin.cursor, latest);
        let landing = Landing { millis, ..self.bring(last.to_string(), found) };
        self.shared.loader.land(landing).await?;
        Ok(Ok(Some(next)))
    }

    /// Reads all pages of a window but its last, as they come; the latest time among them. The cursor
    /// stays, so that a kill in the middle begins the window again.
    async fn inner(&mut self, from: &Target, pages: u64) -> Result<Result<Option<String>, Stop>, Error> {
        let (extraction, shared) = (self.extraction, self.shared);
        let requests = (1..pages).map(|number| self.request(&numbered(from, number), None));
        let answers = requests.collect::<Vec<_>>().into_iter().map(async |request| {
            let target = request.target.clone();
            (target, fetch(extraction, shared, request).await)
        });
        let mut answers = futures_util::stream::iter(answers).buffer_unordered(AT_ONCE);
        let mut latest = None;
        while let Some((target, answer)) = answers.next().await {
            self.requests += 1;
            let (page, millis) = match answer? {
                Ok(answer) => answer,
                Err(stop) => return Ok(Err(stop)),
            };
            let mut found = match self.rows(&page) {
                Ok(found) => found,
                Err(unreadable) => return Ok(Err(broken(&target, &unreadable))),
            };
            latest = later(latest, found.latest.take());
            self.count(found.items, found.rows.iter().map(|row| row.key.clone()).collect());
            let landing = Landing { millis, ..self.bring(target.to_string(), found) };
            self.shared.loader.land(landing).await?;
        }
        Ok(Ok(latest))
    }
}

/// A page of a listing by its number.
fn numbered(from: &Target, number: u64) -> Target {
    match from {
        Target::Path { path, query } => {
            let mut query = query.clone();
            query.push(("page".to_owned(), number.to_string()));
            Target::Path { path: path.clone(), query }
        }
        other => other.clone(),
    }
}
