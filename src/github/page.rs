//! One page of a listing, raw: what `sync` lands, and how listings are walked.

use bytes::Bytes;
use http::HeaderMap;

use crate::net::link_of;

/// What a read asks for besides an address.
#[derive(Debug, Clone, Copy, Default)]
pub struct Terms<'a> {
    /// The `ETag` of the last answer: an unchanged page then comes as 304.
    pub etag: Option<&'a str>,
    /// A media type, where GitHub's usual one will not do.
    pub accept: Option<&'a str>,
}

/// One answer to a read, with what paging and caching need.
#[derive(Debug, Clone)]
pub struct RawPage {
    /// 200, or 304 when nothing changed since the `ETag` that was sent.
    pub status: u16,
    /// The body; empty with 304.
    pub body: Bytes,
    /// The address of the next page.
    pub next: Option<String>,
    /// The number of the last page, where the listing is paged by number.
    pub last: Option<u64>,
    /// What to send as `etag` next time, verbatim.
    pub etag: Option<String>,
    /// Requests left before the primary limit, where the server counts.
    pub remaining: Option<u64>,
    /// Requests allowed in an hour, where the server counts.
    pub limit: Option<u64>,
    /// When the hour ends, in seconds since 1970.
    pub resets: Option<i64>,
}

impl RawPage {
    /// Whether the server said that nothing changed.
    pub const fn is_unchanged(&self) -> bool {
        self.status == 304
    }

    pub(super) fn new(status: u16, headers: &HeaderMap, body: Bytes) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            status,
            body,
            next: text("link").and_then(|links| link_of(links, "next")).map(str::to_owned),
            last: text("link").and_then(|links| link_of(links, "last")).and_then(page_number),
            etag: text("etag").map(str::to_owned),
            remaining: text("x-ratelimit-remaining").and_then(|value| value.parse().ok()),
            limit: text("x-ratelimit-limit").and_then(|value| value.parse().ok()),
            resets: text("x-ratelimit-reset").and_then(|value| value.parse().ok()),
        }
    }
}

/// A body that is not what was asked for: cut off, or somebody else's.
#[derive(Debug, thiserror::Error)]
#[error("the body is not whole JSON ({kind}, {bytes} bytes)")]
pub(super) struct Torn {
    kind: String,
    bytes: usize,
}

/// Refuses a 200 that is not whole JSON, so that it is asked for again: a proxy's page of HTML, or a body
/// that was cut where nothing told its length. Only its ends are looked at, since whoever reads it reads
/// the rest; a cut that leaves a bracket of the right kind at the end is found there.
pub(super) fn check(status: http::StatusCode, headers: &HeaderMap, body: &[u8]) -> octocrab::Result<()> {
    let kind = headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("json");
    let body = body.trim_ascii();
    let whole = matches!((body.first(), body.last()), (Some(b'['), Some(b']')) | (Some(b'{'), Some(b'}')));
    if status != http::StatusCode::OK || (kind.contains("json") && whole) {
        return Ok(());
    }
    let torn = Torn { kind: kind.chars().take(80).collect(), bytes: body.len() };
    Err(octocrab::Error::Other { source: Box::new(torn), backtrace: std::backtrace::Backtrace::disabled() })
}

/// The `page` in an address's query.
fn page_number(address: &str) -> Option<u64> {
    let (_, query) = address.split_once('?')?;
    url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "page")?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{check, page_number};
    use crate::net::link_of;

    #[test]
    fn a_body_that_is_cut_or_of_another_kind_is_no_page() {
        let headers =
            |kind: &str| http::HeaderMap::from_iter([(http::header::CONTENT_TYPE, kind.parse().unwrap())]);
        let json = headers("application/json; charset=utf-8");
        for (body, whole) in [
            ("[]", true),
            (" [{\"a\":1}]\n", true),
            ("{}", true),
            ("", false),
            ("[", false),
            ("[{\"a\":1}", false),
            ("{\"a\":[1]", false),
        ] {
            assert_eq!(check(http::StatusCode::OK, &json, body.as_bytes()).is_ok(), whole, "{body}");
        }
        assert!(check(http::StatusCode::OK, &headers("text/html"), b"[]").is_err());
        assert!(check(http::StatusCode::NO_CONTENT, &json, b"").is_ok());
    }

    #[test]
    fn the_next_page_is_found_wherever_it_stands() {
        let cases = [
            (
                r#"<https://x/a?page=2>; rel="next", <https://x/a?page=9>; rel="last""#,
                Some("https://x/a?page=2"),
            ),
            (
                r#"<https://x/a?page=1>; rel="prev", <https://x/a?page=3>; rel=next"#,
                Some("https://x/a?page=3"),
            ),
            (r#"<https://x/a?page=1>; rel="prev""#, None),
            ("", None),
            ("<https://x", None),
        ];
        for (header, expected) in cases {
            assert_eq!(link_of(header, "next"), expected, "{header}");
        }
    }

    #[test]
    fn the_last_page_has_a_number_where_pages_have() {
        let header = r#"<https://x/a?page=2&since=1>; rel="next", <https://x/a?since=1&page=19>; rel="last""#;
        assert_eq!(link_of(header, "last").and_then(page_number), Some(19));
        assert_eq!(link_of(r#"<https://x/a?after=Y3>; rel="next""#, "last"), None);
        assert_eq!(page_number("https://x/a?after=Y3"), None);
    }
}
