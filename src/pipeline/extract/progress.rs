//! How far a sync is, told where pages come in: often enough for a line that is redrawn, and no more.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::{Extraction, Shared};
use crate::artifact::Event;
use crate::pipeline::forecast;
use crate::pipeline::source::Source;

/// Time between two tellings at least.
const BETWEEN: SignedDuration = SignedDuration::from_millis(100);

/// How far it is.
#[derive(Debug)]
pub(super) struct Progress {
    begin: Timestamp,
    of: u64,
    requests: AtomicU64,
    stand: Mutex<Stand>,
}

/// How long it has to last before anybody wants to know how long it will: a forecast asks the warehouse
/// about every resource.
const SOON: SignedDuration = SignedDuration::from_secs(1);

#[derive(Debug, Default)]
struct Stand {
    done: u64,
    /// The resources that are still to be read, until it was looked how much that is.
    coming: Option<Vec<String>>,
    /// Requests in all, where somebody can say.
    foreseen: Option<u64>,
    told: Option<Timestamp>,
}

impl Progress {
    /// At the beginning of reading so many resources.
    pub(super) fn new(begin: Timestamp, of: usize) -> Self {
        Self { begin, of: of as u64, requests: AtomicU64::new(0), stand: Mutex::default() }
    }

    /// One more request was answered.
    pub(super) fn answered(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// One more resource ended.
    pub(super) fn ended(&self) {
        self.stand().done += 1;
    }

    /// These resources are still to be read.
    pub(super) fn come(&self, names: impl Iterator<Item = String>) {
        let mut stand = self.stand();
        (stand.coming, stand.foreseen) = (Some(names.collect()), None);
    }

    /// The resources that are still to be read, once, if it is time to look how much that is.
    fn unforeseen(&self, now: Timestamp) -> Option<Vec<String>> {
        self.stand().coming.take_if(|_| now.duration_since(self.begin) >= SOON)
    }

    /// So many requests are still to come, if that is known.
    pub(super) fn foresee(&self, rest: Option<u64>) {
        let requests = self.requests.load(Ordering::Relaxed);
        self.stand().foreseen = rest.map(|rest| requests.saturating_add(rest));
    }

    /// What there is to tell after a page of a resource, if it is time.
    pub(super) fn due(
        &self,
        now: Timestamp,
        name: &str,
        (rows, left): (u64, impl FnOnce() -> Option<u64>),
    ) -> Option<Event> {
        let mut stand = self.stand();
        if stand.told.is_some_and(|told| now.duration_since(told).abs() < BETWEEN) {
            return None;
        }
        stand.told = Some(now);
        let (done, foreseen) = (stand.done, stand.foreseen);
        drop(stand);
        let requests = self.requests.load(Ordering::Relaxed);
        let millis = u64::try_from(now.duration_since(self.begin).as_millis()).unwrap_or(0);
        let rest = foreseen.and_then(|all| all.checked_sub(requests)).filter(|rest| *rest > 0);
        Some(Event::Progress {
            name: name.to_owned(),
            done,
            of: self.of,
            rows,
            // Less than a second says nothing of a rate.
            rows_per_second: rows.saturating_mul(1_000) / millis.max(1_000),
            requests,
            left: left(),
            seconds_left: rest.map(|rest| (rest.saturating_mul(millis) / requests.max(1)).div_ceil(1_000)),
        })
    }

    fn stand(&self) -> MutexGuard<'_, Stand> {
        self.stand.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Source> Extraction<'_, S> {
    /// Looks how much is still to come, where earlier syncs tell. That it cannot be told fails nothing.
    fn foresee(&self, coming: &[String], shared: &Shared) {
        let resources = coming.iter().filter_map(|name| self.spec.resource(name));
        let rest = forecast::ahead((self.warehouse, self.spec), resources, &self.options);
        let untold = |error| tracing::debug!(%error, "how much is still to come is not known");
        shared.progress.foresee(rest.map_err(untold).ok().flatten());
    }

    /// Tells how far it is, if it is time.
    pub(super) fn tell_progress(&self, name: &str, shared: &Shared) {
        shared.progress.answered();
        let now = self.run.clock.now();
        if self.run.events.are_heard()
            && let Some(coming) = shared.progress.unforeseen(now)
        {
            self.foresee(&coming, shared);
        }
        let counts = (shared.loader.changed(), || self.source.left());
        if let Some(event) = shared.progress.due(now, name, counts) {
            self.run.events.send(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_000_000 + millis).unwrap()
    }

    fn told(progress: &Progress, millis: i64, rows: u64) -> Option<(u64, u64, Option<u64>)> {
        match progress.due(at(millis), "issues", (rows, || Some(4_000))) {
            Some(Event::Progress { rows_per_second, requests, seconds_left, .. }) => {
                Some((rows_per_second, requests, seconds_left))
            }
            _ => None,
        }
    }

    #[test]
    fn it_is_told_at_once_and_then_ten_times_a_second_at_most() {
        let progress = Progress::new(at(0), 3);
        assert_eq!(told(&progress, 0, 5), Some((5, 0, None)));
        assert_eq!(told(&progress, 99, 6), None);
        assert!(told(&progress, 100, 7).is_some());
        assert_eq!(told(&progress, 199, 8), None);
        assert!(told(&progress, -5_000, 9).is_some(), "a clock that was set back does not silence it");
    }

    #[test]
    fn how_much_is_to_come_is_looked_for_once_and_not_for_a_short_sync() {
        let progress = Progress::new(at(0), 3);
        progress.come(["issues".to_owned()].into_iter());
        assert_eq!(progress.unforeseen(at(999)), None);
        assert_eq!(progress.unforeseen(at(1_000)), Some(vec!["issues".to_owned()]));
        assert_eq!(progress.unforeseen(at(2_000)), None);
        progress.come(["pulls".to_owned()].into_iter());
        assert_eq!(progress.unforeseen(at(2_000)), Some(vec!["pulls".to_owned()]));
    }

    #[test]
    fn time_left_is_what_the_requests_to_come_take_at_the_pace_so_far() {
        let progress = Progress::new(at(0), 3);
        (0..10).for_each(|_| progress.answered());
        progress.foresee(Some(30));
        assert_eq!(told(&progress, 2_000, 1_000), Some((500, 10, Some(6))));
        progress.foresee(None);
        assert_eq!(told(&progress, 4_000, 1_000), Some((250, 10, None)));
        progress.foresee(Some(1));
        (0..9).for_each(|_| progress.answered());
        assert_eq!(told(&progress, 6_000, 1_000), Some((166, 19, None)), "more than was foreseen");
    }
}
