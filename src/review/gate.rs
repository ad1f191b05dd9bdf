//! The gate: evidence before, evidence after and a verdict decide whether a tree may be committed. Pure.
//!
//! Everything must be about the same tree. The gate opens for the tree it was asked about and for no
//! other, and when it stays closed it says every reason, not the first.

use std::fmt;

use crate::artifact::evidence::{Attempt, Outcome, Shown};
use crate::artifact::verdict::{Decision, Severity};
use crate::artifact::{Evidence, TreeId, Verdict};

/// Whether the commit may happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Gate {
    /// It may.
    Open,
    /// It may not, for all these reasons.
    Closed(Vec<Reason>),
}

/// Why a commit may not happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// Every check was green before the work, so that green afterwards proves nothing.
    NothingWasRed,
    /// A check is not green after the work.
    NotGreen {
        /// The criterion in words.
        criterion: String,
        /// What the check showed.
        outcome: Outcome,
    },
    /// Something tried to reach the network that did not do so before the work.
    Network(Attempt),
    /// The checks looked at another tree.
    EvidenceOfAnotherTree(Option<TreeId>),
    /// The review looked at another tree.
    VerdictOfAnotherTree(TreeId),
    /// The review found something that must be mended.
    Blocked(usize),
    /// No review could be made.
    Unreviewed(String),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingWasRed => f.write_str("every check was green before the work"),
            Self::NotGreen { criterion, outcome: Outcome::NotRun(why) } => {
                write!(f, "`{criterion}` could not be checked: {why}")
            }
            Self::NotGreen { criterion, .. } => write!(f, "`{criterion}` is red"),
            Self::Network(Attempt { host, port: Some(port), by }) => {
                write!(f, "`{by}` tried to reach {host}:{port}")
            }
            Self::Network(Attempt { host, port: None, by }) => write!(f, "`{by}` tried to reach {host}"),
            Self::EvidenceOfAnotherTree(Some(tree)) => write!(f, "the checks looked at another tree, {tree}"),
            Self::EvidenceOfAnotherTree(None) => f.write_str("the checks looked at no frozen tree"),
            Self::VerdictOfAnotherTree(tree) => write!(f, "the review looked at another tree, {tree}"),
            Self::Blocked(1) => f.write_str("the review found 1 thing that must be mended"),
            Self::Blocked(count) => write!(f, "the review found {count} things that must be mended"),
            Self::Unreviewed(reason) => write!(f, "no review could be made: {reason}"),
        }
    }
}

/// Decides whether `tree` may be committed.
pub fn gate(tree: &TreeId, before: Option<&Evidence>, after: &Evidence, verdict: &Verdict) -> Gate {
    let mut reasons = Vec::new();
    if !proves(before, after) {
        reasons.push(Reason::NothingWasRed);
    }
    reasons.extend(after.tests.iter().chain(&after.checks).filter_map(not_green));
    reasons.extend(new_attempts(before, after).into_iter().map(Reason::Network));
    if after.tree.as_ref() != Some(tree) {
        reasons.push(Reason::EvidenceOfAnotherTree(after.tree.clone()));
    }
    if verdict.tree != *tree {
        reasons.push(Reason::VerdictOfAnotherTree(verdict.tree.clone()));
    }
    match &verdict.decision {
        Decision::Pass => {}
        Decision::Block => {
            let blocking = verdict.findings.iter().filter(|finding| finding.severity == Severity::Blocking);
            reasons.push(Reason::Blocked(blocking.count()));
        }
        Decision::Unreviewed(reason) => reasons.push(Reason::Unreviewed(reason.clone())),
    }
    if reasons.is_empty() { Gate::Open } else { Gate::Closed(reasons) }
}

/// Whether some executable check was not green before; nothing to prove where no check can be executed.
fn proves(before: Option<&Evidence>, after: &Evidence) -> bool {
    let executable = |shown: &&Shown| shown.check.is_executable();
    if !after.checks.iter().any(|shown| shown.check.is_executable()) {
        return true;
    }
    before.is_some_and(|before| {
        before.checks.iter().filter(executable).any(|shown| shown.outcome != Outcome::Green)
    })
}

fn not_green(shown: &Shown) -> Option<Reason> {
    let holds = matches!(shown.outcome, Outcome::Green | Outcome::Human);
    (!holds).then(|| Reason::NotGreen { criterion: shown.criterion.clone(), outcome: shown.outcome.clone() })
}

