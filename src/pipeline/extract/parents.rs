//! The rows that a resource is listed for, and where each of those listings stands.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::listing::{Begin, Keys};
use super::{Error, Extraction, Work, recent, within};
use crate::pipeline::cursor::{Cursor, Route};
use crate::pipeline::normalize::Shape;
use crate::pipeline::schema::Cell;
use crate::pipeline::source::Source;
use crate::pipeline::spec::{Resource, placeholders};
use crate::pipeline::store::{self, ALL, ByListing, KnownPage};
use crate::pipeline::warehouse::{literal, quoted};

/// Which listings of a resource are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// The one over all parents, where there is one and nothing was chosen.
    Best,
    /// One for each parent.
    Each,
    /// One for each parent, by its path though GraphQL could ask for many.
    Paths,
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
    pub(super) fn work<'r>(&self, resource: &'r Resource, known: &mut Known) -> Result<Work<'r>, Error> {
        let (mut begins, parents) = self.begins(resource, known, Which::Best)?;
        self.begin_late(resource, &mut begins, known)?;
        Ok(Work { resource, begins, parents, ends: Vec::new(), requests: 0, by_path: false, counted: None })
    }

    /// The listings to read, and the keys of all parents.
    pub(super) fn begins(
        &self,
        resource: &Resource,
        known: &mut Known,
        which: Which,
    ) -> Result<(Vec<Begin>, Vec<String>), Error> {
        let parents = self.parents(resource)?;
        let keys = parents.iter().map(|parent| parent.key.clone()).collect();
        let (settled, columns) = store::settled(self.warehouse, self.spec, resource)?;
        let graphql = resource.graphql.as_ref().filter(|_| which != Which::Paths);
        let shape = graphql.map_or_else(
            || Shape::new(&settled, columns.clone()),
            |graphql| Shape::new(&graphql.shaped(&settled), columns.clone()),
        );
        let over_all = resource.account.as_ref();
        if let Some(account) = over_all
            .filter(|_| which == Which::Best && self.options.choice.is_everything() && !parents.is_empty())
        {
            let route = Route::over_all(resource, account);
            let parent = Parent { key: ALL.to_owned(), ..Parent::default() };
            let shape = Arc::new(shape.over_all(account));
            let mut begin = known.begin(resource, parent, (route, shape));
            begin.over_all = true;
            let mut begins = vec![begin];
            self.freshen(resource, &mut begins)?;
            return Ok((begins, keys));
        }
        let shape = Arc::new(shape);
        let due = parents.into_iter().filter(|parent| parent.due || self.options.full);
        let begin = |parent: Parent| {
            let route = Route::of(resource, &parent.vars);
            known.begin(resource, parent, (route, Arc::clone(&shape)))
        };
        let mut begins: Vec<_> = due.map(begin).collect();
        self.freshen(resource, &mut begins)?;
        Ok((begins, keys))
    }

    /// Where the table has no row yet, rows need not be looked for in it, only among those that came.
    fn freshen(&self, resource: &Resource, begins: &mut [Begin]) -> Result<(), Error> {
        if begins.iter().any(|begin| begin.cursor != Cursor::default()) || begins.is_empty() {
            return Ok(());
        }
        let sql = format!("SELECT 1 FROM {} WHERE _origin = ? LIMIT 1", quoted(&resource.name));
        if self.warehouse.select(&sql, &[Cell::text(&self.options.origin)])?.is_empty() {
            let keys = Arc::new(Keys::default());
            for begin in begins {
                begin.keys = Some(Arc::clone(&keys));
            }
        }
        Ok(())
    }

    fn parents(&self, resource: &Resource) -> Result<Vec<Parent>, Error> {
        let Some(parent) = &resource.parent else {
            let all = Parent { due: true, ..Parent::default() };
            let choice = &self.options.choice;
            let Some(chosen) = resource.chosen.as_ref().filter(|_| !choice.is_everything()) else {
                return Ok(vec![all]);
            };
            let one = |name: &str| Parent {
                key: name.to_owned(),
                vars: Map::from_iter([(chosen.column.clone(), Value::from(name))]),
                given: Vec::new(),
                due: true,
            };
            return Ok(choice
                .is_listed()
                .then_some(all)
                .into_iter()
                .chain(choice.names().map(one))
                .collect());
        };
        let origin = Cell::text(&self.options.origin);
        if self.spec.resource(parent).is_some_and(|parent| parent.columns.is_empty()) {
            let any = format!("SELECT 1 FROM {} WHERE _origin = ? LIMIT 1", quoted(parent));
            if self.warehouse.select(&any, std::slice::from_ref(&origin))?.is_empty() {
                // A table whose columns are inferred has none to ask for yet.
                return Ok(Vec::new());
            }
        }
        let names = names(resource);
        let within = within(self.warehouse, self.spec, parent, &self.options)?;
        let due = due(resource, &self.options.origin, self.run.clock.now());
        let rows = self.warehouse.select(&select(resource, parent, (&due, &within)), &[origin])?;
        Ok(rows.into_iter().filter_map(|row| Parent::of(row, &names, &resource.inherit)).collect())
    }
}

