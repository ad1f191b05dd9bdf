//! Where pages come from: the trait by which a pipeline asks, and what can go wrong in its own words.
//!
//! `sync` gives GitHub, `harness` gives cassettes. A source retries and waits as it sees fit; what it
//! returns is final, and `extract` decides what it means for the resource.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;

use bytes::Bytes;

/// Something that answers requests for pages.
pub trait Source: Sync {
    /// Fetches one page.
    fn page(&self, request: &PageRequest) -> impl Future<Output = Result<Page, SourceError>> + Send;

    /// Requests left before the source's limit, where it tells.
    fn left(&self) -> Option<u64> {
        None
    }
}

/// A request for one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// The resource that asks; it appears in evidence and in the log.
    pub resource: String,
    /// What is asked for.
    pub target: Target,
    /// The media type to ask for, where it is not the source's usual one.
    pub accept: Option<String>,
    /// The tag of the last answer to the same target: an unchanged page is then [`Page::unchanged`].
    pub etag: Option<String>,
}

/// What a request is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A path below the API's base and its query.
    Path {
        /// For instance `/repos/octo/app/issues`.
        path: String,
        /// Names and values, not yet encoded, in the order of the spec.
        query: Vec<(String, String)>,
    },
    /// A link that the source gave with an earlier page.
    Link(String),
    /// A question by GraphQL. The page is the whole answer, whatever errors are in it.
    Question {
        /// Names it: what is asked of which objects.
        name: String,
        /// The query's text.
        query: String,
        /// The values of its variables.
        variables: serde_json::Value,
    },
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(name) | Self::Question { name, .. } => f.write_str(name),
            Self::Path { path, query } => {
                f.write_str(path)?;
                for (index, (name, value)) in query.iter().enumerate() {
                    write!(f, "{}{name}={value}", if index == 0 { '?' } else { '&' })?;
                }
                Ok(())
            }
        }
    }
}

/// One page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// Whether the source says that nothing changed since the request's tag; then there is no body.
    pub unchanged: bool,
    /// The status code, for the log.
    pub status: u16,
    /// The body as it came.
    pub body: Bytes,
    /// The link to the next page, if there is one.
    pub next: Option<String>,
    /// The number of the listing's last page, where the source says it.
    pub last: Option<u64>,
    /// The tag to send with the same target next time.
    pub etag: Option<String>,
}

/// Why a source gave no page.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    /// What it means for the extraction.
    pub trouble: Trouble,
    /// One line.
    pub message: String,
    /// What lies beneath.
    pub source: Option<Box<dyn StdError + Send + Sync>>,
    /// Commands or edits that help.
    pub hints: Vec<String>,
}

/// What a failure means for the extraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The credential is refused: nothing else can work.
    Unauthorized,
    /// The credential is good and this is not allowed, or is hidden, for it.
    NotPermitted,
    /// There is nothing to list and never will be: issues are disabled, the repository is empty.
    Absent,
    /// The source is still making it; it may be there at the next sync.
    Pending,
    /// The source will answer nothing more before a time that it says; what came so far is kept.
    Limited,
    /// The source will answer nothing more for now: no connection, cancelled.
    Stopped,
    /// A question was more than the source takes at once; a smaller one may be answered.
    TooMuch,
    /// This one answer is broken; others may work.
    Broken,
}
