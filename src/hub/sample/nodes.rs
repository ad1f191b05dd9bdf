//! Where a node id of the sample account leads.

use super::account::Account;
use super::blanks::REPOS;
use super::scene::{ISSUES, PULLS};
use crate::hub::graphql::Kind;

/// What the id stands for, and the parts of its path.
pub(in crate::hub) fn place(account: Account, node: &str) -> Option<(Kind, Vec<String>)> {
    let (kind, id) = node.split_once("_kwDOsample").or_else(|| node.split_once("_kgDOsample"))?;
    let id: usize = id.parse().ok()?;
    let parts = |repo: usize, rest: &[String]| {
        let start = ["repos".to_owned(), "sample".to_owned(), format!("repo-{:05}", repo + 1)];
        start.into_iter().chain(rest.iter().cloned()).collect()
    };
    if kind == "R" {
        let repo = id.checked_sub(REPOS).filter(|repo| *repo < account.repos)?;
        return Some((Kind::Repository, parts(repo, &[])));
    }
    let issue = id.checked_sub(PULLS).or_else(|| id.checked_sub(ISSUES))?;
    let (repo, nth) =
        Some(issue).filter(|issue| *issue < account.issues).map(|issue| account.deal().place(issue))?;
    let is_pull = account.pulls(repo).nth(nth).is_some();
    let number = (nth + 1).to_string();
    match kind {
        "PR" if is_pull => Some((Kind::PullRequest, parts(repo, &["pulls".to_owned(), number]))),
        "I" if !is_pull => Some((Kind::Issue, parts(repo, &["issues".to_owned(), number]))),
        _ => None,
    }
}
