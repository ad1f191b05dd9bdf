//! `search`: lines that match a regular expression, by ripgrep's own libraries.

use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, sinks};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Denial, Toolbox, list, shape};
use crate::artifact::RepoPath;

/// Matching lines shown.
const SHOWN: usize = 100;
/// Characters of a line.
const WIDTH: usize = 240;
/// Files whose further matches are listed as counts.
const COUNTED: usize = 20;

/// Search the repository's files for a regular expression (Rust syntax). Answers path:line: text;
/// after 100 lines the rest is counted by file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// The regular expression.
    pattern: String,
    /// Folder or file to search; the whole repository if left out.
    path: Option<String>,
    /// Only files that match, for instance `*.rs`.
    glob: Option<String>,
    /// Whether case is ignored.
    #[serde(default)]
    ignore_case: bool,
}

/// What was found so far.
#[derive(Debug, Default)]
struct Found {
    lines: Vec<String>,
    rest: Vec<(String, usize)>,
    more: usize,
}

/// Runs the tool.
pub(super) async fn run(toolbox: &Toolbox<'_>, input: &Input) -> Result<String, Denial> {
    let built = RegexMatcherBuilder::new()
        .case_insensitive(input.ignore_case)
        .line_terminator(Some(b'\n'))
        .build(&input.pattern);
    let matcher = built.map_err(|error| Denial::failed(format!("the pattern is not valid: {error}. To search for the characters themselves, escape them with `\\`.")))?;
    let files = list::select(toolbox, input.path.as_deref(), input.glob.as_deref()).await?;
    let mut searcher =
        SearcherBuilder::new().binary_detection(BinaryDetection::quit(0)).line_number(true).build();
    let mut found = Found::default();
    let add = |path: &RepoPath, bytes: &[u8]| found.add(&mut searcher, &matcher, path.as_str(), bytes);
    toolbox.view().read_each(&files, add).await?;
    Ok(found.show(files.len()))
}

impl Found {
    fn add(&mut self, searcher: &mut Searcher, matcher: &RegexMatcher, path: &str, bytes: &[u8]) {
        let mut beyond = 0;
        let lines = &mut self.lines;
        let sink = sinks::Lossy(|number, text| {
            if lines.len() < SHOWN {
                lines.push(format!("{path}:{number}: {}", shape::line(text.trim_end(), WIDTH)));
            } else {
                beyond += 1;
            }
            Ok(true)
        });
        let searched = searcher.search_slice(matcher, bytes, sink);
        if searched.is_err() || beyond == 0 {
            return;
        }
        if self.rest.len() < COUNTED {
            self.rest.push((path.to_owned(), beyond));
        } else {
            self.more += beyond;
        }
    }

    fn show(&self, files: usize) -> String {
        if self.lines.is_empty() {
            return format!("[no match in {files} files]");
        }
        let text = shape::middle(&self.lines.join("\n"), shape::RESULT_BYTES - 2048);
        if self.rest.is_empty() {
            return text;
        }
        let counts: Vec<String> = self.rest.iter().map(|(path, count)| format!("{path} {count}")).collect();
        let others = if self.more > 0 { format!(", other files {}", self.more) } else { String::new() };
        format!("{text}\n[more matches: {}{others}]", counts.join(", "))
    }
}
