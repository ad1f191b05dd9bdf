//! From layers to settings: every key of the registry is read here, once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::credential::{App, Credentials, Source};
use super::environment::{self as env, Environment};
use super::keys::{From as Owner, ROLES};
use super::layers::{File, Layers};
use super::settings::{
    Build, Context, Effort, Log, ModelFacts, OnUnreviewed, Origin, Pace, Places, Profile, Provider, Review,
    Role, Settings, Sync, Tracker,
};
use super::value::{From, Place, Value};
use super::{Error, FILE, Input, Loaded, Repository, Shipped};
use crate::artifact::{RepoChoice, Usd};

/// Reads the files and makes the settings. Credentials are not looked at: a verb that needs none works without.
pub fn load(input: &Input<'_>) -> Result<Loaded, Error> {
    let home = input.environment.home();
    let here = From { folder: &input.dir, home: home.as_deref() };
    let mut layers = Layers::defaults(here)?;
    let mut models = input.shipped.models.clone();
    let user_file = user_file(input.environment);
    let mut files = Vec::new();
    let found = [(user_file.clone(), Owner::User), (project_file(input), Owner::Anywhere)];
    for (path, owner) in found.into_iter().filter_map(|(path, owner)| Some((path?, owner))) {
        let Some(text) = crate::fs::read_text_if_exists(&path)? else { continue };
        let from = From { folder: path.parent().unwrap_or(&input.dir), home: home.as_deref() };
        let file = File { path: &path, text: &text, owner, from, users_own: user_file.as_deref() };
        layers.file(file, &mut models)?;
        files.push(path);
    }
    layers.environment(input.environment, here)?;
    layers.flags(input.flags, here)?;
    let made = Made { layers: &layers, environment: input.environment, shipped: input.shipped };
    Ok(Loaded { settings: made.settings(input, models)?, credentials: made.credentials(&input.dir)?, files })
}

/// The user's own file, whether it exists or not.
fn user_file(environment: &Environment) -> Option<PathBuf> {
    let named = environment.get(env::PLANWRIGHT_CONFIG).map(PathBuf::from);
    named.or_else(|| Some(environment.folder(env::XDG_CONFIG_HOME, ".config")?.join("config.toml")))
}

/// The nearest `planwright.toml` from the folder up to the top of the repository.
fn project_file(input: &Input<'_>) -> Option<PathBuf> {
    let top = input.repository.as_ref().map_or(input.dir.as_path(), |repository| &repository.root);
    let folders = input.dir.ancestors().take_while(|folder| folder.starts_with(top));
    folders.map(|folder| folder.join(FILE)).find(|file| file.is_file())
}

/// Reads values out of the layers, by key.
struct Made<'a> {
    layers: &'a Layers,
    environment: &'a Environment,
    shipped: &'a Shipped,
}

