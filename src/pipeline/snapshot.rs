//! Snapshots: what a query gave once, as a file that people read and review.
//!
//! One JSON object a line, the lines sorted, so that a file changes only where a row does. Columns that
//! begin with `_` say how a row came here, not what it says, and are left out. Pure.

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::Table;

/// The folder of a pipeline in which they lie.
pub const PART: &str = "snapshots";

/// Lines of a difference that are shown.
const SHOWN: usize = 24;

/// The snapshot of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The pipeline.
    pub pipeline: String,
    /// Its path in the pipeline's folder.
    pub path: String,
    /// What it holds; `None` where the file is not there yet.
    pub stored: Option<String>,
}

/// A result in the form in which it is kept.
pub fn text(table: &Table) -> String {
    let mut lines: Vec<String> = table
        .objects()
        .map(|row| Value::Object(row.into_iter().filter(|(name, _)| !name.starts_with('_')).collect()))
        .map(|row| row.to_string())
        .collect();
    lines.sort();
    lines.iter().fold(String::new(), |text, line| text + line + "\n")
}

/// The rows in which two snapshots differ, `-` before what is kept and `+` before what was found.
/// `None` where they do not.
pub fn difference(stored: &str, found: &str) -> Option<String> {
    let (stored, found) = (stored.replace("\r\n", "\n"), found.replace("\r\n", "\n"));
    let diff = TextDiff::from_lines(stored.as_str(), found.as_str());
    let changed: Vec<_> = diff
        .iter_all_changes()
        .filter_map(|change| match change.tag() {
            ChangeTag::Delete => Some(('-', change.value())),
            ChangeTag::Insert => Some(('+', change.value())),
            ChangeTag::Equal => None,
        })
        .collect();
    let row = |(sign, row): &(char, &str)| format!("{sign} {}\n", row.trim_end_matches('\n'));
    let mut told: String = changed.iter().take(SHOWN).map(row).collect();
    let more = changed.len().saturating_sub(SHOWN);
    if more > 0 {
        told.extend(["and ", &more.to_string(), " more\n"]);
    }
    (!changed.is_empty()).then_some(told)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pipeline::table::Column;

    #[test]
    fn rows_are_sorted_and_lineage_is_left_out() {
        let column = |name: &str| Column { name: name.to_owned(), kind: "JSON".to_owned() };
        let table = Table {
            columns: ["number", "_fetched_at", "title"].map(column).into(),
            rows: vec![vec![json!(2), json!("now"), json!("b")], vec![json!(1), json!("then"), json!(null)]],
        };
        assert_eq!(text(&table), "{\"number\":1,\"title\":null}\n{\"number\":2,\"title\":\"b\"}\n");
        assert_eq!(text(&Table::default()), "");
    }

    #[test]
    fn a_difference_shows_the_rows_that_differ_and_how_many_more() {
        assert_eq!(difference("{}\r\n", "{}\n"), None);
        assert_eq!(difference("a\nb\n", "a\nc\n").as_deref(), Some("- b\n+ c\n"));
        assert_eq!(difference("", "a\n").as_deref(), Some("+ a\n"));
        let many: Vec<_> = (0..30).map(|row| row.to_string()).collect();
        let many = many.join("\n") + "\n";
        let told = difference("", &many).unwrap();
        assert!(told.ends_with("+ 23\nand 6 more\n"), "{told}");
    }
}
