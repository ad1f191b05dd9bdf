//! What can go wrong with a turn, as facts that callers branch on and people can act on.

use std::time::Duration;

use crate::config::settings::{Provider, Role};
use crate::error::{Exit, Failure};

/// What a caller may do about a failed turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The person interrupted.
    Cancelled,
    /// The conversation does not fit: start a new one from a summary.
    ContextTooLong,
    /// The request itself is wrong: the same request fails again.
    Invalid,
    /// Credential, permission, model or bill: the person has to act.
    Account,
    /// Retries are used up: the same request may work later.
    Passing,
}

/// Why a turn failed. Retries, where they made sense, are already used up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The credential is missing or wrong.
    #[error("`{base_url}` does not accept the credential ({status}): {message}")]
    Unauthorized {
        /// The server.
        base_url: String,
        /// The HTTP status.
        status: u16,
        /// What the server said.
        message: String,
        /// The environment variable that carries the credential.
        variable: &'static str,
        /// Whether a credential was sent at all.
        sent: bool,
    },
    /// The credential may not do this.
    #[error("`{base_url}` does not allow the use of `{model}` with this credential: {message}")]
    Forbidden {
        /// The server.
        base_url: String,
        /// The model.
        model: String,
        /// What the server said.
        message: String,
    },
    /// The account has no money left, or reached a limit of its own.
    #[error("the account at `{base_url}` may not spend more: {message}")]
    Billing {
        /// The server.
        base_url: String,
        /// What the server said.
        message: String,
    },
    /// The server does not know the model.
    #[error("`{base_url}` does not know the model `{model}`: {message}")]
    UnknownModel {
        /// The server.
        base_url: String,
        /// The model.
        model: String,
        /// The nearest model of the shipped table.
        nearest: Option<String>,
        /// What the server said.
        message: String,
    },
    /// The model answers no more.
    #[error("the model `{model}` was retired on {on}")]
    Retired {
        /// The model.
        model: String,
        /// The day.
        on: String,
        /// The model to take instead.
        successor: String,
        /// The role that is configured with it.
        role: Role,
    },
    /// The base URL does not parse.
    #[error("`{base_url}` is not the base URL of a model server")]
    BaseUrl {
        /// The URL.
        base_url: String,
        /// Why it does not parse; `None` where it parses, but is no `http` or `https` URL.
        source: Option<url::ParseError>,
    },
    /// The server refused the request.
    #[error("the model server refused the request ({status}): {message}")]
    Invalid {
        /// The HTTP status.
        status: u16,
        /// What the server said.
        message: String,
    },
    /// The conversation is longer than the model takes.
    #[error("the conversation does not fit into the context of `{model}`: {message}")]
    ContextTooLong {
        /// The model.
        model: String,
        /// What the server said, with both numbers.
        message: String,
    },
    /// Too many requests or tokens in a short time.
    #[error("the model server limits the rate after {}: {message}", tried(*attempts))]
    RateLimited {
        /// How often it was tried.
        attempts: u32,
        /// What the server said.
        message: String,
        /// How long the server wants to be left alone.
        after: Option<Duration>,
    },
    /// The server has too much to do.
    #[error("the model server is overloaded after {}: {message}", tried(*attempts))]
    Overloaded {
        /// How often it was tried.
        attempts: u32,
        /// What the server said.
        message: String,
    },
    /// The server failed.
    #[error("the model server failed {} after {}: {message}", place(*status), tried(*attempts))]
    Server {
        /// The HTTP status; 200 where the failure came inside a stream.
        status: u16,
        /// How often it was tried.
        attempts: u32,
        /// What the server said.
        message: String,
    },
    /// No connection.
    #[error("cannot reach the model server `{base_url}`")]
    Unreachable {
        /// The server.
        base_url: String,
        /// Whether an earlier attempt of the same turn did reach it.
        reached: bool,
        /// What failed.
        source: reqwest::Error,
    },
    /// The reply broke off.
    #[error("the reply of the model broke off after {}", tried(*attempts))]
    Cut {
        /// How often it was tried.
        attempts: u32,
        /// How it broke off.
        source: Broken,
    },
    /// The person interrupted.
    #[error("the request to the model was interrupted")]
    Cancelled,
    /// The transcript that is replayed cannot serve this turn.
    #[error("cannot replay `{path}`: {what}")]
    Replay {
        /// The transcript.
        path: String,
        /// What is wrong.
        what: String,
    },
    /// The transcript cannot be read.
    #[error(transparent)]
    Read(#[from] crate::fs::Error),
}

