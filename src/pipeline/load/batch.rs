//! Landing a batch of pages in one transaction. What has not changed is not stored again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;

use super::{Landed, Landing, Tallies, fit};
use crate::artifact::RunId;
use crate::pipeline::normalize::{Row, Values};
use crate::pipeline::schema::{self, Cell, Column};
use crate::pipeline::store::{self, Gone, IN_LIST, LINEAGE, RAW, REJECTS, REQUESTS, json_list};
use crate::pipeline::warehouse::{At, Error, Warehouse, Writer, quoted};

/// Lands pages of any resources, in the order in which they came.
pub(super) fn land(warehouse: &Warehouse, run: &RunId, pages: Vec<Landing>) -> Result<Tallies, Error> {
    let mut by_resource: BTreeMap<Arc<str>, Vec<Landing>> = BTreeMap::new();
    for page in pages {
        by_resource.entry(Arc::clone(&page.listing.resource)).or_default().push(page);
    }
    let mut tallies = Tallies::new();
    if by_resource.is_empty() {
        return Ok(tallies);
    }
    warehouse.write(|writer| {
        let mut requests = Vec::new();
        for (resource, mut pages) in by_resource {
            let rows = last_of_each_key(&mut pages);
            let columns = fit::columns(writer, &resource, (&pages, &rows))?;
            let batch = Batch { writer, run, resource: &resource, pages: &pages, columns };
            let landed = batch.land(rows, &mut requests)?;
            tallies.insert(resource.to_string(), landed);
        }
        writer.append(At::own("requests"), &REQUESTS, &requests)
    })?;
    Ok(tallies)
}

/// The rows of pages, each with the index of its page. Of a key that came several times, the last.
fn last_of_each_key(pages: &mut [Landing]) -> Vec<(usize, Row)> {
    let mut place: HashMap<String, usize> = HashMap::new();
    let mut rows: Vec<Option<(usize, Row)>> = Vec::new();
    for (index, page) in pages.iter_mut().enumerate() {
        for row in std::mem::take(&mut page.rows) {
            let earlier = place.insert(row.key.clone(), rows.len());
            if let Some(earlier) = earlier.and_then(|earlier| rows.get_mut(earlier)) {
                *earlier = None;
            }
            rows.push(Some((index, row)));
        }
    }
    rows.into_iter().flatten().collect()
}

/// Pages of one resource, all of one origin.
struct Batch<'a> {
    writer: &'a Writer<'a>,
    run: &'a RunId,
    resource: &'a str,
    pages: &'a [Landing],
    columns: Vec<Column>,
}