/// Attempts to reach the network that were not made before the work, each once.
pub fn new_attempts(before: Option<&Evidence>, after: &Evidence) -> Vec<Attempt> {
    let known: Vec<&Attempt> = before.into_iter().flat_map(Evidence::network).collect();
    let mut fresh: Vec<Attempt> = Vec::new();
    for attempt in after.network() {
        if !known.contains(&attempt) && !fresh.contains(attempt) {
            fresh.push(attempt.clone());
        }
    }
    fresh
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::plan::Check;

    fn tree(id: &str) -> TreeId {
        TreeId(id.to_owned())
    }

    fn shown(outcome: Outcome) -> Shown {
        let check = match outcome {
            Outcome::Human => Check::Human("taste".into()),
            _ => Check::Command("true".into()),
        };
        Shown {
            criterion: "it holds".into(),
            check,
            outcome,
            exit: None,
            output: String::new(),
            millis: 0,
            network: vec![],
        }
    }

    fn evidence(outcomes: &[Outcome]) -> Evidence {
        let checks = outcomes.iter().cloned().map(shown).collect();
        Evidence { version: 1, tree: Some(tree("t")), tests: None, checks }
    }

    fn verdict(decision: Decision) -> Verdict {
        Verdict {
            version: 1,
            tree: tree("t"),
            base: None,
            decision,
            findings: vec![],
            not_seen: vec![],
            reviewer: "m".into(),
            at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn only_red_before_green_after_and_a_pass_of_this_tree_open_it() {
        let (red, green) = (evidence(&[Outcome::Red]), evidence(&[Outcome::Green]));
        let pass = verdict(Decision::Pass);
        let ask = |before: Option<&Evidence>, after: &Evidence, verdict: &Verdict| {
            gate(&tree("t"), before, after, verdict)
        };
        assert_eq!(ask(Some(&red), &green, &pass), Gate::Open);
        assert_eq!(ask(Some(&green), &green, &pass), Gate::Closed(vec![Reason::NothingWasRed]));
        assert_eq!(ask(None, &green, &pass), Gate::Closed(vec![Reason::NothingWasRed]));
        assert!(matches!(ask(Some(&red), &red, &pass), Gate::Closed(_)));
        assert!(matches!(
            ask(Some(&red), &evidence(&[Outcome::NotRun("no".into())]), &pass),
            Gate::Closed(_)
        ));
        assert!(matches!(ask(Some(&red), &green, &verdict(Decision::Block)), Gate::Closed(_)));
        assert!(matches!(
            ask(Some(&red), &green, &verdict(Decision::Unreviewed("529".into()))),
            Gate::Closed(_)
        ));
    }

    #[test]
    fn a_verdict_or_evidence_of_another_tree_never_opens_it() {
        let (red, mut green) = (evidence(&[Outcome::Red]), evidence(&[Outcome::Green]));
        let pass = verdict(Decision::Pass);
        assert!(
            matches!(gate(&tree("other"), Some(&red), &green, &pass), Gate::Closed(reasons) if reasons.len() == 2)
        );
        green.tree = None;
        let closed = gate(&tree("t"), Some(&red), &green, &pass);
        assert_eq!(closed, Gate::Closed(vec![Reason::EvidenceOfAnotherTree(None)]));
    }

    #[test]
    fn where_only_a_person_can_decide_there_is_nothing_to_be_red() {
        let human = evidence(&[Outcome::Human]);
        assert_eq!(gate(&tree("t"), None, &human, &verdict(Decision::Pass)), Gate::Open);
    }

    #[test]
    fn a_new_network_attempt_closes_it_and_an_old_one_does_not() {
        let attempt = Attempt { host: "api.github.com".into(), port: Some(443), by: "tests/live.py".into() };
        let (mut before, mut after) = (evidence(&[Outcome::Red]), evidence(&[Outcome::Green]));
        after.checks[0].network = vec![attempt.clone(), attempt.clone()];
        let closed = gate(&tree("t"), Some(&before), &after, &verdict(Decision::Pass));
        assert_eq!(closed, Gate::Closed(vec![Reason::Network(attempt.clone())]));
        before.checks[0].network = vec![attempt];
        assert_eq!(gate(&tree("t"), Some(&before), &after, &verdict(Decision::Pass)), Gate::Open);
    }
}
