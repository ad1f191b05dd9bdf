//! The registry of settings: one line each. The README's reference and the file that `init` writes are
//! made from it, and a test holds that every key is read.

use super::environment::{self as env, Variable};
use super::settings::Role;

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its dotted name; `*` stands for a role.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// Its value if nobody sets it, as TOML: one for all roles, or one for each; none is no value.
    pub default: &'static [&'static str],
    /// Who may set it in a file.
    pub from: From,
    /// The variable that sets it: one for each name it has, or none.
    pub variables: &'static [Variable],
    /// What it is, in one line.
    pub about: &'static str,
}

/// What a setting may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number, at least this.
    Number(u64),
    /// US dollars.
    Money,
    /// `true` or `false`.
    Truth,
    /// A list of texts.
    List,
    /// One of these.
    Choice(&'static [&'static str]),
    /// A file or folder: below the file that says it, or from `~/`.
    Path,
    /// `owner/name`.
    Repo,
    /// A list of `owner/name`, patterns of it and `starred`, each with or without a leading `!`.
    Repos,
    /// A list of places that hold credentials: `{ env = "…" }`, `{ file = "…" }`, `{ command = "…" }`.
    Sources,
    /// One such place.
    Source,
}

/// Who may set a key in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// Any file.
    Anywhere,
    /// Only the user's own file: it says where credentials go, or runs something outside the sandbox.
    User,
}

const LEVELS: Kind = Kind::Choice(&["error", "warn", "info", "debug", "trace"]);
const PROVIDERS: Kind = Kind::Choice(&["anthropic", "openai", "replay"]);
const EFFORTS: Kind = Kind::Choice(&["low", "medium", "high", "xhigh", "max"]);

const fn key(name: &'static str, kind: Kind, default: &'static [&'static str], about: &'static str) -> Key {
    Key { name, kind, default, from: From::Anywhere, variables: &[], about }
}

impl Key {
    const fn user(mut self) -> Self {
        self.from = From::User;
        self
    }

    const fn variable(mut self, variables: &'static [Variable]) -> Self {
        self.variables = variables;
        self
    }

    /// The names it has: itself, or one for each role.
    pub fn names(&self) -> Vec<String> {
        if self.name.contains('*') {
            ROLES.iter().map(|role| self.name.replace('*', role.name())).collect()
        } else {
            vec![self.name.to_owned()]
        }
    }

    /// The default under the name with this index, as TOML.
    pub fn default_at(&self, index: usize) -> Option<&'static str> {
        self.default.get(index).or(self.default.first()).copied()
    }
}

/// The roles, in the order of `default`.
pub const ROLES: [Role; 3] = [Role::Planner, Role::Implementer, Role::Reviewer];

