//! The plan: one epic, its issues, what blocks what, acceptance criteria and the checks that run.
//!
//! A plan keeps its identity in its file and in a hidden marker in every issue body it published, so
//! that publishing again creates nothing. Whether a plan is good is decided by `plan::lint`.

use serde::{Deserialize, Serialize};

use super::{IssueId, IssueNumber, RepoName};

/// A whole plan, as written to `plan.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The version of this format; today 1.
    pub version: u32,
    /// The plan's identity, for instance `p-7c21d09e`.
    pub id: String,
    /// When it was drafted, in UTC; looking for its issues starts there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drafted: Option<jiff::Timestamp>,
    /// The sentence the person gave.
    pub goal: String,
    /// The epic that holds the issues.
    pub epic: Epic,
    /// The issues, in the order the planner gave.
    pub issues: Vec<Planned>,
    /// Where it was published, once for each repository.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub published: Vec<Published>,
}

impl Plan {
    /// The version written today.
    pub const VERSION: u32 = 1;

    /// The issue with this key.
    pub fn issue(&self, key: &str) -> Option<&Planned> {
        self.issues.iter().find(|issue| issue.key == key)
    }
}

/// The epic: what the whole is for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epic {
    /// One line.
    pub title: String,
    /// Markdown: the reasoning, the trade-offs, what is out of scope.
    pub body: String,
}

/// One planned issue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// Unique in the plan: lowercase words joined by `-`.
    pub key: String,
    /// One line, imperative.
    pub title: String,
    /// Markdown: what to build and why, complete for a stranger.
    pub body: String,
    /// What must be true at its end, each with its check.
    pub acceptance: Vec<Criterion>,
    /// Keys of the issues that must be closed first.
    #[serde(default)]
    pub blocked_by: Vec<String>,
    /// Files and folders it will touch, as far as known.
    #[serde(default)]
    pub files: Vec<String>,
    /// Labels to put on it.
    #[serde(default)]
    pub labels: Vec<String>,
    /// How large it is.
    pub size: Size,
}

/// How large an issue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Size {
    /// Under an hour of a fast model's work: a file or two.
    Small,
    /// A few files and their tests.
    Medium,
    /// As large as one build can carry.
    Large,
}

impl Size {
    /// Its name in plans and issue bodies.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        }
    }
}

/// One acceptance criterion and the check that decides it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    /// The criterion in words.
    pub text: String,
    /// How it is decided.
    pub check: Check,
}

/// An acceptance criterion made executable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind", content = "value")]
pub enum Check {
    /// A shell command, run in the workbench's sandbox; exit status 0 is green.
    Command(String),
    /// The name of a test, given to the project's test command.
    Test(String),
    /// A query against the models that the pipeline's cassettes build; no rows is green.
    Sql(String),
    /// Only a person can decide; the value is the reason.
    Human(String),
}

impl Check {
    /// The word for its kind in plans and issue bodies.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Command(_) => "command",
            Self::Test(_) => "test",
            Self::Sql(_) => "sql",
            Self::Human(_) => "human",
        }
    }

    /// The command, test name, query or reason.
    pub fn value(&self) -> &str {
        match self {
            Self::Command(value) | Self::Test(value) | Self::Sql(value) | Self::Human(value) => value,
        }
    }

    /// Whether the harness can decide it without a person.
    pub const fn is_executable(&self) -> bool {
        !matches!(self, Self::Human(_))
    }
}

/// Where a plan was published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// The API's base URL: the hub's or GitHub's.
    pub tracker: String,
    /// The repository.
    pub repo: RepoName,
    /// The epic's issue.
    pub epic: Link,
    /// The issue of each key.
    pub issues: Vec<(String, Link)>,
    /// Links made between them, each as the key that holds and the key it names: the epic and its
    /// sub-issue, an issue and its blocker. One that is here but gone from the tracker was removed by a person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub linked: Vec<(String, String)>,
}

/// A published issue: number for people, id for the routes that need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The number, as in `#34`.
    pub number: IssueNumber,
    /// The database id.
    pub id: IssueId,
}
