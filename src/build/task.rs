//! Taking an issue up: what it asks, and whether it may be worked now.
//!
//! Title and body are data for the implementer. The criteria are read from the visible task list, so
//! that what a person edited there counts.

use crate::artifact::plan::Criterion;
use crate::artifact::{IssueNumber, RepoName, body};
use crate::github::{self, Issue};

use super::Error;

/// Ancestors that are looked at: GitHub nests sub-issues eight levels deep (GitHub Docs, sub-issues).
const DEPTH: usize = 10;

/// An issue as it is worked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Task {
    /// Its number.
    pub(super) number: IssueNumber,
    /// Its title.
    pub(super) title: String,
    /// Its body, without the marker, criteria and footer that planwright wrote there.
    pub(super) body: String,
    /// What must be true at its end.
    pub(super) criteria: Vec<Criterion>,
    /// The plan it is from and its key there, as `plan/key`.
    pub(super) plan: Option<String>,
}

impl From<Issue> for Task {
    fn from(issue: Issue) -> Self {
        Self {
            number: issue.number,
            criteria: body::criteria(&issue.body),
            plan: body::marker(&issue.body).map(|marker| format!("{}/{}", marker.plan, marker.key)),
            title: issue.title,
            body: body::plain(&issue.body),
        }
    }
}

/// Takes the issue up, or says why it cannot be worked now.
pub(super) async fn take(
    client: &github::Client,
    repo: &RepoName,
    number: IssueNumber,
) -> Result<Task, Error> {
    let issue = match client.issue(repo, number).await {
        Ok(issue) => issue,
        Err(github::Error::NotFound { .. } | github::Error::Gone { .. }) => {
            return Err(Error::UnknownIssue { number, repo: repo.clone() });
        }
        Err(error) => return Err(error.into()),
    };
    if issue.is_pull {
        return Err(Error::PullRequest { number });
    }
    if !issue.open {
        return Err(Error::Closed { number });
    }
    let (parts, by) = tokio::try_join!(client.sub_issues(repo, number), client.blocked_by(repo, number))?;
    let open = parts.iter().filter(|part| part.open).count();
    if open > 0 {
        return Err(Error::HasParts { number, open });
    }
    blocked(number, &by)?;
    ancestors(client, repo, &issue).await?;
    Ok(issue.into())
}

/// What an issue is part of must not be blocked either.
async fn ancestors(client: &github::Client, repo: &RepoName, issue: &Issue) -> Result<(), Error> {
    let mut above = issue.parent;
    for _ in 0..DEPTH {
        let Some(parent) = above else { break };
        let (by, next) = tokio::try_join!(client.blocked_by(repo, parent), client.issue(repo, parent))?;
        blocked(issue.number, &by)?;
        above = next.parent;
    }
    Ok(())
}

fn blocked(number: IssueNumber, by: &[Issue]) -> Result<(), Error> {
    let by: Vec<IssueNumber> =
        by.iter().filter(|blocker| blocker.open).map(|blocker| blocker.number).collect();
    if by.is_empty() { Ok(()) } else { Err(Error::Blocked { number, by, built: Vec::new() }) }
}

/// The end of a branch name: the title in lowercase words, at most 40 characters.
pub(super) fn slug(title: &str) -> String {
    let words = title.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut slug = String::new();
    for word in words.map(str::to_ascii_lowercase) {
        if slug.len() + word.len() + 1 > 40 {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word);
    }
    if slug.is_empty() { "issue".to_owned() } else { slug }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_safe_in_a_branch_name() {
        for (title, expected) in [
            ("Load the stars", "load-the-stars"),
            ("../../etc; rm -rf ~ `x`.lock", "etc-rm-rf-x-lock"),
            ("日本語", "issue"),
            ("a-very long title that goes on and on for ever", "a-very-long-title-that-goes-on-and-on"),
        ] {
            assert_eq!(slug(title), expected);
        }
    }
}
