//! Where credentials come from, and getting them when a verb needs one: never before.
//!
//! A source can be shown; the secret it leads to cannot. A command runs as the person would run it, and
//! what it printed is never part of a message.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::environment::{self as env, Environment, Variable};
use super::settings::{Credential, Profile, Provider, Role};
use super::{Error, Secret};
use crate::process::{self, Command, Limits, Status};

/// How long a command may take to print a credential: it may ask a key ring, or the person.
const COMMAND_TIME: Duration = Duration::from_mins(1);

/// Where one credential would come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Nowhere.
    None,
    /// A variable that is set.
    Variable(Variable),
    /// A variable that a setting names.
    Named {
        /// The variable.
        variable: String,
        /// The setting.
        key: String,
    },
    /// A file's first line.
    File(PathBuf),
    /// What a shell command prints first.
    Command {
        /// The command.
        command: String,
        /// The setting.
        key: String,
    },
    /// What `gh auth token` prints.
    Gh {
        /// Where `gh` is.
        program: PathBuf,
        /// The host it is asked about.
        host: String,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Variable(variable) => write!(f, "${}", variable.name),
            Self::Named { variable, .. } => write!(f, "${variable}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Command { key, .. } => write!(f, "command of {key}"),
            Self::Gh { .. } => f.write_str("gh auth token"),
        }
    }
}

/// A GitHub App, as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Its client id, or its app id.
    pub id: String,
    /// Where its private key would come from.
    pub key: Source,
    /// The id of its installation, where that was said.
    pub installation: Option<u64>,
}

/// How much of what a place holds is the credential.
#[derive(Debug, Clone, Copy)]
enum Extent {
    /// The first line that is not blank.
    Line,
    /// All of it.
    Whole,
}

impl Extent {
    fn of(self, text: &str) -> Option<Secret> {
        match self {
            Self::Line => text.lines().map(str::trim).find(|line| !line.is_empty()).map(secret),
            Self::Whole => Some(text.trim()).filter(|text| !text.is_empty()).map(secret),
        }
    }
}

/// Where every credential would come from.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub(super) environment: Environment,
    pub(super) dir: PathBuf,
    pub(super) profiles: [Source; 3],
    pub(super) github: Source,
    pub(super) more: Vec<Source>,
    pub(super) app: Option<App>,
}

impl Credentials {
    /// Where the key of a role's profile would come from.
    pub const fn of(&self, role: Role) -> &Source {
        let [planner, implementer, reviewer] = &self.profiles;
        match role {
            Role::Planner => planner,
            Role::Implementer => implementer,
            Role::Reviewer => reviewer,
        }
    }

    /// Where the token for GitHub would come from.
    pub const fn github(&self) -> &Source {
        &self.github
    }

    /// Where the further tokens for GitHub would come from.
    pub fn more(&self) -> &[Source] {
        &self.more
    }

    /// The GitHub App that signs in, if there is one.
    pub const fn app(&self) -> Option<&App> {
        self.app.as_ref()
    }

    /// The private key of the GitHub App, as PEM.
    pub async fn app_key(&self, app: &App, cancel: &CancellationToken) -> Result<Secret, Error> {
        let key = self.read(&app.key, Extent::Whole, cancel).await;
        let key = key.and_then(|key| key.ok_or_else(|| Error::Blank { place: app.key.to_string() }));
        key.map_err(|source| Error::AppKey { source: Box::new(source) })
    }

    /// The profile with its credential. A server of the user's own may need none; a provider's own does.
    pub async fn fill(&self, profile: &Profile, cancel: &CancellationToken) -> Result<Profile, Error> {
        let source = self.of(profile.role);
        let secret = self.get(source, cancel).await?;
        let bearer = *source == Source::Variable(env::ANTHROPIC_AUTH_TOKEN);
        let credential =
            secret.map(|secret| if bearer { Credential::Bearer(secret) } else { Credential::Key(secret) });
        let (variable, usual) = match profile.provider {
            Provider::Anthropic => (env::ANTHROPIC_API_KEY.name, "https://api.anthropic.com"),
            Provider::Openai => (env::OPENAI_API_KEY.name, "https://api.openai.com"),
            Provider::Replay(_) => ("", ""),
        };
        if credential.is_none() && profile.base_url == usual {
            let (model, base_url) = (profile.model.clone(), profile.base_url.clone());
            return Err(Error::NoKey { role: profile.role, model, base_url, variable });
        }
        Ok(Profile { credential, ..profile.clone() })
    }

