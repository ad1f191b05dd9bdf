//! The credentials that requests are paid with, and which of them pays for the next one.
//!
//! GitHub counts by user and by installation, so each has a governor of its own. The first is the person's,
//! or an app's where there is no token of a person's: it writes, and it reads whatever is the person's own
//! view. What is shown [`alike`](super::alike) to every reader is read by whichever has most left. Another's
//! "no" is never the last word: the first is asked the same, and where it may see more, the other is barred
//! from there.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use octocrab::Octocrab;

use super::governor::{Standing, Verdict};
use super::rate::Kind;
use super::{Error, Governor, Installation};

/// One credential.
#[derive(Debug)]
pub(super) struct Payer {
    holder: Holder,
    pub(super) governor: Governor,
    barred: Mutex<Barred>,
}

/// Whose credential it is.
#[derive(Debug)]
enum Holder {
    /// A token's, which lasts as long as the run.
    Token(Octocrab),
    /// An app's, whose token is renewed.
    App(Box<Installation>),
}

/// Where a credential is not used again in this run.
#[derive(Debug, Default)]
struct Barred {
    everywhere: bool,
    /// Repositories, and the address of questions.
    places: BTreeSet<String>,
}

/// The credentials of one client, the person's first. Cheap to clone; clones share.
#[derive(Debug, Clone)]
pub(super) struct Purse {
    first: Arc<Payer>,
    others: Vec<Arc<Payer>>,
}

impl Payer {
    pub(super) fn new(octocrab: Octocrab, governor: Governor) -> Self {
        Self { holder: Holder::Token(octocrab), governor, barred: Mutex::default() }
    }

    pub(super) fn app(installation: Box<Installation>, governor: Governor) -> Self {
        Self { holder: Holder::App(installation), governor, barred: Mutex::default() }
    }

    /// The connection that carries its credential. Boxed, because an app gets its token over a client too.
    pub(super) fn octocrab(&self) -> BoxFuture<'_, Result<Octocrab, Error>> {
        match &self.holder {
            Holder::Token(octocrab) => Box::pin(std::future::ready(Ok(octocrab.clone()))),
            Holder::App(installation) => Box::pin(installation.octocrab(&self.governor)),
        }
    }

    /// Whether it is an app, which can get another token where one is refused.
    pub(super) const fn is_app(&self) -> bool {
        matches!(self.holder, Holder::App(_))
    }

    /// Hears that the token of a request that was sent then is refused.
    pub(super) async fn forget(&self, sent: Timestamp) {
        if let Holder::App(installation) = &self.holder {
            installation.forget(sent).await;
        }
    }

    /// Uses it no more for a place.
    pub(super) fn bar(&self, place: &str) {
        self.barred().places.insert(place.to_owned());
    }

    /// Uses it no more.
    pub(super) fn bar_everywhere(&self) {
        self.barred().everywhere = true;
    }

    fn may(&self, place: &str) -> bool {
        let barred = self.barred();
        !barred.everywhere && !barred.places.contains(place)
    }

    fn barred(&self) -> MutexGuard<'_, Barred> {
        self.barred.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Purse {
    /// With one credential.
    pub(super) fn new(first: Payer) -> Self {
        Self { first: Arc::new(first), others: Vec::new() }
    }

    /// Puts another beside it.
    pub(super) fn add(&mut self, other: Payer) {
        self.others.push(Arc::new(other));
    }

    /// The person's.
    pub(super) const fn first(&self) -> &Arc<Payer> {
        &self.first
    }

    /// Whether it is the person's.
    pub(super) fn is_first(&self, payer: &Arc<Payer>) -> bool {
        Arc::ptr_eq(&self.first, payer)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        1 + self.others.len()
    }

    /// Requests left of the hour's limits of all that are used, as far as they are known.
    pub(super) fn left(&self) -> Option<u64> {
        let used = self.others.iter().filter(|payer| payer.may(""));
        let others: u64 = used.filter_map(|payer| payer.governor.left()).sum();
        self.first.governor.left().map(|left| left.saturating_add(others))
    }

    /// Tells the other processes of the machine what was spent, before this one ends.
    pub(super) fn leave(&self) {
        for payer in std::iter::once(&self.first).chain(&self.others) {
            payer.governor.leave();
        }
    }

    /// Who pays for the next request for a place, and whether yet another could pay for it now.
    pub(super) fn choose(&self, kind: Kind, place: &str) -> (&Arc<Payer>, bool) {
        let others = self.others.iter().filter(|payer| payer.may(place));
        let payers: Vec<_> = std::iter::once(&self.first).chain(others).collect();
        let standing = |payer: &&Arc<Payer>| payer.governor.standing(kind.bucket(), kind);
        let standings: Vec<_> = payers.iter().map(standing).collect();
        let at = best(&standings);
        let is_ready = |standing: &Standing| matches!(standing.verdict, Verdict::Go | Verdict::Full);
        let has_another = standings.iter().enumerate().any(|(index, it)| index != at && is_ready(it));
        (payers.get(at).copied().unwrap_or(&self.first), has_another)
    }
}

/// Which of these pays: one that may go before one that waits, and one that waits before one that is spent;
/// then the one with most left, where what is unknown counts as much, so that it becomes known; or the one
/// that waits the shortest. The earlier of equals.
fn best(standings: &[Standing]) -> usize {
    let rank = |standing: &Standing| {
        let left = -i128::from(standing.left.unwrap_or(u64::MAX));
        match standing.verdict {
            Verdict::Go => (0, left),
            Verdict::Full => (1, left),
            Verdict::Wait(time, _) => (2, i128::try_from(time.as_millis()).unwrap_or(i128::MAX)),
            Verdict::Stop { until, .. } => (3, i128::from(until.as_second())),
        }
    };
    standings.iter().enumerate().min_by_key(|(_, standing)| rank(standing)).map_or(0, |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::super::governor::Why;
    use super::*;

    const FULL: Verdict = Verdict::Full;
    const WAITS: Verdict = Verdict::Wait(Duration::from_mins(1), Why::TooFast);

    fn ready(left: u64) -> Standing {
        Standing { verdict: Verdict::Go, left: Some(left) }
    }

    fn spent(second: i64) -> Standing {
        let until = Timestamp::from_second(second).unwrap();
        Standing { verdict: Verdict::Stop { until, why: Why::Spent }, left: Some(0) }
    }

    fn check(standings: &[Standing], expected: usize) {
        assert_eq!(best(standings), expected, "{standings:?}");
    }

    #[test]
    fn whoever_has_most_left_pays_and_the_person_among_equals() {
        check(&[ready(10), ready(20), ready(5)], 1);
        check(&[ready(20), ready(20)], 0);
        let unknown = Standing { verdict: Verdict::Go, left: None };
        check(&[unknown, unknown], 0);
        check(&[ready(4_999), unknown], 1);
    }

    #[test]
    fn who_may_go_is_before_who_waits_and_before_who_is_spent() {
        let of = |verdict| Standing { verdict, left: Some(5_000) };
        check(&[spent(9), of(WAITS), of(FULL), ready(1)], 3);
        check(&[spent(9), of(WAITS), of(FULL)], 2);
        check(&[spent(9), of(WAITS)], 1);
        let shorter = Verdict::Wait(Duration::from_secs(2), Why::Points);
        check(&[of(WAITS), of(shorter)], 1);
    }

    #[test]
    fn of_those_that_are_spent_the_first_to_be_whole_again_is_waited_for() {
        check(&[spent(90), spent(50), spent(70)], 1);
    }
}
