//! Where the next page of a listing is, by the spec's way of paging. Pure but for what it remembers.
//!
//! A source gives bytes and the `Link` header; what follows is found here, so that a live API and a
//! cassette are paged alike. A next page never leads to another origin, never carries the credential of
//! the query into what is kept, and a listing that comes back to where it was is refused: it would never end.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;
use url::form_urlencoded::{Serializer, parse};

use super::normalize;
use super::source::{Page, PageRequest, Target};
use super::spec::{Api, Auth, Order, Paging, Resource, Rest, Spec};

/// Why a listing cannot be followed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// The next page is at another host.
    #[error("`{base}` leads to another host: `{next}`")]
    Elsewhere {
        /// The API's base.
        base: String,
        /// The address it named.
        next: String,
    },
    /// The next page is at no address.
    #[error("`{next}` is not the address of a page")]
    Address {
        /// What was named.
        next: String,
    },
    /// Pages come again.
    #[error("{asked}: the listing comes back to a page that was read before, so it would never end")]
    Endless {
        /// What was asked.
        asked: String,
    },
}

/// The ways that listings took so far, each from its first page to the page that comes next.
#[derive(Debug, Default)]
pub(super) struct Trails {
    ahead: Mutex<HashMap<u64, HashSet<u64>>>,
    hasher: RandomState,
}

impl Trails {
    /// The page with its next one. GitHub's pages say it themselves, and it is known not to lead in circles.
    pub(super) fn turn(&self, spec: &Spec, request: &PageRequest, page: Page) -> Result<Page, Lost> {
        let (Api::Rest(rest), Some(resource)) = (&spec.source, spec.resource(&request.resource)) else {
            return Ok(page);
        };
        if page.unchanged {
            return Ok(page);
        }
        let asked = address(&request.target);
        let list = std::str::from_utf8(&page.body).ok().and_then(|body| listed(body, resource));
        let items =
            list.map_or(0, |list| serde_json::from_str::<Vec<&RawValue>>(list).map_or(1, |it| it.len()));
        let next = match next(&resource.paging, items, &asked, &page) {
            Some(Next::Made(address)) => Some(address),
            Some(Next::Named(link)) => Some(below(rest, &asked, &link)?),
            None => None,
        };
        if let Some(next) = &next {
            self.follow((&request.resource, &asked, next), list.filter(|_| items > 0))?;
        }
        let etag = page.etag.filter(|_| tells_all(resource, items, next.is_some()));
        Ok(Page { next, last: None, etag, ..page })
    }

    /// Goes on from one page to the next, unless the way was here before.
    fn follow(&self, (resource, asked, next): (&str, &str, &str), list: Option<&str>) -> Result<(), Lost> {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let mut been = ahead.remove(&self.hasher.hash_one((resource, asked))).unwrap_or_default();
        been.insert(self.hasher.hash_one(asked));
        let is_new = list.is_none_or(|list| been.insert(self.hasher.hash_one(("items", list))));
        if !is_new || been.contains(&self.hasher.hash_one(next)) {
            return Err(Lost::Endless { asked: asked.to_owned() });
        }
        ahead.insert(self.hasher.hash_one((resource, next)), been);
        Ok(())
    }
}

/// The text of a page's list, or of the one item that it is.
fn listed<'b>(body: &'b str, resource: &Resource) -> Option<&'b str> {
    match &resource.items {
        Some(items) => normalize::at(body, items),
        None => Some(body),
    }
}

/// Whether an unchanged page means that nothing is behind it, or what is behind it is asked for anyway.
/// A tag tells of a page's own bytes; a full last page stays as it is when another one comes behind it.
fn tells_all(resource: &Resource, items: usize, goes_on: bool) -> bool {
    let roomy = resource.paging.limit().is_some_and(|limit| (items as u64) < limit);
    match (&resource.incremental, &resource.paging) {
        (Some(how), _) if matches!(how.order, Order::Ascending { .. }) => roomy,
        (None, Paging::Link { .. }) => goes_on || roomy,
        _ => true,
    }
}

/// The next page.
enum Next {
    /// Made of the address that was asked.
    Made(String),
    /// As the API names it.
    Named(String),
}

