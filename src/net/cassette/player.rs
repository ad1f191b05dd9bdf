//! Playing a cassette: each request answered by its line, or by a fault that was scripted for it.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use serde_json::{Value, json};

use super::{Cassette, Exchange, Strike};
use crate::clock::Clock;
use crate::net::follows;

/// No server says it, and no client tries it again.
const UNANSWERED: StatusCode = StatusCode::NOT_IMPLEMENTED;

/// A cassette that is being replayed. Cheap to clone; clones share.
#[derive(Debug, Clone)]
pub struct Player(Arc<Deck>);

#[derive(Debug)]
struct Deck {
    cassette: Cassette,
    strikes: Vec<Strike>,
    clock: Clock,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// How often each request was answered.
    answered: HashMap<String, usize>,
    /// The requests that met a fault, by the fault's number.
    struck: BTreeSet<(usize, String)>,
    asked: Vec<Asked>,
}

/// A request that was asked for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// By what it is known on cassettes.
    pub request: String,
    /// The host it would have gone to.
    pub host: String,
    /// Whether a line answers it.
    pub answered: bool,
}

impl Player {
    /// Begins at the cassette's start. The clock says when faults end.
    pub fn new(cassette: Cassette, strikes: Vec<Strike>, clock: Clock) -> Self {
        Self(Arc::new(Deck { cassette, strikes, clock, seen: Mutex::default() }))
    }

    /// Every request, in the order in which they were first asked.
    pub fn asked(&self) -> Vec<Asked> {
        self.seen().asked.clone()
    }

    /// Whether the fault of this number met a request.
    pub fn struck(&self, number: usize) -> bool {
        self.seen().struck.iter().any(|(fault, _)| *fault == number)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a request, redirects followed as over the network.
    pub(in crate::net) fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let mut uri = request.uri().to_string();
        let mut number = 0;
        loop {
            let answer = self.once(request, &uri);
            number += 1;
            match next(&uri, &answer, number) {
                Some(next) => uri = next,
                None => return answer,
            }
        }
    }

    fn once(&self, request: &Request<Bytes>, uri: &str) -> Response<Bytes> {
        let Ok(uri) = uri.parse() else { return refusal("the cassette leads to no address") };
        let mut asked = request.clone();
        *asked.uri_mut() = uri;
        // A redirect that a fault made leads back to where it began.
        let moved = super::fault::back(asked.uri());
        if let Some(back) = &moved {
            *asked.uri_mut() = back.clone();
        }
        let key = self.0.cassette.known_by(&asked);
        if moved.is_none()
            && let Some(number) = self.strikes(&key)
            && let Some(strike) = self.0.strikes.get(number)
        {
            return strike.fault.answer(&asked, self.line(&key, &asked, 0), self.0.clock.now());
        }
        self.line(&key, &asked, 1)
    }

    /// The fault that this request meets now, which it meets once.
    fn strikes(&self, key: &str) -> Option<usize> {
        let mut seen = self.seen();
        let fits = |strike: &Strike| strike.at.as_ref().is_none_or(|at| key.contains(at.as_str()));
        let mut fitting = self.0.strikes.iter().enumerate().filter(|(_, strike)| fits(strike));
        fitting.find_map(|(number, _)| seen.struck.insert((number, key.to_owned())).then_some(number))
    }

    /// What a line answers; the next time the one that comes `on` lines later does.
    fn line(&self, key: &str, request: &Request<Bytes>, on: usize) -> Response<Bytes> {
        let exchanges = self.0.cassette.exchanges.get(key);
        let mut seen = self.seen();
        if seen.asked.iter().all(|asked| asked.request != key) {
            let host = request.uri().host().unwrap_or_default().to_owned();
            seen.asked.push(Asked { request: key.to_owned(), host, answered: exchanges.is_some() });
        }
        let Some(exchanges) = exchanges else { return refusal(&self.unknown(key)) };
        let count = seen.answered.entry(key.to_owned()).or_default();
        let exchange = exchanges.get(*count).or_else(|| exchanges.last());
        *count += on;
        exchange.map_or_else(|| refusal("the cassette is empty"), |exchange| exchange.answer(request))
    }

    fn unknown(&self, key: &str) -> String {
        let near = |known: &&String| strsim::jaro_winkler(known, key);
        let nearest = self.0.cassette.exchanges.keys().max_by(|a, b| near(a).total_cmp(&near(b)));
        let nearest = nearest.map(|known| format!("; the nearest it answers is {known}")).unwrap_or_default();
        format!("the network is refused and the cassette does not answer {key}{nearest}")
    }
}

impl Exchange {
    fn answer(&self, request: &Request<Bytes>) -> Response<Bytes> {
        let status = StatusCode::from_u16(self.status).unwrap_or(UNANSWERED);
        let named = self.headers.iter().filter_map(|(name, value)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::from_str(value).ok()?))
        });
        let headers: HeaderMap = named.collect();
        let tag = headers.get(header::ETAG);
        if tag.is_some() && tag == request.headers().get(header::IF_NONE_MATCH) {
            return answer(StatusCode::NOT_MODIFIED, headers, Bytes::new());
        }
        let body = match &self.body {
            Value::Null if matches!(self.status, 204 | 304) => Bytes::new(),
            Value::String(raw) => Bytes::from(raw.clone()),
            body => Bytes::from(body.to_string()),
        };
        answer(status, headers, body)
    }
}

/// An answer; its body is JSON unless a header says otherwise.
pub(super) fn answer(status: StatusCode, mut headers: HeaderMap, body: Bytes) -> Response<Bytes> {
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    headers.entry(header::CONTENT_TYPE).or_insert(json);
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    answer
}

fn refusal(why: &str) -> Response<Bytes> {
    answer(UNANSWERED, HeaderMap::new(), Bytes::from(json!({"message": why}).to_string()))
}

/// Where a redirect leads, if it is one that is followed.
fn next(from: &str, answer: &Response<Bytes>, number: usize) -> Option<String> {
    let location = answer.headers().get(header::LOCATION).filter(|_| answer.status().is_redirection())?;
    let from = url::Url::parse(from).ok()?;
    let to = from.join(location.to_str().ok()?).ok()?;
    follows(&from, &to, number).then(|| to.to_string())
}
