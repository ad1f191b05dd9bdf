//! Trees: freezing the files into one, and reading what differs between two.

use std::collections::BTreeMap;

use crate::artifact::{CommitId, RepoPath, TreeId};

use super::blob::entries;
use super::call::Call;
use super::litter::Litter;
use super::{Error, Repo};

/// One path that differs between two trees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// How it differs.
    pub status: Status,
    /// The path, after the change.
    pub path: RepoPath,
    /// Lines added; `None` for what is not text.
    pub added: Option<u32>,
    /// Lines removed; `None` for what is not text.
    pub removed: Option<u32>,
}

/// How a path differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It is new.
    Added,
    /// Its content, mode or type changed.
    Modified,
    /// It is gone.
    Deleted,
    /// It had another path.
    Renamed {
        /// That path.
        from: RepoPath,
    },
}

impl Repo {
    /// Stages every change of the work tree and writes the tree. Ignored files stay out, and so does
    /// [litter](Self::litter); so do nested repositories and submodules, into which git would go and run
    /// what their own configuration says.
    pub async fn stage_all(&self) -> Result<TreeId, Error> {
        let untracked = self.untracked().await?;
        let litter = Litter::among(entries(&untracked));
        let changed = ["diff-files", "-z", "--name-only", "--no-ext-diff", "--ignore-submodules=all"];
        let changed = self.call_on_files().await?.args(changed).bytes().await?;
        let mut paths = Vec::new();
        let new = entries(&untracked).filter(|path| litter.part(path).is_none());
        for path in new.chain(entries(&changed)).filter(|path| !path.ends_with(b"/")) {
            paths.extend_from_slice(path);
            paths.push(0);
        }
        if !paths.is_empty() {
            let add = ["add", "-A", "--pathspec-from-file=-", "--pathspec-file-nul"];
            self.call_on_files().await?.args(add).input(paths).bytes().await?;
        }
        self.write_tree().await
    }

    /// Caches and reports of tools that lie in the work tree, untracked and not ignored: folders and files that
    /// [`Self::stage_all`] leaves out, each with how many files it holds.
    pub async fn litter(&self) -> Result<BTreeMap<String, usize>, Error> {
        let untracked = self.untracked().await?;
        let litter = Litter::among(entries(&untracked));
        let mut found = BTreeMap::new();
        for part in entries(&untracked).filter_map(|path| litter.part(path)) {
            *found.entry(part).or_default() += 1;
        }
        Ok(found)
    }

    /// Files that are neither tracked nor ignored.
    async fn untracked(&self) -> Result<Vec<u8>, Error> {
        let args = ["ls-files", "-z", "--others", "--exclude-standard"];
        self.call_on_files().await?.args(args).bytes().await
    }

    /// Writes the index as it is into a tree.
    pub async fn write_tree(&self) -> Result<TreeId, Error> {
        Ok(TreeId(self.call_on_files().await?.args(["write-tree"]).text().await?))
    }

    /// The tree of a commit.
    pub async fn tree_of(&self, commit: &CommitId) -> Result<TreeId, Error> {
        let tree = format!("{commit}^{{tree}}");
        Ok(TreeId(self.call().args(["rev-parse", "--verify", "--end-of-options", &tree]).text().await?))
    }

    /// The tree without any file, which a first commit is compared with.
    pub async fn empty_tree(&self) -> Result<TreeId, Error> {
        Ok(TreeId(self.call().args(["mktree"]).text().await?))
    }