/// Asks for the rows of `parent` that a resource is listed for, and which are due; `within` is one more
/// condition on them.
pub(super) fn select(resource: &Resource, parent: &str, (due, within): (&str, &str)) -> String {
    let filled = names(resource).into_iter().map(|name| expression(resource, name));
    let inherited = resource.inherit.iter().map(|(_, theirs)| quoted(theirs));
    let columns: Vec<_> = [quoted("_key")].into_iter().chain(filled).chain(inherited).collect();
    format!(
        "SELECT {due}, {} FROM {} WHERE _origin = ? AND ({}) AND {within} ORDER BY _key",
        columns.join(", "),
        quoted(parent),
        resource.only_if.as_deref().unwrap_or("true"),
    )
}

/// The names in braces that a parent's row fills, in the path and in the query.
fn names(resource: &Resource) -> Vec<&str> {
    let mut names: Vec<_> = placeholders(&resource.path).collect();
    names.extend(resource.query.iter().flat_map(|(_, value)| placeholders(value)));
    names.extend(resource.graphql.as_ref().map(|graphql| graphql.id.as_str()));
    names
}

/// What fills a name in braces: the spec's SQL, or the parent's column.
fn expression(resource: &Resource, name: &str) -> String {
    let said = resource.fill.iter().find(|(known, _)| known == name);
    said.map_or_else(|| quoted(name), |(_, sql)| format!("({sql})"))
}

/// Whether a parent's listing was never read to its end, rows that touch it came since, or it is time.
pub(in crate::pipeline) fn due(resource: &Resource, origin: &str, now: jiff::Timestamp) -> String {
    let Some(touched) = &resource.touched else { return "true".to_owned() };
    let of = format!("c.origin = {} AND c.resource = {}", literal(origin), literal(&resource.name));
    let column = format!("t.{}::VARCHAR", quoted(&touched.column));
    let aged = touched.days.map_or_else(String::new, |days| {
        let days = jiff::SignedDuration::from_hours(24 * i64::from(days));
        let before = now.checked_sub(days).unwrap_or(jiff::Timestamp::UNIX_EPOCH).as_microsecond();
        let ended = format!("c.ended_at <= make_timestamp({before})");
        format!(" OR _key IN (SELECT c.parent FROM planwright.cursors c WHERE {of} AND {ended})")
    });
    format!(
        "(_key NOT IN (SELECT c.parent FROM planwright.cursors c WHERE {of} AND c.ended_at IS NOT NULL)
        OR _key IN (SELECT {column} FROM {} t JOIN planwright.cursors c ON {of} AND c.parent = {column}
            WHERE t._origin = {} AND t._fetched_at > c.ended_at){aged})",
        quoted(&touched.by),
        literal(origin)
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

/// What is known of all listings.
#[derive(Default)]
pub(super) struct Known {
    cursors: ByListing<Cursor>,
    pages: ByListing<Vec<KnownPage>>,
    /// From when on resources were read, where that was not from the beginning.
    pub(super) recent: HashMap<String, String>,
}

impl Known {
    /// Of listings nothing, where everything is read anew.
    pub(super) fn read<S: Source>(extraction: &Extraction<'_, S>) -> Result<Self, Error> {
        let Extraction { warehouse, options, .. } = extraction;
        let recent = recent::read(warehouse, &options.origin)?;
        if options.full {
            return Ok(Self { recent, ..Self::default() });
        }
        let (cursors, pages) =
            (store::cursors(warehouse, &options.origin)?, store::known_pages(warehouse, &options.origin)?);
        Ok(Self { cursors, pages, recent })
    }

    fn begin(&mut self, resource: &Resource, parent: Parent, (route, shape): (Route, Arc<Shape>)) -> Begin {
        let mut cursor = taken(&mut self.cursors, resource, &parent);
        let known = taken(&mut self.pages, resource, &parent);
        // Without a tag, asking the same page again would tell nothing for its price.
        cursor.probe = cursor.probe.filter(|_| !known.is_empty());
        Begin { parent, route, shape, cursor, known, keys: None, over_all: false }
    }
}

fn taken<T: Default>(all: &mut ByListing<T>, resource: &Resource, parent: &Parent) -> T {
    all.get_mut(&resource.name).and_then(|of| of.remove(&parent.key)).unwrap_or_default()
}
