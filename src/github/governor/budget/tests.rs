//! Lists of what happened, and what is then decided.

use super::*;

/// What happens, in seconds since the beginning.
enum Happens {
    /// A request of so many points ends after so many milliseconds.
    Took(i64, u64, u64),
    /// The server says: limit, remaining, seconds until it is whole again.
    Said(i64, u64, u64, i64),
    /// The server asks to wait so many seconds.
    Slow(i64, i64),
    /// The server does not count.
    Uncounted,
    /// So many are in flight.
    Flying(u32),
}
use Happens::{Flying, Said, Slow, Took, Uncounted};

const BEGIN: i64 = 1_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(BEGIN + second).unwrap()
}

fn after(happened: &[Happens]) -> State {
    let mut state = State::default();
    for one in happened {
        match *one {
            Took(second, points, millis) => state.rest.count(at(second), points, millis),
            Said(second, limit, remaining, whole) => state.rest.hear(Quota {
                limit,
                remaining,
                resets: BEGIN + second + whole,
                said: at(second).as_millisecond(),
            }),
            Slow(second, wait) => state.slow(Bucket::Rest, at(second), (at(second), at(second + wait))),
            Uncounted => state.counts = Some(false),
            Flying(count) => state.flying = count,
        }
    }
    state
}

const READ: Ask = Ask { bucket: Bucket::Rest, points: 1, claim: Claim::Spare, reserve: 20 };

fn wait(seconds: u64, why: Why) -> Verdict {
    Verdict::Wait(Duration::from_secs(seconds), why)
}

fn stop(second: i64, why: Why) -> Verdict {
    Verdict::Stop { until: at(second), why }
}

#[test]
fn the_minute_has_points_and_they_come_back() {
    let used = after(&[Took(0, 400, 0), Took(10, 499, 0)]);
    assert_eq!(used.decide(&READ, at(20)), Verdict::Go);
    assert_eq!(used.decide(&Ask { points: 5, ..READ }, at(20)), wait(40, Why::Points));
    assert_eq!(used.decide(&Ask { points: 5, ..READ }, at(60)), Verdict::Go);
    let full = after(&[Took(0, 1, 0), Took(30, 899, 0)]);
    assert_eq!(full.decide(&READ, at(31)), wait(29, Why::Points), "only the oldest must go");
    assert_eq!(full.decide(&Ask { points: 5, ..READ }, at(31)), wait(59, Why::Points));
}

#[test]
fn the_minute_has_so_much_of_the_servers_time() {
    let used = after(&[Took(0, 1, 30_000), Took(20, 1, 42_000)]);
    assert_eq!(used.decide(&READ, at(21)), Verdict::Go);
    let over = after(&[Took(0, 1, 30_000), Took(20, 1, 42_001)]);
    assert_eq!(over.decide(&READ, at(21)), wait(39, Why::Time));
    assert_eq!(over.decide(&READ, at(60)), Verdict::Go);
}

#[test]
fn rest_and_graphql_are_paid_apart() {
    let query = Ask { bucket: Bucket::Graphql, ..READ };
    let mut state = after(&[Took(0, 900, 0)]);
    assert_eq!(state.decide(&query, at(1)), Verdict::Go);
    state.graphql.count(at(1), 2_000, 0);
    assert_eq!(state.decide(&query, at(2)), wait(59, Why::Points));
    state.graphql = Budget::default();
    state.graphql.count(at(1), 1, 48_001);
    assert_eq!(state.decide(&query, at(2)), wait(59, Why::Time));
}

