//! The settings as the program uses them: every field has a value, every value remembers its origin.
//!
//! The doc comment of a field here is its line in the reference that users read. Reading and merging
//! the layers is `layers`; nothing here does I/O.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Secret;
use crate::artifact::{RepoChoice, RepoName, Usd};

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which model plans.
    pub planner: Profile,
    /// Which model builds.
    pub implementer: Profile,
    /// Which model reviews.
    pub reviewer: Profile,
    /// Prices and limits of models, by id: the shipped table and the user's additions.
    pub models: BTreeMap<String, ModelFacts>,
    /// Where issues live.
    pub tracker: Tracker,
    /// How `build` works.
    pub build: Build,
    /// How `review` decides.
    pub review: Review,
    /// How `sync` works.
    pub sync: Sync,
    /// How the pack for a model is made.
    pub context: Context,
    /// Folders: state, warehouse, overrides.
    pub places: Places,
    /// The log.
    pub log: Log,
    /// Where each value came from, by dotted key: `profiles.planner.model`.
    pub origins: BTreeMap<String, Origin>,
}

/// Where a value came from, the later ones winning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Built in.
    Default,
    /// A configuration file.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
    /// A command-line flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(variable) => write!(f, "${variable}"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// The three roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The strong model that plans.
    Planner,
    /// The fast model that builds.
    Implementer,
    /// The strong model that reviews.
    Reviewer,
}

impl Role {
    /// Its name in configuration, events and the ledger.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Planner => "planner",
            Self::Implementer => "implementer",
            Self::Reviewer => "reviewer",
        }
    }
}

/// A named model configuration.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The role it serves.
    pub role: Role,
    /// Which protocol and whose server.
    pub provider: Provider,
    /// The provider's id of the model.
    pub model: String,
    /// How hard it thinks; `None` sends nothing.
    pub effort: Option<Effort>,
    /// Output tokens allowed in one turn, thinking included.
    pub max_tokens: u32,
    /// The server's base URL, without `/v1`.
    pub base_url: String,
    /// The credential; `None` for servers that need none.
    pub credential: Option<Credential>,
    /// Seconds without a byte after which a stream counts as cut.
    pub idle: Duration,
    /// How often one turn is tried again after a passing failure.
    pub retries: u32,
}

/// A model protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provider {
    /// The Messages API.
    Anthropic,
    /// The Chat Completions dialect: `OpenAI`, Ollama, vLLM, `OpenRouter`, LM Studio.
    Openai,
    /// A recorded transcript, replayed: one raw response body a turn.
    Replay(PathBuf),
}

/// How a credential is presented.
#[derive(Debug, Clone)]
pub enum Credential {
    /// In `x-api-key` (Messages) or as a bearer token (Chat Completions).
    Key(Secret),
    /// As `Authorization: Bearer`.
    Bearer(Secret),
}

/// How hard a model thinks, from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// Least.
    Low,
    /// The usual.
    Medium,
    /// More.
    High,
    /// Much more.
    Xhigh,
    /// As hard as it can.
    Max,
}

impl Effort {
    /// Its name in configuration and in both protocols.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }
}

/// What is known of a model: prices in US dollars per million tokens, and limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFacts {
    /// Fresh input.
    pub input: f64,
    /// Output, thinking included.
    pub output: f64,
    /// Input written to the cache for five minutes.
    pub cache_write: f64,
    /// Input read from the cache.
    pub cache_read: f64,
    /// Tokens of context.
    pub context: u64,
    /// The prompt size above which the prices of `above` count for every token.
    #[serde(default)]
    pub above_tokens: Option<u64>,
    /// Fresh input, output, cache write and cache read above `above_tokens`.
    #[serde(default)]
    pub above: Option<[f64; 4]>,
    /// The day from which requests to it fail, and the model to take instead.
    #[serde(default)]
    pub retired: Option<Retired>,
}

/// A model that answers no more from a day on, which may lie ahead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retired {
    /// The day it ends, `2026-11-30`.
    pub on: String,
    /// The model to take instead.
    pub successor: String,
}

