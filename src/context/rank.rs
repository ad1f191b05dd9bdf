//! Which files matter for a goal, judged by their paths and by how often their text names its words.
//!
//! Guides come first, then manifests, then what the goal speaks of, the rarer the word the more it
//! counts. Pure: paths and counts in, an order out.

use std::collections::BTreeSet;

use crate::artifact::RepoPath;

/// What a file is to a reader who is new to the project; the earlier the more important.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// Tells how to work here: `AGENTS.md`, `README.md`, `planwright.toml`.
    Guide,
    /// Tells what it is made of: `Cargo.toml`, `package.json`, a pipeline's spec.
    Manifest,
    /// Anything else that may be read.
    Source,
    /// Made by a program: lock files, bundles, vendored code. Never packed.
    Generated,
}

/// One file with its class and score.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ranked {
    /// The file.
    pub(super) path: RepoPath,
    /// What it is.
    pub(super) class: Class,
    /// Its place among guides; the last for everything else.
    place: usize,
    /// How near it is to the goal; 0 is not at all.
    pub(super) score: f64,
}

/// The words of a goal that can tell files apart, with their weight.
#[derive(Debug, Clone, Default)]
pub(super) struct Words(Vec<(String, f64)>);

const COMMON: &[&str] = &[
    "the",
    "and",
    "for",
    "with",
    "that",
    "this",
    "from",
    "into",
    "when",
    "then",
    "than",
    "are",
    "was",
    "not",
    "all",
    "any",
    "can",
    "should",
    "must",
    "will",
    "have",
    "has",
    "had",
    "our",
    "your",
    "their",
    "its",
    "but",
    "which",
    "what",
    "add",
    "make",
    "use",
    "using",
    "new",
    "get",
    "set",
    "let",
    "also",
    "each",
    "every",
    "file",
    "code",
    "support",
    "please",
    "want",
    "need",
    "src",
    "lib",
    "main",
    "mod",
    "index",
    "implement",
    "create",
    "change",
    "update",
    "issue",
];

impl Words {
    /// The words of a goal, weighed by how few of the paths hold them.
    pub(super) fn of(goal: &str, paths: &[RepoPath]) -> Self {
        let lower: Vec<String> = paths.iter().map(|path| path.as_str().to_ascii_lowercase()).collect();
        let weigh = |word: String| {
            let holding = lower.iter().filter(|path| path.contains(&word)).count();
            let weight = (1.0 + small(paths.len().max(1)) / small(holding.max(1))).ln();
            (word, weight)
        };
        Self(split(goal).into_iter().map(weigh).collect())
    }

