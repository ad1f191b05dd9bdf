//! GitHub as a pipeline's source: the client's pages, and its errors in the pipeline's words.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::artifact::Events;
use crate::error::Failure as _;
use crate::github::{Client, Error, RawPage};
use crate::pipeline::source::{Page, PageRequest, Source, SourceError, Target, Trouble};

/// The source that a sync reads from.
#[derive(Debug)]
pub(super) struct Github<'a> {
    client: &'a Client,
    events: &'a Events,
    /// Paths of which was told that they moved.
    moved: Mutex<HashSet<String>>,
}

impl<'a> Github<'a> {
    pub(super) fn new(client: &'a Client, events: &'a Events) -> Self {
        Self { client, events, moved: Mutex::default() }
    }

    /// Tells once that a repository has another name or address now.
    fn tell_moved(&self, asked: &Target, page: &RawPage) {
        let (Target::Path { path, .. }, Some(there)) = (asked, &page.moved) else { return };
        if self.moved.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone()) {
            let body: serde_json::Value = serde_json::from_slice(&page.body).unwrap_or_default();
            let name = body.get("full_name").and_then(serde_json::Value::as_str);
            self.events.note(format!("`{path}` is now `{}`", name.unwrap_or(there)));
        }
    }

    /// A link below the base without the base, so that it stays true when the hub's port changes.
    fn link(&self, next: String) -> String {
        next.strip_prefix(self.client.base())
            .filter(|rest| rest.starts_with('/'))
            .map(str::to_owned)
            .unwrap_or(next)
    }
}

impl Source for Github<'_> {
    async fn page(&self, request: &PageRequest) -> Result<Page, SourceError> {
        let etag = request.etag.as_deref();
        let page = match &request.target {
            Target::Path { path, query } => self.client.page(path, query, etag).await,
            Target::Link(path) if path.starts_with('/') => self.client.page(path, &[], etag).await,
            Target::Link(link) => self.client.page_at(link, etag).await,
        };
        let page = page.map_err(|error| source_error(&error))?;
        self.tell_moved(&request.target, &page);
        let unchanged = page.is_unchanged();
        let RawPage { status, body, next, last, etag, .. } = page;
        Ok(Page { unchanged, status, body, next: next.map(|next| self.link(next)), last, etag })
    }
}

fn source_error(error: &Error) -> SourceError {
    let hints = error.hints();
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    SourceError { trouble: trouble(error), message: format!("{error}{cause}"), source: None, hints }
}

const fn trouble(error: &Error) -> Trouble {
    match error {
        Error::Unauthorized { .. } | Error::Token => Trouble::Unauthorized,
        Error::Forbidden { .. } | Error::NotFound { .. } => Trouble::NotPermitted,
        Error::Gone { .. } | Error::Empty { .. } => Trouble::Absent,
        Error::RateLimited { .. } => Trouble::Limited,
        Error::Unreachable { .. } | Error::Address { .. } => Trouble::Stopped,
        _ => Trouble::Broken,
    }
}
