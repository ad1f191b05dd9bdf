//! Running git, and nothing else that is git.
//!
//! The one idea: git works on a repository that a model's processes may have touched, so every call
//! names git-dir and work-tree itself and runs nothing that the work tree could have brought along: no
//! hook, no filter, no diff program, no file-system monitor, no pager, no prompt, no signing. What the
//! person set up for themselves (name, address, credentials for `push`) stays in force. The `.git` file
//! of a worktree is never believed: its git-dir is looked up in the repository's own records.

mod blob;
mod call;
mod commit;
mod error;
mod litter;
mod person;
mod tree;
mod worktree;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::artifact::{Branch, CommitId};

pub use commit::Commit;
pub use error::Error;
pub use tree::{Change, Status};
pub use worktree::Worktree;

use call::Call;

/// A repository seen from one of its work trees. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Repo {
    root: PathBuf,
    git_dir: PathBuf,
    common_dir: PathBuf,
    environment: Arc<Vec<(OsString, OsString)>>,
    /// Of git's settings those that are asked for here, read once.
    configuration: Arc<OnceCell<Vec<(String, String)>>>,
}

impl Repo {
    /// The repository that `dir` is in. `environment` is ours, as data: of its `GIT_` variables only
    /// those are heeded that say where things are (a hook's index among them) and who commits.
    pub async fn discover(dir: &Path, environment: &[(OsString, OsString)]) -> Result<Self, Error> {
        let args = [
            "rev-parse",
            "--path-format=absolute",
            "--show-toplevel",
            "--absolute-git-dir",
            "--git-common-dir",
        ];
        let found =
            Call::outside(dir, call::heeded(environment, call::Whose::Discovery)).args(args).text().await?;
        let mut lines = found.lines().map(PathBuf::from);
        let (Some(root), Some(git_dir), Some(common_dir)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(Error::Answer { what: "rev-parse".to_owned(), answer: found });
        };
        let mut environment = call::heeded(environment, call::Whose::Repository);
        call::make_index_absolute(&mut environment, dir);
        Ok(Self {
            root,
            git_dir,
            common_dir,
            environment: Arc::new(environment),
            configuration: Arc::default(),
        })
    }

    /// The top of the work tree.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder that all worktrees of the repository share: `.git` of the main one.
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// This work tree's own git folder.
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// The commit checked out; `None` where there is no commit yet.
    pub async fn head(&self) -> Result<Option<CommitId>, Error> {
        self.commit_at("HEAD").await
    }

    /// The commit checked out, or an error where there is no commit yet.
    pub async fn require_head(&self) -> Result<CommitId, Error> {
        self.head().await?.ok_or_else(|| Error::EmptyRepository { root: self.root.clone() })
    }

