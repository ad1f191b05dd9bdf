//! One page of a listing, raw: what `sync` lands, and how listings are walked.

use bytes::Bytes;
use http::HeaderMap;

/// One answer to a read, with what paging and caching need.
#[derive(Debug, Clone)]
pub struct RawPage {
    /// 200, or 304 when nothing changed since the `ETag` that was sent.
    pub status: u16,
    /// The body; empty with 304.
    pub body: Bytes,
    /// The address of the next page.
    pub next: Option<String>,
    /// What to send as `etag` next time, verbatim.
    pub etag: Option<String>,
    /// Requests left before the primary limit, where the server counts.
    pub remaining: Option<u64>,
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
            next: text("link").and_then(next_of).map(str::to_owned),
            etag: text("etag").map(str::to_owned),
            remaining: text("x-ratelimit-remaining").and_then(|value| value.parse().ok()),
        }
    }
}

/// The address marked `rel="next"` in a `Link` header (RFC 8288).
fn next_of(header: &str) -> Option<&str> {
    header.split(',').find_map(|link| {
        let (address, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = |parameter: &str| parameter.trim().replace('"', "").eq_ignore_ascii_case("rel=next");
        parameters.split(';').any(is_next).then_some(address)
    })
}

#[cfg(test)]
mod tests {
    use super::next_of;

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
            assert_eq!(next_of(header), expected, "{header}");
        }
    }
}