/// How a reply broke off.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// The stream ended before the reply did.
    #[error("the stream ended before the reply was whole")]
    Ended,
    /// Nothing came for too long.
    #[error("nothing came for {} seconds", .0.as_secs())]
    Idle(Duration),
    /// The connection failed.
    #[error("the connection failed")]
    Connection(#[source] reqwest::Error),
    /// What came cannot be read.
    #[error("an event of the stream cannot be read")]
    Garbled(#[source] serde_json::Error),
    /// What came is no stream at all.
    #[error("the server answered with `{0}` instead of an event stream")]
    NotAStream(String),
}

impl Error {
    /// Whether the turn may have cost something all the same: not where it was refused for good, and not
    /// where no attempt ever reached the server.
    pub const fn may_have_cost(&self) -> bool {
        match self {
            Self::Unreachable { reached, .. } => *reached,
            _ => matches!(self.kind(), Kind::Passing | Kind::Cancelled),
        }
    }

    /// What a caller may do about it.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Cancelled => Kind::Cancelled,
            Self::ContextTooLong { .. } => Kind::ContextTooLong,
            Self::Invalid { .. } | Self::BaseUrl { .. } | Self::Replay { .. } | Self::Read(_) => {
                Kind::Invalid
            }
            Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::Billing { .. }
            | Self::UnknownModel { .. }
            | Self::Retired { .. } => Kind::Account,
            Self::RateLimited { .. }
            | Self::Overloaded { .. }
            | Self::Server { .. }
            | Self::Unreachable { .. }
            | Self::Cut { .. } => Kind::Passing,
        }
    }
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Retired { .. } | Self::BaseUrl { .. } => Exit::Usage,
            Self::Cancelled => Exit::Interrupted,
            Self::Read(error) => error.exit(),
            _ => Exit::Unable,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Unauthorized { variable, sent: true, .. } => format!("check the key in {variable}"),
            Self::Unauthorized { variable, .. } => format!("export {variable}=…"),
            Self::Forbidden { .. } => {
                "choose a model that your key may use: `planwright profiles` shows the current ones".into()
            }
            Self::UnknownModel { nearest: Some(nearest), .. } => {
                format!("the nearest known model is `{nearest}`")
            }
            Self::Retired { successor, role, .. } => {
                format!(
                    "in planwright.toml, under [profiles.{}], write: model = \"{successor}\"",
                    role.name()
                )
            }
            Self::RateLimited { after: Some(after), .. } => {
                format!("run it again in {} seconds", after.as_secs().max(1))
            }
            Self::Unreachable { base_url, .. } => {
                format!("is a server listening there? try: curl -sS -m 5 {base_url}")
            }
            Self::BaseUrl { .. } => "write a whole URL, such as `https://api.anthropic.com`".into(),
            _ => return Vec::new(),
        };
        vec![hint]
    }
}

fn tried(attempts: u32) -> String {
    if attempts == 1 { "one attempt".to_owned() } else { format!("{attempts} attempts") }
}

/// Where a failure showed: in the status, or later.
fn place(status: u16) -> String {
    if status == 200 { "inside the reply".to_owned() } else { format!("({status})") }
}

/// The environment variable that carries the credential of a provider.
pub(super) const fn variable(provider: &Provider) -> &'static str {
    match provider {
        Provider::Openai => "OPENAI_API_KEY",
        Provider::Anthropic | Provider::Replay(_) => "ANTHROPIC_API_KEY",
    }
}
