//! Comparing what is held with what the source counts, and reading a listing whole where they differ.
//!
//! No time moves when a row is deleted or taken elsewhere, so a listing that is read from a time on never
//! tells of it; counts do. They are asked for only after something changed, a hundred parents with one
//! question. A listing whose count differs is read whole once, and rows that are gone leave a tombstone. A
//! difference that stays is remembered and not looked into again. Where the source does not count, nothing is
//! compared, and nothing is called compared.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::listing::fetch;
use super::parents::{Known, Which};
use super::{Error, Extraction, Shared, Work, question};
use crate::pipeline::cursor::Cursor;
use crate::pipeline::outcome::Counted;
use crate::pipeline::schema::Cell;
use crate::pipeline::source::{PageRequest, Source, Target};
use crate::pipeline::spec::{Resource, Total};
use crate::pipeline::store;
use crate::pipeline::warehouse::quoted;

/// Objects in one question: as many as GitHub takes.
const BATCH: usize = 100;

/// One parent, and how many rows of it are held.
struct Held {
    key: String,
    id: String,
    rows: u64,
}

impl<S: Source> Extraction<'_, S> {
    /// Compares, sweeps where the counts differ, and compares again.
    pub(super) async fn compare(
        &self,
        work: &mut Work<'_>,
        known: &mut Known,
        shared: &Shared,
    ) -> Result<(), Error> {
        let resource = work.resource;
        let (Some(total), Some(parent)) = (&resource.total, &resource.parent) else { return Ok(()) };
        if !self.options.count
            || !self.options.choice.is_everything()
            || known.recent.contains_key(&resource.name)
        {
            return Ok(());
        }
        let held = self.held(resource, (total, parent))?;
        let Some(totals) = self.totals(work, (total, &held), shared).await? else { return Ok(()) };
        let name = |held: &Held| format!("total {} {}", resource.name, held.key);
        let differs = |held: &&Held| {
            let total = totals.get(&held.key).copied().unwrap_or(held.rows);
            total != held.rows && store::fact(self.warehouse, &name(held)) != Some(told(total, held.rows))
        };
        let swept: Vec<String> = held.iter().filter(differs).map(|held| held.key.clone()).collect();
        let mut now = held;
        if !swept.is_empty() {
            self.sweep(work, (known, &swept), shared).await?;
            shared.loader.settle().await?;
            now = self.held(resource, (total, parent))?;
            for held in now.iter().filter(|held| swept.contains(&held.key)) {
                if let Some(total) = totals.get(&held.key).filter(|total| **total != held.rows) {
                    let text = told(*total, held.rows);
                    self.warehouse.write(|writer| store::set_fact(writer, &name(held), &text))?;
                }
            }
        }
        let counted = |sum: Counted, held: &Held| match totals.get(&held.key) {
            Some(total) => Counted { held: sum.held + held.rows, total: sum.total + total },
            None => sum,
        };
        work.counted = Some(now.iter().fold(Counted::default(), counted));
        Ok(())
    }

    /// How many rows are held of each parent.
    fn held(&self, resource: &Resource, (total, parent): (&Total, &str)) -> Result<Vec<Held>, Error> {
        let (table, parent, id) = (quoted(&resource.name), quoted(parent), quoted(&total.id));
        let sql = format!(
            "SELECT p._key, p.{id}::VARCHAR, count(r._key) FROM {parent} p
            LEFT JOIN {table} r ON r._origin = p._origin AND r._parent = p._key
            WHERE p._origin = ? GROUP BY ALL ORDER BY ALL"
        );
        let rows = self.warehouse.select(&sql, &[Cell::text(&self.options.origin)])?;
        let one = |row: Vec<Value>| {
            let text = |index: usize| row.get(index).and_then(Value::as_str).map(str::to_owned);
            Some(Held { key: text(0)?, id: text(1)?, rows: row.get(2)?.as_u64()? })
        };
        Ok(rows.into_iter().filter_map(one).collect())
    }

    /// What the source counts, by the parent's key; `None` where it does not.
    async fn totals(
        &self,
        work: &mut Work<'_>,
        (total, held): (&Total, &[Held]),
        shared: &Shared,
    ) -> Result<Option<HashMap<String, u64>>, Error> {
        let mut totals = HashMap::new();
        for some in held.chunks(BATCH) {
            let ids: Vec<_> = some.iter().map(|held| held.id.as_str()).collect();
            let name = format!("/graphql?count={}.{}&ids={}", total.on, total.of.join(","), ids.join(","));
            let variables = json!({"ids": ids});
            let target = Target::Question { name, query: total.query(), variables };
            let resource = work.resource.name.clone();
            work.requests += 1;
            let answer =
                fetch(self, shared, PageRequest { resource, target, accept: None, etag: None }).await?;
            let counts = answer.ok().and_then(|(page, _)| question::totals(&page.body, some.len()));
            let Some(counts) = counts else { return Ok(None) };
            totals
                .extend(some.iter().zip(counts).filter_map(|(held, count)| Some((held.key.clone(), count?))));
        }
        Ok(Some(totals))
    }

    /// Reads the listings of these parents whole, whatever is known of them. One that cannot be read so
    /// changes nothing.
    async fn sweep(
        &self,
        work: &mut Work<'_>,
        (known, parents): (&mut Known, &[String]),
        shared: &Shared,
    ) -> Result<(), Error> {
        let (begins, _) = self.begins(work.resource, known, Which::Each)?;
        let mut stand = store::cursors(self.warehouse, &self.options.origin)?;
        let mut stand = stand.remove(&work.resource.name).unwrap_or_default();
        for mut begin in begins.into_iter().filter(|begin| parents.contains(&begin.parent.key)) {
            begin.route.incremental = None;
            let since = stand.remove(&begin.parent.key).and_then(|cursor| cursor.since);
            begin.cursor = Cursor { since, ..Cursor::default() };
            begin.known.clear();
            begin.keys = None;
            let (requests, _) = self.listing(work.resource, begin, shared).await?;
            work.requests += requests;
        }
        Ok(())
    }
}

/// A difference, as it is remembered.
fn told(total: u64, rows: u64) -> String {
    format!("{rows} of {total}")
}
