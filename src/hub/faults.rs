//! Things that go wrong on purpose, so that tests see what callers do about them.
//!
//! A fault counts the requests that it could strike and strikes from the `from`th on, `times` times.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// The faults of one hub. Cheap to clone; clones share, so a test can add faults while the hub runs.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    held: Arc<Notify>,
    requests: u64,
    armed: Vec<Armed>,
    quota: Option<u64>,
}

#[derive(Debug)]
struct Armed {
    fault: Fault,
    seen: u64,
    struck: u64,
}

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which requests it strikes.
    pub only: Only,
    /// The first of these that it strikes; counts from 1, from when the fault was added.
    pub from: u64,
    /// How many it strikes; `u64::MAX` for all that follow.
    pub times: u64,
    /// What happens.
    pub what: What,
}

/// Which requests a fault strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Only {
    /// All.
    Any,
    /// POST, PATCH, PUT and DELETE, but for questions by GraphQL.
    Writes,
    /// A method on paths that contain the text.
    Path(&'static str, String),
}

/// What happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The connection drops without an answer, and nothing was done.
    CutBefore,
    /// It was done, and the connection drops without an answer.
    CutAfter,
    /// Nothing was done; this status, these headers and this message are the answer.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// It was done, and this status is the answer all the same.
    AnswerAfter(u16),
    /// It was done, and no answer ever comes; [`Faults::until_held`] tells when it is so far.
    Hold,
    /// It was done, and half of the body is all that comes, with nothing that says so.
    Torn,
    /// It was done, and the answer to a question by GraphQL lacks its first object, with an error of this type.
    Lacks(&'static str),
    /// Nothing was done; the same lies at another address.
    Moved,
}

impl Faults {
    /// Adds a fault; earlier ones strike first.
    pub fn add(&self, fault: Fault) {
        self.inner(|inner| inner.armed.push(Armed { fault, seen: 0, struck: 0 }));
    }

    /// Strikes the `n`th request from now on, once.
    pub fn once(&self, only: Only, n: u64, what: What) {
        self.add(Fault { only, from: n, times: 1, what });
    }

    /// Takes all faults away.
    pub fn clear(&self) {
        self.inner(|inner| inner.armed.clear());
    }

    /// Requests that came in so far.
    pub fn requests(&self) -> u64 {
        self.inner(|inner| inner.requests)
    }

    /// Returns when a request is held, each time once.
    pub async fn until_held(&self) {
        let held = self.inner(|inner| Arc::clone(&inner.held));
        held.notified().await;
    }

    /// Holds a request for as long as its client waits.
    pub(super) async fn hold(&self) -> std::convert::Infallible {
        self.inner(|inner| inner.held.notify_one());
        std::future::pending().await
    }

    /// Requests allowed in an hour, instead of the hub's generous limit.
    pub fn set_quota(&self, requests: u64) {
        self.inner(|inner| inner.quota = Some(requests));
    }

    pub(super) fn quota(&self) -> Option<u64> {
        self.inner(|inner| inner.quota)
    }

    pub(super) fn strike(&self, method: &str, path: &str) -> Option<What> {
        self.inner(|inner| {
            inner.requests += 1;
            let mut struck = None;
            for armed in &mut inner.armed {
                let strikes = armed.sees(method, path);
                if strikes && struck.is_none() {
                    armed.struck += 1;
                    struck = Some(armed.fault.what.clone());
                }
            }
            struck
        })
    }

    fn inner<T>(&self, with: impl FnOnce(&mut Inner) -> T) -> T {
        with(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Armed {
    /// Counts the request; whether it strikes.
    fn sees(&mut self, method: &str, path: &str) -> bool {
        let meant = match &self.fault.only {
            Only::Any => true,
            Only::Writes => method != "GET" && method != "HEAD" && !path.ends_with("/graphql"),
            Only::Path(of, part) => method == *of && path.contains(part.as_str()),
        };
        self.seen += u64::from(meant);
        meant && self.seen >= self.fault.from && self.struck < self.fault.times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_the_second_write_and_no_other() {
        let faults = Faults::default();
        faults.once(Only::Writes, 2, What::CutAfter);
        let struck: Vec<bool> = ["POST", "GET", "POST", "GET", "POST"]
            .iter()
            .map(|method| faults.strike(method, "/repos/a/b/issues").is_some())
            .collect();
        assert_eq!(struck, [false, false, true, false, false]);
    }
}
