//! Cassettes: recorded exchanges, one JSON object a line, replayed offline.
//!
//! ```text
//! {"get": "/user/repos?per_page=100", "status": 200, "headers": {"etag": "\"a\""}, "body": [...]}
//! {"post": "/graphql", "sends": {"operationName": "PullRequest_reviews", "variables": {"ids": ["PR_1"]}}, "body": {...}}
//! ```
//!
//! A request is known by its path and its query, whose order does not matter, by the media type it asks
//! for where that is not the usual one (`"accept": "application/vnd.github.star+json"`), and by the JSON
//! it sends; of a question by GraphQL by its `operationName` and its variables, without `first`, which is how
//! much is asked for at once, and without those that are null. The same request written twice answers in that order, the last one again and again; a body
//! that is a string is a body as it came over the wire. A request that no line answers is an attempt to
//! reach the network, refused and kept for the report: replaying never guesses. A line
//! `{"resources": ["default", "reviews"]}` says what is read with it instead of the defaults, and
//! `"repos": ["octo/app"]` in it that only these were read, and `"recorded"` when that was, which is then the
//! time at which it is replayed. A [`Tape`] records.

mod fault;
mod player;
mod tape;

use std::collections::BTreeMap;

use http::{Method, Request, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use fault::{Fault, Strike};
pub use player::{Asked, Player};
pub use tape::{Recording, Tape};

use crate::error::{Exit, Failure};

/// The media types that a request may ask for without saying so on the cassette.
const USUAL: [&str; 3] = ["application/vnd.github+json", "application/json", "*/*"];

/// Recorded exchanges.
#[derive(Debug, Clone, Default)]
pub struct Cassette {
    /// By what a request is known, in the order they were recorded.
    exchanges: BTreeMap<String, Vec<Exchange>>,
    /// What is read with it; empty means the pipeline's defaults.
    resources: Vec<String>,
    /// The repositories that alone are read; empty means all.
    repos: Vec<String>,
    recorded: Option<Timestamp>,
    /// The path of the server's base, which lines leave out.
    below: String,
}

/// A line that says what is read, and when it was.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// The resources; empty means the pipeline's defaults.
    pub resources: Vec<String>,
    /// The repositories that alone are read; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repos: Vec<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Timestamp>,
}

/// One recorded exchange.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    #[serde(skip_serializing_if = "Option::is_none")]
    get: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    post: Option<String>,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    sends: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    accept: Option<String>,
    #[serde(default = "ok", skip_serializing_if = "is_ok")]
    status: u16,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Value,
}

