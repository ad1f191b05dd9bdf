//! What can be worked on now, and in what order. Pure.
//!
//! An issue is ready when it is open and not built yet, none of its blockers is open, and no ancestor is
//! blocked: a blocked epic blocks its issues. An issue with sub-issues is a group, not work by itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::IssueNumber;

/// Ancestors looked at: GitHub allows eight levels.
const LEVELS: usize = 8;

/// An issue with its edges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its number.
    pub number: IssueNumber,
    /// Whether it is open.
    pub open: bool,
    /// Whether it is an epic or another issue that only groups.
    pub group: bool,
    /// The issue it is part of.
    pub parent: Option<IssueNumber>,
    /// Whether it is built already and only waits to be merged.
    pub built: bool,
    /// What must be closed first, and whether it still is open.
    pub blockers: Vec<Blocker>,
}

/// Something that must be closed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocker {
    /// Its number.
    pub number: IssueNumber,
    /// Whether it is still open.
    pub open: bool,
}

/// Where an issue stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "state", content = "by", rename_all = "snake_case")]
pub enum State {
    /// Closed.
    Done,
    /// Can be worked on now.
    Ready,
    /// Built: it waits for the person to merge it, and what it blocks waits with it.
    Built,
    /// Waits for these open issues.
    Blocked(Vec<IssueNumber>),
    /// A group that is still open.
    Open,
}

/// Where each issue stands, by number.
pub fn states(nodes: &[Node]) -> BTreeMap<IssueNumber, State> {
    let by_number: BTreeMap<IssueNumber, &Node> = nodes.iter().map(|node| (node.number, node)).collect();
    nodes.iter().map(|node| (node.number, state(node, &by_number))).collect()
}

fn state(node: &Node, nodes: &BTreeMap<IssueNumber, &Node>) -> State {
    if !node.open {
        return State::Done;
    }
    if node.built {
        return State::Built;
    }
    let mut by = BTreeSet::new();
    let mut at = Some(node);
    for _ in 0..LEVELS {
        let Some(here) = at else { break };
        by.extend(here.blockers.iter().filter(|blocker| blocker.open).map(|blocker| blocker.number));
        at = here.parent.and_then(|parent| nodes.get(&parent).copied());
    }
    match (by.is_empty(), node.group) {
        (false, _) => State::Blocked(by.into_iter().collect()),
        (true, true) => State::Open,
        (true, false) => State::Ready,
    }
}

/// The ready issues, the ones first that most work waits for: the longest chain of open issues
/// behind one, then the smaller number.
pub fn ready(nodes: &[Node]) -> Vec<IssueNumber> {
    let states = states(nodes);
    let waiting = waiting(nodes);
    let mut ready: Vec<IssueNumber> = nodes
        .iter()
        .map(|node| node.number)
        .filter(|number| states.get(number) == Some(&State::Ready))
        .collect();
    ready.sort_by_key(|number| (std::cmp::Reverse(behind(*number, &waiting)), *number));
    ready
}

/// For each issue the open issues that name it as a blocker.
fn waiting(nodes: &[Node]) -> BTreeMap<IssueNumber, Vec<IssueNumber>> {
    let mut waiting: BTreeMap<IssueNumber, Vec<IssueNumber>> = BTreeMap::new();
    for node in nodes.iter().filter(|node| node.open) {
        for blocker in &node.blockers {
            waiting.entry(blocker.number).or_default().push(node.number);
        }
    }
    waiting
}

/// The longest chain behind an issue. People can make circles on GitHub: each issue counts once.
fn behind(number: IssueNumber, waiting: &BTreeMap<IssueNumber, Vec<IssueNumber>>) -> usize {
    let mut depth = 0;
    let mut seen = BTreeSet::from([number]);
    let mut front = vec![number];
    loop {
        front = front
            .iter()
            .filter_map(|at| waiting.get(at))
            .flatten()
            .copied()
            .filter(|next| seen.insert(*next))
            .collect();
        if front.is_empty() {
            return depth;
        }
        depth += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `"11 epic"`, `"12 in 11"`, `"13 in 11 after 12"`, `"14 closed"`, `"15 built"`.
    fn nodes(lines: &[&str]) -> Vec<Node> {
        let number = |text: &str| text.parse::<IssueNumber>().unwrap();
        let closed: BTreeSet<&str> = lines
            .iter()
            .filter(|line| line.contains("closed"))
            .filter_map(|line| line.split(' ').next())
            .collect();
        let node = |line: &&str| {
            let words: Vec<&str> = line.split(' ').collect();
            let after = |word: &str| words.iter().position(|found| *found == word).map(|at| words[at + 1]);
            let blockers = words.iter().skip_while(|word| **word != "after").skip(1);
            Node {
                number: number(words[0]),
                open: !words.contains(&"closed"),
                group: words.contains(&"epic"),
                parent: after("in").map(number),
                built: words.contains(&"built"),
                blockers: blockers
                    .map(|word| Blocker { number: number(word), open: !closed.contains(word) })
                    .collect(),
            }
        };
        lines.iter().map(node).collect()
    }

    #[track_caller]
    fn check(lines: &[&str], expected: &[u64]) {
        let found: Vec<u64> = ready(&nodes(lines)).into_iter().map(|number| number.0).collect();
        assert_eq!(found, expected, "{lines:?}");
    }

    #[test]
    fn ready_is_open_with_no_open_blocker_and_no_blocked_ancestor() {
        check(&["11 epic", "12 in 11", "13 in 11 after 12"], &[12]);
        check(&["11 epic", "12 in 11 closed", "13 in 11 after 12"], &[13]);
        check(&["11 epic after 9", "9", "12 in 11"], &[9]);
        check(&["10 epic after 9", "9", "11 epic in 10", "12 in 11"], &[9]);
        check(&["12 after 99"], &[]);
        check(&["12 closed"], &[]);
        check(&["12 in 13", "13 epic in 12"], &[12]);
    }

    #[test]
    fn what_is_built_is_not_offered_again_and_goes_on_blocking() {
        check(&["12 built"], &[]);
        check(&["12 built", "13"], &[13]);
        check(&["12 built", "13 after 12", "14"], &[14]);
        check(&["12 built closed", "13 after 12"], &[13]);
        let states = states(&nodes(&["12 built", "13 after 12", "14 built closed", "15 built after 13"]));
        let states: Vec<_> = states.into_values().collect();
        let waits = State::Blocked(vec![IssueNumber(12)]);
        assert_eq!(states, [State::Built, waits, State::Done, State::Built]);
    }

    #[test]
    fn what_most_waits_for_comes_first_then_the_smaller_number() {
        check(&["1", "2", "3 after 2", "4 after 3", "5", "6 after 5"], &[2, 5, 1]);
        check(&["1 after 2", "2 after 1"], &[]);
    }
}
