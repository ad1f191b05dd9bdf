//! Any REST API as a pipeline's source: its pages, and its errors in the pipeline's words.
//!
//! The credential is sent to the origin of the spec's base and nowhere else, whatever a page or a redirect
//! says. What follows from an answer is decided in `decide`, pure; `net`'s loop carries it out. Which page
//! comes next is not asked here: `pipeline::paging` knows.

mod decide;
mod error;

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use serde::de::IgnoredAny;
use url::Url;

use crate::clock::Clock;
use crate::config::Secret;
use crate::net::{self, Next, Transport, insist};
use crate::pipeline::source::{Page, PageRequest, Source, SourceError, Target};
use crate::pipeline::spec::{Auth, Rest};
use decide::{Attempt, Came, Decision, decide};
pub use error::Error;

/// A connection to one API. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    transport: Transport,
    rest: Rest,
    base: Url,
    headers: HeaderMap,
    /// The parameter of the query that carries the credential, where one does.
    parameter: Option<(String, Secret)>,
    /// The credential, which is cut out of whatever the server says.
    credential: Option<Secret>,
    clock: Clock,
}

impl Client {
    /// Prepares the connection; nothing is sent yet. `credential` is what the host's variable holds.
    pub fn new(
        transport: impl Into<Transport>,
        rest: &Rest,
        credential: Option<Secret>,
        clock: Clock,
    ) -> Result<Self, Error> {
        let base = Url::parse(&rest.base).map_err(|_invalid| Error::Address { url: rest.base.clone() })?;
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        for (name, value) in &rest.headers {
            let pair = (HeaderName::try_from(name).ok(), HeaderValue::try_from(value).ok());
            if let (Some(name), Some(value)) = pair {
                headers.insert(name, value);
            }
        }
        let (transport, rest) = (transport.into(), rest.clone());
        let mut client = Self { transport, rest, base, headers, parameter: None, credential: None, clock };
        if let Some(variable) = client.rest.variable() {
            let Some(credential) = credential else {
                return Err(Error::NoCredential { host: client.rest.host(), variable });
            };
            client.carry(&credential).ok_or(Error::Credential { variable })?;
            client.credential = Some(credential);
        }
        Ok(client)
    }

    /// The API's base, by which the rows of this API are told from those of others.
    pub fn base(&self) -> &str {
        &self.rest.base
    }

    /// The credential, which nothing but this API may be told.
    pub const fn credential(&self) -> Option<&Secret> {
        self.credential.as_ref()
    }

    /// Puts the credential where the spec says; `None` where it cannot stand there.
    fn carry(&mut self, credential: &Secret) -> Option<()> {
        let (name, value) = match &self.rest.auth {
            Auth::None => return Some(()),
            Auth::Query { name } => {
                self.parameter = Some((name.clone(), credential.clone()));
                return Some(());
            }
            Auth::Bearer {} => (header::AUTHORIZATION, format!("Bearer {}", credential.expose())),
            Auth::Header { name } => (HeaderName::try_from(name).ok()?, credential.expose().to_owned()),
            Auth::Basic { user } => {
                let both = BASE64_STANDARD.encode(format!("{user}:{}", credential.expose()));
                (header::AUTHORIZATION, format!("Basic {both}"))
            }
        };
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Some(())
    }

    async fn read(&self, request: &PageRequest) -> Result<Page, Error> {
        let url = self.url(&request.target)?;
        let mut headers = self.headers.clone();
        let named = [(header::IF_NONE_MATCH, &request.etag), (header::ACCEPT, &request.accept)];
        for (name, value) in named {
            if let Some(value) = value.as_ref().and_then(|value| HeaderValue::from_str(value).ok()) {
                headers.insert(name, value);
            }
        }
        let asked = &request.target.to_string();
        let mut waited = Duration::ZERO;
        let judge = |number, missed: Missed| {
            let attempt = Attempt { number, waited, now: self.clock.now() };
            let decision = decide(&attempt, &missed.came());
            tracing::warn!(asked, number, ?decision, missed = missed.brief(), "a request did not succeed");
            match decision {
                Decision::Wait(pause) => {
                    waited += pause;
                    Next::After(pause)
                }
                Decision::Again(pause) => Next::After(pause),
                Decision::Limited(until) => {
                    Next::Stop(Error::Limited { base: self.rest.base.clone(), until })
                }
                Decision::Report => Next::Stop(self.report(asked, missed)),
            }
        };
        insist(&self.clock, || self.once(&url, &headers), judge).await
    }

