//! The calls that the verbs make.

use std::borrow::Cow;
use std::sync::Arc;

use http_body_util::BodyExt as _;
use jiff::Timestamp;
use octocrab::models::IssueState;
use octocrab::models::issues::IssueStateReason;
use serde::de::DeserializeOwned;

use super::purse::{Payer, Purse};
use super::rate::{Kind, pause};
use super::send::{Action, Means};
use super::{
    Comment, Edit, Error, Governor, Installation, Issue, IssueQuery, NewIssue, NewPull, Pull, RawPage, Repo,
    StateChange, Terms, User, alike, app::view, connect, page,
};
use crate::artifact::{IssueId, IssueNumber, RepoName};
use crate::clock::Clock;
use crate::config::Secret;
use crate::config::settings::GithubApi;
use crate::net::{self, Transport};
use crate::telemetry::{Audit, audit};

/// Who one is to GitHub.
#[derive(Debug)]
pub enum Identity {
    /// Whoever the token is of.
    Token(Secret),
    /// An app, where it is installed.
    App(Box<Installation>),
}

impl Identity {
    /// What its budget is known by among the processes of the machine.
    pub fn account(&self, url: &str) -> GithubApi {
        match self {
            Self::Token(token) => GithubApi { url: url.to_owned(), token: token.clone() },
            Self::App(installation) => installation.account(),
        }
    }

    fn payer(self, (transport, url): (&Transport, &str), governor: Governor) -> Result<Payer, Error> {
        match self {
            Self::Token(token) => {
                let api = GithubApi { url: url.to_owned(), token };
                Ok(Payer::new(connect::octocrab(transport.clone(), &api, governor.clone())?, governor))
            }
            Self::App(installation) => Ok(Payer::app(installation, governor)),
        }
    }
}

/// A connection to one API with the person's token, and others that share the reading. Cheap to clone. Must be
/// made inside a tokio runtime.
#[derive(Debug, Clone)]
pub struct Client {
    pub(super) purse: Purse,
    transport: Transport,
    base: url::Url,
    shown: String,
    pub(super) clock: Clock,
    last_write: Arc<tokio::sync::Mutex<Option<Timestamp>>>,
}

impl Client {
    /// Prepares the connection; nothing is sent yet, and nothing will be paced.
    pub fn new(transport: impl Into<Transport>, api: &GithubApi, clock: Clock) -> Result<Self, Error> {
        Self::governed(transport, api, clock, Governor::off())
    }

    /// The same, with a governor that every request asks.
    pub fn governed(
        transport: impl Into<Transport>,
        api: &GithubApi,
        clock: Clock,
        governor: Governor,
    ) -> Result<Self, Error> {
        Self::of((transport.into(), &api.url), Identity::Token(api.token.clone()), clock, governor)
    }

    /// The same for whoever one is to the API at an address.
    pub fn of(
        (transport, url): (Transport, &str),
        identity: Identity,
        clock: Clock,
        governor: Governor,
    ) -> Result<Self, Error> {
        let base = connect::address(url)?;
        let shown = url.trim_end_matches('/').to_owned();
        let purse = Purse::new(identity.payer((&transport, url), governor)?);
        Ok(Self { purse, transport, base, shown, clock, last_write: Arc::default() })
    }

    /// The same client, where another one pays too for what every reader is shown alike.
    pub fn helped_by(mut self, other: Identity, governor: Governor) -> Result<Self, Error> {
        self.purse.add(other.payer((&self.transport, &self.shown), governor)?);
        Ok(self)
    }

    /// The API's base, without a slash at the end.
    pub fn base(&self) -> &str {
        &self.shown
    }

    /// Requests left of the hour's limits, as the governors know them.
    pub fn left(&self) -> Option<u64> {
        self.purse.left()
    }

    /// Tells the other processes of the machine what was spent of the limits: nothing more will be asked.
    pub fn leave(&self) {
        self.purse.leave();
    }

