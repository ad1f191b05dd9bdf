//! Commits that reached the default branch, and the issues that their messages close.
//!
//! The keywords are GitHub's ("Linking a pull request to an issue using a keyword").

use std::sync::LazyLock;

use regex::Regex;

use super::refusal::Refusal;
use super::state::{Change, Edit};
use super::store::Store;
use crate::artifact::{IssueNumber, RepoName};

static KEYWORD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+(?:([\w.-]+/[\w.-]+))?#(\d+)\b").ok()
});

/// The numbers of this repository's issues that a message closes, in order, each once.
pub(super) fn closed_by(message: &str, repo: &RepoName) -> Vec<IssueNumber> {
    let mut numbers = Vec::new();
    for found in KEYWORD.iter().flat_map(|keyword| keyword.captures_iter(message)) {
        let here = found.get(1).is_none_or(|name| name.as_str().eq_ignore_ascii_case(&repo.to_string()));
        let number = found.get(2).and_then(|digits| digits.as_str().parse().ok());
        if let Some(number) = number.filter(|number| here && !numbers.contains(number)) {
            numbers.push(number);
        }
    }
    numbers
}

/// Closes the open issues that the messages name; tells which.
pub(super) fn receive(
    store: &mut Store,
    repo: &RepoName,
    messages: &[&str],
) -> Result<Vec<IssueNumber>, Refusal> {
    let home = store.state.repo(&repo.owner, &repo.name).ok_or_else(Refusal::not_found)?;
    let (mut closed, mut changes) = (Vec::new(), Vec::new());
    for number in messages.iter().flat_map(|message| closed_by(message, repo)) {
        let Some(issue) = home.issue(number.0).filter(|issue| issue.open) else { continue };
        if !closed.contains(&number) {
            let edit = Edit { open: Some(false), reason: Some("completed".to_owned()), ..Edit::default() };
            changes.push(Change::Edited { issue: issue.new.id, by: store.login.clone(), edit });
            closed.push(number);
        }
    }
    store.commit(&changes)?;
    Ok(closed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_close_and_mentions_do_not() {
        let repo: RepoName = "acme/shop".parse().unwrap();
        let cases: [(&str, &[u64]); 7] = [
            ("Closes #34", &[34]),
            ("fix: #1, resolves #2 and FIXED #3", &[1, 2, 3]),
            ("see #4, closes#5, encloses #6", &[]),
            ("Closes acme/shop#7, closes other/shop#8", &[7]),
            ("Closes #9\nCloses #9", &[9]),
            ("Closes #0, closes #99999999999999999999999", &[]),
            ("Close #12abc", &[]),
        ];
        for (message, expected) in cases {
            let found: Vec<u64> = closed_by(message, &repo).iter().map(|number| number.0).collect();
            assert_eq!(found, expected, "{message}");
        }
    }
}