    /// The token for GitHub, if there is one. A `gh` that is not signed in counts as none.
    pub async fn token(&self, cancel: &CancellationToken) -> Result<Option<Secret>, Error> {
        match self.get(&self.github, cancel).await {
            Err(_) if matches!(self.github, Source::Gh { .. }) => Ok(None),
            other => other,
        }
    }

    /// The further tokens for GitHub. Whoever names one wants it used: one that cannot be had is an error.
    pub async fn more_tokens(&self, cancel: &CancellationToken) -> Result<Vec<Secret>, Error> {
        let mut tokens = Vec::new();
        for source in &self.more {
            tokens.push(self.named(source, cancel).await?);
        }
        Ok(tokens)
    }

    /// The credential from a place that a setting names.
    pub async fn named(&self, source: &Source, cancel: &CancellationToken) -> Result<Secret, Error> {
        self.get(source, cancel).await?.ok_or_else(|| Error::Blank { place: source.to_string() })
    }

    /// The credential for a pipeline's API, from the variable that is named after its host.
    pub fn for_host(&self, variable: &str) -> Option<Secret> {
        self.environment.named(variable).map(secret)
    }

    async fn get(&self, source: &Source, cancel: &CancellationToken) -> Result<Option<Secret>, Error> {
        self.read(source, Extent::Line, cancel).await
    }

    /// The credential from a place; of a file and of what a command prints, as much as is said.
    async fn read(
        &self,
        source: &Source,
        extent: Extent,
        cancel: &CancellationToken,
    ) -> Result<Option<Secret>, Error> {
        match source {
            Source::None => Ok(None),
            Source::Variable(variable) => Ok(self.environment.get(*variable).map(secret)),
            Source::Named { variable, key } => match self.environment.named(variable) {
                Some(text) => Ok(Some(secret(text))),
                None => Err(Error::Unset { variable: variable.clone(), key: key.clone() }),
            },
            Source::File(path) => Ok(extent.of(&crate::fs::read_text(path)?)),
            Source::Command { command, key } => {
                let args = ["-c".to_owned(), command.clone()];
                self.printed((PathBuf::from("/bin/sh"), &args), key, extent, cancel).await.map(Some)
            }
            Source::Gh { program, host } => {
                let args = ["auth", "token", "--hostname", host].map(str::to_owned);
                self.printed((program.clone(), &args), "gh auth token", extent, cancel).await.map(Some)
            }
        }
    }

    /// What a command prints.
    async fn printed(
        &self,
        (program, args): (PathBuf, &[String]),
        key: &str,
        extent: Extent,
        cancel: &CancellationToken,
    ) -> Result<Secret, Error> {
        let command = Command {
            program: program.into_os_string(),
            args: args.iter().map(Into::into).collect(),
            dir: self.dir.clone(),
            environment: self.environment.all(),
            input: Vec::new(),
            limits: Limits { time: COMMAND_TIME, output_bytes: 16 << 10 },
        };
        let spawned = process::run(&command, cancel).await;
        let output = spawned.map_err(|source| Error::Spawn { key: key.to_owned(), source })?;
        let refused = |status: String| Error::Command { key: key.to_owned(), status };
        if !output.is_success() {
            return Err(refused(ended(output.status)));
        }
        extent.of(&output.stdout.text()).ok_or_else(|| refused("it printed nothing".to_owned()))
    }
}

fn ended(status: Status) -> String {
    match status {
        Status::Exited(status) => format!("it ended with status {status}"),
        Status::Signaled(signal) => format!("it ended by signal {signal}"),
        Status::TimedOut => format!("it took more than {} seconds", COMMAND_TIME.as_secs()),
        Status::Cancelled => "it was interrupted".to_owned(),
    }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.trim().to_owned())
}
