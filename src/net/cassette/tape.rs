//! Recording: what a server answers as the lines of a cassette.
//!
//! Of an answer's headers only those are kept that a client acts on, and of a request its address, its media
//! type and the JSON it sends; what it carried as sensitive is remembered only to be taken out of the rest.
//! An answer that nothing changed is left out: whoever plays gives it where the tag fits.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header, response};
use serde_json::Value;

use super::{Chosen, Exchange, USUAL, essence};
use crate::net::Transport;

/// Headers that are kept; those that begin with [`LIMITS`] are, too.
const KEPT: [&str; 4] = ["link", "etag", "retry-after", "location"];
/// What the names of headers begin with that tell of a limit.
const LIMITS: &str = "x-ratelimit-";

/// What is being recorded. Cheap to clone; clones share.
#[derive(Clone, Default)]
pub struct Tape(Arc<Mutex<Reel>>);

#[derive(Default)]
struct Reel {
    /// In the order in which they were answered.
    exchanges: Vec<Exchange>,
    /// What requests carried that must stand nowhere.
    credentials: BTreeSet<String>,
}

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tape").finish_non_exhaustive()
    }
}

impl Tape {
    /// The network, with every answer kept here.
    pub fn over(&self, client: reqwest::Client) -> Transport {
        Transport::Recorded(client, self.clone())
    }

    /// Keeps an answer.
    pub(in crate::net) fn keep(&self, request: &Request<Bytes>, answer: &response::Parts, body: &Bytes) {
        let mut reel = self.reel();
        let sensitive = request.headers().values().filter(|value| value.is_sensitive());
        for text in sensitive.filter_map(|value| value.to_str().ok()) {
            // Of `Bearer abc` the second word.
            reel.credentials.insert(text.split_once(' ').map_or(text, |(_, word)| word).to_owned());
        }
        let target = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
        let (get, post) = match *request.method() {
            Method::GET => (Some(target), None),
            Method::POST => (None, Some(target)),
            _ => return,
        };
        if answer.status == StatusCode::NOT_MODIFIED {
            return;
        }
        let sends = post.as_ref().and_then(|_| serde_json::from_slice(request.body()).ok());
        let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
        reel.exchanges.push(Exchange {
            get,
            post,
            sends: sends.map(|sends| essence(&sends)).unwrap_or_default(),
            accept: accept.filter(|accept| !USUAL.contains(accept)).map(str::to_owned),
            status: answer.status.as_u16(),
            headers: kept(&answer.headers),
            body: as_json(body),
        });
    }

    /// What requests carried as sensitive.
    pub fn credentials(&self) -> Vec<String> {
        self.reel().credentials.iter().cloned().collect()
    }

    /// What was kept so far of the server at the address `base`, whose path is left out.
    pub fn recording(&self, base: &str) -> Recording {
        let base = url::Url::parse(base);
        let base = base.as_ref().map_or("", |base| base.path()).trim_end_matches('/');
        let mut exchanges = self.reel().exchanges.clone();
        for exchange in &mut exchanges {
            for target in [&mut exchange.get, &mut exchange.post].into_iter().flatten() {
                if let Some(below) = below(target, base) {
                    *target = below;
                }
            }
        }
        Recording { exchanges }
    }

    fn reel(&self) -> MutexGuard<'_, Reel> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A target below a base's path. GitHub Enterprise answers GraphQL beside its base, not below it.
fn below(target: &str, base: &str) -> Option<String> {
    let beside = base.strip_suffix("/v3").and_then(|api| target.strip_prefix(api));
    let graphql = beside.filter(|rest| *rest == "/graphql");
    graphql.or_else(|| target.strip_prefix(base)).map(str::to_owned)
}

fn kept(headers: &http::HeaderMap) -> BTreeMap<String, String> {
    let mut kept = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        let (name, Ok(value)) = (name.as_str(), value.to_str()) else { continue };
        if KEPT.contains(&name) || name.starts_with(LIMITS) {
            let known = kept.entry(name.to_owned()).or_default();
            *known = if known.is_empty() { value.to_owned() } else { format!("{known}, {value}") };
        }
    }
    kept
}

/// A body as a line has it: JSON, or as it came where it is no JSON or would be taken for text.
fn as_json(body: &Bytes) -> Value {
    match serde_json::from_slice(body) {
        Ok(Value::String(_)) | Err(_) => Value::String(String::from_utf8_lossy(body).into_owned()),
        Ok(json) => json,
    }
}

/// What was recorded, until it is written.
#[derive(Debug)]
pub struct Recording {
    exchanges: Vec<Exchange>,
}

impl Recording {
    /// One answer with this body.
    #[cfg(test)]
    pub(crate) fn of(body: &Value) -> Self {
        let line = serde_json::json!({"get": "/", "body": body});
        Self { exchanges: vec![serde_json::from_value(line).unwrap()] }
    }

    /// How many answers there are.
    pub fn len(&self) -> usize {
        self.exchanges.len()
    }

    /// Whether nothing was answered.
    pub fn is_empty(&self) -> bool {
        self.exchanges.is_empty()
    }

    /// Changes every text there is: addresses, headers, what was sent, and bodies with the names in them.
    pub fn change(&mut self, mut change: impl FnMut(&mut String)) {
        for exchange in &mut self.exchanges {
            [&mut exchange.get, &mut exchange.post].into_iter().flatten().for_each(&mut change);
            exchange.headers.values_mut().for_each(&mut change);
            change_json(&mut exchange.sends, &mut change);
            change_json(&mut exchange.body, &mut change);
        }
    }

