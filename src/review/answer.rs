//! The reviewer's structured answer: its schema, reading it, and holding it against the tree. Pure.
//!
//! What the reviewer says is believed as far as it can be placed and proven. A blocking finding
//! without evidence, or about a file that is not there, becomes a warning that says so; a line that
//! does not exist is dropped. Nothing it found is ever lost.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::artifact::RepoPath;
use crate::artifact::plan::Criterion;
use crate::artifact::verdict::{Finding, Severity};

/// Findings that are kept of one answer.
const MOST: usize = 40;
/// Who found it, where the reviewer did.
pub const SOURCE: &str = "reviewer";

/// What the reviewer answered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Answer {
    /// What it found.
    pub findings: Vec<Said>,
    /// How it judged the criteria.
    #[serde(default)]
    pub criteria: Vec<Judgement>,
}

/// One finding as the reviewer wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Said {
    severity: Severity,
    #[serde(default)]
    path: Option<String>,
    #[serde(default)]
    line: Option<i64>,
    title: String,
    #[serde(default)]
    evidence: String,
    #[serde(default)]
    suggestion: Option<String>,
}

impl Said {
    /// The path it names, as it wrote it.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref().map(|path| path.trim().trim_start_matches("./")).filter(|path| !path.is_empty())
    }
}

/// How one criterion was judged.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Judgement {
    criterion: usize,
    judged: Judged,
    #[serde(default)]
    why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Judged {
    Met,
    NotMet,
    NeedsPerson,
}

/// The JSON Schema of the answer: every object closed, every property required.
pub fn schema() -> Value {
    let finding = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["severity", "path", "line", "title", "evidence", "suggestion"],
        "properties": {
            "severity": { "type": "string", "enum": ["blocking", "warning", "note"] },
            "path": { "type": ["string", "null"], "description": "the file in the reviewed tree" },
            "line": { "type": ["integer", "null"], "description": "the line in the reviewed tree, from 1" },
            "title": { "type": "string", "description": "what is wrong, one line of at most 100 characters" },
            "evidence": { "type": "string", "description": "the code or run that proves it, and what follows from it" },
            "suggestion": { "type": ["string", "null"], "description": "what would mend it" },
        },
    });
    let judgement = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["criterion", "judged", "why"],
        "properties": {
            "criterion": { "type": "integer", "description": "its number in the list" },
            "judged": { "type": "string", "enum": ["met", "not_met", "needs_person"] },
            "why": { "type": "string" },
        },
    });
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["findings", "criteria"],
        "properties": {
            "findings": { "type": "array", "items": finding },
            "criteria": { "type": "array", "items": judgement },
        },
    })
}

/// Reads an answer: the whole text, or the one JSON object in it. The error says what is wrong with it.
pub fn parse(text: &str) -> Result<Answer, String> {
    let object = text.find('{').zip(text.rfind('}')).and_then(|(start, end)| text.get(start..=end));
    let Some(object) = object else {
        return Err("the answer holds no JSON object".to_owned());
    };
    serde_json::from_str(object).map_err(|error| format!("the answer does not keep its schema: {error}"))
}

/// What is known of the reviewed tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// Every file in it, and every file that the change removed.
    pub paths: BTreeSet<String>,
    /// How many lines those files have that the answer names.
    pub lines: BTreeMap<RepoPath, u32>,
}

impl Known {
    /// The path as it is in the tree: as written, or the only one that ends with it.
    fn resolve(&self, path: &str) -> Option<RepoPath> {
        if self.paths.contains(path) {
            return path.parse().ok();
        }
        let end = format!("/{path}");
        let mut ending = self.paths.iter().filter(|known| known.ends_with(&end));
        match (ending.next(), ending.next()) {
            (Some(only), None) => only.parse().ok(),
            _ => None,
        }
    }

    /// The files that an answer is about.
    pub fn named(&self, answer: &Answer) -> BTreeSet<RepoPath> {
        answer.findings.iter().filter_map(|said| self.resolve(said.path()?)).collect()
    }
}

/// Findings of an answer, placed in the tree.
pub fn place(answer: Answer, known: &Known, criteria: &[Criterion]) -> Vec<Finding> {
    let said = answer.findings.into_iter().map(|said| finding(said, known));
    let judged = answer.criteria.iter().filter_map(|judgement| unmet(judgement, criteria));
    let mut found: Vec<Finding> = said.chain(judged).collect();
    found.sort_by_key(|finding| finding.severity);
    found.truncate(MOST);
    found
}

