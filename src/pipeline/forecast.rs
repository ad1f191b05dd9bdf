//! How many requests an extraction will make at least, before it makes any.
//!
//! What is known of a listing stands in the warehouse: its rows, where it stands, whether its parents
//! were touched. What was never read is guessed from what the caller expects, and every figure says
//! whether it is about right or a lower bound. The judgement is pure; [`read`] gathers the facts.

use serde::Serialize;

use super::extract;
use super::schema::Cell;
use super::spec::{Resource, Spec};
use super::warehouse::{self, Warehouse, quoted};

/// What one resource will take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// The resource.
    pub name: String,
    /// Requests.
    pub requests: u64,
    /// How good the figure is.
    pub bound: Bound,
}

/// How good a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// It will be about this.
    About,
    /// It will be this or more: how much more is not known before it is read.
    AtLeast,
}

/// What the warehouse knows of a resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts {
    /// Rows in its table.
    pub rows: u64,
    /// Listings that were read to their end.
    pub ended: u64,
    /// Parents that it is listed for, if they are known.
    pub parents: Option<u64>,
    /// Those of them that are to be asked.
    pub due: u64,
}

/// What the warehouse knows.
#[derive(Debug, Clone, Default)]
pub struct Known<'s> {
    /// Each wanted resource, in the spec's order.
    pub resources: Vec<(&'s Resource, Facts)>,
    /// Milliseconds that a page took on average, where one was read.
    pub millis: Option<u64>,
}

/// Reads what the warehouse knows; without a warehouse that is nothing.
pub fn read<'s>(
    warehouse: Option<&Warehouse>,
    spec: &'s Spec,
    options: &extract::Options,
) -> Result<Known<'s>, extract::Error> {
    let wanted = extract::wanted(spec, &options.only)?;
    let Some(warehouse) = warehouse else {
        let resources = wanted.into_iter().map(|resource| (resource, Facts::default())).collect();
        return Ok(Known { resources, millis: None });
    };
    let tables = warehouse.select("SELECT table_name FROM duckdb_tables()", &[])?;
    let there = |name: &str| tables.iter().flatten().any(|table| table.as_str() == Some(name));
    let with_facts = |resource| Ok((resource, facts(warehouse, (spec, resource), options, &there)?));
    let resources = wanted.into_iter().map(with_facts).collect::<Result<_, warehouse::Error>>()?;
    let millis = "SELECT avg(millis)::BIGINT FROM (SELECT millis FROM planwright.requests
        WHERE origin = ? AND status = 200 ORDER BY rowid DESC LIMIT 1000)";
    let origin = [Cell::text(&options.origin)];
    let millis = if there("requests") { number(warehouse, millis, &origin)? } else { None };
    Ok(Known { resources, millis })
}

fn facts(
    warehouse: &Warehouse,
    (spec, resource): (&Spec, &Resource),
    options: &extract::Options,
    there: &impl Fn(&str) -> bool,
) -> Result<Facts, warehouse::Error> {
    let (origin, name) = (Cell::text(&options.origin), Cell::text(&resource.name));
    let mut facts = Facts::default();
    if there(&resource.name) && there("cursors") {
        let rows = format!("SELECT count(*) FROM {} WHERE _origin = ?", quoted(&resource.name));
        facts.rows = number(warehouse, &rows, std::slice::from_ref(&origin))?.unwrap_or(0);
        let ended = "SELECT count(*) FROM planwright.cursors
            WHERE origin = ? AND resource = ? AND ended_at IS NOT NULL";
        facts.ended = number(warehouse, ended, &[origin.clone(), name.clone()])?.unwrap_or(0);
    }
    let parent = resource.parent.as_deref().filter(|parent| there(parent) && there("cursors"));
    let touched = resource.touched.as_ref().is_none_or(|touched| there(&touched.by));
    if let Some(parent) = parent.filter(|_| touched) {
        let sql = format!(
            "SELECT count(*) FILTER (WHERE {}), count(*) FROM {} WHERE _origin = ? AND ({}) AND {}",
            // What is due only because time went by is left out: a forecast is a lower bound.
            extract::due(resource, &options.origin, jiff::Timestamp::UNIX_EPOCH),
            quoted(parent),
            resource.only_if.as_deref().unwrap_or("true"),
            extract::within(warehouse, spec, parent, options)?,
        );
        warehouse.check_select(&sql)?;
        let rows = warehouse.select(&sql, std::slice::from_ref(&origin))?;
        let count = |index: usize| rows.first()?.get(index)?.as_u64();
        (facts.due, facts.parents) = (count(0).unwrap_or(0), count(1));
    }
    Ok(facts)
}

/// Requests that these resources will take, where each was read before; of a warehouse that is prepared for
/// them.
pub(super) fn ahead<'r>(
    (warehouse, spec): (&Warehouse, &Spec),
    resources: impl Iterator<Item = &'r Resource>,
    options: &extract::Options,
) -> Result<Option<u64>, warehouse::Error> {
    let mut requests = 0;
    for resource in resources {
        let facts = facts(warehouse, (spec, resource), options, &|_| true)?;
        if facts.ended == 0 && facts.parents != Some(0) {
            return Ok(None);
        }
        requests += forecast(resource, facts, options, None).requests;
    }
    Ok(Some(requests))
}

