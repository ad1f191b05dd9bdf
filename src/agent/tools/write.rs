//! `write`: a whole file, new or replaced.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Denial, Toolbox, place};
use crate::fs;

/// Write a whole file, its folders too. An existing file is replaced only if you have read it before;
/// to change a part of one use `edit`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// Path from the root of the worktree.
    path: String,
    /// The file's whole text.
    content: String,
}

/// Runs the tool.
pub(super) fn run(toolbox: &Toolbox<'_>, input: &Input) -> Result<String, Denial> {
    let path = toolbox.view().parse(&input.path)?;
    let target = place::to_write(toolbox.root()?, &path)?;
    let exists = target.exists();
    if exists && !toolbox.has_seen(&path) {
        return Err(Denial::refused(format!(
            "`{path}` exists and you have not read it; `read` it first, or change a part of it with `edit`."
        )));
    }
    fs::write(&target, input.content.as_bytes()).map_err(|error| Denial::error(&error))?;
    toolbox.remember(path.clone());
    let verb = if exists { "Replaced" } else { "Created" };
    Ok(format!("{verb} `{path}`: {} lines.", input.content.lines().count()))
}
