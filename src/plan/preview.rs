//! What a person sees before publishing: the tree in working order, and what can begin at once.
//!
//! Plain data; drawing it is the terminal's work.

use serde::Serialize;

use super::lint::{Problem, lint};
use super::order::{Cycle, order, waves};
use crate::artifact::plan::{Criterion, Plan, Size};

/// A plan, ready to be drawn.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preview {
    /// The plan's id.
    pub plan: String,
    /// The epic's title.
    pub epic: String,
    /// The issues, blockers first.
    pub rows: Vec<Row>,
    /// What the lint says.
    pub problems: Vec<Problem>,
}

/// One issue of a preview.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Its key.
    pub key: String,
    /// Its title.
    pub title: String,
    /// How large it is.
    pub size: Size,
    /// Keys it waits for.
    pub after: Vec<String>,
    /// Steps before it; 0 can begin at once.
    pub wave: usize,
    /// Its acceptance criteria.
    pub acceptance: Vec<Criterion>,
    /// Whether it is what would be worked on first.
    pub next: bool,
}

/// The preview of a plan. Issues that wait for one another come last, in the planner's order.
pub fn preview(plan: &Plan) -> Preview {
    let order = order(plan).unwrap_or_else(|Cycle(_)| (0..plan.issues.len()).collect());
    let waves = waves(plan).unwrap_or_default();
    let first = first(plan, &order);
    let row = |index: usize| {
        let issue = plan.issues.get(index)?;
        Some(Row {
            key: issue.key.clone(),
            title: issue.title.clone(),
            size: issue.size,
            after: issue.blocked_by.clone(),
            wave: waves.get(index).copied().unwrap_or(0),
            acceptance: issue.acceptance.clone(),
            next: first == Some(index),
        })
    };
    Preview {
        plan: plan.id.clone(),
        epic: plan.epic.title.clone(),
        rows: order.iter().filter_map(|&index| row(index)).collect(),
        problems: lint(plan),
    }
}

/// The same choice that `ready` makes once the plan is published in this order.
fn first(plan: &Plan, order: &[usize]) -> Option<usize> {
    use super::ready::{Blocker, Node, ready};
    use crate::artifact::IssueNumber;
    let place =
        |key: &str| order.iter().position(|&index| plan.issues.get(index).is_some_and(|one| one.key == key));
    let number = |place: usize| IssueNumber(place as u64);
    let node = |(at, &index): (usize, &usize)| {
        let issue = plan.issues.get(index)?;
        let blockers = issue.blocked_by.iter().filter_map(|key| place(key));
        let blockers = blockers.map(|at| Blocker { number: number(at), open: true }).collect();
        Some(Node { number: number(at), open: true, group: false, parent: None, built: false, blockers })
    };
    let nodes: Vec<Node> = order.iter().enumerate().filter_map(node).collect();
    let first = ready(&nodes).first()?.0;
    order.get(usize::try_from(first).ok()?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::example;

    #[test]
    fn blockers_come_first_and_the_next_one_is_marked() {
        let mut plan = example::plan();
        plan.issues.reverse();
        let preview = preview(&plan);
        let rows: Vec<_> = preview.rows.iter().map(|row| (row.key.as_str(), row.wave, row.next)).collect();
        assert_eq!(rows, [("cassette", 0, true), ("land-issues", 1, false), ("count-labels", 2, false)]);
        assert_eq!(preview.problems, []);
    }

    #[test]
    fn a_circle_is_shown_all_the_same() {
        let mut plan = example::plan();
        plan.issues[0].blocked_by = vec!["count-labels".to_owned()];
        let preview = preview(&plan);
        assert_eq!(preview.rows.len(), 3);
        assert_eq!(preview.problems.len(), 1);
        assert!(preview.rows.iter().all(|row| !row.next));
    }
}
