//! From a request to an answer: the table of routes. No sockets, no waiting.

use std::borrow::Cow;

use serde::Serialize;

use super::listing::Paging;
use super::refusal::Refusal;
use super::render::Context;
use super::request::Request;
use super::sample::Sheet;
use super::state::{Issue, Repo};
use super::store::Store;
use super::{edges, issues, labels, pulls, repos};

/// Where a request is answered: the store, and how the client reaches us.
#[derive(Debug)]
pub(super) struct Desk<'a> {
    pub(super) store: &'a mut Store,
    /// The base of pages for people.
    pub(super) web: &'a str,
    /// The API's base, with `/api/v3` when the client asked there.
    pub(super) api: String,
}

/// A success.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Body,
    /// For listings: which page this is, and which is the last.
    pub(super) page: Option<(Paging, usize)>,
}

/// The body of a success.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body {
    Written(Vec<u8>),
    /// Of the sample account: written when it is known that it has to be sent.
    Sheet(Sheet),
}

impl Body {
    /// Stands for the body in its tag.
    pub(super) fn mark(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Written(bytes) => Cow::Borrowed(bytes),
            Self::Sheet(sheet) => Cow::Owned(sheet.fingerprint().to_be_bytes().to_vec()),
        }
    }

    pub(super) fn write(self) -> Vec<u8> {
        match self {
            Self::Written(bytes) => bytes,
            Self::Sheet(sheet) => sheet.write(),
        }
    }
}

impl Reply {
    pub(super) fn json(status: u16, value: &impl Serialize) -> Result<Self, Refusal> {
        let body = serde_json::to_vec(value).map_err(|error| Refusal::new(500, error.to_string()))?;
        Ok(Self { status, body: Body::Written(body), page: None })
    }

    /// A page of rows.
    pub(super) fn list<T, V: Serialize>(
        request: &Request,
        rows: Vec<T>,
        view: impl Fn(T) -> V,
    ) -> Result<Self, Refusal> {
        let paging = Paging::of(request);
        let (rows, last) = paging.cut(rows);
        let views: Vec<V> = rows.into_iter().map(view).collect();
        Ok(Self { page: Some((paging, last)), ..Self::json(200, &views)? })
    }

    pub(super) const fn empty() -> Self {
        Self { status: 204, body: Body::Written(Vec::new()), page: None }
    }
}

impl Desk<'_> {
    pub(super) fn context(&self) -> Context<'_> {
        Context { state: &self.store.state, api: &self.api, web: self.web, login: &self.store.login }
    }

    pub(super) fn repo(&self, owner: &str, name: &str) -> Result<&Repo, Refusal> {
        self.store.state.repo(owner, name).ok_or_else(Refusal::not_found)
    }

    /// A repository whose issues are switched on.
    pub(super) fn tracked(&self, owner: &str, name: &str) -> Result<&Repo, Refusal> {
        let repo = self.repo(owner, name)?;
        if repo.has_issues { Ok(repo) } else { Err(Refusal::no_issues()) }
    }

    /// A repository whose issues may be changed.
    pub(super) fn writable(&self, owner: &str, name: &str) -> Result<&Repo, Refusal> {
        let repo = self.tracked(owner, name)?;
        if repo.archived { Err(Refusal::read_only()) } else { Ok(repo) }
    }

    pub(super) fn issue(&self, owner: &str, name: &str, number: &str) -> Result<(&Repo, &Issue), Refusal> {
        found(self.tracked(owner, name)?, number)
    }

    pub(super) fn writable_issue(
        &self,
        owner: &str,
        name: &str,
        number: &str,
    ) -> Result<(&Repo, &Issue), Refusal> {
        found(self.writable(owner, name)?, number)
    }

    /// The issue with this id, as an answer.
    pub(super) fn show_issue(&self, status: u16, id: u64) -> Result<Reply, Refusal> {
        let shown = self.context().issues(&[id]);
        Reply::json(status, &shown.first().ok_or_else(Refusal::not_found)?)
    }
}

fn found<'r>(repo: &'r Repo, number: &str) -> Result<(&'r Repo, &'r Issue), Refusal> {
    let issue = number.parse().ok().and_then(|number| repo.issue(number));
    issue.map(|issue| (repo, issue)).ok_or_else(Refusal::not_found)
}

