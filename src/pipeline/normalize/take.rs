//! Taking values out of JSON text by their paths, in one pass and without building the rest.
//!
//! The paths of a resource's columns become a tree of names. Where the text leads into the tree, values
//! are made; everywhere else they are skipped.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::schema::{self, Cell, Kind};
use super::Misfit;

/// The values taken from one item.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) cells: Vec<Cell>,
    pub(super) misfits: Vec<Misfit>,
}

impl Taken {
    /// Of so many columns, all empty.
    pub(super) fn new(columns: usize) -> Self {
        Self { cells: vec![Cell::Null; columns], misfits: Vec::new() }
    }

    /// Puts a value into a column, or among the misfits.
    pub(super) fn put(&mut self, column: usize, value: Value, kind: Kind) {
        match schema::cell(value, kind) {
            Ok(cell) => self.set(column, cell),
            Err(value) => self.misfits.push(Misfit { column, value }),
        }
    }

    fn set(&mut self, column: usize, cell: Cell) {
        if let Some(place) = self.cells.get_mut(column) {
            *place = cell;
        }
    }
}

/// What is asked of the value at one place.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// The value itself, for these columns.
    here: Vec<(usize, Kind)>,
    /// Of a list: the value at this path of each member, for these columns.
    each: Vec<(String, usize, Kind)>,
    /// Of an object: what is asked of its members, in the [`order`] of their names.
    inside: Vec<(String, Self)>,
}

impl Node {
    /// Asks for the value at a dotted path; `labels[].name` asks for the list of the names.
    pub(super) fn ask(&mut self, path: &str, column: usize, kind: Kind) {
        let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
        let (name, each) = head.strip_suffix("[]").map_or((head, false), |name| (name, true));
        let place = self.place(name).unwrap_or_else(|free| {
            self.inside.insert(free, (name.to_owned(), Self::default()));
            free
        });
        let Some((_, node)) = self.inside.get_mut(place) else { return };
        match rest {
            None => node.here.push((column, kind)),
            Some(rest) if each => node.each.push((rest.to_owned(), column, kind)),
            Some(rest) => node.ask(rest, column, kind),
        }
    }

    /// Takes what is asked out of an object's text.
    pub(super) fn read(&self, text: &str, taken: &mut Taken) -> serde_json::Result<()> {
        let mut json = serde_json::Deserializer::from_str(text);
        Inside { node: self, taken }.deserialize(&mut json)?;
        json.end()
    }

    fn member(&self, name: &str) -> Option<&Self> {
        self.inside.get(self.place(name).ok()?).map(|(_, node)| node)
    }

    /// Where the member of this name is, or would be.
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.inside.binary_search_by(|(known, _)| order(known, name))
    }

    /// Takes what is asked of one value that is asked for in several ways.
    fn take(&self, text: &str, taken: &mut Taken) -> serde_json::Result<()> {
        for (column, kind) in &self.here {
            match kind {
                Kind::Json => taken.set(*column, schema::json_cell(text)),
                _ => taken.put(*column, serde_json::from_str(text)?, *kind),
            }
        }
        if !self.each.is_empty()
            && let Value::Array(list) = serde_json::from_str(text)?
        {
            for (path, column, kind) in &self.each {
                let values: Value = list.iter().map(|member| at(member, path)).collect();
                taken.put(*column, values, *kind);
            }
        }
        if !self.inside.is_empty() && text.starts_with('{') {
            self.read(text, taken)?;
        }
        Ok(())
    }
}

/// The order in which names are looked up: the shorter first, so that few are compared letter by letter.
pub(super) fn order(one: &str, other: &str) -> Ordering {
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

/// The value that a column's `from` leads to in a tree, as [`Node::read`] takes it from text.
pub(super) fn lookup(value: &Value, from: &str) -> Value {
    match from.split_once("[].") {
        None => at(value, from.trim_end_matches("[]")),
        Some((list, rest)) => match at(value, list) {
            Value::Array(list) => list.iter().map(|member| at(member, rest)).collect(),
            _ => Value::Null,
        },
    }
}

/// The value at a dotted path; what is not there is null.
pub(super) fn at(value: &Value, path: &str) -> Value {
    let found = path.split('.').try_fold(value, |value, name| value.get(name));
    found.cloned().unwrap_or(Value::Null)
}

/// Reads an object whose members are asked for; anything else has none.
struct Inside<'a> {
    node: &'a Node,
    taken: &'a mut Taken,
}

impl<'de> DeserializeSeed<'de> for Inside<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Inside<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key_seed(Lent)? {
            let Some(node) = self.node.member(&name) else {
                members.next_value::<IgnoredAny>()?;
                continue;
            };
            match (&node.here[..], &node.each[..], &node.inside[..]) {
                ([], [], _) => members.next_value_seed(Inside { node, taken: &mut *self.taken })?,
                ([(column, Kind::Json)], [], []) => {
                    let text: &RawValue = members.next_value()?;
                    self.taken.set(*column, schema::json_cell(text.get()));
                }
                ([(column, kind)], [], []) => self.taken.put(*column, members.next_value()?, *kind),
                _ => {
                    let text: &RawValue = members.next_value()?;
                    node.take(text.get(), self.taken).map_err(serde::de::Error::custom)?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

/// All members of an object, in order, with their values as text.
pub(super) struct Members<'de>(pub(super) Vec<(Cow<'de, str>, &'de RawValue)>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct All;

        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
                let mut all = Vec::new();
                while let Some(name) = members.next_key_seed(Lent)? {
                    all.push((name, members.next_value()?));
                }
                Ok(Members(all))
            }
        }

        json.deserialize_map(All)
    }
}

/// Reads a member's name where it lies, unless something in it is escaped.
struct Lent;

impl<'de> DeserializeSeed<'de> for Lent {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Lent {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}
