//! What can be wrong with a GitHub App, told apart by what the person can do about it.

/// Why an app got no token.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The private key cannot be used.
    #[error("the private key of the GitHub App `{id}` is no RSA private key in PEM")]
    Key {
        /// The app.
        id: String,
    },
    /// 401: the proof is refused.
    #[error("`{url}` refused the GitHub App `{id}`: {message}")]
    Proof {
        /// The app.
        id: String,
        /// The API's base.
        url: String,
        /// GitHub's words.
        message: String,
    },
    /// It is installed on no account.
    #[error("the GitHub App `{id}` is installed nowhere at `{url}`")]
    Nowhere {
        /// The app.
        id: String,
        /// The API's base.
        url: String,
    },
    /// It is installed on several accounts, and nothing says which is meant.
    #[error("the GitHub App `{id}` is installed {} times: {}", installed.len(), listed(installed))]
    Several {
        /// The app.
        id: String,
        /// The accounts, and the ids of the installations.
        installed: Vec<(String, u64)>,
    },
    /// 404: it has no installation of this id.
    #[error("the GitHub App `{id}` has no installation {installation} at `{url}`")]
    Absent {
        /// The app.
        id: String,
        /// The installation.
        installation: u64,
        /// The API's base.
        url: String,
    },
    /// The installation is suspended.
    #[error("installation {installation} of the GitHub App `{id}` is suspended")]
    Suspended {
        /// The app.
        id: String,
        /// The installation.
        installation: u64,
    },
    /// 403: it gets no token.
    #[error("the GitHub App `{id}` gets no token for its installation {installation}: {message}")]
    Denied {
        /// The app.
        id: String,
        /// The installation.
        installation: u64,
        /// GitHub's words.
        message: String,
    },
}

impl Error {
    /// What would help.
    pub(in crate::github) fn hint(&self) -> String {
        match self {
            Self::Key { .. } => {
                "let `github.app.key` lead to the .pem file that the app's settings page gave you".to_owned()
            }
            Self::Proof { .. } => {
                "check that `github.app.id` and `github.app.key` are of one app, and this machine's clock"
                    .to_owned()
            }
            Self::Nowhere { .. } => {
                "install it on the account that owns the repositories: the app's settings page, Install App"
                    .to_owned()
            }
            Self::Several { installed, .. } => {
                let (account, id) = installed.first().cloned().unwrap_or_default();
                format!(
                    "set `github.app.installation = {id}` ({account}), or let sync read one owner's \
                     repositories: --repo '{account}/*'"
                )
            }
            Self::Absent { .. } => {
                "set `github.app.installation` to the number at the end of the installation's address, or \
                 leave it out"
                    .to_owned()
            }
            Self::Suspended { .. } | Self::Denied { .. } => {
                "look at the installation in the account's settings, under GitHub Apps".to_owned()
            }
        }
    }
}

/// `acme (7), octo (8)`, the first ten.
fn listed(installed: &[(String, u64)]) -> String {
    let more = if installed.len() > 10 { ", …" } else { "" };
    let listed: Vec<_> = installed.iter().take(10).map(|(account, id)| format!("{account} ({id})")).collect();
    format!("{}{more}", listed.join(", "))
}
