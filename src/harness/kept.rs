//! Keeping the warehouse that a cassette made, so that a person can look into it after the test.
//!
//! The file bears a mark. A file without one is somebody else's and is never written over.

use std::path::{Path, PathBuf};

use crate::error::{Exit, Failure};
use crate::fs;
use crate::pipeline::store;
use crate::pipeline::warehouse::{self, Mode, Options, Warehouse};

/// The fact by which a kept warehouse is known.
const MARK: &str = "kept of cassette";

/// Why a warehouse cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file lies there that was not kept of a cassette.
    #[error("`{}` is there, and it was not kept of a cassette", path.display())]
    Another {
        /// The file.
        path: PathBuf,
    },
    /// The file of the last time cannot be removed.
    #[error(transparent)]
    File(#[from] fs::Error),
    /// The warehouse failed.
    #[error(transparent)]
    Warehouse(#[from] warehouse::Error),
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Another { .. } => Exit::Usage,
            Self::File(error) => error.exit(),
            Self::Warehouse(error) => error.exit(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Another { .. } => vec!["name another folder with `--keep`".to_owned()],
            Self::File(error) => error.hints(),
            Self::Warehouse(error) => error.hints(),
        }
    }
}

/// The file of a cassette.
pub(super) fn file(folder: &Path, cassette: &str) -> PathBuf {
    folder.join(format!("{cassette}.duckdb"))
}

/// Opens a new warehouse for a cassette; that of the last time goes.
pub(super) fn open(path: &Path, options: &Options) -> Result<Warehouse, Error> {
    if path.exists() {
        if !is_marked(path, options) {
            return Err(Error::Another { path: path.to_owned() });
        }
        fs::remove_file(path)?;
    }
    Ok(Warehouse::open(path, options)?)
}

/// Marks a warehouse as kept of this cassette.
pub(super) fn mark(warehouse: &Warehouse, cassette: &str) -> Result<(), Error> {
    Ok(warehouse.write(|writer| store::set_fact(writer, MARK, cassette))?)
}

fn is_marked(path: &Path, options: &Options) -> bool {
    let options = Options { mode: Mode::ReadOnly, ..options.clone() };
    Warehouse::open(path, &options).is_ok_and(|kept| store::fact(&kept, MARK).is_some())
}
