//! Where a request leaves: over the network, or to a cassette in its place.
//!
//! The one idea: a client that retries, waits and follows does all of it above this line, so it does the
//! same with a cassette. What is played opens no socket; it has nothing to open one with.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;

use super::cassette::{Player, Tape};

/// Carries requests to whoever answers them. Cheap to clone; clones share.
#[derive(Debug, Clone)]
pub enum Transport {
    /// The network.
    Http(reqwest::Client),
    /// A cassette; the network is refused.
    Played(Player),
    /// The network, every answer of which is kept.
    Recorded(reqwest::Client, Tape),
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
            Self::Http(client) => over(client, request).await,
            Self::Recorded(client, tape) => {
                let (parts, body) = over(client, request.clone()).await?.into_parts();
                let body = body.collect().await?.to_bytes();
                tape.keep(&request, &parts, &body);
                Ok(Response::from_parts(parts, body.into()))
            }
            Self::Played(player) => Ok(player.answer(&request).map(reqwest::Body::from)),
        }
    }
}

async fn over(client: &reqwest::Client, request: Request<Bytes>) -> reqwest::Result<Response<reqwest::Body>> {
    let request = reqwest::Request::try_from(request.map(reqwest::Body::from))?;
    Ok(client.execute(request).await?.into())
}
