//! What goes wrong on purpose: the answers that GitHub gives on a bad day, in place of the right one.
//!
//! Each is met once by a request; asked again, the request is answered. All of them are to be survived
//! without a trace in the warehouse.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::player::answer;

/// Seconds that a limit lasts.
const LIMITED: i64 = 60;
/// Seconds by which a clock is wrong.
const SKEW: i64 = 3_600;
/// What a made-up address begins with.
const MOVED: &str = "/moved-for-a-test";

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// 403 with `Retry-After`: the secondary limit.
    SecondaryLimit,
    /// 429 with `Retry-After`: the same, as it is said today.
    TooMany,
    /// 403 with nothing remaining until a reset: the primary limit.
    PrimaryLimit,
    /// 502 with a page of HTML.
    BadGateway,
    /// 301 to another path of the same host, where the answer is.
    Redirect,
    /// 200 with half of the body.
    Truncated,
    /// The primary limit as a server tells it whose clock is an hour behind: a reset that has passed.
    ClockSkew,
}

/// A fault and where it strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strike {
    /// The fault.
    pub fault: Fault,
    /// What a request must hold, written as `GET /path?query`; each request without it.
    pub at: Option<String>,
}

impl Fault {
    /// All there are.
    pub const ALL: [Self; 7] = [
        Self::SecondaryLimit,
        Self::TooMany,
        Self::PrimaryLimit,
        Self::BadGateway,
        Self::Redirect,
        Self::Truncated,
        Self::ClockSkew,
    ];

    /// Its name, as it is written in test files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SecondaryLimit => "secondary-limit",
            Self::TooMany => "too-many",
            Self::PrimaryLimit => "primary-limit",
            Self::BadGateway => "bad-gateway",
            Self::Redirect => "redirect",
            Self::Truncated => "truncated",
            Self::ClockSkew => "clock-skew",
        }
    }

    /// What a request gets in place of the right answer.
    pub(super) fn answer(
        self,
        request: &Request<Bytes>,
        right: Response<Bytes>,
        now: Timestamp,
    ) -> Response<Bytes> {
        let secondary = json!({"message": "You have exceeded a secondary rate limit. Please wait."});
        let spent = json!({"message": "API rate limit exceeded"});
        let (status, headers, body) = match self {
            Self::SecondaryLimit => (403, retry_after(), secondary.to_string()),
            Self::TooMany => (429, retry_after(), secondary.to_string()),
            Self::PrimaryLimit => (403, nothing_left(now.as_second() + LIMITED), spent.to_string()),
            Self::BadGateway => {
                let html = [(header::CONTENT_TYPE, HeaderValue::from_static("text/html"))];
                (502, HeaderMap::from_iter(html), "<html><h1>502 Bad Gateway</h1></html>".to_owned())
            }
            Self::Redirect => (301, elsewhere(request.uri()), String::new()),
            Self::Truncated => {
                let half = right.body().slice(..right.body().len() / 2);
                return right.map(|_| half);
            }
            Self::ClockSkew => {
                let mut headers = nothing_left(now.as_second() - SKEW);
                let behind = now.saturating_sub(Duration::from_secs(SKEW.unsigned_abs())).unwrap_or(now);
                let date = jiff::fmt::rfc2822::to_string(&behind.to_zoned(jiff::tz::TimeZone::UTC));
                let date = date.ok().and_then(|date| HeaderValue::from_str(&date).ok());
                headers.extend(date.map(|date| (header::DATE, date)));
                (403, headers, spent.to_string())
            }
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        answer(status, headers, Bytes::from(body))
    }
}

fn retry_after() -> HeaderMap {
    HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from(LIMITED))])
}

fn nothing_left(resets: i64) -> HeaderMap {
    let counts = [("x-ratelimit-limit", 5_000), ("x-ratelimit-remaining", 0), ("x-ratelimit-reset", resets)];
    counts
        .map(|(name, count)| (http::HeaderName::from_static(name), HeaderValue::from(count)))
        .into_iter()
        .collect()
}

fn elsewhere(uri: &Uri) -> HeaderMap {
    let target = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let location = HeaderValue::from_str(&format!("{MOVED}{target}")).ok();
    location.map(|location| (header::LOCATION, location)).into_iter().collect()
}

/// Where a request was to go before [`Fault::Redirect`] sent it elsewhere.
pub(super) fn back(uri: &Uri) -> Option<Uri> {
    let target = uri.path_and_query()?.as_str().strip_prefix(MOVED)?;
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(target.parse().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_leads_back_to_where_it_began() {
        let uri: Uri = "https://api.github.com/user/repos?per_page=100".parse().unwrap();
        let location = elsewhere(&uri).remove(header::LOCATION).unwrap();
        let there = url::Url::parse(&uri.to_string()).unwrap().join(location.to_str().unwrap()).unwrap();
        assert_eq!(back(&there.as_str().parse().unwrap()), Some(uri.clone()));
        assert_eq!(back(&uri), None);
    }

    #[test]
    fn a_fault_is_written_by_its_name() {
        for fault in Fault::ALL {
            assert_eq!(json!(fault), json!(fault.name()));
        }
    }
}
