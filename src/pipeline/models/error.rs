//! Why models cannot be built.

use super::Model;
use crate::error::{Exit, Failure};
use crate::pipeline::warehouse;

/// Why models cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A template does not render.
    #[error("cannot render `{place}`")]
    Template {
        /// The file.
        place: String,
        /// What is wrong, with its line.
        source: minijinja::Error,
    },
    /// A model's name is no table's name.
    #[error("`{place}` cannot be a model: {why}")]
    Name {
        /// The file.
        place: String,
        /// What is wrong with its name.
        why: String,
    },
    /// Models read each other in a circle.
    #[error("models read each other in a circle: {}", names.join(" -> "))]
    Cycle {
        /// The circle, its first name again at the end.
        names: Vec<String>,
    },
    /// DuckDB refuses a model.
    #[error("cannot build `{place}`")]
    Sql {
        /// The file.
        place: String,
        /// What DuckDB said.
        source: warehouse::Error,
    },
    /// The key of an incremental model names a column that it does not have.
    #[error("the key of `{place}` has `{column}`, which is no column of it")]
    KeyColumn {
        /// The file.
        place: String,
        /// The column.
        column: String,
        /// The column that was probably meant.
        hint: Option<String>,
    },
    /// A model names one that is built after it.
    #[error("`{place}` reads the model `{name}` without `ref`")]
    Later {
        /// The file.
        place: String,
        /// The model that it reads.
        name: String,
    },
    /// Rows of an incremental model share a key.
    #[error("`{place}` gives {rows} rows of the key {key}")]
    Doubled {
        /// The file.
        place: String,
        /// One such key, with its columns.
        key: String,
        /// How many rows there are of it.
        rows: u64,
    },
    /// The warehouse failed.
    #[error(transparent)]
    Warehouse(#[from] warehouse::Error),
}

impl Error {
    /// What DuckDB refused while a model was built is that model's matter.
    pub(super) fn of(self, model: &Model) -> Self {
        match self {
            Self::Warehouse(source) => Self::Sql { place: model.place.clone(), source },
            other => other,
        }
    }
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Warehouse(error) => error.exit(),
            _ => Exit::Usage,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Warehouse(error) | Self::Sql { source: error, .. } => error.hints(),
            Self::KeyColumn { hint, .. } => hint.iter().cloned().collect(),
            Self::Doubled { .. } => {
                vec!["let it give each key once, or name more columns as its `key`".to_owned()]
            }
            Self::Later { name, .. } => {
                vec![format!("write {{{{ ref('{name}') }}}}, so that `{name}` is built before it")]
            }
            Self::Template { .. } | Self::Name { .. } | Self::Cycle { .. } => Vec::new(),
        }
    }
}
