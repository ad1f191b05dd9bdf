//! A request as data, and its body read the way GitHub reads it: wrong shapes are refused by name.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::refusal::Refusal;

/// A request, taken apart.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) method: String,
    /// The path's parts, decoded, without `/api/v3`.
    pub(super) parts: Vec<String>,
    /// The path as it came, for links.
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) authorization: Option<String>,
    pub(super) accept: Option<String>,
    pub(super) if_none_match: Option<String>,
    pub(super) version: Option<String>,
}

impl Request {
    /// Whether the client speaks to us as to an Enterprise Server.
    pub(super) fn is_enterprise(&self) -> bool {
        self.path.starts_with("/api/v3/")
    }

    /// A query parameter; an empty one counts as absent.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A time in the query: RFC 3339, or a day.
    pub(super) fn time(&self, name: &str) -> Result<Option<Timestamp>, Refusal> {
        let Some(text) = self.query(name) else { return Ok(None) };
        let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
        let time = text.parse().ok().or_else(|| day().map(|day| day.timestamp()));
        time.map(Some).ok_or_else(|| Refusal::field("Issue", name, "invalid"))
    }

    /// The body as a JSON object; no body is an empty one.
    pub(super) fn fields(&self) -> Result<Fields, Refusal> {
        if self.body.is_empty() {
            return Ok(Fields(Map::new()));
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(fields)) => Ok(Fields(fields)),
            Ok(_) => Err(Refusal::new(400, "Body should be a JSON object")),
            Err(_) => Err(Refusal::new(400, "Problems parsing JSON")),
        }
    }
}

/// The fields of a body. `null` counts as absent.
#[derive(Debug)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Whether the field is there at all, even as `null`.
    pub(super) fn names(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            // GitHub takes numbers as titles.
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(other) => Err(wrong(name, other, "a string")),
        }
    }

    /// A database id or a number: an integer, never text (GitHub: `sub_issue_id` is an integer).
    pub(super) fn integer(&self, name: &str) -> Result<Option<u64>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => value.as_u64().map(Some).ok_or_else(|| wrong(name, value, "an integer")),
        }
    }

    pub(super) fn required_integer(&self, name: &str) -> Result<u64, Refusal> {
        self.integer(name)?.ok_or_else(|| missing(name))
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(wrong(name, other, "a boolean")),
        }
    }

    /// A list of names; labels may also come as objects with a `name`.
    pub(super) fn names_in(&self, name: &str) -> Result<Option<Vec<String>>, Refusal> {
        let list = match self.get(name) {
            None => return Ok(None),
            Some(Value::Array(list)) => list,
            Some(other) => return Err(wrong(name, other, "an array")),
        };
        let text = |value: &Value| match value.get("name").unwrap_or(value) {
            Value::String(text) => Ok(text.clone()),
            other => Err(wrong(name, other, "a string")),
        };
        list.iter().map(text).collect::<Result<Vec<_>, _>>().map(Some)
    }

    /// Text that must be there and not blank.
    pub(super) fn required(&self, resource: &str, name: &str) -> Result<String, Refusal> {
        let text = self.text(name)?.ok_or_else(|| missing(name))?;
        if text.trim().is_empty() { Err(Refusal::field(resource, name, "missing_field")) } else { Ok(text) }
    }
}

fn missing(name: &str) -> Refusal {
    Refusal::shape(&format!("\"{name}\" wasn't supplied."))
}

fn wrong(name: &str, value: &Value, expected: &str) -> Refusal {
    Refusal::shape(&format!("For 'properties/{name}', {value} is not {expected}."))
}
