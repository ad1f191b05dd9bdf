//! Pipelines: from pages of an API to tables, models and data tests in a warehouse.
//!
//! A pipeline is a folder: `pipeline.toml` says what to read, `models/*.sql` what to make of it,
//! `tests/` what must hold, `cassettes/` what to replay offline, `snapshots/` what came of it. Pages come through [`Source`], so the
//! engine knows neither GitHub nor cassettes. Raw bodies land append-only, current state beside them,
//! and a page's rows, its cursor and its line in the request log are one transaction.

pub mod choice;
pub mod cursor;
pub mod data_tests;
mod derive;
pub mod desk;
pub mod extract;
pub mod folder;
pub mod forecast;
mod load;
pub mod models;
pub mod normalize;
pub mod outcome;
pub mod paging;
pub mod schema;
pub mod see;
pub mod snapshot;
pub mod source;
pub mod spec;
pub(crate) mod store;
pub mod table;
pub mod warehouse;

pub use folder::Folder;
pub use outcome::Outcome;
pub use source::Source;
pub use spec::Spec;
pub use table::Table;
