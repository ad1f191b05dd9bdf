//! Litter: caches and dependencies that a test run or an installer left behind and nobody wrote.

use super::at;
use crate::artifact::verdict::{Finding, Severity};
use crate::review::diff::{FileDiff, Kind};

const FOLDERS: &[&str] = &[
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    "node_modules",
    ".venv",
    ".tox",
    ".gradle",
    ".idea",
];
const ENDS: &[&str] = &[".pyc", ".pyo", ".DS_Store", ".swp", ".class", ".duckdb.wal"];

/// One finding for each folder or file that does not belong in a commit.
pub fn probe(files: &[FileDiff]) -> Vec<Finding> {
    let mut seen: Vec<String> = Vec::new();
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.kind == Kind::Added) {
        let Some(what) = litter(&file.path) else { continue };
        if seen.contains(&what) {
            continue;
        }
        let mut finding =
            at(file, None, Severity::Blocking, "litter", format!("`{what}` does not belong in a commit"));
        finding.evidence = format!("`{}` is added; it is left behind by a tool", file.path);
        finding.suggestion = Some(format!("delete it and add `{what}` to .gitignore"));
        seen.push(what);
        found.push(finding);
    }
    found
}

fn litter(path: &str) -> Option<String> {
    let folder = path.split('/').find(|part| FOLDERS.contains(part)).map(|part| format!("{part}/"));
    folder.or_else(|| ENDS.iter().find(|end| path.ends_with(*end)).map(|end| format!("*{end}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::diff;

    #[test]
    fn a_folder_of_litter_is_told_once() {
        let file = |path: &str| format!("diff --git a/{path} b/{path}\nnew file mode 100644\nindex 0..1\n");
        let text: String =
            ["a/__pycache__/x.pyc", "b/__pycache__/y.pyc", "src/a.py", "z.pyc"].map(file).concat();
        let titles: Vec<_> = probe(&diff::parse(&text)).into_iter().map(|finding| finding.title).collect();
        assert_eq!(
            titles,
            ["`__pycache__/` does not belong in a commit", "`*.pyc` does not belong in a commit"]
        );
    }
}
