//! From a page's bytes to rows: what is kept, which key it has, which values go into which column. Pure.
//!
//! A page is never built as a tree: it is read once to find where its items begin and end, and once to
//! take out what the columns ask for; everything else is skipped over. A row carries its raw text and a
//! hash of everything that came with it, so that what has not changed can be told without columns.

mod children;
mod contract;
mod part;
mod take;

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::cursor;
use super::schema::{self, Cell, Column, Kind};
use super::spec::{Account, ITEM, POSITION, Resource, Rule};
pub use children::ChildRows;
use children::Lists;
use part::Part;
pub(super) use part::at;
use take::{Node, Taken};

/// One item of a page, ready to land.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The key's values, joined: what tells rows of the resource apart.
    pub key: String,
    /// The key of its parent, where the item itself says whose it is.
    pub parent: Option<String>,
    /// Whether the table certainly has no row of this key yet.
    pub fresh: bool,
    /// Of the kept body and the values taken over from the parent: 128 bits of SHA-256 in hex.
    pub hash: String,
    /// Its place in the listing, from 1.
    pub place: usize,
    /// The kept body, as JSON text.
    pub body: String,
    /// What goes into columns.
    pub values: Values,
    /// What goes into each child's table.
    pub children: Vec<ChildRows>,
    /// Why it stays out of the table, where its contract says so.
    pub refused: Option<Refusal>,
}

/// What of an item goes into columns.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// A cell for each declared column, in order, and what did not fit.
    Declared(Vec<Cell>, Vec<Misfit>),
    /// Names, each once, and values; the columns follow from them. And what did not fit columns that do
    /// not follow.
    Inferred(Vec<(String, Value)>, Vec<(String, Value)>),
}

/// What a contract does not let into a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    /// The key or the column.
    pub column: String,
    /// What is wrong with it.
    pub reason: String,
}

/// A value that does not fit its column, which then stays empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Misfit {
    /// Which column, counted from 0.
    pub column: usize,
    /// What came.
    pub value: Value,
}

/// The rows of one page.
#[derive(Debug, Default)]
pub struct PageRows {
    /// Each key once; one that came twice keeps its last item, as the source would on a fresh read.
    pub rows: Vec<Row>,
    /// How many items the page had.
    pub items: usize,
    /// The latest time, in a listing that is read by time.
    pub latest: Option<String>,
}

