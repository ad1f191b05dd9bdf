//! The client of GitHub, of an Enterprise Server, and of the embedded hub: one dialect, one code path.
//!
//! octocrab makes the requests over the HTTP client that `net` built. When a request may go is said by
//! the [`governor`]; what an answer means stands in `rules`, what is done about it (wait, try again,
//! give up) is decided in `rate`, both pure, and carried out by the one send loop of [`Client`].
//! octocrab's own retry is off, because it resends creates.
//!
//! Reads are raw and lenient, because octocrab's models know no parent of an issue and refuse thin
//! bodies; writes are octocrab's typed calls. A create is never sent twice unless it is certain that
//! the first one did nothing: otherwise it ends as [`Error::Unknown`], and the caller looks before it
//! tries again. This module knows no plans, no builds and no markers.

mod alike;
pub mod app;
mod client;
mod connect;
mod error;
pub mod governor;
mod graphql;
mod issue;
mod page;
mod purse;
mod rate;
mod repo;
mod rules;
mod send;
mod share;

pub use app::{App, Installation};
pub use client::{Client, Identity};
pub use error::Error;
pub use governor::Governor;
pub use graphql::Question;
pub use issue::{Comment, Edit, Issue, IssueQuery, NewIssue, State, StateChange};
pub use page::{RawPage, Terms};
pub use repo::{NewPull, Pull, Repo, User};
pub use rules::Denial;
