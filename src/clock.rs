//! Time as a value that is handed down.
//!
//! Code below `cli` never asks the machine for the time: it asks the [`Clock`] it was given. A
//! virtual clock stands still until somebody sleeps on it, and then jumps, so that waits of minutes
//! cost tests and cassettes nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// A source of the current time, cheap to clone.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that moves only when somebody sleeps on it.
    Virtual(Arc<Mutex<Timestamp>>),
}

impl Clock {
    /// A virtual clock that starts at `start`.
    pub fn starting_at(start: Timestamp) -> Self {
        Self::Virtual(Arc::new(Mutex::new(start)))
    }

    /// The current time, in UTC.
    pub fn now(&self) -> Timestamp {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
            Self::System => Timestamp::now(),
            Self::Virtual(at) => *at.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Waits for `duration`; a virtual clock jumps ahead instead of waiting.
    pub async fn sleep(&self, duration: Duration) {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is the one place that waits")]
            Self::System => tokio::time::sleep(duration).await,
            Self::Virtual(at) => {
                let mut at = at.lock().unwrap_or_else(PoisonError::into_inner);
                *at = at.saturating_add(duration).unwrap_or(*at);
            }
        }
    }
}

/// Measures how long something took, for reports and the log; decisions use [`Clock`].
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// Whole milliseconds since the start.
    pub fn millis(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