const fn ok() -> u16 {
    200
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_ok(status: &u16) -> bool {
    *status == ok()
}

/// Why a cassette cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read line {line} of the cassette `{place}`")]
pub struct Error {
    /// The file.
    pub place: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub source: serde_json::Error,
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn hints(&self) -> Vec<String> {
        vec![r#"a line is {"get": "/path?query", "status": 200, "headers": {}, "body": [...]}"#.to_owned()]
    }
}

impl Cassette {
    /// Reads a cassette's text. Empty lines and lines that begin with `#` are left out.
    pub fn parse(place: &str, text: &str) -> Result<Self, Error> {
        let mut cassette = Self::default();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            if let Ok(chosen) = serde_json::from_str::<Chosen>(line) {
                cassette.resources.extend(chosen.resources);
                cassette.repos.extend(chosen.repos);
                cassette.recorded = cassette.recorded.or(chosen.recorded);
                continue;
            }
            let failed = |source| Error { place: place.to_owned(), line: index + 1, source };
            let exchange: Exchange = serde_json::from_str(line).map_err(failed)?;
            let key = exchange.key().map_err(failed)?;
            cassette.exchanges.entry(key).or_default().push(exchange);
        }
        Ok(cassette)
    }

    /// The resources that are read with it; empty means the pipeline's defaults.
    pub fn resources(&self) -> &[String] {
        &self.resources
    }

    /// The repositories that alone are read with it; empty means all.
    pub fn repos(&self) -> &[String] {
        &self.repos
    }

    /// The same, of a server whose base has this path: its lines are below it.
    #[must_use]
    pub fn below(mut self, path: &str) -> Self {
        path.trim_end_matches('/').clone_into(&mut self.below);
        self
    }

    /// By what a request is known on it.
    fn known_by(&self, request: &Request<bytes::Bytes>) -> String {
        let target = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        known_by(request, target.strip_prefix(&self.below).unwrap_or(target))
    }

    /// The time at which it is replayed.
    pub fn begins(&self) -> Timestamp {
        self.recorded.unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Whether it says when it was recorded, so that the age of what is on it can be told.
    pub const fn is_dated(&self) -> bool {
        self.recorded.is_some()
    }
}

impl Exchange {
    /// By what its request is known.
    fn key(&self) -> Result<String, serde_json::Error> {
        let accept = self.accept.as_deref();
        match (&self.get, &self.post) {
            (Some(target), None) => Ok(key("GET", target, accept, &Value::Null)),
            (None, Some(target)) => Ok(key("POST", target, accept, &self.sends)),
            _ => Err(serde::de::Error::custom("a line has either `get` or `post`")),
        }
    }
}

/// By what a request is known on cassettes, for instance `GET /user/repos?per_page=100`.
fn known_by(request: &Request<bytes::Bytes>, target: &str) -> String {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let accept = accept.filter(|accept| !USUAL.contains(accept));
    let sends = serde_json::from_slice(request.body()).unwrap_or_default();
    let sends = if request.method() == Method::GET { Value::Null } else { sends };
    key(request.method().as_str(), target, accept, &sends)
}

fn key(method: &str, target: &str, accept: Option<&str>, sends: &Value) -> String {
    let accept = accept.map(|accept| format!(" as {accept}")).unwrap_or_default();
    let sends = if sends.is_null() { String::new() } else { format!(" {}", sorted(&essence(sends))) };
    format!("{method} {}{accept}{sends}", normalise(target))
}

/// What tells a question by GraphQL from others; anything else whole.
fn essence(sends: &Value) -> Value {
    let Some(Value::Object(variables)) = sends.get("variables") else { return sends.clone() };
    let known = variables.iter().filter(|(name, value)| *name != "first" && !value.is_null());
    let known: serde_json::Map<_, _> = known.map(|(name, value)| (name.clone(), value.clone())).collect();
    serde_json::json!({"operationName": sends.get("operationName"), "variables": known})
}

/// The same JSON with the names of its objects sorted.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<_, _> = members.iter().collect();
            members.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect()
        }
        Value::Array(values) => values.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// A path and its query with the parameters decoded and sorted; the host of a full link is left out.
fn normalise(target: &str) -> String {
    let path = match target.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|start| rest.get(start..)).unwrap_or("/"),
        None => target,
    };
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
    pairs.sort();
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_the_same_whatever_the_order_and_encoding_of_their_query() {
        let expected = "/r?a=1&since=2008-01-01T00:00:00Z";
        assert_eq!(normalise("/r?since=2008-01-01T00%3A00%3A00Z&a=1"), expected);
        assert_eq!(normalise("https://api.github.com/r?a=1&since=2008-01-01T00:00:00Z"), expected);
        assert_eq!(normalise("/r"), "/r");
    }

    #[test]
    fn what_is_sent_is_part_of_a_request_whatever_the_order_of_its_names() {
        let line = r#"{"post": "/graphql", "sends": {"b": 1, "a": {"d": 2, "c": 3}}}"#;
        let cassette = Cassette::parse("c", line).unwrap();
        assert!(
            cassette.exchanges.contains_key(r#"POST /graphql {"a":{"c":3,"d":2},"b":1}"#),
            "{cassette:?}"
        );
    }

    #[test]
    fn a_question_is_known_by_its_name_and_its_variables() {
        let line = r#"{"post": "/graphql", "sends": {"operationName": "A_b", "variables": {"ids": ["x"]}}}"#;
        let cassette = Cassette::parse("c", line).unwrap();
        let body = r#"{"query": "query A_b { … }", "operationName": "A_b", "variables": {"first": 100, "after": null, "ids": ["x"]}}"#;
        let asked = Request::post("https://api.github.com/graphql").body(body.into()).unwrap();
        assert!(cassette.exchanges.contains_key(&cassette.known_by(&asked)), "{cassette:?}");
    }

    #[test]
    fn a_broken_line_is_named() {
        let error = Cassette::parse("c.jsonl", "# a comment\n\n{\"get\": 1}\n").unwrap_err();
        assert_eq!(error.to_string(), "cannot read line 3 of the cassette `c.jsonl`");
        assert!(Cassette::parse("c.jsonl", "{\"body\": []}").is_err(), "it says what was asked");
    }
}
