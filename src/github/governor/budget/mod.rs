//! Whether the next request may go: a pure decision over a small state.
//!
//! The numbers are GitHub's ("Rate limits for the REST API", "Rate limits and query limits for the GraphQL
//! API"): so many points a minute, and at most so much of the server's time, which the sum of response
//! times roughly is. Concurrency adapts: a little more after each answer, half after each "too fast".

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::net::PATIENCE;

/// Seconds that the limits of a minute look back.
const WINDOW: i64 = 60;
/// Requests in flight at most.
const WIDEST: f64 = 16.0;
/// Requests in flight where nothing is known yet.
const FIRST: f64 = 8.0;
/// Seconds after which a process that told nothing counts as gone.
const SILENT: i64 = 10;
/// Times of a file that lie further ahead than this are nonsense: GitHub's limits are hourly.
const AHEAD: i64 = 2 * 3_600;

/// Which of GitHub's budgets a request is paid from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::github) enum Bucket {
    /// The REST API.
    Rest,
    /// The GraphQL API.
    Graphql,
}

impl Bucket {
    /// Points in a minute, and milliseconds of response time in a minute.
    const fn limits(self) -> (u64, u64) {
        match self {
            Self::Rest => (900, 72_000),
            Self::Graphql => (2_000, 48_000),
        }
    }
}

/// Who asks: what may touch the reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// The person's own work: it may use the reserve.
    Whole,
    /// Work that can wait for the next hour.
    Spare,
}

/// A request that asks to go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask {
    pub(super) bucket: Bucket,
    pub(super) points: u32,
    pub(super) claim: Claim,
    /// Percent of the hour's limit that is kept for the person's other tools.
    pub(super) reserve: u64,
}

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::github) enum Verdict {
    /// Send it.
    Go,
    /// As many are in flight as may be: wait until one ends.
    Full,
    /// Wait so long and ask again.
    Wait(Duration, Why),
    /// That lasts too long to wait for.
    Stop { until: Timestamp, why: Why },
}

/// How a request stands that has not asked yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::github) struct Standing {
    /// What it would be told.
    pub(in crate::github) verdict: Verdict,
    /// What it could use of the hour's limit before what is kept, less what is in flight; unknown before
    /// the server's first answer, and where it does not count.
    pub(in crate::github) left: Option<u64>,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The hour's requests are spent.
    Spent,
    /// What is left of the hour's requests is kept for the person's other tools.
    Reserve,
    /// The server asked to slow down.
    TooFast,
    /// The minute's points are used.
    Points,
    /// The minute's response time is used.
    Time,
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Spent => "the hour's requests are spent",
            Self::Reserve => "what is left of the hour's requests is kept for your other tools",
            Self::TooFast => "the server asks to slow down",
            Self::Points => "the minute's requests are used",
            Self::Time => "the minute's response time is used",
        })
    }
}

/// What the requests of one API and token add up to, over all processes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    pub(super) rest: Budget,
    pub(super) graphql: Budget,
    /// Requests that may be in flight at once, over all processes.
    width: f64,
    /// When it was last narrowed or widened, in milliseconds.
    width_at: i64,
    narrowed_at: i64,
    /// When each process last told of itself, in seconds.
    peers: BTreeMap<String, i64>,
    /// Requests of this process that are in flight.
    #[serde(skip)]
    pub(super) flying: u32,
    /// Whether the server counts at all; until its first answer nobody knows.
    pub(super) counts: Option<bool>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            rest: Budget::default(),
            graphql: Budget::default(),
            width: FIRST,
            width_at: 0,
            narrowed_at: 0,
            peers: BTreeMap::new(),
            flying: 0,
            counts: None,
        }
    }
}

/// One budget.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Budget {
    /// What the server last said of the hour.
    pub(super) quota: Option<Quota>,
    /// The server asked for nothing before this, in seconds.
    held: i64,
    /// What each second of the last minute took.
    seconds: Vec<Second>,
}

/// What the server says of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Quota {
    pub(super) limit: u64,
    pub(super) remaining: u64,
    /// When it is whole again, in seconds.
    pub(super) resets: i64,
    /// When it was said, in milliseconds.
    pub(super) said: i64,
}

