//! Opening a warehouse: with bounded memory and threads, and closed to all but tables wherever SQL from a
//! repository or a model runs.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use duckdb::{Config, Connection};

use super::{Address, Error, Guard, Place, Warehouse, literal, place};
use crate::fs;

/// Rows of a row group in the file. DuckDB writes a whole row group straight to the file, compressed, and
/// what is less to the log first and to the file later: with its default of 122,880 rows a load of
/// GitHub's large rows takes twice the time and holds all of them in memory.
pub(crate) const ROW_GROUP: usize = 4_096;

/// How a warehouse is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Memory DuckDB may use, as it writes it: `1GB`.
    pub memory_limit: String,
    /// Threads DuckDB may use.
    pub threads: u32,
    /// What SQL may reach besides the warehouse.
    pub access: Access,
    /// Whether it may change.
    pub mode: Mode,
}

impl Options {
    /// Confined, for reading and writing, within these bounds.
    pub fn confined(memory_limit: &str, threads: u32) -> Self {
        Self {
            memory_limit: memory_limit.to_owned(),
            threads,
            access: Access::Confined,
            mode: Mode::ReadWrite,
        }
    }
}

/// What SQL may reach besides the warehouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing: for SQL that comes from a repository or a model.
    Confined,
    /// Files of the person who typed it.
    Free,
}

/// Whether a warehouse may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is created if it is not there, and this process alone holds it.
    ReadWrite,
    /// It must be there, and others may read it too.
    ReadOnly,
}

impl Warehouse {
    /// Opens the database at a place.
    pub fn open(place: impl Into<Place>, options: &Options) -> Result<Self, Error> {
        match place.into() {
            Place::File(path) => Self::open_file(&path, options),
            Place::Address(address) => Self::attach(&address, options),
        }
    }

    /// Opens what stands behind an address. The extension that it needs is fetched if it is not there.
    fn attach(address: &Address, options: &Options) -> Result<Self, Error> {
        let named = Place::Address(address.clone()).named();
        let failed = |error| Error::opening(&named, error);
        let config = config(Config::default().with("temp_directory", "").map_err(failed)?, options);
        let connection = Connection::open_in_memory_with_flags(config.map_err(failed)?).map_err(failed)?;
        if let Some(extension) = address.engine.extension() {
            let load = || connection.execute_batch(&format!("LOAD {extension}"));
            load().or_else(|_missing| {
                let fetched = connection.execute_batch(&format!("INSTALL {extension}"));
                fetched.and_then(|()| load()).map_err(|error| Error::no_extension(extension, error))
            })?;
        }
        let mode = match (options.mode, address.engine) {
            (Mode::ReadOnly, place::Engine::Duckdb) => " (READ_ONLY)",
            _ => "",
        };
        let attach = format!("ATTACH {} AS warehouse{mode}; USE warehouse", literal(address.target()));
        connection.execute_batch(&attach).map_err(failed)?;
        connection.execute_batch("SET lock_configuration = true").map_err(Error::sql)?;
        let guard = if options.access == Access::Confined { Guard::Words } else { Guard::Engine };
        Ok(Self { connection: Arc::new(Mutex::new(connection)), guard, is_native: false })
    }

    fn open_file(path: &Path, options: &Options) -> Result<Self, Error> {
        match options.mode {
            Mode::ReadOnly if !path.exists() => return Err(Error::NotThere { path: path.to_owned() }),
            Mode::ReadOnly => {}
            Mode::ReadWrite => fs::create_folder(path.parent().unwrap_or(Path::new(".")))?,
        }
        let failed = |error| Error::opening(path, error);
        let spill = literal(&format!("{}.tmp", path.display()));
        let mode = match options.mode {
            Mode::ReadWrite => format!("ROW_GROUP_SIZE {ROW_GROUP}"),
            Mode::ReadOnly => "READ_ONLY".to_owned(),
        };
        let connection =
            Connection::open_in_memory_with_flags(config(Config::default(), options).map_err(failed)?);
        let connection = connection.map_err(failed)?;
        let attach = format!(
            "SET temp_directory = {spill}; SET max_vacuum_tasks = 0; ATTACH {} AS warehouse ({mode}); USE warehouse",
            literal(&path.display().to_string())
        );
        connection.execute_batch(&attach).map_err(failed)?;
        Self::ready(connection, options)
    }

    /// A database that lives and dies with this value.
    pub fn in_memory(options: &Options) -> Result<Self, Error> {
        // Nothing is spilled to the folder it happens to run in. This must be set before access is closed.
        let config = || config(Config::default().with("temp_directory", "")?, options);
        let open = || Connection::open_in_memory_with_flags(config()?);
        Self::ready(open().map_err(|error| Error::opening(&PathBuf::from(":memory:"), error))?, options)
    }

    /// Closes what SQL may reach, for good. Of all settings, one stays open that reaches nothing.
    fn ready(connection: Connection, options: &Options) -> Result<Self, Error> {
        if options.access == Access::Confined {
            connection.execute_batch("SET enable_external_access = false").map_err(Error::sql)?;
        }
        let close = "SET allowed_configs = ['max_vacuum_tasks']; SET lock_configuration = true";
        connection.execute_batch(close).map_err(Error::sql)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), guard: Guard::Engine, is_native: true })
    }
}

fn config(begun: Config, options: &Options) -> duckdb::Result<Config> {
    begun
        .enable_autoload_extension(false)?
        .max_memory(&options.memory_limit)?
        .threads(i64::from(options.threads.max(1)))?
        .custom_user_agent("planwright")
}
