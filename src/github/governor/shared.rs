//! The state that all processes share: one small file for each API and token.
//!
//! A process adds what it took and takes over what the others did, at most some times a second, under
//! a lock that the system takes back from a process that dies. The file is a fold of fixed size: there
//! is nothing to compact. One that cannot be read (a process died while it wrote) is begun anew. Where
//! no file can be kept, each process paces itself alone. The token is never in it, nor in its name: the
//! name is a hash under a key that never leaves the folder.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::budget::State;
use crate::config::settings::GithubApi;
use crate::fs;

/// Milliseconds between two looks at the file.
const BETWEEN: i64 = 250;

/// One process's view of the file.
#[derive(Debug)]
pub(super) struct Shared {
    path: Option<PathBuf>,
    /// This process's name in the file.
    peer: String,
    looked: i64,
}

impl Shared {
    /// Names the file for an API and token in a folder.
    pub(super) fn new(folder: &Path, api: &GithubApi) -> Self {
        let path = match key(folder) {
            Ok(key) => Some(folder.join(format!("{}.json", name(&key, api)))),
            Err(error) => {
                tracing::warn!(%error, "requests are paced by this process alone");
                None
            }
        };
        Self { path, peer: format!("{:016x}", fastrand::u64(..)), looked: i64::MIN }
    }

    /// No file: this process is alone.
    pub(super) const fn none() -> Self {
        Self { path: None, peer: String::new(), looked: i64::MIN }
    }

    /// Whether it is time to look again.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        let passed = now.as_millisecond().saturating_sub(self.looked);
        self.path.is_some() && !(0..BETWEEN).contains(&passed)
    }

    /// Adds what was `taken` since the last time and returns what all have. `None` if the file is in
    /// use or cannot be: then nothing was added, and the next time will do.
    pub(super) fn exchange(&mut self, taken: &State, now: Timestamp) -> Option<State> {
        self.looked = now.as_millisecond();
        self.fold(taken, now, State::greet)
    }

    /// The last exchange of a process.
    pub(super) fn leave(&mut self, taken: &State, now: Timestamp) {
        self.fold(taken, now, |state, peer, _| state.leave(peer));
    }

    fn fold(
        &mut self,
        taken: &State,
        now: Timestamp,
        tell: impl Fn(&mut State, &str, Timestamp),
    ) -> Option<State> {
        let path = self.path.as_deref()?;
        let folded = fs::try_lock(path).and_then(|lock| {
            let Some(mut lock) = lock else { return Ok(None) };
            let mut state = serde_json::from_slice::<State>(&lock.read()?).unwrap_or_default();
            state.absorb(taken, now);
            tell(&mut state, &self.peer, now);
            lock.replace(serde_json::to_string(&state).unwrap_or_default().as_bytes())?;
            Ok(Some(state))
        });
        folded.unwrap_or_else(|error| {
            tracing::warn!(%error, "requests are paced by this process alone");
            self.path = None;
            None
        })
    }
}

/// The folder's key, made once; whoever comes second takes the first one's.
fn key(folder: &Path) -> Result<String, fs::Error> {
    let path = folder.join("key");
    if let Some(key) = fs::read_text_if_exists(&path)? {
        return Ok(key);
    }
    fs::create_folder(folder)?;
    let failed = |source| fs::Error::new("write", &path, source);
    let mut made = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    made.write_all(format!("{:032x}", fastrand::u128(..)).as_bytes()).map_err(failed)?;
    match made.persist_noclobber(&path) {
        Err(error) if error.error.kind() != std::io::ErrorKind::AlreadyExists => Err(failed(error.error)),
        _ => fs::read_text(&path),
    }
}

/// A hash of API and token that says nothing of either without the key.
fn name(key: &str, api: &GithubApi) -> String {
    let inner = Sha256::digest(format!("{key}\n{}\n{}", api.url, api.token.expose()));
    let outer = Sha256::new().chain_update(key).chain_update(inner).finalize();
    hex::encode(outer).chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::super::budget::{Ask, Bucket, Claim, Verdict};
    use super::*;
    use crate::config::Secret;

    fn api(token: &str) -> GithubApi {
        GithubApi { url: "https://api.github.com".to_owned(), token: Secret::new(token.to_owned()) }
    }

    fn now() -> Timestamp {
        Timestamp::from_second(1_000_000).unwrap()
    }

    fn taken(points: u64) -> State {
        let mut state = State::default();
        state.rest.count(now(), points, 0);
        state
    }

    fn decided(state: &State) -> Verdict {
        state.decide(&Ask { bucket: Bucket::Rest, points: 1, claim: Claim::Spare, reserve: 20 }, now())
    }

    #[test]
    fn two_processes_pay_from_one_budget_and_another_token_from_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let mut one = Shared::new(folder.path(), &api("a"));
        let mut other = Shared::new(folder.path(), &api("a"));
        let mut stranger = Shared::new(folder.path(), &api("b"));
        assert_eq!(decided(&one.exchange(&taken(600), now()).unwrap()), Verdict::Go);
        assert_ne!(decided(&other.exchange(&taken(300), now()).unwrap()), Verdict::Go);
        assert_eq!(one.exchange(&State::default(), now()).unwrap().share(), 4, "the two share");
        assert_eq!(decided(&stranger.exchange(&taken(300), now()).unwrap()), Verdict::Go);
        other.leave(&State::default(), now());
        assert_eq!(one.exchange(&State::default(), now()).unwrap().share(), 8);
    }

    #[test]
    fn a_file_that_cannot_be_read_is_begun_anew_and_one_in_use_is_left_for_the_next_time() {
        let folder = tempfile::tempdir().unwrap();
        let mut shared = Shared::new(folder.path(), &api("a"));
        let path = shared.path.clone().unwrap();
        for broken in ["", "{\"rest\":", "[]", "{\"rest\":{\"seconds\":7}}", "\u{0}\u{0}"] {
            fs::write(&path, broken.as_bytes()).unwrap();
            assert!(shared.exchange(&taken(1), now()).is_some(), "{broken}");
            assert_eq!(shared.exchange(&taken(1), now()).unwrap(), {
                let mut whole = taken(2);
                whole.greet(&shared.peer, now());
                whole
            });
        }
        let held = fs::try_lock(&path).unwrap().unwrap();
        assert_eq!(shared.exchange(&taken(1), now()), None);
        drop(held);
        assert!(shared.exchange(&taken(1), now()).is_some());
    }

    #[test]
    fn the_token_is_in_no_name_and_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut shared = Shared::new(folder.path(), &api("ghp_secret"));
        shared.exchange(&taken(1), now()).unwrap();
        let plain = hex::encode(Sha256::digest("ghp_secret"));
        for path in fs::list(folder.path()).unwrap() {
            let text = format!("{}{}", path.display(), fs::read_text(&path).unwrap());
            assert!(!text.contains("ghp_secret") && !text.contains(&plain), "{text}");
        }
        let elsewhere = tempfile::tempdir().unwrap();
        let other = Shared::new(elsewhere.path(), &api("ghp_secret"));
        assert_ne!(shared.path.unwrap().file_name(), other.path.unwrap().file_name());
    }

    #[test]
    fn without_a_folder_each_paces_itself() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut shared = Shared::new(&file.path().join("below"), &api("a"));
        assert!(!shared.is_due(now()));
        assert_eq!(shared.exchange(&taken(1), now()), None);
    }
}
