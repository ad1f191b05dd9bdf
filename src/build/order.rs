//! The order of a build: what comes after what, as a pure machine.
//!
//! `step` takes a state and what happened and gives the next state and what to do. It knows the
//! bound on rounds and when a build stopped converging; it knows nothing of git, models or files. The
//! state is what the journal keeps.

use serde::{Deserialize, Serialize};

/// Where a build stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// What is being done.
    pub phase: Phase,
    /// The round, from 1; 0 before the first.
    pub round: u32,
    /// Rounds allowed.
    pub bound: u32,
    /// What the last refused round is told: the cause of the round that runs now.
    pub because: Option<Cause>,
    /// Fingerprints of the blocking findings of the last review, sorted.
    pub findings: Vec<String>,
}

/// What is being done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The checks run before the work.
    Before,
    /// The implementer works.
    Implement,
    /// The checks run after the work.
    After,
    /// The frozen tree is reviewed.
    Review,
    /// The commit is made.
    Commit,
    /// The issue is told.
    Tell,
    /// All is done.
    Done,
    /// It was given up.
    Stopped(Stop),
}

/// Why another round is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The implementer changed nothing.
    NothingChanged,
    /// A check is not green.
    Checks,
    /// The review found something blocking.
    Findings,
}

/// Why a build was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// Every check was green before the work.
    NothingWasRed,
    /// The rounds ran out, and why the last one was refused.
    Rounds(Cause),
    /// Two reviews in a row found the same: it does not converge.
    SameFindings,
    /// Two rounds in a row changed nothing.
    NothingChanged,
    /// The implementer cannot go on: money, a refusal, a loop.
    Implementer(String),
    /// No review could be made.
    Unreviewed(String),
    /// The gate stayed closed for a reason that another round cannot mend.
    Gate(String),
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The checks ran before the work.
    CheckedBefore(Before),
    /// The implementer ended its round.
    Implemented(Work),
    /// The checks ran after the work; whether all are green.
    CheckedAfter(Colour),
    /// The review ended.
    Reviewed(Review),
    /// The commit lies on its branch.
    Committed,
    /// The issue was told.
    Told,
}

/// What the checks before the work allow to prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// At least one check is not green yet.
    SomethingToProve,
    /// No check can be executed: a person decides.
    NothingExecutable,
    /// Everything is green already.
    AllGreen,
}

/// How the implementer's round ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Something was changed.
    Changed,
    /// Nothing was changed.
    Unchanged,
    /// It cannot go on, and why.
    Cannot(String),
}

/// What the checks show together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// All are green.
    Green,
    /// At least one is not.
    Red,
}

/// How the review ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Review {
    /// The gate is open.
    Pass,
    /// It found blocking things; their fingerprints.
    Block(Vec<String>),
    /// It could not be made.
    Unreviewed(String),
    /// It passed and the gate is closed all the same.
    Closed(String),
}

impl State {
    /// A build that begins.
    pub const fn new(bound: u32) -> Self {
        Self { phase: Phase::Before, round: 0, bound, because: None, findings: Vec::new() }
    }

    /// Goes on after `event`. An event that does not belong to the phase changes nothing: it was
    /// answered before, in a run that was cut off.
    #[must_use]
    pub fn step(self, event: Event) -> Self {
        match (self.phase.clone(), event) {
            (Phase::Before, Event::CheckedBefore(Before::AllGreen)) => self.stopped(Stop::NothingWasRed),
            (Phase::Before, Event::CheckedBefore(_)) => Self { phase: Phase::Implement, round: 1, ..self },
            (Phase::Implement, Event::Implemented(Work::Changed)) => self.at(Phase::After),
            (Phase::Implement, Event::Implemented(Work::Unchanged)) => self.unchanged(),
            (Phase::Implement, Event::Implemented(Work::Cannot(why))) => self.stopped(Stop::Implementer(why)),
            (Phase::After, Event::CheckedAfter(Colour::Green)) => self.at(Phase::Review),
            (Phase::After, Event::CheckedAfter(Colour::Red)) => self.again(Cause::Checks),
            (Phase::Review, Event::Reviewed(review)) => self.reviewed(review),
            (Phase::Commit, Event::Committed) => self.at(Phase::Tell),
            (Phase::Tell, Event::Told) => self.at(Phase::Done),
            _ => self,
        }
    }

    /// Takes up a build again that was given up: one that could not be reviewed is reviewed, any other
    /// gets as many rounds again.
    #[must_use]
    pub fn resumed(self, bound: u32) -> Self {
        match self.phase.clone() {
            Phase::Stopped(Stop::NothingWasRed) => Self::new(bound),
            Phase::Stopped(Stop::Unreviewed(_) | Stop::Gate(_)) => self.at(Phase::After),
            Phase::Stopped(_) => Self {
                phase: Phase::Implement,
                bound: self.round + bound,
                round: self.round + 1,
                findings: Vec::new(),
                ..self
            },
            _ => self,
        }
    }

