//! Settings: defaults, the user's file, `planwright.toml`, the environment, flags; the later win.
//!
//! Every key is one line of the registry in [`keys`]: its kind, default, variable and sentence. Reading,
//! refusing, documenting and writing a first file all follow from it. Two rules bind the file in the
//! repository, because whoever wrote a repository is not the person who runs planwright in it: it may
//! not say where credentials go, nor name a command that runs outside the sandbox.

mod assemble;
pub mod credential;
pub mod environment;
mod error;
pub mod keys;
mod layers;
pub mod secret;
pub mod settings;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use assemble::load;
pub use credential::{App, Credentials, Source};
pub use environment::{Environment, Variable};
pub use error::Error;
pub use secret::Secret;
pub use settings::{Profile, Role, Settings};

use settings::ModelFacts;

/// The name of the file in the repository.
pub const FILE: &str = "planwright.toml";

/// What the settings are made from, besides files.
#[derive(Debug)]
pub struct Input<'a> {
    /// The environment, as data.
    pub environment: &'a Environment,
    /// The folder that planwright was called in.
    pub dir: PathBuf,
    /// The repository around it, if there is one.
    pub repository: Option<Repository>,
    /// What was said on the command line.
    pub flags: &'a [Flag],
    /// The models that planwright knows by itself.
    pub shipped: &'a Shipped,
}

/// Where the repository lies.
#[derive(Debug, Clone)]
pub struct Repository {
    /// The top of the work tree.
    pub root: PathBuf,
    /// The git folder that all worktrees share.
    pub common_dir: PathBuf,
}

/// One setting given on the command line.
#[derive(Debug, Clone)]
pub struct Flag {
    /// The flag, for messages: `--max-cost`.
    pub flag: &'static str,
    /// The key it sets.
    pub key: &'static str,
    /// The value, as typed.
    pub value: String,
}

/// What planwright knows of models by itself.
#[derive(Debug, Clone, Default)]
pub struct Shipped {
    /// Facts by id.
    pub models: BTreeMap<String, ModelFacts>,
    /// Short names, and the ids they mean.
    pub aliases: Vec<(String, String)>,
}

/// The settings, and where the credentials would come from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings; their credentials are filled in by [`Credentials`], when a verb needs them.
    pub settings: Settings,
    /// Where the credentials would come from.
    pub credentials: Credentials,
    /// The files that were read, in the order of the layers.
    pub files: Vec<PathBuf>,
}
