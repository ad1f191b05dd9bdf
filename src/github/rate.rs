//! What to do about an answer that is not a success. Pure: facts in, decision out.
//!
//! The rules are GitHub's ("Rate limits for the REST API", "Best practices for using the REST API"):
//! wait as long as `Retry-After` says; else, with nothing remaining, until the reset; else at least a
//! minute, then longer. 403 has several meanings, and only a limit is worth waiting for. A server
//! error or a broken connection is tried again only if the request may be repeated.

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;

/// How often one request is sent at most.
const ATTEMPTS: u32 = 4;
/// How long one request may wait for a rate limit before the person is told instead.
const PATIENCE: Duration = Duration::from_mins(3);
/// GitHub asks for at least this long between two writes of one user.
const BETWEEN_WRITES: Duration = Duration::from_secs(1);

/// Whether a request may be sent again when it is unknown what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Reads and edits: doing them twice is the same as once.
    Repeatable,
    /// Creates and links.
    Once,
}

/// How far one request has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    pub(super) kind: Kind,
    /// Counts from 1.
    pub(super) number: u32,
    /// Time spent waiting for limits so far.
    pub(super) waited: Duration,
    pub(super) now: Timestamp,
}

/// What came instead of a success.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome<'a> {
    /// No connection: certainly nothing arrived.
    NoConnection,
    /// The connection broke later, or the answer could not be read.
    Broken,
    /// An error status.
    Answer { status: u16, headers: &'a HeaderMap, message: &'a str },
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Wait so long for a limit, then send again.
    Wait(Duration),
    /// Wait so long, because something broke, then send again.
    Again(Duration),
    /// A limit that lasts too long to wait for.
    Limited { until: Timestamp },
    /// It was sent, and nobody knows whether it was done.
    Unknown,
    /// Report what came.
    Report,
}

/// Decides.
pub(super) fn decide(attempt: &Attempt, outcome: &Outcome<'_>) -> Decision {
    match outcome {
        Outcome::NoConnection if attempt.number < ATTEMPTS => Decision::Again(backoff(attempt.number)),
        Outcome::NoConnection => Decision::Report,
        Outcome::Broken => after_doubt(attempt),
        Outcome::Answer { status, headers, message } => match status {
            403 | 429 => limit_wait(*status, headers, message, attempt)
                .map_or(Decision::Report, |wait| limited(attempt, wait)),
            500 | 502..=504 => after_doubt(attempt),
            _ => Decision::Report,
        },
    }
}

fn after_doubt(attempt: &Attempt) -> Decision {
    match attempt.kind {
        Kind::Once => Decision::Unknown,
        Kind::Repeatable if attempt.number < ATTEMPTS => Decision::Again(backoff(attempt.number)),
        Kind::Repeatable => Decision::Report,
    }
}

fn limited(attempt: &Attempt, wait: Duration) -> Decision {
    if attempt.number < ATTEMPTS && attempt.waited + wait <= PATIENCE {
        return Decision::Wait(wait);
    }
    let until = attempt.now.saturating_add(wait).unwrap_or(attempt.now);
    Decision::Limited { until }
}

/// How long a limit asks to wait; `None` when the status means something else.
fn limit_wait(status: u16, headers: &HeaderMap, message: &str, attempt: &Attempt) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    if let Some(seconds) = number("retry-after") {
        return Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)));
    }
    if number("x-ratelimit-remaining") == Some(0) {
        let reset = number("x-ratelimit-reset").unwrap_or(0);
        let seconds = reset.saturating_sub(attempt.now.as_second()).saturating_add(1);
        return Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(1)));
    }
    let message = message.to_ascii_lowercase();
    let says_so = ["rate limit", "abuse detection"].iter().any(|words| message.contains(words));
    (says_so || status == 429).then(|| Duration::from_secs(60 << (attempt.number - 1).min(4)))
}

/// Half a second, then twice as long each time.
const fn backoff(number: u32) -> Duration {
    Duration::from_millis(500 << if number > 5 { 4 } else { number - 1 })
}

/// How long to wait before the next write, given when the last one was made.
pub(super) fn pause(last: Option<Timestamp>, now: Timestamp) -> Duration {
    let Some(last) = last else { return Duration::ZERO };
    let passed = Duration::try_from(now.duration_since(last)).unwrap_or(Duration::ZERO);
    BETWEEN_WRITES.saturating_sub(passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    fn check(kind: Kind, number: u32, answer: (u16, &[(&'static str, &str)], &str), expected: Decision) {
        let now = Timestamp::from_second(1_000).unwrap();
        let (status, pairs, message) = answer;
        let headers = headers(pairs);
        let outcome = Outcome::Answer { status, headers: &headers, message };
        let attempt = Attempt { kind, number, waited: Duration::ZERO, now };
        assert_eq!(decide(&attempt, &outcome), expected, "{answer:?}");
    }

    #[test]
    fn the_three_ways_to_say_not_now() {
        let seconds = |seconds| Decision::Wait(Duration::from_secs(seconds));
        let spent = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1030")];
        check(
            Kind::Once,
            1,
            (403, &[("retry-after", "7")], "You have exceeded a secondary rate limit"),
            seconds(7),
        );
        check(Kind::Once, 1, (429, &[("retry-after", "0")], ""), seconds(0));
        check(Kind::Once, 1, (403, &spent, "API rate limit exceeded"), seconds(31));
        check(Kind::Repeatable, 1, (403, &[], "You have exceeded a secondary rate limit"), seconds(60));
        check(Kind::Repeatable, 2, (429, &[], ""), seconds(120));
    }

    #[test]
    fn a_limit_of_an_hour_is_reported_and_not_waited_for() {
        let spent = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "4599")];
        let until = Timestamp::from_second(4_600).unwrap();
        check(Kind::Repeatable, 1, (403, &spent, "API rate limit exceeded"), Decision::Limited { until });
    }

    #[test]
    fn a_403_without_a_limit_is_a_refusal() {
        let some_left = [("x-ratelimit-remaining", "4999")];
        check(
            Kind::Repeatable,
            1,
            (403, &some_left, "Resource not accessible by personal access token"),
            Decision::Report,
        );
        check(Kind::Once, 1, (422, &[], "Validation Failed"), Decision::Report);
    }

    #[test]
    fn a_create_is_not_repeated_in_doubt() {
        let again = Decision::Again(Duration::from_millis(500));
        for status in [500, 502, 503, 504] {
            check(Kind::Once, 1, (status, &[], ""), Decision::Unknown);
            check(Kind::Repeatable, 1, (status, &[], ""), again);
            check(Kind::Repeatable, ATTEMPTS, (status, &[], ""), Decision::Report);
        }
        let now = Timestamp::UNIX_EPOCH;
        let attempt = Attempt { kind: Kind::Once, number: 1, waited: Duration::ZERO, now };
        assert_eq!(decide(&attempt, &Outcome::Broken), Decision::Unknown);
        assert_eq!(decide(&attempt, &Outcome::NoConnection), again);
    }

    #[test]
    fn writes_are_a_second_apart() {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        assert_eq!(pause(None, at(0)), Duration::ZERO);
        assert_eq!(pause(Some(at(0)), at(300)), Duration::from_millis(700));
        assert_eq!(pause(Some(at(0)), at(5_000)), Duration::ZERO);
    }
}
