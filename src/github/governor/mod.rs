//! One governor for all requests of all planwright processes on the machine, for one API and token.
//!
//! GitHub counts by user, not by process, so whoever paces only itself is refused for what the others
//! did. The decision is `budget`'s, pure; `shared` carries the state between processes; here it is
//! asked before each request and told of each answer, under one lock, in some microseconds. On
//! loopback, and where a server counts nothing, nothing is paced.

mod budget;
mod shared;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::HeaderMap;
use jiff::Timestamp;
use tokio::sync::Notify;

pub(super) use budget::{Bucket, Standing};
pub use budget::{Claim, Why};

use super::rate::Kind;
use crate::artifact::{Event, Events};
use crate::clock::{Clock, Stopwatch};
use crate::config::settings::GithubApi;
pub(super) use budget::Verdict;
use budget::{Ask, Quota, State};
use shared::Shared;

/// Waits shorter than this are told to nobody.
const WORTH_TELLING: std::time::Duration = std::time::Duration::from_secs(2);

/// How requests are governed.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Where the processes of the machine share what they know.
    pub folder: &'a Path,
    /// Percent of the hour's limit that is kept for the person's other tools.
    pub reserve: u64,
    /// Whether the reserve may be used.
    pub claim: Claim,
}

/// Says when the next request may go. Cheap to clone; clones share.
#[derive(Debug, Clone, Default)]
pub struct Governor(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    live: Mutex<Live>,
    /// Tells that a request ended.
    ended: Notify,
    clock: Clock,
    events: Events,
    claim: Claim,
    reserve: u64,
}

#[derive(Debug)]
struct Live {
    /// What all processes have, as far as it is known here.
    state: State,
    /// What this one took since the last exchange.
    taken: State,
    shared: Shared,
    /// Until when the person was last told to wait.
    told: Timestamp,
}

/// Why a request may not go for long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stopped {
    pub(super) until: Timestamp,
    pub(super) why: Why,
}

/// What a GraphQL answer says of itself (`rateLimit`).
#[derive(Debug, Clone, Copy)]
pub(super) struct Charge {
    pub(super) cost: u64,
    pub(super) limit: u64,
    pub(super) remaining: u64,
    /// In seconds.
    pub(super) resets: i64,
}

/// A request that may go; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Pass {
    inner: Option<Arc<Inner>>,
    bucket: Bucket,
    sent: Timestamp,
    watch: Stopwatch,
}

impl Governor {
    /// Nothing is paced.
    pub fn off() -> Self {
        Self::default()
    }

    /// The governor for an API: off on loopback, where nobody asked for pacing.
    pub fn new(api: &GithubApi, options: &Options<'_>, clock: Clock, events: Events) -> Self {
        let local = url::Url::parse(&api.url).is_ok_and(|url| crate::net::is_loopback(&url));
        if local { Self::off() } else { Self::strict(api, options, clock, events) }
    }

    /// The same, wherever the API is.
    pub fn strict(api: &GithubApi, options: &Options<'_>, clock: Clock, events: Events) -> Self {
        let live = Live {
            state: State::default(),
            taken: State::default(),
            shared: Shared::new(options.folder, api),
            told: Timestamp::MIN,
        };
        let (claim, reserve) = (options.claim, options.reserve);
        Self(Some(Arc::new(Inner {
            live: Mutex::new(live),
            ended: Notify::new(),
            clock,
            events,
            claim,
            reserve,
        })))
    }

    /// A strict governor that shares with no other process and keeps nothing back: for what is replayed.
    pub fn alone(clock: Clock) -> Self {
        let told = Timestamp::MIN;
        let (state, taken) = (State::default(), State::default());
        let live = Mutex::new(Live { state, taken, shared: Shared::none(), told });
        let (claim, events, ended) = (Claim::Whole, Events::none(), Notify::new());
        Self(Some(Arc::new(Inner { live, ended, clock, events, claim, reserve: 0 })))
    }

    /// Waits until a request may go.
    pub(super) async fn admit(&self, bucket: Bucket, kind: Kind) -> Result<Pass, Stopped> {
        let Some(inner) = &self.0 else {
            let (sent, watch) = (Timestamp::UNIX_EPOCH, Stopwatch::start());
            return Ok(Pass { inner: None, bucket, sent, watch });
        };
        let ask = inner.asked(bucket, kind);
        loop {
            let mut ended = std::pin::pin!(inner.ended.notified());
            // From here on no end is missed.
            ended.as_mut().enable();
            match inner.ask(&ask) {
                Verdict::Go => {
                    let (sent, watch) = (inner.clock.now(), Stopwatch::start());
                    return Ok(Pass { inner: Some(Arc::clone(inner)), bucket, sent, watch });
                }
                Verdict::Full => ended.await,
                Verdict::Wait(time, why) => {
                    self.tell(time, why);
                    inner.clock.sleep(time).await;
                }
                Verdict::Stop { until, why } => return Err(Stopped { until, why }),
            }
        }
    }

