//! From the path a model wrote to a place it may touch.
//!
//! A path is relative to the worktree, never names `.git`, and after every symlink is followed it
//! still lies beneath the worktree. Files that hold secrets are refused whatever links to them. Each
//! refusal says why in a sentence, because a model that knows the rule stops trying.

use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use super::Denial;
use crate::artifact::RepoPath;
use crate::context;

/// Parses what the model wrote; an absolute path beneath `root` is accepted.
pub(super) fn parse(root: Option<&Path>, text: &str) -> Result<RepoPath, Denial> {
    let text = text.trim();
    let path = Path::new(text);
    let relative = match root.and_then(|root| path.strip_prefix(root).ok()) {
        Some(relative) => relative,
        None if path.is_absolute() => return Err(outside(text)),
        None => path,
    };
    for component in relative.components() {
        match component {
            Component::ParentDir => return Err(outside(text)),
            Component::Normal(part) if part.eq_ignore_ascii_case(".git") => return Err(belongs_to_git()),
            _ => {}
        }
    }
    let parsed = relative.to_str().and_then(|relative| relative.parse::<RepoPath>().ok());
    let path = parsed
        .ok_or_else(|| Denial::failed(format!("`{text}` is not a path of a file in the repository.")))?;
    if context::may_read(&path) { Ok(path) } else { Err(secret(&path)) }
}

/// The file to read, every symlink followed.
pub(super) fn to_read(root: &Path, path: &RepoPath) -> Result<PathBuf, Denial> {
    let real = real(&path.under(root)).map_err(|kind| match kind {
        ErrorKind::NotFound | ErrorKind::NotADirectory => {
            Denial::failed(format!("There is no file `{path}`."))
        }
        _ => Denial::failed(format!("`{path}` cannot be resolved.")),
    })?;
    beneath(root, &real, path)?;
    if real.is_dir() {
        return Err(Denial::failed(format!("`{path}` is a folder; use `list`.")));
    }
    if real.is_file() { Ok(real) } else { Err(Denial::refused(format!("`{path}` is not a regular file."))) }
}

/// The file to write: an existing one with every symlink followed, or a new one in a folder beneath `root`.
pub(super) fn to_write(root: &Path, path: &RepoPath) -> Result<PathBuf, Denial> {
    let wanted = path.under(root);
    if std::fs::symlink_metadata(&wanted).is_ok() {
        return to_read(root, path);
    }
    let existing = wanted.ancestors().skip(1).find(|folder| std::fs::symlink_metadata(folder).is_ok());
    let existing = existing.ok_or_else(|| outside(path.as_str()))?;
    let folder = real(existing)
        .map_err(|_kind| Denial::refused(format!("`{path}` lies behind a symlink that leads nowhere.")))?;
    beneath(root, &folder, path)?;
    if !folder.is_dir() {
        return Err(Denial::failed(format!("`{path}` lies below a file, not a folder.")));
    }
    let rest = wanted.strip_prefix(existing).map_err(|_never| outside(path.as_str()))?;
    Ok(folder.join(rest))
}

/// Refuses a place that symlinks led out of the worktree, into `.git` or to a secret.
fn beneath(root: &Path, real_path: &Path, path: &RepoPath) -> Result<(), Denial> {
    let root = real(root).map_err(|_kind| Denial::failed("the worktree is gone."))?;
    let Ok(inside) = real_path.strip_prefix(&root) else {
        return Err(Denial::refused(format!("`{path}` leads out of the worktree through a symlink.")));
    };
    if inside.components().any(|part| part.as_os_str().eq_ignore_ascii_case(".git")) {
        return Err(belongs_to_git());
    }
    let hidden = inside
        .to_str()
        .and_then(|inside| inside.parse::<RepoPath>().ok())
        .filter(|path| !context::may_read(path));
    hidden.map_or(Ok(()), |hidden| Err(secret(&hidden)))
}

fn real(path: &Path) -> Result<PathBuf, ErrorKind> {
    std::fs::canonicalize(path).map_err(|error| error.kind())
}

fn outside(text: &str) -> Denial {
    Denial::refused(format!(
        "`{text}` is outside the worktree; paths are relative to its root, without `..`."
    ))
}

fn belongs_to_git() -> Denial {
    Denial::refused("`.git` is out of reach: planwright keeps the history and makes the commit itself.")
}

fn secret(path: &RepoPath) -> Denial {
    Denial::refused(format!("`{path}` may hold secrets, which are never shown to a model or changed by one."))
}
