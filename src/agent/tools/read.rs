//! `read`: a file with line numbers.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Denial, Toolbox, shape};

/// Lines shown where no limit is asked for.
const LINES: usize = 400;
/// Characters of a line.
const WIDTH: usize = 500;
/// Bytes of all lines together, below the cap of any result so that the end is said and not cut.
const BYTES: usize = shape::RESULT_BYTES - 1024;

/// Read a text file of the repository. Lines come as number, tab, text. At most 400 lines or 15 kB at
/// a time; what was left out is said.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// Path from the root of the repository.
    path: String,
    /// First line, counted from 1.
    offset: Option<usize>,
    /// Number of lines.
    limit: Option<usize>,
}

/// Runs the tool.
pub(super) async fn run(toolbox: &Toolbox<'_>, input: &Input) -> Result<String, Denial> {
    let (path, bytes) = toolbox.view().open(&input.path).await?;
    if bytes.iter().take(8192).any(|byte| *byte == 0) {
        return Err(Denial::failed(format!("`{path}` is binary ({} bytes).", bytes.len())));
    }
    let text = String::from_utf8_lossy(&bytes);
    let shown =
        numbered(&text, input.offset.unwrap_or(1).max(1), input.limit.unwrap_or(LINES).clamp(1, LINES));
    toolbox.remember(path);
    Ok(shown)
}

/// The lines from `first` on, and a last line that says what is missing.
fn numbered(text: &str, first: usize, limit: usize) -> String {
    let total = text.lines().count();
    if total == 0 {
        return "[the file is empty]".to_owned();
    }
    if first > total {
        return format!("[the file has only {total} lines]");
    }
    let mut shown = String::new();
    let mut last = first - 1;
    for (index, line) in text.lines().enumerate().skip(first - 1).take(limit) {
        let line = format!("{}\t{}\n", index + 1, shape::line(line, WIDTH));
        if shown.len() + line.len() > BYTES {
            break;
        }
        shown.push_str(&line);
        last = index + 1;
    }
    if last == total && first == 1 {
        return shown;
    }
    let more = if last < total { "; go on with offset" } else { "" };
    format!("{shown}[lines {first}-{last} of {total}{more}]")
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn what_is_missing_is_said() {
        assert_eq!(numbered("a\nb\n", 1, 9), "1\ta\n2\tb\n");
        assert_eq!(numbered("a\nb\nc\n", 1, 2), "1\ta\n2\tb\n[lines 1-2 of 3; go on with offset]");
        assert_eq!(numbered("a\nb\nc", 3, 2), "3\tc\n[lines 3-3 of 3]");
        assert_eq!(numbered("a\n", 4, 2), "[the file has only 1 lines]");
        assert_eq!(numbered("", 1, 2), "[the file is empty]");
    }

    #[test]
    fn a_huge_file_stays_below_the_cap() {
        let shown =
            numbered(&"x".repeat(90).lines().cycle().take(1000).collect::<Vec<_>>().join("\n"), 1, 400);
        assert!(shown.len() <= super::shape::RESULT_BYTES, "{}", shown.len());
        assert!(shown.contains("of 1000; go on with offset]"), "{shown}");
    }
}
