//! One request and its answer in HTTP: the token, the quota, tags, links to other pages, headers.

use std::sync::{Arc, MutexGuard};

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::answer::Reply;
use super::graphql;
use super::listing::Paging;
use super::meter::{Meter, Reading};
use super::refusal::Refusal;
use super::request::Request;
use super::server::Hub;

/// The versions of the API that the hub answers; without a header it is the first.
const VERSIONS: [&str; 2] = ["2022-11-28", "2026-03-10"];

/// A request on its way to its answer.
pub(super) struct Exchange {
    hub: Arc<Hub>,
    request: Request,
}

impl Exchange {
    pub(super) fn new(hub: Arc<Hub>, head: &http::request::Parts, body: &[u8]) -> Self {
        let text =
            |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let path = head.uri.path().to_owned();
        let inner = path.strip_prefix("/api/v3").unwrap_or(&path);
        let query = head.uri.query().unwrap_or_default();
        let request = Request {
            method: head.method.as_str().to_owned(),
            parts: inner.split('/').filter(|part| !part.is_empty()).map(decode).collect(),
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            body: body.to_vec(),
            authorization: text("authorization"),
            accept: text("accept"),
            if_none_match: text("if-none-match"),
            version: text("x-github-api-version"),
            path,
        };
        Self { hub, request }
    }

    /// Answers.
    pub(super) fn answer(self) -> Response {
        let (now, quota) = (self.hub.clock.now(), self.hub.faults.quota());
        let mut reading = self.meter().read(now, quota);
        let mut cost = 1;
        let result = match self.refuse_entry(reading) {
            Some(refusal) if refusal.status == 403 && self.is_question() => graphql::spent(),
            Some(refusal) => Err(refusal),
            None if self.asks_for_quota() => {
                let points = self.hub.points().read(now, quota);
                Reply::json(200, &reading.body(points))
            }
            None if self.is_question() => {
                graphql::answer(&self.hub, &self.request, reading).map(|(reply, points)| {
                    cost = points;
                    reply
                })
            }
            None => self.hub.reply(&self.request),
        };
        let tag = result
            .as_ref()
            .ok()
            .filter(|_| self.request.method == "GET")
            .map(|reply| self.etag(&reply.body.mark()));
        let unchanged = tag.is_some() && tag.as_deref() == self.request.if_none_match.as_deref().map(strong);
        let is_counted = !unchanged
            && !self.asks_for_quota()
            && !matches!(&result, Err(Refusal { status: 401, .. }))
            && reading.remaining() > 0;
        if is_counted {
            self.meter().spend(cost);
            reading.used += cost;
        }
        if !self.asks_for_quota() {
            self.meter().answered();
        }
        let mut response = self.body(result, unchanged);
        self.headers(response.headers_mut(), reading, tag.as_deref());
        response
    }

    /// Whether it is a question by GraphQL: below the API's base, or beside it on an Enterprise Server.
    fn is_question(&self) -> bool {
        let parts = self.request.parts.as_slice();
        self.request.method == "POST" && (parts == ["graphql"] || parts == ["api", "graphql"])
    }

