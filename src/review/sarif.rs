//! A verdict as SARIF 2.1.0, for editors and code-scanning pages.
//!
//! "Could not review" is an execution that was not successful, with its reason, so that no reader
//! can take an empty list of results for a clean one (SARIF 2.1.0, section 3.20.14).

use serde_json::{Value, json};

use crate::artifact::Verdict;
use crate::artifact::verdict::{Decision, Finding, Severity};

/// The SARIF log of one verdict.
pub fn log(verdict: &Verdict) -> Value {
    let mut rules: Vec<&str> = verdict.findings.iter().map(|finding| finding.source.as_str()).collect();
    rules.sort_unstable();
    rules.dedup();
    let rules: Vec<Value> = rules.into_iter().map(|id| json!({ "id": id })).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "planwright", "version": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "invocations": [invocation(verdict)],
            "results": verdict.findings.iter().map(result).collect::<Vec<_>>(),
            "properties": { "tree": verdict.tree, "reviewer": verdict.reviewer, "decision": verdict.decision },
        }],
    })
}

fn invocation(verdict: &Verdict) -> Value {
    let mut notifications: Vec<Value> = verdict
        .not_seen
        .iter()
        .map(|text| notification("warning", &format!("not seen whole: {text}")))
        .collect();
    let unreviewed = match &verdict.decision {
        Decision::Unreviewed(reason) => Some(reason),
        Decision::Pass | Decision::Block => None,
    };
    notifications
        .extend(unreviewed.map(|reason| notification("error", &format!("could not review: {reason}"))));
    json!({ "executionSuccessful": unreviewed.is_none(), "toolExecutionNotifications": notifications })
}

fn notification(level: &str, text: &str) -> Value {
    json!({ "level": level, "message": { "text": text } })
}

fn result(finding: &Finding) -> Value {
    let level = match finding.severity {
        Severity::Blocking => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let mut text = format!("{}\n\n{}", finding.title, finding.evidence);
    if let Some(suggestion) = &finding.suggestion {
        text = format!("{text}\n\nSuggestion: {suggestion}");
    }
    let mut result = json!({ "ruleId": finding.source, "level": level, "message": { "text": text } });
    if let Some(path) = &finding.path {
        let mut place = json!({ "artifactLocation": { "uri": uri(path.as_str()) } });
        if let Some(line) = finding.line {
            place["region"] = json!({ "startLine": line.max(1) });
        }
        result["locations"] = json!([{ "physicalLocation": place }]);
    }
    result
}

/// A relative URI reference: what is no plain path character is percent-encoded.
fn uri(path: &str) -> String {
    path.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::TreeId;

    fn verdict(decision: Decision, findings: Vec<Finding>) -> Verdict {
        Verdict {
            version: 1,
            tree: TreeId("t".into()),
            base: None,
            decision,
            findings,
            not_seen: vec!["big.csv: 4 MB".into()],
            reviewer: "m".into(),
            at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_finding_has_level_place_and_text() {
        let finding = Finding {
            severity: Severity::Blocking,
            path: "tests/a b.py".parse().ok(),
            line: Some(7),
            title: "calls the live API".into(),
            evidence: "requests.get(..)".into(),
            suggestion: Some("replay a cassette".into()),
            source: "live_calls".into(),
        };
        let log = log(&verdict(Decision::Block, vec![finding]));
        let result = &log["runs"][0]["results"][0];
        assert_eq!(result["level"], "error");
        assert_eq!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "tests/a%20b.py");
        assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], 7);
    }

    #[test]
    fn unreviewed_is_not_an_empty_success() {
        let log = log(&verdict(Decision::Unreviewed("529".into()), vec![]));
        assert_eq!(log["runs"][0]["invocations"][0]["executionSuccessful"], false);
    }
}
