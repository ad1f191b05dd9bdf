//! Reads a unified diff as git writes it: files, hunks, lines with their numbers in the new tree.
//!
//! The one diff parser of the house, pure. A path that cannot be a [`RepoPath`] stays visible as
//! text, so that an odd file name never hides a change from the review.

use crate::artifact::RepoPath;

/// The change of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDiff {
    /// Its path in the new tree, or in the old one where it was deleted.
    pub path: String,
    /// What happened to it.
    pub kind: Kind,
    /// Whether git shows no lines of it because it is binary.
    pub binary: bool,
    /// The changed places.
    pub hunks: Vec<Hunk>,
}

/// What happened to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// It is new.
    Added,
    /// It is gone.
    Deleted,
    /// Its content or mode changed.
    Modified,
    /// It has another name; the old one.
    Renamed(String),
}

/// One changed place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// The `@@` line.
    pub header: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// One line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Added, removed or unchanged.
    pub sign: Sign,
    /// Its number in the new tree, from 1; removed lines have none.
    pub number: Option<u32>,
    /// The line without its sign.
    pub text: String,
}

/// What happened to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Unchanged.
    Context,
    /// New.
    Added,
    /// Gone.
    Removed,
}

impl FileDiff {
    /// The path as a checked one, where it can be.
    pub fn repo_path(&self) -> Option<RepoPath> {
        self.path.parse().ok()
    }

    /// The added lines: number in the new tree and text.
    pub fn added(&self) -> impl Iterator<Item = (u32, &str)> {
        self.lines(Sign::Added).filter_map(|line| Some((line.number?, line.text.as_str())))
    }

    /// The removed lines.
    pub fn removed(&self) -> impl Iterator<Item = &str> {
        self.lines(Sign::Removed).map(|line| line.text.as_str())
    }

    fn lines(&self, sign: Sign) -> impl Iterator<Item = &Line> {
        self.hunks.iter().flat_map(|hunk| &hunk.lines).filter(move |line| line.sign == sign)
    }
}

/// Parses what `git diff` printed. Text before the first file is skipped.
pub fn parse(text: &str) -> Vec<FileDiff> {
    let mut files: Vec<FileDiff> = Vec::new();
    let mut left = Left::default();
    for raw in text.split('\n') {
        if left.open() {
            if let Some(hunk) = files.last_mut().and_then(|file| file.hunks.last_mut()) {
                left.take(raw, hunk);
            }
        } else if let Some(names) = raw.strip_prefix("diff --git ") {
            files.push(FileDiff {
                path: same_name(names),
                kind: Kind::Modified,
                binary: false,
                hunks: Vec::new(),
            });
        } else if let Some(file) = files.last_mut() {
            if let Some(counts) = Left::of_header(raw) {
                left = counts;
                file.hunks.push(Hunk { header: raw.to_owned(), lines: Vec::new() });
            } else {
                header(file, raw);
            }
        }
    }
    files
}

/// Lines of the open hunk that are still to come.
#[derive(Debug, Clone, Copy, Default)]
struct Left {
    old: u32,
    new: u32,
    next: u32,
}

impl Left {
    const fn open(self) -> bool {
        self.old > 0 || self.new > 0
    }

    /// Reads `@@ -1,2 +3,4 @@`.
    fn of_header(raw: &str) -> Option<Self> {
        let mut words = raw.strip_prefix("@@ -")?.split(' ');
        let (_, old) = range(words.next()?)?;
        let (next, new) = range(words.next()?.strip_prefix('+')?)?;
        Some(Self { old, new, next })
    }

    fn take(&mut self, raw: &str, hunk: &mut Hunk) {
        let (sign, text) = match raw.split_at_checked(1) {
            Some(("+", text)) => (Sign::Added, text),
            Some(("-", text)) => (Sign::Removed, text),
            Some(("\\", _)) => return,
            Some((_, text)) => (Sign::Context, text),
            None => (Sign::Context, ""),
        };
        if sign != Sign::Added {
            self.old = self.old.saturating_sub(1);
        }
        let number = (sign != Sign::Removed).then_some(self.next);
        if sign != Sign::Removed {
            self.new = self.new.saturating_sub(1);
            self.next += 1;
        }
        hunk.lines.push(Line { sign, number, text: text.strip_suffix('\r').unwrap_or(text).to_owned() });
    }
}

fn range(text: &str) -> Option<(u32, u32)> {
    match text.split_once(',') {
        Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
        None => Some((text.parse().ok()?, 1)),
    }
}

