//! Who signs in at GitHub: the person with their token, else their GitHub App; and who shares the reading.

use tokio_util::sync::CancellationToken;

use super::error::{Error, Stop};
use super::session::{Call, Session, Settled};
use crate::artifact::{RepoChoice, RepoName};
use crate::config::{App, Secret};
use crate::github::{self, Identity, Installation};

/// Who pays for what is asked.
#[derive(Clone, Copy)]
pub(super) enum Payers<'a> {
    /// The first alone: it writes.
    First,
    /// A person alone: what is answered is kept, and must be one reader's view.
    Person,
    /// All, for these repositories: the app beside the person, and those of `github.more_tokens` too.
    All(&'a [RepoChoice]),
}

impl Payers<'_> {
    /// Whether anybody can sign in, given the person's token.
    pub(super) fn is_anybody(self, session: &Session<'_>, token: Option<&Secret>) -> Result<bool, Error> {
        match (token, session.settled.loaded.credentials.app()) {
            (None, None) => Ok(false),
            (None, Some(_)) if matches!(self, Self::Person) => Err(Error::NoPerson),
            _ => Ok(true),
        }
    }

    /// Who they are, whoever is first first. `repo` is the repository that is worked on.
    pub(super) async fn identities(
        self,
        session: &Session<'_>,
        token: Option<Secret>,
        repo: &RepoName,
    ) -> Result<Vec<Identity>, Stop> {
        let (credentials, cancel) = (&session.settled.loaded.credentials, &session.run.cancel);
        let is_alone = token.is_none();
        let mut identities = Vec::from_iter(token.map(Identity::Token));
        let owner = match self {
            Self::First => Some(repo.owner.as_str()),
            Self::Person => return Ok(identities),
            Self::All(repos) => RepoChoice::owner(repos),
        };
        let is_all = matches!(self, Self::All(_));
        if let Some(app) = credentials.app().filter(|_| is_alone || is_all) {
            let installation = installation(session.call, &session.settled, (app, owner), cancel).await?;
            identities.push(Identity::App(Box::new(installation)));
        }
        if is_all {
            identities.extend(credentials.more_tokens(cancel).await?.into_iter().map(Identity::Token));
        }
        Ok(identities)
    }
}

/// The app where it is installed: as set, else its only installation, else the owner's.
pub(super) async fn installation(
    call: &Call,
    settled: &Settled,
    (app, owner): (&App, Option<&str>),
    cancel: &CancellationToken,
) -> Result<Installation, Stop> {
    let key = settled.loaded.credentials.app_key(app, cancel).await?;
    let at = (call.http()?, settled.loaded.settings.tracker.url.as_str());
    let proven = github::App::new(at, &app.id, &key, call.clock.clone()).map_err(github::Error::from)?;
    match app.installation {
        Some(id) => Ok(proven.at(id)),
        None => Ok(proven.installed(owner).await?),
    }
}