/// Why a page cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is not JSON, for instance cut in the middle.
    #[error("the body is not JSON")]
    Json(#[from] serde_json::Error),
    /// It is neither a list of objects nor an object.
    #[error("the body is not a list of objects")]
    Shape,
    /// The list is not where the spec says.
    #[error("the body has no list `{items}`")]
    Envelope {
        /// The key of the list.
        items: String,
    },
    /// The contract freezes the columns, and an item does not fit them.
    #[error("item {position}: `{column}` is frozen by its contract: {reason}")]
    Frozen {
        /// Which item of the page, from 1.
        position: usize,
        /// The key or the column.
        column: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An item lacks a part of its key.
    #[error("item {position} has no `{column}`, which is part of the key")]
    Key {
        /// Which item of the page, from 1.
        position: usize,
        /// The key's column.
        column: String,
    },
}

/// How the items of one resource become rows: its spec, made ready for reading many pages.
#[derive(Debug)]
pub struct Shape {
    /// Declared columns, those taken over from the parent first; empty where they are inferred.
    columns: Vec<Column>,
    /// How many of them are taken over from the parent.
    given: usize,
    /// What to take out of an item. After the columns come its time, its parent's key and its lists.
    tree: Node,
    /// The column that holds the place in the listing.
    place: Option<usize>,
    /// The column that holds the kept item.
    whole: Option<usize>,
    /// Where an item says whose it is.
    whose: Option<String>,
    lists: Lists,
    /// What of an item is kept in raw.
    part: Part,
    resource: Resource,
}

/// What an item has besides columns: its time and its parent's key.
const BESIDES: usize = 2;

impl Shape {
    /// Of a resource with these declared columns: first those taken over from the parent, then its own.
    pub fn new(resource: &Resource, columns: Vec<Column>) -> Self {
        let mut tree = Node::default();
        let (mut place, mut whole) = (None, None);
        let given = columns.len().saturating_sub(resource.columns.len());
        for (index, column) in (given..).zip(&resource.columns) {
            if column.from == POSITION {
                place = Some(index);
            } else if column.from == ITEM {
                whole = Some(index);
            } else {
                tree.ask(&column.from, index, column.kind);
            }
        }
        if let Some(how) = resource.incremental.as_ref().filter(|_| !columns.is_empty()) {
            tree.ask(&how.field, columns.len(), Kind::Varchar);
        }
        let lists = Lists::new(resource, &columns);
        for (index, from) in (columns.len() + BESIDES..).zip(lists.paths()) {
            tree.ask(from, index, Kind::Json);
        }
        let part = Part::new(&resource.keep, &resource.drop, contract::taken(resource));
        let resource = resource.clone();
        Self { columns, given, tree, place, whole, whose: None, lists, part, resource }
    }

    /// The resource, with the columns that its contract holds.
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// The same for the listing that holds the rows of all parents.
    #[must_use]
    pub fn over_all(mut self, account: &Account) -> Self {
        for (name, from) in &account.inherit {
            if let Some(index) = self.columns.iter().position(|column| column.name == *name) {
                let kind = self.columns.get(index).map_or(Kind::Varchar, |column| column.kind);
                self.tree.ask(from, index, kind);
            }
        }
        self.tree.ask(&account.parent, self.columns.len() + 1, Kind::Varchar);
        self.whose = Some(account.parent.clone());
        self.part = self.part.without(&account.drop);
        self
    }

    /// The columns of the table; `None` where they follow from the data.
    pub fn columns(&self) -> Option<&[Column]> {
        (!self.is_open()).then_some(&*self.columns)
    }

    /// Whether a column holds the item's place in its listing.
    pub fn is_placed(&self) -> bool {
        self.place.is_some()
    }

    /// Whether rows may change the table.
    fn is_open(&self) -> bool {
        self.columns.is_empty() || self.resource.contract.is_open()
    }

    /// The rows of a page whose first item stands at `offset` in its listing. `given` are the names and
    /// values taken over from the parent, in the order of the spec.
    pub fn read(
        &self,
        body: &[u8],
        given: &[(String, Value)],
        offset: usize,
    ) -> Result<PageRows, Unreadable> {
        let texts = self.texts(body)?;
        let mut page = PageRows { items: texts.len(), ..PageRows::default() };
        page.rows.reserve(texts.len());
        let mut seen: HashMap<String, usize> = HashMap::with_capacity(texts.len());
        for (index, text) in texts.into_iter().enumerate() {
            let item = Item { index, position: offset + index, text, body: self.kept(text)?, given };
            let (row, latest) = if self.is_open() { self.infer(item)? } else { self.declare(item)? };
            page.latest = cursor::later(page.latest, latest);
            if let Some(earlier) = seen.get(&row.key).and_then(|at| page.rows.get_mut(*at)) {
                *earlier = row;
            } else {
                seen.insert(row.key.clone(), page.rows.len());
                page.rows.push(row);
            }
        }
        Ok(page)
    }

    /// The text of each item. An object by itself is a list of one.
    fn texts<'b>(&self, body: &'b [u8]) -> Result<Vec<&'b str>, Unreadable> {
        let list = match (&self.resource.items, body.trim_ascii_start().first()) {
            (None, Some(b'[')) => serde_json::from_slice(body)?,
            (None, Some(b'{')) => vec![serde_json::from_slice::<&RawValue>(body)?],
            (Some(items), Some(b'{')) => {
                let whole = serde_json::from_slice::<&RawValue>(body)?.get();
                let within = at(whole, items).ok_or_else(|| Unreadable::Envelope { items: items.clone() })?;
                match within.as_bytes().first() {
                    Some(b'[') => serde_json::from_str(within)?,
                    Some(b'{') => vec![serde_json::from_str::<&RawValue>(within)?],
                    _ => return Err(Unreadable::Shape),
                }
            }
            _ => {
                serde_json::from_slice::<&RawValue>(body)?;
                return Err(Unreadable::Shape);
            }
        };
        let texts: Vec<_> = list.into_iter().map(RawValue::get).collect();
        if texts.iter().all(|text| text.starts_with('{')) { Ok(texts) } else { Err(Unreadable::Shape) }
    }

    /// The item without the keys that the spec leaves out.
    fn kept<'b>(&self, text: &'b str) -> Result<Cow<'b, str>, Unreadable> {
        if self.part.is_all() {
            return Ok(Cow::Borrowed(text));
        }
        self.part.of(text).map(Cow::Owned).ok_or(Unreadable::Shape)
    }

    fn declare(&self, item: Item<'_>) -> Result<(Row, Option<String>), Unreadable> {
        let besides = self.columns.len() + BESIDES;
        let mut taken = Taken::new(besides + self.lists.paths().len());
        for (index, ((_, value), column)) in item.given.iter().zip(&self.columns).enumerate() {
            taken.put(index, value.clone(), column.kind);
        }
        self.tree.read(item.text, &mut taken)?;
        if let Some(index) = self.place {
            taken.put(index, Value::from(item.position + 1), Kind::Bigint);
        }
        if let Some(index) = self.whole {
            taken.put(index, serde_json::from_str(&item.body)?, Kind::Json);
        }
        let lists = taken.cells.split_off(besides);
        let mut besides = || taken.cells.pop().and_then(Cell::into_text);
        let (parent, latest) = (besides(), besides());
        if let Some(column) = self.whose.as_ref().filter(|_| parent.is_none()) {
            return Err(Unreadable::Key { position: item.index + 1, column: column.clone() });
        }
        let cell = |name: &String| {
            let index = self.columns.iter().position(|column| column.name == *name)?;
            taken.cells.get(index).cloned()
        };
        let key = item.key(&self.resource.key, cell)?;
        let given = taken.cells.iter().take(self.given).map(|cell| format!("{cell:?}"));
        let hash = item.hash(given, self.place.is_some());
        let misfit = taken.misfits.first().and_then(|misfit| self.columns.get(misfit.column));
        let refused = self.judge(&item, misfit.map(|column| (column.name.as_str(), column.kind)))?;
        let children = self.lists.read(&lists, &taken.cells)?;
        let values = Values::Declared(taken.cells, taken.misfits);
        let (place, body) = (item.position + 1, item.body.into_owned());
        Ok((Row { key, parent, fresh: false, hash, place, body, values, children, refused }, latest))
    }

    fn infer(&self, item: Item<'_>) -> Result<(Row, Option<String>), Unreadable> {
        let whole: Value = serde_json::from_str(item.text)?;
        let time = self.resource.incremental.as_ref().map(|how| take::lookup(&whole, &how.field));
        let latest = time.and_then(|time| match time {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        });
        let mut values = self.values(&item, &whole)?;
        let misfits = self.misfits(&mut values);
        let value = |name: &String| values.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        let cell = |name: &String| {
            let value = value(name)?;
            schema::cell(value.clone(), Kind::of(value)?).ok()
        };
        let key = item.key(&self.resource.key, cell)?;
        let given = item.given.iter().map(|(name, value)| format!("{name}={value}"));
        let hash = item.hash(given, self.place.is_some());
        let misfit =
            misfits.first().and_then(|(name, _)| self.columns.iter().find(|known| known.name == *name));
        let refused = self.judge(&item, misfit.map(|column| (column.name.as_str(), column.kind)))?;
        let fitting = |column: &Column| schema::cell(value(&column.name)?.clone(), column.kind).ok();
        let row: Vec<_> = self.columns.iter().map(|column| fitting(column).unwrap_or(Cell::Null)).collect();
        let lists: Vec<_> = self
            .lists
            .paths()
            .map(|from| schema::json_cell(&take::lookup(&whole, from).to_string()))
            .collect();
        let children = self.lists.read(&lists, &row)?;
        let values = Values::Inferred(values, misfits);
        let (place, body) = (item.position + 1, item.body.into_owned());
        Ok((Row { key, parent: None, fresh: false, hash, place, body, values, children, refused }, latest))
    }

    /// Names and values of an item: what is taken over from the parent, what declared columns take, and
    /// where columns follow the data, its other members.
    fn values(&self, item: &Item<'_>, whole: &Value) -> Result<Vec<(String, Value)>, Unreadable> {
        let mut values = item.given.to_vec();
        let members: Map<String, Value> = serde_json::from_str(&item.body)?;
        for column in &self.resource.columns {
            let value = match column.from.as_str() {
                POSITION => Value::from(item.position + 1),
                ITEM => Value::Object(members.clone()),
                from => take::lookup(whole, from),
            };
            values.push((column.name.clone(), value));
        }
        if self.resource.contract.columns != Rule::Evolve {
            return Ok(values);
        }
        let mut seen: Vec<String> = values.iter().map(|(name, _)| name.to_lowercase()).collect();
        for (name, value) in members {
            let lower = name.to_lowercase();
            let is_free =
                !name.is_empty() && !name.starts_with('_') && !contract::takes(&self.resource, &name);
            if is_free && !seen.contains(&lower) {
                seen.push(lower);
                values.push((name, value));
            }
        }
        Ok(values)
    }
}