impl Quota {
    /// What is left when all that is in flight is answered.
    fn left(self, flying: u32) -> u64 {
        self.remaining.saturating_sub(u64::from(flying))
    }

    /// What whoever asks leaves to the person's other tools.
    const fn kept(self, ask: &Ask) -> u64 {
        match ask.claim {
            Claim::Whole => 0,
            Claim::Spare => {
                let percent = if ask.reserve > 100 { 100 } else { ask.reserve };
                self.limit.saturating_mul(percent) / 100
            }
        }
    }
}

/// What one second took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Second {
    at: i64,
    points: u64,
    millis: u64,
}

impl State {
    pub(super) const fn of(&mut self, bucket: Bucket) -> &mut Budget {
        match bucket {
            Bucket::Rest => &mut self.rest,
            Bucket::Graphql => &mut self.graphql,
        }
    }

    /// Decides. Cost: a walk over at most sixty numbers.
    pub(super) fn decide(&self, ask: &Ask, now: Timestamp) -> Verdict {
        let budget = if ask.bucket == Bucket::Rest { &self.rest } else { &self.graphql };
        let second = now.as_second();
        if budget.held > second {
            return later(budget.held, Why::TooFast, now);
        }
        if self.counts == Some(false) {
            return Verdict::Go;
        }
        if let Some(quota) = budget.quota.filter(|quota| quota.resets >= second) {
            if quota.remaining == 0 {
                return later(quota.resets + 1, Why::Spent, now);
            }
            if ask.claim == Claim::Spare && quota.left(self.flying) <= quota.kept(ask) {
                return later(quota.resets + 1, Why::Reserve, now);
            }
        }
        let (points, millis) = ask.bucket.limits();
        let room = points.saturating_sub(u64::from(ask.points));
        if let Some(until) = budget.fits(second, room, |second| second.points) {
            return later(until, Why::Points, now);
        }
        if let Some(until) = budget.fits(second, millis, |second| second.millis) {
            return later(until, Why::Time, now);
        }
        if self.flying >= self.share() { Verdict::Full } else { Verdict::Go }
    }

    /// How a request stands, without taking anything for it.
    pub(super) fn standing(&self, ask: &Ask, now: Timestamp) -> Standing {
        let budget = if ask.bucket == Bucket::Rest { &self.rest } else { &self.graphql };
        let quota = budget.quota.filter(|quota| quota.resets >= now.as_second());
        let left = quota.map(|quota| quota.left(self.flying).saturating_sub(quota.kept(ask)));
        Standing { verdict: self.decide(ask, now), left }
    }

    /// Requests that this process may have in flight.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 16")]
    pub(super) fn share(&self) -> u32 {
        let peers = u32::try_from(self.peers.len().max(1)).unwrap_or(u32::MAX);
        (self.width.clamp(1.0, WIDEST) as u32 / peers).max(1)
    }

    /// An answer came as it should: a little more at once.
    pub(super) fn widen(&mut self, now: Timestamp) {
        if self.width < WIDEST {
            self.width = (self.width + 1.0 / self.width.max(1.0)).min(WIDEST);
            self.width_at = now.as_millisecond();
        }
    }

    /// The server asks to slow down: nothing before `until`, then half as much at once. What had been
    /// sent before the last narrowing says nothing new.
    pub(super) fn slow(&mut self, bucket: Bucket, sent: Timestamp, (now, until): (Timestamp, Timestamp)) {
        let held = &mut self.of(bucket).held;
        *held = (*held).max(until.as_second());
        if sent.as_millisecond() >= self.narrowed_at {
            self.width = (self.width / 2.0).max(1.0);
            self.narrowed_at = now.as_millisecond();
            self.width_at = self.narrowed_at;
        }
    }

    /// Tells that a process is at work.
    pub(super) fn greet(&mut self, peer: &str, now: Timestamp) {
        self.peers.insert(peer.to_owned(), now.as_second());
    }

    /// Tells that a process is gone.
    pub(super) fn leave(&mut self, peer: &str) {
        self.peers.remove(peer);
    }

