//! `profiles`: which model serves which role, at what price, with which credential, and who said so.

use serde_json::json;

use super::error::Stop;
use super::screen::{DIM, HEAD, styled};
use super::session::Call;
use crate::config::keys::{self, ROLES};
use crate::config::settings::{Effort, ModelFacts, Settings};
use crate::config::{Loaded, Profile, Role, Source};
use crate::error::Exit;
use crate::model::price;

const EXAMPLES: &str = "\
Examples:
  planwright profiles                          the three roles
  planwright profiles --all                    every setting and its origin
  planwright profiles --implementer haiku      as it would be for one run
  planwright profiles --json | jq .planner";

/// Show models, prices and where each setting comes from
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Every setting, with its origin
    #[arg(long)]
    all: bool,
}

/// Prints the profiles.
pub(super) async fn run(args: &Args, call: &Call) -> Result<Exit, Stop> {
    let settled = call.settled(&[]).await?;
    let loaded = &settled.loaded;
    let text = match (call.screen.json, args.all) {
        (true, _) => as_json(loaded).to_string(),
        (false, true) => every_setting(&loaded.settings),
        (false, false) => ROLES.map(|role| as_text(loaded, role)).join("\n\n"),
    };
    call.screen.result(text)?;
    Ok(Exit::Done)
}

/// The profile of a role.
pub(super) const fn profile(settings: &Settings, role: Role) -> &Profile {
    match role {
        Role::Planner => &settings.planner,
        Role::Implementer => &settings.implementer,
        Role::Reviewer => &settings.reviewer,
    }
}

fn as_text(loaded: &Loaded, role: Role) -> String {
    let profile = profile(&loaded.settings, role);
    let origin = |field: &str| {
        let origin = loaded.settings.origins.get(&format!("profiles.{}.{field}", role.name()));
        styled(DIM, origin.map_or_else(String::new, |origin| format!(" ({origin})")))
    };
    let lines = [
        format!("{} {}{}", styled(HEAD, format_args!("{:<11}", role.name())), profile.model, origin("model")),
        format!("  effort    {}{}", profile.effort.map_or("not sent", Effort::name), origin("effort")),
        format!("  server    {}{}", profile.base_url, origin("base_url")),
        format!("  key       {}", shown(loaded.credentials.of(role))),
        format!("  limits    {} output tokens a turn, {} retries", profile.max_tokens, profile.retries),
        format!("  price     {}", facts(loaded.settings.models.get(&profile.model))),
    ];
    lines.join("\n")
}

fn shown(source: &Source) -> String {
    match source {
        Source::None => "none found".to_owned(),
        source => source.to_string(),
    }
}

/// Prices in words: dollars for a million tokens.
fn facts(facts: Option<&ModelFacts>) -> String {
    let Some(facts) = facts else {
        return "unknown; what it costs will be told as unknown".to_owned();
    };
    let retired =
        facts.retired.as_ref().map(|retired| format!("; retires {}: take {}", retired.on, retired.successor));
    format!(
        "${} in, ${} out, ${} cache write, ${} cache read per million (as of {}){}",
        facts.input,
        facts.output,
        facts.cache_write,
        facts.cache_read,
        price::AS_OF,
        retired.unwrap_or_default()
    )
}

/// Every key with its origin.
fn every_setting(settings: &Settings) -> String {
    let origin =
        |name: &String| settings.origins.get(name).map_or_else(|| "not set".to_owned(), ToString::to_string);
    let added = settings.origins.keys().filter(|name| name.starts_with("models.")).cloned();
    let lines = keys::names().chain(added).map(|name| format!("{name:<34} {}", styled(DIM, origin(&name))));
    lines.collect::<Vec<_>>().join("\n")
}

fn as_json(loaded: &Loaded) -> serde_json::Value {
    let role = |role: Role| {
        let profile = profile(&loaded.settings, role);
        let value = json!({
            "model": profile.model,
            "effort": profile.effort,
            "max_tokens": profile.max_tokens,
            "base_url": profile.base_url,
            "key": loaded.credentials.of(role).to_string(),
            "price": loaded.settings.models.get(&profile.model),
        });
        (role.name().to_owned(), value)
    };
    let origins =
        loaded.settings.origins.iter().map(|(key, origin)| (key.clone(), origin.to_string().into()));
    let origins = ("origins".to_owned(), serde_json::Value::Object(origins.collect()));
    serde_json::Value::Object(ROLES.map(role).into_iter().chain([origins]).collect())
}
