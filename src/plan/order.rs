//! The order of a plan's issues: blockers before what they block, and how deep each lies.

use std::collections::BTreeMap;

use crate::artifact::Plan;

/// Issues by key that wait for one another in a circle, the first repeated at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle(pub Vec<String>);

/// The places of a plan's issues, blockers first; among equals the planner's order stays.
/// Unknown blockers do not count.
pub fn order(plan: &Plan) -> Result<Vec<usize>, Cycle> {
    let waves = waves(plan)?;
    let mut order: Vec<usize> = (0..plan.issues.len()).collect();
    order.sort_by_key(|&index| waves.get(index).copied().unwrap_or(0));
    Ok(order)
}

/// For each issue how many steps lie before it: 0 can begin at once.
pub fn waves(plan: &Plan) -> Result<Vec<usize>, Cycle> {
    let places: BTreeMap<&str, usize> =
        plan.issues.iter().enumerate().rev().map(|(index, issue)| (issue.key.as_str(), index)).collect();
    let blockers: Vec<Vec<usize>> = plan
        .issues
        .iter()
        .map(|issue| issue.blocked_by.iter().filter_map(|key| places.get(key.as_str()).copied()).collect())
        .collect();
    let mut waves: Vec<Option<usize>> = vec![None; plan.issues.len()];
    loop {
        let mut moved = false;
        for (index, blockers) in blockers.iter().enumerate() {
            let known: Option<Vec<usize>> =
                blockers.iter().map(|&blocker| waves.get(blocker).copied().flatten()).collect();
            if let (Some(slot @ None), Some(known)) = (waves.get_mut(index), known) {
                *slot = Some(known.iter().max().map_or(0, |deepest| deepest + 1));
                moved = true;
            }
        }
        if let Some(all) = waves.iter().copied().collect::<Option<Vec<_>>>() {
            return Ok(all);
        }
        if !moved {
            return Err(cycle(plan, &blockers, &waves));
        }
    }
}

/// Follows blockers that have no place from the first such issue until one comes again.
fn cycle(plan: &Plan, blockers: &[Vec<usize>], waves: &[Option<usize>]) -> Cycle {
    let stuck = |index: &usize| waves.get(*index).is_some_and(Option::is_none);
    let mut seen: Vec<usize> = Vec::new();
    let mut at = (0..waves.len()).find(stuck);
    while let Some(index) = at {
        if let Some(start) = seen.iter().position(|&old| old == index) {
            seen.drain(..start);
            seen.push(index);
            break;
        }
        seen.push(index);
        at = blockers.get(index).and_then(|blockers| blockers.iter().copied().find(stuck));
    }
    Cycle(seen.iter().filter_map(|&index| plan.issues.get(index)).map(|issue| issue.key.clone()).collect())
}
