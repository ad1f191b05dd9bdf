//! What to do about an answer that is not a page. Pure: facts in, decision out.
//!
//! Reads may always be repeated. A limit (429, or 503 with `Retry-After`) is waited for as long as the
//! server asks, within patience; what breaks is tried again with growing pauses; the rest is reported.

use std::time::Duration;

use jiff::Timestamp;

use crate::net::{ATTEMPTS, PATIENCE, backoff};

/// How long to wait where a server that limits does not say.
const UNTOLD: Duration = Duration::from_secs(10);

/// How far one request has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    /// Counts from 1.
    pub(super) number: u32,
    /// Time spent waiting for limits so far.
    pub(super) waited: Duration,
    pub(super) now: Timestamp,
}

/// What came instead of a page.
#[derive(Debug, Clone, Copy)]
pub(super) enum Came {
    /// No whole answer.
    Broken,
    /// An error status, and how long it asks to wait.
    Status(u16, Option<Duration>),
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Wait so long for a limit, then send again.
    Wait(Duration),
    /// Wait so long, because something broke, then send again.
    Again(Duration),
    /// A limit that lasts too long to wait for.
    Limited(Timestamp),
    /// Report what came.
    Report,
}

/// Decides.
pub(super) fn decide(attempt: &Attempt, came: &Came) -> Decision {
    let again = attempt.number < ATTEMPTS;
    match *came {
        Came::Status(429, wait) => limited(attempt, wait.unwrap_or(UNTOLD * attempt.number)),
        Came::Status(503, Some(wait)) => limited(attempt, wait),
        Came::Broken | Came::Status(500 | 502..=504, _) if again => Decision::Again(backoff(attempt.number)),
        Came::Broken | Came::Status(..) => Decision::Report,
    }
}

fn limited(attempt: &Attempt, wait: Duration) -> Decision {
    if attempt.number < ATTEMPTS && attempt.waited.saturating_add(wait) <= PATIENCE {
        return Decision::Wait(wait);
    }
    Decision::Limited(attempt.now.saturating_add(wait).unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(number: u32, waited: u64, came: Came, expected: Decision) {
        let waited = Duration::from_secs(waited);
        let attempt = Attempt { number, waited, now: Timestamp::UNIX_EPOCH };
        assert_eq!(decide(&attempt, &came), expected, "{number} {waited:?} {came:?}");
    }

    #[test]
    fn limits_are_waited_for_within_patience() {
        let seconds = Duration::from_secs;
        let until = |second| Decision::Limited(Timestamp::from_second(second).unwrap());
        check(1, 0, Came::Status(429, Some(seconds(7))), Decision::Wait(seconds(7)));
        check(2, 10, Came::Status(429, None), Decision::Wait(seconds(20)));
        check(1, 0, Came::Status(503, Some(seconds(5))), Decision::Wait(seconds(5)));
        check(2, 170, Came::Status(429, Some(seconds(30))), until(30));
        check(ATTEMPTS, 0, Came::Status(429, Some(seconds(1))), until(1));
        check(1, 0, Came::Status(429, Some(Duration::MAX)), Decision::Limited(Timestamp::MAX));
    }

    #[test]
    fn what_breaks_is_tried_again_and_a_refusal_is_not() {
        for came in [Came::Broken, Came::Status(500, None), Came::Status(503, None)] {
            check(1, 0, came, Decision::Again(Duration::from_millis(500)));
            check(3, 0, came, Decision::Again(Duration::from_secs(2)));
            check(ATTEMPTS, 0, came, Decision::Report);
        }
        for status in [301, 400, 401, 403, 404, 410, 422, 501] {
            check(1, 0, Came::Status(status, None), Decision::Report);
        }
    }
}
