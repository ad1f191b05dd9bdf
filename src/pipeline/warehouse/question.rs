//! A statement with values for its parameters.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::schema::{self, Cell, Kind};

/// One statement and the values of its named parameters, `$name` in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Question {
    sql: String,
    #[serde(default)]
    values: Vec<(String, Value)>,
}

impl Question {
    /// A statement with these values. A value is text, a number, a flag or null.
    pub fn new(sql: &str, values: Vec<(String, Value)>) -> Self {
        Self { sql: sql.trim().trim_end_matches(';').to_owned(), values }
    }

    /// The statement.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The values as DuckDB takes them: times as text, which it casts where a time is asked for.
    pub(super) fn named(&self) -> HashMap<&str, Cell> {
        let cell = |value: &Value| {
            let kind = Kind::of(value).filter(|kind| *kind != Kind::Timestamp).unwrap_or(Kind::Varchar);
            schema::cell(value.clone(), kind).unwrap_or(Cell::Null)
        };
        self.values.iter().map(|(name, value)| (name.as_str(), cell(value))).collect()
    }
}

impl From<&str> for Question {
    fn from(sql: &str) -> Self {
        Self::new(sql, Vec::new())
    }
}
