//! Secrets in added lines: a credential that is committed is a credential that is lost.

use super::at;
use crate::artifact::verdict::{Finding, Severity};
use crate::context;
use crate::review::diff::{FileDiff, Sign};

/// Every secret in the added lines, without its text.
pub fn probe(files: &[FileDiff]) -> Vec<Finding> {
    files.iter().flat_map(of_file).collect()
}

fn of_file(file: &FileDiff) -> Vec<Finding> {
    let mut found = Vec::new();
    for hunk in &file.hunks {
        let added: Vec<_> = hunk.lines.iter().filter(|line| line.sign == Sign::Added).collect();
        let text = added.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n");
        for secret in context::secrets::redact(&text).found {
            let line = secret.line.checked_sub(1).and_then(|index| added.get(index)?.number);
            let title = format!("a secret is about to be committed: {}", secret.kind);
            let mut finding = at(file, line, Severity::Blocking, "secrets", title);
            finding.evidence =
                String::from("the added line holds what looks like a live credential (not shown)");
            finding.suggestion = Some(
                "take it out of the change, read it from the environment, and revoke it if it was ever real"
                    .to_owned(),
            );
            found.push(finding);
        }
    }
    found
}
