//! Freezing what will be committed: the index becomes a tree, and the tree is what is reviewed.

use crate::artifact::TreeId;
use crate::git::{Error, Repo};

/// A tree to review and the tree it is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// The tree: exactly what a commit would hold.
    pub tree: TreeId,
    /// The tree of HEAD, or the empty tree where there is no commit yet.
    pub base: TreeId,
}

/// Freezes the index as it is: what `git commit` would commit, a hook's own index included.
pub async fn freeze(repo: &Repo) -> Result<Frozen, Error> {
    Ok(Frozen { tree: repo.write_tree().await?, base: base(repo).await? })
}

/// Stages every change of the work tree, then freezes.
pub async fn freeze_all(repo: &Repo) -> Result<Frozen, Error> {
    Ok(Frozen { tree: repo.stage_all().await?, base: base(repo).await? })
}

async fn base(repo: &Repo) -> Result<TreeId, Error> {
    match repo.head().await? {
        Some(commit) => repo.tree_of(&commit).await,
        None => repo.empty_tree().await,
    }
}
