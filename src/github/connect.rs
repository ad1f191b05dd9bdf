//! Builds the octocrab that [`Client`](super::Client) speaks through.
//!
//! It is layered by hand over `net`'s transport, which is the network or a cassette: octocrab's own builder would add its retry (which resends
//! creates) and its own user agent, and it panics on a token that no header can carry.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, Uri, header};
use http_body_util::BodyExt as _;
use http_body_util::combinators::BoxBody;
use octocrab::service::middleware::auth_header::AuthHeaderLayer;
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::service::middleware::extra_headers::ExtraHeadersLayer;
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use tower::util::MapRequestLayer;

use super::{Error, Governor, Terms};
use crate::config::settings::GithubApi;
use crate::net::Transport;

/// Makes the octocrab. `X-GitHub-Api-Version: 2022-11-28` is octocrab's own default header.
/// The governor hears what each answer says of the limits.
pub(super) fn octocrab(transport: Transport, api: &GithubApi, governor: Governor) -> Result<Octocrab, Error> {
    let base: Uri = address(&api.url)?
        .as_str()
        .trim_end_matches('/')
        .parse()
        .map_err(|_invalid| wrong_address(&api.url))?;
    let bearer = format!("Bearer {}", api.token.expose());
    let mut bearer = HeaderValue::from_str(&bearer).map_err(|_invalid| Error::Token)?;
    bearer.set_sensitive(true);
    let agent = HeaderValue::from_static(concat!("planwright/", env!("CARGO_PKG_VERSION")));
    let extra = vec![(header::USER_AGENT, agent)];
    let connector = tower::service_fn(move |request| carry(transport.clone(), governor.clone(), request));
    let built = OctocrabBuilder::new_empty()
        .with_service(connector)
        .with_layer(&ExtraHeadersLayer::new(Arc::new(extra)))
        .with_layer(&MapRequestLayer::new(accepting::<OctoBody>))
        .with_layer(&BaseUriLayer::new(base.clone()))
        .with_layer(&AuthHeaderLayer::new(Some(bearer), base.clone(), base))
        .with_auth(AuthState::None)
        .build();
    match built {
        Ok(octocrab) => Ok(octocrab),
        Err(never) => match never {},
    }
}

/// Carries one request, and tells the governor what the answer says.
async fn carry(
    transport: Transport,
    governor: Governor,
    request: Request<OctoBody>,
) -> octocrab::Result<Response<BoxBody<Bytes, octocrab::Error>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let answer = transport.send(Request::from_parts(parts, body)).await.map_err(broken)?;
    governor.hear(answer.status(), answer.headers());
    Ok(answer.map(|body| body.map_err(broken).boxed()))
}

const fn broken(source: reqwest::Error) -> octocrab::Error {
    octocrab::Error::Reqwest { source, backtrace: std::backtrace::Backtrace::disabled() }
}

/// Asks for GitHub's usual media type where a read names no other.
fn accepting<B>(mut request: Request<B>) -> Request<B> {
    let usual = HeaderValue::from_static("application/vnd.github+json");
    request.headers_mut().entry(header::ACCEPT).or_insert(usual);
    request
}

/// The base as an address, http or https with a host.
pub(super) fn address(text: &str) -> Result<url::Url, Error> {
    let url = url::Url::parse(text).map_err(|_invalid| wrong_address(text))?;
    let good = matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none();
    if good { Ok(url) } else { Err(wrong_address(text)) }
}

fn wrong_address(text: &str) -> Error {
    Error::Address { url: text.to_owned() }
}

/// Headers of one read.
pub(super) fn headers(terms: Terms<'_>) -> Option<HeaderMap> {
    let named = [(header::IF_NONE_MATCH, terms.etag), (header::ACCEPT, terms.accept)];
    let carried =
        named.into_iter().filter_map(|(name, value)| Some((name, HeaderValue::from_str(value?).ok()?)));
    let headers: HeaderMap = carried.collect();
    (!headers.is_empty()).then_some(headers)
}
