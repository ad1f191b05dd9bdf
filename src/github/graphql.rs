//! Questions by GraphQL: one address, one budget of points, and refusals that come with status 200.
//!
//! The client sends and waits; what the answer says of its parts is the caller's to read. A limit in a 200
//! becomes the refusal that REST would have sent, so that one table of rules and one loop serve both
//! ("Rate limits and query limits for the GraphQL API").

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::governor::Charge;
use super::rate::Kind;
use super::send::Means;
use super::{Client, Error, alike, page};

/// A question.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// What it is about, in words that follow "cannot ask for".
    pub about: &'a str,
    /// The query's text.
    pub query: &'a str,
    /// The values of its variables: an object.
    pub variables: &'a Value,
}

/// What concerns the client of an answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Told {
    data: Option<Data>,
    errors: Vec<Said>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Data {
    rate_limit: Option<Spent>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spent {
    limit: u64,
    cost: u64,
    remaining: u64,
    reset_at: Timestamp,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said {
    #[serde(rename = "type")]
    kind: String,
    message: String,
}

impl Told {
    /// Reads an answer to its end, so that one that was cut off is asked for again.
    fn read(body: &[u8]) -> octocrab::Result<Self> {
        match serde_json::from_slice(body) {
            Ok(told) => Ok(told),
            // Whole, and of another shape: whoever asked will say so.
            Err(error) if error.is_data() => Ok(Self::default()),
            Err(error) => Err(octocrab::Error::Other {
                source: Box::new(error),
                backtrace: std::backtrace::Backtrace::disabled(),
            }),
        }
    }

    /// The words by which the answer says "not now".
    fn limit(&self) -> Option<&str> {
        let is_limit = |said: &&Said| {
            said.kind == "RATE_LIMITED" || said.message.to_ascii_lowercase().contains("secondary rate limit")
        };
        self.errors.iter().find(is_limit).map(|said| said.message.as_str())
    }

    fn charge(self) -> Option<Charge> {
        let Spent { limit, cost, remaining, reset_at } = self.data?.rate_limit?;
        Some(Charge { cost, limit, remaining, resets: reset_at.as_second() })
    }
}

impl Client {
    /// The answer as it came, errors in it among them. What the server gave up on ends at once as an error
    /// that [`Error::is_too_much`].
    pub async fn graphql(&self, question: Question<'_>) -> Result<Bytes, Error> {
        let Question { about, query, variables } = question;
        let body = json!({"query": query, "variables": variables, "operationName": operation(query)});
        let address = address(self.base());
        let (address, body) = (&*address, &body);
        let once = |means: Means| async move {
            let response = means.octocrab._post(address, Some(body)).await?;
            let (parts, body) = octocrab::map_github_error(response).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            page::check(parts.status, &parts.headers, &body)?;
            let told = Told::read(&body)?;
            if let Some(words) = told.limit() {
                return Err(refused(parts, words).await);
            }
            let is_whole = told.errors.is_empty();
            if let Some(charge) = told.charge() {
                means.governor.charge(charge);
            }
            if !is_whole && !means.is_first {
                return Err(hidden(parts).await);
            }
            Ok((body, is_whole))
        };
        let action = || format!("ask for {about}");
        let answer = match alike::question(operation(query), query) {
            Some(place) => self.share((Kind::Query, &place), &action, once, |(_, is_whole)| *is_whole).await,
            None => self.send(Kind::Query, &action, once).await,
        };
        Ok(answer?.0)
    }
}

/// The name that a query gives itself: by it a server's log and a cassette tell questions apart.
fn operation(query: &str) -> Option<&str> {
    query.strip_prefix("query ")?.split(['(', ' ', '{']).next().filter(|name| !name.is_empty())
}

/// Where questions go: an Enterprise Server answers them beside its REST API ("Forming calls with GraphQL").
fn address(base: &str) -> String {
    let beside = base.strip_suffix("/api/v3").map(|host| format!("{host}/api/graphql"));
    beside.unwrap_or_else(|| format!("{base}/graphql"))
}

/// The refusal that REST would have sent, with the headers that came, and in words that tell a limit.
async fn refused(parts: http::response::Parts, words: &str) -> octocrab::Error {
    as_refusal(parts, http::StatusCode::FORBIDDEN, &format!("rate limit: {words}")).await
}

/// The refusal that REST would have sent for what another credential than the person's does not see.
async fn hidden(parts: http::response::Parts) -> octocrab::Error {
    as_refusal(parts, http::StatusCode::NOT_FOUND, "some of it is hidden").await
}

async fn as_refusal(
    mut parts: http::response::Parts,
    status: http::StatusCode,
    words: &str,
) -> octocrab::Error {
    parts.status = status;
    let body = Full::new(Bytes::from(json!({"message": words}).to_string()));
    let body = body.map_err(|never| match never {}).boxed();
    match octocrab::map_github_error(http::Response::from_parts(parts, body)).await {
        Err(error) => error,
        Ok(_) => octocrab::Error::Other {
            source: words.to_owned().into(),
            backtrace: std::backtrace::Backtrace::disabled(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_go_beside_the_rest_api_of_an_enterprise_server() {
        for (base, expected) in [
            ("https://api.github.com", "https://api.github.com/graphql"),
            ("https://ghe.example.com/api/v3", "https://ghe.example.com/api/graphql"),
        ] {
            assert_eq!(address(base), expected);
        }
    }

    #[test]
    fn a_limit_in_an_answer_is_told_from_other_errors() {
        for (body, expected) in [
            (r#"{"errors":[{"type":"RATE_LIMITED","message":"API rate limit exceeded"}]}"#, true),
            (r#"{"errors":[{"message":"You have exceeded a secondary rate limit"}]}"#, true),
            (r#"{"data":{"nodes":[null]},"errors":[{"type":"NOT_FOUND","message":"x"}]}"#, false),
            (r#"{"data":{"nodes":[]}}"#, false),
        ] {
            let told: Told = serde_json::from_str(body).unwrap();
            assert_eq!(told.limit().is_some(), expected, "{body}");
        }
    }
}
