//! What can go wrong with GitHub, told apart by what the person can do about it.

use jiff::Timestamp;

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
    /// 403 that is no limit: the token may not.
    #[error("the token may not {action}: {message}")]
    Forbidden {
        /// What was tried.
        action: String,
        /// GitHub's words.
        message: String,
        /// The permission that would do, from `X-Accepted-GitHub-Permissions`.
        needs: Option<String>,
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
    #[error("cannot {action}: the rate limit of `{url}` is spent until {until}")]
    RateLimited {
        /// What was tried.
        action: String,
        /// The API's base.
        url: String,
        /// When to try again.
        until: Timestamp,
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
    /// A server named a next page on another host; the token is not taken there.
    #[error("`{url}` names a next page on another host: `{next}`")]
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
            Self::Forbidden { needs: Some(needs), .. } => format!("give the token the permission `{needs}`"),
            Self::Forbidden { .. } => {
                "give the token read and write access to the repository's issues".to_owned()
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
