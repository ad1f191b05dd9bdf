//! One model of one role: the one send loop, for every protocol.
//!
//! The loop encodes, sends, reads, and decides with pure functions whether to try again. Every event
//! of a void attempt is discarded; display learns of it by a second [`Event::Started`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::assemble::Assembled;
use super::error::{Broken, Error};
use super::event::{Event, Reply, Stop, Usage};
use super::explain::{self, Circumstances};
use super::facts::{Accepts, ServerFacts};
use super::price;
use super::provider::replay::Replay;
use super::provider::{Complaint, Dialect, openai};
use super::receive::{self, Reading};
use super::request::Request;
use super::retry::{self, Advice, Trouble};
use crate::artifact::Usd;
use crate::clock::{Clock, Stopwatch};
use crate::config::settings::{Credential, ModelFacts, Profile, Provider};

/// A client for the model of one profile. Cheap to clone; clones share what they learned.
#[derive(Debug, Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    provider: Provider,
    base_url: String,
    model: String,
    credential: Option<Credential>,
    idle: Duration,
    retries: u32,
    prices: BTreeMap<String, ModelFacts>,
    known: Vec<String>,
    accepts: Mutex<Option<Accepts>>,
    dropped: Mutex<Vec<&'static str>>,
    replay: Option<Replay>,
    http: reqwest::Client,
    clock: Clock,
}

