//! A pipeline's folder: the same files whether they are shipped in the binary or lie in a project.
//!
//! A project's `pipelines/<name>/` wins whole over the shipped one of that name; the two never mix.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use crate::error::{Exit, Failure};
use crate::fs;

static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/pipelines");

/// Subfolders that a pipeline is read from.
const PARTS: [&str; 5] = ["resources", "models", "tests", "cassettes", "snapshots"];

/// A pipeline's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// The pipeline's name: its folder's.
    pub name: String,
    /// How messages name the folder: its path, or `pipelines/<name>` for a shipped one.
    pub place: PathBuf,
    /// Where its files lie; `None` where they lie in the binary or in memory.
    pub root: Option<PathBuf>,
    files: BTreeMap<String, String>,
}

impl Folder {
    /// The pipeline of this name: the project's if it has one, else the shipped one.
    pub fn find(name: &str, overrides: Option<&Path>) -> Result<Self, Error> {
        if let Some(path) = overrides.map(|folder| folder.join(name)).filter(|path| path.is_dir()) {
            return Self::read(&path);
        }
        let dir = SHIPPED.get_dir(name).ok_or_else(|| Error::Unknown {
            name: name.to_owned(),
            known: Self::names(overrides).unwrap_or_default(),
        })?;
        let mut files = BTreeMap::new();
        collect_shipped(dir, Path::new(name), &mut files);
        Ok(Self { name: name.to_owned(), place: Path::new("pipelines").join(name), root: None, files })
    }

    /// The pipeline in this folder.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut files = BTreeMap::new();
        let tops = fs::list(path)?.into_iter().filter(|path| is_text(path));
        let parts = PARTS.iter().map(|part| fs::list(&path.join(part)));
        let parts: Vec<_> = parts.collect::<Result<_, _>>()?;
        for file in tops.chain(parts.into_iter().flatten().filter(|path| is_text(path))) {
            let relative = file.strip_prefix(path).unwrap_or(&file).to_string_lossy().replace('\\', "/");
            files.insert(relative, fs::read_text(&file)?);
        }
        Ok(Self { name, place: path.to_owned(), root: Some(path.to_owned()), files })
    }

    /// A pipeline made of files held in memory, by relative path.
    pub fn from_files(name: &str, files: impl IntoIterator<Item = (String, String)>) -> Self {
        let (place, files) = (PathBuf::from(name), files.into_iter().collect());
        Self { name: name.to_owned(), place, root: None, files }
    }

    /// The same pipeline with this file in it.
    #[must_use]
    pub fn with(mut self, relative: &str, text: &str) -> Self {
        self.files.insert(relative.to_owned(), text.to_owned());
        self
    }

    /// The same pipeline with this file as the only one of its part.
    #[must_use]
    pub fn only(&self, part: &str, file: &str) -> Self {
        let prefix = format!("{part}/");
        let stays = |path: &String| path == file || !path.starts_with(&prefix);
        let files = self.files.iter().filter(|(path, _)| stays(path));
        let files = files.map(|(path, text)| (path.clone(), text.clone())).collect();
        Self { files, ..self.clone() }
    }

    /// The names of all pipelines, shipped and the project's, sorted.
    pub fn names(overrides: Option<&Path>) -> Result<Vec<String>, Error> {
        let shipped = SHIPPED.dirs().filter_map(|dir| Some(dir.path().to_str()?.to_owned()));
        let mut names: Vec<_> = shipped.collect();
        if let Some(folder) = overrides {
            let own = fs::list(folder)?.into_iter().filter(|path| path.join("pipeline.toml").is_file());
            names.extend(own.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())));
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// The text of a file, by relative path.
    pub fn file(&self, relative: &str) -> Option<&str> {
        self.files.get(relative).map(String::as_str)
    }

    /// The files of one part that end in `extension`, as (stem, relative path, text), sorted by path.
    pub fn part<'a>(&'a self, part: &str, extension: &str) -> impl Iterator<Item = File<'a>> + use<'a> {
        let (prefix, suffix) = (format!("{part}/"), format!(".{extension}"));
        self.files.iter().filter_map(move |(path, text)| {
            let stem = path.strip_prefix(&prefix)?.strip_suffix(&suffix)?;
            Some(File { stem, path, text })
        })
    }

    /// How messages name a file of this folder.
    pub fn place_of(&self, relative: &str) -> String {
        self.place.join(relative).display().to_string()
    }
}

/// One file of a part.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    /// Its name without extension.
    pub stem: &'a str,
    /// Its path in the folder.
    pub path: &'a str,
    /// What it holds.
    pub text: &'a str,
}

fn is_text(path: &Path) -> bool {
    let known =
        |extension: &std::ffi::OsStr| ["toml", "sql", "jsonl", "md"].iter().any(|ext| extension == *ext);
    path.extension().is_some_and(known) && path.is_file()
}

fn collect_shipped(dir: &Dir<'_>, base: &Path, files: &mut BTreeMap<String, String>) {
    for file in dir.files() {
        let relative = file.path().strip_prefix(base).unwrap_or(file.path());
        if let Some(text) = file.contents_utf8() {
            files.insert(relative.to_string_lossy().replace('\\', "/"), text.to_owned());
        }
    }
    for child in dir.dirs() {
        collect_shipped(child, base, files);
    }
}

/// Why a pipeline's folder cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No pipeline has this name.
    #[error("there is no pipeline `{name}`")]
    Unknown {
        /// The name.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] fs::Error),
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Unknown { .. } => Exit::Usage,
            Self::File(error) => error.exit(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Unknown { known, .. } => vec![format!("the pipelines are {}", known.join(", "))],
            Self::File(error) => error.hints(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_pipeline_is_found_by_name_and_a_stranger_is_named() {
        let folder = Folder::find("github", None).unwrap();
        assert!(folder.file("pipeline.toml").is_some());
        assert!(folder.part("models", "sql").count() > 1);
        let error = Folder::find("gitlab", None).unwrap_err();
        assert_eq!(error.to_string(), "there is no pipeline `gitlab`");
        assert_eq!(error.hints(), ["the pipelines are github"]);
    }
}
