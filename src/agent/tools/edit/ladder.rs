//! Where an edit applies: a ladder of three steps, none of which accepts different text.
//!
//! Exact first; then lines equal but for the space at their end; then lines equal but for indentation
//! and the look of punctuation, which counts only where it is unique and where the new lines can be
//! indented like the old ones. Everything else fails and says what is really there. Pure.

use super::lines::{Line, ending, fold, indent, lines};
use super::nearest::{self, Near};

/// One replacement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<'a> {
    /// The text to replace.
    pub(crate) old: &'a str,
    /// What takes its place.
    pub(crate) new: &'a str,
    /// Every occurrence instead of the only one.
    pub(crate) all: bool,
}

/// A replacement that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Applied {
    /// The whole file afterwards.
    pub(crate) text: String,
    /// The lines in the new file where replacements begin, counted from 1.
    pub(crate) at: Vec<usize>,
    /// Lines that the first replacement has.
    pub(crate) height: usize,
    /// How closely the old text was found.
    pub(crate) fit: Fit,
}

/// How closely the old text was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Byte for byte, line endings aside.
    Exact,
    /// But for space at the end of lines.
    LineEnds,
    /// But for indentation or the look of punctuation.
    Shape,
}

/// Why a replacement was not made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Misfit {
    /// There is no text to look for.
    Empty,
    /// Old and new text are the same.
    Same,
    /// The old text occurs more than once: at these lines.
    Many(Vec<usize>),
    /// It occurs nowhere; the nearest lines, and where the new text stands already.
    Nowhere { near: Option<Near>, already: Option<usize> },
    /// It occurs with another indentation, at this line, and the new text cannot be indented like it.
    Indentation(usize),
}

/// A stretch of bytes and what takes its place.
struct Patch {
    start: usize,
    end: usize,
    new: String,
}

/// Makes the change in `text`, or says why not.
pub(crate) fn apply(text: &str, change: &Change<'_>) -> Result<Applied, Misfit> {
    if change.old.is_empty() {
        return Err(Misfit::Empty);
    }
    if change.old == change.new {
        return Err(Misfit::Same);
    }
    let whole = lines(text);
    let exact = exact(text, change);
    if !exact.is_empty() {
        return finish(text, exact, change.all, Fit::Exact);
    }
    let ends = windows(&whole, change.old, |line| line.trim_end().to_owned());
    if !ends.is_empty() {
        let patches = rebuild(text, &whole, &ends, change)?;
        return finish(text, patches, change.all, Fit::LineEnds);
    }
    let shapes = windows(&whole, change.old, |line| fold(line.trim()));
    if !shapes.is_empty() {
        let patches = rebuild(text, &whole, &shapes, change)?;
        return finish(text, patches, false, Fit::Shape);
    }
    let already = standing(text, change.new);
    Err(Misfit::Nowhere { near: nearest::find(&whole, change.old), already })
}