fn number(warehouse: &Warehouse, sql: &str, cells: &[Cell]) -> Result<Option<u64>, warehouse::Error> {
    Ok(warehouse.select(sql, cells)?.first().and_then(|row| row.first()?.as_u64()))
}

/// What a resource will take. `expected` is how many rows there are at least, where somebody knows.
pub fn forecast(
    resource: &Resource,
    facts: Facts,
    options: &extract::Options,
    expected: Option<u64>,
) -> Forecast {
    let never = facts.ended == 0;
    let rows = if never || options.full { facts.rows.max(expected.unwrap_or(0)) } else { facts.rows };
    let pages = rows.div_ceil(per_page(resource));
    let over_all = resource.account.is_some() && options.choice.is_everything();
    let chosen = options.choice.names().count() as u64;
    let (requests, bound) = if resource.parent.is_none() {
        let exact = if expected.is_some() || !never { Bound::About } else { Bound::AtLeast };
        match resource.chosen {
            Some(_) if !options.choice.is_listed() => (chosen, Bound::About),
            Some(_) => (pages.max(1) + chosen, exact),
            None => (pages.max(1), exact),
        }
    } else if over_all {
        let all = if never || options.full { pages.max(1) } else { 1 };
        (all, Bound::AtLeast)
    } else if let Some(graphql) = &resource.graphql {
        let due = if options.full { facts.parents.unwrap_or(0) } else { facts.due };
        (due.div_ceil(graphql.batch.max(1) as u64), Bound::AtLeast)
    } else if options.full || (never && resource.touched.is_none()) {
        (pages.max(facts.parents.unwrap_or(chosen)), Bound::AtLeast)
    } else if resource.touched.is_some() {
        (facts.due, Bound::AtLeast)
    } else if resource.incremental.is_some() {
        (facts.parents.unwrap_or(0), Bound::AtLeast)
    } else {
        (pages.max(facts.parents.unwrap_or(0)), Bound::About)
    };
    Forecast { name: resource.name.clone(), requests, bound }
}

/// How many items a page holds; GitHub's default where the spec does not say.
fn per_page(resource: &Resource) -> u64 {
    let said = resource.query.iter().find(|(name, _)| name == "per_page");
    said.and_then(|(_, value)| value.parse().ok()).filter(|size| *size > 0).unwrap_or(30)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::choice::Choice;

    const SPEC: &str = r#"
        source = "github"
        resources = [
            { name = "repos", path = "/user/repos", chosen = "/repos/{full_name}", key = ["id"], query = { per_page = 100 } },
            { name = "labels", path = "/{id}/l", parent = "repos", key = ["id"] },
            { name = "issues", path = "/{id}/i", parent = "repos", key = ["id"], query = { per_page = 100 }, incremental = { field = "updated_at", parameter = "since", start = "2008" }, account = { path = "/issues", parent = "repository.id" } },
            { name = "comments", path = "/{id}/c", parent = "repos", key = ["id"], touched = { by = "issues", column = "repo_id" } },
        ]
    "#;

    /// Rows, listings that ended, parents, those that are due, and rows that somebody expects.
    type Known = (u64, u64, Option<u64>, u64, Option<u64>);

    fn check(name: &str, options: &extract::Options, known: Known, expected: (u64, Bound)) {
        let spec = Spec::parse("p", SPEC).unwrap();
        let (rows, ended, parents, due, said) = known;
        let facts = Facts { rows, ended, parents, due };
        let found = forecast(spec.resource(name).unwrap(), facts, options, said);
        assert_eq!((found.requests, found.bound), expected, "{name} {known:?}");
    }

    #[test]
    fn a_first_sync_is_judged_by_what_is_expected() {
        let first = extract::Options::default();
        check("repos", &first, (0, 0, None, 0, Some(250)), (3, Bound::About));
        check("repos", &first, (0, 0, None, 0, None), (1, Bound::AtLeast));
        check("issues", &first, (0, 0, None, 0, Some(1_234)), (13, Bound::AtLeast));
        check("comments", &first, (0, 0, None, 0, None), (0, Bound::AtLeast));
        let names = vec!["a/b".to_owned(), "a/c".to_owned()];
        let chosen = extract::Options { choice: Choice::only(names, &[]).unwrap(), ..first };
        check("repos", &chosen, (0, 0, None, 0, Some(250)), (2, Bound::About));
        check("issues", &chosen, (0, 0, None, 0, None), (2, Bound::AtLeast));
    }

    #[test]
    fn a_later_sync_is_judged_by_what_the_warehouse_holds() {
        let later = extract::Options::default();
        check("repos", &later, (250, 1, None, 0, Some(251)), (3, Bound::About));
        check("issues", &later, (9_000, 1, Some(250), 250, Some(1_234)), (1, Bound::AtLeast));
        check("comments", &later, (40_000, 80, Some(80), 0, None), (0, Bound::AtLeast));
        check("comments", &later, (40_000, 80, Some(82), 2, None), (2, Bound::AtLeast));
        check("labels", &later, (600, 250, Some(250), 250, None), (250, Bound::About));
        let full = extract::Options { full: true, ..later };
        check("issues", &full, (9_000, 1, Some(250), 250, Some(1_234)), (90, Bound::AtLeast));
        check("comments", &full, (40_000, 80, Some(80), 0, None), (1_334, Bound::AtLeast));
    }
}