fn finding(said: Said, known: &Known) -> Finding {
    let mut notes = Vec::new();
    let mut severity = said.severity;
    let path = match said.path() {
        None => None,
        Some(path) => {
            let place = known.resolve(path);
            if place.is_none() {
                notes.push(format!("`{path}` is not in the reviewed tree"));
                severity = severity.max(Severity::Warning);
            }
            place
        }
    };
    if severity == Severity::Blocking && said.evidence.trim().is_empty() {
        notes.push("no evidence was given".to_owned());
        severity = Severity::Warning;
    }
    let line = path.as_ref().and_then(|path| line_of(said.line, known.lines.get(path).copied(), &mut notes));
    let mut evidence = capped(&said.evidence, 2000);
    if !notes.is_empty() {
        let noted = format!("{evidence} ({})", notes.join("; "));
        noted.trim().clone_into(&mut evidence);
    }
    Finding {
        severity,
        path,
        line,
        title: capped(said.title.lines().next().unwrap_or_default(), 160),
        evidence,
        suggestion: said.suggestion.map(|text| capped(&text, 2000)).filter(|text| !text.is_empty()),
        source: SOURCE.to_owned(),
    }
}

fn line_of(line: Option<i64>, count: Option<u32>, notes: &mut Vec<String>) -> Option<u32> {
    let line = line?;
    let inside =
        u32::try_from(line).ok().filter(|line| *line >= 1 && count.is_some_and(|count| *line <= count));
    if inside.is_none() {
        notes.push(format!("line {line} is not in the file"));
    }
    inside
}

/// A criterion that is not met blocks; one that a person must judge is noted.
fn unmet(judgement: &Judgement, criteria: &[Criterion]) -> Option<Finding> {
    let criterion = criteria.get(judgement.criterion.checked_sub(1)?)?;
    let has_reason = !judgement.why.trim().is_empty();
    let (severity, verb) = match judgement.judged {
        Judged::Met => return None,
        Judged::NotMet if has_reason => (Severity::Blocking, "is not met"),
        Judged::NotMet => (Severity::Warning, "is said to be not met, without a reason"),
        Judged::NeedsPerson => (Severity::Note, "needs a person to judge"),
    };
    Some(Finding {
        severity,
        path: None,
        line: None,
        title: format!("criterion {} {verb}: {}", judgement.criterion, capped(&criterion.text, 120)),
        evidence: capped(&judgement.why, 2000),
        suggestion: None,
        source: SOURCE.to_owned(),
    })
}

fn capped(text: &str, most: usize) -> String {
    let text = text.trim();
    let mut short: String = text.chars().take(most).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::plan::Check;

    fn placed(text: &str) -> Vec<Finding> {
        let paths = ["src/a.rs", "tests/b.rs", "old.rs"].map(str::to_owned).into();
        let lines =
            [("src/a.rs", 10), ("tests/b.rs", 3)].map(|(path, lines)| (path.parse().unwrap(), lines)).into();
        let criteria = [Criterion { text: "rows load".into(), check: Check::Human("look".into()) }];
        place(parse(text).unwrap(), &Known { paths, lines }, &criteria)
    }

    fn said(severity: &str, path: &str, line: i64, evidence: &str) -> String {
        json!({ "findings": [{ "severity": severity, "path": path, "line": line, "title": "t", "evidence": evidence, "suggestion": null }], "criteria": [] })
            .to_string()
    }

    #[test]
    fn a_finding_is_believed_where_it_can_be_placed_and_proven() {
        for (path, line, evidence, severity, at) in [
            ("src/a.rs", 10, "x", Severity::Blocking, (Some("src/a.rs"), Some(10))),
            ("./b.rs", 3, "x", Severity::Blocking, (Some("tests/b.rs"), Some(3))),
            ("old.rs", 1, "x", Severity::Blocking, (Some("old.rs"), None)),
            ("src/a.rs", 11, "x", Severity::Blocking, (Some("src/a.rs"), None)),
            ("src/a.rs", -1, "x", Severity::Blocking, (Some("src/a.rs"), None)),
            ("src/none.rs", 1, "x", Severity::Warning, (None, None)),
            ("../../etc/passwd", 1, "x", Severity::Warning, (None, None)),
            ("src/a.rs", 1, " ", Severity::Warning, (Some("src/a.rs"), Some(1))),
        ] {
            let found = placed(&said("blocking", path, line, evidence));
            let place = (found[0].path.as_ref().map(RepoPath::as_str), found[0].line);
            assert_eq!((found[0].severity, place), (severity, at), "{path}:{line}");
        }
    }

    #[test]
    fn an_unmet_criterion_blocks_with_its_reason() {
        let text = r#"```json
{"findings": [], "criteria": [{"criterion": 1, "judged": "not_met", "why": "nothing loads"}, {"criterion": 9, "judged": "not_met", "why": "x"}]}
```"#;
        let found = placed(text);
        assert_eq!((found.len(), found[0].severity), (1, Severity::Blocking));
    }

    #[test]
    fn what_is_no_answer_says_why() {
        for text in
            ["", "looks good to me", "{\"findings\": 3}", "{\"findings\": [{\"severity\": \"fatal\"}]}", "}{"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
