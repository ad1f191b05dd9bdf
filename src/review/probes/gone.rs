//! Tests that vanished or were weakened: a change may have a reason for it, a reviewer must see it.

use super::{at, is_recording, is_test};
use crate::artifact::verdict::{Finding, Severity};
use crate::review::diff::{FileDiff, Kind};

const SOURCE: &str = "gone";
const SKIPS: &[&str] = &[
    "#[ignore",
    "@pytest.mark.skip",
    "@unittest.skip",
    "pytest.skip(",
    "t.Skip(",
    "it.skip(",
    "test.skip(",
    "describe.skip(",
    "xit(",
    "it.only(",
    "test.only(",
    "describe.only(",
    "@Disabled",
    "@Ignore",
];
const ASSERTS: &[&str] = &["assert", "expect(", "EXPECT_", "t.Error", "t.Fatal", "should"];

/// Deleted test files, tests that are skipped now, assertions that went without others in their place.
pub fn probe(files: &[FileDiff]) -> Vec<Finding> {
    let tests = files.iter().filter(|file| is_test(&file.path) && !is_recording(&file.path));
    tests.flat_map(of_file).collect()
}

fn of_file(file: &FileDiff) -> Vec<Finding> {
    if file.kind == Kind::Deleted {
        return vec![at(
            file,
            None,
            Severity::Warning,
            SOURCE,
            format!("the test file `{}` is deleted", file.path),
        )];
    }
    let mut found: Vec<Finding> = file
        .added()
        .filter_map(|(number, line)| {
            let skip = SKIPS.iter().find(|skip| line.contains(*skip))?;
            let mut finding =
                at(file, Some(number), Severity::Warning, SOURCE, "a test is skipped from now on".to_owned());
            finding.evidence = format!("the added line holds `{skip}`");
            Some(finding)
        })
        .collect();
    let asserts = |line: &str| ASSERTS.iter().any(|word| line.contains(word));
    let (gone, new) = (
        file.removed().filter(|line| asserts(line)).count(),
        file.added().filter(|(_, line)| asserts(line)).count(),
    );
    if gone > new {
        let mut finding =
            at(file, None, Severity::Warning, SOURCE, format!("`{}` asserts less than before", file.path));
        finding.evidence = format!("{gone} assertions removed, {new} added");
        found.push(finding);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::diff;

    fn titles(text: &str) -> Vec<String> {
        probe(&diff::parse(text)).into_iter().map(|finding| finding.title).collect()
    }

    #[test]
    fn what_weakens_the_tests_is_told() {
        let head = "diff --git a/tests/a.rs b/tests/a.rs\n";
        let deleted = format!("{head}deleted file mode 100644\n");
        assert_eq!(titles(&deleted), ["the test file `tests/a.rs` is deleted"]);
        let weaker =
            format!("{head}--- a/tests/a.rs\n+++ b/tests/a.rs\n@@ -1,2 +1,1 @@\n-assert!(a);\n-x\n+x();\n");
        assert_eq!(titles(&weaker), ["`tests/a.rs` asserts less than before"]);
        let same = format!(
            "{head}--- a/tests/a.rs\n+++ b/tests/a.rs\n@@ -1,1 +1,1 @@\n-assert!(a);\n+assert!(b);\n"
        );
        assert_eq!(titles(&same), Vec::<String>::new());
    }
}
