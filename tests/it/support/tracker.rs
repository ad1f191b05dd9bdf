//! A hub of its own for one test, and the real client that speaks to it over loopback.

use jiff::Timestamp;
use planwright::artifact::{IssueNumber, RepoName};
use planwright::clock::Clock;
use planwright::config::Secret;
use planwright::config::settings::GithubApi;
use planwright::github::{Client, Issue, NewIssue};
use planwright::hub::{self, Faults, Running};
use serde_json::Value;
use tempfile::TempDir;

/// See the module. Its clock is virtual: it moves when somebody sleeps on it.
pub(crate) struct Tracker {
    pub(crate) folder: TempDir,
    pub(crate) hub: Running,
    pub(crate) client: Client,
    pub(crate) faults: Faults,
    pub(crate) clock: Clock,
    pub(crate) repo: RepoName,
}

impl Tracker {
    /// With an empty repository `ada/shop`.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::starting_at("2026-11-22T10:00:00Z".parse::<Timestamp>().unwrap());
        let faults = Faults::default();
        let hub = hub::start(options(&folder, &clock, &faults)).await.unwrap();
        let repo: RepoName = "ada/shop".parse().unwrap();
        hub.ensure_repo(&repo).unwrap();
        let client = Client::new(http(), &hub.api(), clock.clone()).unwrap();
        Self { folder, hub, client, faults, clock, repo }
    }

    /// Stops the hub and starts another on the same folder.
    pub(crate) async fn restart(self) -> Self {
        let Self { folder, hub, faults, clock, repo, .. } = self;
        hub.stop().await;
        let hub = hub::start(options(&folder, &clock, &faults)).await.unwrap();
        let client = Client::new(http(), &hub.api(), clock.clone()).unwrap();
        Self { folder, hub, client, faults, clock, repo }
    }

    /// The same hub, seen through another address or token.
    pub(crate) fn client_of(&self, path: &str, token: &str) -> Client {
        let api =
            GithubApi { url: format!("{}{path}", self.hub.url()), token: Secret::new(token.to_owned()) };
        Client::new(http(), &api, self.clock.clone()).unwrap()
    }

    /// An issue without a body.
    pub(crate) async fn issue(&self, title: &str) -> Issue {
        self.client.create_issue(&self.repo, &new(title)).await.unwrap()
    }

    /// A raw request: status and body.
    pub(crate) async fn raw(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.hub.url());
        let method = method.parse().unwrap();
        let request = http().request(method, url).bearer_auth(self.hub.token().expose());
        let response = request.body(body.to_owned()).send().await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.bytes().await.unwrap();
        (status, if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() })
    }

    /// The numbers of a listing.
    pub(crate) async fn numbers(&self, path: &str) -> Vec<u64> {
        let (status, body) = self.raw("GET", path, "").await;
        assert_eq!(status, 200, "{path}: {body}");
        body.as_array().unwrap().iter().map(|row| row["number"].as_u64().unwrap()).collect()
    }
}

/// The program's own HTTP client.
pub(crate) fn http() -> reqwest::Client {
    planwright::net::client(&planwright::net::Options::default()).unwrap()
}

/// An issue to create, without a body.
pub(crate) fn new(title: &str) -> NewIssue {
    NewIssue { title: title.to_owned(), ..NewIssue::default() }
}

/// The numbers of issues.
pub(crate) fn numbers(issues: &[Issue]) -> Vec<IssueNumber> {
    issues.iter().map(|issue| issue.number).collect()
}

fn options(folder: &TempDir, clock: &Clock, faults: &Faults) -> hub::Options {
    hub::Options {
        folder: folder.path().to_owned(),
        address: ([127, 0, 0, 1], 0).into(),
        login: "ada".to_owned(),
        clock: clock.clone(),
        faults: faults.clone(),
    }
}
