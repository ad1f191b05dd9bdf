//! Replaying a cassette as a pipeline's source.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use serde_json::Value;

use super::{Cassette, Exchange};
use crate::artifact::evidence::Attempt;
use crate::pipeline::source::{Page, PageRequest, Source, SourceError, Trouble};

/// The host that a pipeline's unanswered requests would have gone to.
pub(crate) const HOST: &str = "api.github.com";

/// A cassette that is being replayed.
#[derive(Debug)]
pub struct Replay<'a> {
    cassette: &'a Cassette,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// How often each request was answered.
    answered: HashMap<String, usize>,
    attempts: Vec<Attempt>,
}

impl<'a> Replay<'a> {
    /// Begins at the cassette's start.
    pub fn new(cassette: &'a Cassette) -> Self {
        Self { cassette, seen: Mutex::default() }
    }

    /// Every request that no line answered.
    pub fn attempts(self) -> Vec<Attempt> {
        self.seen.into_inner().unwrap_or_else(PoisonError::into_inner).attempts
    }

    fn next(&self, request: &PageRequest) -> Result<&'a Exchange, SourceError> {
        let key = super::key(&request.target.to_string(), request.accept.as_deref());
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(exchanges) = self.cassette.exchanges.get(&key) else {
            let by = format!("resource `{}`: GET {key}", request.resource);
            seen.attempts.push(Attempt { host: HOST.to_owned(), port: Some(443), by });
            return Err(self.unknown(&key));
        };
        let count = seen.answered.entry(key).or_default();
        let exchange = exchanges.get(*count).or_else(|| exchanges.last());
        *count += 1;
        exchange.ok_or_else(|| error(Trouble::Broken, "the cassette is empty"))
    }

    fn unknown(&self, key: &str) -> SourceError {
        let near = |known: &&String| strsim::jaro_winkler(known, key);
        let nearest = self.cassette.exchanges.keys().max_by(|a, b| near(a).total_cmp(&near(b)));
        let nearest =
            nearest.map(|known| format!("; the nearest it answers is GET {known}")).unwrap_or_default();
        error(
            Trouble::Broken,
            &format!("the network is refused and the cassette does not answer GET {key}{nearest}"),
        )
    }
}

impl Source for Replay<'_> {
    async fn page(&self, request: &PageRequest) -> Result<Page, SourceError> {
        let exchange = self.next(request)?;
        let header = |name: &str| {
            exchange
                .headers
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.clone())
        };
        let etag = header("etag");
        if etag.is_some() && etag == request.etag {
            return Ok(Page { unchanged: true, status: 304, etag, ..Page::default() });
        }
        if let Some(trouble) = trouble(exchange.status) {
            let message = exchange.body.get("message").and_then(Value::as_str).unwrap_or("no message");
            return Err(error(trouble, &format!("{message} (status {})", exchange.status)));
        }
        // A string is a body as it came over the wire: a way to record one that is not JSON.
        let body = match &exchange.body {
            Value::String(raw) => Bytes::from(raw.clone()),
            body => Bytes::from(body.to_string()),
        };
        let next = header("link").and_then(|link| next_of(&link));
        Ok(Page { unchanged: false, status: exchange.status, body, next, last: None, etag })
    }
}

fn error(trouble: Trouble, message: &str) -> SourceError {
    SourceError { trouble, message: message.to_owned(), source: None, hints: Vec::new() }
}

const fn trouble(status: u16) -> Option<Trouble> {
    match status {
        200..=299 => None,
        401 => Some(Trouble::Unauthorized),
        403 | 404 | 451 => Some(Trouble::NotPermitted),
        409 | 410 => Some(Trouble::Absent),
        429 => Some(Trouble::Stopped),
        _ => Some(Trouble::Broken),
    }
}

/// The target of `rel="next"` in a Link header.
fn next_of(link: &str) -> Option<String> {
    let part = link.split(',').find(|part| part.contains("rel=\"next\""))?;
    Some(part.split_once('<')?.1.split_once('>')?.0.to_owned())
}