    /// The commit that a branch, tag or other name stands for.
    pub async fn commit_at(&self, name: &str) -> Result<Option<CommitId>, Error> {
        let commit = format!("{name}^{{commit}}");
        let call = self.call().args(["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]);
        Ok(call.text_if_any().await?.map(CommitId))
    }

    /// The branch checked out; `None` when HEAD is detached.
    pub async fn current_branch(&self) -> Result<Option<Branch>, Error> {
        let name = self.call().args(["symbolic-ref", "--quiet", "--short", "HEAD"]).text_if_any().await?;
        Ok(name.map(Branch))
    }

    /// The branch that work flows into: the remote's, else the configured one, else `main` or `master`,
    /// else the current one.
    pub async fn default_branch(&self) -> Result<Option<Branch>, Error> {
        let remote = self.call().args(["symbolic-ref", "--quiet", "refs/remotes/origin/HEAD"]);
        let (remote, configured) = tokio::try_join!(remote.text_if_any(), self.config("init.defaultbranch"))?;
        let remote = remote.as_deref().and_then(|name| name.strip_prefix("refs/remotes/origin/"));
        for name in remote.into_iter().chain(configured.as_deref()).chain(["main", "master"]) {
            let branch = Branch(name.to_owned());
            if self.branch_exists(&branch).await? {
                return Ok(Some(branch));
            }
        }
        self.current_branch().await
    }

    /// Whether a local branch is there.
    pub async fn branch_exists(&self, branch: &Branch) -> Result<bool, Error> {
        let name = format!("refs/heads/{branch}");
        self.call().args(["show-ref", "--verify", "--quiet", &name]).holds().await
    }

    /// Whether anything differs from HEAD: staged, unstaged or untracked. Submodules are not looked into.
    pub async fn is_dirty(&self) -> Result<bool, Error> {
        let args = ["status", "--porcelain", "-z", "--untracked-files=normal", "--ignore-submodules=all"];
        Ok(!self.call_on_files().await?.args(args).bytes().await?.is_empty())
    }

    /// Where a remote lies; `None` if there is no such remote.
    pub async fn remote_url(&self, name: &str) -> Result<Option<String>, Error> {
        self.config(&format!("remote.{name}.url")).await
    }

    /// The folder that git looks for this repository's hooks in.
    pub async fn hooks_dir(&self) -> Result<PathBuf, Error> {
        let args = ["rev-parse", "--path-format=absolute", "--git-path", "hooks"];
        let call = self.call().with_hooks().args(args);
        Ok(PathBuf::from(call.text().await?))
    }

    /// The value of a key, written as git lists it: in lower case but for a name in the middle.
    async fn config(&self, key: &str) -> Result<Option<String>, Error> {
        let mut known = self.configuration().await?.iter().rev();
        Ok(known.find(|(name, _)| name == key).map(|(_, value)| value.clone()))
    }

    async fn configuration(&self) -> Result<&[(String, String)], Error> {
        let read = async || {
            let listed = self.call().args(["config", "--list", "-z"]).bytes().await?;
            let listed = String::from_utf8_lossy(&listed);
            let known = listed.split_terminator('\0').map(key_and_value);
            Ok(known.filter(|(key, _)| is_asked_for(key)).collect())
        };
        Ok(self.configuration.get_or_try_init(read).await?)
    }

    /// A call that needs neither the files of the work tree nor the index.
    fn call(&self) -> Call {
        Call::inside(self)
    }

    /// A call that touches files of the work tree, with every filter off. Whoever reads or writes the
    /// index may touch them: git looks again at files that changed in the index's own second.
    ///
    /// Any filter would run a program on content that a model wrote, so that all are switched off, a
    /// configured one whose command lies in the work tree among them.
    async fn call_on_files(&self) -> Result<Call, Error> {
        let keys = self.configuration().await?.iter().map(|(key, _)| key);
        let names: BTreeSet<_> = keys.filter_map(|key| filter_name(key)).collect();
        let off = |name: &str| {
            let empty =
                ["clean", "smudge", "process"].map(|key| (format!("filter.{name}.{key}"), String::new()));
            empty
                .into_iter()
                .chain([(format!("filter.{name}.required"), "false".to_owned())])
                .collect::<Vec<_>>()
        };
        Ok(self.call().settings(&names.into_iter().flat_map(off).collect::<Vec<_>>()))
    }
}

/// One entry of the list: the key, and on the next line the value. A key alone, which means "yes", has none.
fn key_and_value(entry: &str) -> (String, String) {
    let (key, value) = entry.split_once('\n').unwrap_or((entry, ""));
    (key.to_owned(), value.to_owned())
}

/// Whether a setting is ever asked for. The others may hold secrets, and are not kept.
fn is_asked_for(key: &str) -> bool {
    let of_remote = key.strip_prefix("remote.").and_then(|rest| rest.rsplit('.').next());
    of_remote == Some("url")
        || key.starts_with("filter.")
        || ["init.defaultbranch", "core.sshcommand"].contains(&key)
}

/// `lfs` of `filter.lfs.clean`; the name between may hold dots.
fn filter_name(key: &str) -> Option<&str> {
    let (name, _) = key.strip_prefix("filter.")?.rsplit_once('.')?;
    Some(name)
}