/// Every setting.
#[rustfmt::skip]
pub const KEYS: &[Key] = &[
    key("profiles.*.provider", PROVIDERS, &["\"anthropic\""], "the protocol: the Messages API, the Chat Completions dialect, or a recorded transcript"),
    key("profiles.*.model", Kind::Text, &["\"claude-opus-5-5\"", "\"claude-sonnet-5-5\"", "\"claude-opus-5-5\""], "the provider's id of the model, or `opus`, `sonnet`, `haiku`").variable(&[env::PLANWRIGHT_PLANNER, env::PLANWRIGHT_IMPLEMENTER, env::PLANWRIGHT_REVIEWER]),
    key("profiles.*.effort", EFFORTS, &["\"high\"", "\"medium\"", "\"high\""], "how hard it thinks"),
    key("profiles.*.max_tokens", Kind::Number(1), &["32000"], "output tokens allowed in one turn, thinking included"),
    key("profiles.*.base_url", Kind::Text, &[], "the server, without `/v1`").user(),
    key("profiles.*.api_key_env", Kind::Text, &[], "the environment variable that holds the key").user(),
    key("profiles.*.api_key_file", Kind::Path, &[], "the file that holds the key").user(),
    key("profiles.*.api_key_command", Kind::Text, &[], "the shell command that prints the key").user(),
    key("profiles.*.transcript", Kind::Path, &[], "the transcript that the provider `replay` answers from"),
    key("profiles.*.idle_seconds", Kind::Number(1), &["90"], "seconds without a byte after which a stream counts as cut"),
    key("profiles.*.retries", Kind::Number(0), &["5"], "how often a turn is tried again after a passing failure"),
    key("github.url", Kind::Text, &["\"https://api.github.com\""], "the URL of the API: github.com, an Enterprise Server, any compatible server").user().variable(&[env::GITHUB_API_URL]),
    key("github.repo", Kind::Repo, &[], "the repository whose issues are worked on; read off the remote `origin` if unset").variable(&[env::PLANWRIGHT_REPO]),
    key("github.hub", Kind::Truth, &["false"], "the embedded hub, even where there is a token").variable(&[env::PLANWRIGHT_HUB]),
    key("github.reserve", Kind::Number(0), &["20"], "percent of the hour's requests that `sync` leaves to your other tools").user(),
    key("github.pace", Kind::Choice(&["auto", "always"]), &["\"auto\""], "whether requests keep to the limits that the server tells: `auto` is not on loopback, `always` there too, for a tunnel or a proxy of yours that leads to a real one").user(),
    key("github.token_file", Kind::Path, &[], "the file that holds the token").user(),
    key("github.token_command", Kind::Text, &[], "the shell command that prints the token").user(),
    key("github.more_tokens", Kind::Sources, &["[]"], "further tokens that pay for what `sync` reads: a list of `{ env = \"…\" }`, `{ file = \"…\" }` and `{ command = \"…\" }`").user().variable(&[env::PLANWRIGHT_MORE_TOKENS]),
    key("github.app.id", Kind::Text, &[], "the client id, or the app id, of a GitHub App that signs in, beside your token or without one").user().variable(&[env::PLANWRIGHT_APP_ID]),
    key("github.app.key", Kind::Source, &[], "where the app's private key is, as PEM: `{ env = \"…\" }`, `{ file = \"…\" }` or `{ command = \"…\" }`").user().variable(&[env::PLANWRIGHT_APP_KEY]),
    key("github.app.installation", Kind::Number(1), &[], "the id of the app's installation, the number at the end of its address; the only one, or that of the owner whose repositories are read, if unset").user().variable(&[env::PLANWRIGHT_APP_INSTALLATION]),
    key("build.test", Kind::Text, &[], "the project's test command, run in the sandbox"),
    key("build.setup", Kind::Text, &[], "a command that runs once in a fresh workbench, before the model works there"),
    key("build.setup_network", Kind::Truth, &["false"], "whether `setup` may use the network").user(),
    key("build.rounds", Kind::Number(1), &["3"], "rounds of implement, harness and review before the build gives up"),
    key("build.turns", Kind::Number(1), &["40"], "model turns in one round"),
    key("build.max_cost", Kind::Money, &["5.0"], "US dollars that one run may spend, over all roles").variable(&[env::PLANWRIGHT_MAX_COST]),
    key("build.command_seconds", Kind::Number(1), &["600"], "time that one command may take"),
    key("build.output_kilobytes", Kind::Number(1), &["64"], "how much of a command's output is kept"),
    key("build.pass_environment", Kind::List, &["[]"], "environment variables passed into the sandbox besides the built-in few").user(),
    key("review.on_unreviewed", Kind::Choice(&["block", "warn"]), &["\"block\""], "what the hook does when no review could be made"),
    key("review.budget_tokens", Kind::Number(1000), &["60000"], "tokens of change shown to the reviewer at once"),
    key("sync.pipeline", Kind::Text, &["\"github\""], "the pipeline that `sync` runs: a folder under `pipelines/`"),
    key("sync.repos", Kind::Repos, &["[]"], "repositories to gather: `owner/name`, `owner/*`, `octo/app-*`, `starred`, and `!octo/old-*` for what to leave out; all that the token sees if empty"),
    key("sync.resources", Kind::List, &["[]"], "resources to gather, `default` for the pipeline's own choice; that choice if empty"),
    key("sync.memory_limit", Kind::Text, &["\"128MB\""], "memory that DuckDB may use"),
    key("sync.threads", Kind::Number(1), &["1"], "threads that DuckDB may use"),
    key("context.budget_tokens", Kind::Number(500), &["24000"], "tokens of project context sent with a goal"),
    key("context.exclude", Kind::List, &["[]"], "globs of files that are never sent"),
    key("places.warehouse", Kind::Path, &[], "the DuckDB database that `sync` fills; in the user's data folder if unset").user().variable(&[env::PLANWRIGHT_WAREHOUSE]),
    key("warehouse.url", Kind::Text, &[], "the address of a warehouse that is no file: `ducklake:…`, `md:…`, `quack:…` or `duckdb:FILE`; wins over `places.warehouse`").user().variable(&[env::PLANWRIGHT_WAREHOUSE_URL]),
    key("log.level", LEVELS, &["\"info\""], "what is written to the log of a run").variable(&[env::PLANWRIGHT_LOG]),
    key("log.rotate_megabytes", Kind::Number(1), &["16"], "size at which a log is set aside"),
];

/// The fields of `[models."<id>"]`, where users add or correct prices (US dollars per million tokens) and limits.
pub const MODEL_FIELDS: &[&str] =
    &["input", "output", "cache_write", "cache_read", "context", "above_tokens", "above", "retired"];

/// The key with this name, and the index of the name among the key's names.
pub fn find(name: &str) -> Option<(&'static Key, usize)> {
    KEYS.iter().find_map(|key| key.names().iter().position(|known| known == name).map(|index| (key, index)))
}

/// Every name of every key.
pub fn names() -> impl Iterator<Item = String> {
    KEYS.iter().flat_map(Key::names)
}
