//! The workbench: a worktree of its own on its own branch, and what commands may do there.
//!
//! The journal is written before the worktree is made, so that a build that was cut off in between
//! finds its own beginnings and never takes over what somebody else made. The person's own work tree,
//! dirty or not, is not looked at.

use std::path::PathBuf;

use crate::artifact::{Branch, CommitId};
use crate::git::Repo;
use crate::process::{Limits, Status};
use crate::sandbox::{Access, Cache, Network, Policy};

use super::journal::Journal;
use super::order::State;
use super::task::{Task, slug};
use super::{Error, Site};

/// Where an issue is worked.
#[derive(Debug)]
pub(super) struct Workbench {
    /// The repository seen from the worktree.
    pub(super) repo: Repo,
    /// What commands may do there.
    pub(super) policy: Policy,
}

/// The journal of a build that begins, its workbench not yet made.
pub(super) async fn plan(site: &Site<'_>, task: &Task) -> Result<Journal, Error> {
    let (onto, base) = start(site.repo).await?;
    let branch = Branch(format!("planwright/{}-{}", task.number.0, slug(&task.title)));
    let (named, is_taken) = tokio::join!(try_to_commit(site.repo, &base), site.repo.branch_exists(&branch));
    named?;
    if is_taken? {
        return Err(Error::BranchTaken { branch });
    }
    let worktree = site.settings.places.workbenches.join(task.number.0.to_string());
    if worktree.exists() {
        return Err(Error::InTheWay { number: task.number, path: worktree });
    }
    Ok(Journal {
        version: Journal::VERSION,
        issue: task.number,
        branch,
        onto,
        base,
        worktree,
        made: false,
        set_up: false,
        state: State::new(site.settings.build.rounds),
        before: None,
        untouched: None,
        after: None,
        tree: None,
        verdict: None,
        findings: Vec::new(),
        blocked: Vec::new(),
        said: String::new(),
        commit: None,
        pull_request: None,
    })
}

/// The branch that work flows into, and the commit it is at.
async fn start(repo: &Repo) -> Result<(Branch, CommitId), Error> {
    if let Some(onto) = repo.default_branch().await?
        && let Some(base) = repo.commit_at(&format!("refs/heads/{onto}")).await?
    {
        return Ok((onto, base));
    }
    repo.require_head().await?;
    Err(Error::NoBranch)
}

/// Makes a commit that no branch gets: whoever has no name to commit under hears it before anything is paid.
async fn try_to_commit(repo: &Repo, base: &CommitId) -> Result<(), Error> {
    let tree = repo.tree_of(base).await?;
    repo.commit_tree(&tree, &[], "planwright tries to commit").await?;
    Ok(())
}

/// Opens the workbench of a journal, making what is missing of it, and sets it up once.
pub(super) async fn open(site: &Site<'_>, journal: &mut Journal) -> Result<Workbench, Error> {
    let repo = if journal.made && journal.worktree.exists() {
        site.repo.open_worktree(&journal.worktree)?
    } else {
        make(site.repo, journal).await?
    };
    journal.made = true;
    journal.set_up |= site.settings.build.setup.is_none();
    journal.save(&site.settings.places.state)?;
    if !journal.set_up {
        if let Some(command) = &site.settings.build.setup {
            site.run.events.stage("setup", format!("running `{command}`"));
            set_up(site, journal, command).await?;
        }
        journal.set_up = true;
        journal.save(&site.settings.places.state)?;
    }
    let policy = policy(site, journal, Network::Refused, cache(site, Access::Read));
    Ok(Workbench { repo, policy })
}

/// Makes the worktree. One that a cut-off build left half made is ours, for the journal came first, and
/// goes: files it does not have yet would be taken for deleted ones.
async fn make(repo: &Repo, journal: &Journal) -> Result<Repo, Error> {
    if repo.open_worktree(&journal.worktree).is_ok() {
        repo.remove_worktree(&journal.worktree)?;
    }
    if journal.worktree.exists() {
        return Err(Error::InTheWay { number: journal.issue, path: journal.worktree.clone() });
    }
    let start = leftover(repo, journal).await?;
    if let Some(folder) = journal.worktree.parent() {
        crate::fs::create_folder(folder)?;
    }
    Ok(repo.add_worktree(&journal.worktree, &journal.branch, &start).await?)
}

/// Where the branch starts. One that a cut-off build left at its start is made anew; one that holds
/// more is the person's to look at.
async fn leftover(repo: &Repo, journal: &Journal) -> Result<CommitId, Error> {
    let at = repo.commit_at(&format!("refs/heads/{}", journal.branch)).await?;
    match at {
        Some(at) if at != journal.base => Err(Error::BranchTaken { branch: journal.branch.clone() }),
        Some(_) => {
            repo.delete_branch(&journal.branch).await?;
            Ok(journal.base.clone())
        }
        None => Ok(journal.base.clone()),
    }
}

/// Where the setup command's downloads are kept, for this repository alone: they outlive the workbench. Without
/// network there is nothing to download, and commands read what the person has.
fn cache(site: &Site<'_>, access: Access) -> Option<Cache> {
    let (build, places) = (&site.settings.build, &site.settings.places);
    let folder = places.cache.join("setup").join(places.workbenches.file_name()?);
    let is_filled = access == Access::Fill || folder.exists();
    (build.setup.is_some() && build.setup_network && is_filled).then_some(Cache { folder, access })
}

fn policy(site: &Site<'_>, journal: &Journal, network: Network, cache: Option<Cache>) -> Policy {
    let mut temp = journal.worktree.clone().into_os_string();
    temp.push(".tmp");
    Policy {
        worktree: journal.worktree.clone(),
        temp: PathBuf::from(temp),
        network,
        pass_environment: site.settings.build.pass_environment.clone(),
        read_only: vec![site.repo.common_dir().to_owned()],
        cache,
    }
}

async fn set_up(site: &Site<'_>, journal: &Journal, command: &str) -> Result<(), Error> {
    let build = &site.settings.build;
    let network = if build.setup_network { Network::Allowed } else { Network::Refused };
    let policy = policy(site, journal, network, cache(site, Access::Fill));
    let limits = Limits { time: build.command_time, output_bytes: build.output_bytes };
    let ran = site.sandbox.run(&policy, command, limits, &site.run.cancel).await?;
    let how = match ran.output.status {
        Status::Exited(0) => return Ok(()),
        Status::Exited(status) => format!("ended with status {status}"),
        Status::Signaled(signal) => format!("was killed by signal {signal}"),
        Status::TimedOut => format!("did not end within {} s", build.command_time.as_secs()),
        Status::Cancelled => return Err(crate::agent::Error::Interrupted.into()),
    };
    let printed = format!("{}\n{}", ran.output.stdout.text(), ran.output.stderr.text());
    let last: Vec<&str> = printed.lines().rev().filter(|line| !line.trim().is_empty()).take(3).collect();
    let output = last.into_iter().rev().collect::<Vec<_>>().join(" / ");
    Err(Error::Setup { command: command.to_owned(), how, output })
}
