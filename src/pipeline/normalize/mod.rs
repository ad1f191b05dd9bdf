//! From a page's bytes to rows: what is kept, which key it has, which values go into which column. Pure.
//!
//! A page is never built as a tree: it is read once to find where its items begin and end, and once to
//! take out what the columns ask for; everything else is skipped over. A row carries its raw text and a
//! hash of everything that came with it, so that what has not changed can be told without columns.

mod part;
mod take;

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::cursor;
use super::schema::{self, Cell, Column, Kind};
use super::spec::{Account, Resource};
use part::members;
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
    /// The kept body, as JSON text.
    pub body: String,
    /// What goes into columns.
    pub values: Values,
}

/// What of an item goes into columns.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// A cell for each declared column, in order, and what did not fit.
    Declared(Vec<Cell>, Vec<Misfit>),
    /// Names, each once, and values; the columns follow from them.
    Inferred(Vec<(String, Value)>),
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
    /// An item lacks a part of its key.
    #[error("item {position} has no `{column}`, which is part of the key")]
    Key {
        /// Which item of the page, from 1.
        position: usize,
        /// The key's column.
        column: String,
    },
}

/// The `from` of a column that holds the item's place in its listing, from 1.
const POSITION: &str = "@position";

/// The `from` of a column that holds the kept item itself.
const ITEM: &str = "@item";

