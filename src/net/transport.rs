//! Where a request leaves: over the network, or to a cassette in its place.
//!
//! The one idea: a client that retries, waits and follows does all of it above this line, so it does the
//! same with a cassette. What is played opens no socket; it has nothing to open one with.

use bytes::Bytes;
use http::{Request, Response};

use super::cassette::Player;

/// Carries requests to whoever answers them. Cheap to clone; clones share.
#[derive(Debug, Clone)]
pub enum Transport {
    /// The network.
    Http(reqwest::Client),
    /// A cassette; the network is refused.
    Played(Player),
}

impl From<reqwest::Client> for Transport {
    fn from(client: reqwest::Client) -> Self {
        Self::Http(client)
    }
}

impl Transport {
    /// Sends one request, once. Redirects within its origin are followed; whatever is answered comes back.
    pub async fn send(&self, request: Request<Bytes>) -> reqwest::Result<Response<reqwest::Body>> {
        match self {
            Self::Http(client) => {
                let request = reqwest::Request::try_from(request.map(reqwest::Body::from))?;
                Ok(client.execute(request).await?.into())
            }
            Self::Played(player) => Ok(player.answer(&request).map(reqwest::Body::from)),
        }
    }
}