/// Occurrences byte for byte; line endings are the file's, whatever the model wrote.
fn exact(text: &str, change: &Change<'_>) -> Vec<Patch> {
    let with_lf = change.old.replace("\r\n", "\n");
    let with_crlf = with_lf.replace('\n', "\r\n");
    for old in [change.old, &with_lf, &with_crlf] {
        let found: Vec<Patch> =
            occurrences(text, old).into_iter().map(|start| patch(text, start, old, change.new)).collect();
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// Where `old` begins, overlapping ones included, so that `aa` in `aaa` is not taken for unique.
fn occurrences(text: &str, old: &str) -> Vec<usize> {
    let step = old.chars().next().map_or(1, char::len_utf8);
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(old)) {
        found.push(from + at);
        from += at + step;
    }
    found
}

fn patch(text: &str, start: usize, old: &str, new: &str) -> Patch {
    let line_ending =
        if old.contains("\r\n") || (!old.contains('\n') && ending(text) == "\r\n") { "\r\n" } else { "\n" };
    let mut new = new.replace("\r\n", "\n").replace('\n', line_ending);
    let whole_lines =
        old.ends_with('\n') && (start == 0 || text.get(..start).is_some_and(|before| before.ends_with('\n')));
    if whole_lines && !new.is_empty() && !new.ends_with('\n') {
        new.push_str(line_ending);
    }
    Patch { start, end: start + old.len(), new }
}

/// Windows of whole lines that equal `old` under `key`: the index of each one's first line.
fn windows(whole: &[Line<'_>], old: &str, key: impl Fn(&str) -> String) -> Vec<usize> {
    let old: Vec<String> = lines(old).iter().map(|line| key(line.body)).collect();
    if old.iter().all(String::is_empty) {
        return Vec::new();
    }
    let whole: Vec<String> = whole.iter().map(|line| key(line.body)).collect();
    let windows = whole.windows(old.len()).enumerate();
    windows.filter(|(_, window)| *window == old).map(|(first, _)| first).collect()
}

/// Patches for windows found by their lines.
fn rebuild(
    text: &str,
    whole: &[Line<'_>],
    starts: &[usize],
    change: &Change<'_>,
) -> Result<Vec<Patch>, Misfit> {
    let old = lines(change.old);
    let mut patches = Vec::new();
    for &first in starts {
        let Some(window) = whole.get(first..first + old.len()) else { continue };
        let new = retrace(window, &old, change.new).ok_or(Misfit::Indentation(first + 1))?;
        let line_ending = window
            .iter()
            .map(|line| line.ending)
            .find(|ending| !ending.is_empty())
            .unwrap_or_else(|| ending(text));
        let last = window.last().map_or("", |line| line.ending);
        let mut joined = new.join(line_ending);
        if !new.is_empty() {
            joined.push_str(last);
        }
        let start = window.first().map_or(0, |line| line.start);
        let end = window.last().map_or(0, |line| line.start + line.body.len() + line.ending.len());
        patches.push(Patch { start, end, new: joined });
    }
    Ok(patches)
}

/// The new lines as they belong into the file: a line that repeats an old one is the file's own, any
/// other is moved by the difference between the indentation the model wrote and the file's.
fn retrace(window: &[Line<'_>], old: &[Line<'_>], new: &str) -> Option<Vec<String>> {
    let shift = Shift::between(window, old)?;
    let mut cursor = 0;
    let mut result = Vec::new();
    for line in lines(new) {
        let same = old.iter().enumerate().skip(cursor).find(|(_, old)| old.body == line.body);
        let kept = same.and_then(|(index, _)| window.get(index).map(|kept| (index, kept.body)));
        if let Some((index, body)) = kept {
            cursor = index + 1;
            result.push(body.to_owned());
        } else {
            result.push(shift.apply(line.body)?);
        }
    }
    Some(result)
}

/// The one difference in indentation between the file and what the model wrote.
enum Shift<'a> {
    None,
    Add(&'a str),
    Remove(&'a str),
}

impl<'a> Shift<'a> {
    /// `None` where the lines do not agree on one difference.
    fn between(window: &[Line<'a>], old: &[Line<'a>]) -> Option<Self> {
        let mut shifts =
            window.iter().zip(old).filter(|(_, old)| !old.body.trim().is_empty()).map(|(real, old)| {
                let (real, old) = (indent(real.body), indent(old.body));
                match (real.strip_suffix(old), old.strip_suffix(real)) {
                    (Some(""), _) => Some(Self::None),
                    (Some(more), _) => Some(Self::Add(more)),
                    (_, Some(less)) => Some(Self::Remove(less)),
                    _ => None,
                }
            });
        let first = shifts.next()??;
        for shift in shifts {
            match (&first, shift?) {
                (Self::None, Self::None) => {}
                (Self::Add(one), Self::Add(other)) | (Self::Remove(one), Self::Remove(other))
                    if *one == other => {}
                _ => return None,
            }
        }
        Some(first)
    }

    fn apply(&self, line: &str) -> Option<String> {
        match self {
            _ if line.trim().is_empty() => Some(line.to_owned()),
            Self::None => Some(line.to_owned()),
            Self::Add(more) => Some(format!("{more}{line}")),
            Self::Remove(less) => line.strip_prefix(less).map(ToOwned::to_owned),
        }
    }
}

/// Puts the patches in, or says that there are too many of them.
fn finish(text: &str, patches: Vec<Patch>, all: bool, fit: Fit) -> Result<Applied, Misfit> {
    let line_of = |at: usize, text: &str| text.get(..at).unwrap_or_default().matches('\n').count() + 1;
    if patches.len() > 1 && !all {
        return Err(Misfit::Many(patches.iter().map(|patch| line_of(patch.start, text)).collect()));
    }
    let height = patches.first().map_or(0, |patch| lines(&patch.new).len());
    let mut result = String::with_capacity(text.len());
    let mut at = Vec::new();
    let mut done = 0;
    for patch in patches {
        let Some(before) = text.get(done..patch.start).filter(|_| patch.start >= done) else { continue };
        result.push_str(before);
        at.push(line_of(result.len(), &result));
        result.push_str(&patch.new);
        done = patch.end;
    }
    result.push_str(text.get(done..).unwrap_or_default());
    if text.ends_with('\n') && !result.is_empty() && !result.ends_with('\n') {
        result.push_str(ending(text));
    }
    Ok(Applied { text: result, at, height, fit })
}

/// The line where the new text stands already, if it is long enough to tell.
fn standing(text: &str, new: &str) -> Option<usize> {
    let new = new.replace("\r\n", "\n");
    let found = text.replace("\r\n", "\n");
    let at = found.find(&new).filter(|_| new.trim().len() >= 12)?;
    Some(found.get(..at)?.matches('\n').count() + 1)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Input, explain};
    use super::{Change, apply};
    use crate::fs;

    /// Each folder is a case: `before`, `edit.json`, and `after` or `error`.
    #[test]
    fn every_case_ends_as_its_folder_says() {
        let cases = fs::list(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/edits")).unwrap();
        assert!(cases.len() >= 20, "only {} cases were found", cases.len());
        let wrong: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    fn check(case: &Path) -> Result<(), String> {
        let before = fs::read_text(&case.join("before")).unwrap();
        let input: Input = serde_json::from_str(&fs::read_text(&case.join("edit.json")).unwrap()).unwrap();
        let change = Change { old: &input.old_text, new: &input.new_text, all: input.all };
        let found = apply(&before, &change).map(|applied| applied.text);
        let found = found.map_err(|misfit| explain(&input.path, &misfit));
        let after = fs::read_text_if_exists(&case.join("after")).unwrap();
        let error = fs::read_text_if_exists(&case.join("error")).unwrap();
        let wanted = match (after, error) {
            (Some(after), None) => Ok(after),
            (None, Some(error)) => Err(error.trim_end().to_owned()),
            _ => return Err(format!("{} needs exactly one of `after` and `error`", case.display())),
        };
        let name = case.display();
        if found == wanted { Ok(()) } else { Err(format!("{name}\n  found  {found:?}\n  wanted {wanted:?}")) }
    }
}
