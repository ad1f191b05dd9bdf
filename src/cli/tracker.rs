//! Opening the tracker: GitHub where there is a token or an app, the embedded hub where there is none.
//!
//! A token that is there and refused is an error, never a reason to fall back. On opening the hub it is
//! told of the commits on the default branch, so that the issues they close are closed.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use super::error::{Error, Stop};
use super::payers::Payers;
use super::session::{Call, Session, Settled};
use crate::artifact::{IssueNumber, RepoChoice, RepoName};
use crate::build::Home;
use crate::config::settings::Pace;
use crate::git;
use crate::github::governor::{self, Claim};
use crate::github::{self, Governor, Identity};
use crate::hub;
use crate::net::cassette::Tape;
use crate::net::{self, Transport};

/// Commits of the default branch that the hub is told of.
const RECEIVED: u32 = 500;

/// Where issues live, open.
pub(super) struct Tracker {
    /// The client, whose base URL says which it is.
    pub(super) client: github::Client,
    /// The repository there.
    pub(super) repo: RepoName,
    /// For people: `github.com`, `ghe.example.com`, `the embedded hub`.
    pub(super) name: String,
    /// What the rows of this tracker are told apart by in the warehouse.
    pub(super) origin: String,
    hub: Option<hub::Running>,
}

/// How a tracker is spoken with.
#[derive(Clone, Copy)]
struct Way<'a> {
    /// Which of the requests that are left may be made.
    claim: Claim,
    /// Where answers are kept.
    tape: Option<&'a Tape>,
    /// Who signs in.
    payers: Payers<'a>,
}

impl Way<'_> {
    fn transport(self, session: &Session<'_>) -> Result<Transport, net::Error> {
        let http = session.call.http()?;
        Ok(match self.tape {
            Some(tape) => tape.over(http),
            None => http.into(),
        })
    }
}

impl Tracker {
    /// Opens the tracker that settings and credentials lead to.
    pub(super) async fn open(session: &Session<'_>) -> Result<Self, Stop> {
        Self::of(session, Way { claim: Claim::Whole, tape: None, payers: Payers::First }, repo_name).await
    }

    /// The same for verbs that look at all repositories: they work where no name can be told, too, leave
    /// the reserve of requests alone, and are paid for by all. `repos` is what will be chosen of them.
    pub(super) async fn open_anywhere(session: &Session<'_>, repos: &[RepoChoice]) -> Result<Self, Stop> {
        let way = Way { claim: Claim::Spare, tape: None, payers: Payers::All(repos) };
        Self::of(session, way, any_name).await
    }

    /// The same, with every answer kept on a tape.
    pub(super) async fn open_recorded(session: &Session<'_>, tape: &Tape) -> Result<Self, Stop> {
        Self::of(session, Way { claim: Claim::Spare, tape: Some(tape), payers: Payers::Person }, any_name)
            .await
    }

    async fn of(
        session: &Session<'_>,
        way: Way<'_>,
        name: impl AsyncFn(&Settled, &Path, &str) -> Result<RepoName, Stop>,
    ) -> Result<Self, Stop> {
        let tracker = &session.settled.loaded.settings.tracker;
        let credentials = &session.settled.loaded.credentials;
        let token = if tracker.hub { None } else { credentials.token(&session.run.cancel).await? };
        let is_github = !tracker.hub && way.payers.is_anybody(session, token.as_ref())?;
        let host = if is_github { host_of(&tracker.url) } else { String::new() };
        let repo = name(&session.settled, &session.call.dir, &host).await?;
        let identities =
            if is_github { way.payers.identities(session, token, &repo).await? } else { Vec::new() };
        let mut identities = identities.into_iter();
        match identities.next() {
            Some(first) => Self::github(session, (first, identities), way, repo),
            None => Self::hub(session, way, repo).await,
        }
    }