/// One item on its way.
struct Item<'a> {
    index: usize,
    position: usize,
    text: &'a str,
    body: Cow<'a, str>,
    given: &'a [(String, Value)],
}

impl Item<'_> {
    fn key(&self, names: &[String], cell: impl Fn(&String) -> Option<Cell>) -> Result<String, Unreadable> {
        let part = |name: &String| match cell(name) {
            Some(Cell::Text(text)) => Ok(text),
            Some(Cell::Bigint(number) | Cell::Timestamp(number)) => Ok(number.to_string()),
            Some(Cell::Boolean(flag)) => Ok(flag.to_string()),
            _ => Err(Unreadable::Key { position: self.index + 1, column: name.clone() }),
        };
        let parts: Vec<_> = names.iter().map(part).collect::<Result<_, _>>()?;
        Ok(parts.join("/"))
    }

    /// With the place in the listing where a column holds it, so that a move is a change.
    fn hash(&self, given: impl Iterator<Item = String>, placed: bool) -> String {
        let mut digest = Sha256::new();
        digest.update(self.body.as_bytes());
        for value in given {
            digest.update(b"\n");
            digest.update(value);
        }
        if placed {
            digest.update(format!("\n@{}", self.position));
        }
        hex::encode(digest.finalize().get(..16).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
