//! Worktrees: making, listing, opening and removing them.
//!
//! A worktree's `.git` file is a file like any other, which whoever works there can rewrite. So a
//! worktree is found by the repository's own records, `<common dir>/worktrees/<name>/gitdir`.

use std::path::{Path, PathBuf};

use crate::artifact::{Branch, CommitId};
use crate::fs;

use super::{Error, Repo};

/// A worktree as the repository's records have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worktree {
    /// Its top.
    pub path: PathBuf,
    /// The branch it has checked out; `None` when its HEAD is detached.
    pub branch: Option<Branch>,
    /// The repository's folder for it.
    pub git_dir: PathBuf,
}

impl Repo {
    /// Makes a worktree at `path` with a new branch that begins at `start`. Runs no hook and no filter.
    pub async fn add_worktree(&self, path: &Path, branch: &Branch, start: &CommitId) -> Result<Self, Error> {
        let call =
            self.call_on_files().await?.args(["worktree", "add", "--quiet", "--no-track", "-b", &branch.0]);
        match call.args([path.as_os_str(), start.0.as_ref()]).bytes().await {
            Ok(_) => self.open_worktree(path),
            Err(Error::Failed { stderr, .. }) if stderr.starts_with("a branch named") => {
                Err(Error::BranchExists { branch: branch.clone() })
            }
            Err(error) => Err(error),
        }
    }

    /// The repository seen from its worktree at `path`, found by our records: what the `.git` file there
    /// says does not count.
    pub fn open_worktree(&self, path: &Path) -> Result<Self, Error> {
        let missing = || Error::NoWorktree { path: path.to_owned() };
        let found = self
            .worktrees()?
            .into_iter()
            .find(|worktree| is_same(&worktree.path, path))
            .ok_or_else(missing)?;
        let mut environment = self.environment.to_vec();
        environment.retain(|(name, _)| name != "GIT_INDEX_FILE");
        Ok(Self { root: found.path, git_dir: found.git_dir, environment: environment.into(), ..self.clone() })
    }

    /// The worktrees on record, without the main one.
    pub fn worktrees(&self) -> Result<Vec<Worktree>, Error> {
        let records = fs::list(&self.common_dir.join("worktrees")).map_err(Error::Records)?;
        Ok(records.into_iter().filter_map(read_record).collect())
    }

    /// Removes a worktree with everything in it, and its record. Its branch stays.
    pub fn remove_worktree(&self, path: &Path) -> Result<(), Error> {
        let worktree = self.open_worktree(path)?;
        fs::remove_folder(&worktree.root).map_err(Error::Remove)?;
        fs::remove_folder(&worktree.git_dir).map_err(Error::Remove)
    }
}

fn read_record(git_dir: PathBuf) -> Option<Worktree> {
    let dot_git = fs::read_text(&git_dir.join("gitdir")).ok()?;
    let path = git_dir.join(dot_git.trim_end()).parent()?.to_owned();
    let head = fs::read_text(&git_dir.join("HEAD")).ok()?;
    let branch = head.trim_end().strip_prefix("ref: refs/heads/").map(|name| Branch(name.to_owned()));
    Some(Worktree { path, branch, git_dir })
}

/// Whether two paths are one place. One that is gone is compared as it is written.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(one) == real(other)
}
