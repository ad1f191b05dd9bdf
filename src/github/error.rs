//! What can go wrong with GitHub, told apart by what the person can do about it.

use jiff::Timestamp;

use super::governor::Why;
use super::rules::Denial;
use crate::error::{Exit, Failure};

/// The cause beneath: the HTTP client's or the parser's own error.
pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A request to GitHub that did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 401: the token is refused.
    #[error("`{url}` refused the token: {message}")]
    Unauthorized {
        /// The API's base.
        url: String,
        /// GitHub's words.
        message: String,
    },
    /// 403 that is no limit, or 451: the token may not.
    #[error("the token may not {action}: {message}")]
    Forbidden {
        /// What was tried.
        action: String,
        /// GitHub's words.
        message: String,
        /// Why, and what would help.
        denial: Denial,
    },
    /// 404: it is not there, or the token may not see it.
    #[error("cannot {action}: not found at `{url}`, or the token may not see it")]
    NotFound {
        /// What was tried.
        action: String,
        /// The API's base.
        url: String,
    },
    /// 410: deleted, or issues are switched off.
    #[error("cannot {action}: {message}")]
    Gone {
        /// What was tried.
        action: String,
        /// GitHub's words.
        message: String,
    },
    /// 409: the repository has no commit yet.
    #[error("cannot {action}: {message}")]
    Empty {
        /// What was tried.
        action: String,
        /// GitHub's words.
        message: String,
    },
    /// 422: the listing goes on, and the server gives no more of it.
    #[error("cannot {action}: the server pages no deeper: {message}")]
    TooDeep {
        /// What was tried.
        action: String,
        /// GitHub's words.
        message: String,
    },
    /// 400, 409, 422 and other refusals of what was sent.
    #[error("cannot {action}: {message}")]
    Invalid {
        /// What was tried.
        action: String,
        /// GitHub's words, with its field errors.
        message: String,
        /// The status.
        status: u16,
    },
    /// A limit that lasts too long to wait for.
    #[error("cannot {action} until {until}: {why} (`{url}`)")]
    RateLimited {
        /// What was tried.
        action: String,
        /// The API's base.
        url: String,
        /// When to try again.
        until: Timestamp,
        /// Which limit.
        why: Why,
    },
    /// No connection, or it broke every time.
    #[error("cannot reach `{url}`")]
    Unreachable {
        /// The API's base.
        url: String,
        /// Why.
        source: Cause,
    },
    /// A server error that did not pass.
    #[error("cannot {action}: `{url}` answered {status}: {message}")]
    Server {
        /// What was tried.
        action: String,
        /// The API's base.
        url: String,
        /// The status.
        status: u16,
        /// The server's words.
        message: String,
    },
    /// A create or link was sent, and nobody knows whether it was done. Look before trying again.
    #[error("it is not known whether it worked to {action}")]
    Unknown {
        /// What was tried.
        action: String,
        /// What came instead of an answer.
        source: Cause,
    },
    /// The answer is not what the API promises.
    #[error("cannot {action}: the answer of `{url}` makes no sense")]
    Unreadable {
        /// What was tried.
        action: String,
        /// The API's base.
        url: String,
        /// What is wrong with it.
        source: Cause,
    },
    /// The base URL of the API is not one.
    #[error("`{url}` is not the address of an API")]
    Address {
        /// What was configured.
        url: String,
    },
    /// The token holds characters that no header can carry.
    #[error("the GitHub token holds characters that no header can carry")]
    Token,
    /// A GitHub App got no token.
    #[error(transparent)]
    App(#[from] super::app::Error),
    /// It belongs to an account, and an app has none.
    #[error("a GitHub App has no account, and cannot {action}")]
    NoAccount {
        /// What was tried.
        action: String,
    },
    /// A server leads to another host, by a next page or a redirect; the token is not taken there.
    #[error("`{url}` leads to another host: `{next}`")]
    Elsewhere {
        /// The API's base.
        url: String,
        /// The address it named.
        next: String,
    },
}

impl Error {
    /// Whether the request may have been carried out: the caller must look before it tries again.
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// Whether the server gave up on the question, as GitHub does after ten seconds: a smaller one may be
    /// answered.
    pub fn is_too_much(&self) -> bool {
        match self {
            Self::Server { status, .. } => matches!(status, 502 | 504),
            Self::Unreachable { source, .. } => source.is::<tokio::time::error::Elapsed>(),
            _ => false,
        }
    }
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Address { .. } | Self::Token | Self::NotFound { .. } | Self::Gone { .. } => Exit::Usage,
            _ => Exit::Unable,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Unauthorized { .. } | Self::Token => {
                "set GITHUB_TOKEN=… to a valid token, or run `gh auth login`".to_owned()
            }
            Self::Forbidden { denial, .. } => return hint(denial).into_iter().collect(),
            Self::RateLimited { until, why: Why::Reserve, .. } => {
                format!("run it again after {until}, or keep less with `github.reserve`")
            }
            Self::RateLimited { until, .. } => format!("run it again after {until}"),
            Self::App(error) => error.hint(),
            Self::NoAccount { .. } => {
                "set GITHUB_TOKEN=… to a person's token; the app then shares the reading".to_owned()
            }
            Self::Address { .. } => "set GITHUB_API_URL=https://api.github.com".to_owned(),
            Self::Unknown { .. } => {
                "run the same command again: what was made is found by its marker".to_owned()
            }
            Self::Unreachable { .. } => {
                "check GITHUB_API_URL and the network: `planwright doctor`".to_owned()
            }
            _ => return Vec::new(),
        };
        vec![hint]
    }
}

/// What helps against a refusal.
fn hint(denial: &Denial) -> Option<String> {
    Some(match denial {
        Denial::SingleSignOn { url: Some(url) } => format!("authorise the token for the organisation: {url}"),
        Denial::SingleSignOn { url: None } => {
            "authorise the token for the organisation: https://github.com/settings/tokens".to_owned()
        }
        Denial::Scope { needs } => format!("give the token one of the scopes `{needs}`"),
        Denial::Permission { needs: Some(needs) } => format!("give the token the permission `{needs}`"),
        Denial::Permission { needs: None } | Denial::Other => {
            "give the token read and write access to the repository's issues".to_owned()
        }
        Denial::Blocked => return None,
    })
}
