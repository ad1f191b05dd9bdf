//! Decides: what the probes and the reviewer found becomes one verdict. Pure.
//!
//! The rule is short. A blocking finding blocks, whoever found it. Without one, a review that was
//! made passes, and a review that could not be made is neither: it stays unreviewed, with its reason.

use crate::artifact::verdict::{Decision, Finding, Severity};

/// What came of asking the reviewer.
#[derive(Debug, Clone, PartialEq)]
pub enum Judged {
    /// It answered, with these findings.
    Findings(Vec<Finding>),
    /// Nothing was asked, because nothing changed.
    NothingChanged,
    /// It could not be asked or did not answer, and why.
    No(String),
}

/// One decision from both, and all findings, the most severe first and each once.
pub fn decide(probes: Vec<Finding>, judged: Judged) -> (Decision, Vec<Finding>) {
    let (mut findings, missing) = match judged {
        Judged::Findings(found) => (merged(probes, found), None),
        Judged::NothingChanged => (probes, None),
        Judged::No(reason) => (probes, Some(reason)),
    };
    findings.sort_by(|a, b| (a.severity, &a.path, a.line).cmp(&(b.severity, &b.path, b.line)));
    let blocked = findings.iter().any(|finding| finding.severity == Severity::Blocking);
    let decision = match missing {
        _ if blocked => Decision::Block,
        Some(reason) => Decision::Unreviewed(reason),
        None => Decision::Pass,
    };
    (decision, findings)
}

/// Where probe and reviewer found something at the same line it is told once: in the reviewer's words,
/// unless it takes the thing less seriously than the probe.
fn merged(mut probes: Vec<Finding>, reviewer: Vec<Finding>) -> Vec<Finding> {
    let same_place = |one: &Finding, other: &Finding| {
        one.line.is_some() && (&one.path, one.line) == (&other.path, other.line)
    };
    for finding in reviewer {
        if probes.iter().any(|probe| same_place(probe, &finding) && probe.severity < finding.severity) {
            continue;
        }
        probes.retain(|probe| probe.source == finding.source || !same_place(probe, &finding));
        probes.push(finding);
    }
    probes
}

/// What makes two blocking findings the same one in two rounds: where it is and what it says, in words.
pub fn fingerprint(finding: &Finding) -> String {
    let words: Vec<String> = finding
        .title
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && word.parse::<u64>().is_err())
        .map(str::to_lowercase)
        .collect();
    let path = finding.path.as_ref().map_or("", |path| path.as_str());
    format!("{}|{path}|{}", finding.source, words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(severity: Severity, line: Option<u32>, source: &str) -> Finding {
        Finding {
            severity,
            path: "a.rs".parse().ok(),
            line,
            title: format!("wrong at {line:?}"),
            evidence: String::new(),
            suggestion: None,
            source: source.to_owned(),
        }
    }

    #[test]
    fn a_blocking_finding_blocks_whoever_found_it() {
        let block = || vec![finding(Severity::Blocking, Some(1), "x")];
        for (probes, judged, expected) in [
            (block(), Judged::Findings(vec![]), Decision::Block),
            (vec![], Judged::Findings(block()), Decision::Block),
            (block(), Judged::No("529".into()), Decision::Block),
            (vec![finding(Severity::Warning, None, "x")], Judged::Findings(vec![]), Decision::Pass),
            (vec![], Judged::No("529".into()), Decision::Unreviewed("529".into())),
            (vec![], Judged::NothingChanged, Decision::Pass),
        ] {
            assert_eq!(decide(probes, judged).0, expected);
        }
    }

    #[test]
    fn the_same_place_is_told_once_by_whoever_is_stricter() {
        let probe = finding(Severity::Warning, Some(3), "gone");
        let (_, once) =
            decide(vec![probe.clone()], Judged::Findings(vec![finding(Severity::Note, Some(3), "reviewer")]));
        assert_eq!(once.len(), 1);
        let (decision, both) =
            decide(vec![probe], Judged::Findings(vec![finding(Severity::Blocking, Some(3), "reviewer")]));
        assert_eq!((decision, both.len()), (Decision::Block, 1));
    }

    #[test]
    fn the_reviewers_words_stand_for_what_a_probe_found_at_the_same_line() {
        let probe = finding(Severity::Blocking, Some(3), "live_calls");
        let reviewer = finding(Severity::Blocking, Some(3), "reviewer");
        let (_, told) = decide(vec![probe], Judged::Findings(vec![reviewer.clone()]));
        assert_eq!(told, [reviewer]);
    }

    #[test]
    fn a_fingerprint_ignores_line_numbers_and_case() {
        let mut a = finding(Severity::Blocking, Some(3), "reviewer");
        let mut b = finding(Severity::Blocking, Some(9), "reviewer");
        (a.title, b.title) = ("Retry loses rows (line 3)".into(), "retry loses rows, line 9".into());
        assert_eq!(fingerprint(&a), fingerprint(&b));
    }
}
