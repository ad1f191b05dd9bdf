//! HTTP: the one place that builds clients, and what may stand in the network's place.
//!
//! The one idea: whoever talks to a server gets a client that cannot carry a credential elsewhere.
//! A redirect is followed only to the same scheme, host and port; proxies are data that `cli` read;
//! loopback is never proxied. What is sent again, and after how long, the callers decide; the loop that
//! does it is [`insist`]. Timeouts of whole requests and credentials are theirs too.
//! A [`Transport`] carries requests over such a client, or to a [`cassette`].

pub mod cassette;
mod transport;

use std::time::Duration;

use reqwest::redirect::Policy;

use crate::clock::Clock;
use crate::error::{Exit, Failure};
pub use transport::Transport;

/// How often one request is sent at most.
pub const ATTEMPTS: u32 = 4;

/// How long one request may wait for a rate limit before the person is told instead.
pub const PATIENCE: Duration = Duration::from_mins(3);

/// A server that is silent for this long will not answer.
pub const SILENCE: Duration = Duration::from_mins(1);

/// Redirects followed before the last answer is taken as it is.
const REDIRECTS: usize = 5;

/// Hosts that no proxy is asked for.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// How a client is built.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the program calls itself.
    pub user_agent: String,
    /// How long a connection may take to come up.
    pub connect_timeout: Duration,
    /// The proxies to go through.
    pub proxies: Proxies,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            user_agent: concat!("planwright/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(10),
            proxies: Proxies::default(),
        }
    }
}

/// The proxies of an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For `https` URLs.
    pub https: Option<String>,
    /// For `http` URLs.
    pub http: Option<String>,
    /// Hosts to reach directly, as `NO_PROXY` lists them.
    pub except: Option<String>,
}

impl Proxies {
    /// Reads `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in lower case too, from an
    /// environment given as data. `HTTP_PROXY` in capitals is left alone where `REQUEST_METHOD` is
    /// set, because there it may come from a request header.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Self {
        let either = |small: &str, large: &str| {
            [small, large].into_iter().find_map(&variable).filter(|value| !value.trim().is_empty())
        };
        let all = either("all_proxy", "ALL_PROXY");
        let capitals = if variable("REQUEST_METHOD").is_some() { "http_proxy" } else { "HTTP_PROXY" };
        Self {
            https: either("https_proxy", "HTTPS_PROXY").or_else(|| all.clone()),
            http: either("http_proxy", capitals).or(all),
            except: either("no_proxy", "NO_PROXY"),
        }
    }
}

/// Why no client could be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A proxy's URL does not parse.
    #[error("`{url}` is not the URL of a proxy")]
    Proxy {
        /// The URL, without its password.
        url: String,
        /// What is wrong with it.
        source: reqwest::Error,
    },
    /// TLS or the resolver could not be set up.
    #[error("cannot set up HTTP")]
    Setup {
        /// What failed.
        source: reqwest::Error,
    },
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Proxy { .. } => Exit::Usage,
            Self::Setup { .. } => Exit::Unable,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Proxy { .. } => {
                vec!["set HTTPS_PROXY to a URL such as `http://proxy.example.com:3128`, or unset it".into()]
            }
            Self::Setup { .. } => Vec::new(),
        }
    }
}

/// Builds a client. Clones of it share connections.
pub fn client(options: &Options) -> Result<reqwest::Client, Error> {
    let mut builder = reqwest::Client::builder()
        .user_agent(&options.user_agent)
        .connect_timeout(options.connect_timeout)
        .redirect(Policy::custom(|attempt| {
            let from = attempt.previous().last();
            let follow = from.is_some_and(|from| follows(from, attempt.url(), attempt.previous().len()));
            if follow { attempt.follow() } else { attempt.stop() }
        }))
        .no_proxy();
    for (url, proxy) in proxies(&options.proxies) {
        let proxy = proxy.map_err(|source| Error::Proxy { url: without_password(url), source })?;
        builder = builder.proxy(proxy.no_proxy(except(&options.proxies)));
    }
    builder.build().map_err(|source| Error::Setup { source })
}

/// Whether the redirect of this number is followed: one that stays where the credential belongs.
fn follows(from: &url::Url, to: &url::Url, number: usize) -> bool {
    from.origin() == to.origin() && number <= REDIRECTS
}

/// What follows an attempt that did not succeed.
#[derive(Debug)]
pub enum Next<E> {
    /// It is made again after this long.
    After(Duration),
    /// It was the last one.
    Stop(E),
}

/// Makes attempts until one succeeds or `judge`, who is told the number of the failed one, counted from 1,
/// says to stop.
pub async fn insist<T, F, E, R: Future<Output = Result<T, F>>>(
    clock: &Clock,
    attempt: impl Fn() -> R,
    mut judge: impl FnMut(u32, F) -> Next<E>,
) -> Result<T, E> {
    let mut number = 0;
    loop {
        number += 1;
        let failed = match attempt().await {
            Ok(value) => return Ok(value),
            Err(failed) => failed,
        };
        match judge(number, failed) {
            Next::After(pause) => clock.sleep(pause).await,
            Next::Stop(error) => return Err(error),
        }
    }
}

/// The pause after a failed attempt: half a second, then twice as long each time.
pub const fn backoff(number: u32) -> Duration {
    Duration::from_millis(500 << if number > 5 { 4 } else { number.saturating_sub(1) })
}

/// The address with this relation in a `Link` header (RFC 8288).
pub fn link_of<'h>(header: &'h str, relation: &str) -> Option<&'h str> {
    header.split(',').find_map(|link| {
        let (address, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_it = |parameter: &str| {
            let said = parameter.trim().replace('"', "");
            said.split_once('=')
                .is_some_and(|(name, value)| name == "rel" && value.eq_ignore_ascii_case(relation))
        };
        parameters.split(';').any(is_it).then_some(address)
    })
}

/// Whether requests to this address stay on this machine.
pub fn is_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn proxies(proxies: &Proxies) -> Vec<(&str, reqwest::Result<reqwest::Proxy>)> {
    let https = proxies.https.as_deref().map(|url| (url, reqwest::Proxy::https(url)));
    let http = proxies.http.as_deref().map(|url| (url, reqwest::Proxy::http(url)));
    https.into_iter().chain(http).collect()
}

fn except(proxies: &Proxies) -> Option<reqwest::NoProxy> {
    let listed = proxies.except.as_deref().unwrap_or_default();
    reqwest::NoProxy::from_string(&format!("{LOOPBACK},{listed}"))
}

fn without_password(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Proxies {
        Proxies::read(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn proxies_are_read_from_data() {
        let proxies = read(&[("HTTPS_PROXY", "http://a:1"), ("no_proxy", "example.com")]);
        assert_eq!(proxies.https.as_deref(), Some("http://a:1"));
        assert_eq!((proxies.http, proxies.except.as_deref()), (None, Some("example.com")));
        let all = read(&[("ALL_PROXY", "http://b:2"), ("http_proxy", " ")]);
        assert_eq!((all.https.as_deref(), all.http.as_deref()), (Some("http://b:2"), Some("http://b:2")));
    }

    #[test]
    fn a_request_header_is_no_proxy() {
        assert_eq!(read(&[("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://evil")]).http, None);
    }

    #[test]
    fn a_bad_proxy_is_named_without_its_password() {
        let proxies = Proxies { https: Some("http://user:secret@[".into()), ..Proxies::default() };
        let error = client(&Options { proxies, ..Options::default() }).unwrap_err();
        assert_eq!(error.to_string(), "`…@[` is not the URL of a proxy");
    }
}