    /// Whose token it is.
    pub async fn viewer(&self) -> Result<User, Error> {
        self.get("/user", &|| "read whose token it is".to_owned()).await
    }

    /// A repository.
    pub async fn repo(&self, repo: &RepoName) -> Result<Repo, Error> {
        self.get(&format!("/repos/{repo}"), &|| format!("read the repository `{repo}`")).await
    }

    /// An issue.
    pub async fn issue(&self, repo: &RepoName, number: IssueNumber) -> Result<Issue, Error> {
        self.get(&path(repo, number, ""), &|| format!("read issue {number} of `{repo}`")).await
    }

    /// All issues that match, pull requests among them, the most recently created first.
    pub async fn issues(&self, repo: &RepoName, query: &IssueQuery) -> Result<Vec<Issue>, Error> {
        let mut pairs = vec![("state".to_owned(), query.state.name().to_owned())];
        if !query.labels.is_empty() {
            pairs.push(("labels".to_owned(), query.labels.join(",")));
        }
        if let Some(since) = query.since {
            pairs.push(("since".to_owned(), since.to_string()));
        }
        self.list(&format!("/repos/{repo}/issues"), pairs, &|| format!("list the issues of `{repo}`")).await
    }

    /// The comments on an issue, oldest first.
    pub async fn comments(&self, repo: &RepoName, number: IssueNumber) -> Result<Vec<Comment>, Error> {
        let action = || format!("list the comments on issue {number} of `{repo}`");
        self.list(&path(repo, number, "/comments"), Vec::new(), &action).await
    }

    /// The sub-issues of an issue, in their order.
    pub async fn sub_issues(&self, repo: &RepoName, number: IssueNumber) -> Result<Vec<Issue>, Error> {
        let action = || format!("list the sub-issues of {number} of `{repo}`");
        self.list(&path(repo, number, "/sub_issues"), Vec::new(), &action).await
    }

    /// The issues that block an issue, open and closed.
    pub async fn blocked_by(&self, repo: &RepoName, number: IssueNumber) -> Result<Vec<Issue>, Error> {
        let action = || format!("list what blocks issue {number} of `{repo}`");
        self.list(&path(repo, number, "/dependencies/blocked_by"), Vec::new(), &action).await
    }

    /// Open pull requests from a branch of the repository itself.
    pub async fn pulls_from(&self, repo: &RepoName, branch: &str) -> Result<Vec<Pull>, Error> {
        let pairs = vec![("head".to_owned(), format!("{}:{branch}", repo.owner))];
        let action = || format!("list the pull requests of `{repo}`");
        self.list(&format!("/repos/{repo}/pulls"), pairs, &action).await
    }

    /// Creates an issue. Ends as [`Error::Unknown`] when it may have been made.
    pub async fn create_issue(&self, repo: &RepoName, new: &NewIssue) -> Result<Issue, Error> {
        let action = || format!("create the issue `{}` in `{repo}`", new.title);
        let made = self.write(Kind::Once, &action, |octocrab| async move {
            let issues = octocrab.issues(&repo.owner, &repo.name);
            let new = issues.create(&new.title).body(new.body.clone()).labels(new.labels.clone());
            Box::pin(new.send()).await
        });
        let issue: Issue = made.await?.into();
        audit(Audit::Github, "created issue", &issue.url);
        Ok(issue)
    }

