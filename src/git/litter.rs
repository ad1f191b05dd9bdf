//! Litter: caches that checks leave behind and nobody wrote. It is never staged, but where it is tracked.
//!
//! The list is ours alone: neither a `.gitignore` nor a configuration that the work tree could change puts
//! anything on it or takes it off. Names that people also give to work of their own count only where what
//! lies beside shows a tool at work.

/// Folders that only tools make, wherever they are.
const FOLDERS: [&str; 11] = [
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".tox",
    ".nox",
    ".hypothesis",
    ".gradle",
    ".nyc_output",
    "htmlcov",
    ".ipynb_checkpoints",
];

/// Folders that only tools make, in this folder.
const INNER: [(&str, &str); 2] = [("node_modules", ".cache"), ("node_modules", ".vite")];

/// Files that only tools make, by their whole name.
const FILES: [&str; 6] =
    [".DS_Store", "Thumbs.db", ".coverage", ".eslintcache", ".stylelintcache", ".phpunit.result.cache"];

/// Files that only tools make, by the end of their name.
const ENDS: [&str; 3] = [".pyc", ".pyo", ".tsbuildinfo"];

/// A folder that may be somebody's work as well, and what in it says that a tool wrote it.
const COVERAGE: &str = "coverage";
const REPORTS: [&str; 5] =
    ["lcov.info", "coverage-final.json", "clover.xml", "lcov-report", ".last_run.json"];

/// Tells litter among new files.
#[derive(Debug, Default)]
pub(super) struct Litter {
    /// Folders that hold a report.
    reports: Vec<String>,
}

impl Litter {
    /// Looks at all new files first.
    pub(super) fn among<'a>(paths: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut reports: Vec<String> =
            paths.filter_map(|path| report(&String::from_utf8_lossy(path))).collect();
        reports.dedup();
        Self { reports }
    }

    /// The folder or file that is litter, if this path is in one.
    pub(super) fn part(&self, path: &[u8]) -> Option<String> {
        let path = String::from_utf8_lossy(path);
        if let Some(report) = self.reports.iter().find(|folder| path.starts_with(folder.as_str())) {
            return Some(report.clone());
        }
        let parts: Vec<&str> = path.split('/').collect();
        let (name, folders) = parts.split_last()?;
        let is_folder = |at: &usize| {
            let (here, above) = (folders.get(*at), at.checked_sub(1).and_then(|above| folders.get(above)));
            here.is_some_and(|here| FOLDERS.contains(here))
                || here.zip(above).is_some_and(|(here, above)| INNER.contains(&(*above, *here)))
        };
        if let Some(at) = (0..folders.len()).find(is_folder) {
            return Some(format!("{}/", parts.get(..=at)?.join("/")));
        }
        let is_file = FILES.contains(name)
            || ENDS.iter().any(|end| name.ends_with(end))
            || name.starts_with(".coverage.");
        is_file.then(|| path.into_owned())
    }
}

/// `web/coverage/` of `web/coverage/lcov.info`.
fn report(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').collect();
    let at = parts.iter().position(|part| *part == COVERAGE)?;
    let beside = parts.get(at + 1)?;
    REPORTS.contains(beside).then(|| format!("{}/", parts.get(..=at).unwrap_or_default().join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(all: &[&str], path: &str, expected: Option<&str>) {
        let litter = Litter::among(all.iter().map(|path| path.as_bytes()));
        assert_eq!(litter.part(path.as_bytes()).as_deref(), expected, "{path}");
    }

    #[test]
    fn caches_are_litter_wherever_they_are() {
        for (path, expected) in [
            (".pytest_cache/v/cache/lastfailed", ".pytest_cache/"),
            ("a/.mypy_cache/3.12/x.json", "a/.mypy_cache/"),
            ("web/node_modules/.cache/babel/1.json", "web/node_modules/.cache/"),
            ("a/b.pyc", "a/b.pyc"),
            (".coverage", ".coverage"),
            (".coverage.host.123", ".coverage.host.123"),
            ("docs/.DS_Store", "docs/.DS_Store"),
        ] {
            check(&[], path, Some(expected));
        }
    }

    #[test]
    fn what_people_write_is_not() {
        for path in [
            ".coveragerc",
            "src/cache/mod.rs",
            "coverage/report.py",
            ".cache/notes.md",
            "node_modules/x/index.js",
            "tox/a.py",
        ] {
            check(&["coverage/report.py"], path, None);
        }
    }

    #[test]
    fn a_coverage_folder_is_litter_where_a_report_lies_in_it() {
        let all = ["web/coverage/index.html", "web/coverage/lcov.info", "coverage/mine.py"];
        check(&all, "web/coverage/index.html", Some("web/coverage/"));
        check(&all, "coverage/mine.py", None);
    }
}
