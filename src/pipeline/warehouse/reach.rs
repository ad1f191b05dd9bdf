//! What a SELECT reaches besides tables, told from the tree that DuckDB's parser makes of it. Pure.
//!
//! A warehouse behind an address needs the network, so that DuckDB itself cannot be closed to files and
//! addresses. There, SQL of a pipeline is held to tables and to functions that make rows of what they
//! are given.

use serde_json::Value;

/// Functions in FROM that read nothing but their arguments.
const HARMLESS: [&str; 6] = ["range", "generate_series", "unnest", "json_each", "json_tree", "repeat_row"];

/// The first thing in a parsed statement that is no table: a function that may read a file or run SQL, or
/// a name that is a path.
pub(super) fn beyond_tables(parsed: &Value) -> Option<String> {
    let own = match parsed.get("type").and_then(Value::as_str) {
        Some("TABLE_FUNCTION") => {
            let name = parsed.pointer("/function/function_name").and_then(Value::as_str).unwrap_or_default();
            (!HARMLESS.contains(&name.to_lowercase().as_str())).then(|| name.to_owned())
        }
        Some("BASE_TABLE") => {
            let name = parsed.get("table_name").and_then(Value::as_str).unwrap_or_default();
            name.contains(['/', '\\', '.', ':', '*']).then(|| name.to_owned())
        }
        _ => None,
    };
    own.or_else(|| match parsed {
        Value::Object(members) => members.values().find_map(beyond_tables),
        Value::Array(members) => members.iter().find_map(beyond_tables),
        _ => None,
    })
}
