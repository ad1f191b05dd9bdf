//! Issues and comments as the verbs see them: what is needed, correct from the edge on.

use jiff::Timestamp;
use serde::Deserialize;

use crate::artifact::{IssueId, IssueNumber};

/// An issue, or a pull request seen as one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Wire")]
pub struct Issue {
    /// The database id, which links take.
    pub id: IssueId,
    /// The GraphQL id; empty where a server has none.
    pub node_id: String,
    /// The number that people use.
    pub number: IssueNumber,
    /// The title.
    pub title: String,
    /// The body; empty when there is none.
    pub body: String,
    /// Whether it is open.
    pub open: bool,
    /// The names of its labels.
    pub labels: Vec<String>,
    /// The issue that it is a sub-issue of, where the server says so. It may be in another repository of the owner.
    pub parent: Option<IssueNumber>,
    /// The page that people open.
    pub url: String,
    /// Whether it is a pull request.
    pub is_pull: bool,
    /// When it last changed, as far as the server counts changes.
    pub updated_at: Timestamp,
}

/// An issue as GitHub sends it. Labels may be text or objects (REST, "Get an issue").
#[derive(Deserialize)]
struct Wire {
    id: IssueId,
    #[serde(default)]
    node_id: String,
    number: IssueNumber,
    title: String,
    body: Option<String>,
    state: String,
    #[serde(default)]
    labels: Vec<Label>,
    parent_issue_url: Option<String>,
    html_url: String,
    pull_request: Option<serde::de::IgnoredAny>,
    updated_at: Timestamp,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Label {
    Name(String),
    Whole { name: String },
}

impl From<Wire> for Issue {
    fn from(wire: Wire) -> Self {
        let name = |label| match label {
            Label::Name(name) | Label::Whole { name } => name,
        };
        Self {
            id: wire.id,
            node_id: wire.node_id,
            number: wire.number,
            title: wire.title,
            body: wire.body.unwrap_or_default(),
            open: wire.state == "open",
            labels: wire.labels.into_iter().map(name).collect(),
            parent: wire.parent_issue_url.as_deref().and_then(number_in),
            url: wire.html_url,
            is_pull: wire.pull_request.is_some(),
            updated_at: wire.updated_at,
        }
    }
}

/// The number at the end of an issue's API address.
fn number_in(url: &str) -> Option<IssueNumber> {
    url.rsplit('/').next()?.parse().ok()
}

impl From<octocrab::models::issues::Issue> for Issue {
    /// For the answers to writes. octocrab's model knows no parent, so `parent` is `None` here.
    fn from(issue: octocrab::models::issues::Issue) -> Self {
        Self {
            id: IssueId(*issue.id),
            node_id: issue.node_id,
            number: IssueNumber(issue.number),
            title: issue.title,
            body: issue.body.unwrap_or_default(),
            open: issue.state == octocrab::models::IssueState::Open,
            labels: issue.labels.into_iter().map(|label| label.name).collect(),
            parent: None,
            url: issue.html_url.into(),
            is_pull: issue.pull_request.is_some(),
            updated_at: Timestamp::from_second(issue.updated_at.timestamp()).unwrap_or_default(),
        }
    }
}

/// A comment on an issue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Comment {
    /// Its database id.
    pub id: u64,
    /// Its text; GitHub leaves it out in some media types.
    #[serde(default)]
    pub body: String,
    /// The page that people open.
    #[serde(rename = "html_url")]
    pub url: String,
}

impl From<octocrab::models::issues::Comment> for Comment {
    fn from(comment: octocrab::models::issues::Comment) -> Self {
        Self { id: *comment.id, body: comment.body.unwrap_or_default(), url: comment.html_url.into() }
    }
}

/// Which issues to list. Pull requests come along and are marked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IssueQuery {
    /// Which states.
    pub state: State,
    /// Only issues that carry all of these labels.
    pub labels: Vec<String>,
    /// Only issues changed at or after this time.
    pub since: Option<Timestamp>,
}

/// The states of a listing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum State {
    /// Open ones only.
    #[default]
    Open,
    /// Closed ones only.
    Closed,
    /// All.
    All,
}

impl State {
    /// As the query parameter has it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::All => "all",
        }
    }
}

/// An issue to create.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewIssue {
    /// The title.
    pub title: String,
    /// The body.
    pub body: String,
    /// Labels; GitHub makes the ones that do not exist.
    pub labels: Vec<String>,
}

/// What to change in an issue; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// A new title.
    pub title: Option<String>,
    /// A new body.
    pub body: Option<String>,
    /// Open it again or close it.
    pub state: Option<StateChange>,
    /// The whole new set of labels.
    pub labels: Option<Vec<String>>,
}

/// How an issue's state changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateChange {
    /// Open it again.
    Reopen,
    /// Close it as completed.
    Complete,
    /// Close it as not planned.
    Drop,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thin_body_is_enough_and_labels_come_in_two_shapes() {
        let text = r#"{"id": 3000000007, "number": 7, "title": "t", "body": null, "state": "closed",
            "labels": ["bug", {"name": "good first issue", "color": "fff"}], "html_url": "https://example.com/7",
            "parent_issue_url": "https://example.com/repos/a/b/issues/3", "updated_at": "2026-11-22T10:00:00Z"}"#;
        let issue: Issue = serde_json::from_str(text).unwrap();
        assert_eq!(issue.labels, ["bug", "good first issue"]);
        assert_eq!((issue.open, issue.parent, issue.is_pull), (false, Some(IssueNumber(3)), false));
    }
}