    /// Takes over what another view of the same requests knows: what it took is added, and of what the
    /// server said the later counts. What is too old or cannot be is dropped.
    pub(super) fn absorb(&mut self, other: &Self, now: Timestamp) {
        self.rest.absorb(&other.rest);
        self.graphql.absorb(&other.graphql);
        if other.width_at > self.width_at {
            (self.width, self.width_at) = (other.width, other.width_at);
        }
        self.narrowed_at = self.narrowed_at.max(other.narrowed_at);
        for (peer, at) in &other.peers {
            let known = self.peers.entry(peer.clone()).or_default();
            *known = (*known).max(*at);
        }
        self.counts = other.counts.or(self.counts);
        self.forget(now);
    }

    /// The same, with nothing taken: what a process adds to from one exchange to the next.
    pub(super) fn with_nothing_taken(&self) -> Self {
        Self {
            rest: Budget::default(),
            graphql: Budget::default(),
            peers: BTreeMap::new(),
            flying: 0,
            ..*self
        }
    }

    fn forget(&mut self, now: Timestamp) {
        let second = now.as_second();
        for budget in [&mut self.rest, &mut self.graphql] {
            budget.seconds.retain(|one| (second - WINDOW + 1..=second + 1).contains(&one.at));
            budget.quota = budget.quota.filter(|quota| (second..second + AHEAD).contains(&quota.resets));
            budget.held = if budget.held > second + AHEAD { 0 } else { budget.held };
        }
        self.peers.retain(|_, at| (second - SILENT..=second + SILENT).contains(at));
        let ahead = now.as_millisecond() + 1_000;
        if !self.width.is_finite() || self.width_at > ahead || self.narrowed_at > ahead {
            (self.width, self.width_at, self.narrowed_at) = (FIRST, 0, 0);
        }
    }
}

impl Budget {
    /// Counts what a request took, or part of it.
    pub(super) fn count(&mut self, now: Timestamp, points: u64, millis: u64) {
        let at = now.as_second();
        if let Some(second) = self.seconds.iter_mut().rev().find(|second| second.at == at) {
            second.points = second.points.saturating_add(points);
            second.millis = second.millis.saturating_add(millis);
        } else {
            self.seconds.retain(|second| second.at > at - WINDOW);
            self.seconds.push(Second { at, points, millis });
            self.seconds.sort_unstable_by_key(|second| second.at);
        }
    }

    /// Hears what the server says of the hour.
    pub(super) fn hear(&mut self, quota: Quota) {
        if self.quota.is_none_or(|known| quota.said >= known.said) {
            self.quota = Some(quota);
        }
    }

    /// `None` if the last minute's sum is at most `most`, else the second from which it is.
    fn fits(&self, now: i64, most: u64, of: impl Fn(&Second) -> u64) -> Option<i64> {
        let recent = self.seconds.iter().filter(|second| second.at > now - WINDOW);
        let mut sum = recent.clone().map(&of).fold(0, u64::saturating_add);
        let mut until = None;
        for second in recent {
            if sum <= most {
                break;
            }
            sum = sum.saturating_sub(of(second));
            until = Some(second.at + WINDOW);
        }
        until
    }

    fn absorb(&mut self, other: &Self) {
        if let Some(quota) = other.quota {
            self.hear(quota);
        }
        self.held = self.held.max(other.held);
        for second in &other.seconds {
            match self.seconds.iter_mut().find(|known| known.at == second.at) {
                Some(known) => {
                    known.points = known.points.saturating_add(second.points);
                    known.millis = known.millis.saturating_add(second.millis);
                }
                None => self.seconds.push(*second),
            }
        }
        self.seconds.sort_unstable_by_key(|second| second.at);
    }
}

/// Waits until a second, or stops where that is far.
fn later(second: i64, why: Why, now: Timestamp) -> Verdict {
    let until = Timestamp::from_second(second).unwrap_or(now);
    let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
    if wait <= PATIENCE { Verdict::Wait(wait, why) } else { Verdict::Stop { until, why } }
}

#[cfg(test)]
mod tests;
