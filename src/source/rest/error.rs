//! What can go wrong with an API, told apart by what the person can do about it.

use jiff::Timestamp;

use crate::error::{Exit, Failure};
use crate::pipeline::source::{SourceError, Trouble};

/// A request that gave no page, or a connection that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The API wants a credential and there is none.
    #[error("`{host}` wants a credential, and there is none for it")]
    NoCredential {
        /// The host.
        host: String,
        /// The variable that would hold it.
        variable: String,
    },
    /// The credential holds characters that no header can carry.
    #[error("the credential in `{variable}` holds characters that no header can carry")]
    Credential {
        /// The variable that holds it.
        variable: String,
    },
    /// 401: the credential is refused, or one is wanted.
    #[error("`{base}` refused the credential: {words}")]
    Unauthorized {
        /// The API's base.
        base: String,
        /// The server's words.
        words: String,
        /// The variable that holds the credential, where one is sent.
        variable: Option<String>,
    },
    /// 403 or 451.
    #[error("`{asked}` is not allowed: {words}")]
    Forbidden {
        /// What was asked.
        asked: String,
        /// The server's words.
        words: String,
    },
    /// 404.
    #[error("`{asked}` is not found at `{base}`")]
    NotFound {
        /// What was asked.
        asked: String,
        /// The API's base.
        base: String,
    },
    /// 410.
    #[error("`{asked}` is gone: {words}")]
    Gone {
        /// What was asked.
        asked: String,
        /// The server's words.
        words: String,
    },
    /// Any other refusal, or a server error that did not pass.
    #[error("`{base}` answered {status} to `{asked}`: {words}")]
    Refused {
        /// What was asked.
        asked: String,
        /// The API's base.
        base: String,
        /// The status.
        status: u16,
        /// The server's words.
        words: String,
    },
    /// A limit that lasts too long to wait for.
    #[error("`{base}` answers nothing more until {until}")]
    Limited {
        /// The API's base.
        base: String,
        /// When to try again.
        until: Timestamp,
    },
    /// No connection, or it broke every time.
    #[error("cannot reach `{base}`")]
    Unreachable {
        /// The API's base.
        base: String,
        /// Why; nothing where it never answered.
        source: Option<reqwest::Error>,
    },
    /// The body was not whole JSON, every time.
    #[error("the answer of `{base}` to `{asked}` is not whole JSON")]
    Torn {
        /// What was asked.
        asked: String,
        /// The API's base.
        base: String,
        /// Where it breaks off.
        source: serde_json::Error,
    },
    /// A page or a redirect leads to another host; the credential is not taken there.
    #[error("`{base}` leads to another host: `{next}`")]
    Elsewhere {
        /// The API's base.
        base: String,
        /// The address it named.
        next: String,
    },
    /// What should be asked is at no address.
    #[error("`{url}` is not an address")]
    Address {
        /// What it is.
        url: String,
    },
}

impl Error {
    /// In the pipeline's words.
    pub(super) fn told(&self) -> SourceError {
        let cause = std::error::Error::source(self).map(|cause| format!(": {cause}")).unwrap_or_default();
        let message = format!("{self}{cause}");
        SourceError { trouble: self.trouble(), message, source: None, hints: self.hints() }
    }

    const fn trouble(&self) -> Trouble {
        match self {
            Self::NoCredential { .. } | Self::Credential { .. } | Self::Unauthorized { .. } => {
                Trouble::Unauthorized
            }
            Self::Forbidden { .. } => Trouble::NotPermitted,
            Self::Gone { .. } => Trouble::Absent,
            Self::Limited { .. } => Trouble::Limited,
            Self::Unreachable { .. } => Trouble::Stopped,
            // GitHub hides with 404 what is not permitted; elsewhere it is a path that is wrong.
            Self::NotFound { .. }
            | Self::Refused { .. }
            | Self::Torn { .. }
            | Self::Elsewhere { .. }
            | Self::Address { .. } => Trouble::Broken,
        }
    }
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Credential { .. } | Self::Address { .. } => Exit::Usage,
            _ => Exit::Unable,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::NoCredential { variable, .. }
            | Self::Credential { variable }
            | Self::Unauthorized { variable: Some(variable), .. } => vec![format!("set {variable}=…")],
            Self::Unauthorized { variable: None, .. } => {
                vec!["say how it is sent: `auth = { kind = \"bearer\" }` under [source]".to_owned()]
            }
            Self::Limited { until, .. } => vec![format!("run it again after {until}")],
            _ => Vec::new(),
        }
    }
}
