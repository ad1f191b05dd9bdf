//! What a SELECT reads, as DuckDB's own parser sees it: names in the text are not taken for granted.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Engine, Error};

/// What a SELECT reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    /// Tables and views, all letters small; rather one too many than one too few, so that what WITH names is
    /// among them too.
    pub(crate) tables: BTreeSet<Relation>,
    /// The names that WITH gives, all letters small.
    pub(crate) named: BTreeSet<String>,
    /// The functions it calls, all letters small.
    pub(crate) functions: BTreeSet<String>,
    /// Whether it reads from something that is neither a table nor made of what stands in the SQL.
    pub(crate) is_open: bool,
    /// The first thing that it may reach beyond tables: a function that may read a file or run SQL, or a
    /// name that is a path.
    pub(super) beyond: Option<String>,
}

/// A table or a view, by schema and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Relation {
    /// The schema; `main` where none is said.
    pub(crate) schema: String,
    /// The name.
    pub(crate) name: String,
}

/// Functions in FROM whose rows are made of what they are given.
const MADE_OF_ARGUMENTS: [&str; 7] =
    ["range", "generate_series", "generate_subscripts", "unnest", "repeat_row", "json_each", "json_tree"];

impl Reads {
    /// Adds what another SELECT reads.
    pub(crate) fn add(&mut self, more: Self) {
        self.tables.extend(more.tables);
        self.named.extend(more.named);
        self.functions.extend(more.functions);
        self.is_open |= more.is_open;
        self.beyond = self.beyond.take().or(more.beyond);
    }

    /// Of what `json_serialize_sql` says of one SELECT.
    pub(super) fn of(parsed: &Value) -> Result<Self, Error> {
        let text = |key: &str| parsed.get(key).and_then(Value::as_str);
        if text("error_type") == Some("parser") {
            let said = format!("Parser Error: {}", text("error_message").unwrap_or_default());
            return Err(Error::Unparsed { source: Engine(said) });
        }
        let Some([statement]) = parsed.get("statements").and_then(Value::as_array).map(Vec::as_slice) else {
            return Err(Error::NotASelect);
        };
        let mut reads = Self::default();
        reads.walk(statement);
        Ok(reads)
    }

    /// Goes down the tree.
    fn walk(&mut self, node: &Value) {
        let Value::Object(fields) = node else {
            node.as_array().into_iter().flatten().for_each(|child| self.walk(child));
            return;
        };
        let text = |key: &str| node.get(key).and_then(Value::as_str).unwrap_or_default().to_lowercase();
        let with = node.pointer("/cte_map/map").and_then(Value::as_array).into_iter().flatten();
        self.named.extend(with.filter_map(|entry| Some(entry.get("key")?.as_str()?.to_lowercase())));
        match node.get("type").and_then(Value::as_str) {
            Some("BASE_TABLE") => {
                let (schema, name) = (text("schema_name"), text("table_name"));
                let schema = if schema.is_empty() { "main".to_owned() } else { schema };
                if name.contains(['/', '\\', '.', ':', '*']) {
                    self.beyond.get_or_insert_with(|| name.clone());
                }
                self.tables.insert(Relation { schema, name });
            }
            Some("TABLE_FUNCTION") => {
                let name = node.pointer("/function/function_name").and_then(Value::as_str);
                let name = name.unwrap_or_default().to_lowercase();
                if !MADE_OF_ARGUMENTS.contains(&&*name) {
                    self.is_open = true;
                    self.beyond.get_or_insert(name);
                }
            }
            Some("SHOW_REF") => self.is_open = true,
            _ => {}
        }
        if fields.contains_key("function_name") {
            self.functions.insert(text("function_name"));
        }
        // A sample without a seed is another one each time.
        self.is_open |= fields.get("sample").is_some_and(|sample| !sample.is_null());
        fields.values().for_each(|child| self.walk(child));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Options, Warehouse};
    use super::*;

    fn reads(sql: &str) -> Result<Reads, Error> {
        let warehouse = Warehouse::in_memory(&Options::confined("256MB", 1)).unwrap();
        warehouse.write(|writer| writer.reads(sql))
    }

    #[test]
    fn what_a_select_reads_is_told_whatever_names_it_uses_itself() {
        let sql = "WITH issues AS (SELECT * FROM Issues) SELECT upper(a), now() FROM issues, planwright.raw,
            (SELECT 1 WHERE 1 IN (SELECT id FROM \"repos\")), range(3)";
        let read = reads(sql).unwrap();
        let tables = read.tables.iter().map(|it| format!("{}.{}", it.schema, it.name)).collect::<Vec<_>>();
        assert_eq!(tables, ["main.issues", "main.repos", "planwright.raw"]);
        assert!(read.named.contains("issues") && read.functions.contains("now") && !read.is_open, "{read:?}");
    }

    #[test]
    fn what_no_table_decides_is_told_and_what_is_no_select_refused() {
        let open =
            ["FROM duckdb_tables()", "FROM query('FROM a')", "FROM a USING SAMPLE 3", "FROM (DESCRIBE a)"];
        for sql in open {
            assert!(reads(sql).unwrap().is_open, "{sql}");
        }
        assert!(matches!(reads("SELEC 1"), Err(Error::Unparsed { source }) if source.0.contains("SELEC")));
        assert!(matches!(reads("SELECT 1; SELECT 2"), Err(Error::NotASelect)));
    }
}
