//! Landing a batch of pages in one transaction. What has not changed is not stored again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::{Landed, Landing, Tallies, fit};
use crate::artifact::RunId;
use crate::pipeline::normalize::{Refusal, Row, Values};
use crate::pipeline::schema::{self, Cell, Column};
use crate::pipeline::spec::{Disposition, Resource};
use crate::pipeline::store::{self, Gone, IN_LIST, RAW, REJECTS, REQUESTS, json_list};
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
            let Some(shape) = pages.first().map(|page| Arc::clone(&page.shape)) else { continue };
            let batch = Batch { writer, run, resource: shape.resource(), pages: &pages, columns };
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
    resource: &'a Resource,
    pages: &'a [Landing],
    columns: Vec<Column>,
}

impl Batch<'_> {
    fn land(&self, rows: Vec<(usize, Row)>, requests: &mut Vec<Vec<Cell>>) -> Result<Landed, Error> {
        let (refused, rows) = rows.into_iter().partition(|(_, row): &(usize, Row)| row.refused.is_some());
        let refused = self.unknown(refused)?;
        let rows = self.changed(rows)?;
        let mut changed = vec![0; self.pages.len()];
        for (index, _) in &rows {
            if let Some(count) = changed.get_mut(*index) {
                *count += 1;
            }
        }
        let total = rows.len() as u64;
        let rejected = self.store(rows, refused)?;
        requests.extend(self.pages.iter().zip(changed).map(|(page, changed)| self.request(page, changed)));
        let removed = self.finish()?;
        Ok(Landed { changed: total, removed, rejected })
    }

    /// The refused rows that raw does not have just so.
    fn unknown(&self, rows: Vec<(usize, Row)>) -> Result<Vec<(usize, Row)>, Error> {
        if rows.is_empty() {
            return Ok(rows);
        }
        let keys: Vec<_> = rows.iter().map(|(_, row)| row.key.as_str()).collect();
        let sql = format!(
            "SELECT DISTINCT key, hash FROM planwright.raw WHERE origin = ? AND resource = ? AND key IN {IN_LIST}"
        );
        let cells = [self.origin(), Cell::text(&self.resource.name), Cell::text(json_list(&keys))];
        let found = self.writer.select(&sql, &cells)?;
        let text = |row: &[Value], index: usize| row.get(index).and_then(Value::as_str).map(str::to_owned);
        let known: HashSet<_> = found.iter().filter_map(|row| Some((text(row, 0)?, text(row, 1)?))).collect();
        Ok(rows
            .into_iter()
            .filter(|(_, row)| !known.contains(&(row.key.clone(), row.hash.clone())))
            .collect())
    }

    /// The rows that the table does not have just so; what it has of their keys gives way.
    fn changed(&self, rows: Vec<(usize, Row)>) -> Result<Vec<(usize, Row)>, Error> {
        let asked: Vec<_> =
            rows.iter().map(|(_, row)| row).filter(|row| !row.fresh).map(|row| row.key.as_str()).collect();
        if asked.is_empty() {
            return Ok(rows);
        }
        let table = quoted(&self.resource.name);
        let latest = match self.resource.disposition {
            Disposition::Append => {
                "QUALIFY row_number() OVER (PARTITION BY _key ORDER BY _fetched_at DESC, rowid DESC) = 1"
            }
            _ => "",
        };
        let sql = format!(
            "SELECT _key, _hash, _parent FROM {table} WHERE {} AND _origin = ? AND _key IN {IN_LIST} {latest}",
            store::open(self.resource.disposition)
        );
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
        let older: Vec<_> = keys.filter(|key| known.contains_key(*key)).collect();
        store::replace_rows(self.writer, (&self.origin(), self.resource), &older, self.at())?;
        Ok(changed)
    }

    /// Appends raw and current rows; returns how many values and rows did not fit.
    fn store(&self, rows: Vec<(usize, Row)>, refused: Vec<(usize, Row)>) -> Result<u64, Error> {
        let mut rejects = Vec::new();
        let mut raw = Vec::with_capacity(rows.len() + refused.len());
        let mut current = Vec::with_capacity(rows.len());
        let mut children: Vec<Vec<Vec<Cell>>> = vec![Vec::new(); self.resource.children.len()];
        for (index, mut row) in rows {
            let Some(page) = self.pages.get(index) else { continue };
            let parent = Cell::text(parent(page, &row));
            let values = std::mem::replace(&mut row.values, Values::Declared(Vec::new(), Vec::new()));
            let mut cells = self.cells(&row.key, values, &mut rejects);
            let (key, hash, at) = (Cell::text(&row.key), Cell::text(&row.hash), Cell::time(page.at));
            for (own, theirs) in children.iter_mut().zip(std::mem::take(&mut row.children)) {
                rejects.extend(theirs.misfits.iter().map(|(column, value)| {
                    self.reject(&row.key, (column, "does not fit its column"), value.to_string())
                }));
                for (index, mut cells) in theirs.rows.into_iter().enumerate() {
                    let place = Cell::text(format!("{}/{}", row.key, index + 1));
                    cells.extend([place, key.clone(), hash.clone(), at.clone(), self.origin()]);
                    own.push(cells);
                }
            }
            cells.extend([key, parent.clone(), hash, at, self.origin()]);
            if self.resource.disposition == Disposition::Scd2 {
                cells.extend([Cell::time(self.at()), Cell::Null]);
            }
            current.push(cells);
            raw.push(self.raw(page, row, parent));
        }
        for (index, row) in refused {
            let Some(page) = self.pages.get(index) else { continue };
            if let Some(Refusal { column, reason }) = &row.refused {
                rejects.push(self.reject(&row.key, (column, reason), row.body.clone()));
            }
            let parent = Cell::text(parent(page, &row));
            raw.push(self.raw(page, row, parent));
        }
        self.writer.append(At::own("raw"), &RAW, &raw)?;
        let lineage = store::lineage(self.resource.disposition);
        let names = named(&self.columns, lineage);
        self.writer.append(At::main(&self.resource.name), &names, &current)?;
        for (child, rows) in self.resource.children.iter().zip(children) {
            let columns = store::child_columns(child, &self.columns);
            let names = named(&columns, store::lineage(Disposition::Merge));
            self.writer.append(At::main(&child.name), &names, &rows)?;
        }
        self.writer.append(At::own("rejects"), &REJECTS, &rejects)?;
        Ok(rejects.len() as u64)
    }

    fn raw(&self, page: &Landing, row: Row, parent: Cell) -> Vec<Cell> {
        let place = if page.shape.is_placed() { Cell::count(row.place as u64) } else { Cell::Null };
        vec![
            self.origin(),
            Cell::text(&self.resource.name),
            Cell::Text(row.key),
            parent,
            Cell::Text(row.hash),
            Cell::text(&self.run.0),
            Cell::time(page.at),
            Cell::Text(row.body),
            place,
        ]
    }

    fn cells(&self, key: &str, values: Values, rejects: &mut Vec<Vec<Cell>>) -> Vec<Cell> {
        let misfit = |column: &Column, value: &Value| {
            let reason = format!("not a {}", column.kind.sql());
            self.reject(key, (&column.name, &reason), value.to_string())
        };
        match values {
            Values::Declared(cells, misfits) => {
                for found in misfits {
                    let column = self.columns.get(found.column);
                    rejects.extend(column.map(|column| misfit(column, &found.value)));
                }
                cells
            }
            Values::Inferred(values, misfits) => {
                let mut values: HashMap<String, Value> = values.into_iter().collect();
                for (name, value) in &misfits {
                    let column = self.columns.iter().find(|column| column.name == *name);
                    rejects.extend(column.map(|column| misfit(column, value)));
                }
                let cell = |column: &Column| {
                    let value = values.remove(&column.name).unwrap_or(Value::Null);
                    schema::cell(value, column.kind).unwrap_or_else(|value| {
                        rejects.push(misfit(column, &value));
                        Cell::Null
                    })
                };
                self.columns.iter().map(cell).collect()
            }
        }
    }

    fn reject(&self, key: &str, (column, reason): (&str, &str), value: String) -> Vec<Cell> {
        vec![
            self.origin(),
            Cell::text(&self.run.0),
            Cell::text(&self.resource.name),
            Cell::text(key),
            Cell::text(column),
            Cell::text(reason),
            Cell::Text(value),
        ]
    }

    fn request(&self, page: &Landing, changed: usize) -> Vec<Cell> {
        vec![
            self.origin(),
            Cell::text(&self.run.0),
            Cell::text(&self.resource.name),
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
                let of = (self.resource, &page.listing);
                removed += store::remove_others(self.writer, of, keys, gone)?;
            }
        }
        Ok(removed)
    }

    /// When its rows take the place of older ones.
    fn at(&self) -> jiff::Timestamp {
        self.pages.last().map_or(jiff::Timestamp::UNIX_EPOCH, |page| page.at)
    }

    fn origin(&self) -> Cell {
        Cell::text(self.pages.first().map_or("", |page| &*page.listing.origin))
    }
}

fn named<'a>(columns: &'a [Column], lineage: &[&'a str]) -> Vec<&'a str> {
    columns.iter().map(|column| column.name.as_str()).chain(lineage.iter().copied()).collect()
}

/// Whose row it is: the item's own word, else the listing's.
fn parent<'a>(page: &'a Landing, row: &'a Row) -> &'a str {
    row.parent.as_deref().unwrap_or(&page.listing.parent)
}