    /// The address of a target, with the credential where the query carries it.
    fn url(&self, target: &Target) -> Result<Url, Error> {
        let (text, query) = match target {
            Target::Path { path, query } => (path, &query[..]),
            Target::Link(link) => (link, &[][..]),
            // A spec of another API than GitHub has none.
            Target::Question { name, .. } => return Err(Error::Address { url: name.clone() }),
        };
        let text = if text.starts_with('/') { format!("{}{text}", self.rest.base) } else { text.clone() };
        let mut url = Url::parse(&text).map_err(|_invalid| Error::Address { url: text.clone() })?;
        if url.origin() != self.base.origin() {
            return Err(Error::Elsewhere { base: self.rest.base.clone(), next: text });
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        if let Some((name, value)) = &self.parameter {
            url.query_pairs_mut().append_pair(name, value.expose());
        }
        Ok(url)
    }

    async fn once(&self, url: &Url, headers: &HeaderMap) -> Result<Page, Missed> {
        tokio::time::timeout(net::SILENCE, self.exchange(url, headers)).await.unwrap_or(Err(Missed::Silent))
    }

    async fn exchange(&self, url: &Url, headers: &HeaderMap) -> Result<Page, Missed> {
        let mut request = http::Request::get(url.as_str()).body(Bytes::new()).map_err(Missed::Unsaid)?;
        *request.headers_mut() = headers.clone();
        let sent = self.transport.send(request).await;
        let (parts, body) = sent.map_err(|error| Missed::Broken(error.without_url()))?.into_parts();
        let (status, headers) = (parts.status, parts.headers);
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let etag = text(header::ETAG).map(str::to_owned);
        if status == http::StatusCode::NOT_MODIFIED {
            return Ok(Page { unchanged: true, status: 304, etag, ..Page::default() });
        }
        let body = body.collect().await.map_err(|error| Missed::Broken(error.without_url()))?.to_bytes();
        if !status.is_success() {
            let (wait, next) = (text(header::RETRY_AFTER), text(header::LOCATION));
            let wait = wait.and_then(|wait| asked_to_wait(wait, self.clock.now()));
            let (next, words) = (next.map(|next| self.without(next)), self.without(&words(&body)));
            return Err(Missed::Said { status: status.as_u16(), wait, next, words });
        }
        if status == http::StatusCode::OK
            && let Err(source) = serde_json::from_slice::<IgnoredAny>(&body)
        {
            return Err(Missed::Torn(source));
        }
        let next = text(header::LINK).and_then(|links| net::link_of(links, "next")).map(str::to_owned);
        Ok(Page { unchanged: false, status: status.as_u16(), body, next, last: None, etag })
    }

    /// A server's text without the credential, plain or as a query has it.
    fn without(&self, text: &str) -> String {
        let Some(credential) = &self.credential else { return text.to_owned() };
        let encoded: String = url::form_urlencoded::byte_serialize(credential.expose().as_bytes()).collect();
        text.replace(credential.expose(), "…").replace(&encoded, "…")
    }

    fn report(&self, asked: &str, missed: Missed) -> Error {
        let (base, asked) = (self.rest.base.clone(), asked.to_owned());
        let (status, words, next) = match missed {
            Missed::Broken(source) => return Error::Unreachable { base, source: Some(source) },
            Missed::Silent => return Error::Unreachable { base, source: None },
            Missed::Unsaid(_) => return Error::Address { url: asked },
            Missed::Torn(source) => return Error::Torn { asked, base, source },
            Missed::Said { status, words, next, .. } => (status, words, next),
        };
        match status {
            300..=399 => Error::Elsewhere { base, next: next.unwrap_or_else(|| "nowhere".to_owned()) },
            401 => Error::Unauthorized { base, words, variable: self.rest.variable() },
            403 | 451 => Error::Forbidden { asked, words },
            404 => Error::NotFound { asked, base },
            410 => Error::Gone { asked, words },
            _ => Error::Refused { asked, base, status, words },
        }
    }
}

impl Source for Client {
    async fn page(&self, request: &PageRequest) -> Result<Page, SourceError> {
        self.read(request).await.map_err(|error| error.told())
    }
}

/// What came instead of a page.
enum Missed {
    /// No connection, or it broke.
    Broken(reqwest::Error),
    /// Nothing for a long time.
    Silent,
    /// The request could not be made.
    Unsaid(http::Error),
    /// A body that is not whole JSON.
    Torn(serde_json::Error),
    /// An error status, how long it asks to wait, where it leads, and the server's words.
    Said { status: u16, wait: Option<Duration>, next: Option<String>, words: String },
}

impl Missed {
    const fn came(&self) -> Came {
        match self {
            Self::Broken(_) | Self::Torn(_) | Self::Silent | Self::Unsaid(_) => Came::Broken,
            Self::Said { status, wait, .. } => Came::Status(*status, *wait),
        }
    }

    /// One line for the log.
    fn brief(&self) -> String {
        match self {
            Self::Broken(error) => error.to_string(),
            Self::Torn(error) => error.to_string(),
            Self::Unsaid(error) => error.to_string(),
            Self::Silent => format!("no answer within {} s", net::SILENCE.as_secs()),
            Self::Said { status, words, .. } => format!("{status}: {words}"),
        }
    }
}

/// `Retry-After`: seconds, or a date (RFC 9110).
fn asked_to_wait(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = jiff::fmt::rfc2822::parse(text.trim()).ok()?.timestamp();
    Some(until.duration_since(now).try_into().unwrap_or_default())
}

/// What a server says about an error, in one line of bounded length: the usual keys of a JSON body, or its text.
fn words(body: &Bytes) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let keys = ["/message", "/error/message", "/error_description", "/detail", "/title", "/error"];
    let said = json.as_ref().and_then(|json| keys.iter().find_map(|key| json.pointer(key)?.as_str()));
    let text = said.map_or_else(|| String::from_utf8_lossy(body), Into::into);
    let line: String = text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .filter(|c| !c.is_control())
        .take(300)
        .collect();
    if line.is_empty() { "it says nothing more".to_owned() } else { line }
}