    fn github(
        session: &Session<'_>,
        (first, others): (Identity, impl Iterator<Item = Identity>),
        way: Way<'_>,
        repo: RepoName,
    ) -> Result<Self, Stop> {
        let settings = &session.settled.loaded.settings;
        let folder = settings.places.cache.join("governor");
        let options =
            governor::Options { folder: &folder, reserve: settings.tracker.reserve, claim: way.claim };
        let clock = session.call.clock.clone();
        let url = &settings.tracker.url;
        let paced = match settings.tracker.pace {
            Pace::Auto => Governor::new,
            Pace::Always => Governor::strict,
        };
        let governor = |identity: &Identity| {
            paced(&identity.account(url), &options, clock.clone(), session.run.events.clone())
        };
        let (at, paced) = ((way.transport(session)?, url.as_str()), governor(&first));
        let mut client = github::Client::of(at, first, clock.clone(), paced)?;
        for other in others {
            let paced = governor(&other);
            client = client.helped_by(other, paced)?;
        }
        Ok(Self { client, repo, name: host_of(url), origin: url.clone(), hub: None })
    }

    async fn hub(session: &Session<'_>, way: Way<'_>, repo: RepoName) -> Result<Self, Stop> {
        let settled = &session.settled;
        let folder = settled.loaded.settings.places.state.join("hub");
        let (api, hub) = match start(session.call, &folder).await {
            Ok(running) => (running.api(), Some(running)),
            Err(hub::Error::InUse { folder, address }) => match hub::running(&folder)? {
                Some(api) => (api, None),
                None => return Err(hub::Error::InUse { folder, address }.into()),
            },
            Err(error) => return Err(error.into()),
        };
        if let Some(hub) = &hub {
            hub.ensure_repo(&repo)?;
            if let Some(repository) = &settled.repo {
                tell_of_commits(hub, repository, &repo).await?;
            }
        }
        let client = github::Client::new(way.transport(session)?, &api, session.call.clock.clone())?;
        let origin = format!("hub:{}", folder.display());
        Ok(Self { client, repo, name: "the embedded hub".to_owned(), origin, hub })
    }

    /// Says where issues go, before anything is published.
    pub(super) fn introduce(&self, session: &Session<'_>) {
        let (name, repo) = (&self.name, &self.repo);
        session.run.events.note(match self.home() {
            Home::Github => format!("issues of {repo} live on {name}"),
            Home::Hub => format!(
                "issues of {repo} live on {name}; set GITHUB_TOKEN for github.com\n\
                 look at them: `planwright plan status`, or with other tools while `planwright hub serve` runs"
            ),
        });
    }

    /// Whose server it is.
    pub(super) fn home(&self) -> Home {
        if self.origin.starts_with("hub:") { Home::Hub } else { Home::Github }
    }

    /// What people find an issue by: its page on GitHub; `owner/name#1` on the hub, whose address ends with
    /// the process.
    pub(super) fn place(&self, number: IssueNumber, url: &str) -> String {
        match self.home() {
            Home::Github => url.to_owned(),
            Home::Hub => format!("{}{number}", self.repo),
        }
    }

    /// Ends the conversation. Closes the hub, if this was one: its folder and port are free afterwards.
    pub(super) async fn close(self) {
        self.client.leave();
        if let Some(hub) = self.hub {
            hub.stop().await;
        }
    }
}

/// Starts the hub of a state folder.
pub(super) async fn start(call: &Call, folder: &Path) -> Result<hub::Running, hub::Error> {
    hub::start(hub::Options {
        folder: folder.to_owned(),
        address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        login: "you".to_owned(),
        clock: call.clock.clone(),
        faults: hub::Faults::default(),
    })
    .await
}

/// Tells the hub which commits reached the default branch.
async fn tell_of_commits(hub: &hub::Running, repository: &git::Repo, name: &RepoName) -> Result<(), Stop> {
    let Some(branch) = repository.default_branch().await? else { return Ok(()) };
    if repository.commit_at(&branch.0).await?.is_none() {
        return Ok(());
    }
    let commits = repository.log(&branch.0, RECEIVED).await?;
    let commits: Vec<_> = commits.into_iter().map(|commit| (commit.id, commit.message)).collect();
    hub.received(name, &commits)?;
    Ok(())
}