    /// The difference between two trees as a patch. What is binary is judged by content alone: an
    /// attribute cannot hide a change from the reader.
    pub async fn diff(&self, base: &TreeId, tree: &TreeId, context_lines: u32) -> Result<String, Error> {
        let context = format!("-U{context_lines}");
        let bytes = self.between(base, tree).await?.args(["-p", &context]).bytes().await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Which paths differ between two trees, in order of path.
    pub async fn changes(&self, base: &TreeId, tree: &TreeId) -> Result<Vec<Change>, Error> {
        let listed = self.between(base, tree).await?.args(["--raw", "--numstat", "-z"]).bytes().await?;
        parse_changes(&String::from_utf8_lossy(&listed))
    }

    /// Where a file of the work tree is as the index has it, git reads that instead of the stored one.
    async fn between(&self, base: &TreeId, tree: &TreeId) -> Result<Call, Error> {
        let fixed = ["diff-tree", "-r", "-M", "--no-ext-diff", "--no-textconv", "--no-color"];
        let call = self.call_on_files().await?.variable("GIT_ATTR_SOURCE", without_attributes(base));
        Ok(call.args(fixed).args([&base.0, &tree.0]))
    }
}

/// The empty tree, which git knows without storing it, in the object format of `like`. Attributes read
/// from it are none.
fn without_attributes(like: &TreeId) -> &'static str {
    if like.0.len() == 64 {
        "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"
    } else {
        "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    }
}

fn path_of(text: &str) -> Result<RepoPath, Error> {
    text.parse().ok().ok_or_else(|| not_understood(text))
}

fn not_understood(answer: &str) -> Error {
    Error::Answer { what: "diff-tree".to_owned(), answer: answer.to_owned() }
}

/// Reads `--raw --numstat -z`: first a record `:modes ids status` for each path, then its counts.
fn parse_changes(listed: &str) -> Result<Vec<Change>, Error> {
    let mut changes: Vec<Change> = Vec::new();
    let mut fields = listed.split_terminator('\0');
    while let Some(field) = fields.next() {
        if field.starts_with(':') {
            let letter = field.rsplit_once(' ').and_then(|(_, status)| status.chars().next());
            let mut path = || fields.next().ok_or_else(|| not_understood(field)).and_then(path_of);
            let first = path()?;
            let (status, path) = match letter {
                Some('A') => (Status::Added, first),
                Some('D') => (Status::Deleted, first),
                Some('M' | 'T') => (Status::Modified, first),
                Some('R') => (Status::Renamed { from: first }, path()?),
                _ => return Err(not_understood(field)),
            };
            changes.push(Change { status, path, added: None, removed: None });
            continue;
        }
        let mut counts = field.splitn(3, '\t');
        let (added, removed, path) = (counts.next(), counts.next(), counts.next());
        let path = match path {
            Some("") => fields.nth(1),
            path => path,
        };
        let path = path.ok_or_else(|| not_understood(field))?;
        if let Some(change) = changes.iter_mut().find(|change| change.path.as_str() == path) {
            change.added = added.and_then(|count| count.parse().ok());
            change.removed = removed.and_then(|count| count.parse().ok());
        }
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_records_and_counts_meet() {
        let listed = [
            ":100644 100644 a b M\0src/a.rs",
            ":000000 100644 0 c A\0logo.png",
            ":100644 100644 d d R100\0old\0new",
            "3\t1\tsrc/a.rs",
            "-\t-\tlogo.png",
            "0\t0\t\0old\0new\0",
        ]
        .join("\0");
        let seen: Vec<_> = parse_changes(&listed)
            .unwrap()
            .into_iter()
            .map(|change| (change.path.to_string(), change.status, change.added, change.removed))
            .collect();
        let old = Status::Renamed { from: "old".parse().unwrap() };
        assert_eq!(
            seen,
            [
                ("src/a.rs".to_owned(), Status::Modified, Some(3), Some(1)),
                ("logo.png".to_owned(), Status::Added, None, None),
                ("new".to_owned(), old, Some(0), Some(0)),
            ]
        );
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for listed in [":100644 100644 a b X\0path\0", ":100644 100644 a b M\0", ":1 2 a b M\0../up\0"] {
            assert!(parse_changes(listed).is_err(), "{listed:?}");
        }
    }
}
