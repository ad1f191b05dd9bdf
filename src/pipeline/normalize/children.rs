//! Lists inside an item that have a table of their own.

use serde_json::Value;

use super::super::schema::{self, Cell, Column};
use super::super::spec::{Child, MEMBER, Resource};
use super::super::store;
use super::take;

/// The rows of one child that came with one item.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChildRows {
    /// For each member of the list, a cell for each column.
    pub rows: Vec<Vec<Cell>>,
    /// What did not fit: the column and what came.
    pub misfits: Vec<(String, Value)>,
}

/// How the lists of an item become rows.
#[derive(Debug)]
pub(super) struct Lists(Vec<List>);

#[derive(Debug)]
struct List {
    child: Child,
    /// Its columns, those taken over from the item's row first.
    columns: Vec<Column>,
    /// Where those lie in the item's row.
    inherited: Vec<Option<usize>>,
}

impl Lists {
    /// Of a resource whose rows have these columns.
    pub(super) fn new(resource: &Resource, row: &[Column]) -> Self {
        let list = |child: &Child| List {
            columns: store::child_columns(child, row),
            inherited: child
                .inherit
                .iter()
                .map(|(_, theirs)| row.iter().position(|column| column.name == *theirs))
                .collect(),
            child: child.clone(),
        };
        Self(resource.children.iter().map(list).collect())
    }

    /// Where each list lies in the item.
    pub(super) fn paths(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(|list| list.child.from.as_str())
    }

    /// The rows of each child: of its list as JSON text, below an item's row.
    pub(super) fn read(&self, lists: &[Cell], row: &[Cell]) -> serde_json::Result<Vec<ChildRows>> {
        self.0.iter().zip(lists).map(|(list, cell)| list.read(cell, row)).collect()
    }
}

impl List {
    fn read(&self, list: &Cell, row: &[Cell]) -> serde_json::Result<ChildRows> {
        let mut found = ChildRows::default();
        let Cell::Text(text) = list else { return Ok(found) };
        // What is no list has no members.
        let Value::Array(members) = serde_json::from_str(text)? else { return Ok(found) };
        for member in members {
            let inherited =
                self.inherited.iter().map(|at| at.and_then(|at| row.get(at)).cloned().unwrap_or(Cell::Null));
            let mut cells: Vec<_> = inherited.collect();
            for (spec, column) in self.child.columns.iter().zip(self.columns.iter().skip(cells.len())) {
                let value = if spec.from == MEMBER { member.clone() } else { take::at(&member, &spec.from) };
                let cell = schema::cell(value, column.kind).unwrap_or_else(|value| {
                    found.misfits.push((format!("{}.{}", self.child.name, column.name), value));
                    Cell::Null
                });
                cells.push(cell);
            }
            found.rows.push(cells);
        }
        Ok(found)
    }
}