#[test]
fn the_reserve_is_for_the_person_alone() {
    let own = Ask { claim: Claim::Whole, ..READ };
    let low = after(&[Said(0, 5_000, 1_000, 1_800)]);
    assert_eq!(low.decide(&READ, at(1)), stop(1_801, Why::Reserve));
    assert_eq!(low.decide(&own, at(1)), Verdict::Go);
    assert_eq!(low.decide(&Ask { reserve: 0, ..READ }, at(1)), Verdict::Go);
    assert_eq!(low.decide(&READ, at(1_801)), Verdict::Go, "the hour is over");
    assert_eq!(low.decide(&READ, at(1_700)), wait(101, Why::Reserve), "so near that it is waited for");
    let above = [Said(0, 5_000, 1_003, 1_800)];
    assert_eq!(after(&above).decide(&READ, at(1)), Verdict::Go);
    let [above] = above;
    let flying = after(&[above, Flying(3)]);
    assert_eq!(flying.decide(&READ, at(1)), stop(1_801, Why::Reserve), "what is in flight is spent");
    let spent = after(&[Said(0, 5_000, 0, 1_800)]);
    assert_eq!(spent.decide(&own, at(1)), stop(1_801, Why::Spent));
}

#[test]
fn the_last_word_of_the_server_counts() {
    let told = after(&[Said(5, 5_000, 4_000, 1_800), Said(2, 5_000, 100, 1_800)]);
    assert_eq!(told.decide(&READ, at(6)), Verdict::Go);
}

#[test]
fn a_server_that_asks_to_slow_down_is_left_alone_and_then_met_by_fewer() {
    let slowed = after(&[Slow(0, 60), Flying(0)]);
    assert_eq!(slowed.decide(&READ, at(1)), wait(59, Why::TooFast));
    assert_eq!(slowed.decide(&READ, at(60)), Verdict::Go);
    assert_eq!(slowed.share(), 4);
    let long = after(&[Slow(0, 600)]);
    assert_eq!(long.decide(&READ, at(1)), stop(600, Why::TooFast));
}

#[test]
fn concurrency_grows_by_little_and_halves_once_for_one_burst() {
    let mut state = State::default();
    assert_eq!(state.share(), 8);
    for _ in 0..200 {
        state.widen(at(1));
    }
    assert_eq!(state.share(), 16);
    for sent in [3, 2, 1] {
        state.slow(Bucket::Rest, at(sent), (at(4), at(64)));
    }
    assert_eq!(state.share(), 8, "three of one burst");
    for second in 5..12 {
        state.slow(Bucket::Rest, at(second), (at(second), at(64)));
    }
    assert_eq!(state.share(), 1);
    assert_eq!(after(&[Flying(7)]).decide(&READ, at(0)), Verdict::Go);
    assert_eq!(after(&[Flying(8)]).decide(&READ, at(0)), Verdict::Full);
}

#[test]
fn processes_share_what_may_be_in_flight_and_the_silent_are_gone() {
    let mut state = State::default();
    for (peer, second) in [("a", 0), ("b", 0), ("c", -11)] {
        state.greet(peer, at(second));
    }
    state.absorb(&State::default(), at(0));
    assert_eq!(state.share(), 4);
    state.leave("b");
    assert_eq!(state.share(), 8);
}

#[test]
fn where_the_server_does_not_count_nothing_is_paced() {
    let state = after(&[Took(0, 10_000, 900_000), Flying(99), Uncounted]);
    assert_eq!(state.decide(&READ, at(1)), Verdict::Go);
    let asked = after(&[Uncounted, Slow(0, 9)]);
    assert_eq!(asked.decide(&READ, at(1)), wait(8, Why::TooFast), "unless it asks for it");
}

#[test]
fn two_views_add_up_and_what_cannot_be_is_dropped() {
    let mut one = after(&[Took(0, 500, 10), Said(0, 5_000, 4_000, 1_800)]);
    one.absorb(&after(&[Took(0, 100, 0), Took(1, 300, 0), Said(1, 5_000, 3_000, 1_800)]), at(2));
    assert_eq!(one.decide(&READ, at(2)), wait(58, Why::Points));
    assert_eq!(one.rest.quota.map(|quota| quota.remaining), Some(3_000));
    one.absorb(&State::default(), at(100));
    assert_eq!(one.rest.seconds, []);
    let mut nonsense = after(&[Took(50_000, 900, 0), Said(0, 1, 0, 90_000), Slow(50_000, 1)]);
    nonsense.width = f64::NAN;
    nonsense.absorb(&State::default(), at(0));
    assert_eq!(nonsense.decide(&READ, at(0)), Verdict::Go);
}