    /// How a request would stand if it asked now; nothing is taken for it. Where nothing is paced, it may go.
    pub(super) fn standing(&self, bucket: Bucket, kind: Kind) -> Standing {
        let Some(inner) = &self.0 else { return Standing { verdict: Verdict::Go, left: None } };
        let now = inner.clock.now();
        let live = &mut *inner.live();
        live.exchange(now);
        live.state.standing(&inner.asked(bucket, kind), now)
    }

    /// Hears what the headers of an answer say of the limits.
    pub(super) fn hear(&self, status: http::StatusCode, headers: &HeaderMap) {
        let Some(inner) = &self.0 else { return };
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
        let count = |name: &str| u64::try_from(number(name)?).ok();
        let now = inner.clock.now();
        let bucket = match headers.get("x-ratelimit-resource").map(http::HeaderValue::as_bytes) {
            None | Some(b"core") => Some(Bucket::Rest),
            Some(b"graphql") => Some(Bucket::Graphql),
            Some(_) => None,
        };
        let quota = (|| {
            let (limit, remaining) = (count("x-ratelimit-limit")?, count("x-ratelimit-remaining")?);
            let (resets, said) = (number("x-ratelimit-reset")?, now.as_millisecond());
            Some(Quota { limit, remaining, resets, said })
        })();
        let good = status.is_success() || status == http::StatusCode::NOT_MODIFIED;
        let live = &mut *inner.live();
        for state in [&mut live.state, &mut live.taken] {
            if let (Some(bucket), Some(quota)) = (bucket, quota) {
                state.of(bucket).hear(quota);
            }
            if good {
                state.counts = Some(quota.is_some());
                state.widen(now);
            }
        }
    }

    /// Requests left of the hour's limit, as far as any process on the machine heard; points of GraphQL are
    /// another budget.
    pub(super) fn left(&self) -> Option<u64> {
        Some(self.0.as_ref()?.live().state.of(Bucket::Rest).quota?.remaining)
    }

    /// Hears what a GraphQL answer says of itself: points beyond the one that was counted when it went,
    /// and what is left of the hour.
    pub(super) fn charge(&self, charge: Charge) {
        let Some(inner) = &self.0 else { return };
        let now = inner.clock.now();
        let Charge { cost, limit, remaining, resets } = charge;
        let live = &mut *inner.live();
        live.count(Bucket::Graphql, now, (cost.saturating_sub(1), 0));
        for state in [&mut live.state, &mut live.taken] {
            state.graphql.hear(Quota { limit, remaining, resets, said: now.as_millisecond() });
        }
    }

    /// Tells the other processes what this one did, and that it ends. That a governor is dropped is not enough:
    /// what still runs in the background when the process ends may hold one.
    pub(super) fn leave(&self) {
        if let Some(inner) = &self.0 {
            inner.live().leave(inner.clock.now());
        }
    }

    /// Hears that the server asks to slow down.
    pub(super) fn slow(&self, (bucket, sent): (Bucket, Timestamp), wait: std::time::Duration) {
        let Some(inner) = &self.0 else { return };
        let now = inner.clock.now();
        let until = now.saturating_add(wait).unwrap_or(now);
        let live = &mut *inner.live();
        for state in [&mut live.state, &mut live.taken] {
            state.slow(bucket, sent, (now, until));
        }
    }

    /// Tells the person what is waited for, once for all requests that wait for the same.
    pub(super) fn tell(&self, wait: std::time::Duration, why: Why) {
        let Some(inner) = self.0.as_ref().filter(|_| wait >= WORTH_TELLING) else { return };
        let now = inner.clock.now();
        let until = now.saturating_add(wait).unwrap_or(now);
        let mut live = inner.live();
        if until.duration_since(live.told).as_secs() >= 1 {
            live.told = until;
            inner.events.send(Event::Wait { reason: why.to_string(), seconds: wait.as_secs(), until });
        }
    }
}

impl Inner {
    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    const fn asked(&self, bucket: Bucket, kind: Kind) -> Ask {
        Ask { bucket, points: kind.points(), claim: self.claim, reserve: self.reserve }
    }

    fn ask(&self, ask: &Ask) -> Verdict {
        let now = self.clock.now();
        let live = &mut *self.live();
        live.exchange(now);
        let verdict = live.state.decide(ask, now);
        if verdict == Verdict::Go {
            live.state.flying += 1;
            live.count(ask.bucket, now, (u64::from(ask.points), 0));
        }
        verdict
    }
}

impl Live {
    /// Looks at the file when it is time.
    fn exchange(&mut self, now: Timestamp) {
        if self.shared.is_due(now)
            && let Some(state) = self.shared.exchange(&self.taken, now)
        {
            let flying = self.state.flying;
            self.state = state;
            self.state.flying = flying;
            self.taken = self.state.with_nothing_taken();
        }
    }

