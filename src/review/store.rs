//! Verdicts on disk: one file for each tree, `verdicts/<tree>.json`.
//!
//! A verdict is taken from here instead of asking again when nothing that made it differs: the tree,
//! the tree it was compared with, the prompts, the reviewer, and what the change was said to be for.
//! A refusal is remembered like a pass, so that asking twice is no way through the gate.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::artifact::verdict::Decision;
use crate::artifact::{TreeId, Verdict};
use crate::fs;

/// A verdict and what it was made with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// The verdict.
    pub verdict: Verdict,
    /// What it was made with.
    pub made_with: MadeWith,
}

/// What a verdict depends on besides its tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeWith {
    /// The tree it was compared with.
    pub base: TreeId,
    /// Digest of the reviewer's prompts.
    pub prompts: String,
    /// The reviewing model.
    pub reviewer: String,
    /// Digest of the issue and its criteria; `None` when the change was reviewed by itself.
    pub subject: Option<String>,
}

impl MadeWith {
    /// Whether a verdict made with `self` answers what `asked` asks. One that knew the issue serves a
    /// question without one, never the other way round.
    pub fn answers(&self, asked: &Self) -> bool {
        let subject_serves = asked.subject.is_none() || asked.subject == self.subject;
        subject_serves
            && (&self.base, &self.prompts, &self.reviewer) == (&asked.base, &asked.prompts, &asked.reviewer)
    }
}

/// A short digest of texts, for [`MadeWith`].
pub fn digest(texts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    }
    let mut text = hex::encode(hash.finalize());
    text.truncate(16);
    text
}

/// Keeps a verdict. One that could not be made is not kept.
pub fn save(state: &Path, stored: &Stored) -> Result<(), fs::Error> {
    if matches!(stored.verdict.decision, Decision::Unreviewed(_)) {
        return Ok(());
    }
    let path = path(state, &stored.verdict.tree);
    let text = serde_json::to_vec_pretty(stored)
        .map_err(|source| fs::Error::new("write", &path, std::io::Error::other(source)))?;
    fs::write(&path, &text)
}

/// The verdict kept for `tree`. A file that does not parse, or speaks of another tree, is none.
pub fn load(state: &Path, tree: &TreeId) -> Result<Option<Stored>, fs::Error> {
    let Some(text) = fs::read_text_if_exists(&path(state, tree))? else {
        return Ok(None);
    };
    let stored: Option<Stored> = serde_json::from_str(&text).ok();
    Ok(stored.filter(|stored| stored.verdict.tree == *tree && stored.verdict.version == Verdict::VERSION))
}

fn path(state: &Path, tree: &TreeId) -> PathBuf {
    state.join("verdicts").join(format!("{tree}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(decision: Decision) -> Stored {
        let verdict = Verdict {
            version: Verdict::VERSION,
            tree: TreeId("aa".into()),
            base: Some(TreeId("bb".into())),
            decision,
            findings: vec![],
            not_seen: vec![],
            reviewer: "m".into(),
            at: jiff::Timestamp::UNIX_EPOCH,
        };
        Stored { verdict, made_with: made_with(None) }
    }

    fn made_with(subject: Option<&str>) -> MadeWith {
        MadeWith {
            base: TreeId("bb".into()),
            prompts: "p".into(),
            reviewer: "m".into(),
            subject: subject.map(str::to_owned),
        }
    }

    #[test]
    fn a_pass_and_a_refusal_are_kept_and_no_review_is_not() {
        let state = tempfile::tempdir().unwrap();
        for decision in [Decision::Pass, Decision::Block] {
            let kept = stored(decision);
            save(state.path(), &kept).unwrap();
            assert_eq!(load(state.path(), &TreeId("aa".into())).unwrap(), Some(kept));
        }
        let other = tempfile::tempdir().unwrap();
        save(other.path(), &stored(Decision::Unreviewed("529".into()))).unwrap();
        assert_eq!(load(other.path(), &TreeId("aa".into())).unwrap(), None);
    }

    #[test]
    fn a_damaged_or_moved_file_is_no_verdict() {
        let state = tempfile::tempdir().unwrap();
        save(state.path(), &stored(Decision::Pass)).unwrap();
        let text = fs::read(&path(state.path(), &TreeId("aa".into()))).unwrap();
        fs::write(&path(state.path(), &TreeId("cc".into())), &text).unwrap();
        assert_eq!(load(state.path(), &TreeId("cc".into())).unwrap(), None);
        fs::write(&path(state.path(), &TreeId("aa".into())), &text[..text.len() / 2]).unwrap();
        assert_eq!(load(state.path(), &TreeId("aa".into())).unwrap(), None);
    }

    #[test]
    fn a_verdict_that_knew_the_issue_serves_the_hook_and_not_the_reverse() {
        assert!(made_with(Some("34")).answers(&made_with(None)));
        assert!(made_with(Some("34")).answers(&made_with(Some("34"))));
        assert!(!made_with(None).answers(&made_with(Some("34"))));
        assert!(!made_with(Some("33")).answers(&made_with(Some("34"))));
    }
}
