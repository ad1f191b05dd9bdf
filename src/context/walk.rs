//! Which files of a project may be looked at at all.
//!
//! `.gitignore` and `.planwrightignore` are kept, links are not followed, and files that hold
//! credentials by their name are never listed, whatever else says so. Nothing is opened here.

use std::path::Path;

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::Error;
use crate::artifact::RepoPath;

/// A project with more files than this is listed up to here, and that is said.
pub const MOST_FILES: usize = 50_000;

/// What a walk saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Walk {
    /// Files that may be read, sorted.
    pub files: Vec<RepoPath>,
    /// Files kept out because their name says that they hold secrets.
    pub secret: Vec<RepoPath>,
    /// Whether there were more files than [`MOST_FILES`].
    pub cut: bool,
}

/// The files of a project that may be read: not ignored, not excluded by a glob, not secret.
pub fn files(root: &Path, exclude: &[String]) -> Result<impl Iterator<Item = RepoPath> + use<>, Error> {
    Ok(walk(root, exclude)?.files.into_iter())
}

/// As [`files`], with what was kept out.
pub fn walk(root: &Path, exclude: &[String]) -> Result<Walk, Error> {
    let exclude = globs(exclude)?;
    let mut walk = Walk::default();
    for entry in walker(root).build() {
        // A folder that cannot be read is passed over like an ignored one.
        let Ok(entry) = entry else { continue };
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let Some(path) = inside(root, entry.path()) else { continue };
        if exclude.is_match(path.as_str()) {
            continue;
        }
        if walk.files.len() == MOST_FILES {
            walk.cut = true;
            break;
        }
        if is_secret(&path) { walk.secret.push(path) } else { walk.files.push(path) }
    }
    Ok(walk)
}

fn walker(root: &Path) -> ignore::WalkBuilder {
    let mut walker = ignore::WalkBuilder::new(root);
    walker
        .hidden(false)
        .parents(false)
        .git_global(false)
        .git_exclude(false)
        .ignore(false)
        .require_git(false)
        .follow_links(false)
        .add_custom_ignore_filename(".planwrightignore")
        .filter_entry(|entry| entry.file_name() != ".git")
        .sort_by_file_name(std::ffi::OsStr::cmp);
    // Once, at the top: looking for it in every folder takes as long as the walk itself.
    let exclude = root.join(".git/info/exclude");
    if exclude.is_file() && walker.add_ignore(&exclude).is_some() {
        tracing::warn!(path = %exclude.display(), "a pattern in this file does not parse");
    }
    walker
}

fn inside(root: &Path, path: &Path) -> Option<RepoPath> {
    path.strip_prefix(root).ok()?.to_str()?.parse().ok()
}

fn globs(patterns: &[String]) -> Result<GlobSet, Error> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let failed = |source| Error::Glob { pattern: pattern.clone(), source };
        set.add(Glob::new(pattern).map_err(failed)?);
        let below = format!("{}/**", pattern.trim_end_matches('/'));
        set.add(Glob::new(&below).map_err(failed)?);
    }
    set.build().map_err(|source| Error::Glob { pattern: patterns.join(", "), source })
}

const SECRET_NAMES: &[&str] = &[
    ".netrc",
    "_netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".git-credentials",
    ".htpasswd",
    ".vault-token",
    ".dockercfg",
    "credentials",
    "credentials.json",
    "credentials.toml",
    "secrets.json",
    "secrets.toml",
    "secrets.yaml",
    "secrets.yml",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "master.key",
];

const SECRET_ENDS: &[&str] = &[
    ".pem",
    ".key",
    ".p12",
    ".pfx",
    ".jks",
    ".keystore",
    ".kdbx",
    ".tfstate",
    ".tfvars",
    ".ppk",
    ".asc",
    ".gpg",
];

const SECRET_FOLDERS: &[&str] = &[".ssh", ".aws", ".gnupg", ".kube"];

/// Whether a file's name says that it holds credentials. Templates of `.env` files do not.
pub fn is_secret(path: &RepoPath) -> bool {
    let lower = path.as_str().to_ascii_lowercase();
    let mut parts: Vec<&str> = lower.split('/').collect();
    let name = parts.pop().unwrap_or_default();
    let ends = |end: &str| name.ends_with(end);
    let is_template = ["example", "sample", "template", "dist"].iter().any(|end| name.ends_with(end));
    let is_env = name == ".env" || name == ".envrc" || name.starts_with(".env.") || ends(".env");
    (is_env && !is_template)
        || SECRET_NAMES.contains(&name)
        || SECRET_ENDS.iter().any(|end| ends(end))
        || (name.starts_with("service-account") && ends(".json"))
        || parts.iter().any(|part| SECRET_FOLDERS.contains(part))
        || lower.ends_with(".docker/config.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets() {
        let check =
            |path: &str, secret: bool| assert_eq!(is_secret(&path.parse().unwrap()), secret, "{path}");
        for path in
            [".env", "a/.env.local", "prod.env", "tls/server.pem", "x/ID_RSA", "deploy/.npmrc", ".aws/config"]
        {
            check(path, true);
        }
        for path in
            [".env.example", ".env.sample", "src/env.rs", "id_rsa.pub", "docs/keys.md", "src/secrets.rs"]
        {
            check(path, false);
        }
    }

    #[test]
    fn ignored_excluded_secret_and_linked_files_are_kept_out() {
        let folder = tempfile::tempdir().unwrap();
        let put =
            |path: &str, text: &str| crate::fs::write(&folder.path().join(path), text.as_bytes()).unwrap();
        put(".gitignore", "target\n*.log\n");
        put(".planwrightignore", "private/\n");
        put("src/main.rs", "x");
        put("target/out.txt", "x");
        put("a.log", "x");
        put("private/plan.md", "x");
        put("vendor/lib.js", "x");
        put("deep/vendor.js", "x");
        put(".env", "x");
        put(".git/config", "x");
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("passwd")).unwrap();
        let walk = walk(folder.path(), &["vendor".to_owned(), "**/*.js".to_owned()]).unwrap();
        let files: Vec<_> = walk.files.iter().map(RepoPath::as_str).collect();
        assert_eq!(files, [".gitignore", ".planwrightignore", "src/main.rs"]);
        assert_eq!(walk.secret, [".env".parse().unwrap()]);
        assert!(matches!(files_of(folder.path(), "a{"), Err(Error::Glob { .. })));
    }

    fn files_of(root: &Path, glob: &str) -> Result<Walk, Error> {
        walk(root, &[glob.to_owned()])
    }
}