    /// Changes an issue. Repeating it does no harm, so it is tried again after a server error.
    pub async fn edit_issue(
        &self,
        repo: &RepoName,
        number: IssueNumber,
        edit: &Edit,
    ) -> Result<Issue, Error> {
        let action = || format!("change issue {number} of `{repo}`");
        let changed = self.write(Kind::Edit, &action, |octocrab| async move {
            let issues = octocrab.issues(&repo.owner, &repo.name);
            let mut update = issues.update(number.0);
            if let Some(title) = &edit.title {
                update = update.title(title);
            }
            if let Some(body) = &edit.body {
                update = update.body(body);
            }
            if let Some(labels) = &edit.labels {
                update = update.labels(labels);
            }
            update = match edit.state {
                Some(StateChange::Reopen) => update.state(IssueState::Open),
                Some(StateChange::Complete) => {
                    update.state(IssueState::Closed).state_reason(IssueStateReason::Completed)
                }
                Some(StateChange::Drop) => {
                    update.state(IssueState::Closed).state_reason(IssueStateReason::NotPlanned)
                }
                None => update,
            };
            update.send().await
        });
        let issue: Issue = changed.await?.into();
        audit(Audit::Github, "changed issue", &issue.url);
        Ok(issue)
    }

    /// Comments on an issue. Ends as [`Error::Unknown`] when it may have been made.
    pub async fn comment(&self, repo: &RepoName, number: IssueNumber, body: &str) -> Result<Comment, Error> {
        let action = || format!("comment on issue {number} of `{repo}`");
        let made = self.write(Kind::Once, &action, |octocrab| async move {
            octocrab.issues(&repo.owner, &repo.name).create_comment(number.0, body).await
        });
        let made = made.await?;
        let comment: Comment = made.into();
        audit(Audit::Github, "commented", &comment.url);
        Ok(comment)
    }

    /// Makes `child` a sub-issue of `parent`, natively.
    pub async fn add_sub_issue(
        &self,
        repo: &RepoName,
        parent: IssueNumber,
        child: IssueId,
    ) -> Result<(), Error> {
        let action = || format!("add a sub-issue to {parent} of `{repo}`");
        let added = self.write(Kind::Once, &action, |octocrab| async move {
            octocrab.issues(&repo.owner, &repo.name).add_sub_issue(parent.0, child.0.into(), None).await
        });
        added.await?;
        audit(Audit::Github, "added sub-issue", &format!("{repo}{parent} <- {}", child.0));
        Ok(())
    }

    /// Makes `blocker` block issue `number`, natively.
    pub async fn add_blocked_by(
        &self,
        repo: &RepoName,
        number: IssueNumber,
        blocker: IssueId,
    ) -> Result<(), Error> {
        let action = || format!("mark what blocks issue {number} of `{repo}`");
        let marked = self.write(Kind::Once, &action, |octocrab| async move {
            octocrab
                .issues(&repo.owner, &repo.name)
                .add_dependency_blocked_by(number.0, blocker.0.into())
                .await
        });
        marked.await?;
        audit(Audit::Github, "added blocked_by", &format!("{repo}{number} <- {}", blocker.0));
        Ok(())
    }

    /// Opens a pull request. Ends as [`Error::Unknown`] when it may have been made.
    pub async fn create_pull(&self, repo: &RepoName, new: &NewPull) -> Result<Pull, Error> {
        let action = || format!("open a pull request for `{}` in `{repo}`", new.head);
        let made = self.write(Kind::Once, &action, |octocrab| async move {
            let pulls = octocrab.pulls(&repo.owner, &repo.name);
            pulls.create(&new.title, &new.head, &new.base).body(new.body.clone()).send().await
        });
        let made = made.await?;
        let url = made.html_url.map_or_else(|| made.url.clone(), String::from);
        audit(Audit::Github, "opened pull request", &url);
        Ok(Pull { number: IssueNumber(made.number), url })
    }

    /// One page of a listing, raw. `path` begins with `/`.
    pub async fn page(
        &self,
        path: &str,
        query: &[(String, String)],
        terms: Terms<'_>,
    ) -> Result<RawPage, Error> {
        self.read(&with_query(path, query), terms, &|| format!("read `{path}`")).await
    }

