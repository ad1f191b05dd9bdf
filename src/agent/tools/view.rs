//! Where the reading tools read: a worktree as it is now, or a git tree as it was frozen.

use std::path::{Path, PathBuf};

use super::{Denial, place};
use crate::artifact::{RepoPath, TreeId};
use crate::context::{self, walk};
use crate::fs;
use crate::git::Repo;

/// Bytes of a file that is read at all.
const FILE_BYTES: u64 = 8 * 1024 * 1024;

/// What the reading tools see of a repository.
#[derive(Debug, Clone)]
pub enum View<'a> {
    /// The files of a worktree, as they are.
    WorkTree {
        /// Its top folder.
        root: PathBuf,
        /// Globs never shown.
        exclude: &'a [String],
    },
    /// A frozen tree: every read comes from it, whatever the worktree holds by then.
    Tree {
        /// The repository.
        repo: &'a Repo,
        /// The tree.
        tree: TreeId,
    },
}

impl View<'_> {
    /// The worktree's top folder; a frozen tree has none.
    pub(super) fn root(&self) -> Option<&Path> {
        match self {
            Self::WorkTree { root, .. } => Some(root),
            Self::Tree { .. } => None,
        }
    }

    /// Parses what the model wrote as a path.
    pub(super) fn parse(&self, text: &str) -> Result<RepoPath, Denial> {
        place::parse(self.root(), text)
    }

    /// The file that the model named, and its bytes.
    pub(super) async fn open(&self, text: &str) -> Result<(RepoPath, Vec<u8>), Denial> {
        let path = self.parse(text)?;
        match self.read(&path).await {
            Err(Denial::Failed(reason)) if reason.starts_with("There is no file") => {
                Err(Denial::Failed(format!("{reason}{}", self.alike(&path).await)))
            }
            other => Ok((path, other?)),
        }
    }

    /// The bytes of a file.
    pub(super) async fn read(&self, path: &RepoPath) -> Result<Vec<u8>, Denial> {
        match self {
            Self::WorkTree { root, .. } => {
                let file = place::to_read(root, path)?;
                let size = file.metadata().map_or(0, |facts| facts.len());
                if size > FILE_BYTES {
                    return Err(Denial::failed(format!(
                        "`{path}` has {size} bytes; files above {FILE_BYTES} are not read whole, use `shell`."
                    )));
                }
                fs::read(&file).map_err(|error| Denial::error(&error))
            }
            Self::Tree { repo, tree } => {
                let blob = repo.read_blob(tree, path).await.map_err(|error| Denial::error(&error))?;
                blob.ok_or_else(|| Denial::failed(format!("There is no file `{path}`.")))
            }
        }
    }

    /// Hands the bytes of these files to `each`, in order. A file that cannot be read, a link out of the worktree
    /// for instance, or one that is too large, is passed over.
    pub(super) async fn read_each(
        &self,
        files: &[RepoPath],
        mut each: impl FnMut(&RepoPath, &[u8]),
    ) -> Result<(), Denial> {
        match self {
            Self::WorkTree { .. } => {
                for path in files {
                    if let Ok(bytes) = self.read(path).await {
                        each(path, &bytes);
                    }
                }
                Ok(())
            }
            Self::Tree { repo, tree } => {
                let read = repo.read_blobs(tree, files, FILE_BYTES, each).await;
                read.map_err(|error| Denial::error(&error))
            }
        }
    }

    /// Every file, in order of path.
    pub(super) async fn files(&self) -> Result<Vec<RepoPath>, Denial> {
        let mut files: Vec<RepoPath> = match self {
            Self::WorkTree { root, exclude } => {
                walk::files(root, exclude).map_err(|error| Denial::error(&error))?.collect()
            }
            Self::Tree { repo, tree } => repo.list_tree(tree).await.map_err(|error| Denial::error(&error))?,
        };
        files.retain(context::may_read);
        files.sort();
        Ok(files)
    }

    /// Files of the same or nearly the same name, as the end of a sentence.
    async fn alike(&self, path: &RepoPath) -> String {
        let name = |path: &RepoPath| path.as_str().rsplit('/').next().unwrap_or_default().to_owned();
        let wanted = name(path);
        let files = self.files().await.unwrap_or_default();
        let mut scored: Vec<(f64, &RepoPath)> =
            files.iter().map(|file| (strsim::jaro_winkler(&name(file), &wanted), file)).collect();
        scored.sort_by(|one, other| other.0.total_cmp(&one.0));
        let near: Vec<String> = scored
            .iter()
            .filter(|(score, _)| *score > 0.85)
            .take(3)
            .map(|(_, file)| format!("`{file}`"))
            .collect();
        if near.is_empty() { String::new() } else { format!(" Did you mean {}?", near.join(" or ")) }
    }
}
