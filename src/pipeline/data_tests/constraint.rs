//! What must hold of one column of a table, as SQL that finds what breaks it. Pure.
//!
//! Rows of several servers may stand in one table, and their ids may be equal. So what a resource fills is
//! held server by server: a value is unique among the rows of its own, and is found only there.

use serde_json::Value;

use super::super::spec::Spec;
use super::super::warehouse::{literal, quoted};

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Constraint<'a> {
    pub(super) spec: &'a Spec,
    pub(super) table: &'a str,
    pub(super) column: &'a str,
}

/// What is held, by its name, and a query for the rows that break it.
pub(super) type Breach = (String, String);

impl Constraint<'_> {
    /// No value is there twice.
    pub(super) fn unique(self) -> Breach {
        let (t, c) = self.quoted();
        let of = if self.is_by_server(self.table) { ", _origin" } else { "" };
        let sql = format!(
            "SELECT {c}{of}, count(*) AS times FROM {t} WHERE {c} IS NOT NULL GROUP BY {c}{of} HAVING count(*) > 1 ORDER BY {c}{of}"
        );
        (self.named("is unique"), sql)
    }

    /// Every row has a value.
    pub(super) fn not_null(self) -> Breach {
        let (t, c) = self.quoted();
        (self.named("is not null"), format!("SELECT * FROM {t} WHERE {c} IS NULL"))
    }

    /// Every value is one of these.
    pub(super) fn accepted_values(self, values: &[Value]) -> Breach {
        let (t, c) = self.quoted();
        let values: Vec<_> = values.iter().map(sql_value).collect();
        let sql = format!(
            "SELECT {c}, count(*) AS times FROM {t} WHERE {c} NOT IN ({}) GROUP BY {c} ORDER BY {c}",
            values.join(", ")
        );
        (self.named("has accepted values"), sql)
    }

    /// Every value is in that column of that table.
    pub(super) fn is_in(self, table: &str, column: &str) -> Breach {
        let (t, c) = self.quoted();
        let is_by_server = self.is_by_server(self.table) && self.is_by_server(table);
        let (of, same) =
            if is_by_server { (", _origin", " AND there._origin = here._origin") } else { ("", "") };
        let sql = format!(
            "SELECT DISTINCT {c}{of} FROM {t} AS here WHERE {c} IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM {} AS there WHERE there.{} = here.{c}{same}) ORDER BY {c}{of}",
            quoted(table),
            quoted(column)
        );
        (self.named(&format!("is in {table}.{column}")), sql)
    }

    fn quoted(self) -> (String, String) {
        (quoted(self.table), quoted(self.column))
    }

    fn named(self, what: &str) -> String {
        format!("{}.{} {what}", self.table, self.column)
    }

    /// Whether each row of a table says which server it is of: those that resources fill do.
    fn is_by_server(self, table: &str) -> bool {
        self.spec.filler(table).is_some()
    }
}

fn sql_value(value: &Value) -> String {
    match value {
        Value::String(text) => literal(text),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_resource_fills_is_held_server_by_server_and_a_model_as_a_whole() {
        let spec = "source = \"github\"\n[[resources]]\nname = \"repos\"\npath = \"/r\"\nkey = [\"id\"]\n";
        let spec = Spec::parse("p", spec).unwrap();
        let of = |table| Constraint { spec: &spec, table, column: "id" };
        assert!(of("repos").unique().1.contains("GROUP BY \"id\", _origin HAVING"));
        assert!(of("a_model").unique().1.contains("GROUP BY \"id\" HAVING"));
        assert!(of("repos").is_in("repos", "id").1.contains("there._origin = here._origin"));
        for (from, to) in [("repos", "a_model"), ("a_model", "repos")] {
            assert!(!of(from).is_in(to, "id").1.contains("_origin"), "{from} in {to}");
        }
    }
}
