//! The pack: what of a project is put before a model, within a budget, and the list of what was not.
//!
//! Reading is capped and lazy: paths decide first, contents are looked at only where the budget is
//! large enough for it to matter. Secrets are taken out here, before anything is sent. A pack informs;
//! nothing in it is an instruction.

mod outline;
mod pack;
mod rank;
pub mod secrets;
pub mod tokens;
pub mod walk;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use pack::Packer;
pub use pack::{Included, LeftOut, Pack};
use rank::{Class, Ranked, Words};

use crate::artifact::RepoPath;
use crate::config::settings::Context;
use crate::error::{Exit, Failure};

/// Bytes read of one file.
const FILE_BYTES: u64 = 256 * 1024;
/// Below this budget files are chosen by their paths alone.
const CONTENT_BUDGET: u64 = 6_000;
/// Files, and bytes of each, that are searched for the words of a goal.
const SEARCHED_FILES: usize = 800;
const SEARCHED_BYTES: u64 = 24 * 1024;

/// A pack that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A glob of `context.exclude` does not parse.
    #[error("`{pattern}` in `context.exclude` is not a glob")]
    Glob {
        /// The glob.
        pattern: String,
        /// What is wrong with it.
        source: globset::Error,
    },
    /// A document the user named cannot be read.
    #[error("cannot use the document `{}`", path.display())]
    Document {
        /// As the user named it.
        path: PathBuf,
        /// Why not.
        source: crate::fs::Error,
    },
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Glob { pattern, .. } => {
                vec![format!("mend `{pattern}` under `[context]` in planwright.toml")]
            }
            Self::Document { .. } => Vec::new(),
        }
    }
}

/// Makes the pack for a goal: guides, the user's documents, manifests, then what the goal speaks of.
pub fn pack(root: &Path, settings: &Context, documents: &[PathBuf], goal: &str) -> Result<Pack, Error> {
    let walk = walk::walk(root, &settings.exclude)?;
    let mut packer = Packer::new(settings.budget_tokens);
    let tree = outline::outline(&walk.files, packer.room_for_tree());
    let words = Words::of(goal, &walk.files);
    let mut ranked = rank::rank(walk.files, &words);
    if settings.budget_tokens >= CONTENT_BUDGET && !words.is_empty() {
        look_inside(root, &words, &mut ranked);
    }
    let sources = ranked.partition_point(|one| one.class == Class::Guide);
    let (guides, rest) = ranked.split_at(sources);
    offer(&mut packer, root, guides);
    for document in documents {
        offer_document(&mut packer, root, document)?;
    }
    offer(&mut packer, root, rest);
    for path in &walk.secret {
        packer.leave(path.as_str(), "its name says that it holds secrets");
    }
    if walk.cut {
        packer.leave("other files", format!("the project has more than {} files", walk::MOST_FILES));
    }
    let written = ranked.iter().filter(|one| one.class != Class::Generated).map(|one| one.path.as_str());
    Ok(packer.finish(&tree, &written.collect()))
}

fn offer(packer: &mut Packer, root: &Path, ranked: &[Ranked]) {
    for one in ranked {
        let share = match one.class {
            Class::Guide => 3,
            Class::Manifest => 10,
            Class::Source if one.score > 0.0 => 5,
            _ => continue,
        };
        let path = one.path.as_str();
        if packer.is_full() {
            packer.offer(path, "", share);
            continue;
        }
        match read(&one.path.under(root), FILE_BYTES) {
            Ok(Some(text)) => packer.offer(path, &text, share),
            Ok(None) => packer.leave(path, "not text"),
            Err(_) => packer.leave(path, "cannot be read"),
        }
    }
}

/// A document or a folder of them. The user named it, so one that cannot be read is an error.
fn offer_document(packer: &mut Packer, root: &Path, document: &Path) -> Result<(), Error> {
    let failed = |source| Error::Document { path: document.to_owned(), source };
    let shown = |path: &Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
    if document.is_dir() {
        let walk = walk::walk(document, &[])?;
        for path in walk.files {
            let path = path.under(document);
            match read(&path, FILE_BYTES).map_err(failed)? {
                Some(text) => packer.offer(&shown(&path), &text, 4),
                None => packer.leave(&shown(&path), "not text"),
            }
        }
        for path in walk.secret {
            packer.leave(&shown(&path.under(document)), "its name says that it holds secrets");
        }
        return Ok(());
    }
    match read(document, FILE_BYTES * 16).map_err(failed)? {
        Some(text) => packer.offer(&shown(document), &text, 3),
        None => packer.leave(&shown(document), "not text; give it as Markdown or plain text"),
    }
    Ok(())
}

/// Adds to each source's score what its text has of the goal's words.
fn look_inside(root: &Path, words: &Words, ranked: &mut [Ranked]) {
    let patterns: Vec<String> = words.iter().map(|word| format!("({})", regex::escape(word))).collect();
    let finder = regex::RegexBuilder::new(&patterns.join("|")).case_insensitive(true).unicode(false).build();
    let Ok(finder) = finder else { return };
    let sources = ranked.iter_mut().filter(|one| one.class == Class::Source).take(SEARCHED_FILES);
    for one in sources {
        let Ok(Some(text)) = read(&one.path.under(root), SEARCHED_BYTES) else { continue };
        let mut counts = vec![0_u32; patterns.len()];
        for found in finder.find_iter(&text).take(200) {
            let found = found.as_str().to_ascii_lowercase();
            if let Some(count) =
                words.iter().position(|word| word == found).and_then(|index| counts.get_mut(index))
            {
                *count += 1;
            }
        }
        one.score += words.in_text(|index| counts.get(index).copied().unwrap_or(0));
    }
    rank::sort(ranked);
}

/// The start of a text file; `None` where it is not text.
fn read(path: &Path, cap: u64) -> Result<Option<String>, crate::fs::Error> {
    let failed = |source| crate::fs::Error::new("read", path, source);
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(cap).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.iter().take(8_192).any(|byte| *byte == 0) {
        return Ok(None);
    }
    let was_cut = bytes.len() as u64 == cap;
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        // A character may be cut by the cap; anything else is another encoding.
        Err(error) if error.utf8_error().error_len().is_none() => {
            String::from_utf8_lossy(error.as_bytes()).trim_end_matches('\u{fffd}').to_owned()
        }
        Err(_) => return Ok(None),
    };
    Ok(Some(if was_cut { format!("{text}\n[… only the first {cap} bytes were read …]\n") } else { text }))
}

/// Whether a path could be shown to a model by its name alone; what reads files for one asks first.
pub fn may_read(path: &RepoPath) -> bool {
    !walk::is_secret(path)
}
