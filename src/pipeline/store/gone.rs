//! Rows that leave a table: because a newer version came, or because they are gone at the source.
//!
//! What a row leaves behind is the disposition's matter; raw keeps in any case that it went.

use super::super::schema::Cell;
use super::super::spec::{Disposition, Resource};
use super::super::warehouse::{Error, Warehouse, Writer, quoted};
use super::{ALL, IN_LIST, Listing, json_list};
use crate::artifact::RunId;

/// When rows went, and in which run it was seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gone<'a> {
    /// The run.
    pub(crate) run: &'a RunId,
    /// When.
    pub(crate) at: jiff::Timestamp,
}

/// Removes the rows of a listing, or of the one over all parents, whose keys are not among these; raw
/// keeps that they went.
pub(crate) fn remove_others(
    writer: &Writer<'_>,
    (resource, listing): (&Resource, &Listing),
    keys: &[String],
    gone: Gone<'_>,
) -> Result<u64, Error> {
    let (origin, keys) = (Cell::text(&*listing.origin), Cell::text(json_list(keys)));
    if listing.parent == ALL {
        let which = format!("_origin = ? AND _key NOT IN {IN_LIST}");
        return bury(writer, resource, &which, &[origin, keys], gone);
    }
    let which = format!("_origin = ? AND _parent = ? AND _key NOT IN {IN_LIST}");
    let cells = [origin, Cell::text(&listing.parent), keys];
    bury(writer, resource, &which, &cells, gone)
}

/// Removes the rows of parents that are not among these, and all that was known of their listings.
pub(crate) fn prune(
    warehouse: &Warehouse,
    (origin, resource): (&str, &Resource),
    parents: &[String],
    gone: Gone<'_>,
) -> Result<u64, Error> {
    let [origin, resource_cell, parents] =
        [Cell::text(origin), Cell::text(&resource.name), Cell::text(json_list(parents))];
    warehouse.write(|writer| {
        let which = format!("_origin = ? AND _parent NOT IN {IN_LIST}");
        let removed = bury(writer, resource, &which, &[origin.clone(), parents.clone()], gone)?;
        for state in ["cursors", "pages"] {
            let sql = format!(
                "DELETE FROM planwright.{state} WHERE origin = ? AND resource = ? AND parent <> '{ALL}' AND parent NOT IN {IN_LIST}"
            );
            writer.execute(&sql, &[origin.clone(), resource_cell.clone(), parents.clone()])?;
        }
        Ok(removed)
    })
}

/// Takes rows out of a resource's table, because newer versions of these keys come.
pub(crate) fn replace_rows(
    writer: &Writer<'_>,
    (origin, resource): (&Cell, &Resource),
    keys: &[&str],
    at: jiff::Timestamp,
) -> Result<(), Error> {
    if keys.is_empty() || resource.disposition == Disposition::Append {
        return Ok(());
    }
    let which = format!("_origin = ? AND _key IN {IN_LIST}");
    leave(writer, resource, (&which, &[origin.clone(), Cell::text(json_list(keys))]), at).map(drop)
}

/// Takes current rows out of a table, and says in raw that they went.
fn bury(
    writer: &Writer<'_>,
    resource: &Resource,
    which: &str,
    cells: &[Cell],
    gone: Gone<'_>,
) -> Result<u64, Error> {
    if resource.disposition == Disposition::Append {
        return Ok(0);
    }
    let (table, open) = (quoted(&resource.name), open(resource.disposition));
    let sql = format!(
        "INSERT INTO planwright.raw SELECT _origin, ?, _key, _parent, '', ?, ?, NULL, NULL FROM {table} \
         WHERE {open} AND {which}"
    );
    let mut told = vec![Cell::text(&resource.name), Cell::text(&gone.run.0), Cell::time(gone.at)];
    told.extend_from_slice(cells);
    if writer.execute(&sql, &told)? == 0 {
        return Ok(0);
    }
    leave(writer, resource, (which, cells), gone.at)
}

/// The condition on rows that they are how things are now.
pub(crate) const fn open(disposition: Disposition) -> &'static str {
    match disposition {
        Disposition::Scd2 => "_valid_to IS NULL",
        _ => "true",
    }
}

/// Takes rows out of a table, with what hangs below them, or says until when they held.
fn leave(
    writer: &Writer<'_>,
    resource: &Resource,
    (which, cells): (&str, &[Cell]),
    at: jiff::Timestamp,
) -> Result<u64, Error> {
    let (table, open) = (quoted(&resource.name), open(resource.disposition));
    if resource.disposition == Disposition::Scd2 {
        let mut told = vec![Cell::time(at)];
        told.extend_from_slice(cells);
        let sql = format!(
            "INSERT INTO {table} SELECT * REPLACE (?::TIMESTAMP AS _valid_to) FROM {table} WHERE {open} AND {which}"
        );
        writer.execute(&sql, &told)?;
    }
    for child in &resource.children {
        let child = quoted(&child.name);
        // A child's `_parent` is the key of the row that it hangs below, as `which` asks of the row itself.
        let sql = format!(
            "DELETE FROM {child} WHERE (_origin, _parent) IN (SELECT _origin, _key FROM {table} WHERE {which})"
        );
        writer.execute(&sql, cells)?;
    }
    writer.execute(&format!("DELETE FROM {table} WHERE {open} AND {which}"), cells)
}