/// How the items of one resource become rows: its spec, made ready for reading many pages.
#[derive(Debug)]
pub struct Shape {
    /// Declared columns, those taken over from the parent first; empty where they are inferred.
    columns: Vec<Column>,
    /// How many of them are taken over from the parent.
    given: usize,
    /// What to take out of an item. After the columns come its time and its parent's key.
    tree: Node,
    /// The column that holds the place in the listing.
    place: Option<usize>,
    /// The column that holds the kept item.
    whole: Option<usize>,
    /// The key of an item that holds its time.
    field: Option<String>,
    /// Where an item says whose it is.
    whose: Option<String>,
    key: Vec<String>,
    keep: Vec<String>,
    drop: Vec<String>,
    items: Option<String>,
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
        let field = resource.incremental.as_ref().map(|how| how.field.clone());
        if let Some(field) = field.as_ref().filter(|_| !columns.is_empty()) {
            tree.ask(field, columns.len(), Kind::Varchar);
        }
        let Resource { key, keep, drop, items, .. } = resource.clone();
        Self { columns, given, tree, place, whole, field, whose: None, key, keep, drop, items }
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
        self.drop.extend_from_slice(&account.drop);
        self
    }

    /// The declared columns; empty where they are inferred.
    pub fn columns(&self) -> &[Column] {
        &self.columns
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
            let (row, latest) = if self.columns.is_empty() { self.infer(item)? } else { self.declare(item)? };
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
        let mut whole: &RawValue = serde_json::from_slice(body)?;
        if let Some(items) = &self.items {
            let envelope = members(whole.get()).ok_or(Unreadable::Shape)?;
            let list = envelope.into_iter().find(|(name, _)| name == items);
            whole = list.ok_or_else(|| Unreadable::Envelope { items: items.clone() })?.1;
        }
        let list: Vec<&RawValue> = match whole.get().as_bytes().first() {
            Some(b'[') => serde_json::from_str(whole.get())?,
            Some(b'{') => vec![whole],
            _ => return Err(Unreadable::Shape),
        };
        let texts: Vec<_> = list.into_iter().map(RawValue::get).collect();
        if texts.iter().all(|text| text.starts_with('{')) { Ok(texts) } else { Err(Unreadable::Shape) }
    }

    /// The item without the keys that the spec leaves out.
    fn kept<'b>(&self, text: &'b str) -> Result<Cow<'b, str>, Unreadable> {
        if self.keep.is_empty() && self.drop.is_empty() {
            return Ok(Cow::Borrowed(text));
        }
        part::of(text, &self.keep, &self.drop).map(Cow::Owned).ok_or(Unreadable::Shape)
    }

    fn declare(&self, item: Item<'_>) -> Result<(Row, Option<String>), Unreadable> {
        let mut taken = Taken::new(self.columns.len() + BESIDES);
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
        let mut besides = || taken.cells.pop().and_then(Cell::into_text);
        let (parent, latest) = (besides(), besides());
        if let Some(column) = self.whose.as_ref().filter(|_| parent.is_none()) {
            return Err(Unreadable::Key { position: item.index + 1, column: column.clone() });
        }
        let cell = |name: &String| {
            let index = self.columns.iter().position(|column| column.name == *name)?;
            taken.cells.get(index).cloned()
        };
        let key = item.key(&self.key, cell)?;
        let given = taken.cells.iter().take(self.given).map(|cell| format!("{cell:?}"));
        let hash = item.hash(given, self.place.is_some());
        let values = Values::Declared(taken.cells, taken.misfits);
        Ok((Row { key, parent, fresh: false, hash, body: item.body.into_owned(), values }, latest))
    }

    fn infer(&self, item: Item<'_>) -> Result<(Row, Option<String>), Unreadable> {
        let members: Map<String, Value> = serde_json::from_str(&item.body)?;
        let time = self.field.as_ref().and_then(|field| members.get(field));
        let latest = time.and_then(Value::as_str).map(str::to_owned);
        let mut values = item.given.to_vec();
        let mut seen: Vec<String> = values.iter().map(|(name, _)| name.to_lowercase()).collect();
        for (name, value) in members {
            let lower = name.to_lowercase();
            if !name.is_empty() && !name.starts_with('_') && !seen.contains(&lower) {
                seen.push(lower);
                values.push((name, value));
            }
        }
        let cell = |name: &String| {
            let (_, value) = values.iter().find(|(known, _)| known == name)?;
            schema::cell(value.clone(), Kind::of(value)?).ok()
        };
        let key = item.key(&self.key, cell)?;
        let given = item.given.iter().map(|(name, value)| format!("{name}={value}"));
        let hash = item.hash(given, self.place.is_some());
        let values = Values::Inferred(values);
        Ok((Row { key, parent: None, fresh: false, hash, body: item.body.into_owned(), values }, latest))
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
mod tests {
    use serde_json::json;

    use super::super::{Spec, store};
    use super::*;

    fn shape(columns: &str) -> Shape {
        let text = format!(
            "source = \"github\"\n[[resources]]\nname = \"r\"\npath = \"/r\"\nkey = [\"id\"]\n{columns}"
        );
        let spec = Spec::parse("p", &text).unwrap();
        Shape::new(&spec.resources[0], store::declared(&spec, &spec.resources[0]))
    }

    fn first(shape: &Shape, item: &Value) -> Row {
        let page = shape.read(json!([item]).to_string().as_bytes(), &[], 4).unwrap();
        page.rows.into_iter().next().unwrap()
    }

    fn fail(shape: &Shape, body: &str) -> String {
        shape.read(body.as_bytes(), &[], 0).unwrap_err().to_string()
    }

    const ID: &str = r#"columns = [{ name = "id", type = "bigint" }]"#;

    #[test]
    fn declared_columns_reach_into_the_item() {
        let item = json!({"x": [1, {"id": 3}], "id": 7, "user": {"id": 9, "login": "ada"},
            "labels": [{"name": "a"}, {"name": "b"}, {}], "links": {"self": "/7"}});
        let shape = shape(
            r#"columns = [
            { name = "id", type = "bigint" }, { name = "user", from = "user.login", type = "varchar" },
            { name = "labels", from = "labels[].name", type = "json" }, { name = "gone", from = "a.b", type = "json" },
            { name = "place", from = "@position", type = "bigint" }, { name = "links", type = "json" },
            { name = "own", from = "links.self", type = "varchar" }]"#,
        );
        let expected = [
            Cell::Bigint(7),
            Cell::text("ada"),
            Cell::text(r#"["a","b",null]"#),
            Cell::Null,
            Cell::Bigint(5),
            Cell::text(r#"{"self":"/7"}"#),
            Cell::text("/7"),
        ];
        assert_eq!(first(&shape, &item).values, Values::Declared(expected.to_vec(), Vec::new()));
    }

    #[test]
    fn a_value_that_does_not_fit_is_kept_apart() {
        let row = first(
            &shape(r#"columns = [{ name = "id", type = "varchar" }, { name = "n", type = "bigint" }]"#),
            &json!({"id": "a", "n": "many"}),
        );
        let misfit = Misfit { column: 1, value: json!("many") };
        assert_eq!(row.values, Values::Declared(vec![Cell::text("a"), Cell::Null], vec![misfit]));
    }

    #[test]
    fn a_path_through_what_is_no_object_is_null() {
        let shape = shape(
            r#"columns = [{ name = "id", type = "bigint" }, { name = "u", from = "user.login", type = "varchar" }]"#,
        );
        for user in [json!(null), json!(3), json!("x"), json!([{"login": "a"}]), json!(true), json!(-1.5)] {
            let row = first(&shape, &json!({"id": 1, "user": user}));
            assert_eq!(row.values, Values::Declared(vec![Cell::Bigint(1), Cell::Null], Vec::new()));
        }
    }

    #[test]
    fn without_columns_every_top_level_key_is_one_and_none_collide() {
        let item = json!({"id": 7, "Id": 8, "_key": 1, "user": {"login": "ada"}});
        let expected = [("id", json!(7)), ("user", json!({"login": "ada"}))];
        let expected = expected.map(|(name, value)| (name.to_owned(), value)).to_vec();
        assert_eq!(first(&shape(""), &item).values, Values::Inferred(expected));
    }

    #[test]
    fn a_body_is_kept_letter_for_letter_but_for_what_the_spec_leaves_out() {
        let text = r#"[{"id": 1,  "a":{"b" : 1.50},"stars":9}]"#;
        let body = |columns: &str| shape(columns).read(text.as_bytes(), &[], 0).unwrap().rows[0].body.clone();
        assert_eq!(body(ID), r#"{"id": 1,  "a":{"b" : 1.50},"stars":9}"#);
        assert_eq!(body(&format!("drop = [\"stars\"]\n{ID}")), r#"{"id":1,"a":{"b" : 1.50}}"#);
        assert_eq!(body(&format!("keep = [\"id\"]\n{ID}")), r#"{"id":1}"#);
    }

    #[test]
    fn what_is_left_out_may_lie_deeper() {
        let text = r#"[{"id":1,"head":{"ref": "x","repo":{"id":7,"stars":9}},"user":null}]"#;
        let body = |columns: &str| shape(columns).read(text.as_bytes(), &[], 0).unwrap().rows[0].body.clone();
        let lean = r#"{"id":1,"head":{"ref":"x"},"user":null}"#;
        assert_eq!(body(&format!("drop = [\"head.repo\", \"user.login\"]\n{ID}")), lean);
        let kept = r#"{"id":1,"head":{"repo":{"id":7}}}"#;
        assert_eq!(body(&format!("keep = [\"id\", \"head.repo.id\"]\n{ID}")), kept);
        let both = r#"{"id":1,"head":{"ref":"x","repo":{"id":7}}}"#;
        assert_eq!(body(&format!("keep = [\"id\", \"head\"]\ndrop = [\"head.repo.stars\"]\n{ID}")), both);
    }

    #[test]
    fn a_column_may_hold_the_whole_item() {
        let shape = shape(
            "drop = [\"x\"]\ncolumns = [{ name = \"id\", type = \"bigint\" }, { name = \"all\", from = \"@item\", type = \"json\" }]",
        );
        let row = first(&shape, &json!({"id": 1, "Rust": 20, "x": 3}));
        let expected = vec![Cell::Bigint(1), Cell::text(r#"{"id":1,"Rust":20}"#)];
        assert_eq!(row.values, Values::Declared(expected, Vec::new()));
    }

    #[test]
    fn a_change_in_what_is_left_out_is_no_change() {
        let shape = shape(&format!("drop = [\"stars\"]\n{ID}"));
        let hash = |item: Value| first(&shape, &item).hash;
        assert_eq!(hash(json!({"id": 1, "stars": 1})), hash(json!({"id": 1, "stars": 2})));
        assert_ne!(hash(json!({"id": 1, "forks": 1})), hash(json!({"id": 1, "forks": 2})));
    }

    #[test]
    fn a_list_may_stand_in_an_object() {
        let shape = shape(&format!("items = \"runs\"\n{ID}"));
        let page = shape.read(br#"{"total_count": 2, "runs": [{"id": 1}, {"id": 2}]}"#, &[], 0).unwrap();
        assert_eq!(page.rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(fail(&shape, r#"{"total_count": 2}"#), "the body has no list `runs`");
    }

    #[test]
    fn a_key_that_comes_twice_keeps_its_last_item() {
        let page = shape(ID).read(br#"[{"id": 1, "a": 1}, {"id": 2}, {"id": 1, "a": 2}]"#, &[], 0).unwrap();
        let bodies: Vec<_> = page.rows.iter().map(|row| row.body.as_str()).collect();
        assert_eq!((page.items, bodies), (3, vec![r#"{"id": 1, "a": 2}"#, r#"{"id": 2}"#]));
    }

    #[test]
    fn what_is_no_page_is_refused() {
        let shape = shape(ID);
        assert_eq!(fail(&shape, r#"[{"id": 1"#), "the body is not JSON");
        assert_eq!(fail(&shape, "[1]"), "the body is not a list of objects");
        assert_eq!(fail(&shape, "[{}]"), "item 1 has no `id`, which is part of the key");
        assert_eq!(shape.read(br#"{"id": 1}"#, &[], 0).unwrap().items, 1);
    }
}