    /// What counts it.
    fn meter(&self) -> MutexGuard<'_, Meter> {
        if self.is_question() { self.hub.points() } else { self.hub.meter() }
    }

    /// Looking at the quota costs nothing of it.
    fn asks_for_quota(&self) -> bool {
        self.request.method == "GET" && self.request.parts == ["rate_limit"]
    }

    /// Who may not come in: without a good token, with an unknown version, with the quota spent.
    fn refuse_entry(&self, reading: Reading) -> Option<Refusal> {
        let Some(authorization) = &self.request.authorization else {
            return Some(Refusal::new(401, "Requires authentication"));
        };
        let token = authorization
            .split_once(' ')
            .filter(|(kind, _)| kind.eq_ignore_ascii_case("bearer") || kind.eq_ignore_ascii_case("token"));
        if token.is_none_or(|(_, token)| token.trim() != self.hub.token.expose()) {
            return Some(Refusal::new(401, "Bad credentials"));
        }
        if let Some(version) = self.request.version.as_deref().filter(|version| !VERSIONS.contains(version)) {
            return Some(Refusal::new(400, format!("\"{version}\" is not a supported API version.")));
        }
        let is_spent = reading.remaining() == 0 && !self.asks_for_quota();
        is_spent.then(|| Refusal::new(403, "API rate limit exceeded for the hub's user."))
    }

    fn body(&self, result: Result<Reply, Refusal>, unchanged: bool) -> Response {
        let (status, bytes, page) = match result {
            Ok(_) if unchanged => (304, Vec::new(), None),
            Ok(reply) => (reply.status, reply.body.write(), reply.page),
            Err(refusal) => (refusal.status, refusal.body(), None),
        };
        let is_empty = bytes.is_empty();
        let mut response = respond(status, bytes);
        let headers = response.headers_mut();
        if !is_empty {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        }
        if let Some((paging, last)) = page {
            insert(headers, "link", &self.links(paging, last));
        }
        response
    }

    fn headers(&self, headers: &mut HeaderMap, reading: Reading, tag: Option<&str>) {
        insert(headers, "x-ratelimit-limit", &reading.limit.to_string());
        insert(headers, "x-ratelimit-remaining", &reading.remaining().to_string());
        insert(headers, "x-ratelimit-used", &reading.used.to_string());
        insert(headers, "x-ratelimit-reset", &reading.resets.to_string());
        let resource = if self.is_question() { "graphql" } else { "core" };
        insert(headers, "x-ratelimit-resource", resource);
        insert(headers, "x-github-request-id", &format!("HUB:{:016X}", fastrand::u64(..)));
        insert(headers, "x-github-media-type", "github.v3; format=json");
        let version = self.request.version.as_deref().unwrap_or(VERSIONS[0]);
        insert(headers, "x-github-api-version-selected", version);
        if let Some(tag) = tag {
            insert(headers, "etag", &format!("W/{tag}"));
            insert(headers, "cache-control", "private, max-age=60, s-maxage=60");
        }
    }

    /// As was found out about GitHub's: it hangs on the media type and the token as well as on the body.
    fn etag(&self, body: &[u8]) -> String {
        let mut hash = Sha256::new();
        for part in
            [self.request.accept.as_deref(), self.request.authorization.as_deref()].into_iter().flatten()
        {
            hash.update(part.as_bytes());
            hash.update(b":");
        }
        hash.update(body);
        format!("\"{}\"", hex::encode(hash.finalize()))
    }

    /// The `Link` header; empty when everything fits on one page.
    fn links(&self, paging: Paging, last: usize) -> String {
        let to = |name: &str, page: usize| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(self.request.query.iter().filter(|(key, _)| key != "page"));
            query.append_pair("page", &page.to_string());
            format!("<{}{}?{}>; rel=\"{name}\"", self.hub.url, self.request.path, query.finish())
        };
        let mut links = Vec::new();
        if paging.page > 1 {
            links.push(to("prev", (paging.page - 1).min(last)));
        }
        if paging.page < last {
            links.push(to("next", paging.page + 1));
            links.push(to("last", last));
        }
        if paging.page > 1 {
            links.push(to("first", 1));
        }
        links.join(", ")
    }
}

/// A tag without the mark of weakness, which does not count when comparing (RFC 9110, 8.8.3.2).
fn strong(tag: &str) -> &str {
    tag.trim().strip_prefix("W/").unwrap_or(tag)
}

fn decode(part: &str) -> String {
    // `+` stands for itself in a path.
    let escaped = format!("_={}", part.replace('+', "%2B"));
    url::form_urlencoded::parse(escaped.as_bytes())
        .next()
        .map(|(_, text)| text.into_owned())
        .unwrap_or_default()
}

/// An answer that a fault makes up, or that never reached the store.
pub(super) fn made_up(status: u16, headers: &[(&'static str, String)], message: &str) -> Response {
    let mut response = respond(status, Refusal::new(status, message).body());
    for (name, value) in headers {
        insert(response.headers_mut(), name, value);
    }
    response
}

/// Leads to the same path with another query, which means nothing to the hub.
pub(super) fn moved(uri: &http::Uri) -> Response {
    let query = uri.query().map_or_else(|| "moved=1".to_owned(), |query| format!("{query}&moved=1"));
    made_up(301, &[("location", format!("{}?{query}", uri.path()))], "Moved Permanently")
}

/// Half of an answer's body, as if that were all.
pub(super) async fn torn(response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let mut bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    bytes.truncate(bytes.len() / 2);
    Response::from_parts(parts, Body::from(bytes))
}

/// An answer to a question, without its first object and with an error in its place.
pub(super) async fn lacking(response: Response, kind: &str) -> Response {
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let mut answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if let Some(first) = answer.pointer_mut("/data/nodes/0") {
        *first = Value::Null;
    }
    if let Some(answer) = answer.as_object_mut() {
        let error =
            json!({"type": kind, "path": ["nodes", 0], "message": "The hub was told to leave it out."});
        answer.insert("errors".to_owned(), json!([error]));
    }
    Response::from_parts(parts, Body::from(answer.to_string()))
}

fn respond(status: u16, bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// Leaves out what is empty or no header can carry.
fn insert(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if !value.is_empty()
        && let Ok(value) = HeaderValue::from_str(value)
    {
        headers.insert(name, value);
    }
}
