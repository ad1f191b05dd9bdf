//! A GitHub for one test, on loopback, that counts by token: each has an hour of its own, and may be answered
//! its own way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use planwright::clock::Clock;

/// See the module.
#[derive(Clone)]
pub(crate) struct Readers {
    /// Its address, without a slash at the end.
    pub(crate) url: String,
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
    heard: Mutex<Vec<Heard>>,
    left: Mutex<BTreeMap<String, u64>>,
    answers: Answers,
}

/// What it says instead of an empty list: status, a header, body.
pub(crate) type Said = (u16, Option<(&'static str, String)>, String);

type Answers = Box<dyn Fn(&Heard) -> Option<Said> + Send + Sync>;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heard {
    /// The credential without `Bearer`.
    pub(crate) token: String,
    /// For instance `GET`.
    pub(crate) method: String,
    /// With the query.
    pub(crate) path: String,
    /// As it came.
    pub(crate) body: String,
}

/// Requests in an hour.
const LIMIT: u64 = 5_000;

impl Readers {
    /// Starts it; what `answers` has nothing for is an empty list.
    pub(crate) async fn start(
        clock: &Clock,
        answers: impl Fn(&Heard) -> Option<Said> + Send + Sync + 'static,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (heard, left, answers) = (Mutex::default(), Mutex::default(), Box::new(answers));
        let readers = Self { url, inner: Arc::new(Inner { clock: clock.clone(), heard, left, answers }) };
        let app = Router::new().fallback(answer).with_state(readers.clone());
        drop(tokio::spawn(async { axum::serve(listener, app).await }));
        readers
    }

    /// What a token has left of its hour.
    pub(crate) fn leave(&self, token: &str, left: u64) {
        self.inner.left.lock().unwrap().insert(token.to_owned(), left);
    }

    /// What was asked since the last time.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        std::mem::take(&mut *self.inner.heard.lock().unwrap())
    }
}

async fn answer(
    State(readers): State<Readers>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let inner = &readers.inner;
    let token = headers.get("authorization").map_or("", |it| it.to_str().unwrap());
    let heard = Heard {
        token: token.trim_start_matches("Bearer ").to_owned(),
        method: method.to_string(),
        path: uri.to_string(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    inner.heard.lock().unwrap().push(heard.clone());
    let (status, header, body) = (inner.answers)(&heard).unwrap_or((200, None, "[]".to_owned()));
    let mut lefts = inner.left.lock().unwrap();
    let left = lefts.entry(heard.token).or_insert(LIMIT);
    *left = left.saturating_sub(1);
    let json = [("content-type", "application/json")];
    let mut answer = (StatusCode::from_u16(status).unwrap(), json, body).into_response();
    let resource = if uri.path() == "/graphql" { "graphql" } else { "core" };
    let resets = inner.clock.now().as_second() + 3_000;
    let counts = [("limit", LIMIT.to_string()), ("remaining", left.to_string())];
    let said = [("reset", resets.to_string()), ("resource", resource.to_owned())];
    for (name, value) in counts.into_iter().chain(said) {
        let name: http::HeaderName = format!("x-ratelimit-{name}").parse().unwrap();
        answer.headers_mut().insert(name, value.parse().unwrap());
    }
    if let Some((name, value)) = header {
        answer.headers_mut().insert(name, value.parse().unwrap());
    }
    answer
}