fn header(file: &mut FileDiff, raw: &str) {
    if raw.starts_with("new file mode") {
        file.kind = Kind::Added;
    } else if raw.starts_with("deleted file mode") {
        file.kind = Kind::Deleted;
    } else if let Some(old) = raw.strip_prefix("rename from ") {
        file.kind = Kind::Renamed(unquoted(old));
    } else if let Some(new) = raw.strip_prefix("rename to ").or_else(|| raw.strip_prefix("copy to ")) {
        file.path = unquoted(new);
    } else if let Some(name) = raw.strip_prefix("+++ ").and_then(side) {
        file.path = name;
    } else if let Some(name) = raw.strip_prefix("--- ").and_then(side) {
        file.path = name;
    } else if raw.starts_with("Binary files ") || raw.starts_with("GIT binary patch") {
        file.binary = true;
    }
}

/// The name after `--- ` or `+++ `, unless it is `/dev/null`.
fn side(name: &str) -> Option<String> {
    let name = unquoted(name.strip_suffix('\t').unwrap_or(name));
    name.strip_prefix("a/").or_else(|| name.strip_prefix("b/")).map(str::to_owned)
}

/// The name in `a/NAME b/NAME`, for files whose change has no other header: mode changes, empty and binary files.
fn same_name(names: &str) -> String {
    if names.starts_with('"') {
        let end = names.find("\" ").map_or(names.len(), |at| at + 1);
        let first = unquoted(names.get(..end).unwrap_or(names));
        return first.strip_prefix("a/").unwrap_or(&first).to_owned();
    }
    let half = names.get(..names.len() / 2).unwrap_or(names);
    half.strip_prefix("a/").unwrap_or(half).to_owned()
}

/// Undoes git's C-style quoting of odd names.
fn unquoted(name: &str) -> String {
    let Some(inner) = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) else {
        return name.to_owned();
    };
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.bytes().peekable();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next() {
            Some(b'n') => bytes.push(b'\n'),
            Some(b't') => bytes.push(b'\t'),
            Some(digit @ b'0'..=b'3') => {
                let mut value = digit - b'0';
                for _ in 0..2 {
                    value =
                        value.wrapping_mul(8).wrapping_add(rest.next().unwrap_or(b'0').wrapping_sub(b'0'));
                }
                bytes.push(value);
            }
            Some(other) => bytes.push(other),
            None => {}
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGE: &str = "diff --git a/src/a.rs b/src/a.rs\nindex 1..2 100644\n--- a/src/a.rs\n+++ b/src/a.rs\n\
        @@ -1,3 +1,4 @@ fn main\n one\n-two\n+zwei\n+--- not a header\n three\n\\ No newline at end of file\n\
        diff --git a/new b/new\nnew file mode 100644\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+only\n\
        diff --git a/old b/old\ndeleted file mode 100644\n--- a/old\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone\n\
        diff --git a/x y b/x z\nsimilarity index 100%\nrename from x y\nrename to x z\n\
        diff --git a/logo.png b/logo.png\nnew file mode 100644\nBinary files /dev/null and b/logo.png differ\n";

    #[test]
    fn reads_files_kinds_and_line_numbers() {
        let files = parse(CHANGE);
        let seen: Vec<_> = files.iter().map(|file| (file.path.as_str(), &file.kind, file.binary)).collect();
        assert_eq!(
            seen,
            [
                ("src/a.rs", &Kind::Modified, false),
                ("new", &Kind::Added, false),
                ("old", &Kind::Deleted, false),
                ("x z", &Kind::Renamed("x y".to_owned()), false),
                ("logo.png", &Kind::Added, true),
            ]
        );
        assert_eq!(files[0].added().collect::<Vec<_>>(), [(2, "zwei"), (3, "--- not a header")]);
        assert_eq!(files[0].hunks[0].lines.last().unwrap().number, Some(4));
        assert_eq!(files[2].removed().collect::<Vec<_>>(), ["gone"]);
    }

    #[test]
    fn quoted_names_are_read() {
        let text = "diff --git \"a/\\303\\274 \\\"x\\\"\" \"b/\\303\\274 \\\"x\\\"\"\nold mode 100644\nnew mode 100755\n";
        assert_eq!(parse(text)[0].path, "ü \"x\"");
    }

    #[test]
    fn a_diff_cut_anywhere_does_not_panic() {
        for end in 0..CHANGE.len() {
            parse(CHANGE.get(..end).unwrap_or_default());
        }
    }
}
