//! Which rows belong to what was chosen, and which patterns chose nothing.

use super::{Error, Extraction, Options, Work};
use crate::pipeline::choice::Choice;
use crate::pipeline::outcome::End;
use crate::pipeline::schema::Cell;
use crate::pipeline::source::Source;
use crate::pipeline::spec::{Chosen, Resource, Spec, nearest};
use crate::pipeline::warehouse::{self, Warehouse, literal, quoted};

/// A row that can be chosen.
struct Item {
    key: String,
    /// The listing it came with: of all, or the name that it was asked for by.
    listing: String,
    /// What it is called now.
    name: String,
}

/// The condition on the rows of a resource that they belong to what was chosen.
pub(in crate::pipeline) fn within(
    warehouse: &Warehouse,
    spec: &Spec,
    resource: &str,
    options: &Options,
) -> Result<String, warehouse::Error> {
    let everything = || Ok("true".to_owned());
    let Some(resource) = spec.resource(resource).filter(|_| !options.choice.is_everything()) else {
        return everything();
    };
    if let Some(parent) = &resource.parent {
        let (origin, table) = (literal(&options.origin), quoted(parent));
        let within = within(warehouse, spec, parent, options)?;
        return Ok(format!("_parent IN (SELECT _key FROM {table} WHERE _origin = {origin} AND {within})"));
    }
    let Some(chosen) = &resource.chosen else { return everything() };
    let items = items(warehouse, (resource, chosen), &options.origin)?;
    let keys: Vec<_> =
        items.iter().filter(|item| is_chosen(&options.choice, item)).map(|item| literal(&item.key)).collect();
    Ok(if keys.is_empty() { "false".to_owned() } else { format!("_key IN ({})", keys.join(", ")) })
}

/// What was asked for by a name that it no longer has is meant all the same.
fn is_chosen(choice: &Choice, item: &Item) -> bool {
    choice.has(&item.name) || choice.names().any(|name| name == item.listing)
}

fn items(
    warehouse: &Warehouse,
    (resource, chosen): (&Resource, &Chosen),
    origin: &str,
) -> Result<Vec<Item>, warehouse::Error> {
    let (table, column) = (quoted(&resource.name), quoted(&chosen.column));
    let origin = [Cell::text(origin)];
    // A table whose columns are inferred has none before its first row.
    let any = format!("SELECT 1 FROM {table} WHERE _origin = ? LIMIT 1");
    if warehouse.select(&any, &origin)?.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT _key, _parent, {column}::VARCHAR FROM {table} WHERE _origin = ? ORDER BY _key");
    let one = |row: Vec<serde_json::Value>| {
        let text = |index: usize| row.get(index)?.as_str().map(str::to_owned);
        Some(Item { key: text(0)?, listing: text(1)?, name: text(2)? })
    };
    Ok(warehouse.select(&sql, &origin)?.into_iter().filter_map(one).collect())
}

impl<S: Source> Extraction<'_, S> {
    /// Tells of patterns that fit nothing that is listed, once the listing was read.
    pub(super) fn tell_idle(&self, works: &[Work<'_>]) -> Result<(), Error> {
        let choice = &self.options.choice;
        for work in works.iter().filter(|work| work.ends.iter().all(|end| *end == End::Complete)) {
            let Some(chosen) = work.resource.chosen.as_ref().filter(|_| !choice.is_everything()) else {
                continue;
            };
            let items = items(self.warehouse, (work.resource, chosen), &self.options.origin)?;
            let names: Vec<_> = items.iter().map(|item| item.name.as_str()).collect();
            for pattern in choice.idle(&names) {
                let letters = pattern.replace(['*', '?'], "");
                let near = nearest("name", &letters, &names).map(|near| format!("; {near}"));
                let (resource, near) = (&work.resource.name, near.unwrap_or_default());
                self.run.events.warn(format!("`{pattern}` fits none of the {resource}{near}"));
            }
        }
        Ok(())
    }
}
