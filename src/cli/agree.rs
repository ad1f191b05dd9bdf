//! Money: before the first paid request on a terminal, the person agrees to the cap, once for each repository
//! and again when the cap grows. Where nobody can be asked the cap alone holds.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::ask;
use super::error::Stop;
use super::minds::profile_of;
use super::session::Session;
use crate::artifact::Usd;
use crate::config::settings::Profile;
use crate::config::{Role, Settings};

/// What the person agreed to, as kept in the state folder.
#[derive(Debug, Serialize, Deserialize)]
struct Agreed {
    max_cost: Usd,
}

/// Asks for the cap unless that was done, or `yes` says so already.
pub(super) async fn agree(session: &Session<'_>, roles: &[Role], yes: bool) -> Result<(), Stop> {
    let settings = &session.settled.loaded.settings;
    let cap = settings.build.max_cost;
    let path = settings.places.state.join("agreed.json");
    let paid = roles.iter().any(|role| is_paid(profile_of(settings, *role)));
    if yes || !paid || !session.call.screen.can_ask || covers(&path, cap) {
        return Ok(());
    }
    let question = format!("{} This run may spend up to {cap}. Go on?", who(settings, roles));
    ask::confirm(session.call.screen, "spending", &question).await?;
    let text = serde_json::to_vec(&Agreed { max_cost: cap }).unwrap_or_default();
    Ok(crate::fs::write(&path, &text)?)
}

/// Whether requests of this profile may cost money: a server on this machine is the person's own.
fn is_paid(profile: &Profile) -> bool {
    let host = profile.base_url.split("://").nth(1).unwrap_or_default();
    !["", "127.", "localhost", "[::1]"]
        .iter()
        .any(|own| if own.is_empty() { host.is_empty() } else { host.starts_with(own) })
}

fn covers(path: &Path, cap: Usd) -> bool {
    let text = crate::fs::read_text_if_exists(path).ok().flatten();
    let agreed: Option<Agreed> = text.and_then(|text| serde_json::from_str(&text).ok());
    agreed.is_some_and(|agreed| cap <= agreed.max_cost)
}

/// `claude-opus-5-5 plans, claude-sonnet-5-5 builds.`
fn who(settings: &Settings, roles: &[Role]) -> String {
    let does = |role: &Role| {
        let does = match role {
            Role::Planner => "plans",
            Role::Implementer => "builds",
            Role::Reviewer => "reviews",
        };
        format!("{} {does}", profile_of(settings, *role).model)
    };
    format!("{}.", roles.iter().map(does).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_larger_cap_is_asked_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agreed.json");
        assert!(!covers(&path, Usd(1.0)));
        crate::fs::write(&path, br#"{"max_cost":5.0}"#).unwrap();
        assert!(covers(&path, Usd(5.0)) && covers(&path, Usd(1.0)) && !covers(&path, Usd(5.01)));
    }
}
