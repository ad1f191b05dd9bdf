//! From a page's bytes to rows: what is kept, which key it has, which values go into which column. Pure.
//!
//! A row carries its raw body and a hash of everything that came with it, so that what has not changed
//! can be told without looking into columns.

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::spec::Resource;

/// One item of a page, ready to land.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The key's values, joined: what tells rows of the resource apart.
    pub key: String,
    /// Of the kept body and the values taken over from the parent.
    pub hash: String,
    /// The kept body, as JSON text.
    pub body: String,
    /// Named values for the columns; the names are unique.
    pub values: Vec<(String, Value)>,
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
    /// An item lacks a part of its key.
    #[error("item {position} has no `{column}`, which is part of the key")]
    Key {
        /// Which item of the page, from 1.
        position: usize,
        /// The key's column.
        column: String,
    },
}

/// The items of a page. An object by itself is a list of one.
pub fn items(body: &[u8]) -> Result<Vec<Map<String, Value>>, Unreadable> {
    let list = match serde_json::from_slice(body)? {
        Value::Array(list) => list,
        object @ Value::Object(_) => vec![object],
        _ => return Err(Unreadable::Shape),
    };
    let object = |item| match item {
        Value::Object(object) => Ok(object),
        _ => Err(Unreadable::Shape),
    };
    list.into_iter().map(object).collect()
}

/// The rows of a page whose first item stands at `offset` in its listing. A key that comes twice keeps
/// its last item, as the source would on a fresh read.
pub fn rows(
    resource: &Resource,
    inherited: &[(String, Value)],
    items: Vec<Map<String, Value>>,
    offset: usize,
) -> Result<Vec<Row>, Unreadable> {
    let mut rows: Vec<Row> = Vec::with_capacity(items.len());
    let mut place = std::collections::HashMap::new();
    for (index, item) in items.into_iter().enumerate() {
        let row = row(resource, inherited, item, offset + index)?;
        if let Some(earlier) = place.get(&row.key).and_then(|at: &usize| rows.get_mut(*at)) {
            *earlier = row;
        } else {
            place.insert(row.key.clone(), rows.len());
            rows.push(row);
        }
    }
    Ok(rows)
}

fn row(
    resource: &Resource,
    inherited: &[(String, Value)],
    mut item: Map<String, Value>,
    position: usize,
) -> Result<Row, Unreadable> {
    if !resource.keep.is_empty() {
        item.retain(|name, _| resource.keep.contains(name));
    }
    let values = values(resource, inherited, &item, position);
    let mut parts = Vec::with_capacity(resource.key.len());
    for column in &resource.key {
        match values.iter().find(|(name, _)| name == column).map(|(_, value)| value) {
            Some(Value::String(text)) => parts.push(text.clone()),
            Some(value @ (Value::Number(_) | Value::Bool(_))) => parts.push(value.to_string()),
            _ => return Err(Unreadable::Key { position: position + 1, column: column.clone() }),
        }
    }
    let body = Value::Object(item).to_string();
    let hash = hash(&body, inherited, placed(resource).then_some(position));
    Ok(Row { key: parts.join("/"), hash, body, values })
}

/// Whether a column holds the place in the listing, so that a move is a change.
fn placed(resource: &Resource) -> bool {
    resource.columns.iter().any(|column| column.from == POSITION)
}

/// The `from` of a column that holds the item's place in its listing, from 1.
const POSITION: &str = "@position";

fn values(
    resource: &Resource,
    inherited: &[(String, Value)],
    item: &Map<String, Value>,
    position: usize,
) -> Vec<(String, Value)> {
    let mut values = inherited.to_vec();
    if resource.columns.is_empty() {
        let mut seen: Vec<String> = values.iter().map(|(name, _)| name.to_lowercase()).collect();
        for (name, value) in item {
            let lower = name.to_lowercase();
            if !name.is_empty() && !name.starts_with('_') && !seen.contains(&lower) {
                seen.push(lower);
                values.push((name.clone(), value.clone()));
            }
        }
        return values;
    }
    for column in &resource.columns {
        let value = if column.from == POSITION { Value::from(position + 1) } else { at(item, &column.from) };
        values.push((column.name.clone(), value));
    }
    values
}

/// The value at a dotted path; `labels[].name` is the list of the names, and what is not there is null.
fn at(item: &Map<String, Value>, path: &str) -> Value {
    let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
    let (name, each) = head.strip_suffix("[]").map_or((head, false), |name| (name, true));
    match (item.get(name), each, rest) {
        (None | Some(Value::Null), ..) => Value::Null,
        (Some(Value::Array(list)), true, Some(rest)) => {
            list.iter().filter_map(Value::as_object).map(|inner| at(inner, rest)).collect()
        }
        (Some(Value::Object(inner)), false, Some(rest)) => at(inner, rest),
        (Some(value), _, None) => value.clone(),
        _ => Value::Null,
    }
}

fn hash(body: &str, inherited: &[(String, Value)], position: Option<usize>) -> String {
    let mut digest = Sha256::new();
    digest.update(body.as_bytes());
    for (name, value) in inherited {
        digest.update(format!("\n{name}={value}"));
    }
    if let Some(position) = position {
        digest.update(format!("\n@{position}"));
    }
    hex::encode(digest.finalize())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Spec;
    use super::*;

    fn check(columns: &str, item: &Value) -> Vec<(String, Value)> {
        let text = format!(
            "source = \"github\"\n[[resources]]\nname = \"r\"\npath = \"/r\"\nkey = [\"id\"]\n{columns}"
        );
        let spec = Spec::parse("p", &text).unwrap();
        let rows = rows(&spec.resources[0], &[], items(&json!([item]).to_string().into_bytes()).unwrap(), 4)
            .unwrap();
        rows.into_iter().next().unwrap().values
    }

    #[test]
    fn declared_columns_reach_into_the_item() {
        let item =
            json!({"id": 7, "user": {"login": "ada"}, "labels": [{"name": "a"}, {"name": "b"}], "x": 1});
        let columns = r#"columns = [
            { name = "id", type = "bigint" }, { name = "user", from = "user.login", type = "varchar" },
            { name = "labels", from = "labels[].name", type = "json" }, { name = "gone", from = "a.b", type = "json" },
            { name = "place", from = "@position", type = "bigint" }]"#;
        let expected = [
            ("id", json!(7)),
            ("user", json!("ada")),
            ("labels", json!(["a", "b"])),
            ("gone", json!(null)),
            ("place", json!(5)),
        ];
        assert_eq!(check(columns, &item), expected.map(|(name, value)| (name.to_owned(), value)));
    }

    #[test]
    fn without_columns_every_top_level_key_is_one_and_none_collide() {
        let item = json!({"id": 7, "Id": 8, "_key": 1, "user": {"login": "ada"}});
        let expected = [("id", json!(7)), ("user", json!({"login": "ada"}))];
        assert_eq!(check("", &item), expected.map(|(name, value)| (name.to_owned(), value)));
    }

    #[test]
    fn what_is_no_page_is_refused() {
        assert_eq!(items(b"[{\"id\": 1").unwrap_err().to_string(), "the body is not JSON");
        assert_eq!(items(b"[1]").unwrap_err().to_string(), "the body is not a list of objects");
        assert_eq!(items(b"{\"id\": 1}").unwrap().len(), 1);
    }
}
