//! What the hub answers from: a store that is kept, or a sample account that is made up as it is read.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::answer::{Desk, Reply, answer};
use super::refusal::Refusal;
use super::request::Request;
use super::sample::{self, Account};
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

fn lock(store: &Mutex<Store>) -> MutexGuard<'_, Store> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}