/// Where issues live.
#[derive(Debug, Clone)]
pub struct Tracker {
    /// The URL of the GitHub API: github.com, an Enterprise Server, any compatible server.
    pub url: String,
    /// The embedded hub, even where there is a token.
    pub hub: bool,
    /// The API that is used, once `cli` has opened it: GitHub's, or the embedded hub's.
    pub api: Option<GithubApi>,
    /// Percent of the hour's requests that `sync` leaves to the person's other tools.
    pub reserve: u64,
    /// Where requests keep to the limits that the server tells.
    pub pace: Pace,
    /// `owner/name`, where configured; otherwise it is read off the git remote.
    pub repo: Option<RepoName>,
}

/// Where requests keep to the limits that the server tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Everywhere but on loopback, where servers are the person's own.
    Auto,
    /// There too: what listens may lead to a server of others.
    Always,
}

/// A GitHub API and the token for it.
#[derive(Debug, Clone)]
pub struct GithubApi {
    /// For instance `https://api.github.com` or `https://ghe.example.com/api/v3`.
    pub url: String,
    /// The token.
    pub token: Secret,
}

/// How `build` works.
#[derive(Debug, Clone)]
pub struct Build {
    /// The project's test command, run by a shell in the sandbox; empty means none.
    pub test: Option<String>,
    /// Runs once in a fresh workbench, before the model.
    pub setup: Option<String>,
    /// Whether `setup` may use the network.
    pub setup_network: bool,
    /// Rounds of implement, harness and review before the build gives up.
    pub rounds: u32,
    /// Model turns in one round.
    pub turns: u32,
    /// Money one run may spend.
    pub max_cost: Usd,
    /// Time one command may take.
    pub command_time: Duration,
    /// Bytes of a command's output that are kept.
    pub output_bytes: usize,
    /// Environment variables passed into the sandbox besides the built-in few.
    pub pass_environment: Vec<String>,
}

/// How `review` decides.
#[derive(Debug, Clone)]
pub struct Review {
    /// What the hook does when no review could be made.
    pub on_unreviewed: OnUnreviewed,
    /// Tokens of change shown to the reviewer at once.
    pub budget_tokens: u64,
}

/// What the hook does when no review could be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnUnreviewed {
    /// The commit is stopped.
    Block,
    /// The commit goes on, with a warning.
    Warn,
}

/// How `sync` works.
#[derive(Debug, Clone)]
pub struct Sync {
    /// The pipeline it runs: a folder's name under `pipelines/`.
    pub pipeline: String,
    /// Which repositories to gather; without any that are to be gathered, all that the token sees.
    pub repos: Vec<RepoChoice>,
    /// Resources to gather; empty means the pipeline's defaults.
    pub resources: Vec<String>,
    /// Bytes of memory DuckDB may use, as DuckDB writes it: `1GB`.
    pub memory_limit: String,
    /// Threads DuckDB may use.
    pub threads: u32,
}

/// How the pack for a model is made.
#[derive(Debug, Clone)]
pub struct Context {
    /// Tokens of project context sent with a goal.
    pub budget_tokens: u64,
    /// Globs never sent.
    pub exclude: Vec<String>,
}

/// Folders.
#[derive(Debug, Clone)]
pub struct Places {
    /// The work tree's top, where there is a repository.
    pub root: Option<PathBuf>,
    /// State of this repository (`.git/planwright`), or of the user outside one: runs, plans, verdicts, the hub.
    pub state: PathBuf,
    /// Where worktrees of builds are made.
    pub workbenches: PathBuf,
    /// The DuckDB database that `sync` fills.
    pub warehouse: PathBuf,
    /// The address of the warehouse, where it is no file.
    pub warehouse_url: Option<String>,
    /// Things that can be fetched again: model facts.
    pub cache: PathBuf,
    /// The user's prompts, which win over the shipped ones.
    pub prompts: Option<PathBuf>,
    /// The user's pipelines, which win over the shipped ones.
    pub pipelines: Option<PathBuf>,
}

/// The log.
#[derive(Debug, Clone)]
pub struct Log {
    /// What is written to the run folder: `error`, `warn`, `info`, `debug`, `trace`.
    pub level: String,
    /// Bytes after which the log file is rotated.
    pub rotate_bytes: u64,
}
