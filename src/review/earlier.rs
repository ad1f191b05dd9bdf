//! What came before: the findings that blocked an earlier tree, and what its builder says of them since.
//!
//! Pure. Both are data for the reviewer and prove nothing; both are capped, and what was cut is said.

use crate::artifact::verdict::Finding;
use crate::context::tokens;

/// Tokens given to the earlier findings.
const FINDINGS: u64 = 1_500;
/// Tokens given to the builder's words.
const SAID: u64 = 600;

/// What came before the tree that is reviewed.
#[derive(Debug, Clone, PartialEq)]
pub struct Earlier {
    /// What blocked the tree before.
    pub blocked: Vec<Finding>,
    /// The builder's last message; empty where it said nothing.
    pub said: String,
}

impl Earlier {
    /// The findings, as far as they fit.
    pub(super) fn findings(&self) -> String {
        let mut lines = Vec::new();
        let mut room = FINDINGS;
        for (index, finding) in self.blocked.iter().enumerate() {
            let text = capped(&line(finding), FINDINGS / 2);
            let cost = tokens::estimate(&text);
            if cost > room {
                lines.push(format!("[… {} more left out …]", self.blocked.len() - index));
                break;
            }
            room -= cost;
            lines.push(text);
        }
        lines.join("\n")
    }

    /// The builder's words, as far as they fit.
    pub(super) fn words(&self) -> String {
        capped(self.said.trim(), SAID)
    }
}

fn line(finding: &Finding) -> String {
    let more = [Some(finding.evidence.as_str()), finding.suggestion.as_deref()];
    let more = more.into_iter().flatten().map(str::trim).filter(|text| !text.is_empty());
    let lines = std::iter::once(finding.placed()).chain(more.map(|text| text.replace('\n', "\n  ")));
    format!("- {}", lines.collect::<Vec<_>>().join("\n  "))
}

/// The beginning of `text`, in whole lines where there are any that fit, and how much was left out.
fn capped(text: &str, budget: u64) -> String {
    if tokens::estimate(text) <= budget {
        return text.to_owned();
    }
    let lines = tokens::head(text, budget);
    // No character costs more than one token.
    let most = usize::try_from(budget).unwrap_or(usize::MAX);
    let head: String = if lines.is_empty() { text.chars().take(most).collect() } else { lines.to_owned() };
    format!("{}\n[… {} bytes left out …]", head.trim_end(), text.len() - head.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::verdict::Severity;

    fn earlier(count: usize, evidence: &str, said: &str) -> Earlier {
        let finding = Finding {
            severity: Severity::Blocking,
            path: "src/a.rs".parse().ok(),
            line: Some(7),
            title: "rows are lost".to_owned(),
            evidence: evidence.to_owned(),
            suggestion: Some("write them first".to_owned()),
            source: "reviewer".to_owned(),
        };
        Earlier { blocked: vec![finding; count], said: said.to_owned() }
    }

    #[test]
    fn a_finding_keeps_its_place_its_evidence_and_what_would_mend_it() {
        let found = earlier(1, "the crash\ncomes first", "").findings();
        assert_eq!(found, "- src/a.rs:7: rows are lost\n  the crash\n  comes first\n  write them first");
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let long = "word ".repeat(3_000);
        for (text, cap, said) in [
            (earlier(1, &long, "").findings(), FINDINGS / 2, "bytes left out …]"),
            (earlier(400, "e", "").findings(), FINDINGS, "more left out …]"),
            (earlier(0, "", &long).words(), SAID, "bytes left out …]"),
            (earlier(0, "", &"a line\n".repeat(3_000)).words(), SAID, "bytes left out …]"),
        ] {
            assert!(tokens::estimate(&text) <= cap + 20, "{}", tokens::estimate(&text));
            assert!(text.ends_with(said), "{text}");
        }
    }
}
