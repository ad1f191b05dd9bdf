//! An app where it is installed: it has a budget of its own there, and a token that is renewed.
//!
//! A token lasts an hour ("Generating an installation access token for a GitHub App"); it is renewed five
//! minutes before its end, and where it is refused all the same. Whoever needs it first gets it for all.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Timestamp};
use octocrab::Octocrab;
use serde::Deserialize;

use super::super::rate::Kind;
use super::super::send::Means;
use super::super::{Error as Refusal, Governor, connect};
use super::{App, Error};
use crate::config::Secret;
use crate::config::settings::GithubApi;

/// How long before its end a token is renewed.
const EARLY: SignedDuration = SignedDuration::from_mins(5);

/// See the module.
#[derive(Debug)]
pub struct Installation {
    app: App,
    id: u64,
    held: tokio::sync::Mutex<Option<Held>>,
}

/// A connection with a token: since when, until when.
#[derive(Debug)]
struct Held {
    octocrab: Octocrab,
    since: Timestamp,
    until: Timestamp,
}

/// What GitHub answers ("Create an installation access token for an app").
#[derive(Deserialize)]
struct Granted {
    token: String,
    expires_at: Timestamp,
}

impl Installation {
    pub(super) fn new(app: App, id: u64) -> Self {
        Self { app, id, held: tokio::sync::Mutex::default() }
    }

    /// Its id.
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// What its budget is known by among the processes of the machine: its token is another one each hour.
    pub fn account(&self) -> GithubApi {
        let name = format!("app {} installation {}", self.app.id, self.id);
        GithubApi { url: self.app.url.clone(), token: Secret::new(name) }
    }

    /// A connection whose token lasts a while yet.
    pub(in crate::github) async fn octocrab(&self, governor: &Governor) -> Result<Octocrab, Refusal> {
        let mut held = self.held.lock().await;
        let now = self.app.clock.now();
        if let Some(held) = held.as_ref().filter(|held| held.until.duration_since(now) > EARLY) {
            return Ok(held.octocrab.clone());
        }
        let Granted { token, expires_at } = self.granted().await?;
        let api = GithubApi { url: self.app.url.clone(), token: Secret::new(token) };
        let octocrab = connect::octocrab(self.app.transport.clone(), &api, governor.clone())?;
        let (app, installation) = (&self.app.id, self.id);
        tracing::info!(app, installation, until = %expires_at, "a GitHub App has a token");
        *held = Some(Held { octocrab: octocrab.clone(), since: now, until: expires_at });
        Ok(octocrab)
    }

    /// Hears that the token of a request that was sent then is refused: the next one gets another.
    pub(in crate::github) async fn forget(&self, sent: Timestamp) {
        let mut held = self.held.lock().await;
        // One that is younger was got because another request heard the same.
        if held.as_ref().is_some_and(|held| held.since <= sent) {
            *held = None;
        }
    }

    async fn granted(&self) -> Result<Granted, Refusal> {
        let action =
            || format!("get a token for installation {} of the GitHub App `{}`", self.id, self.app.id);
        let path = &format!("/app/installations/{}/access_tokens", self.id);
        let once = |means: Means| async move {
            let response = means.octocrab._post(path.as_str(), None::<&()>).await?;
            let response = octocrab::map_github_error(response).await?;
            Ok(response.into_body().collect().await?.to_bytes())
        };
        let client = self.app.client()?;
        // Asked twice, there are two tokens, which does no harm.
        let answer: Result<Bytes, _> = client.send(Kind::Edit, &action, once).await;
        let answer = answer.map_err(|refusal| self.refused(refusal))?;
        serde_json::from_slice(&answer).map_err(|error| Refusal::Unreadable {
            action: action(),
            url: client.base().to_owned(),
            // Its own words may hold the token.
            source: format!("what is wanted is not at line {}, column {}", error.line(), error.column())
                .into(),
        })
    }

    /// The refusal of a token, told as such.
    fn refused(&self, refusal: Refusal) -> Refusal {
        let (id, installation) = (self.app.id.clone(), self.id);
        match refusal {
            Refusal::NotFound { url, .. } => Error::Absent { id, installation, url }.into(),
            Refusal::Forbidden { message, .. } if message.to_ascii_lowercase().contains("suspended") => {
                Error::Suspended { id, installation }.into()
            }
            Refusal::Forbidden { message, .. } => Error::Denied { id, installation, message }.into(),
            other => self.app.refused(other),
        }
    }
}
