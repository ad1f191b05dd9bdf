//! The environment as data, and the registry of every variable that is heeded.
//!
//! `cli` reads the environment once; from then on it is this value. A variable that is not in the
//! registry cannot be asked for, so that the list in the README is whole.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// An environment variable that planwright heeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it is for, in one line.
    pub about: &'static str,
}

macro_rules! variables {
    ($($name:ident: $about:literal,)*) => {
        $(
            #[doc = $about]
            pub const $name: Variable = Variable { name: stringify!($name), about: $about };
        )*
        /// Every variable that is heeded.
        pub const VARIABLES: &[Variable] = &[$($name),*];
    };
}

variables! {
    GH_TOKEN: "the token for GitHub, as `gh` reads it; wins over `GITHUB_TOKEN`",
    GITHUB_TOKEN: "the token for GitHub",
    GH_HOST: "the GitHub host, for an Enterprise Server: `ghe.example.com`",
    GITHUB_API_URL: "the URL of the GitHub API; wins over `GH_HOST`",
    ANTHROPIC_API_KEY: "the key for the Messages API",
    ANTHROPIC_AUTH_TOKEN: "a bearer token for the Messages API, where there is no key",
    ANTHROPIC_BASE_URL: "another server that speaks the Messages API",
    OPENAI_API_KEY: "the key for the Chat Completions dialect",
    OPENAI_BASE_URL: "another server that speaks the Chat Completions dialect",
    PLANWRIGHT_CONFIG: "the user's configuration file, instead of `$XDG_CONFIG_HOME/planwright/config.toml`",
    PLANWRIGHT_PLANNER: "the model that plans",
    PLANWRIGHT_IMPLEMENTER: "the model that builds",
    PLANWRIGHT_REVIEWER: "the model that reviews",
    PLANWRIGHT_MAX_COST: "US dollars that one run may spend",
    PLANWRIGHT_REPO: "the repository whose issues are worked on, as `owner/name`",
    PLANWRIGHT_MORE_TOKENS: "the names of variables that hold further tokens for what `sync` reads: `TEAM_TOKEN,BOT_TOKEN`",
    PLANWRIGHT_APP_ID: "the client id, or the app id, of a GitHub App that signs in",
    PLANWRIGHT_APP_KEY: "the name of the variable that holds the app's private key, as PEM: `MY_APP_KEY`",
    PLANWRIGHT_APP_INSTALLATION: "the id of the app's installation, where it has several",
    PLANWRIGHT_HUB: "`true`: the embedded hub, even where there is a token",
    PLANWRIGHT_WAREHOUSE: "the DuckDB database that `sync` fills",
    PLANWRIGHT_WAREHOUSE_URL: "the address of a warehouse that is no file",
    PLANWRIGHT_LOG: "what is written to the log of a run: `error`, `warn`, `info`, `debug`, `trace`",
    HTTPS_PROXY: "the proxy for `https` URLs",
    HTTP_PROXY: "the proxy for `http` URLs",
    ALL_PROXY: "the proxy for both, where they have none of their own",
    NO_PROXY: "hosts that are reached without a proxy",
    NO_COLOR: "no colours, whatever its value",
    TERM: "no colours where it is `dumb`",
    HOME: "the home folder",
    PATH: "where `git` and `gh` are found",
    XDG_CONFIG_HOME: "where `planwright/config.toml` lies; `~/.config` if unset",
    XDG_STATE_HOME: "where workbenches and state outside of repositories lie; `~/.local/state` if unset",
    XDG_DATA_HOME: "where the warehouse lies; `~/.local/share` if unset",
    XDG_CACHE_HOME: "where what can be fetched again lies; `~/.cache` if unset",
}

/// The environment that the program was started in.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    /// Takes the environment as data.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        Self(variables.into_iter().collect())
    }

    /// The value of a variable; empty and not UTF-8 count as unset.
    pub fn get(&self, variable: Variable) -> Option<&str> {
        self.named(variable.name)
    }

    /// The value of a variable that the user named in a setting: `profiles.planner.api_key_env`.
    pub fn named(&self, name: &str) -> Option<&str> {
        self.0.get(&OsString::from(name)).and_then(|value| value.to_str()).filter(|value| !value.is_empty())
    }

    /// Everything, for programs that run as the person would run them.
    pub fn all(&self) -> Vec<(OsString, OsString)> {
        self.0.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Where a program lies on the `PATH`.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        std::env::split_paths(self.get(PATH)?).map(|folder| folder.join(name)).find(|path| path.is_file())
    }

    /// The home folder.
    pub fn home(&self) -> Option<PathBuf> {
        self.get(HOME).map(PathBuf::from)
    }

    /// `planwright` in one of the XDG base folders, or below the home folder (XDG Base Directory
    /// Specification: a relative path counts as unset).
    pub fn folder(&self, variable: Variable, below_home: &str) -> Option<PathBuf> {
        let base = self.get(variable).map(PathBuf::from).filter(|base| base.is_absolute());
        Some(base.or_else(|| Some(self.home()?.join(below_home)))?.join("planwright"))
    }
}

/// Names only: values may be secret.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
