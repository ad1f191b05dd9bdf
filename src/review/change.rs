//! Shows a change to the reviewer: files, hunks, the new tree's line numbers, within a token budget. Pure.
//!
//! Code comes before recordings, and both before what tools generate. What does not fit is left out
//! whole or from some hunk on, and is listed, so that the review can say what it did not see.

use std::fmt::Write as _;

use super::diff::{FileDiff, Hunk, Kind, Line, Sign};
use super::probes;

/// Characters of one line that are shown.
const LINE_CAP: usize = 400;

/// A change as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The files with their numbered lines.
    pub text: String,
    /// Files not shown whole, and why.
    pub not_seen: Vec<String>,
}

/// Writes the change down, at most `budget` tokens as `estimate` counts them.
pub fn show(files: &[FileDiff], budget: u64, estimate: impl Fn(&str) -> u64) -> Shown {
    let mut ordered: Vec<&FileDiff> = files.iter().collect();
    ordered.sort_by_key(|file| (weight(&file.path), file.path.as_str()));
    let mut shown = Shown { text: String::new(), not_seen: Vec::new() };
    let mut left = budget;
    for file in ordered {
        left = left.saturating_sub(one(file, left, &estimate, &mut shown));
    }
    shown
}

/// Adds one file; the tokens it took.
fn one(file: &FileDiff, left: u64, estimate: &impl Fn(&str) -> u64, shown: &mut Shown) -> u64 {
    let head = head(file);
    let mut used = estimate(&head);
    if used > left {
        shown.not_seen.push(format!("{}: the change is over the budget", file.path));
        return 0;
    }
    shown.text.push_str(&head);
    if file.binary {
        shown.not_seen.push(format!("{}: binary", file.path));
    }
    if file.hunks.iter().flat_map(|hunk| &hunk.lines).any(|line| line.text.len() > LINE_CAP) {
        shown.not_seen.push(format!("{}: lines over {LINE_CAP} characters are cut", file.path));
    }
    for (index, hunk) in file.hunks.iter().enumerate() {
        let text = hunk_text(hunk);
        let tokens = estimate(&text);
        if used + tokens > left {
            let total = file.hunks.len();
            shown.text.push_str("[the rest of this file is left out]\n");
            shown.not_seen.push(format!("{}: {index} of {total} changed places shown", file.path));
            break;
        }
        shown.text.push_str(&text);
        used += tokens;
    }
    shown.text.push('\n');
    used
}

/// Smaller is shown earlier.
fn weight(path: &str) -> u8 {
    let name = path.rsplit('/').next().unwrap_or(path);
    let generated = ["lock", "lock.json", "min.js", "sum"].iter().any(|end| {
        let rest = name.strip_suffix(end).unwrap_or_default();
        rest.ends_with(['.', '-'])
    });
    match (generated, probes::is_recording(path)) {
        (true, _) => 2,
        (false, true) => 1,
        (false, false) => 0,
    }
}

fn head(file: &FileDiff) -> String {
    let path = &file.path;
    let what = match &file.kind {
        Kind::Added => "new file".to_owned(),
        Kind::Deleted => "deleted".to_owned(),
        Kind::Modified => "changed".to_owned(),
        Kind::Renamed(old) => format!("renamed from {old}"),
    };
    format!("=== {path} ({what}{})\n", if file.binary { ", binary" } else { "" })
}

fn hunk_text(hunk: &Hunk) -> String {
    let mut text = format!("{}\n", hunk.header);
    for line in &hunk.lines {
        push_line(&mut text, line);
    }
    text
}

/// `  12 + text`: the number in the new tree, the sign, the line.
fn push_line(text: &mut String, line: &Line) {
    let sign = match line.sign {
        Sign::Context => ' ',
        Sign::Added => '+',
        Sign::Removed => '-',
    };
    let number = line.number.map_or_else(String::new, |number| number.to_string());
    let cut: String = line.text.chars().take(LINE_CAP).collect();
    let rest = line.text.len().saturating_sub(cut.len());
    let note = if rest > 0 { format!(" [… {rest} bytes left out]") } else { String::new() };
    if writeln!(text, "{number:>5} {sign} {cut}{note}").is_err() {
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::diff;

    fn files() -> Vec<FileDiff> {
        diff::parse(
            "diff --git a/Cargo.lock b/Cargo.lock\n--- a/Cargo.lock\n+++ b/Cargo.lock\n@@ -1 +1 @@\n-a\n+b\n\
             diff --git a/src/x.rs b/src/x.rs\n--- a/src/x.rs\n+++ b/src/x.rs\n@@ -9,2 +9,2 @@ fn x\n keep\n-old\n+new\n\
             diff --git a/i.png b/i.png\nnew file mode 100644\nBinary files /dev/null and b/i.png differ\n",
        )
    }

    fn by_lines(text: &str) -> u64 {
        text.lines().count() as u64
    }

    #[test]
    fn lines_carry_the_numbers_of_the_new_tree_and_code_comes_first() {
        let shown = show(&files(), 1000, by_lines);
        let expected = "=== i.png (new file, binary)\n\n=== src/x.rs (changed)\n@@ -9,2 +9,2 @@ fn x\n    9   keep\n      - old\n   10 + new\n\n=== Cargo.lock";
        assert!(shown.text.starts_with(expected), "{}", shown.text);
        assert_eq!(shown.not_seen, ["i.png: binary"]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let shown = show(&files(), 3, by_lines);
        assert_eq!(
            shown.not_seen,
            [
                "i.png: binary",
                "src/x.rs: 0 of 1 changed places shown",
                "Cargo.lock: 0 of 1 changed places shown"
            ]
        );
    }
}
