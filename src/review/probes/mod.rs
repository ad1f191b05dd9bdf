//! Probes: what can be found in a change without a model.
//!
//! A probe is a pure function over added and removed lines and over what the harness saw. It finds
//! the same thing every time, costs nothing, and is not to be talked out of it.

pub mod gone;
pub mod litter;
pub mod live_calls;
pub mod secrets;

use std::collections::BTreeMap;

use super::diff::FileDiff;
use crate::artifact::evidence::Attempt;
use crate::artifact::verdict::{Finding, Severity};

/// What the probes look at.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The change.
    pub files: &'a [FileDiff],
    /// The whole new text of the changed test files, by path.
    pub texts: &'a BTreeMap<String, String>,
    /// Attempts to reach the network that came with this change.
    pub attempts: &'a [Attempt],
}

/// Asks every probe.
pub fn all(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found = live_calls::probe(scene);
    found.extend(secrets::probe(scene.files));
    found.extend(litter::probe(scene.files));
    found.extend(gone::probe(scene.files));
    found
}

/// A finding about a place in a file.
fn at(file: &FileDiff, line: Option<u32>, severity: Severity, source: &str, title: String) -> Finding {
    Finding {
        severity,
        path: file.repo_path(),
        line,
        title,
        evidence: String::new(),
        suggestion: None,
        source: source.to_owned(),
    }
}

/// Whether a file holds tests, judged by the names that test runners look for.
pub fn is_test(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let (folders, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    let folder = folders.split('/').any(|part| {
        matches!(part, "test" | "tests" | "spec" | "specs" | "__tests__" | "testing" | "e2e" | "it")
    });
    let stem = name.split('.').next().unwrap_or(name);
    let named = stem.starts_with("test_")
        || stem.ends_with("_test")
        || stem.ends_with("_tests")
        || stem.ends_with("_spec");
    let dotted = name.split('.').any(|part| part == "test" || part == "spec");
    folder || named || dotted || stem == "conftest" || stem == "tests"
}

/// Whether a file holds recorded or expected data rather than code: it may name any host.
pub fn is_recording(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let folder = lower.split('/').any(|part| {
        matches!(
            part,
            "cassettes"
                | "cassette"
                | "fixtures"
                | "snapshots"
                | "__snapshots__"
                | "testdata"
                | "golden"
                | "recordings"
        )
    });
    folder || [".snap", ".har", ".jsonl", ".md", ".csv"].iter().any(|end| lower.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_files_are_known_by_their_names() {
        for path in [
            "tests/it/sync.rs",
            "src/test_a.py",
            "pkg/a_test.go",
            "web/a.test.ts",
            "spec/a_spec.rb",
            "conftest.py",
            "pipelines/github/tests/fresh.toml",
            "src/__tests__/a.js",
            "src/review/tests.rs",
        ] {
            assert!(is_test(path), "{path}");
        }
        for path in
            ["src/latest.rs", "src/contest.py", "README.md", "src/attestation/mod.rs", "src/testify.go"]
        {
            assert!(!is_test(path), "{path}");
        }
    }

    #[test]
    fn recordings_are_not_code() {
        assert!(is_recording("tests/cassettes/issues.toml"));
        assert!(is_recording("tests/fixtures/a.json"));
        assert!(!is_recording("tests/issues.py"));
    }
}
