//! HTTP clients: the one place that builds them.
//!
//! The one idea: whoever talks to a server gets a client that cannot carry a credential elsewhere.
//! A redirect is followed only to the same scheme, host and port; proxies are data that `cli` read;
//! loopback is never proxied. Retries, timeouts of whole requests and credentials are the callers'.

use std::time::Duration;

use reqwest::redirect::Policy;

use crate::error::{Exit, Failure};

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
            let stays = attempt.previous().last().is_some_and(|from| from.origin() == attempt.url().origin());
            if stays && attempt.previous().len() <= REDIRECTS { attempt.follow() } else { attempt.stop() }
        }))
        .no_proxy();
    for (url, proxy) in proxies(&options.proxies) {
        let proxy = proxy.map_err(|source| Error::Proxy { url: without_password(url), source })?;
        builder = builder.proxy(proxy.no_proxy(except(&options.proxies)));
    }
    builder.build().map_err(|source| Error::Setup { source })
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
