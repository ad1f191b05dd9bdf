//! What to do about an answer that is not a success. Pure: facts in, decision out.
//!
//! What an answer means stands in [`rules`](super::rules); this says what follows from it, as GitHub asks
//! ("Rate limits for the REST API", "Best practices for using the REST API"): wait as long as
//! `Retry-After` says; else, with nothing remaining, until the reset; else at least a minute, then
//! longer. A server error or a broken connection is tried again only if the request may be repeated.

use std::time::Duration;

use jiff::Timestamp;

use super::governor::{Bucket, Why};
use super::rules::{Answer, Meaning, meaning};
use crate::net::{ATTEMPTS, PATIENCE, backoff};

/// GitHub asks for at least this long between two writes of one user.
const BETWEEN_WRITES: Duration = Duration::from_secs(1);

/// What a request does: what it costs, and whether it may be sent again when nobody knows what became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Reads.
    Read,
    /// Edits: doing them twice is the same as once.
    Edit,
    /// Creates and links.
    Once,
    /// Asks by GraphQL. What the server gave up on is too much: the same again would cost points and
    /// end alike ("Rate limits and query limits for the GraphQL API"), so it is reported at once.
    Query,
}

impl Kind {
    /// Which budget it is paid from.
    pub(super) const fn bucket(self) -> Bucket {
        if matches!(self, Self::Query) { Bucket::Graphql } else { Bucket::Rest }
    }

    /// Points of the minute ("Calculating points for the secondary rate limit").
    pub(super) const fn points(self) -> u32 {
        if matches!(self, Self::Read | Self::Query) { 1 } else { 5 }
    }
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
    /// No answer came for so long that none will.
    Silent,
    /// An error status.
    Answer(Answer<'a>),
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Wait so long for a limit, then send again.
    Wait(Duration, Why),
    /// Wait so long, because something broke, then send again.
    Again(Duration),
    /// A limit that lasts too long to wait for.
    Limited { until: Timestamp, why: Why },
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
        Outcome::Silent if attempt.kind == Kind::Query => Decision::Report,
        Outcome::Broken | Outcome::Silent => after_doubt(attempt),
        Outcome::Answer(answer) => match meaning(answer).1 {
            Meaning::TooFast => {
                let minutes = Duration::from_mins(1 << (attempt.number - 1).min(4));
                limited(attempt, answer.asks_to_wait().unwrap_or(minutes), Why::TooFast)
            }
            Meaning::Spent => limited(attempt, answer.until_reset(attempt.now), Why::Spent),
            // It was refused before anything was done, so a create may be sent again too.
            Meaning::DoubtfulToken if attempt.number < ATTEMPTS => Decision::Again(backoff(attempt.number)),
            Meaning::Passing if attempt.kind == Kind::Query && matches!(answer.status, 502 | 504) => {
                Decision::Report
            }
            Meaning::Passing => match (after_doubt(attempt), answer.asks_to_wait()) {
                (Decision::Again(pause), Some(asked)) => Decision::Again(pause.max(asked.min(PATIENCE))),
                (decision, _) => decision,
            },
            _ => Decision::Report,
        },
    }
}

const fn after_doubt(attempt: &Attempt) -> Decision {
    match attempt.kind {
        Kind::Once => Decision::Unknown,
        Kind::Read | Kind::Edit | Kind::Query if attempt.number < ATTEMPTS => {
            Decision::Again(backoff(attempt.number))
        }
        Kind::Read | Kind::Edit | Kind::Query => Decision::Report,
    }
}

fn limited(attempt: &Attempt, wait: Duration, why: Why) -> Decision {
    if attempt.number < ATTEMPTS && attempt.waited + wait <= PATIENCE {
        return Decision::Wait(wait, why);
    }
    let until = attempt.now.saturating_add(wait).unwrap_or(attempt.now);
    Decision::Limited { until, why }
}

