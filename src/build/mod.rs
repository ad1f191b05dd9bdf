//! Builds one issue to a reviewed commit.
//!
//! The order is a pure machine: checks before, implement, checks after, review, commit, or another
//! round, up to a bound. The driver carries it out in a worktree of its own and journals each step, so
//! that a killed build goes on where it was. The commit is made here, never by the model, and the
//! person's own work tree is never touched.

mod deliver;
mod error;
pub mod finished;
mod journal;
pub mod message;
pub mod order;
pub mod outcome;
mod rounds;
mod task;
mod workbench;

use std::path::Path;

use crate::agent::{Budget, Mind};
use crate::artifact::{Evidence, IssueNumber, RepoName};
use crate::config::{Profile, Settings};
use crate::git::Repo;
use crate::ledger::{self, Ledger};
use crate::prompts::Prompts;
use crate::sandbox::Sandbox;
use crate::telemetry::Run;
use crate::{fs, github, model};

use journal::Journal;
use order::Phase;
use task::Task;

pub use error::Error;
pub use finished::{Finished, finished};
pub use outcome::{Delivery, Options, Outcome, Step};

/// What a build is made with.
#[derive(Debug, Clone, Copy)]
pub struct Site<'a> {
    /// The person's repository.
    pub repo: &'a Repo,
    /// Where the issue lives.
    pub tracker: Tracker<'a>,
    /// Everything that can be set.
    pub settings: &'a Settings,
    /// Who implements and who reviews.
    pub models: Models<'a>,
    /// The prompts.
    pub prompts: &'a Prompts,
    /// Who confines commands.
    pub sandbox: &'a Sandbox,
    /// Where events go, and how it is interrupted.
    pub run: &'a Run,
    /// Where each turn is entered.
    pub ledger: &'a Ledger,
    /// What implementer and reviewer may spend together.
    pub budget: &'a Budget,
}

/// Where an issue lives.
#[derive(Debug, Clone, Copy)]
pub struct Tracker<'a> {
    /// The client.
    pub client: &'a github::Client,
    /// The repository.
    pub repo: &'a RepoName,
    /// Whose server it is.
    pub home: Home,
}

/// Whose server the issues live on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// GitHub's: a branch must be pushed before a pull request is opened.
    Github,
    /// The embedded hub: it has no git of its own.
    Hub,
}

/// The two models of a build.
#[derive(Debug, Clone, Copy)]
pub struct Models<'a> {
    /// The implementer.
    pub implementer: &'a model::Client,
    /// The reviewer.
    pub reviewer: &'a model::Client,
}

impl<'a> Site<'a> {
    /// A model at work on an issue.
    const fn mind(&self, client: &'a model::Client, profile: &'a Profile, issue: IssueNumber) -> Mind<'a> {
        let Self { run, ledger, budget, .. } = *self;
        Mind { client, profile, run, ledger, budget, issue: Some(issue) }
    }
}

/// Builds an issue, or goes on with a build that was cut off or given up.
pub async fn build(site: &Site<'_>, options: &Options) -> Result<Outcome, Error> {
    let state = &site.settings.places.state;
    let task = take(site.repo, state, site.tracker, options.issue).await?;
    let _lock = Journal::lock(state, options.issue)?;
    let mut journal = taken_up(site, &task).await?;
    if journal.state.phase != Phase::Done {
        let bench = workbench::open(site, &mut journal).await?;
        rounds::drive(site, &task, &bench, &mut journal).await?;
        // What commands left in their private folder is nobody's; one that resists is not worth a failure.
        drop(fs::remove_folder(&bench.policy.temp));
    }
    if options.delivery == Delivery::PullRequest && journal.pull_request.is_none() {
        let url = deliver::pull_request(site, &task, &journal).await?;
        journal.pull_request = Some(url);
        journal.save(state)?;
    }
    outcome(site, &task, journal).await
}

/// Says why an issue may not be worked now, if it may not: as a build of it would.
pub async fn admit(
    repo: &Repo,
    state: &Path,
    tracker: Tracker<'_>,
    number: IssueNumber,
) -> Result<(), Error> {
    take(repo, state, tracker, number).await.map(drop)
}

/// Takes the issue up. One that waits is told which of its blockers are built and only wait themselves.
async fn take(repo: &Repo, state: &Path, tracker: Tracker<'_>, number: IssueNumber) -> Result<Task, Error> {
    match task::take(tracker.client, tracker.repo, number).await {
        Err(Error::Blocked { number, by, .. }) => {
            let mut built = finished(repo, state, tracker.home).await?;
            built.retain(|build| by.contains(&build.issue));
            Err(Error::Blocked { number, by, built })
        }
        taken => taken,
    }
}

/// The journal of the issue, taken up where it stands, or a new one. A finished build whose branch is
/// gone was shipped or thrown away: an issue that is open all the same is built anew.
async fn taken_up(site: &Site<'_>, task: &Task) -> Result<Journal, Error> {
    let state = &site.settings.places.state;
    if let Some(mut journal) = Journal::load(state, task.number)? {
        let is_over = journal.state.phase == Phase::Done;
        let built = finished::of(site.repo, &journal, site.tracker.home).await?;
        if let Some(built) = &built {
            site.run.events.note(format!("{} is {built}; it is not built again", task.number));
        }
        if !is_over || built.is_some() {
            let before = journal.state.clone();
            journal.state = journal.state.resumed(site.settings.build.rounds);
            if before.phase != Phase::Before && !is_over {
                site.run
                    .events
                    .note(format!("going on with the build of {} in round {}", task.number, before.round));
            }
            return Ok(journal);
        }
        if journal.worktree.exists() {
            site.repo.remove_worktree(&journal.worktree)?;
        }
        Journal::remove(state, task.number)?;
    }
    let journal = workbench::plan(site, task).await?;
    journal.save(state)?;
    Ok(journal)
}

async fn outcome(site: &Site<'_>, task: &Task, journal: Journal) -> Result<Outcome, Error> {
    let current = site.repo.current_branch().await?;
    let cost = cost(site, task)?;
    let next = deliver::next_steps(&journal, site.tracker.home, current.as_ref());
    let (Some(commit), Some(tree), Some(verdict)) = (journal.commit, journal.tree, journal.verdict) else {
        let stop = order::Stop::Gate("its journal holds no commit".to_owned());
        return Err(Error::Stopped {
            number: task.number,
            stop,
            rounds: journal.state.round,
            worktree: journal.worktree,
        });
    };
    let nothing = || Evidence { version: Evidence::VERSION, tree: None, tests: None, checks: Vec::new() };
    Ok(Outcome {
        issue: task.number,
        title: task.title.clone(),
        branch: journal.branch,
        onto: journal.onto,
        worktree: journal.worktree,
        commit,
        tree,
        rounds: journal.state.round,
        before: journal.before.unwrap_or_else(nothing),
        after: journal.after.unwrap_or_else(nothing),
        verdict,
        cost,
        pull_request: journal.pull_request,
        next,
    })
}

/// What the issue has cost over all its builds.
fn cost(site: &Site<'_>, task: &Task) -> Result<Option<crate::artifact::Usd>, Error> {
    let entries = site.ledger.entries()?;
    let of_issue =
        entries.iter().filter(|entry| entry.issue == Some(task.number) && entry.verb == site.run.verb);
    Ok(ledger::sum(of_issue).cost)
}