    fn reviewed(self, review: Review) -> Self {
        match review {
            Review::Pass => self.at(Phase::Commit),
            Review::Unreviewed(reason) => self.stopped(Stop::Unreviewed(reason)),
            Review::Closed(reason) => self.stopped(Stop::Gate(reason)),
            Review::Block(mut found) => {
                found.sort();
                found.dedup();
                if found == self.findings {
                    return self.stopped(Stop::SameFindings);
                }
                Self { findings: found, ..self }.again(Cause::Findings)
            }
        }
    }

    fn unchanged(self) -> Self {
        if self.because == Some(Cause::NothingChanged) {
            return self.stopped(Stop::NothingChanged);
        }
        self.again(Cause::NothingChanged)
    }

    fn again(self, cause: Cause) -> Self {
        if self.round >= self.bound {
            return self.stopped(Stop::Rounds(cause));
        }
        Self { phase: Phase::Implement, round: self.round + 1, because: Some(cause), ..self }
    }

    fn at(self, phase: Phase) -> Self {
        Self { phase, ..self }
    }

    fn stopped(self, stop: Stop) -> Self {
        self.at(Phase::Stopped(stop))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(bound: u32, events: &[Event]) -> State {
        events.iter().cloned().fold(State::new(bound), State::step)
    }

    fn red() -> Event {
        Event::CheckedBefore(Before::SomethingToProve)
    }

    fn round(review: Review) -> [Event; 3] {
        [Event::Implemented(Work::Changed), Event::CheckedAfter(Colour::Green), Event::Reviewed(review)]
    }

    fn block(what: &str) -> Review {
        Review::Block(vec![what.to_owned()])
    }

    #[test]
    fn the_straight_way_ends_done() {
        let mut events = vec![red()];
        events.extend(round(Review::Pass));
        events.extend([Event::Committed, Event::Told]);
        let state = after(3, &events);
        assert_eq!((state.phase, state.round), (Phase::Done, 1));
    }

    #[test]
    fn a_refused_review_brings_another_round_and_its_cause() {
        let mut events = vec![red()];
        events.extend(round(block("a")));
        let state = after(3, &events);
        assert_eq!(
            (state.phase.clone(), state.round, state.because),
            (Phase::Implement, 2, Some(Cause::Findings))
        );
        let state = round(Review::Pass).into_iter().fold(state, State::step);
        assert_eq!(state.phase, Phase::Commit);
    }

    #[test]
    fn every_way_that_cannot_end_well_stops() {
        let [changed, green, _] = round(Review::Pass);
        let unchanged = Event::Implemented(Work::Unchanged);
        let failing = [changed.clone(), Event::CheckedAfter(Colour::Red)];
        for (name, bound, events, stop) in [
            ("green before", 3, vec![Event::CheckedBefore(Before::AllGreen)], Stop::NothingWasRed),
            ("red for ever", 2, [&[red()][..], &failing, &failing].concat(), Stop::Rounds(Cause::Checks)),
            (
                "refused for ever",
                2,
                [&[red()][..], &round(block("a")), &round(block("b"))].concat(),
                Stop::Rounds(Cause::Findings),
            ),
            (
                "same twice",
                9,
                [&[red()][..], &round(block("a")), &round(block("a"))].concat(),
                Stop::SameFindings,
            ),
            ("idle", 9, vec![red(), unchanged.clone(), unchanged], Stop::NothingChanged),
            (
                "no money",
                9,
                vec![red(), Event::Implemented(Work::Cannot("no money".into()))],
                Stop::Implementer("no money".into()),
            ),
            (
                "529",
                9,
                [&[red()][..], &round(Review::Unreviewed("529".into()))].concat(),
                Stop::Unreviewed("529".into()),
            ),
            (
                "gate",
                9,
                vec![red(), changed, green, Event::Reviewed(Review::Closed("x".into()))],
                Stop::Gate("x".into()),
            ),
        ] {
            assert_eq!(after(bound, &events).phase, Phase::Stopped(stop), "{name}");
        }
    }

    #[test]
    fn an_event_out_of_turn_changes_nothing() {
        let state = after(3, &[red()]);
        for event in [
            Event::Committed,
            Event::Told,
            red(),
            Event::Reviewed(Review::Pass),
            Event::CheckedAfter(Colour::Green),
        ] {
            assert_eq!(state.clone().step(event), state);
        }
    }

    #[test]
    fn an_unreviewed_build_is_taken_up_at_its_checks_and_a_refused_one_gets_rounds_again() {
        let unreviewed = after(3, &[&[red()][..], &round(Review::Unreviewed("529".into()))].concat());
        assert_eq!(unreviewed.resumed(3).phase, Phase::After);
        let refused = after(1, &[&[red()][..], &round(block("a"))].concat()).resumed(2);
        assert_eq!((refused.phase, refused.round, refused.bound), (Phase::Implement, 2, 3));
    }
}
