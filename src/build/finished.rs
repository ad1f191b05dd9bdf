//! Builds that reached their commit and whose branch is still there. What is built is not offered again.
//!
//! The facts are the journal's and git's; what they come to is decided by `standing`, which is pure. An
//! issue that is built and not merged stays open and goes on blocking what waits for it; a build whose
//! branch is gone was shipped or thrown away, and counts for nothing.

use std::fmt;
use std::path::Path;

use serde::Serialize;

use crate::artifact::{Branch, CommitId, IssueNumber};
use crate::git::Repo;

use super::journal::Journal;
use super::order::Phase;
use super::{Error, Home, Step, deliver};

/// A build that reached its commit, and what the person does about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finished {
    /// The issue.
    pub issue: IssueNumber,
    /// The branch it is built on.
    pub branch: Branch,
    /// The tip of that branch: the commit, with what the person may have added.
    pub commit: CommitId,
    /// The branch it is meant for.
    pub onto: Branch,
    /// How far it has come.
    pub standing: Standing,
    /// What the person can do about it: first what brings it further, last what throws it away.
    pub next: Vec<Step>,
}

impl fmt::Display for Finished {
    /// `built, not merged: planwright/34-stars (1a2b3c4)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.standing, self.branch, self.commit.short())
    }
}

/// How far a finished build has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It lies on its own branch alone.
    Unmerged,
    /// It is merged here; the tracker has not heard of it.
    Unpushed,
    /// It is where it was meant to be.
    Merged,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unmerged => "built, not merged",
            Self::Unpushed => "built and merged, not pushed",
            Self::Merged => "built and merged, still open",
        })
    }
}

/// What git says of the branch of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Refs {
    /// Whether it holds more than where it began.
    worked: bool,
    /// Whether the branch it is meant for holds its work.
    merged: bool,
    /// Whether the remote's branch of that name does; `None` where it does not matter or is not there.
    pushed: Option<bool>,
}

/// How far a build has come; `None` for one that is not over, or whose branch holds no work.
const fn standing(phase: &Phase, refs: Refs) -> Option<Standing> {
    match (phase, refs) {
        (Phase::Done, Refs { worked: true, pushed: Some(true), .. }) => Some(Standing::Merged),
        (Phase::Done, Refs { worked: true, merged: false, .. }) => Some(Standing::Unmerged),
        (Phase::Done, Refs { worked: true, pushed: Some(false), .. }) => Some(Standing::Unpushed),
        (Phase::Done, Refs { worked: true, .. }) => Some(Standing::Merged),
        _ => None,
    }
}

/// Every finished build whose branch is there, by the number of its issue. Runs git a few times for each.
pub async fn finished(repo: &Repo, state: &Path, home: Home) -> Result<Vec<Finished>, Error> {
    let mut found = Vec::new();
    for journal in Journal::all(state)? {
        found.extend(of(repo, &journal, home).await?);
    }
    Ok(found)
}

/// What became of one build; `None` for one that is not over, or whose branch is gone or empty.
pub(super) async fn of(repo: &Repo, journal: &Journal, home: Home) -> Result<Option<Finished>, Error> {
    let Some(tip) = repo.commit_at(&local(&journal.branch)).await? else { return Ok(None) };
    let onto = target(repo, journal).await?;
    let remote = format!("refs/remotes/{}/{onto}", deliver::REMOTE);
    let refs = Refs {
        worked: tip != journal.base,
        merged: holds(repo, &local(&onto), journal, &tip).await?,
        pushed: match (home, repo.commit_at(&remote).await?) {
            (Home::Github, Some(_)) => Some(holds(repo, &remote, journal, &tip).await?),
            _ => None,
        },
    };
    let Some(standing) = standing(&journal.state.phase, refs) else { return Ok(None) };
    let journal = Journal { onto: onto.clone(), ..journal.clone() };
    let current = repo.current_branch().await?;
    let anew = |what| Step::new(what, deliver::throw_away(&journal));
    let next = match standing {
        Standing::Unmerged => vec![
            Step::new("merge it first", deliver::merge(&journal, current.as_ref())),
            anew("or throw it away, to build it anew"),
        ],
        Standing::Unpushed => vec![
            Step::new("push it, which closes the issue", format!("git push {} {onto}", deliver::REMOTE)),
            anew("or forget it, to build it anew"),
        ],
        Standing::Merged => vec![anew("close the issue, or forget the build, to build it anew")],
    };
    let Journal { issue, branch, .. } = journal;
    Ok(Some(Finished { issue, branch, commit: tip, onto, standing, next }))
}

/// The branch it was started from; where that one is gone, the default one.
async fn target(repo: &Repo, journal: &Journal) -> Result<Branch, Error> {
    if repo.branch_exists(&journal.onto).await? {
        return Ok(journal.onto.clone());
    }
    Ok(repo.default_branch().await?.unwrap_or_else(|| journal.onto.clone()))
}

/// Whether `name` holds the commit of the build, or the branch that the person made of it.
async fn holds(repo: &Repo, name: &str, journal: &Journal, tip: &CommitId) -> Result<bool, Error> {
    for commit in journal.commit.iter().chain([tip]) {
        if repo.reaches(name, commit).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn local(branch: &Branch) -> String {
    format!("refs/heads/{branch}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_stands_where_git_says_its_work_is() {
        let stopped = Phase::Stopped(super::super::order::Stop::NothingChanged);
        for (phase, worked, merged, pushed, expected) in [
            (Phase::Done, true, false, None, Some(Standing::Unmerged)),
            (Phase::Done, true, false, Some(false), Some(Standing::Unmerged)),
            (Phase::Done, true, true, Some(false), Some(Standing::Unpushed)),
            (Phase::Done, true, true, Some(true), Some(Standing::Merged)),
            (Phase::Done, true, false, Some(true), Some(Standing::Merged)),
            (Phase::Done, true, true, None, Some(Standing::Merged)),
            (Phase::Done, false, true, Some(true), None),
            (Phase::Tell, true, false, None, None),
            (stopped, true, false, None, None),
        ] {
            let refs = Refs { worked, merged, pushed };
            assert_eq!(standing(&phase, refs), expected, "{phase:?} {refs:?}");
        }
    }
}