/// Answers.
pub(super) fn answer(desk: &mut Desk<'_>, request: &Request) -> Result<Reply, Refusal> {
    let parts: Vec<&str> = request.parts.iter().map(String::as_str).collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("GET", [] | ["meta" | "zen"]) => Reply::json(200, &serde_json::json!({})),
        ("GET", ["user"]) => repos::viewer(desk),
        ("GET", ["users", login]) => repos::user(desk, login),
        ("GET", ["user", "repos"]) => repos::list(desk, request, None),
        ("POST", ["user", "repos"]) => repos::create(desk, request),
        ("GET", ["users" | "orgs", login, "repos"]) => repos::list(desk, request, Some(login)),
        ("GET", ["issues"] | ["user", "issues"]) => issues::list_all(desk, request),
        (_, ["repos", owner, name, rest @ ..]) => in_repo(desk, request, (owner, name), rest),
        _ => Err(Refusal::not_found()),
    }
}

/// `owner` and `name` of a repository in a path.
pub(super) type Place<'a> = (&'a str, &'a str);

fn in_repo(desk: &mut Desk<'_>, request: &Request, at: Place<'_>, rest: &[&str]) -> Result<Reply, Refusal> {
    match (request.method.as_str(), rest) {
        ("GET", []) => repos::get(desk, at),
        ("PATCH", []) => repos::edit(desk, request, at),
        ("GET", ["labels"]) => labels::list(desk, request, at),
        ("POST", ["labels"]) => labels::create(desk, request, at),
        ("GET", ["labels", name]) => labels::get(desk, at, name),
        ("GET", ["milestones"]) => labels::milestones(desk, request, at),
        ("POST", ["milestones"]) => labels::create_milestone(desk, request, at),
        ("GET", ["milestones", number]) => labels::milestone(desk, at, number),
        ("GET", ["pulls"]) => pulls::list(desk, request, at),
        ("POST", ["pulls"]) => pulls::create(desk, request, at),
        ("GET", ["pulls", number]) => pulls::get(desk, at, number),
        ("GET", ["pulls", number, "reviews"]) => pulls::reviews(desk, request, (at.0, at.1, number)),
        ("GET", ["releases"]) => repos::releases(desk, request, at),
        ("GET", ["issues"]) => issues::list(desk, request, at),
        ("POST", ["issues"]) => issues::create(desk, request, at),
        ("GET", ["issues", "comments"]) => issues::repo_comments(desk, request, at),
        (method, ["issues", "comments", id]) => issues::one_comment(desk, request, at, (method, id)),
        (_, ["issues", number, rest @ ..]) => in_issue(desk, request, (at.0, at.1, number), rest),
        _ => Err(Refusal::not_found()),
    }
}

/// `owner`, `name` and number of an issue in a path.
pub(super) type Spot<'a> = (&'a str, &'a str, &'a str);

fn in_issue(desk: &mut Desk<'_>, request: &Request, at: Spot<'_>, rest: &[&str]) -> Result<Reply, Refusal> {
    match (request.method.as_str(), rest) {
        ("GET", []) => issues::get(desk, at),
        ("PATCH", []) => issues::edit(desk, request, at),
        ("GET", ["comments"]) => issues::comments(desk, request, at),
        ("POST", ["comments"]) => issues::comment(desk, request, at),
        ("GET", ["labels"]) => labels::of_issue(desk, request, at),
        (method @ ("POST" | "PUT"), ["labels"]) => labels::set(desk, request, at, method == "PUT"),
        ("DELETE", ["labels", name]) => labels::remove(desk, at, name),
        ("GET", ["parent"]) => edges::parent(desk, at),
        ("GET", ["sub_issues"]) => edges::children(desk, request, at),
        ("POST", ["sub_issues"]) => edges::add_child(desk, request, at),
        ("DELETE", ["sub_issue"]) => edges::remove_child(desk, request, at),
        ("GET", ["dependencies", side @ ("blocked_by" | "blocking")]) => {
            edges::blockers(desk, request, at, side)
        }
        ("POST", ["dependencies", "blocked_by"]) => edges::add_blocker(desk, request, at),
        ("DELETE", ["dependencies", "blocked_by", id]) => edges::remove_blocker(desk, at, id),
        _ => Err(Refusal::not_found()),
    }
}
