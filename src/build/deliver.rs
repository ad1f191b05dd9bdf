//! What leaves the workbench: the commit, the comment on the issue, the pull request.
//!
//! Each can be repeated. The commit's id is journaled before its branch moves; a comment is looked for
//! by its hidden mark and a pull request by its branch before one is made.

use crate::artifact::{Branch, CommitId, Event};
use crate::context::secrets;
use crate::git;
use crate::github::{NewPull, Pull};
use crate::telemetry::{Audit, audit};

use super::journal::Journal;
use super::message::{self, Facts};
use super::task::Task;
use super::workbench::Workbench;
use super::{Error, Home, Site, Step};

/// The remote that pull requests are pushed to.
pub(super) const REMOTE: &str = "origin";

/// Commits the reviewed tree, exactly it, and moves the branch there.
pub(super) async fn commit(
    site: &Site<'_>,
    task: &Task,
    bench: &Workbench,
    journal: &mut Journal,
) -> Result<(), Error> {
    let made = match (&journal.commit, facts(site, task, journal)?) {
        (Some(commit), _) => commit.clone(),
        (None, Some(facts)) => {
            let tree = &facts.verdict.tree;
            let commit = bench
                .repo
                .commit_tree(tree, std::slice::from_ref(&journal.base), &message::commit(&facts))
                .await?;
            journal.commit = Some(commit.clone());
            journal.save(&site.settings.places.state)?;
            commit
        }
        (None, None) => return Ok(()),
    };
    move_to(bench, journal, &made).await?;
    site.run.events.send(Event::Commit {
        issue: Some(task.number),
        commit: made,
        subject: message::subject(&task.title),
    });
    Ok(())
}

/// Moves the branch from where the build began to its commit; a branch that is there already is fine.
async fn move_to(bench: &Workbench, journal: &Journal, commit: &CommitId) -> Result<(), Error> {
    match bench.repo.move_branch(&journal.branch, commit, Some(&journal.base)).await {
        Ok(()) => audit(Audit::Git, "committed", &format!("{commit} on {}", journal.branch)),
        Err(git::Error::Moved { .. }) if bench.repo.head().await?.as_ref() == Some(commit) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(bench.repo.reset_index_to(commit).await?)
}

/// Tells the issue what was built and what proved it, once for each tree.
pub(super) async fn tell(site: &Site<'_>, task: &Task, journal: &Journal) -> Result<(), Error> {
    let (Some(facts), Some(commit)) = (facts(site, task, journal)?, &journal.commit) else { return Ok(()) };
    let (client, repo) = (site.tracker.client, site.tracker.repo);
    let mark = message::mark(&facts.verdict.tree);
    if client.comments(repo, task.number).await?.iter().any(|comment| comment.body.contains(&mark)) {
        return Ok(());
    }
    let text = secrets::redact(&message::comment(&facts, commit, &journal.branch)).text;
    client.comment(repo, task.number, &text).await?;
    Ok(())
}

/// Opens a pull request for the branch, or finds the one that is open: its page on GitHub, where the branch is
/// pushed first; `owner/name#1` on the hub, which has no pages.
pub(super) async fn pull_request(site: &Site<'_>, task: &Task, journal: &Journal) -> Result<String, Error> {
    let Some(facts) = facts(site, task, journal)? else { return Ok(String::new()) };
    let (client, repo) = (site.tracker.client, site.tracker.repo);
    if site.tracker.home == Home::Github {
        if site.repo.remote_url(REMOTE).await?.is_none() {
            return Err(Error::NoRemote { remote: REMOTE.to_owned() });
        }
        site.repo.push(REMOTE, &journal.branch).await?;
        audit(Audit::Git, "pushed", &format!("{} to {REMOTE}", journal.branch));
    }
    if let Some(open) = client.pulls_from(repo, &journal.branch.0).await?.into_iter().next() {
        return Ok(place(site, open));
    }
    let commit = journal.commit.clone().unwrap_or_else(|| journal.base.clone());
    let comment = message::comment(&facts, &commit, &journal.branch);
    let new = NewPull {
        title: message::subject(&task.title),
        body: secrets::redact(&format!("Closes {}\n\n{comment}", task.number)).text,
        head: journal.branch.0.clone(),
        base: journal.onto.0.clone(),
    };
    Ok(place(site, client.create_pull(repo, &new).await?))
}

fn place(site: &Site<'_>, pull: Pull) -> String {
    match site.tracker.home {
        Home::Github => pull.url,
        Home::Hub => format!("{}{}", site.tracker.repo, pull.number),
    }
}

/// What the person does next.
pub(super) fn next_steps(journal: &Journal, home: Home, current: Option<&Branch>) -> Vec<Step> {
    let Journal { branch, onto, .. } = journal;
    let mut steps = vec![Step::new("see what changed", format!("git diff {onto}...{branch}"))];
    let merge = || Step::new("ship it", merge(journal, current));
    match (&journal.pull_request, home) {
        (Some(url), Home::Github) => steps.push(Step::new("look at the pull request", url.clone())),
        (Some(place), Home::Hub) => {
            let what = format!("show the pull request {place} to other tools");
            steps.extend([merge(), Step::new(&what, "planwright hub serve".to_owned())]);
        }
        (None, _) => {
            let pull = format!("planwright build {} --pr", journal.issue.0);
            steps.extend([merge(), Step::new("or open a pull request", pull)]);
        }
    }
    steps.push(Step::new("after merging, see what is next", "planwright plan next".to_owned()));
    steps.push(Step::new("after merging, throw the worktree away", forget_worktree(journal)));
    steps
}

/// The command that brings the branch to where it is meant to be.
pub(super) fn merge(journal: &Journal, current: Option<&Branch>) -> String {
    let Journal { branch, onto, .. } = journal;
    let switch = if current == Some(onto) { String::new() } else { format!("git switch {onto} && ") };
    format!("{switch}git merge {branch}")
}

/// The command after which nothing is left of the build but its journal.
pub(super) fn throw_away(journal: &Journal) -> String {
    let first =
        if journal.worktree.exists() { format!("{} && ", forget_worktree(journal)) } else { String::new() };
    format!("{first}git branch -D {}", journal.branch)
}

fn forget_worktree(journal: &Journal) -> String {
    format!("git worktree remove --force {}", journal.worktree.display())
}

/// The facts that messages state; `None` before there are any.
fn facts<'a>(site: &'a Site<'_>, task: &'a Task, journal: &'a Journal) -> Result<Option<Facts<'a>>, Error> {
    let (Some(before), Some(after), Some(verdict)) = (&journal.before, &journal.after, &journal.verdict)
    else {
        return Ok(None);
    };
    Ok(Some(Facts {
        issue: task.number,
        title: &task.title,
        plan: task.plan.as_deref(),
        before,
        after,
        verdict,
        implementer: &site.settings.implementer.model,
        rounds: journal.state.round,
        cost: super::cost(site, task)?,
    }))
}
