//! GitHub as a pipeline's source: the client's pages, and its errors in the pipeline's words.

use crate::artifact::Events;
use crate::error::Failure as _;
use crate::github::{Client, Error, Question, RawPage, Terms};
use crate::pipeline::source::{Page, PageRequest, Source, SourceError, Target, Trouble};

/// GitHub, or the hub, through its client.
#[derive(Debug)]
pub struct Github<'a> {
    client: &'a Client,
    events: &'a Events,
}

impl<'a> Github<'a> {
    /// Reads through a client; what the person should know goes to the events.
    pub const fn new(client: &'a Client, events: &'a Events) -> Self {
        Self { client, events }
    }

    /// Tells that a repository that was asked for by its name has another one now. GitHub leads on from
    /// the old name, and its answer has the new one.
    fn tell_renamed(&self, asked: &Target, page: &RawPage) {
        if let Target::Path { path, .. } = asked
            && let Some(now) = renamed(path, &page.body)
        {
            self.events.note(format!("`{path}` is now `{now}`"));
        }
    }

    /// Asks by GraphQL.
    async fn ask(&self, question: Question<'_>) -> Result<Page, SourceError> {
        let answer = self.client.graphql(question).await;
        let body = answer.map_err(|error| {
            let said = source_error(&error);
            if error.is_too_much() { SourceError { trouble: Trouble::TooMuch, ..said } } else { said }
        })?;
        Ok(Page { status: 200, body, ..Page::default() })
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
        let terms = Terms { etag: request.etag.as_deref(), accept: request.accept.as_deref() };
        let page = match &request.target {
            Target::Path { path, query } => self.client.page(path, query, terms).await,
            Target::Link(path) if path.starts_with('/') => self.client.page(path, &[], terms).await,
            Target::Link(link) => self.client.page_at(link, terms).await,
            Target::Question { query, variables, .. } => {
                let about = request.resource.as_str();
                return self.ask(Question { about, query, variables }).await;
            }
        };
        let page = page.map_err(|error| source_error(&error))?;
        self.tell_renamed(&request.target, &page);
        let unchanged = page.is_unchanged();
        let RawPage { status, body, next, last, etag, .. } = page;
        Ok(Page { unchanged, status, body, next: next.map(|next| self.link(next)), last, etag })
    }

    fn left(&self) -> Option<u64> {
        self.client.left()
    }
}

/// The name that the repository at `/repos/OWNER/NAME` has now, if it is another.
fn renamed(path: &str, body: &[u8]) -> Option<String> {
    let name = path.strip_prefix("/repos/").filter(|name| name.matches('/').count() == 1)?;
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let now = body.get("full_name")?.as_str()?;
    (!now.eq_ignore_ascii_case(name)).then(|| now.to_owned())
}

fn source_error(error: &Error) -> SourceError {
    let hints = error.hints();
    // The frames around the first cause say nothing of their own.
    let cause = std::iter::successors(std::error::Error::source(error), |cause| cause.source()).last();
    let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
    SourceError { trouble: trouble(error), message: format!("{error}{cause}"), source: None, hints }
}

const fn trouble(error: &Error) -> Trouble {
    match error {
        Error::Unauthorized { .. } | Error::Token | Error::App(_) => Trouble::Unauthorized,
        Error::Forbidden { .. } | Error::NoAccount { .. } | Error::NotFound { .. } => Trouble::NotPermitted,
        Error::Gone { .. } | Error::Empty { .. } => Trouble::Absent,
        Error::RateLimited { .. } => Trouble::Limited,
        Error::Unreachable { .. } | Error::Address { .. } => Trouble::Stopped,
        _ => Trouble::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::renamed;

    fn check(path: &str, body: &str, expected: Option<&str>) {
        assert_eq!(renamed(path, body.as_bytes()).as_deref(), expected, "{path} {body}");
    }

    #[test]
    fn a_repository_that_answers_under_another_name_was_renamed() {
        check("/repos/ada/old", r#"{"id": 1, "full_name": "ada/shop"}"#, Some("ada/shop"));
        check("/repos/ada/shop", r#"{"id": 1, "full_name": "Ada/Shop"}"#, None);
        check("/repos/ada/old/issues", r#"[{"full_name": "ada/shop"}]"#, None);
        check("/repos/ada/old", "", None);
    }
}
