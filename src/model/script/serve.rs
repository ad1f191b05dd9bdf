//! The server of a script.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::Script;
use super::turn::{Fault, Turn};
use crate::error::{Exit, Failure};

/// Bytes of one piece of a body on the wire.
const PIECE: usize = 512;

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot serve scripted models on loopback")]
pub struct Error {
    /// What the system said.
    source: io::Error,
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        Exit::Unable
    }
}

/// A request that the server got.
#[derive(Debug, Clone)]
pub struct Received {
    /// The model it asked for.
    pub model: String,
    /// Its headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: Value,
    /// The size of its body.
    pub bytes: usize,
}

/// A running server; it stops when this is dropped.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    state: Arc<Mutex<Progress>>,
    _stop: DropGuard,
}

#[derive(Debug, Default)]
struct Progress {
    script: BTreeMap<String, Vec<Turn>>,
    used: BTreeMap<String, usize>,
    received: Vec<Received>,
    arrived: watch::Sender<usize>,
    missed: Vec<String>,
}

type Shared = Arc<Mutex<Progress>>;

impl Running {
    /// The base URL, without `/v1`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request for a reply so far, in order, also those that were answered with an error.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.state).received.clone()
    }

    /// Returns when so many requests for a reply have come in all.
    pub async fn until_received(&self, requests: usize) {
        let mut arrived = lock(&self.state).arrived.subscribe();
        drop(arrived.wait_for(|so_far| *so_far >= requests).await);
    }

    /// Turns that a model has not used yet.
    pub fn remaining(&self, model: &str) -> usize {
        let state = lock(&self.state);
        let all = state.script.get(model).map_or(0, Vec::len);
        all - state.used.get(model).copied().unwrap_or_default()
    }

    /// What did not fit: expectations that failed and turns that were missing.
    pub fn missed(&self) -> Vec<String> {
        lock(&self.state).missed.clone()
    }
}

/// Serves a script on a free port of loopback, until what it returns is dropped. Must be called
/// inside a tokio runtime.
pub async fn serve(script: Script) -> Result<Running, Error> {
    let listener =
        tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.map_err(|source| Error { source })?;
    let address = listener.local_addr().map_err(|source| Error { source })?;
    let state = Arc::new(Mutex::new(Progress { script: script.turns, ..Progress::default() }));
    let router = Router::new()
        .route("/v1/messages", post(answer))
        .route("/v1/chat/completions", post(answer))
        .route("/v1/models/{id}", get(model))
        .with_state(Arc::clone(&state));
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            served = axum::serve(listener, router) => {
                if let Err(error) = served {
                    tracing::warn!(%error, "the scripted models stopped");
                }
            }
            () = stopped.cancelled() => {}
        }
    });
    Ok(Running { address, state, _stop: stop.drop_guard() })
}

async fn model(State(state): State<Shared>, Path(id): Path<String>) -> Response {
    if !lock(&state).script.contains_key(&id) {
        return refuse(StatusCode::NOT_FOUND, "not_found_error", &format!("model: {id}"));
    }
    let facts = json!({
        "type": "model", "id": id, "display_name": id, "created_at": "2026-01-01T00:00:00Z", "lifecycle": "active",
        "max_input_tokens": 1_000_000, "max_tokens": 128_000,
    });
    axum::Json(facts).into_response()
}

async fn answer(State(state): State<Shared>, headers: HeaderMap, bytes: Bytes) -> Response {
    let Ok(body) = serde_json::from_slice::<Value>(&bytes) else {
        return refuse(StatusCode::BAD_REQUEST, "invalid_request_error", "the body is no JSON");
    };
    let model = body["model"].as_str().unwrap_or_default().to_owned();
    let last = last_message(&body);
    let mut state = lock(&state);
    state.received.push(Received {
        model: model.clone(),
        headers: plain(&headers),
        body,
        bytes: bytes.len(),
    });
    state.arrived.send_replace(state.received.len());
    let used = state.used.get(&model).copied().unwrap_or_default();
    let Some(turns) = state.script.get(&model) else {
        return refuse(StatusCode::NOT_FOUND, "not_found_error", &format!("model: {model}"));
    };
    let missing = match turns.get(used) {
        None => Some(format!("the script of `{model}` ends after {used} turns")),
        Some(turn) => turn.expect.iter().find(|expected| !last.contains(*expected)).map(|expected| {
            format!("turn {} of `{model}` expects `{expected}` in the last message", used + 1)
        }),
    };
    match (missing, turns.get(used).cloned()) {
        (None, Some(turn)) => {
            state.used.insert(model.clone(), used + 1);
            respond(&turn, turn.body(&model, used + 1, bytes.len()))
        }
        (missing, _) => {
            let missing = missing.unwrap_or_default();
            state.missed.push(missing.clone());
            refuse(StatusCode::BAD_REQUEST, "invalid_request_error", &format!("{missing}; it was: {last}"))
        }
    }
}

/// All text of the last message: what was said and what tools answered.
fn last_message(body: &Value) -> String {
    let mut found = Vec::new();
    if let Some(last) = body["messages"].as_array().and_then(|messages| messages.last()) {
        collect(&last["content"], &mut found);
    }
    found.join("\n")
}

fn collect<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(blocks) => blocks.iter().for_each(|block| collect(block, found)),
        Value::Object(block) => ["text", "content"]
            .iter()
            .filter_map(|key| block.get(*key))
            .for_each(|value| collect(value, found)),
        _ => {}
    }
}

fn plain(headers: &HeaderMap) -> BTreeMap<String, String> {
    headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}

fn refuse(status: StatusCode, kind: &str, message: &str) -> Response {
    let error = json!({"type": kind, "message": message});
    (status, axum::Json(json!({"type": "error", "error": error, "request_id": "req_script"}))).into_response()
}

fn respond(turn: &Turn, bytes: Vec<u8>) -> Response {
    let kind = if turn.status.is_some() { "application/json" } else { "text/event-stream" };
    let mut response = Response::builder().status(turn.status.unwrap_or(200));
    let given = |name: &str| turn.headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
    let usual =
        [("content-type", kind), ("request-id", "req_script")].into_iter().filter(|(name, _)| !given(name));
    for (name, value) in usual.chain(turn.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    {
        response = response.header(name, value);
    }
    response.body(body(turn.fault, bytes)).unwrap_or_else(|error| {
        refuse(
            StatusCode::INTERNAL_SERVER_ERROR,
            "api_error",
            &format!("the scripted answer is no answer: {error}"),
        )
    })
}

fn body(fault: Fault, mut bytes: Vec<u8>) -> Body {
    if let Fault::Cut(at) | Fault::End(at) | Fault::Stall(at) = fault {
        bytes.truncate(at);
    }
    let pieces: Vec<Result<Bytes, io::Error>> =
        bytes.chunks(PIECE).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let pieces = stream::iter(pieces);
    match fault {
        Fault::None | Fault::End(_) => Body::from_stream(pieces),
        Fault::Stall(_) => Body::from_stream(pieces.chain(stream::pending())),
        Fault::Cut(_) => {
            let broken = stream::iter([Err(io::Error::from(io::ErrorKind::ConnectionReset))]);
            Body::from_stream(pieces.chain(broken))
        }
    }
}

fn lock(state: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