/// How long to wait before the next write, given when the last one was made.
pub(super) fn pause(last: Option<Timestamp>, now: Timestamp) -> Duration {
    let Some(last) = last else { return Duration::ZERO };
    let passed = Duration::try_from(now.duration_since(last)).unwrap_or(Duration::ZERO);
    BETWEEN_WRITES.saturating_sub(passed)
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

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
        let outcome = Outcome::Answer(Answer { status, headers: &headers, message });
        let attempt = Attempt { kind, number, waited: Duration::ZERO, now };
        assert_eq!(decide(&attempt, &outcome), expected, "{answer:?}");
    }

    #[test]
    fn the_three_ways_to_say_not_now() {
        let seconds = |seconds| Decision::Wait(Duration::from_secs(seconds), Why::TooFast);
        let spent = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1030")];
        check(
            Kind::Once,
            1,
            (403, &[("retry-after", "7")], "You have exceeded a secondary rate limit"),
            seconds(7),
        );
        check(Kind::Once, 1, (429, &[("retry-after", "0")], ""), seconds(0));
        check(
            Kind::Once,
            1,
            (403, &spent, "API rate limit exceeded"),
            Decision::Wait(Duration::from_secs(31), Why::Spent),
        );
        check(Kind::Read, 1, (403, &[], "You have exceeded a secondary rate limit"), seconds(60));
        check(Kind::Read, 2, (429, &[], ""), seconds(120));
    }

    #[test]
    fn a_limit_of_an_hour_is_reported_and_not_waited_for() {
        let spent = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "4599")];
        let until = Timestamp::from_second(4_600).unwrap();
        check(
            Kind::Read,
            1,
            (403, &spent, "API rate limit exceeded"),
            Decision::Limited { until, why: Why::Spent },
        );
    }

    #[test]
    fn a_403_without_a_limit_is_a_refusal() {
        let some_left = [("x-ratelimit-remaining", "4999")];
        check(
            Kind::Read,
            1,
            (403, &some_left, "Resource not accessible by personal access token"),
            Decision::Report,
        );
        check(Kind::Once, 1, (422, &[], "Validation Failed"), Decision::Report);
        check(Kind::Read, 1, (401, &[], "Bad credentials"), Decision::Report);
    }

    #[test]
    fn a_create_is_not_repeated_in_doubt() {
        let again = Decision::Again(Duration::from_millis(500));
        for status in [500, 502, 503, 504] {
            check(Kind::Once, 1, (status, &[], ""), Decision::Unknown);
            check(Kind::Read, 1, (status, &[], ""), again);
            check(Kind::Read, ATTEMPTS, (status, &[], ""), Decision::Report);
        }
        let now = Timestamp::UNIX_EPOCH;
        let attempt = Attempt { kind: Kind::Once, number: 1, waited: Duration::ZERO, now };
        assert_eq!(decide(&attempt, &Outcome::Broken), Decision::Unknown);
        assert_eq!(decide(&attempt, &Outcome::NoConnection), again);
    }

    #[test]
    fn a_token_in_doubt_and_a_server_that_says_when_are_tried_again() {
        check(Kind::Once, 1, (401, &[], ""), Decision::Again(Duration::from_millis(500)));
        check(Kind::Read, ATTEMPTS, (401, &[], ""), Decision::Report);
        check(Kind::Read, 1, (503, &[("retry-after", "9")], ""), Decision::Again(Duration::from_secs(9)));
        check(Kind::Once, 1, (503, &[("retry-after", "9")], ""), Decision::Unknown);
    }

    #[test]
    fn a_question_that_was_too_much_is_not_asked_again() {
        let again = Decision::Again(Duration::from_millis(500));
        for (status, decision) in
            [(502, Decision::Report), (504, Decision::Report), (500, again), (503, again)]
        {
            check(Kind::Query, 1, (status, &[], ""), decision);
        }
        let attempt =
            Attempt { kind: Kind::Query, number: 1, waited: Duration::ZERO, now: Timestamp::UNIX_EPOCH };
        assert_eq!(decide(&attempt, &Outcome::Silent), Decision::Report);
        assert_eq!(decide(&Attempt { kind: Kind::Read, ..attempt }, &Outcome::Silent), again);
        assert_eq!(decide(&attempt, &Outcome::Broken), again);
    }

    #[test]
    fn writes_are_a_second_apart() {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        assert_eq!(pause(None, at(0)), Duration::ZERO);
        assert_eq!(pause(Some(at(0)), at(300)), Duration::from_millis(700));
        assert_eq!(pause(Some(at(0)), at(5_000)), Duration::ZERO);
    }
}
