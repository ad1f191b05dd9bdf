//! The tools a model may call, one file each.
//!
//! The input struct of a tool is its whole description: its doc comments are the schema text that the
//! model reads. A tool answers `Ok`, `Refused` (it may not) or `Failed` (it could not), each with a
//! sentence; no answer of a tool ends the conversation, and none is a panic.

mod check;
mod edit;
mod list;
mod place;
mod read;
mod schema;
mod search;
mod shape;
mod shell;
mod view;
mod write;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::step::Call;
use crate::artifact::RepoPath;
use crate::artifact::plan::Criterion;
use crate::harness::Bench;
use crate::model;
use crate::model::request::malformed_input;

pub use view::View;

/// What a tool told the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It did what was asked.
    Ok(String),
    /// It may not do this; the reason in a sentence.
    Refused(String),
    /// It could not do this; the reason in a sentence.
    Failed(String),
}

impl Outcome {
    /// The text that the model reads.
    pub fn into_text(self) -> String {
        match self {
            Self::Ok(text) | Self::Failed(text) => text,
            Self::Refused(reason) => format!("Refused: {reason}"),
        }
    }

    /// Its word in events: `ok`, `refused` or `failed`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Ok(_) => "ok",
            Self::Refused(_) => "refused",
            Self::Failed(_) => "failed",
        }
    }

    /// Why it was refused or failed.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Ok(_) => None,
            Self::Refused(reason) | Self::Failed(reason) => Some(reason),
        }
    }
}

/// A tool's no, on its way to becoming an [`Outcome`].
#[derive(Debug, Clone, PartialEq, Eq)]
enum Denial {
    Refused(String),
    Failed(String),
}

impl Denial {
    fn refused(reason: impl Into<String>) -> Self {
        Self::Refused(reason.into())
    }

    fn failed(reason: impl Into<String>) -> Self {
        Self::Failed(reason.into())
    }

    /// An error of the machine beneath, with its causes.
    fn error(error: &(dyn std::error::Error + 'static)) -> Self {
        let causes = std::iter::successors(Some(error), |error| error.source());
        let texts: Vec<String> = causes.map(ToString::to_string).collect();
        Self::Failed(texts.join(": "))
    }
}

impl From<Result<String, Denial>> for Outcome {
    fn from(result: Result<String, Denial>) -> Self {
        match result {
            Ok(text) => Self::Ok(text),
            Err(Denial::Refused(reason)) => Self::Refused(reason),
            Err(Denial::Failed(reason)) => Self::Failed(reason),
        }
    }
}

/// The closed set of tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tool {
    Read,
    List,
    Search,
    Edit,
    Write,
    Shell,
    Check,
}

impl Tool {
    /// Those that change nothing.
    const READING: [Self; 3] = [Self::Read, Self::List, Self::Search];
    /// All of them, in the order they are declared in.
    const BUILDING: [Self; 7] =
        [Self::Read, Self::List, Self::Search, Self::Edit, Self::Write, Self::Shell, Self::Check];

    const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::List => "list",
            Self::Search => "search",
            Self::Edit => "edit",
            Self::Write => "write",
            Self::Shell => "shell",
            Self::Check => "check",
        }
    }

    fn schema(self) -> Value {
        match self {
            Self::Read => schema::of::<read::Input>(),
            Self::List => schema::of::<list::Input>(),
            Self::Search => schema::of::<search::Input>(),
            Self::Edit => schema::of::<edit::Input>(),
            Self::Write => schema::of::<write::Input>(),
            Self::Shell => schema::of::<shell::Input>(),
            Self::Check => schema::of::<check::Input>(),
        }
    }
}

/// What building takes besides reading.
#[derive(Debug, Clone, Copy)]
struct Hands<'a> {
    bench: Bench<'a>,
    criteria: &'a [Criterion],
}

