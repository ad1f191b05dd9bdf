//! Adding up: pure.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Entry;
use crate::artifact::Usd;
use crate::config::Role;
use crate::model::Usage;

/// What several turns came to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Total {
    /// Model turns.
    pub turns: u32,
    /// Tokens.
    pub usage: Usage,
    /// Money; `None` as soon as one turn's cost is unknown.
    pub cost: Option<Usd>,
    /// Time spent waiting for models.
    pub millis: u64,
}

impl Default for Total {
    fn default() -> Self {
        Self { turns: 0, usage: Usage::default(), cost: Some(Usd(0.0)), millis: 0 }
    }
}

impl Total {
    fn add(&mut self, entry: &Entry) {
        self.turns += 1;
        self.usage = self.usage.plus(entry.usage);
        self.cost = self.cost.zip(entry.cost).map(|(total, cost)| total + cost);
        self.millis += entry.millis;
    }
}

/// Totals for each role and model, in the order of the roles. Lines that close a run count for nothing.
pub fn totals(entries: &[Entry]) -> BTreeMap<(Role, String), Total> {
    let mut totals = BTreeMap::new();
    for entry in entries {
        if let (Some(role), Some(model)) = (entry.role, &entry.model) {
            totals.entry((role, model.clone())).or_insert_with(Total::default).add(entry);
        }
    }
    totals
}

/// One total over all model turns.
pub fn sum<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Total {
    let mut total = Total::default();
    entries.into_iter().filter(|entry| entry.role.is_some()).for_each(|entry| total.add(entry));
    total
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::artifact::RunId;

    pub(in crate::ledger) fn entry(role: Role, cost: Option<f64>) -> Entry {
        Entry {
            run: RunId("20261122-114233-build-3f9a".to_owned()),
            at: "2026-11-22T11:42:33Z".parse().unwrap(),
            verb: "build".to_owned(),
            role: Some(role),
            model: Some("claude-sonnet-5-5".to_owned()),
            issue: None,
            turn: 1,
            usage: Usage { input: 10, output: 5, cache_write: 2, cache_read: 1 },
            cost: cost.map(Usd),
            millis: 100,
            outcome: "end_turn".to_owned(),
        }
    }

    #[test]
    fn one_unknown_cost_makes_the_sum_unknown_and_nothing_costs_nothing() {
        let known = [entry(Role::Planner, Some(0.5)), entry(Role::Planner, Some(0.25))];
        assert_eq!(sum(&known).cost, Some(Usd(0.75)));
        let unknown = [entry(Role::Planner, Some(0.5)), entry(Role::Planner, None)];
        assert_eq!(sum(&unknown).cost, None);
        assert_eq!(sum(&[]).cost, Some(Usd(0.0)));
    }

    #[test]
    fn roles_are_told_apart() {
        let both =
            [entry(Role::Planner, None), entry(Role::Reviewer, Some(1.0)), entry(Role::Reviewer, Some(1.0))];
        let totals = totals(&both);
        let reviewer = &totals[&(Role::Reviewer, "claude-sonnet-5-5".to_owned())];
        assert_eq!((reviewer.turns, reviewer.cost, reviewer.usage.input), (2, Some(Usd(2.0)), 20));
        assert_eq!(totals.len(), 2);
    }

    #[test]
    fn the_line_that_closes_a_run_is_no_turn() {
        let mut closing = entry(Role::Planner, None);
        closing.role = None;
        assert_eq!(sum(&[closing]), Total::default());
    }
}