    /// The page at an address that an earlier page named.
    pub async fn page_at(&self, url: &str, terms: Terms<'_>) -> Result<RawPage, Error> {
        let here = url::Url::parse(url).is_ok_and(|next| next.origin() == self.base.origin());
        if !here {
            return Err(Error::Elsewhere { url: self.shown.clone(), next: url.to_owned() });
        }
        self.read(url, terms, &|| format!("read `{url}`")).await
    }

    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        mut query: Vec<(String, String)>,
        action: Action<'_>,
    ) -> Result<Vec<T>, Error> {
        query.push(("per_page".to_owned(), "100".to_owned()));
        let mut page = self.read(&with_query(path, &query), Terms::default(), action).await?;
        let mut all: Vec<T> = self.parse(&page, action)?;
        while let Some(next) = page.next.take() {
            page = self.page_at(&next, Terms::default()).await?;
            all.extend(self.parse::<Vec<T>>(&page, action)?);
        }
        Ok(all)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, action: Action<'_>) -> Result<T, Error> {
        let page = self.read(path, Terms::default(), action).await?;
        self.parse(&page, action)
    }

    fn parse<T: DeserializeOwned>(&self, page: &RawPage, action: Action<'_>) -> Result<T, Error> {
        serde_json::from_slice(&page.body).map_err(|error| Error::Unreadable {
            action: action(),
            url: self.shown.clone(),
            source: Box::new(error),
        })
    }

    async fn read(&self, uri: &str, terms: Terms<'_>, action: Action<'_>) -> Result<RawPage, Error> {
        let headers = &connect::headers(terms);
        let uri = &*self.asked(uri).ok_or_else(|| Error::NoAccount { action: action() })?;
        let once = |means: Means| async move {
            let response = means.octocrab._get_with_headers(uri, headers.clone()).await?;
            if response.status() == http::StatusCode::NOT_MODIFIED {
                return Ok(RawPage::new(304, response.headers(), bytes::Bytes::new()));
            }
            let (parts, body) = octocrab::map_github_error(response).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            page::check(parts.status, &parts.headers, &body)?;
            Ok(RawPage::new(parts.status.as_u16(), &parts.headers, body))
        };
        // A tag hangs on the credential that it was given to, and what did not change costs nothing anyway.
        let place = if terms.etag.is_none() { self.place(uri) } else { None };
        let page = match place {
            Some(place) => self.share((Kind::Read, &place), action, once, |_| true).await?,
            None => self.send(Kind::Read, action, once).await?,
        };
        if self.purse.first().is_app() {
            return Ok(RawPage { body: view::seen(uri, page.body), ..page });
        }
        Ok(page)
    }

    /// What is asked for an address; nothing, where it belongs to an account and an app asks.
    fn asked<'u>(&self, uri: &'u str) -> Option<Cow<'u, str>> {
        if self.purse.first().is_app() {
            return view::asked(uri.strip_prefix(&self.shown).unwrap_or(uri));
        }
        Some(Cow::Borrowed(uri))
    }

    /// The repository of an address that is shown alike to all who may read it.
    fn place(&self, uri: &str) -> Option<String> {
        let path = uri.strip_prefix(&self.shown).unwrap_or(uri);
        if path.starts_with('/') { alike::repository(path) } else { None }
    }

    /// Writes are the person's. They are made one at a time, and on servers of others a second apart.
    async fn write<T, F, R>(&self, kind: Kind, action: Action<'_>, call: F) -> Result<T, Error>
    where
        F: Fn(octocrab::Octocrab) -> R,
        R: Future<Output = octocrab::Result<T>>,
    {
        let mut last = self.last_write.lock().await;
        if !net::is_loopback(&self.base) {
            self.clock.sleep(pause(*last, self.clock.now())).await;
        }
        let result = self.send(kind, action, |means| call(means.octocrab)).await;
        *last = Some(self.clock.now());
        result
    }
}

fn path(repo: &RepoName, number: IssueNumber, rest: &str) -> String {
    format!("/repos/{repo}/issues/{}{rest}", number.0)
}

fn with_query(path: &str, query: &[(String, String)]) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    format!("{path}?{query}")
}
