//! The models of a run: a client for each role that the verb needs, one budget, the prompts.
//!
//! Credentials are fetched for these roles only. What a server says of its model is kept for a day, so
//! that most runs ask nothing before their first turn.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::error::Stop;
use super::session::Session;
use crate::agent::{Budget, Mind};
use crate::artifact::IssueNumber;
use crate::config::settings::Profile;
use crate::config::{Role, Settings};
use crate::fs;
use crate::model::{Client, ServerFacts};
use crate::prompts::Prompts;

/// How long a server's word on its model is believed.
const FRESH: Duration = Duration::from_hours(24);

/// See the module.
pub(super) struct Minds {
    /// What the run may spend, over all roles.
    pub(super) budget: Budget,
    /// The prompts, the user's before the shipped.
    pub(super) prompts: Prompts,
    ready: Vec<(Profile, Client)>,
}

impl Minds {
    /// Opens the models of these roles. Sends nothing but a question to the models endpoint, at most
    /// once a day for each model. Where what they say could not be kept, nothing is opened: it would be paid
    /// for in vain.
    pub(super) async fn open(session: &Session<'_>, roles: &[Role]) -> Result<Self, Stop> {
        let loaded = &session.settled.loaded;
        fs::must_be_writable(&loaded.settings.places.state)?;
        let mut ready = Vec::new();
        for role in roles {
            let profile =
                loaded.credentials.fill(profile_of(&loaded.settings, *role), &session.run.cancel).await?;
            let clock = session.run.clock.clone();
            let client = Client::new(&profile, &loaded.settings.models, session.call.http()?, clock)?;
            learn(session, &client).await;
            ready.push((profile, client));
        }
        let prompts = Prompts::new(loaded.settings.places.prompts.clone());
        Ok(Self { budget: Budget::new(loaded.settings.build.max_cost), prompts, ready })
    }

    /// The model of a role that was opened, ready for a turn; `None` for another.
    pub(super) fn mind<'a>(
        &'a self,
        session: &'a Session<'_>,
        role: Role,
        issue: Option<IssueNumber>,
    ) -> Option<Mind<'a>> {
        let (profile, client) = self.ready.iter().find(|(profile, _)| profile.role == role)?;
        let (run, ledger, budget) = (&session.run, &session.ledger, &self.budget);
        Some(Mind { client, profile, run, ledger, budget, issue })
    }
}

/// The profile of a role.
pub(super) const fn profile_of(settings: &Settings, role: Role) -> &Profile {
    match role {
        Role::Planner => &settings.planner,
        Role::Implementer => &settings.implementer,
        Role::Reviewer => &settings.reviewer,
    }
}

/// Tells the client what its server says of the model. A server that does not answer is no obstacle: then
/// the model's id tells what is sent.
async fn learn(session: &Session<'_>, client: &Client) {
    let name = hex::encode(Sha256::digest(format!("{}\n{}", client.base_url(), client.model())));
    let kept = session.settled.loaded.settings.places.cache.join("models").join(format!("{name}.json"));
    let is_fresh = std::fs::metadata(&kept)
        .and_then(|file| file.modified())
        .is_ok_and(|at| at.elapsed().is_ok_and(|age| age < FRESH));
    let text = if is_fresh { fs::read_text_if_exists(&kept).ok().flatten() } else { None };
    if let Some(facts) = text.and_then(|text| serde_json::from_str::<ServerFacts>(&text).ok()) {
        client.learn(&facts);
        return;
    }
    match client.facts().await {
        Ok(Some(facts)) => {
            client.learn(&facts);
            let text = serde_json::to_vec(&facts).unwrap_or_default();
            if let Err(error) = fs::write(&kept, &text) {
                tracing::debug!(%error, "what the server said of its model is not kept");
            }
        }
        Ok(None) => {}
        Err(error) => tracing::debug!(%error, model = client.model(), "the server says nothing of its model"),
    }
}
