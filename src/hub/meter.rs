//! Counting requests the way GitHub does: so many an hour, and how many are left in every answer.

use jiff::Timestamp;
use serde_json::{Value, json};

/// Generous, because the hub is the person's own machine. Tests set less.
const AN_HOUR: u64 = 1_000_000;

/// One hour's count.
#[derive(Debug, Default)]
pub(super) struct Meter {
    resets: i64,
    used: u64,
    served: Served,
}

/// What a hub answered since it was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Served {
    /// Requests, whatever the answer was. Looking at the quota is none.
    pub requests: u64,
    /// Those that the quota counts: not the ones that nothing had changed for.
    pub counted: u64,
}

impl Served {
    /// Both together.
    pub(super) const fn and(self, other: Self) -> Self {
        Self { requests: self.requests + other.requests, counted: self.counted + other.counted }
    }
}

/// What the headers of an answer say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) limit: u64,
    pub(super) used: u64,
    pub(super) resets: i64,
}

impl Reading {
    pub(super) const fn remaining(self) -> u64 {
        self.limit.saturating_sub(self.used)
    }

    /// The answer of `/rate_limit`; the hub counts REST as one resource.
    pub(super) fn body(self, points: Self) -> Value {
        let (core, graphql) = (self.told(), points.told());
        json!({"resources": {"core": core, "search": core, "graphql": graphql}, "rate": core})
    }

    fn told(self) -> Value {
        let Self { limit, used, resets } = self;
        json!({"limit": limit, "used": used, "remaining": self.remaining(), "reset": resets})
    }
}

impl Meter {
    pub(super) fn read(&mut self, now: Timestamp, quota: Option<u64>) -> Reading {
        if now.as_second() >= self.resets {
            *self = Self { resets: now.as_second() + 3_600, used: 0, served: self.served };
        }
        Reading { limit: quota.unwrap_or(AN_HOUR), used: self.used, resets: self.resets }
    }

    /// Counts one request that costs so much.
    pub(super) const fn spend(&mut self, cost: u64) {
        self.used += cost;
        self.served.counted += 1;
    }

    /// One request was answered, counted or not.
    pub(super) const fn answered(&mut self) {
        self.served.requests += 1;
    }

    /// Everything so far.
    pub(super) const fn served(&self) -> Served {
        self.served
    }
}