impl Made<'_> {
    fn settings(&self, input: &Input<'_>, models: BTreeMap<String, ModelFacts>) -> Result<Settings, Error> {
        let [planner, implementer, reviewer] = self.profiles()?;
        Ok(Settings {
            planner,
            implementer,
            reviewer,
            models,
            tracker: self.tracker(),
            build: self.build(),
            review: self.review(),
            sync: self.sync(),
            context: self.context(),
            places: self.places(input)?,
            log: self.log(),
            origins: self.origins(),
        })
    }

    fn profiles(&self) -> Result<[Profile; 3], Error> {
        let [planner, implementer, reviewer] = ROLES.map(|role| self.profile(role));
        Ok([planner?, implementer?, reviewer?])
    }

    fn profile(&self, role: Role) -> Result<Profile, Error> {
        let key = |field: &str| format!("profiles.{}.{field}", role.name());
        let provider = self.provider(role)?;
        let model = self.text(&key("model")).unwrap_or_default();
        let meant = self.shipped.aliases.iter().find(|(alias, _)| *alias == model);
        Ok(Profile {
            role,
            model: meant.map_or(model, |(_, id)| id.clone()),
            effort: self.text(&key("effort")).as_deref().and_then(effort),
            max_tokens: small(self.number(&key("max_tokens"))),
            base_url: self.base_url(role, &provider).0,
            credential: None,
            idle: Duration::from_secs(self.number(&key("idle_seconds"))),
            retries: small(self.number(&key("retries"))),
            provider,
        })
    }

    fn provider(&self, role: Role) -> Result<Provider, Error> {
        let transcript = self.path(&format!("profiles.{}.transcript", role.name()));
        match self.text(&format!("profiles.{}.provider", role.name())).as_deref() {
            Some("openai") => Ok(Provider::Openai),
            Some("replay") => Ok(Provider::Replay(transcript.ok_or(Error::NoTranscript { role })?)),
            _ => Ok(Provider::Anthropic),
        }
    }

    /// The profile's own server, else the one the provider's variable names, else the provider's.
    fn base_url(&self, role: Role, provider: &Provider) -> (String, Origin) {
        let key = format!("profiles.{}.base_url", role.name());
        let (variable, usual) = match provider {
            Provider::Anthropic => (env::ANTHROPIC_BASE_URL, "https://api.anthropic.com"),
            Provider::Openai => (env::OPENAI_BASE_URL, "https://api.openai.com"),
            Provider::Replay(_) => return (String::new(), Origin::Default),
        };
        let (url, origin) = match (self.text(&key), self.environment.get(variable)) {
            (Some(own), _) => (own, self.layers.origin(&key)),
            (None, Some(named)) => (named.to_owned(), Origin::Environment(variable.name.to_owned())),
            (None, None) => (usual.to_owned(), Origin::Default),
        };
        let url = url.trim_end_matches('/');
        (url.strip_suffix("/v1").unwrap_or(url).to_owned(), origin)
    }

    fn tracker(&self) -> Tracker {
        Tracker {
            url: self.text("github.url").unwrap_or_default().trim_end_matches('/').to_owned(),
            hub: self.truth("github.hub"),
            api: None,
            reserve: self.number("github.reserve"),
            pace: match self.text("github.pace").as_deref() {
                Some("always") => Pace::Always,
                _ => Pace::Auto,
            },
            repo: self.text("github.repo").and_then(|name| name.parse().ok()),
        }
    }

    fn build(&self) -> Build {
        Build {
            test: self.text("build.test").filter(|command| !command.trim().is_empty()),
            setup: self.text("build.setup").filter(|command| !command.trim().is_empty()),
            setup_network: self.truth("build.setup_network"),
            rounds: small(self.number("build.rounds")),
            turns: small(self.number("build.turns")),
            max_cost: Usd(self.money("build.max_cost")),
            command_time: Duration::from_secs(self.number("build.command_seconds")),
            output_bytes: usize::try_from(self.number("build.output_kilobytes") << 10).unwrap_or(usize::MAX),
            pass_environment: self.list("build.pass_environment"),
        }
    }

    fn review(&self) -> Review {
        let warn = self.text("review.on_unreviewed").as_deref() == Some("warn");
        Review {
            on_unreviewed: if warn { OnUnreviewed::Warn } else { OnUnreviewed::Block },
            budget_tokens: self.number("review.budget_tokens"),
        }
    }

    fn sync(&self) -> Sync {
        let repos = self.list("sync.repos");
        Sync {
            pipeline: self.text("sync.pipeline").unwrap_or_default(),
            repos: repos.iter().filter_map(|name| name.parse::<RepoChoice>().ok()).collect(),
            resources: self.list("sync.resources"),
            memory_limit: self.text("sync.memory_limit").unwrap_or_default(),
            threads: small(self.number("sync.threads")),
        }
    }

    fn context(&self) -> Context {
        Context { budget_tokens: self.number("context.budget_tokens"), exclude: self.list("context.exclude") }
    }

    fn log(&self) -> Log {
        Log {
            level: self.text("log.level").unwrap_or_default(),
            rotate_bytes: self.number("log.rotate_megabytes") << 20,
        }
    }

    fn places(&self, input: &Input<'_>) -> Result<Places, Error> {
        let folder = |variable: env::Variable, below: &str| {
            let folder = self.environment.folder(variable, below);
            folder.ok_or(Error::NoHome { variable: variable.name })
        };
        let states = folder(env::XDG_STATE_HOME, ".local/state")?;
        let root = input.repository.as_ref().map(|repository| repository.root.clone());
        let top = root.as_deref().unwrap_or(&input.dir);
        let below = |name: &str| Some(top.join(name)).filter(|folder| folder.is_dir());
        Ok(Places {
            state: match &input.repository {
                Some(repository) => repository.common_dir.join("planwright"),
                None => states.join("home"),
            },
            workbenches: states.join("workbenches").join(workbench_name(input)),
            warehouse: match self.path("places.warehouse") {
                Some(path) => path,
                None => folder(env::XDG_DATA_HOME, ".local/share")?.join("warehouse.duckdb"),
            },
            warehouse_url: self.text("warehouse.url"),
            cache: folder(env::XDG_CACHE_HOME, ".cache")?,
            prompts: below("prompts"),
            pipelines: below("pipelines"),
            root,
        })
    }

    fn credentials(&self, dir: &Path) -> Result<Credentials, Error> {
        Ok(Credentials {
            environment: self.environment.clone(),
            dir: dir.to_owned(),
            profiles: ROLES.map(|role| self.key_source(role)),
            github: self.token_source(),
            more: self.sources("github.more_tokens"),
            app: self.app()?,
        })
    }

    /// The GitHub App: all of it, but for the installation, or nothing.
    fn app(&self) -> Result<Option<App>, Error> {
        let installation = Some(self.number("github.app.installation")).filter(|id| *id > 0);
        match (self.text("github.app.id"), self.sources("github.app.key").pop()) {
            (Some(id), Some(key)) => Ok(Some(App { id, key, installation })),
            (None, None) if installation.is_none() => Ok(None),
            (None, _) => Err(Error::HalfApp { missing: "github.app.id" }),
            (_, None) => Err(Error::HalfApp { missing: "github.app.key" }),
        }
    }

    /// The places that a setting names.
    fn sources(&self, key: &str) -> Vec<Source> {
        let Some(Value::Sources(places)) = self.layers.get(key) else { return Vec::new() };
        let source = |place: &Place| match place.clone() {
            Place::Env(variable) => Source::Named { variable, key: key.to_owned() },
            Place::File(path) => Source::File(path),
            Place::Command(command) => Source::Command { command, key: key.to_owned() },
        };
        places.iter().map(source).collect()
    }

    fn key_source(&self, role: Role) -> Source {
        let key = |field: &str| format!("profiles.{}.{field}", role.name());
        if let Some(command) = self.text(&key("api_key_command")) {
            return Source::Command { command, key: key("api_key_command") };
        }
        if let Some(path) = self.path(&key("api_key_file")) {
            return Source::File(path);
        }
        if let Some(variable) = self.text(&key("api_key_env")) {
            return Source::Named { variable, key: key("api_key_env") };
        }
        let usual: &[env::Variable] = match self.text(&key("provider")).as_deref() {
            Some("openai") => &[env::OPENAI_API_KEY],
            Some("replay") => &[],
            _ => &[env::ANTHROPIC_API_KEY, env::ANTHROPIC_AUTH_TOKEN],
        };
        let set = usual.iter().find(|variable| self.environment.get(**variable).is_some());
        set.map_or(Source::None, |variable| Source::Variable(*variable))
    }

    fn token_source(&self) -> Source {
        let variables = [env::GH_TOKEN, env::GITHUB_TOKEN];
        if let Some(variable) =
            variables.into_iter().find(|variable| self.environment.get(*variable).is_some())
        {
            return Source::Variable(variable);
        }
        if let Some(command) = self.text("github.token_command") {
            return Source::Command { command, key: "github.token_command".to_owned() };
        }
        if let Some(path) = self.path("github.token_file") {
            return Source::File(path);
        }
        let program = self.environment.program("gh");
        program.map_or(Source::None, |program| Source::Gh { program, host: self.github_host() })
    }

    /// The host that `gh` knows the API by.
    fn github_host(&self) -> String {
        let url = self.text("github.url").unwrap_or_default();
        let host = url.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        if host == "api.github.com" { "github.com".to_owned() } else { host.to_owned() }
    }

    fn origins(&self) -> BTreeMap<String, Origin> {
        let mut origins = self.layers.origins();
        for role in ROLES {
            let provider = self.provider(role).unwrap_or(Provider::Anthropic);
            origins.insert(format!("profiles.{}.base_url", role.name()), self.base_url(role, &provider).1);
        }
        origins
    }

    fn text(&self, key: &str) -> Option<String> {
        match self.layers.get(key) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        match self.layers.get(key) {
            Some(Value::Path(path)) => Some(path.clone()),
            _ => None,
        }
    }

    fn number(&self, key: &str) -> u64 {
        if let Some(Value::Number(number)) = self.layers.get(key) { *number } else { 0 }
    }

    fn money(&self, key: &str) -> f64 {
        if let Some(Value::Money(amount)) = self.layers.get(key) { *amount } else { 0.0 }
    }

    fn truth(&self, key: &str) -> bool {
        matches!(self.layers.get(key), Some(Value::Truth(true)))
    }

    fn list(&self, key: &str) -> Vec<String> {
        if let Some(Value::List(items)) = self.layers.get(key) { items.clone() } else { Vec::new() }
    }
}

fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn effort(name: &str) -> Option<Effort> {
    serde_json::from_value(name.into()).ok()
}

/// The folder that the repository's workbenches share: its name, and a digest of its place.
fn workbench_name(input: &Input<'_>) -> String {
    let place = input.repository.as_ref().map_or(&input.dir, |Repository { common_dir, .. }| common_dir);
    let folder =
        if place.file_name().is_some_and(|name| name == ".git") { place.parent() } else { Some(&**place) };
    let name =
        folder.and_then(Path::file_name).map_or_else(|| "repository".into(), |name| name.to_string_lossy());
    let digest = hex::encode(Sha256::digest(place.as_os_str().as_encoded_bytes()));
    format!("{name}-{}", digest.get(..8).unwrap_or(&digest))
}

/// Reads everything, for the law that every key is read.
#[cfg(test)]
pub(super) fn read_all(layers: &Layers, environment: &Environment) {
    let made = Made { layers, environment, shipped: &Shipped::default() };
    let input =
        Input { environment, dir: PathBuf::new(), repository: None, flags: &[], shipped: made.shipped };
    made.settings(&input, BTreeMap::new()).unwrap();
    made.credentials(Path::new("")).unwrap();
}
