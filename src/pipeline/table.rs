//! A query's result as plain data: what every format is rendered from.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Named, typed columns and their rows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Table {
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// The rows; each has one value for every column.
    pub rows: Vec<Vec<Value>>,
}

/// One column of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type as DuckDB writes it: `BIGINT`, `TIMESTAMP`.
    pub kind: String,
}

impl Table {
    /// The rows as objects, in the columns' order.
    pub fn objects(&self) -> impl Iterator<Item = serde_json::Map<String, Value>> + '_ {
        self.rows.iter().map(|row| {
            self.columns.iter().map(|column| column.name.clone()).zip(row.iter().cloned()).collect()
        })
    }

    /// The first value of the first row, where there is one.
    pub fn first(&self) -> Option<&Value> {
        self.rows.first().and_then(|row| row.first())
    }
}
