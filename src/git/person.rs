//! What the person does with git, for the demo, which plays the person: begin a repository, merge a branch.

use std::ffi::OsString;
use std::path::Path;

use super::call::{self, Call};
use super::{Error, Repo};
use crate::artifact::{Branch, CommitId};

impl Repo {
    /// Makes `dir` a repository whose first commit holds everything in it.
    pub async fn begin(
        dir: &Path,
        environment: &[(OsString, OsString)],
        message: &str,
    ) -> Result<Self, Error> {
        let heeded = call::heeded(environment, call::Whose::Discovery);
        Call::outside(dir, heeded).args(["init", "--quiet", "--initial-branch=main"]).text().await?;
        let repo = Self::discover(dir, environment).await?;
        let tree = repo.stage_all().await?;
        let commit = repo.commit_tree(&tree, &[], message).await?;
        repo.move_branch(&Branch("main".to_owned()), &commit, None).await?;
        Ok(repo)
    }

    /// Moves the branch checked out, and the files, forward to `branch`; refused where that is no step forward.
    pub async fn fast_forward(&self, branch: &Branch) -> Result<CommitId, Error> {
        let name = format!("refs/heads/{branch}");
        self.call_on_files().await?.args(["merge", "--quiet", "--ff-only", &name]).text().await?;
        self.require_head().await
    }
}
