//! What can be wrong with the configuration, as facts with file and line.

use std::path::PathBuf;

use super::settings::Role;
use crate::error::{Exit, Failure};

/// Why the settings could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read.
    #[error(transparent)]
    File(#[from] crate::fs::Error),
    /// A file is no TOML.
    #[error("cannot read `{}`, line {line}: {message}", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A file has a key that nothing reads.
    #[error("`{}`, line {line}: unknown key `{key}`", path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// The nearest known key, if one is near.
        nearest: Option<String>,
    },
    /// The repository's file has a key that only the user may set.
    #[error("`{}`, line {line}: `{key}` may not be set by a repository", path.display())]
    NotHere {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// The user's own file.
        user_file: Option<PathBuf>,
    },
    /// A value is not what its key may be.
    #[error("{place}: `{key}`: {wrong}")]
    Value {
        /// The file and line, the variable, or the flag.
        place: String,
        /// The key.
        key: String,
        /// What was expected and what was found.
        wrong: String,
    },
    /// A model's entry lacks a field and the shipped table does not know the model.
    #[error("`{}`, line {line}: `models.\"{model}\"`: {message}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The model.
        model: String,
        /// What is wrong with it.
        message: String,
    },
    /// There is no place for what planwright keeps.
    #[error("there is no home folder: neither `HOME` nor `{variable}` is set")]
    NoHome {
        /// The variable that would help.
        variable: &'static str,
    },
    /// A profile replays a transcript and does not say which.
    #[error("the {} profile replays a transcript, and `profiles.{}.transcript` is not set", role.name(), role.name())]
    NoTranscript {
        /// The profile's role.
        role: Role,
    },
    /// A profile needs a credential and has none.
    #[error("the {} profile (`{model}` at {base_url}) has no API key", role.name())]
    NoKey {
        /// The profile's role.
        role: Role,
        /// Its model.
        model: String,
        /// Its server.
        base_url: String,
        /// The variable that people usually set.
        variable: &'static str,
    },
    /// The environment variable that a setting names is not set.
    #[error("the environment variable `{variable}`, named by `{key}`, is not set")]
    Unset {
        /// The variable.
        variable: String,
        /// The setting.
        key: String,
    },
    /// A place that should hold a credential is there, and nothing is in it.
    #[error("there is no credential in {place}")]
    Blank {
        /// The place.
        place: String,
    },
    /// The command that should print a credential could not run.
    #[error("cannot run the command of `{key}`")]
    Spawn {
        /// The setting.
        key: String,
        /// What failed.
        source: crate::process::Error,
    },
    /// The command that should print a credential failed, or printed nothing.
    #[error("the command of `{key}` gave no credential: {status}")]
    Command {
        /// The setting.
        key: String,
        /// How it ended. What it printed is not shown: it may be the secret.
        status: String,
    },
    /// A GitHub App is configured in part.
    #[error("the GitHub App is not whole: `{missing}` is not set")]
    HalfApp {
        /// The setting that lacks.
        missing: &'static str,
    },
    /// The private key of a GitHub App cannot be had.
    #[error("cannot get the private key of the GitHub App")]
    AppKey {
        /// Why.
        source: Box<Self>,
    },
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::File(error) => error.exit(),
            Self::NoKey { .. }
            | Self::Unset { .. }
            | Self::Blank { .. }
            | Self::Spawn { .. }
            | Self::Command { .. }
            | Self::AppKey { .. } => Exit::Unable,
            _ => Exit::Usage,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::UnknownKey { nearest: Some(nearest), .. } => {
                vec![format!("the nearest known key is `{nearest}`")]
            }
            Self::UnknownKey { nearest: None, .. } => {
                vec!["`planwright profiles --all` lists every key".to_owned()]
            }
            Self::NotHere { user_file: Some(path), .. } => {
                vec![format!("move the line to `{}`, which is yours alone", path.display())]
            }
            Self::Model { model, .. } => {
                vec![format!("[models.\"{model}\"] needs input, output, cache_write, cache_read and context")]
            }
            Self::NoHome { variable } => vec![format!("export {variable}=/some/folder")],
            Self::NoTranscript { role } => {
                vec![format!("set `transcript = \"turns.jsonl\"` under [profiles.{}]", role.name())]
            }
            Self::NoKey { variable, .. } => {
                vec![
                    format!("export {variable}=…"),
                    "`planwright demo` shows everything without a key".to_owned(),
                ]
            }
            Self::Unset { variable, .. } => vec![format!("export {variable}=…")],
            Self::HalfApp { .. } => {
                vec!["say `app = { id = \"…\", key = { file = \"…pem\" } }` under [github]".to_owned()]
            }
            Self::AppKey { source } => {
                let key = "set `github.app.key` to where the .pem file of the app's settings page is";
                source.hints().into_iter().chain([key.to_owned()]).collect()
            }
            _ => Vec::new(),
        }
    }
}
