//! Commits and branches: making them from trees, moving them, reading the log, pushing.

use jiff::Timestamp;

use crate::artifact::{Branch, CommitId, TreeId};

use super::{Error, Repo};

/// One commit of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its id.
    pub id: CommitId,
    /// The whole message.
    pub message: String,
    /// When it was committed.
    pub at: Timestamp,
}

impl Repo {
    /// Makes a commit of a tree. No branch moves, no hook runs, nothing is signed.
    pub async fn commit_tree(
        &self,
        tree: &TreeId,
        parents: &[CommitId],
        message: &str,
    ) -> Result<CommitId, Error> {
        let parents = parents.iter().flat_map(|parent| ["-p", parent.0.as_str()]);
        let call = self.call().args(["commit-tree", &tree.0]).args(parents).args(["-F", "-"]);
        Ok(CommitId(call.input(message.as_bytes().to_vec()).text().await?))
    }

    /// Moves a branch to a commit, if it is at `from` now; `None` makes it, if it is not there yet.
    /// The files of a work tree that has it checked out stay as they are.
    pub async fn move_branch(
        &self,
        branch: &Branch,
        to: &CommitId,
        from: Option<&CommitId>,
    ) -> Result<(), Error> {
        let name = format!("refs/heads/{branch}");
        let from = from.map_or("", |commit| &commit.0);
        let moved = self.call().args(["update-ref", "-m", "planwright", &name, &to.0, from]).bytes().await;
        match moved {
            Ok(_) => Ok(()),
            Err(Error::Failed { stderr, .. }) if stderr.contains("cannot lock ref") => {
                let expected = (!from.is_empty()).then(|| CommitId(from.to_owned()));
                Err(Error::Moved { branch: branch.clone(), expected })
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the history of `name` holds a commit; not, where either is unknown.
    pub async fn reaches(&self, name: &str, commit: &CommitId) -> Result<bool, Error> {
        if self.commit_at(name).await?.is_none() || self.commit_at(&commit.0).await?.is_none() {
            return Ok(false);
        }
        self.call().args(["merge-base", "--is-ancestor", &commit.0, name]).holds().await
    }

    /// Deletes a branch, merged or not.
    pub async fn delete_branch(&self, branch: &Branch) -> Result<(), Error> {
        let name = format!("refs/heads/{branch}");
        self.call().args(["update-ref", "-d", &name]).bytes().await.map(drop)
    }

    /// Makes the index what a commit holds. The files stay as they are.
    pub async fn reset_index_to(&self, commit: &CommitId) -> Result<(), Error> {
        self.call_on_files().await?.args(["read-tree", &commit.0]).bytes().await.map(drop)
    }

    /// The commits that `range_end` reaches, the newest first, at most `max`. It may be a range: `a..b`.
    pub async fn log(&self, range_end: &str, max: u32) -> Result<Vec<Commit>, Error> {
        let max = format!("--max-count={max}");
        let args = ["log", "-z", "--no-color", "--no-show-signature", "--format=%H%n%ct%n%B", &max];
        let bytes = self.call().args(args).args(["--end-of-options", range_end, "--"]).bytes().await?;
        String::from_utf8_lossy(&bytes).split_terminator('\0').map(parse_commit).collect()
    }

    /// Pushes a branch to the branch of the same name: the only call that uses the network.
    pub async fn push(&self, remote: &str, branch: &Branch) -> Result<(), Error> {
        let name = format!("refs/heads/{branch}:refs/heads/{branch}");
        let mut call = self.call();
        if self.uses_plain_ssh().await? {
            call = call.variable("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        }
        let args = ["push", "--porcelain", "--recurse-submodules=no", "--end-of-options", remote, &name];
        call.args(args).bytes().await.map(drop)
    }

    /// Whether nobody chose how ssh is run. Then it is told not to ask: nobody could answer.
    async fn uses_plain_ssh(&self) -> Result<bool, Error> {
        let chosen = self.environment.iter().any(|(name, _)| name == "GIT_SSH" || name == "GIT_SSH_COMMAND");
        Ok(!chosen && self.config("core.sshcommand").await?.is_none())
    }
}

fn parse_commit(text: &str) -> Result<Commit, Error> {
    let not_understood = || Error::Answer { what: "log".to_owned(), answer: text.to_owned() };
    let mut parts = text.splitn(3, '\n');
    let (Some(id), Some(at), Some(message)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(not_understood());
    };
    let at = at
        .parse()
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .ok_or_else(not_understood)?;
    Ok(Commit { id: CommitId(id.to_owned()), message: message.trim_end().to_owned(), at })
}