    /// Adds what was taken since the last exchange, and counts as one of the processes no more.
    fn leave(&mut self, now: Timestamp) {
        self.shared.leave(&self.taken, now);
        self.taken = self.state.with_nothing_taken();
    }

    fn count(&mut self, bucket: Bucket, now: Timestamp, (points, millis): (u64, u64)) {
        for state in [&mut self.state, &mut self.taken] {
            state.of(bucket).count(now, points, millis);
        }
    }
}

impl Pass {
    /// What the request is paid from, and when it went.
    pub(super) const fn sent(&self) -> (Bucket, Timestamp) {
        (self.bucket, self.sent)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let Some(inner) = &self.inner else { return };
        let now = inner.clock.now();
        let mut live = inner.live();
        live.state.flying = live.state.flying.saturating_sub(1);
        live.count(self.bucket, now, (0, self.watch.millis()));
        drop(live);
        inner.ended.notify_waiters();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let now = self.clock.now();
        self.live.get_mut().unwrap_or_else(PoisonError::into_inner).leave(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    /// How far the clock moves while a thousand reads go, after an answer with these headers.
    async fn check(headers: &[(&'static str, &str)], moved: bool) {
        let folder = tempfile::tempdir().unwrap();
        let url = "https://ghe.example.com/api/v3".to_owned();
        let api = GithubApi { url, token: Secret::new("t".to_owned()) };
        let options = Options { folder: folder.path(), reserve: 20, claim: Claim::Spare };
        let begin = Timestamp::from_second(1_000_000).unwrap();
        let clock = Clock::starting_at(begin);
        let governor = Governor::new(&api, &options, clock.clone(), Events::none());
        let headers = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        governor.hear(http::StatusCode::OK, &headers);
        for _ in 0..1_000 {
            drop(governor.admit(Bucket::Rest, Kind::Read).await.unwrap());
        }
        assert_eq!(clock.now() > begin, moved, "{headers:?}");
    }

    #[tokio::test]
    async fn a_server_that_counts_is_paced_and_one_that_does_not_is_not() {
        let counts = [
            ("x-ratelimit-limit", "5000"),
            ("x-ratelimit-remaining", "4999"),
            ("x-ratelimit-reset", "1003000"),
        ];
        check(&counts, true).await;
        check(&[], false).await;
    }

    #[tokio::test]
    async fn points_of_graphql_are_a_budget_of_their_own_with_its_own_reserve() {
        let folder = tempfile::tempdir().unwrap();
        let url = "https://api.github.com".to_owned();
        let api = GithubApi { url, token: Secret::new("t".to_owned()) };
        let options = Options { folder: folder.path(), reserve: 20, claim: Claim::Spare };
        let begin = Timestamp::from_second(1_000_000).unwrap();
        let clock = Clock::starting_at(begin);
        let governor = Governor::new(&api, &options, clock.clone(), Events::none());
        let resets = begin.as_second() + 3_000;
        governor.charge(Charge { cost: 1_999, limit: 5_000, remaining: 3_001, resets });
        drop(governor.admit(Bucket::Graphql, Kind::Query).await.unwrap());
        drop(governor.admit(Bucket::Graphql, Kind::Query).await.unwrap());
        assert_eq!(clock.now(), begin, "2,000 points fit into a minute");
        drop(governor.admit(Bucket::Graphql, Kind::Query).await.unwrap());
        assert!(clock.now() > begin, "and no more");
        governor.charge(Charge { cost: 1, limit: 5_000, remaining: 1_000, resets });
        let stopped = governor.admit(Bucket::Graphql, Kind::Query).await.unwrap_err();
        assert_eq!((stopped.why, stopped.until.as_second()), (Why::Reserve, resets + 1));
        drop(governor.admit(Bucket::Rest, Kind::Read).await.unwrap());
    }

    #[tokio::test]
    async fn more_than_may_be_in_flight_wait_for_one_that_ends() {
        let folder = tempfile::tempdir().unwrap();
        let url = "https://api.github.com".to_owned();
        let api = GithubApi { url, token: Secret::new("t".to_owned()) };
        let options = Options { folder: folder.path(), reserve: 20, claim: Claim::Spare };
        let governor =
            Governor::new(&api, &options, Clock::starting_at(Timestamp::UNIX_EPOCH), Events::none());
        let mut passes = Vec::new();
        for _ in 0..8 {
            passes.push(governor.admit(Bucket::Rest, Kind::Read).await.unwrap());
        }
        let mut ninth = std::pin::pin!(governor.admit(Bucket::Rest, Kind::Read));
        assert!(futures_util::poll!(&mut ninth).is_pending());
        passes.pop();
        assert!(futures_util::poll!(&mut ninth).is_ready());
    }
}
