//! Where listings stand, and their pages as they were last seen.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::super::cursor::Cursor;
use super::super::schema::Cell;
use super::super::warehouse::{At, Error, Warehouse, Writer};
use super::{IN_LIST, json_list, optional};

/// Which listing a piece of state belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    /// Which GitHub or hub.
    pub(crate) origin: Arc<str>,
    /// The resource.
    pub(crate) resource: Arc<str>,
    /// The parent's key; empty where there is none.
    pub(crate) parent: String,
}

impl Listing {
    fn cells(&self) -> Vec<Cell> {
        vec![Cell::text(&*self.origin), Cell::text(&*self.resource), Cell::text(&self.parent)]
    }
}

const LISTING: &str = "origin = ? AND resource = ? AND parent = ?";

/// What is known of the listings of an origin: by resource, then by the parent's key.
pub(crate) type ByListing<T> = HashMap<String, HashMap<String, T>>;

/// Where all listings of an origin stand.
pub(crate) fn cursors(warehouse: &Warehouse, origin: &str) -> Result<ByListing<Cursor>, Error> {
    let sql = "SELECT resource, parent, since, next, probe, ended_at IS NOT NULL FROM planwright.cursors
        WHERE origin = ?";
    let mut cursors = ByListing::new();
    for row in warehouse.select(sql, &[Cell::text(origin)])? {
        let text = |index: usize| row.get(index).and_then(Value::as_str).map(str::to_owned);
        let (Some(resource), Some(parent)) = (text(0), text(1)) else { continue };
        let ended = row.get(5).and_then(Value::as_bool).unwrap_or(false);
        let cursor = Cursor { since: text(2), next: text(3), probe: text(4), newest: None, ended };
        cursors.entry(resource).or_default().insert(parent, cursor);
    }
    Ok(cursors)
}

/// Where a listing stands, to be written down.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stand<'a> {
    /// The listing.
    pub(crate) listing: &'a Listing,
    /// Where it stands.
    pub(crate) cursor: &'a Cursor,
    /// Since when.
    pub(crate) at: jiff::Timestamp,
}

/// Writes where listings of one resource stand.
pub(crate) fn set_cursors(writer: &Writer<'_>, stands: &[Stand<'_>]) -> Result<(), Error> {
    let Some(Stand { listing, .. }) = stands.first() else { return Ok(()) };
    let parents: Vec<_> = stands.iter().map(|stand| &stand.listing.parent).collect();
    let cells =
        [Cell::text(&*listing.origin), Cell::text(&*listing.resource), Cell::text(json_list(&parents))];
    let sql =
        format!("DELETE FROM planwright.cursors WHERE origin = ? AND resource = ? AND parent IN {IN_LIST}");
    writer.execute(&sql, &cells)?;
    let row = |stand: &Stand<'_>| {
        let mut cells = stand.listing.cells();
        let ended = if stand.cursor.ended { Cell::time(stand.at) } else { Cell::Null };
        let Cursor { since, next, probe, .. } = stand.cursor;
        cells.extend([since, next, probe].map(|text| optional(text.as_deref())));
        cells.extend([Cell::time(stand.at), ended]);
        cells
    };
    let rows: Vec<_> = stands.iter().map(row).collect();
    let columns = ["origin", "resource", "parent", "since", "next", "probe", "updated_at", "ended_at"];
    writer.append(At::own("cursors"), &columns, &rows)
}

/// A page as it was last seen, with the tag by which the source can say that it has not changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownPage {
    /// The request it answers.
    pub(crate) target: String,
    /// Its tag.
    pub(crate) etag: String,
    /// The link to the page after it.
    pub(crate) next: Option<String>,
    /// The keys of its rows, in order.
    pub(crate) keys: Vec<String>,
}

/// The pages of all listings of an origin as they were last seen.
pub(crate) fn known_pages(warehouse: &Warehouse, origin: &str) -> Result<ByListing<Vec<KnownPage>>, Error> {
    let sql =
        "SELECT resource, parent, target, etag, next, keys::VARCHAR FROM planwright.pages WHERE origin = ?";
    let mut pages: ByListing<Vec<KnownPage>> = ByListing::new();
    for row in warehouse.select(sql, &[Cell::text(origin)])? {
        let text = |index: usize| row.get(index).and_then(Value::as_str).map(str::to_owned);
        let (Some(resource), Some(parent)) = (text(0), text(1)) else { continue };
        let (Some(target), Some(etag)) = (text(2), text(3)) else { continue };
        let keys = text(5).and_then(|keys| serde_json::from_str(&keys).ok()).unwrap_or_default();
        let page = KnownPage { target, etag, next: text(4), keys };
        pages.entry(resource).or_default().entry(parent).or_default().push(page);
    }
    Ok(pages)
}

/// Remembers a page.
pub(crate) fn set_page(writer: &Writer<'_>, listing: &Listing, page: &KnownPage) -> Result<(), Error> {
    let mut cells = listing.cells();
    cells.push(Cell::text(&page.target));
    writer.execute(&format!("DELETE FROM planwright.pages WHERE {LISTING} AND target = ?"), &cells)?;
    cells.extend([Cell::text(&page.etag), optional(page.next.as_deref()), Cell::text(json_list(&page.keys))]);
    writer.execute("INSERT INTO planwright.pages VALUES (?, ?, ?, ?, ?, ?, ?)", &cells)?;
    Ok(())
}

/// Forgets all pages of a listing but these.
pub(crate) fn keep_pages(writer: &Writer<'_>, listing: &Listing, targets: &[String]) -> Result<(), Error> {
    let mut cells = listing.cells();
    cells.push(Cell::text(json_list(targets)));
    writer.execute(
        &format!("DELETE FROM planwright.pages WHERE {LISTING} AND target NOT IN {IN_LIST}"),
        &cells,
    )?;
    Ok(())
}