/// The repository's name: as set, else off the remote, else (on the hub) `local/<folder>`.
async fn repo_name(settled: &Settled, dir: &Path, host: &str) -> Result<RepoName, Stop> {
    if let Some(repo) = &settled.loaded.settings.tracker.repo {
        return Ok(repo.clone());
    }
    let remote = match &settled.repo {
        Some(repo) => repo.remote_url("origin").await?,
        None => None,
    };
    let named = remote.as_deref().and_then(in_remote);
    let is_loopback = host.is_empty() || host.starts_with("127.") || host.starts_with("localhost");
    match named {
        Some((there, repo)) if is_loopback || there.eq_ignore_ascii_case(host) => Ok(repo),
        _ if is_loopback => Ok(local_name(settled.repo.as_ref().map_or(dir, git::Repo::root))),
        Some((there, _)) => Err(Error::NoRepoName {
            host: host.to_owned(),
            why: format!("the remote `origin` is at {there}"),
        }
        .into()),
        None => {
            let why = "there is no remote `origin` with an `owner/name`".to_owned();
            Err(Error::NoRepoName { host: host.to_owned(), why }.into())
        }
    }
}

/// The same, and `local/<folder>` where no name can be told.
async fn any_name(settled: &Settled, dir: &Path, host: &str) -> Result<RepoName, Stop> {
    Ok(repo_name(settled, dir, host).await.unwrap_or_else(|_| local_name(dir)))
}

/// Host and name in a remote's URL: `https://host/owner/name.git`, `ssh://git@host:22/owner/name`,
/// `git@host:owner/name.git`.
fn in_remote(url: &str) -> Option<(String, RepoName)> {
    let (host, path) = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?,
        None => url.split_once(':')?,
    };
    let host = host.rsplit('@').next()?.split(':').next()?;
    let path = path.trim_matches('/');
    let repo = path.strip_suffix(".git").unwrap_or(path).parse().ok()?;
    (!host.is_empty()).then(|| (host.to_owned(), repo))
}

/// The host that people know an API by.
fn host_of(url: &str) -> String {
    let host = url.split("://").nth(1).unwrap_or(url).split('/').next().unwrap_or_default();
    if host == "api.github.com" { "github.com".to_owned() } else { host.to_owned() }
}

/// `local/<folder>`, with what GitHub's names may not hold replaced.
fn local_name(root: &Path) -> RepoName {
    let folder = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let letter = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = folder.chars().map(letter).collect();
    let name = if name.trim_matches('.').is_empty() { "repository".to_owned() } else { name };
    RepoName { owner: "local".to_owned(), name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_is_read_however_it_is_written() {
        for url in [
            "https://github.com/octo/hello.git",
            "https://token@github.com/octo/hello",
            "ssh://git@github.com:22/octo/hello.git",
            "git@github.com:octo/hello.git",
            "git://github.com/octo/hello/",
        ] {
            let (host, repo) = in_remote(url).unwrap_or_else(|| panic!("{url}"));
            assert_eq!((host.as_str(), repo.to_string().as_str()), ("github.com", "octo/hello"), "{url}");
        }
        for url in ["/srv/git/hello.git", "../hello", "https://github.com/octo", "file:///srv/a/b"] {
            assert_eq!(in_remote(url), None, "{url}");
        }
    }

    #[test]
    fn an_api_is_known_by_its_host() {
        assert_eq!(host_of("https://api.github.com"), "github.com");
        assert_eq!(host_of("https://ghe.example.com/api/v3"), "ghe.example.com");
    }

    #[test]
    fn a_folder_with_a_strange_name_still_makes_a_repository() {
        assert_eq!(local_name(Path::new("/home/ada/my project")).to_string(), "local/my-project");
        assert_eq!(local_name(Path::new("/")).to_string(), "local/repository");
    }
}