    /// Shows every text that has a name: in the query of an address, in what was sent, in a body.
    pub fn named(&self, mut see: impl FnMut(&str, &str)) {
        for exchange in &self.exchanges {
            for target in [&exchange.get, &exchange.post].into_iter().flatten() {
                named_query(target, &mut see);
            }
            named_json(("", &exchange.sends), &mut see);
            named_json(("", &exchange.body), &mut see);
        }
    }

    /// The cassette: what is read with it, then an exchange a line, by request; answers to the same request
    /// in the order in which they came.
    pub fn text(mut self, chosen: &Chosen) -> serde_json::Result<String> {
        let mut lines = vec![serde_json::to_string(chosen)?];
        self.exchanges.sort_by_cached_key(|exchange| exchange.key().unwrap_or_default());
        for exchange in &self.exchanges {
            lines.push(serde_json::to_string(exchange)?);
        }
        Ok(lines.join("\n") + "\n")
    }
}

fn change_json(value: &mut Value, change: &mut impl FnMut(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(values) => values.iter_mut().for_each(|value| change_json(value, change)),
        Value::Object(members) => {
            let changed = std::mem::take(members).into_iter().map(|(mut name, mut value)| {
                change(&mut name);
                change_json(&mut value, change);
                (name, value)
            });
            *members = changed.collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn named_json((name, value): (&str, &Value), see: &mut impl FnMut(&str, &str)) {
    match value {
        Value::String(text) => {
            see(name, text);
            if text.starts_with("http") {
                named_query(text, see);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| named_json((name, value), see)),
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| named_json((name, value), see));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn named_query(address: &str, see: &mut impl FnMut(&str, &str)) {
    let query = address.split_once('?').map_or("", |(_, query)| query);
    url::form_urlencoded::parse(query.as_bytes()).for_each(|(name, value)| see(&name, &value));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::net::cassette::{Cassette, Player};

    fn keep(tape: &Tape, target: &str, (status, headers): (u16, &[(&str, &str)]), body: &str) {
        let mut credential = http::HeaderValue::from_static("Bearer hidden");
        credential.set_sensitive(true);
        let request = Request::get(target).header(header::AUTHORIZATION, credential);
        let mut answer = http::Response::builder().status(status);
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        let (parts, ()) = answer.body(()).unwrap().into_parts();
        tape.keep(&request.body(Bytes::new()).unwrap(), &parts, &Bytes::from(body.to_owned()));
    }

    #[test]
    fn a_line_has_what_a_client_acts_on_and_plays_what_was_answered() {
        let tape = Tape::default();
        let base = "http://127.0.0.1:9/api/v3";
        let headers =
            [("link", "<x>; rel=\"next\""), ("etag", "\"e\""), ("date", "now"), ("set-cookie", "s")];
        keep(&tape, &format!("{base}/z"), (502, &[]), "<html>");
        keep(&tape, &format!("{base}/z"), (200, &headers), "[{\"b\": 1, \"a\": 2}]");
        keep(&tape, &format!("{base}/z"), (304, &headers), "");
        keep(&tape, &format!("{base}/a?n=1"), (204, &[("x-ratelimit-limit", "60")]), "");
        let chosen = Chosen { recorded: Some(jiff::Timestamp::UNIX_EPOCH), ..Chosen::default() };
        let text = tape.recording(base).text(&chosen).unwrap();
        let expected = concat!(
            r#"{"resources":[],"recorded":"1970-01-01T00:00:00Z"}"#,
            "\n",
            r#"{"get":"/a?n=1","status":204,"headers":{"x-ratelimit-limit":"60"},"body":""}"#,
            "\n",
            r#"{"get":"/z","status":502,"body":"<html>"}"#,
            "\n",
            r#"{"get":"/z","headers":{"etag":"\"e\"","link":"<x>; rel=\"next\""},"body":[{"b":1,"a":2}]}"#,
            "\n",
        );
        assert_eq!(text, expected);
        assert_eq!(tape.credentials(), ["hidden"]);
        let player = Player::new(Cassette::parse("c", &text).unwrap(), Vec::new(), Clock::System);
        let asked = Request::get("https://api.github.com/z").body(Bytes::new()).unwrap();
        let answers = [player.answer(&asked), player.answer(&asked)];
        assert_eq!(answers.map(|answer| answer.status().as_u16()), [502, 200]);
    }

    #[test]
    fn a_question_keeps_its_name_and_variables_wherever_it_is_asked() {
        assert_eq!(below("/api/graphql", "/api/v3").as_deref(), Some("/graphql"));
        assert_eq!(below("/api/v3/user", "/api/v3").as_deref(), Some("/user"));
        assert_eq!(below("/elsewhere", "/v2"), None);
        let tape = Tape::default();
        let body =
            r#"{"query": "query A { … }", "operationName": "A", "variables": {"first": 9, "ids": ["x"]}}"#;
        let request = Request::post("https://ghe.example.com/api/graphql").body(Bytes::from(body)).unwrap();
        let (parts, ()) = http::Response::new(()).into_parts();
        tape.keep(&request, &parts, &Bytes::from("{}"));
        let text = tape.recording("https://ghe.example.com/api/v3").text(&Chosen::default()).unwrap();
        let line = r#"{"post":"/graphql","sends":{"operationName":"A","variables":{"ids":["x"]}},"body":{}}"#;
        assert_eq!(text, format!("{{\"resources\":[]}}\n{line}\n"));
    }
}