impl Batch<'_> {
    fn land(&self, rows: Vec<(usize, Row)>, requests: &mut Vec<Vec<Cell>>) -> Result<Landed, Error> {
        let rows = self.changed(rows)?;
        let mut changed = vec![0; self.pages.len()];
        for (index, _) in &rows {
            if let Some(count) = changed.get_mut(*index) {
                *count += 1;
            }
        }
        let total = rows.len() as u64;
        let rejected = self.store(rows)?;
        requests.extend(self.pages.iter().zip(changed).map(|(page, changed)| self.request(page, changed)));
        let removed = self.finish()?;
        Ok(Landed { changed: total, removed, rejected })
    }

    /// The rows that the table does not have just so; what it has of their keys goes.
    fn changed(&self, rows: Vec<(usize, Row)>) -> Result<Vec<(usize, Row)>, Error> {
        let asked: Vec<_> =
            rows.iter().map(|(_, row)| row).filter(|row| !row.fresh).map(|row| row.key.as_str()).collect();
        if asked.is_empty() {
            return Ok(rows);
        }
        let table = quoted(self.resource);
        let sql = format!("SELECT _key, _hash, _parent FROM {table} WHERE _origin = ? AND _key IN {IN_LIST}");
        let found = self.writer.select(&sql, &[self.origin(), Cell::text(json_list(&asked))])?;
        let known: HashMap<&str, (Option<&str>, Option<&str>)> = found
            .iter()
            .filter_map(|row| {
                let text = |index: usize| row.get(index).and_then(Value::as_str);
                Some((text(0)?, (text(1), text(2))))
            })
            .collect();
        let is_known = |(index, row): &(usize, Row)| {
            let of = self.pages.get(*index).map(|page| parent(page, row));
            known.get(row.key.as_str()) == Some(&(Some(row.hash.as_str()), of))
        };
        let changed: Vec<_> = rows.into_iter().filter(|row| !is_known(row)).collect();
        let keys = changed.iter().map(|(_, row)| row.key.as_str());
        let gone: Vec<_> = keys.filter(|key| known.contains_key(*key)).collect();
        if !gone.is_empty() {
            let sql = format!("DELETE FROM {table} WHERE _origin = ? AND _key IN {IN_LIST}");
            self.writer.execute(&sql, &[self.origin(), Cell::text(json_list(&gone))])?;
        }
        Ok(changed)
    }

    /// Appends raw and current rows; returns how many values did not fit their column.
    fn store(&self, rows: Vec<(usize, Row)>) -> Result<u64, Error> {
        let mut rejects = Vec::new();
        let mut raw = Vec::with_capacity(rows.len());
        let mut current = Vec::with_capacity(rows.len());
        for (index, row) in rows {
            let Some(page) = self.pages.get(index) else { continue };
            let parent = Cell::text(parent(page, &row));
            let mut cells = self.cells(&row.key, row.values, &mut rejects);
            let (key, hash, at) = (Cell::Text(row.key), Cell::Text(row.hash), Cell::time(page.at));
            cells.extend([key.clone(), parent.clone(), hash.clone(), at.clone(), self.origin()]);
            current.push(cells);
            let (resource, run) = (Cell::text(self.resource), Cell::text(&self.run.0));
            raw.push(vec![self.origin(), resource, key, parent, hash, run, at, Cell::Text(row.body)]);
        }
        let names: Vec<_> = self.columns.iter().map(|column| column.name.as_str()).chain(LINEAGE).collect();
        self.writer.append(At::own("raw"), &RAW, &raw)?;
        self.writer.append(At::main(self.resource), &names, &current)?;
        self.writer.append(At::own("rejects"), &REJECTS, &rejects)?;
        Ok(rejects.len() as u64)
    }

    fn cells(&self, key: &str, values: Values, rejects: &mut Vec<Vec<Cell>>) -> Vec<Cell> {
        match values {
            Values::Declared(cells, misfits) => {
                for misfit in misfits {
                    let column = self.columns.get(misfit.column);
                    rejects.extend(column.map(|column| self.reject(key, column, &misfit.value)));
                }
                cells
            }
            Values::Inferred(values) => {
                let mut values: HashMap<String, Value> = values.into_iter().collect();
                let cell = |column: &Column| {
                    let value = values.remove(&column.name).unwrap_or(Value::Null);
                    schema::cell(value, column.kind).unwrap_or_else(|value| {
                        rejects.push(self.reject(key, column, &value));
                        Cell::Null
                    })
                };
                self.columns.iter().map(cell).collect()
            }
        }
    }

    fn reject(&self, key: &str, column: &Column, value: &Value) -> Vec<Cell> {
        vec![
            self.origin(),
            Cell::text(&self.run.0),
            Cell::text(self.resource),
            Cell::text(key),
            Cell::text(&column.name),
            Cell::text(format!("not a {}", column.kind.sql())),
            Cell::text(value.to_string()),
        ]
    }

    fn request(&self, page: &Landing, changed: usize) -> Vec<Cell> {
        vec![
            self.origin(),
            Cell::text(&self.run.0),
            Cell::text(self.resource),
            Cell::text(&page.target),
            Cell::Bigint(i64::from(page.status)),
            Cell::count(page.items as u64),
            Cell::count(changed as u64),
            store::optional(page.next.as_deref()),
            Cell::count(page.millis),
            Cell::time(page.at),
        ]
    }

    /// Writes where the listings stand; with a listing's last page, clears away what is gone at the source.
    fn finish(&self) -> Result<u64, Error> {
        let mut stands: BTreeMap<&str, &Landing> = BTreeMap::new();
        for page in self.pages.iter().filter(|page| !page.still) {
            stands.insert(&page.listing.parent, page);
            if let Some(known) = &page.known {
                store::set_page(self.writer, &page.listing, known)?;
            }
        }
        let stands: Vec<_> = stands.into_values().map(Landing::stand).collect();
        store::set_cursors(self.writer, &stands)?;
        let mut removed = 0;
        for page in self.pages.iter().filter(|page| !page.still) {
            let Some(end) = &page.end else { continue };
            store::keep_pages(self.writer, &page.listing, &end.targets)?;
            if let Some(keys) = &end.keys {
                let gone = Gone { run: self.run, at: page.at };
                removed += store::remove_others(self.writer, &page.listing, keys, gone)?;
            }
        }
        Ok(removed)
    }

    fn origin(&self) -> Cell {
        Cell::text(self.pages.first().map_or("", |page| &*page.listing.origin))
    }
}

/// Whose row it is: the item's own word, else the listing's.
fn parent<'a>(page: &'a Landing, row: &'a Row) -> &'a str {
    row.parent.as_deref().unwrap_or(&page.listing.parent)
}