    /// Whether there is nothing to look for.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The words, the most telling ones first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(word, _)| word.as_str())
    }

    /// How near a path is: its file name counts twice.
    fn near(&self, path: &str) -> f64 {
        let lower = path.to_ascii_lowercase();
        let name = lower.rsplit('/').next().unwrap_or(&lower);
        let score = |(word, weight): &(String, f64)| match (name.contains(word), lower.contains(word)) {
            (true, _) => 2.0 * weight,
            (false, true) => *weight,
            (false, false) => 0.0,
        };
        self.0.iter().map(score).sum()
    }

    /// What a text adds to its file's score: `count` says how often each word, by its place, is in it.
    pub(super) fn in_text(&self, count: impl Fn(usize) -> u32) -> f64 {
        let score =
            |(index, (_, weight)): (usize, &(String, f64))| weight * f64::from(1 + count(index)).ln() * 0.5;
        self.0.iter().enumerate().map(score).sum()
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of files and words are far below 2^52")]
fn small(count: usize) -> f64 {
    count as f64
}

/// Words in lowercase, camel and snake case taken apart, plural ends cut, common ones left out.
fn split(goal: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for token in goal.split(|c: char| !c.is_alphanumeric()) {
        let mut word = String::new();
        let mut previous_is_lower = false;
        for c in token.chars() {
            if c.is_uppercase() && previous_is_lower {
                words.insert(std::mem::take(&mut word));
            }
            previous_is_lower = c.is_lowercase();
            word.extend(c.to_lowercase());
        }
        words.insert(word);
    }
    let stem = |word: String| match word.strip_suffix('s') {
        Some(stem) if word.len() > 4 && !word.ends_with("ss") => stem.to_owned(),
        _ => word,
    };
    words.into_iter().map(stem).filter(|word| word.len() >= 3 && !COMMON.contains(&word.as_str())).collect()
}

/// All files in the order in which they should be packed.
pub(super) fn rank(paths: Vec<RepoPath>, words: &Words) -> Vec<Ranked> {
    let score = |path: &RepoPath| {
        words.near(path.as_str()) / (1.0 + 0.05 * small(path.as_str().matches('/').count()))
    };
    let of = |path: RepoPath| Ranked {
        class: class(path.as_str()),
        place: guide(path.as_str()).unwrap_or(usize::MAX),
        score: score(&path),
        path,
    };
    let mut ranked: Vec<Ranked> = paths.into_iter().map(of).collect();
    sort(&mut ranked);
    ranked
}

/// Puts files in order: class, then guides by their rank among guides, then score, then path.
pub(super) fn sort(ranked: &mut [Ranked]) {
    ranked.sort_by(|a, b| {
        let by_class = a.class.cmp(&b.class).then_with(|| a.place.cmp(&b.place));
        by_class.then_with(|| b.score.total_cmp(&a.score)).then_with(|| a.path.cmp(&b.path))
    });
}

const GUIDES: &[&str] = &[
    "agents.md",
    "claude.md",
    "readme.md",
    "readme",
    "readme.rst",
    "readme.txt",
    "contributing.md",
    "planwright.toml",
    "architecture.md",
    "design.md",
    ".github/copilot-instructions.md",
    ".cursorrules",
];

fn guide(path: &str) -> Option<usize> {
    GUIDES.iter().position(|guide| path.eq_ignore_ascii_case(guide))
}

const MANIFESTS: &[&str] = &[
    "cargo.toml",
    "package.json",
    "pyproject.toml",
    "requirements.txt",
    "setup.py",
    "go.mod",
    "makefile",
    "justfile",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "gemfile",
    "composer.json",
    "mix.exs",
    "cmakelists.txt",
    "deno.json",
    "pubspec.yaml",
];

const GENERATED_NAMES: &[&str] =
    &["package-lock.json", "pnpm-lock.yaml", "go.sum", "composer.lock", "npm-shrinkwrap.json", "uv.lock"];

const GENERATED_ENDS: &[&str] = &[
    ".lock", ".min.js", ".min.css", ".map", ".svg", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".pdf",
    ".zip", ".gz", ".tgz", ".woff", ".woff2", ".ttf", ".wasm", ".so", ".dylib", ".dll", ".exe", ".class",
    ".jar", ".pyc", ".parquet", ".duckdb", ".db", ".sqlite", ".snap", ".mp4", ".mp3", ".bin",
];

const GENERATED_FOLDERS: &[&str] =
    &["node_modules", "vendor", "dist", "target", ".venv", "__pycache__", "third_party"];

fn class(path: &str) -> Class {
    let lower = path.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    let is_made = GENERATED_NAMES.contains(&name)
        || GENERATED_ENDS.iter().any(|end| name.ends_with(end))
        || lower.split('/').rev().skip(1).any(|part| GENERATED_FOLDERS.contains(&part));
    if is_made {
        Class::Generated
    } else if guide(path).is_some() {
        Class::Guide
    } else if (MANIFESTS.contains(&name) && lower.matches('/').count() <= 1) || name == "pipeline.toml" {
        Class::Manifest
    } else {
        Class::Source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guides_then_manifests_then_what_the_goal_names() {
        let paths: Vec<RepoPath> = [
            "Cargo.lock",
            "Cargo.toml",
            "README.md",
            "AGENTS.md",
            "src/main.rs",
            "src/cursor.rs",
            "src/net/retry.rs",
            "tests/retry.rs",
            "docs/retry/deep/other.md",
            "web/dist/retry.js",
            "planwright.toml",
        ]
        .iter()
        .map(|path| path.parse().unwrap())
        .collect();
        let words = Words::of("Add retries with the incrementalCursor", &paths);
        assert_eq!(words.iter().collect::<Vec<_>>(), ["cursor", "incremental", "retrie"]);
        let words = Words::of("Make retry smarter and store the cursor", &paths);
        let order: Vec<_> = rank(paths, &words).into_iter().map(|one| one.path.to_string()).collect();
        assert_eq!(
            order,
            [
                "AGENTS.md",
                "README.md",
                "planwright.toml",
                "Cargo.toml",
                "src/cursor.rs",
                "tests/retry.rs",
                "src/net/retry.rs",
                "docs/retry/deep/other.md",
                "src/main.rs",
                "web/dist/retry.js",
                "Cargo.lock",
            ]
        );
    }
}
