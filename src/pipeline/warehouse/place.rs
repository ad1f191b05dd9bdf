//! Where a warehouse is: a file, or behind an address that one of DuckDB's extensions understands.
//!
//! The loader says BEGIN, DELETE, INSERT, COMMIT and appends, which all of them take. What is behind an
//! address is attached like a file; its credentials are DuckDB's own affair (its persistent secrets, or
//! the variables that its extensions read), so that planwright never holds them. Only `duckdb:` has been
//! tried: the others need an extension that DuckDB fetches itself, and a server.

use std::fmt;
use std::path::{Path, PathBuf};

use super::Error;
use crate::config::settings::Places;

/// Where a warehouse is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file of this machine.
    File(PathBuf),
    /// Behind an address.
    Address(Address),
}

/// An address that DuckDB attaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// What understands it.
    pub(super) engine: Engine,
    /// The address, as the person wrote it.
    pub(super) url: String,
}

impl Address {
    /// What DuckDB attaches: of a file its path, of all others the whole address.
    pub(super) fn target(&self) -> &str {
        self.url.strip_prefix(DUCKDB).unwrap_or(&self.url)
    }
}

/// What stands behind an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    /// A DuckDB file, attached as the others are.
    Duckdb,
    /// Parquet files with a catalog in SQL.
    Ducklake,
    /// DuckDB in the cloud.
    Motherduck,
    /// A DuckDB server.
    Quack,
}

/// What the addresses of files begin with, which is no part of them for DuckDB.
const DUCKDB: &str = "duckdb:";

/// The beginning of each engine's addresses.
const ENGINES: [(&str, Engine); 4] = [
    (DUCKDB, Engine::Duckdb),
    ("ducklake:", Engine::Ducklake),
    ("md:", Engine::Motherduck),
    ("quack:", Engine::Quack),
];

impl Engine {
    /// The extension that understands its addresses.
    pub(super) const fn extension(self) -> Option<&'static str> {
        match self {
            Self::Duckdb => None,
            Self::Ducklake => Some("ducklake"),
            Self::Motherduck => Some("motherduck"),
            Self::Quack => Some("quack"),
        }
    }
}

impl Place {
    /// Where the settings say it is.
    pub fn of(places: &Places) -> Result<Self, Error> {
        let Some(url) = &places.warehouse_url else { return Ok(Self::File(places.warehouse.clone())) };
        let found = ENGINES.iter().find(|(begin, _)| url.starts_with(begin) && url.len() > begin.len());
        let (_, engine) = found.ok_or_else(|| Error::Address {
            url: shown(url).to_owned(),
            known: ENGINES.map(|(begin, _)| begin).to_vec(),
        })?;
        Ok(Self::Address(Address { engine: *engine, url: url.clone() }))
    }

    /// The file, where it is one that other processes open too.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Address(_) => None,
        }
    }

    /// Whether it is certain that there is none yet.
    pub fn is_missing(&self) -> bool {
        self.file().is_some_and(|path| !path.exists())
    }

    /// How messages name it, as a path: what an address asks for is left out, for it may hold a secret.
    pub(super) fn named(&self) -> PathBuf {
        PathBuf::from(self.to_string())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Address(address) => f.write_str(shown(&address.url)),
        }
    }
}

impl From<PathBuf> for Place {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<&PathBuf> for Place {
    fn from(path: &PathBuf) -> Self {
        Self::File(path.clone())
    }
}

fn shown(url: &str) -> &str {
    url.split_once('?').map_or(url, |(place, _)| place)
}
