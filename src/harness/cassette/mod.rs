//! Cassettes: recorded exchanges, one JSON object a line, replayed offline.
//!
//! ```text
//! {"get": "/user/repos?per_page=100", "status": 200, "headers": {"etag": "\"a\""}, "body": [...]}
//! ```
//!
//! A request is known by its path and its query, whose order does not matter, and by the media type it
//! asks for where that is not the usual one (`"accept": "application/vnd.github.star+json"`). The same request written
//! twice answers in that order, the last one again and again. A request that no line answers is an
//! attempt to reach the network, refused and reported: replaying never guesses. A line
//! `{"resources": ["default", "reviews"]}` says what is read with it instead of the defaults.

mod replay;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

pub(crate) use replay::HOST;
pub use replay::Replay;

use crate::error::{Exit, Failure};

/// Recorded exchanges.
#[derive(Debug, Clone, Default)]
pub struct Cassette {
    /// By normalised path and query, in the order they were recorded.
    exchanges: BTreeMap<String, Vec<Exchange>>,
    /// What is read with it; empty means the pipeline's defaults.
    resources: Vec<String>,
}

/// A line that says what is read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    resources: Vec<String>,
}

/// One recorded exchange.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    get: String,
    accept: Option<String>,
    #[serde(default = "ok")]
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Value,
}

const fn ok() -> u16 {
    200
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
        let mut exchanges: BTreeMap<String, Vec<Exchange>> = BTreeMap::new();
        let mut resources = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            if let Ok(chosen) = serde_json::from_str::<Chosen>(line) {
                resources.extend(chosen.resources);
                continue;
            }
            let failed = |source| Error { place: place.to_owned(), line: index + 1, source };
            let exchange: Exchange = serde_json::from_str(line).map_err(failed)?;
            exchanges.entry(key(&exchange.get, exchange.accept.as_deref())).or_default().push(exchange);
        }
        Ok(Self { exchanges, resources })
    }

    /// The resources that are read with it; empty means the pipeline's defaults.
    pub fn resources(&self) -> &[String] {
        &self.resources
    }
}

/// By what a request is known.
fn key(target: &str, accept: Option<&str>) -> String {
    let accept = accept.map(|accept| format!(" as {accept}")).unwrap_or_default();
    format!("{}{accept}", normalise(target))
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
    fn a_broken_line_is_named() {
        let error = Cassette::parse("c.jsonl", "# a comment\n\n{\"get\": 1}\n").unwrap_err();
        assert_eq!(error.to_string(), "cannot read line 3 of the cassette `c.jsonl`");
    }
}
