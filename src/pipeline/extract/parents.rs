//! The rows that a resource is listed for, and where each of those listings stands.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::listing::Begin;
use super::{Error, Extraction, Work};
use crate::pipeline::cursor::{CHOSEN, Cursor, Route};
use crate::pipeline::normalize::Shape;
use crate::pipeline::schema::Cell;
use crate::pipeline::source::Source;
use crate::pipeline::spec::{Resource, placeholders};
use crate::pipeline::store::{self, ALL, KnownPage};
use crate::pipeline::warehouse::quoted;

/// Which listings of a resource are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// The one over all parents, where there is one and nothing was chosen.
    Best,
    /// One for each parent.
    Each,
}

/// A row that a resource is listed for; a resource without parent has one, without key.
#[derive(Debug, Default)]
pub(super) struct Parent {
    pub(super) key: String,
    pub(super) vars: Map<String, Value>,
    pub(super) given: Vec<(String, Value)>,
    /// Whether there may be anything new in its listing.
    due: bool,
}

impl<S: Source> Extraction<'_, S> {
    /// A resource with all that is to be read of it.
    pub(super) fn work<'r>(&self, resource: &'r Resource) -> Result<Work<'r>, Error> {
        let (begins, parents) = self.begins(resource, Which::Best)?;
        Ok(Work { resource, begins, parents, ends: Vec::new(), requests: 0 })
    }

    /// The listings to read, and the keys of all parents.
    pub(super) fn begins(
        &self,
        resource: &Resource,
        which: Which,
    ) -> Result<(Vec<Begin>, Vec<String>), Error> {
        let parents = self.parents(resource)?;
        let keys = parents.iter().map(|parent| parent.key.clone()).collect();
        let shape = Shape::new(resource, store::declared(self.spec, resource));
        let mut known = Known::read(self, resource)?;
        let over_all = resource.account.as_ref();
        if let Some(account) =
            over_all.filter(|_| which == Which::Best && self.options.chosen.is_empty() && !parents.is_empty())
        {
            let route = Route::over_all(resource, account);
            let parent = Parent { key: ALL.to_owned(), ..Parent::default() };
            let fresh = known.filled.is_empty();
            let shape = Arc::new(shape.over_all(account));
            return Ok((vec![Begin { over_all: true, fresh, ..known.begin(parent, route, shape) }], keys));
        }
        let shape = Arc::new(shape);
        let due = parents.into_iter().filter(|parent| parent.due || self.options.full);
        let begin = |parent: Parent| {
            let route = Route::of(resource, &parent.vars);
            known.begin(parent, route, Arc::clone(&shape))
        };
        Ok((due.map(begin).collect(), keys))
    }

    fn parents(&self, resource: &Resource) -> Result<Vec<Parent>, Error> {
        let Some(parent) = &resource.parent else {
            if resource.chosen.is_none() || self.options.chosen.is_empty() {
                return Ok(vec![Parent { due: true, ..Parent::default() }]);
            }
            let one = |name: &String| Parent {
                key: name.clone(),
                vars: Map::from_iter([(CHOSEN.to_owned(), Value::from(name.as_str()))]),
                given: Vec::new(),
                due: true,
            };
            return Ok(self.options.chosen.iter().map(one).collect());
        };
        let origin = Cell::text(&self.options.origin);
        let any = format!("SELECT 1 FROM {} WHERE _origin = ? LIMIT 1", quoted(parent));
        if self.warehouse.select(&any, std::slice::from_ref(&origin))?.is_empty() {
            // A table whose columns are inferred has none to ask for yet.
            return Ok(Vec::new());
        }
        let names: Vec<_> = placeholders(&resource.path).collect();
        let inherited = resource.inherit.iter().map(|(_, theirs)| theirs.as_str());
        let columns: Vec<_> =
            ["_key"].into_iter().chain(names.iter().copied()).chain(inherited).map(quoted).collect();
        let sql = format!(
            "SELECT {}, {} FROM {} WHERE _origin = ? AND ({}) ORDER BY _key",
            due(resource),
            columns.join(", "),
            quoted(parent),
            resource.only_if.as_deref().unwrap_or("true"),
        );
        self.warehouse.check_select(&sql)?;
        let mut cells = Vec::new();
        if resource.touched.is_some() {
            let name = Cell::text(&resource.name);
            cells.extend([origin.clone(), name.clone(), origin.clone(), name, origin.clone()]);
        }
        cells.push(origin);
        let rows = self.warehouse.select(&sql, &cells)?;
        Ok(rows.into_iter().filter_map(|row| Parent::of(row, &names, &resource.inherit)).collect())
    }
}

/// Whether a parent's listing was never read to its end, or rows that touch it came since.
fn due(resource: &Resource) -> String {
    let Some(touched) = &resource.touched else { return "true".to_owned() };
    let column = format!("t.{}::VARCHAR", quoted(&touched.column));
    format!(
        "(_key NOT IN (SELECT c.parent FROM planwright.cursors c
            WHERE c.origin = ? AND c.resource = ? AND c.ended_at IS NOT NULL)
        OR _key IN (SELECT {column} FROM {} t JOIN planwright.cursors c
            ON c.origin = ? AND c.resource = ? AND c.parent = {column}
            WHERE t._origin = ? AND t._fetched_at > c.ended_at))",
        quoted(&touched.by)
    )
}

impl Parent {
    fn of(row: Vec<Value>, names: &[&str], inherit: &[(String, String)]) -> Option<Self> {
        let mut values = row.into_iter();
        let due = values.next()?.as_bool()?;
        let Value::String(key) = values.next()? else { return None };
        let vars = names.iter().map(|name| (*name).to_owned()).zip(values.by_ref()).collect();
        let given = inherit.iter().map(|(own, _)| own.clone()).zip(values).collect();
        Some(Self { key, vars, given, due })
    }
}

/// What is known of a resource's listings.
struct Known {
    cursors: HashMap<String, Cursor>,
    pages: HashMap<String, Vec<KnownPage>>,
    /// Parents of which the table has rows.
    filled: HashSet<String>,
}

impl Known {
    fn read<S: Source>(extraction: &Extraction<'_, S>, resource: &Resource) -> Result<Self, Error> {
        let Extraction { warehouse, options, .. } = extraction;
        let sql = format!("SELECT DISTINCT _parent FROM {} WHERE _origin = ?", quoted(&resource.name));
        let rows = warehouse.select(&sql, &[Cell::text(&options.origin)])?;
        let filled = rows.iter().filter_map(|row| row.first()?.as_str().map(str::to_owned)).collect();
        if options.full {
            return Ok(Self { cursors: HashMap::new(), pages: HashMap::new(), filled });
        }
        Ok(Self {
            cursors: store::cursors(warehouse, &options.origin, &resource.name)?,
            pages: store::known_pages(warehouse, &options.origin, &resource.name)?,
            filled,
        })
    }

    fn begin(&mut self, parent: Parent, route: Route, shape: Arc<Shape>) -> Begin {
        let mut cursor = self.cursors.remove(&parent.key).unwrap_or_default();
        let known = self.pages.remove(&parent.key).unwrap_or_default();
        // Without a tag, asking the same page again would tell nothing for its price.
        cursor.probe = cursor.probe.filter(|_| !known.is_empty());
        Begin {
            cursor,
            known,
            fresh: !self.filled.contains(&parent.key),
            over_all: false,
            parent,
            route,
            shape,
        }
    }
}
