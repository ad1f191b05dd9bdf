//! GitHub as a pipeline's source: the client's pages, and its errors in the pipeline's words.

use crate::error::Failure as _;
use crate::github::{Client, Error, RawPage};
use crate::pipeline::source::{Page, PageRequest, Source, SourceError, Target, Trouble};

/// The source that a sync reads from.
#[derive(Debug)]
pub(super) struct Github<'a> {
    client: &'a Client,
}

impl<'a> Github<'a> {
    pub(super) const fn new(client: &'a Client) -> Self {
        Self { client }
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
        Error::Forbidden { .. } | Error::NotFound { .. } | Error::Invalid { status: 451, .. } => {
            Trouble::NotPermitted
        }
        // 409 is GitHub's answer for an empty repository.
        Error::Gone { .. } | Error::Invalid { status: 409, .. } => Trouble::Absent,
        Error::RateLimited { .. } | Error::Unreachable { .. } | Error::Address { .. } => Trouble::Stopped,
        _ => Trouble::Broken,
    }
}
