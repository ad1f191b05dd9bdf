//! What the demo's models say: three files of turns, served as Messages-dialect bytes on loopback.
//!
//! A turn names the words it expects in the message it answers, so that a story that no longer fits
//! the program fails at that turn. Scripted is only what a model would say; what happens is real.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::config::Role;
use crate::error::{Exit, Failure};
use crate::fs;
use crate::model::Usage;
use crate::model::script::{self, Script, Turn};

/// One line of a script file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// Words that the message answered must hold.
    expect: Vec<String>,
    text: String,
    #[serde(default)]
    tools: Vec<Call>,
    /// Fresh input, output and cache-read tokens that the server reports.
    usage: [u64; 3],
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    name: String,
    input: Value,
}

/// The lines that a role says, as they ship.
const fn lines(role: Role) -> &'static str {
    match role {
        Role::Planner => include_str!("script/planner.jsonl"),
        Role::Implementer => include_str!("script/implementer.jsonl"),
        Role::Reviewer => include_str!("script/reviewer.jsonl"),
    }
}

/// The script of all three roles, from `folder` if there is one; roles that share a model speak one
/// after the other.
pub(super) fn whole(folder: Option<&Path>, models: [(Role, &str); 3]) -> Result<Script, Error> {
    let mut script = Script::new();
    for (role, model) in models {
        let own =
            folder.map(|folder| fs::read_text(&folder.join(format!("{}.jsonl", role.name())))).transpose()?;
        let text = own.as_deref().unwrap_or(lines(role));
        let unreadable = |source| Error::Line { role: role.name(), source };
        let turns = text.lines().map(turn).collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
        script = script.model(model, turns);
    }
    Ok(script)
}

/// A script that cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The file.
    #[error(transparent)]
    File(#[from] fs::Error),
    /// A line of it.
    #[error("cannot read what the {role} says")]
    Line {
        /// Whose lines.
        role: &'static str,
        /// What is wrong.
        source: serde_json::Error,
    },
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::File(error) => error.exit(),
            Self::Line { .. } => Exit::Usage,
        }
    }
}

fn turn(line: &str) -> Result<Turn, serde_json::Error> {
    let line: Line = serde_json::from_str(line)?;
    let [input, output, cache_read] = line.usage;
    let mut turn = script::turn().counts(Usage { input, output, cache_write: 0, cache_read });
    for word in line.expect {
        turn = turn.expect(word);
    }
    if !line.text.is_empty() {
        turn = turn.text(line.text);
    }
    Ok(line.tools.iter().fold(turn, |turn, call| turn.tool(&call.name, &call.input)))
}