/// The tools of one conversation and what they may reach.
#[derive(Debug)]
pub struct Toolbox<'a> {
    tools: &'static [Tool],
    view: View<'a>,
    hands: Option<Hands<'a>>,
    /// Files whose text the model has seen in this conversation.
    seen: Mutex<BTreeSet<RepoPath>>,
}

impl<'a> Toolbox<'a> {
    /// Tools that read and change nothing, for planning and review.
    pub fn read_only(view: View<'a>) -> Self {
        Self { tools: &Tool::READING, view, hands: None, seen: Mutex::default() }
    }

    /// All tools, at work in the worktree of `bench`; `criteria` are what `check` runs, and files that
    /// match a glob in `exclude` are not shown.
    pub fn building(bench: Bench<'a>, criteria: &'a [Criterion], exclude: &'a [String]) -> Self {
        let view = View::WorkTree { root: bench.policy.worktree.clone(), exclude };
        Self { tools: &Tool::BUILDING, view, hands: Some(Hands { bench, criteria }), seen: Mutex::default() }
    }

    /// The tools as the model sees them, in a stable order.
    pub fn declared(&self) -> Vec<model::Tool> {
        let declare = |tool: &Tool| {
            let (description, input_schema) = schema::split(tool.schema());
            model::Tool { name: tool.name().to_owned(), description, input_schema }
        };
        self.tools.iter().map(declare).collect()
    }

    /// Runs one call to its answer.
    pub async fn run(&self, call: &Call) -> Outcome {
        let Some(tool) = self.tools.iter().find(|tool| tool.name() == call.name) else {
            let names: Vec<&str> = self.tools.iter().map(|tool| tool.name()).collect();
            return Outcome::Failed(format!(
                "There is no tool `{}`; there are {}.",
                call.name,
                names.join(", ")
            ));
        };
        shape::guard(self.perform(*tool, &call.input).await).into()
    }

    async fn perform(&self, tool: Tool, input: &Value) -> Result<String, Denial> {
        match tool {
            Tool::Read => read::run(self, &parse(tool, input)?).await,
            Tool::List => list::run(self, &parse(tool, input)?).await,
            Tool::Search => search::run(self, &parse(tool, input)?).await,
            Tool::Edit => edit::run(self, &parse(tool, input)?).await,
            Tool::Write => write::run(self, &parse(tool, input)?),
            Tool::Shell => shell::run(self, &parse(tool, input)?).await,
            Tool::Check => check::run(self, &parse(tool, input)?).await,
        }
    }

    const fn view(&self) -> &View<'a> {
        &self.view
    }

    /// The root of the worktree that may be changed.
    fn root(&self) -> Result<&Path, Denial> {
        self.view.root().ok_or_else(|| Denial::refused("this view of the repository cannot be changed."))
    }

    fn bench(&self) -> Result<&Bench<'a>, Denial> {
        let hands = self.hands.as_ref().map(|hands| &hands.bench);
        hands.ok_or_else(|| Denial::refused("nothing can be run here."))
    }

    fn criteria(&self) -> &'a [Criterion] {
        self.hands.map_or(&[], |hands| hands.criteria)
    }

    fn remember(&self, path: RepoPath) {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(path);
    }

    fn has_seen(&self, path: &RepoPath) -> bool {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).contains(path)
    }
}

/// The call's input as the tool wants it, or a failure that shows what it wants.
fn parse<T: DeserializeOwned + JsonSchema>(tool: Tool, input: &Value) -> Result<T, Denial> {
    let empty = Value::Object(serde_json::Map::new());
    let input = match input {
        Value::Null => &empty,
        Value::String(text) if text.is_empty() => &empty,
        other => other,
    };
    let wanted = || format!("The input of `{}` is {}.", tool.name(), schema::brief(&schema::of::<T>()));
    if malformed_input(input).is_some() || !input.is_object() {
        return Err(Denial::failed(format!("Not run: the input was not valid JSON. {}", wanted())));
    }
    T::deserialize(input).map_err(|error| Denial::failed(format!("Not run: {error}. {}", wanted())))
}
