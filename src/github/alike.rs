//! What GitHub shows alike to everybody who may read a repository: what any credential may be asked for.
//!
//! The one idea: a listing that is shorter for one reader than for another does not say so. So everything
//! counts as the person's own view, and stays with their token, but what is known to be no reader's own.
//! Of a repository these are not here: the repository itself (`permissions` are the reader's), releases
//! (drafts are for those who may push), reviews (a pending one is for its author), forks (private ones
//! are hidden), sub-issues, dependencies and timelines (they lead to other repositories), notifications
//! and subscriptions. Pure.

/// What is listed alike, below a repository; `*` is a number or a name, and what follows counts too where
/// the last word is `**`.
const PATHS: &[&str] = &[
    "actions/**",
    "assignees",
    "branches",
    "code-scanning/alerts",
    "commits",
    "contributors",
    "dependabot/alerts",
    "deployments/**",
    "environments",
    "events",
    "issues",
    "issues/*/comments",
    "issues/*/events",
    "issues/*/reactions",
    "issues/comments",
    "issues/comments/*/reactions",
    "issues/events",
    "labels",
    "languages",
    "milestones",
    "pulls",
    "pulls/*",
    "pulls/comments",
    "pulls/comments/*/reactions",
    "secret-scanning/alerts",
    "stargazers",
    "tags",
    "traffic/**",
];

/// The connections that hold the same for every reader of the object they belong to.
const CONNECTIONS: &[&str] = &["totals", "comments", "discussions", "replies"];

/// Where questions count as asked: the objects of one may be in many repositories.
const QUESTIONS: &str = "/graphql";

/// The repository that a path is below, where it is shown alike to all its readers. GitHub's links name
/// repositories by number: `/repositories/1/issues?page=2`.
pub(super) fn repository(path: &str) -> Option<String> {
    let path = path.split('?').next()?.trim_matches('/');
    let words: Vec<_> = path.split('/').collect();
    let (name, below) = match words.as_slice() {
        ["repos", owner, name, below @ ..] => (format!("/repos/{owner}/{name}"), below),
        ["repositories", number, below @ ..] => (format!("/repositories/{number}"), below),
        _ => return None,
    };
    PATHS.iter().any(|pattern| fits(pattern, below)).then(|| name.to_ascii_lowercase())
}

fn fits(pattern: &str, words: &[&str]) -> bool {
    let (pattern, is_open) = match pattern.strip_suffix("/**") {
        Some(head) => (head, true),
        None => (pattern, false),
    };
    let pattern: Vec<_> = pattern.split('/').collect();
    let is_long = if is_open { words.len() >= pattern.len() } else { words.len() == pattern.len() };
    is_long && pattern.iter().zip(words).all(|(pattern, word)| *pattern == "*" || pattern == word)
}

/// The same for a question: one about objects by their ids, named after the connection it asks for.
pub(super) fn question(operation: Option<&str>, query: &str) -> Option<String> {
    let (_, connection) = operation?.split_once('_')?;
    let is_alike =
        CONNECTIONS.contains(&connection) && query.contains("nodes(ids:") && !query.contains("viewer");
    is_alike.then(|| QUESTIONS.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_reader_sees_belongs_to_a_repository() {
        for (path, expected) in [
            ("/repos/Octo/App/issues", Some("/repos/octo/app")),
            ("/repos/octo/app/issues?state=all&page=2", Some("/repos/octo/app")),
            ("/repositories/7/issues?page=2", Some("/repositories/7")),
            ("/repos/octo/app/issues/3/reactions", Some("/repos/octo/app")),
            ("/repos/octo/app/pulls/3", Some("/repos/octo/app")),
            ("/repos/octo/app/actions/runs/4/jobs", Some("/repos/octo/app")),
            ("/repos/octo/app", None),
            ("/repos/octo/app/releases", None),
            ("/repos/octo/app/forks", None),
            ("/repos/octo/app/issues/3/sub_issues", None),
            ("/repos/octo/app/issues/3/dependencies/blocked_by", None),
            ("/repos/octo/app/issues/3/timeline", None),
            ("/repos/octo/app/pulls/3/reviews", None),
            ("/repos/octo/app/notifications", None),
            ("/user", None),
            ("/user/repos", None),
            ("/issues", None),
            ("/notifications", None),
            ("/orgs/octo/teams", None),
            ("/", None),
        ] {
            assert_eq!(repository(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn a_question_about_objects_is_everybodys_but_where_the_viewer_or_a_review_is_in_it() {
        for (operation, query, expected) in [
            (Some("Repository_totals"), "query Repository_totals { nodes(ids: $ids) { id } }", true),
            (Some("Discussion_comments"), "{ nodes(ids: $ids) { viewerDidAuthor } }", false),
            (Some("PullRequest_reviews"), "{ nodes(ids: $ids) { id } }", false),
            (Some("Repository_totals"), "{ viewer { login } }", false),
            (None, "{ nodes(ids: $ids) { id } }", false),
        ] {
            assert_eq!(question(operation, query).is_some(), expected, "{operation:?} {query}");
        }
    }
}
