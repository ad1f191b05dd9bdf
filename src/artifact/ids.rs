//! Newtypes for what could be mixed up: numbers and ids of issues, trees and commits, paths inside a repository.
//!
//! Each parses once, at the edge, and is correct from then on. GitHub's sub-issue and dependency
//! routes take the database id ([`IssueId`]); a number sent there silently links a stranger's issue.

use std::fmt;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

/// The number of an issue in its repository, as people write it: `#34`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct IssueNumber(pub u64);

impl fmt::Display for IssueNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

impl std::str::FromStr for IssueNumber {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let digits = text.trim().trim_start_matches('#');
        let number = digits.parse().ok().filter(|number| *number > 0);
        number.map(Self).ok_or_else(|| Invalid { what: "issue number", found: text.to_owned() })
    }
}

/// The database id of an issue: what GitHub's sub-issue and dependency routes take. Never shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct IssueId(pub u64);

/// `owner/name` of a repository on GitHub or on the hub.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoName {
    /// The user or organisation.
    pub owner: String,
    /// The repository.
    pub name: String,
}

impl fmt::Display for RepoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

impl std::str::FromStr for RepoName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let good = |part: &str| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        match text.split_once('/') {
            Some((owner, name)) if good(owner) && good(name) => {
                Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
            }
            _ => Err(Invalid { what: "repository name", found: text.to_owned() }),
        }
    }
}

impl TryFrom<String> for RepoName {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<RepoName> for String {
    fn from(name: RepoName) -> Self {
        name.to_string()
    }
}

/// A path inside a repository: relative, `/` between parts, no `..`, never `.git`. A backslash is a letter
/// like any other, but on Windows, where it would part folders.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoPath(String);

impl RepoPath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path below `root`.
    pub fn under(&self, root: &Path) -> std::path::PathBuf {
        root.join(&self.0)
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for RepoPath {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid { what: "path in the repository", found: text.to_owned() };
        if text.contains('\0') || (cfg!(windows) && text.contains('\\')) {
            return Err(invalid());
        }
        let mut parts = Vec::new();
        for component in Path::new(text).components() {
            match component {
                Component::Normal(part) => {
                    let part = part.to_str().ok_or_else(invalid)?;
                    if part.eq_ignore_ascii_case(".git") {
                        return Err(invalid());
                    }
                    parts.push(part);
                }
                Component::CurDir => {}
                _ => return Err(invalid()),
            }
        }
        if parts.is_empty() { Err(invalid()) } else { Ok(Self(parts.join("/"))) }
    }
}

impl TryFrom<String> for RepoPath {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<RepoPath> for String {
    fn from(path: RepoPath) -> Self {
        path.0
    }
}

/// Text that does not parse as what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no {what}")]
pub struct Invalid {
    /// What was expected.
    pub what: &'static str,
    /// What was found.
    pub found: String,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name(pub String);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// The id of a git tree object, in hex.
    TreeId
);
text_id!(
    /// The id of a git commit object, in hex.
    CommitId
);
text_id!(
    /// The name of a git branch, without `refs/heads/`.
    Branch
);
text_id!(
    /// The id of one run of planwright, for instance `20261122-114233-build-3f9a`: it sorts by time.
    RunId
);

impl CommitId {
    /// The first seven characters, as people read them.
    pub fn short(&self) -> &str {
        short(&self.0)
    }
}

impl TreeId {
    /// The first seven characters, as people read them.
    pub fn short(&self) -> &str {
        short(&self.0)
    }
}

fn short(id: &str) -> &str {
    id.get(..7).unwrap_or(id)
}

/// An amount of money in US dollars.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Serialize, Deserialize)]
pub struct Usd(pub f64);

impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0.0 || self.0 >= 0.01 {
            write!(f, "${:.2}", self.0)
        } else {
            write!(f, "${:.4}", self.0)
        }
    }
}

impl std::ops::Add for Usd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}