fn next(paging: &Paging, items: usize, asked: &str, page: &Page) -> Option<Next> {
    let full = |limit: Option<u64>| items > 0 && limit.is_none_or(|limit| items as u64 >= limit);
    match paging {
        Paging::None => None,
        Paging::Link { .. } => page.next.clone().map(Next::Named),
        Paging::Next { from } => said(page, from).map(Next::Named),
        Paging::Cursor { parameter, from } => said(page, from).map(|cursor| with(asked, parameter, &cursor)),
        Paging::Page { parameter, first, limit, .. } => full(*limit).then(|| {
            let number = number_in(asked, parameter).unwrap_or(*first);
            with(asked, parameter, &number.saturating_add(1).to_string())
        }),
        Paging::Offset { parameter, limit, .. } => full(Some(*limit)).then(|| {
            let before = number_in(asked, parameter).unwrap_or(0);
            with(asked, parameter, &before.saturating_add(*limit).to_string())
        }),
    }
}

/// A text or number in the body; empty, false and null are none.
fn said(page: &Page, from: &str) -> Option<String> {
    let text = normalize::at(std::str::from_utf8(&page.body).ok()?, from)?;
    match serde_json::from_str(text).ok()? {
        Value::String(text) => Some(text).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A target as an address, its query encoded.
fn address(target: &Target) -> String {
    match target {
        Target::Link(name) | Target::Question { name, .. } => name.clone(),
        Target::Path { path, query } if query.is_empty() => path.clone(),
        Target::Path { path, query } => {
            format!("{path}?{}", Serializer::new(String::new()).extend_pairs(query).finish())
        }
    }
}

/// The address with this value for a parameter.
fn with(address: &str, name: &str, value: &str) -> Next {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let mut written = Serializer::new(String::new());
    written.extend_pairs(parse(query.as_bytes()).filter(|(known, _)| known != name));
    Next::Made(format!("{path}?{}", written.append_pair(name, value).finish()))
}

fn number_in(address: &str, name: &str) -> Option<u64> {
    let (_, query) = address.split_once('?')?;
    parse(query.as_bytes()).find(|(known, _)| known == name)?.1.parse().ok()
}

/// The next page as it is kept: below the base where it is, without the credential, never elsewhere.
fn below(rest: &Rest, asked: &str, next: &str) -> Result<String, Lost> {
    let lost = || Lost::Address { next: next.to_owned() };
    let here = if asked.starts_with('/') { format!("{}{asked}", rest.base) } else { asked.to_owned() };
    let base = Url::parse(&rest.base).map_err(|_invalid| lost())?;
    let mut there = Url::parse(&here).and_then(|here| here.join(next)).map_err(|_invalid| lost())?;
    if there.origin() != base.origin() {
        return Err(Lost::Elsewhere { base: rest.base.clone(), next: next.to_owned() });
    }
    there.set_fragment(None);
    if let Auth::Query { name } = &rest.auth {
        let kept: Vec<_> = there.query_pairs().into_owned().filter(|(known, _)| known != name).collect();
        there.set_query(None);
        if !kept.is_empty() {
            there.query_pairs_mut().extend_pairs(kept);
        }
    }
    let there = String::from(there);
    Ok(there
        .strip_prefix(&rest.base)
        .filter(|rest| rest.starts_with('/'))
        .map(str::to_owned)
        .unwrap_or(there))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn spec(auth: &str, paging: &str, more: &str) -> Spec {
        let text = format!(
            "[source]\nbase = \"https://api.example.com/v1\"\nauth = {auth}\npaging = {paging}\n\
             [[resources]]\nname = \"a\"\npath = \"/a\"\nkey = [\"id\"]\n{more}"
        );
        Spec::parse("p", &text).unwrap()
    }

    /// Follows pages from `/a?q=1` on: the address of each next one, or why there is none.
    fn follow(spec: &Spec, pages: &[(&str, Option<&str>)]) -> Vec<String> {
        let trails = Trails::default();
        let query = vec![("q".to_owned(), "1".to_owned())];
        let mut target = Target::Path { path: "/a".to_owned(), query };
        let mut way = Vec::new();
        for (body, link) in pages {
            let request = PageRequest { resource: "a".to_owned(), target, accept: None, etag: None };
            let (body, next) = (Bytes::from((*body).to_owned()), link.map(str::to_owned));
            let page = Page { status: 200, body, next, ..Page::default() };
            let next = match trails.turn(spec, &request, page) {
                Ok(page) => page.next,
                Err(lost) => {
                    way.push(lost.to_string());
                    break;
                }
            };
            let Some(next) = next else { break };
            way.push(next.clone());
            target = Target::Link(next);
        }
        way
    }

    fn check(paging: &str, pages: &[(&str, Option<&str>)], expected: &[&str]) {
        assert_eq!(follow(&spec("{ kind = \"none\" }", paging, ""), pages), expected, "{paging}");
    }

    const TWO: &str = r#"[{"id": 1}, {"id": 2}]"#;
    const MORE: &str = r#"[{"id": 3}, {"id": 4}]"#;
    const ONE: &str = r#"[{"id": 5}]"#;

    #[test]
    fn numbered_pages_end_with_one_that_is_short_or_empty() {
        let sized = "{ kind = \"page\", limit = 2 }";
        check(sized, &[(TWO, None), (MORE, None), (ONE, None)], &["/a?q=1&page=2", "/a?q=1&page=3"]);
        let unsized_ = "{ kind = \"page\", parameter = \"p\", first = 0 }";
        check(unsized_, &[(ONE, None), ("[]", None)], &["/a?q=1&p=1"]);
        let offset = "{ kind = \"offset\", limit = 2 }";
        check(offset, &[(TWO, None), (MORE, None), ("[]", None)], &["/a?q=1&offset=2", "/a?q=1&offset=4"]);
    }

    #[test]
    fn a_cursor_or_an_address_in_the_body_is_followed_until_there_is_none() {
        let cursor = "{ kind = \"cursor\", parameter = \"after\", from = \"meta.next\" }";
        let body = |next: &str| format!(r#"{{"id": 1, "meta": {{"next": {next}}}}}"#);
        check(cursor, &[(&body("\"x y\""), None), (&body("null"), None)], &["/a?q=1&after=x+y"]);
        check(cursor, &[(&body("7"), None), (&body("\"\""), None)], &["/a?q=1&after=7"]);
        let next = "{ kind = \"next\", from = \"meta.next\" }";
        for link in ["\"https://api.example.com/v1/a?p=2\"", "\"/v1/a?p=2\"", "\"?p=2\"", "\"a?p=2#x\""] {
            check(next, &[(&body(link), None), (&body("false"), None)], &["/a?p=2"]);
        }
        check("{ kind = \"none\" }", &[(TWO, Some("https://api.example.com/v1/a?p=2"))], &[]);
    }

    #[test]
    fn a_link_never_leads_elsewhere_nor_keeps_the_credential() {
        let link = "{ kind = \"link\" }";
        let elsewhere = "`https://api.example.com/v1` leads to another host: `https://evil.example/a`";
        check(link, &[(TWO, Some("https://evil.example/a"))], &[elsewhere]);
        check(link, &[(TWO, Some("https://api.example.com/v2/a"))], &["https://api.example.com/v2/a"]);
        let keyed = spec("{ kind = \"query\", name = \"key\" }", link, "");
        let pages = [(TWO, Some("https://api.example.com/v1/a?key=it&p=2"))];
        assert_eq!(follow(&keyed, &pages), ["/a?p=2"]);
    }

    #[test]
    fn a_listing_without_an_end_is_refused() {
        let never = "the listing comes back to a page that was read before, so it would never end";
        let again = format!("/a?q=1&page=2: {never}");
        check("{ kind = \"page\" }", &[(TWO, None), (TWO, None)], &["/a?q=1&page=2", &again]);
        let circle = [(TWO, Some("?p=2")), (MORE, Some("?p=3")), (ONE, Some("?p=2"))];
        check("{ kind = \"link\" }", &circle, &["/a?p=2", "/a?p=3", &format!("/a?p=3: {never}")]);
        let itself = format!("/a?q=1: {never}");
        check("{ kind = \"link\" }", &[(TWO, Some("?q=1"))], &[&itself]);
    }

    #[test]
    fn a_tag_is_kept_only_where_an_unchanged_page_means_that_nothing_new_is_behind_it() {
        let kept = |paging: &str, more: &str, body: &str| {
            let spec = spec("{ kind = \"none\" }", paging, more);
            let target = Target::Path { path: "/a".to_owned(), query: Vec::new() };
            let request = PageRequest { resource: "a".to_owned(), target, accept: None, etag: None };
            let etag = Some("e".to_owned());
            let page = Page { status: 200, body: Bytes::from(body.to_owned()), etag, ..Page::default() };
            Trails::default().turn(&spec, &request, page).unwrap().etag.is_some()
        };
        let by_time = "incremental = { field = \"at\", parameter = \"since\", start = \"0\" }";
        for (paging, more, body, expected) in [
            ("{ kind = \"link\" }", "", TWO, false),
            ("{ kind = \"link\", limit = 2 }", "", TWO, false),
            ("{ kind = \"link\", limit = 2 }", "", ONE, true),
            ("{ kind = \"page\", limit = 2 }", "", TWO, true),
            ("{ kind = \"page\", limit = 2 }", by_time, TWO, false),
            ("{ kind = \"page\", limit = 2 }", by_time, ONE, true),
            ("{ kind = \"none\" }", "", TWO, true),
        ] {
            assert_eq!(kept(paging, more, body), expected, "{paging} {more} {body}");
        }
    }
}