impl Client {
    /// A client for `profile`. `facts` are the shipped table and the user's additions. Refuses a
    /// retired model, with its successor as the hint, and a base URL that is none.
    pub fn new(
        profile: &Profile,
        facts: &BTreeMap<String, ModelFacts>,
        http: reqwest::Client,
        clock: Clock,
    ) -> Result<Self, Error> {
        let model = price::resolve(&profile.model).to_owned();
        if let Some(retired) = facts.get(&model).and_then(|facts| price::retired(facts, clock.now())) {
            let (on, successor) = (retired.on.clone(), retired.successor.clone());
            return Err(Error::Retired { model, on, successor, role: profile.role });
        }
        let (replay, mut dropped) = match &profile.provider {
            Provider::Replay(path) => (Some(Replay::open(path)?), Vec::new()),
            _ => (None, Vec::new()),
        };
        let base_url = base_url(&profile.base_url, replay.is_some())?;
        if !base_url.contains("api.openai.com") {
            dropped.push("max_completion_tokens");
        }
        let shared = Shared {
            provider: profile.provider.clone(),
            base_url,
            model,
            credential: profile.credential.clone(),
            idle: profile.idle,
            retries: profile.retries,
            prices: facts.clone(),
            known: facts
                .iter()
                .filter(|(_, facts)| facts.retired.is_none())
                .map(|(id, _)| id.clone())
                .collect(),
            accepts: Mutex::new(None),
            dropped: Mutex::new(dropped),
            replay,
            http,
            clock,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The model, with short names resolved.
    pub fn model(&self) -> &str {
        &self.shared.model
    }

    /// The server, without `/v1`.
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// Prices and limits of the model; `None` where they are unknown.
    pub fn prices(&self) -> Option<&ModelFacts> {
        self.shared.prices.get(&self.shared.model)
    }

    /// Takes what the server said of the model, asked now or kept from before: it wins over what the
    /// model's id tells.
    pub fn learn(&self, facts: &ServerFacts) {
        let mut known = self.shared.accepts.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone_from(&facts.accepts);
    }

    /// Sends a request and waits for the whole reply; the one loop that streams, retries and counts.
    ///
    /// `on_event` is for display only: a second [`Event::Started`] means that all before it was void.
    /// A virtual clock waits for no retry. Costs up to `retries + 1` requests.
    pub async fn send(
        &self,
        request: &Request,
        on_event: &mut (dyn FnMut(&Event) + Send),
        cancel: &CancellationToken,
    ) -> Result<Reply, Error> {
        let watch = Stopwatch::start();
        let request = &Request { model: price::resolve(&request.model).to_owned(), ..request.clone() };
        let (mut attempts, mut reached) = (0, false);
        loop {
            attempts += 1;
            let attempt = tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(Error::Cancelled),
                attempt = self.attempt(request, on_event) => attempt,
            };
            let trouble = match attempt {
                Ok(assembled) => return Ok(self.reply(request, assembled, attempts, watch.millis())),
                Err(trouble) => trouble,
            };
            reached |= !matches!(trouble, Trouble::Unreachable(_));
            if self.adapt(&trouble) {
                attempts -= 1;
                continue;
            }
            let Some(wait) = retry::decide(&trouble, attempts, self.shared.retries, fastrand::f64()) else {
                let at = Circumstances { reached, ..self.circumstances(&request.model, attempts) };
                return Err(explain::explain(trouble, at));
            };
            tracing::warn!(attempts, ?wait, ?trouble, "model request failed, trying again");
            tokio::select! {
                () = cancel.cancelled() => return Err(Error::Cancelled),
                () = self.shared.clock.sleep(wait) => {}
            }
        }
    }

    /// Asks the server what it knows of the model: one request, not retried. `None` where the server
    /// has no such endpoint.
    pub async fn facts(&self) -> Result<Option<ServerFacts>, Error> {
        if self.shared.replay.is_some() {
            return Ok(None);
        }
        let url = format!("{}/v1/models/{}", self.shared.base_url, self.shared.model);
        let outcome = async {
            let response =
                self.receive(self.shared.http.get(url).headers(self.headers(self.dialect())?)).await?;
            response.bytes().await.map_err(|error| Trouble::Unreachable(error.without_url()))
        };
        match outcome.await {
            Ok(body) => Ok(serde_json::from_slice::<Value>(&body).ok().as_ref().and_then(ServerFacts::read)),
            Err(Trouble::Status { status: 404 | 405 | 501, complaint, .. })
                if complaint.kind != "not_found_error" && complaint.code != "model_not_found" =>
            {
                Ok(None)
            }
            Err(trouble) => Err(explain::explain(trouble, self.circumstances(&self.shared.model, 1))),
        }
    }

    async fn attempt(
        &self,
        request: &Request,
        on_event: &mut (dyn FnMut(&Event) + Send),
    ) -> Result<Assembled, Trouble> {
        let reading =
            |dialect: Dialect| Reading { decoder: dialect.decoder(&request.model), idle: self.shared.idle };
        if let Some(replay) = &self.shared.replay {
            let (dialect, body) = replay.next().map_err(Trouble::Fatal)?;
            let whole = futures_util::stream::iter([Ok(body)]);
            return receive::read(whole, reading(dialect), on_event).await;
        }
        let response = self.receive(self.post(request)?).await?;
        receive::stream(response, reading(self.dialect()), on_event).await
    }

    fn post(&self, request: &Request) -> Result<reqwest::RequestBuilder, Trouble> {
        let dialect = self.dialect();
        let accepts = self.shared.accepts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let accepts = accepts.unwrap_or_else(|| Accepts::known(&request.model));
        let body = dialect.body(request, &accepts, &self.dropped());
        let url = format!("{}{}", self.shared.base_url, dialect.path());
        let post = self.shared.http.post(url).headers(self.headers(dialect)?);
        let body = Bytes::from(body.to_string());
        tracing::debug!(model = request.model, bytes = body.len(), "model request");
        Ok(post.header("content-type", "application/json").header("accept", "text/event-stream").body(body))
    }

    /// Sends, and turns a status that is no success into trouble.
    async fn receive(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, Trouble> {
        let watch = Stopwatch::start();
        let response = tokio::time::timeout(self.shared.idle, request.send());
        let response = response.await.map_err(|_elapsed| receive::idle(self.shared.idle))?;
        let response = response.map_err(|error| {
            let unsent = error.is_connect() || error.is_builder();
            let error = error.without_url();
            if unsent { Trouble::Unreachable(error) } else { Trouble::Broken(Broken::Connection(error)) }
        })?;
        let status = response.status();
        tracing::debug!(
            status = status.as_u16(),
            request_id = request_id(response.headers()),
            millis = watch.millis(),
            "model answer"
        );
        if status.is_success() {
            return Ok(response);
        }
        let advice = Advice::read(response.headers(), self.shared.clock.now());
        let body = tokio::time::timeout(self.shared.idle, response.bytes()).await;
        let body = body.ok().and_then(Result::ok).unwrap_or_default();
        Err(Trouble::Status { status: status.as_u16(), advice, complaint: Complaint::read(&body) })
    }

    fn headers(&self, dialect: Dialect) -> Result<HeaderMap, Trouble> {
        dialect.headers(self.shared.credential.as_ref()).map_err(|error| {
            let complaint = Complaint { message: error.to_string(), ..Complaint::default() };
            Trouble::Status { status: 401, advice: Advice::default(), complaint }
        })
    }

    /// Whether the server refused an optional parameter that the next attempt can leave out.
    fn adapt(&self, trouble: &Trouble) -> bool {
        let Trouble::Status { status: 400 | 422, complaint, .. } = trouble else { return false };
        if self.dialect() != Dialect::Openai {
            return false;
        }
        let mut dropped = self.shared.dropped.lock().unwrap_or_else(PoisonError::into_inner);
        let found = openai::droppable(complaint, &dropped);
        dropped.extend(found);
        found.is_some()
    }

    fn dropped(&self) -> Vec<&'static str> {
        self.shared.dropped.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn dialect(&self) -> Dialect {
        match self.shared.provider {
            Provider::Openai => Dialect::Openai,
            Provider::Anthropic | Provider::Replay(_) => Dialect::Anthropic,
        }
    }

    fn reply(&self, request: &Request, whole: Assembled, attempts: u32, millis: u64) -> Reply {
        if let Stop::Other(reason) = &whole.stop {
            tracing::warn!(reason, "the model stopped for a reason that is not known here");
        }
        if !whole.model.starts_with(&request.model) {
            tracing::warn!(asked = request.model, answered = whole.model, "another model answered");
        }
        tracing::info!(model = whole.model, id = whole.id, attempts, millis, usage = ?whole.usage, "model reply");
        let cost = self.cost(request, &whole);
        let Assembled { id, model, content, stop, usage } = whole;
        Reply { id, model, content, stop, usage, cost, attempts, millis }
    }

    /// By the prices of the model that answered, else of the one that was asked for. A server that
    /// counts nothing leaves the cost unknown: it is never zero.
    fn cost(&self, request: &Request, whole: &Assembled) -> Option<Usd> {
        let prices = &self.shared.prices;
        let facts = prices.get(&whole.model).or_else(|| prices.get(&request.model))?;
        (whole.usage != Usage::default()).then(|| price::cost(facts, &whole.usage))
    }

    fn circumstances<'a>(&'a self, model: &'a str, attempts: u32) -> Circumstances<'a> {
        Circumstances {
            provider: &self.shared.provider,
            base_url: &self.shared.base_url,
            credential: self.shared.credential.as_ref(),
            model,
            known: &self.shared.known,
            attempts,
            reached: false,
        }
    }
}

/// The base URL without a slash or `/v1` at its end, which people write and the paths have.
fn base_url(given: &str, replayed: bool) -> Result<String, Error> {
    let trimmed = given.trim().trim_end_matches('/');
    let trimmed = trimmed.strip_suffix("/v1").unwrap_or(trimmed);
    let wrong = |source| Error::BaseUrl { base_url: given.to_owned(), source };
    match Url::parse(trimmed) {
        _ if replayed => Ok(trimmed.to_owned()),
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(trimmed.to_owned()),
        Ok(_) => Err(wrong(None)),
        Err(source) => Err(wrong(Some(source))),
    }
}

/// The provider's id of the request, which its support asks for.
fn request_id(headers: &HeaderMap) -> Option<&str> {
    ["request-id", "x-request-id"].iter().find_map(|name| headers.get(*name)?.to_str().ok())
}
