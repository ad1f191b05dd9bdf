//! Repositories, people and pull requests, as far as the verbs need them.

use serde::Deserialize;

use crate::artifact::IssueNumber;

/// A user or organisation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct User {
    /// The name in addresses.
    pub login: String,
    /// The database id.
    pub id: u64,
}

/// A repository.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Repo {
    /// The database id.
    pub id: u64,
    /// `owner/name`, as the server spells it: differs from what was asked for when it was renamed.
    pub full_name: String,
    /// The default branch.
    pub default_branch: String,
    /// The page that people open.
    #[serde(rename = "html_url")]
    pub url: String,
    /// Whether it is read-only.
    #[serde(default)]
    pub archived: bool,
    /// Whether it has issues; they can be switched off.
    #[serde(default = "yes")]
    pub has_issues: bool,
}

const fn yes() -> bool {
    true
}

/// A pull request to create.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewPull {
    /// The title.
    pub title: String,
    /// The body.
    pub body: String,
    /// The branch with the commits.
    pub head: String,
    /// The branch that they are meant for.
    pub base: String,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Pull {
    /// Its number, in the same row as the issues'.
    pub number: IssueNumber,
    /// The page that people open.
    #[serde(rename = "html_url")]
    pub url: String,
}
