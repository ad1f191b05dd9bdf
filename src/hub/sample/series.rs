//! Listings as arithmetic: in the order of births everything stands at its index; in the order of updates
//! the changed stand behind all others. A page costs what its rows cost, wherever it lies.

use std::ops::Range;

use super::account::Account;
use super::scene::Entry;
use super::spread::{Picked, first};

/// What is listed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of {
    /// The issues of all repositories.
    Everything,
    /// The issues of one.
    Issues(usize),
    /// The comments of one.
    Comments(usize),
}

/// Rows in order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Series {
    pub(super) account: Account,
    pub(super) of: Of,
    /// Ordered by the last update; by birth otherwise.
    pub(super) by_update: bool,
}

impl Series {
    /// How many rows there are.
    pub(super) fn len(self) -> usize {
        match self.of {
            Of::Everything => self.account.issues,
            Of::Issues(repo) => self.account.deal().held(repo),
            Of::Comments(repo) => self.account.comments(repo).things,
        }
    }

    /// The rows at these positions.
    pub(super) fn rows(self, positions: Range<usize>) -> Vec<Entry> {
        if !self.by_update {
            return positions.map(|index| self.entry(index)).collect();
        }
        let calm = self.calm();
        let among_calm = positions.start.min(calm)..positions.end.min(calm);
        let count = among_calm.len();
        let begin = if count > 0 { self.nth_calm(among_calm.start) } else { self.len() };
        let unchanged =
            (begin..self.len()).map(|index| self.entry(index)).filter(|entry| entry.changed.is_none());
        let changed = positions.start.max(calm)..positions.end.max(calm);
        unchanged.take(count).chain(changed.map(|at| self.entry(self.changed_at(at - calm)))).collect()
    }

    /// The first position in the order of updates whose row is not older than this second.
    pub(super) fn since(self, second: i64) -> usize {
        let index = first(self.len(), |index| self.settled(index) >= second);
        let (before, calm) = (index - self.below(index), self.calm());
        if before < calm {
            return before;
        }
        calm + first(self.len() - calm, |nth| self.change_time(nth) >= second)
    }

    /// The row's last update.
    pub(super) fn updated(self, entry: Entry) -> i64 {
        let Entry { repo, nth, changed } = entry;
        changed.unwrap_or_else(|| match self.of {
            Of::Comments(_) => self.account.written(repo, nth),
            _ => self.account.settled(self.account.deal().thing((repo, nth))),
        })
    }

    /// How many rows were never changed.
    fn calm(self) -> usize {
        self.len()
            - match self.of {
                Of::Everything => self.account.changed,
                Of::Issues(repo) | Of::Comments(repo) => self.picked(repo).count,
            }
    }

    fn picked(self, repo: usize) -> Picked {
        match self.of {
            Of::Comments(_) => self.account.edited(repo),
            _ => self.account.changed(repo),
        }
    }

    /// The changed rows before this index.
    fn below(self, index: usize) -> usize {
        match self.of {
            Of::Everything => {
                let dealt = super::spread::Deal { total: index, ..self.account.deal() };
                (0..self.account.repos).map(|repo| self.picked(repo).below(dealt.held(repo))).sum()
            }
            Of::Issues(repo) | Of::Comments(repo) => self.picked(repo).below(index),
        }
    }

    fn nth_calm(self, nth: usize) -> usize {
        first(self.len(), |index| index + 1 - self.below(index + 1) > nth)
    }

    /// The index of the `nth` changed row.
    fn changed_at(self, nth: usize) -> usize {
        match self.of {
            Of::Everything => {
                let (repo, nth) = self.account.changes().place(nth);
                self.account.deal().thing((repo, self.picked(repo).thing(nth)))
            }
            Of::Issues(repo) | Of::Comments(repo) => self.picked(repo).thing(nth),
        }
    }

    /// When the `nth` changed row was changed.
    fn change_time(self, nth: usize) -> i64 {
        match self.of {
            Of::Everything => self.account.change_time(nth),
            Of::Issues(repo) => self.account.change_time(self.account.changes().thing((repo, nth))),
            Of::Comments(repo) => self.account.edit_time(repo, nth),
        }
    }

    /// The last update of the row at an index, but for changes.
    fn settled(self, index: usize) -> i64 {
        let (repo, nth) = self.place(index);
        self.updated(Entry { repo, nth, changed: None })
    }

    fn place(self, index: usize) -> (usize, usize) {
        match self.of {
            Of::Everything => self.account.deal().place(index),
            Of::Issues(repo) | Of::Comments(repo) => (repo, index),
        }
    }

    /// The row at an index in the order of births.
    pub(super) fn entry(self, index: usize) -> Entry {
        let (repo, nth) = self.place(index);
        let time = |change| match self.of {
            Of::Comments(_) => self.account.edit_time(repo, change),
            _ => self.account.change_time(self.account.changes().thing((repo, change))),
        };
        Entry { repo, nth, changed: self.picked(repo).nth(nth).map(time) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_updates_holds_every_row_once_and_the_changed_last() {
        for text in [
            "changed=60,issues=600",
            "repos=3,issues=101,comments=333,changed=101",
            "repos=9,issues=7,changed=2",
        ] {
            let account: Account = text.parse().unwrap();
            for of in [Of::Everything, Of::Issues(0), Of::Issues(2), Of::Comments(0), Of::Comments(1)] {
                let series = Series { account, of, by_update: true };
                let rows = series.rows(0..series.len());
                let times: Vec<i64> = rows.iter().map(|entry| series.updated(*entry)).collect();
                assert!(times.is_sorted() && rows.len() == series.len(), "{text} {of:?}");
                let mut births = rows.clone();
                births.sort_by_key(|entry| match of {
                    Of::Everything => account.deal().thing((entry.repo, entry.nth)),
                    _ => entry.nth,
                });
                assert_eq!(
                    births,
                    Series { by_update: false, ..series }.rows(0..series.len()),
                    "{text} {of:?}"
                );
                let changed = rows.iter().position(|entry| entry.changed.is_some()).unwrap_or(rows.len());
                assert!(rows[changed..].iter().all(|entry| entry.changed.is_some()), "{text} {of:?}");
                for (position, time) in times.iter().enumerate() {
                    assert_eq!(series.since(*time), times.iter().position(|other| other == time).unwrap());
                    let step = position..(position + 3).min(rows.len());
                    assert_eq!(series.rows(step.clone()), rows[step], "{text} {of:?}");
                }
                assert_eq!(series.since(i64::MAX), rows.len());
            }
        }
    }
}
