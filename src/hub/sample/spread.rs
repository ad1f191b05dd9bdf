//! Index arithmetic: how many things are shared out, and which of them are picked, without a list of them.
//!
//! Everything here is exact and costs a few divisions; sizes stay below [`MOST`], so that products fit.

/// The most of anything in a sample account.
pub(super) const MOST: usize = 100_000_000;

/// A number that looks random and is the same every time (the finalizer of `SplitMix64`).
pub(super) const fn mix(seed: u64) -> u64 {
    let seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let seed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ (seed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    seed ^ (seed >> 31)
}

/// One of `choices`, by a seed.
#[expect(clippy::cast_possible_truncation, reason = "less than `choices`")]
pub(super) const fn choice(seed: u64, choices: usize) -> usize {
    (mix(seed) % choices as u64) as usize
}

/// Things dealt to hands like cards, [`Deal::BLOCK`] at a time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deal {
    pub(super) total: usize,
    pub(super) hands: usize,
}

impl Deal {
    /// So many neighbours stay together.
    pub(super) const BLOCK: usize = 4;

    const fn round(self) -> usize {
        Self::BLOCK * self.hands
    }

    /// How many things one hand has got.
    pub(super) fn held(self, hand: usize) -> usize {
        let rest = (self.total % self.round()).saturating_sub(hand * Self::BLOCK);
        self.total / self.round() * Self::BLOCK + rest.min(Self::BLOCK)
    }

    /// The hand that has got a thing, and its place in that hand.
    pub(super) const fn place(self, thing: usize) -> (usize, usize) {
        let nth = thing / self.round() * Self::BLOCK + thing % Self::BLOCK;
        (thing / Self::BLOCK % self.hands, nth)
    }

    /// The thing at a place in a hand.
    pub(super) const fn thing(self, (hand, nth): (usize, usize)) -> usize {
        nth / Self::BLOCK * self.round() + hand * Self::BLOCK + nth % Self::BLOCK
    }
}

/// Things laid evenly into bins, in order: the first bin has the first things.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    pub(super) things: usize,
    pub(super) bins: usize,
}

impl Spread {
    /// The first thing of a bin; the number of things for the bin after the last.
    pub(super) fn start(self, bin: usize) -> usize {
        (bin * self.things).checked_div(self.bins).unwrap_or(0)
    }

    /// How many things a bin has got.
    pub(super) fn held(self, bin: usize) -> usize {
        self.start(bin + 1) - self.start(bin)
    }

    /// The bin of a thing.
    pub(super) const fn bin(self, thing: usize) -> usize {
        ((thing + 1) * self.bins - 1) / self.things
    }
}

/// Some of a row of things: one from each of as many equal bins, at a place that looks random.
#[derive(Debug, Clone, Copy)]
pub(super) struct Picked {
    pub(super) of: usize,
    /// At most `of`.
    pub(super) count: usize,
    /// Tells pickings of the same size apart.
    pub(super) salt: u64,
}

impl Picked {
    const fn bins(self) -> Spread {
        Spread { things: self.of, bins: self.count }
    }

    /// The `nth` picked thing.
    pub(super) fn thing(self, nth: usize) -> usize {
        let bins = self.bins();
        bins.start(nth) + choice(nth as u64 ^ self.salt, bins.held(nth).max(1))
    }

    /// Which of the picked ones a thing is.
    pub(super) fn nth(self, thing: usize) -> Option<usize> {
        let nth = self.bin(thing)?;
        (self.thing(nth) == thing).then_some(nth)
    }

    /// How many of the things before this one are picked.
    pub(super) fn below(self, thing: usize) -> usize {
        self.bin(thing).map_or(self.count, |nth| nth + usize::from(self.thing(nth) < thing))
    }

    fn bin(self, thing: usize) -> Option<usize> {
        (self.count > 0 && thing < self.of).then(|| self.bins().bin(thing))
    }
}

/// The first of `0..end` that passes, or `end`; whatever follows one that passes must pass too.
pub(super) fn first(end: usize, passes: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, end);
    while low < high {
        let middle = low + (high - low) / 2;
        if passes(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_dealt_is_held_once() {
        for (total, hands) in [(0, 3), (1, 1), (5, 2), (23, 3), (64, 4), (7, 9)] {
            let deal = Deal { total, hands };
            assert_eq!((0..hands).map(|hand| deal.held(hand)).sum::<usize>(), total, "{deal:?}");
            for thing in 0..total {
                let (hand, nth) = deal.place(thing);
                assert!(nth < deal.held(hand) && deal.thing((hand, nth)) == thing, "{thing} of {deal:?}");
            }
        }
    }

    #[test]
    fn bins_hold_everything_in_order() {
        for (things, bins) in [(10, 3), (3, 10), (7, 7), (1, 1), (25_000, 6_000)] {
            let spread = Spread { things, bins };
            assert_eq!((0..bins).map(|bin| spread.held(bin)).sum::<usize>(), things);
            for thing in 0..things {
                let bin = spread.bin(thing);
                assert!((spread.start(bin)..spread.start(bin + 1)).contains(&thing), "{thing} of {spread:?}");
            }
        }
    }

    #[test]
    fn picking_counts_like_a_list_of_the_picked() {
        for (of, count) in [(0, 0), (10, 0), (10, 10), (100, 7), (97, 30)] {
            let picked = Picked { of, count, salt: 5 };
            let list: Vec<usize> = (0..of).filter(|thing| picked.nth(*thing).is_some()).collect();
            assert_eq!(list, (0..count).map(|nth| picked.thing(nth)).collect::<Vec<_>>());
            for thing in 0..=of {
                assert_eq!(picked.below(thing), list.iter().filter(|other| **other < thing).count());
            }
        }
    }
}
