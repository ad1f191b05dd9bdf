//! What DuckDB says, parsed once into facts that callers and people can act on.

use std::path::{Path, PathBuf};

use crate::error::{Exit, Failure};
use crate::fs;

/// Why the warehouse did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no database yet.
    #[error("there is no warehouse at `{}`", path.display())]
    NotThere {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Another process holds the file.
    #[error("the warehouse `{}` is in use by {}", path.display(), holder(*pid))]
    Locked {
        /// The file.
        path: PathBuf,
        /// The process that holds it, where DuckDB names it.
        pid: Option<u32>,
    },
    /// The file was written by a newer DuckDB.
    #[error("the warehouse `{}` was written by a newer DuckDB than this program holds", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// What DuckDB said.
        source: Engine,
    },
    /// The file is no DuckDB database, or a broken one.
    #[error("the warehouse `{}` is not a database that DuckDB can read", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What DuckDB said.
        source: Engine,
    },
    /// The file or its folder cannot be written.
    #[error("the warehouse `{}` cannot be written", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// What DuckDB said.
        source: Engine,
    },
    /// It cannot be opened for another reason.
    #[error("cannot open the warehouse `{}`", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What DuckDB said.
        source: Engine,
    },
    /// The disk has no room, or the person may fill no more of it.
    #[error("there is no room to write the warehouse")]
    Full {
        /// What DuckDB said.
        source: Engine,
    },
    /// DuckDB refused a statement.
    #[error("the warehouse refused the SQL")]
    Sql {
        /// What DuckDB said.
        source: Engine,
    },
    /// Something else than one SELECT stands where one must.
    #[error("the SQL is not exactly one SELECT")]
    NotASelect,
    /// DuckDB's parser does not understand the SQL.
    #[error("the SQL is not exactly one SELECT")]
    Unparsed {
        /// What it said.
        source: Engine,
    },
    /// No engine is known for an address.
    #[error("`{url}` is no address of a warehouse")]
    Address {
        /// What was given.
        url: String,
        /// What addresses begin with.
        known: Vec<&'static str>,
    },
    /// What understands an address is not there and cannot be fetched.
    #[error("DuckDB's extension `{extension}` is not installed and cannot be fetched")]
    NoExtension {
        /// The extension.
        extension: &'static str,
        /// What DuckDB said.
        source: Engine,
    },
    /// SQL of a pipeline reads more than tables where DuckDB cannot keep it from that.
    #[error("the SQL reads `{name}`, and behind an address a pipeline may read tables only")]
    Reaches {
        /// The function or path.
        name: String,
    },
    /// A newer planwright laid out the tables.
    #[error("the warehouse has layout {found}, and this planwright knows {known}")]
    Layout {
        /// What it has.
        found: u32,
        /// What this program knows.
        known: u32,
    },
    /// Two pipelines want the same table.
    #[error("the table `{table}` belongs to the pipeline `{by}`")]
    Taken {
        /// The table.
        table: String,
        /// The pipeline that fills it.
        by: String,
    },
    /// The thread that writes died.
    #[error("the warehouse's writer died")]
    Writer,
    /// The warehouse's folder cannot be made.
    #[error(transparent)]
    Folder(#[from] fs::Error),
}

/// A message of DuckDB's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Engine(pub String);

impl Error {
    pub(super) fn sql(error: duckdb::Error) -> Self {
        Self::of_statement(text(error))
    }

    fn of_statement(message: String) -> Self {
        let full = ["No space left on device", "File too large", "Disk quota exceeded"];
        let is_full = full.iter().any(|part| message.contains(part));
        let source = Engine(message);
        if is_full { Self::Full { source } } else { Self::Sql { source } }
    }

    pub(super) fn opening(path: &Path, error: duckdb::Error) -> Self {
        Self::of_opening(path, text(error))
    }

    pub(super) fn no_extension(extension: &'static str, error: duckdb::Error) -> Self {
        Self::NoExtension { extension, source: Engine(text(error)) }
    }

    fn of_opening(path: &Path, message: String) -> Self {
        let path = path.to_owned();
        let says = |part: &str| message.contains(part);
        if says("Could not set lock") {
            return Self::Locked { path, pid: pid(&message) };
        }
        let newer = says("newer version") || says("Trying to read a database file with version number");
        let corrupt = says("not a valid DuckDB database") || says("Corrupt") || says("checksum");
        let unwritable = says("Permission denied") || says("Read-only file system") || says("read-only");
        let source = Engine(message);
        if newer {
            Self::Newer { path, source }
        } else if corrupt {
            Self::Corrupt { path, source }
        } else if unwritable {
            Self::ReadOnly { path, source }
        } else {
            Self::Open { path, source }
        }
    }
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Sql { .. }
            | Self::NotASelect
            | Self::Taken { .. }
            | Self::Address { .. }
            | Self::Reaches { .. } => Exit::Usage,
            _ => Exit::Unable,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::NotThere { .. } => vec!["`planwright sync` fills it".to_owned()],
            Self::Address { known, .. } => vec![format!("`warehouse.url` begins with {}", known.join(", "))],
            Self::NoExtension { .. } => vec![
                "it is fetched once, from the network; or leave `warehouse.url` unset for a file".to_owned(),
            ],
            Self::Taken { .. } => {
                vec!["name the resource otherwise, or set PLANWRIGHT_WAREHOUSE to another file".to_owned()]
            }
            Self::Locked { .. } => vec!["wait until it ends; one process writes at a time".to_owned()],
            Self::Full { .. } => {
                vec![
                    "make room and sync again; what was loaded is kept, and it goes on from there".to_owned(),
                ]
            }
            Self::Newer { .. } | Self::Layout { .. } => {
                vec![
                    "use the planwright that wrote it, or set PLANWRIGHT_WAREHOUSE to another file"
                        .to_owned(),
                ]
            }
            Self::Corrupt { path, .. } => {
                vec![format!(
                    "move it away and sync again: mv {0} {0}.broken && planwright sync --full",
                    path.display()
                )]
            }
            Self::ReadOnly { path, .. } => vec![format!(
                "make `{}` and its folder writable, or set PLANWRIGHT_WAREHOUSE to another file",
                path.display()
            )],
            Self::Folder(error) => error.hints(),
            _ => Vec::new(),
        }
    }
}

fn text(error: duckdb::Error) -> String {
    match error {
        duckdb::Error::DuckDBFailure(_, Some(message)) => message,
        other => other.to_string(),
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

fn pid(message: &str) -> Option<u32> {
    let (_, rest) = message.split_once("PID ")?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &str) -> String {
        Error::of_opening(Path::new("/w.duckdb"), message.to_owned()).to_string()
    }

    #[test]
    fn what_duckdb_says_becomes_a_fact() {
        assert_eq!(
            check(
                "IO Error: Could not set lock on file \"/w.duckdb\": Conflicting lock is held in /usr/bin/planwright (PID 4711) by user ada."
            ),
            "the warehouse `/w.duckdb` is in use by process 4711"
        );
        assert_eq!(
            check(
                "IO Error: Trying to read a database file with version number 99, but we can only read versions between 64 and 67."
            ),
            "the warehouse `/w.duckdb` was written by a newer DuckDB than this program holds"
        );
        assert_eq!(
            check("IO Error: The file \"/w.duckdb\" exists, but it is not a valid DuckDB database file!"),
            "the warehouse `/w.duckdb` is not a database that DuckDB can read"
        );
        assert_eq!(
            check("IO Error: Cannot open file \"/w.duckdb\": Permission denied"),
            "the warehouse `/w.duckdb` cannot be written"
        );
    }
}
