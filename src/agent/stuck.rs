//! Notices a model that goes in circles: the same calls with the same results, or two of them in turn.
//!
//! A call that is repeated with a different result (a test run after an edit) is work, not a circle,
//! so results count as much as calls; that is why no tool result holds a time or a duration.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::step::{Answer, Call};
use super::tools::Outcome;

/// Turns looked back at.
const WINDOW: usize = 6;
/// Turns in a row in which nothing worked.
const FRUITLESS: u32 = 6;

/// The last few turns, as fingerprints.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    turns: VecDeque<u64>,
    fruitless: u32,
}

/// What the last turns look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sign {
    /// Work.
    Moving,
    /// Perhaps a circle: worth a word to the model.
    Circling,
    /// A circle; the text says which.
    Stuck(String),
}

impl Memory {
    /// Remembers nothing yet.
    pub(super) const fn new() -> Self {
        Self { turns: VecDeque::new(), fruitless: 0 }
    }

    /// Takes in one turn and says what the last ones look like.
    pub(super) fn note(&mut self, calls: &[Call], answers: &[Answer]) -> Sign {
        if self.turns.len() == WINDOW {
            self.turns.pop_front();
        }
        self.turns.push_back(fingerprint(calls, answers));
        let worked = answers.iter().any(|answer| matches!(answer.outcome, Outcome::Ok(_)));
        self.fruitless = if worked { 0 } else { self.fruitless + 1 };
        self.sign(calls)
    }

    fn sign(&self, calls: &[Call]) -> Sign {
        let names = || calls.iter().map(|call| call.name.as_str()).collect::<Vec<_>>().join(", ");
        let same = self.repeats(1);
        let alternating = self.repeats(2);
        if same >= 3 {
            return Sign::Stuck(format!("the same call of `{}` gave the same result {same} times", names()));
        }
        if alternating >= WINDOW {
            return Sign::Stuck(format!("the same two steps alternate, the last of them `{}`", names()));
        }
        if self.fruitless >= FRUITLESS {
            return Sign::Stuck(format!("no tool call of the last {} turns worked", self.fruitless));
        }
        if same == 2 || alternating >= 4 || self.fruitless == FRUITLESS - 1 {
            Sign::Circling
        } else {
            Sign::Moving
        }
    }

    /// How many turns at the end equal the one `period` before them, the first period counted in.
    fn repeats(&self, period: usize) -> usize {
        let newest_first: Vec<u64> = self.turns.iter().rev().copied().collect();
        let pairs = newest_first.iter().zip(newest_first.iter().skip(period));
        let equal = pairs.take_while(|(newer, older)| newer == older).count();
        if equal == 0 { 0 } else { equal + period }
    }
}

fn fingerprint(calls: &[Call], answers: &[Answer]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for call in calls {
        (&call.name, call.input.to_string()).hash(&mut hasher);
    }
    for answer in answers {
        answer.outcome.hash(&mut hasher);
    }
    hasher.finish()
}
