//! Files of a tree: which there are, and what they hold.
//!
//! Many are read by one run of git, because a run for each is what makes a search slow.

use std::collections::BTreeMap;

use crate::artifact::{RepoPath, TreeId};

use super::{Error, Repo};

/// Bytes of content asked of one run of git, so that its answer stays far below what a call may answer.
const AT_ONCE: u64 = 16 * 1024 * 1024;

impl Repo {
    /// The content of a path in a tree; `None` if no file is there.
    pub async fn read_blob(&self, tree: &TreeId, path: &RepoPath) -> Result<Option<Vec<u8>>, Error> {
        let args = ["ls-tree", "-z", "--long", "--full-tree", &tree.0, "--", path.as_str()];
        let listed = self.call().args(args).bytes().await?;
        let Some(blob) = entries(&listed).find_map(|entry| Blob::read(entry).map(|(_, blob)| blob)) else {
            return Ok(None);
        };
        self.call().args(["cat-file", "blob", blob.id]).bytes().await.map(Some)
    }

    /// Hands the content of these files of a tree to `each`, in their order. A path where no file is, or one
    /// above `most` bytes, is passed over.
    pub async fn read_blobs(
        &self,
        tree: &TreeId,
        paths: &[RepoPath],
        most: u64,
        mut each: impl FnMut(&RepoPath, &[u8]),
    ) -> Result<(), Error> {
        let listed =
            self.call().args(["ls-tree", "-r", "-z", "--long", "--full-tree", &tree.0]).bytes().await?;
        let blobs: BTreeMap<_, _> = entries(&listed).filter_map(Blob::read).collect();
        let wanted = paths.iter().filter_map(|path| Some((path, blobs.get(path.as_str())?)));
        let wanted: Vec<_> = wanted.filter(|(_, blob)| blob.size <= most).collect();
        let mut rest = wanted.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(fitting(rest.iter().map(|(_, blob)| blob.size)));
            let ids: String = now.iter().flat_map(|(_, blob)| [blob.id, "\n"]).collect();
            let answer = self.call().args(["cat-file", "--batch"]).input(ids.into_bytes()).bytes().await?;
            let mut left = answer.as_slice();
            for (path, blob) in now {
                let (content, after) = next_content(left).ok_or_else(|| not_understood(blob.id))?;
                each(path, content);
                left = after;
            }
            rest = later;
        }
        Ok(())
    }

    /// Every file of a tree, in order. What is not UTF-8 in a name is replaced: such a file is seen and cannot
    /// be read by that name.
    pub async fn list_tree(&self, tree: &TreeId) -> Result<Vec<RepoPath>, Error> {
        let args = ["ls-tree", "-r", "-z", "--full-tree", "--name-only", &tree.0];
        let listed = self.call().args(args).bytes().await?;
        entries(&listed)
            .map(|name| {
                let name = String::from_utf8_lossy(name);
                name.parse().ok().ok_or_else(|| not_understood(&name))
            })
            .collect()
    }
}

/// One file, as `ls-tree --long` lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Blob<'a> {
    id: &'a str,
    size: u64,
}

impl<'a> Blob<'a> {
    /// Reads `mode blob id size<tab>path`; `None` for what is no file.
    fn read(entry: &'a [u8]) -> Option<(String, Self)> {
        let tab = entry.iter().position(|byte| *byte == b'\t')?;
        let (facts, path) = entry.split_at_checked(tab)?;
        let mut facts = std::str::from_utf8(facts).ok()?.split_ascii_whitespace().skip(1);
        let ("blob", id, size) = (facts.next()?, facts.next()?, facts.next()?.parse().ok()?) else {
            return None;
        };
        Some((String::from_utf8_lossy(path.get(1..)?).into_owned(), Self { id, size }))
    }
}

/// The parts of an answer that end with a zero byte.
pub(super) fn entries(listed: &[u8]) -> impl Iterator<Item = &[u8]> {
    listed.split(|byte| *byte == 0).filter(|entry| !entry.is_empty())
}

/// How many of these fit into one run; at least one.
fn fitting(sizes: impl Iterator<Item = u64>) -> usize {
    let mut sum = 0;
    sizes
        .take_while(|size| {
            let is_first = sum == 0;
            sum += size + 1;
            is_first || sum <= AT_ONCE
        })
        .count()
}

/// The first of the contents that `cat-file --batch` answers (`id blob size`, the content, a newline), and the rest.
fn next_content(answer: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = answer.iter().position(|byte| *byte == b'\n')?;
    let mut head = std::str::from_utf8(answer.get(..end)?).ok()?.rsplit(' ');
    let size: usize = head.next()?.parse().ok()?;
    let (content, rest) = answer.get(end + 1..)?.split_at_checked(size)?;
    Some((content, rest.get(1..)?))
}

fn not_understood(answer: &str) -> Error {
    Error::Answer { what: "ls-tree".to_owned(), answer: answer.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_whatever_its_name_holds() {
        let id = "ce013625030ba8dba906f756967f9e9ca394464a";
        let read = |entry: &'static [u8]| Blob::read(entry);
        let named = |name: &str, size| Some((name.to_owned(), Blob { id, size }));
        let check = |entry: &'static [u8], expected| assert_eq!(read(entry), expected, "{entry:?}");
        check(b"100644 blob ce013625030ba8dba906f756967f9e9ca394464a      6\ta\tb\nc", named("a\tb\nc", 6));
        check(b"120000 blob ce013625030ba8dba906f756967f9e9ca394464a      6\t\xff", named("\u{fffd}", 6));
        check(b"160000 commit ce013625030ba8dba906f756967f9e9ca394464a      -\tsub", None);
    }

    #[test]
    fn contents_are_told_apart_by_their_size() {
        let answer = b"aa blob 4\na\nb\n\nbb blob 0\n\ncc blob 9\nshort";
        let (first, rest) = next_content(answer).unwrap();
        let (second, rest) = next_content(rest).unwrap();
        assert_eq!((first, second), (&b"a\nb\n"[..], &b""[..]));
        assert_eq!(next_content(rest), None);
        assert_eq!(next_content(b"aa missing\n"), None);
    }

    #[test]
    fn a_run_is_asked_for_as_much_as_fits_and_for_one_at_least() {
        assert_eq!(fitting([AT_ONCE + 1, 1].into_iter()), 1);
        assert_eq!(fitting([AT_ONCE / 2, AT_ONCE / 4, AT_ONCE / 2].into_iter()), 2);
        assert_eq!(fitting([0, 0, 0].into_iter()), 3);
    }
}
