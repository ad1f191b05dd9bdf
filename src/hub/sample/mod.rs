//! The sample account: a synthetic GitHub account of any size, for trying and benchmarking `sync`.
//!
//! Nothing of it is kept, on disk or in memory. A row is a function of its index: who wrote it, when, its
//! labels, its links; so a page is found by arithmetic wherever it lies (`series`), described by the rows
//! on it (`sheet`, which is also where its tag comes from), and written straight into bytes from shapes with
//! blanks (`shape`). The same sizes give the same account, byte for byte, at every start.
//!
//! Rows are as full as GitHub's own: about 3.3 kB for an issue and for a comment, so that four repositories
//! with 6,000 issues and 25,000 comments are about 102 MB of JSON. It can only be read, and it has one day
//! of history: started again with `changed`, the changed rows come after everything else.

mod account;
mod activity;
mod blanks;
mod families;
mod marks;
mod nodes;
mod prose;
mod routes;
mod scene;
mod series;
mod shape;
mod sheet;
mod spread;
mod visit;

pub use account::{Account, Error};
pub(super) use nodes::place;
pub(super) use routes::answer;
pub(super) use scene::Base;
pub(super) use sheet::Sheet;
