//! `edit`: replaces text in a file, or fails and shows what is really there.

mod ladder;
mod lines;
mod nearest;

use ladder::{Applied, Change, Fit, Misfit};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Denial, Toolbox, place};
use crate::fs;

/// Replace text in a file. `old_text` must occur exactly once, as `read` shows it without line numbers:
/// take enough lines around the change to make it unique. If it fails, nothing was changed and the
/// answer shows the lines that are really there.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// Path from the root of the worktree.
    pub(super) path: String,
    /// The text to replace.
    pub(super) old_text: String,
    /// What takes its place; empty deletes.
    pub(super) new_text: String,
    /// Replace every occurrence.
    #[serde(default)]
    pub(super) all: bool,
}

/// Runs the tool.
pub(super) async fn run(toolbox: &Toolbox<'_>, input: &Input) -> Result<String, Denial> {
    let (path, bytes) = toolbox.view().open(&input.path).await?;
    let text = String::from_utf8(bytes)
        .map_err(|_not_text| Denial::failed(format!("`{path}` is not UTF-8 text; change it with `shell`")))?;
    let change = Change { old: &input.old_text, new: &input.new_text, all: input.all };
    let applied =
        ladder::apply(&text, &change).map_err(|misfit| Denial::Failed(explain(path.as_str(), &misfit)))?;
    let target = place::to_write(toolbox.root()?, &path)?;
    fs::write(&target, applied.text.as_bytes()).map_err(|error| Denial::error(&error))?;
    toolbox.remember(path.clone());
    Ok(report(path.as_str(), &applied))
}

fn report(path: &str, applied: &Applied) -> String {
    let first = applied.at.first().copied().unwrap_or(1);
    let last = first + applied.height.saturating_sub(1);
    let place = match applied.at.as_slice() {
        [_] if applied.height <= 1 => format!("line {first}"),
        [_] => format!("lines {first}-{last}"),
        many => format!("{} places, at lines {}", many.len(), numbers(many)),
    };
    let fit = match applied.fit {
        Fit::Exact => return format!("Edited `{path}`: {place}."),
        Fit::LineEnds => "space at the end of lines",
        Fit::Shape => "indentation or the look of punctuation",
    };
    let shown: Vec<String> = applied
        .text
        .lines()
        .enumerate()
        .skip(first - 1)
        .take(applied.height.min(20))
        .map(|(index, line)| format!("{:>5}\t{line}", index + 1))
        .collect();
    format!(
        "Edited `{path}`: {place}. old_text differed from the file in {fit}, so see what stands there now:\n{}",
        shown.join("\n")
    )
}

/// Why the edit was not made, for the model.
pub(super) fn explain(path: &str, misfit: &Misfit) -> String {
    match misfit {
        Misfit::Empty => format!(
            "old_text is empty. To create `{path}` use `write`; to insert, repeat a neighbouring line in old_text and new_text."
        ),
        Misfit::Same => "old_text and new_text are the same: nothing to change.".to_owned(),
        Misfit::Many(lines) => format!(
            "Not changed: old_text occurs {} times in `{path}` (lines {}). Include more of the surrounding lines, so that it occurs once, or set all.",
            lines.len(),
            numbers(lines)
        ),
        Misfit::Indentation(line) => format!(
            "Not changed: old_text matches `{path}` at line {line} only with another indentation, and new_text cannot be moved safely. Copy the file's own indentation."
        ),
        Misfit::Nowhere { near, already } => nowhere(path, near.as_ref(), *already),
    }
}

fn nowhere(path: &str, near: Option<&nearest::Near>, already: Option<usize>) -> String {
    let standing =
        already.map_or_else(String::new, |line| format!(" new_text stands there already, at line {line}."));
    let start = format!("Not changed: old_text does not occur in `{path}`.{standing}");
    let Some(near) = near else {
        return format!("{start} Nothing in it is similar; read it again.");
    };
    let mut lines = vec![start, "The nearest lines are:".to_owned()];
    lines.extend(near.lines.iter().map(|(number, line)| format!("{number:>5}\t{line}")));
    if let Some((number, wanted)) = &near.difference {
        lines.push(format!("The first difference is at line {number}, where old_text has:"));
        lines.push(format!("     \t{wanted}"));
    }
    lines.join("\n")
}

fn numbers(lines: &[usize]) -> String {
    let shown: Vec<String> = lines.iter().take(12).map(ToString::to_string).collect();
    let more = if lines.len() > shown.len() { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}
