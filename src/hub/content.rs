//! What the hub answers from: a store that is kept, or a sample account that is made up as it is read.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::answer::{Desk, Reply, answer};
use super::graphql::{Kind, Place};
use super::refusal::Refusal;
use super::request::Request;
use super::sample::{self, Account};
use super::state::{Issue, Repo, State};
use super::store::Store;

/// See the module.
#[derive(Debug)]
pub(super) enum Content {
    Kept(Box<Mutex<Store>>),
    Sample(Account),
}

impl Content {
    /// Answers a request that came in at this URL.
    pub(super) fn reply(&self, url: &str, request: &Request) -> Result<Reply, Refusal> {
        let api = if request.is_enterprise() { format!("{url}/api/v3") } else { url.to_owned() };
        match self {
            Self::Kept(store) => answer(&mut Desk { store: &mut lock(store), web: url, api }, request),
            Self::Sample(account) => {
                sample::answer(*account, &sample::Base { api, web: url.to_owned() }, request)
            }
        }
    }

    /// Where a node id leads.
    pub(super) fn place(&self, node: &str) -> Option<Place> {
        match self {
            Self::Kept(store) => place(&lock(store).state, node),
            Self::Sample(account) => sample::place(*account, node),
        }
    }

    /// Changes what is kept, from inside of the process.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut Store) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        match self {
            Self::Kept(store) => change(&mut lock(store)),
            Self::Sample(_) => Err(Refusal::read_only()),
        }
    }

    /// Lets go of the journal and its lock.
    pub(super) fn stop(&self) {
        if let Self::Kept(store) = self {
            lock(store).journal = None;
        }
    }
}

/// Where a node id of what is kept leads.
fn place(state: &State, node: &str) -> Option<Place> {
    let (kind, id) = node.split_once("_hub")?;
    let id: u64 = id.parse().ok()?;
    let parts = |repo: &Repo, rest: &[&str]| {
        let start = ["repos", &repo.name.owner, &repo.name.name];
        start.into_iter().chain(rest.iter().copied()).map(str::to_owned).collect()
    };
    match kind {
        "R" => Some((Kind::Repository, parts(state.repo_by_id(id)?, &[]))),
        "I" => {
            let issue = state.issue_by_id(id)?;
            Some((
                Kind::Issue,
                parts(state.repo_by_id(issue.repo)?, &["issues", &issue.new.number.to_string()]),
            ))
        }
        "PR" => state.repos.iter().find_map(|repo| {
            let is_it = |issue: &&Issue| issue.new.pull.as_ref().is_some_and(|pull| pull.id == id);
            let pull = repo.issues.iter().find(is_it)?;
            Some((Kind::PullRequest, parts(repo, &["pulls", &pull.new.number.to_string()])))
        }),
        _ => None,
    }
}

fn lock(store: &Mutex<Store>) -> MutexGuard<'_, Store> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}
