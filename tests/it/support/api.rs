//! An API of its own for one test, on loopback: it pages in every way, and hears how it is asked.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

/// See the module. Its listing has two items a page.
#[derive(Clone)]
pub(crate) struct Api {
    /// Its address, without a slash at the end.
    pub(crate) url: String,
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    items: Mutex<Vec<Value>>,
    heard: Mutex<Vec<(String, HeaderMap)>>,
    faults: Mutex<Vec<Fault>>,
    elsewhere: Mutex<String>,
}

/// What it answers once instead of the truth.
pub(crate) struct Fault {
    pub(crate) status: u16,
    pub(crate) header: Option<(&'static str, String)>,
    pub(crate) body: &'static str,
}

const PAGE: usize = 2;

impl Api {
    /// Starts with items 1 to `count`, one a minute, the oldest first.
    pub(crate) async fn start(count: i64) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let api = Self { url, inner: Arc::default() };
        (1..=count).for_each(|id| api.add(id));
        let app = Router::new().fallback(answer).with_state(api.clone());
        drop(tokio::spawn(async { axum::serve(listener, app).await }));
        api
    }

    /// One more item.
    pub(crate) fn add(&self, id: i64) {
        let second = 1_700_000_000 + 60 * id;
        let at = jiff::Timestamp::from_second(second).unwrap().to_string();
        self.inner.items.lock().unwrap().push(json!({"id": id, "at": at, "second": second}));
    }

    /// What is said of an item from now on.
    pub(crate) fn tell(&self, id: i64, key: &str, value: impl Into<Value>) {
        let mut items = self.inner.items.lock().unwrap();
        items.iter_mut().find(|item| item["id"] == id).unwrap()[key] = value.into();
    }

    /// An item is there no more.
    pub(crate) fn remove(&self, id: i64) {
        self.inner.items.lock().unwrap().retain(|item| item["id"] != id);
    }

    /// The next requests are answered so, in this order.
    pub(crate) fn break_with(&self, faults: impl IntoIterator<Item = Fault>) {
        self.inner.faults.lock().unwrap().extend(faults);
    }

    /// Where `/foreign` and `/moved` lead.
    pub(crate) fn lead_to(&self, address: &str) {
        address.clone_into(&mut self.inner.elsewhere.lock().unwrap());
    }

    /// What was asked since the last time.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard_with("accept").into_iter().map(|(uri, _)| uri).collect()
    }

    /// What was asked since the last time, with the value of a header.
    pub(crate) fn heard_with(&self, header: &str) -> Vec<(String, Option<String>)> {
        let heard = std::mem::take(&mut *self.inner.heard.lock().unwrap());
        let value = |headers: &HeaderMap| Some(headers.get(header)?.to_str().unwrap().to_owned());
        heard.into_iter().map(|(uri, headers)| (uri, value(&headers))).collect()
    }
}

async fn answer(State(api): State<Api>, uri: Uri, headers: HeaderMap) -> Response {
    let tag = headers.get("if-none-match").map(|tag| tag.to_str().unwrap().to_owned());
    api.inner.heard.lock().unwrap().push((uri.to_string(), headers));
    let mut faults = api.inner.faults.lock().unwrap();
    if !faults.is_empty() {
        let Fault { status, header, body } = faults.remove(0);
        let mut answer = (StatusCode::from_u16(status).unwrap(), body).into_response();
        if let Some((name, value)) = header {
            answer.headers_mut().insert(name, value.parse().unwrap());
        }
        return answer;
    }
    page(&api, &uri, tag.as_deref())
}

/// A page of the listing, in the way that the path names.
fn page(api: &Api, uri: &Uri, tag: Option<&str>) -> Response {
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let said = |name: &str| query.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let number = |name: &str| said(name).map_or(0, |value| value.parse::<usize>().unwrap());
    let items = since(api.inner.items.lock().unwrap().clone(), said("since").as_deref());
    let from = match uri.path() {
        "/page" => (number("page") - 1) * PAGE,
        "/all" | "/endless" => 0,
        _ => number("from"),
    };
    let size = if uri.path() == "/all" { items.len() } else { PAGE };
    let rest: Vec<_> = items.iter().skip(from).take(size).cloned().collect();
    let more = (from + size < items.len()).then_some(from + size);
    let elsewhere = api.inner.elsewhere.lock().unwrap().clone();
    let mut link = None;
    let body = match uri.path() {
        "/link" => {
            let kept = said("since").map_or_else(String::new, |since| format!("&since={since}"));
            link = more.map(|more| format!("<{}/link?from={more}{kept}>; rel=\"next\"", api.url));
            json!(rest)
        }
        "/foreign" => {
            link = Some(format!("<{elsewhere}/link>; rel=\"next\""));
            json!(rest)
        }
        "/moved" => {
            return (StatusCode::FOUND, [("location", format!("{elsewhere}/link"))]).into_response();
        }
        "/cursor" => json!({"data": {"items": rest}, "meta": {"next": more}}),
        "/next" => json!({"data": {"items": rest}, "next": more.map(|more| format!("?from={more}"))}),
        path if path.starts_with("/all/") => json!([{"id": 1, "of": path}]),
        _ => json!({"data": {"items": rest}}),
    };
    let body = body.to_string();
    let etag = format!("\"{}\"", body.len());
    if tag == Some(&*etag) {
        return (StatusCode::NOT_MODIFIED, [("etag", etag)]).into_response();
    }
    let mut answer =
        ([("etag", etag), ("content-type", "application/json".to_owned())], body).into_response();
    if let Some(link) = link {
        answer.headers_mut().insert("link", link.parse().unwrap());
    }
    answer
}

/// The items from a time on, which is told as text or in seconds.
fn since(items: Vec<Value>, since: Option<&str>) -> Vec<Value> {
    let Some(since) = since else { return items };
    let recent = |item: &Value| match since.parse::<i64>() {
        Ok(second) => item["second"].as_i64().unwrap() >= second,
        Err(_) => item["at"].as_str().unwrap() >= since,
    };
    items.into_iter().filter(recent).collect()
}
