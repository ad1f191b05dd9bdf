//! Where a pipeline reads from: GitHub, or any REST API that answers JSON.
//!
//! A pipeline's folder may come from a stranger, so a spec never says which credential is sent: the
//! variable that holds it follows from the host alone, one host for each variable. A spec cannot carry a
//! credential either, and plain `http` is for this machine only.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;
use url::{Host, Url};

use super::Problem;
use crate::net;

/// Headers that a spec may not set: they are credentials, or the client's own.
const RESERVED: [&str; 6] =
    ["authorization", "proxy-authorization", "cookie", "host", "if-none-match", "content-length"];

/// What a pipeline reads from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Api {
    /// GitHub, an Enterprise Server, or the hub.
    Github,
    /// Any other API.
    Rest(Rest),
}

/// A REST API that answers JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// The address that paths are below, without a slash at its end.
    pub base: String,
    /// How a request carries the credential.
    pub auth: Auth,
    /// Headers of every request.
    pub headers: Vec<(String, String)>,
}

/// How a request carries the credential. The credential itself is in the environment variable that is named
/// after the host: `PLANWRIGHT_TOKEN_API_EXAMPLE_COM` for `api.example.com`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Auth {
    /// It carries none.
    #[default]
    None,
    /// `Authorization: Bearer CREDENTIAL`.
    Bearer {},
    /// A header of its own.
    Header {
        /// The header, for instance `X-Api-Key`.
        name: String,
    },
    /// A parameter of the query.
    Query {
        /// The parameter, for instance `api_key`.
        name: String,
    },
    /// HTTP Basic: the credential is the password.
    Basic {
        /// The user; may be empty.
        user: String,
    },
}

/// How the next page of a listing is found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Paging {
    /// The header `Link` has it with `rel="next"` (RFC 8288).
    Link {
        /// Items of a full page, where it is known. A last page with room, and unchanged, then costs nothing.
        limit: Option<u64>,
    },
    /// Pages have numbers. An empty page is the last, and one with fewer items than `limit`.
    Page {
        /// The query parameter that takes the number.
        #[serde(default = "page")]
        parameter: String,
        /// The number of the first page.
        #[serde(default = "one")]
        first: u64,
        /// Items of a full page; no more than the server gives.
        limit: Option<u64>,
        /// The query parameter that takes `limit`, if the server is to be told.
        limit_parameter: Option<String>,
    },
    /// A page begins behind so many items. An empty page is the last, and one with fewer items than `limit`.
    Offset {
        /// The query parameter that takes how many items come before.
        #[serde(default = "offset")]
        parameter: String,
        /// Items of a full page; no more than the server gives.
        limit: u64,
        /// The query parameter that takes `limit`.
        #[serde(default = "limit")]
        limit_parameter: String,
    },
    /// Each page has a cursor for the next one; none, or an empty one, ends it.
    Cursor {
        /// The query parameter that takes the cursor.
        #[serde(default = "cursor")]
        parameter: String,
        /// Where the body has it: `meta.next_cursor`.
        from: String,
    },
    /// Each page has the address of the next one; none, or an empty one, ends it.
    Next {
        /// Where the body has it: `links.next`.
        from: String,
    },
    /// There is one page.
    #[default]
    None,
}

fn page() -> String {
    "page".to_owned()
}

fn offset() -> String {
    "offset".to_owned()
}

fn limit() -> String {
    "limit".to_owned()
}

fn cursor() -> String {
    "cursor".to_owned()
}

const fn one() -> u64 {
    1
}

impl Paging {
    /// GitHub's way, and what is taken where the spec does not say.
    pub(crate) const fn usual() -> Self {
        Self::Link { limit: None }
    }

    /// Items of a full page, where the spec says it.
    pub fn limit(&self) -> Option<u64> {
        match self {
            Self::Link { limit } | Self::Page { limit, .. } => *limit,
            Self::Offset { limit, .. } => Some(*limit),
            Self::Cursor { .. } | Self::Next { .. } | Self::None => None,
        }
    }

    /// The parameters of a listing's first request.
    pub(super) fn first(&self) -> Vec<(String, String)> {
        let told = |name: &String, value: u64| (name.clone(), value.to_string());
        match self {
            Self::Page { parameter, first, limit, limit_parameter } => {
                let size = limit_parameter.as_ref().zip(*limit).map(|(name, limit)| told(name, limit));
                [told(parameter, *first)].into_iter().chain(size).collect()
            }
            Self::Offset { parameter, limit, limit_parameter } => {
                vec![told(parameter, 0), told(limit_parameter, *limit)]
            }
            _ => Vec::new(),
        }
    }

    /// What is wrong with it.
    pub(super) fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Page { limit: None, limit_parameter: Some(_), .. } => {
                Some("`paging` has `limit_parameter` and no `limit`")
            }
            _ if self.limit() == Some(0) => Some("the `limit` of `paging` is 0"),
            Self::Cursor { from, .. } | Self::Next { from } if from.is_empty() => {
                Some("the `from` of `paging` is empty")
            }
            _ => None,
        }
    }
}

impl Rest {
    /// The host that the credential belongs to.
    pub fn host(&self) -> String {
        host(&self.base).unwrap_or_default()
    }

    /// The environment variable that holds the credential; `None` where none is sent.
    pub fn variable(&self) -> Option<String> {
        if self.auth == Auth::None { None } else { variable(&self.host()) }
    }
}

fn host(base: &str) -> Option<String> {
    Url::parse(base).ok()?.host_str().map(str::to_owned)
}

/// The variable that holds the credential of a host. No two hosts have the same one: a dot becomes `_`, a
/// hyphen `__`, and a host that could be mistaken for another so (an empty label, a hyphen at its edge, any
/// other sign) has none.
fn variable(host: &str) -> Option<String> {
    let good = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let name = host.to_ascii_uppercase().replace('.', "_").replace('-', "__");
    host.split('.').all(good).then(|| format!("PLANWRIGHT_TOKEN_{name}"))
}

/// What people write after `source`: `"github"`, or a table.
#[derive(Debug)]
pub(super) enum SourceFile {
    Github,
    Rest(Box<RestFile>),
}

/// A REST API that answers JSON.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RestFile {
    /// The address that the paths of resources are below: `https://api.example.com/v1`.
    #[schemars(with = "String")]
    base: Spanned<String>,
    /// How a request carries the credential; without it none is sent.
    #[schemars(with = "Option<Auth>")]
    auth: Option<Spanned<Auth>>,
    /// How the next page of a listing is found; a resource may have its own way.
    #[schemars(with = "Option<Paging>")]
    paging: Option<Spanned<Paging>>,
    /// Headers of every request, by name; never a credential.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    headers: BTreeMap<String, Spanned<String>>,
}

impl<'de> Deserialize<'de> for SourceFile {
    fn deserialize<D: Deserializer<'de>>(toml: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = SourceFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`\"github\"` or a table with `base`")
            }

            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<SourceFile, E> {
                if name == "github" {
                    Ok(SourceFile::Github)
                } else {
                    Err(E::unknown_variant(name, &["github"]))
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<SourceFile, A::Error> {
                let rest = RestFile::deserialize(MapAccessDeserializer::new(table))?;
                Ok(SourceFile::Rest(Box::new(rest)))
            }
        }

        toml.deserialize_any(Either)
    }
}

impl JsonSchema for SourceFile {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Source".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<RestFile>();
        schemars::json_schema!({ "anyOf": [{ "const": "github" }, table] })
    }
}

impl SourceFile {
    /// The API, and how its listings are paged where a resource does not say.
    pub(super) fn read(self, text: &str) -> Result<(Api, Paging), Problem> {
        let Self::Rest(file) = self else { return Ok((Api::Github, Paging::usual())) };
        let RestFile { base, auth, paging, headers } = *file;
        let here = base.span().start;
        let base = address(base.get_ref()).map_err(|fact| Problem::at(text, here, fact))?;
        if let Some((fact, at)) = paging.as_ref().and_then(|it| Some((it.get_ref().fault()?, it.span()))) {
            return Err(Problem::at(text, at.start, fact.to_owned()));
        }
        let paging = paging.map_or_else(Paging::usual, Spanned::into_inner);
        let at = auth.as_ref().map_or(here, |auth| auth.span().start);
        let rest = Rest {
            base,
            auth: auth.map(Spanned::into_inner).unwrap_or_default(),
            headers: headers
                .into_iter()
                .map(|(name, value)| header(&name, value, text))
                .collect::<Result<_, _>>()?,
        };
        if rest.auth != Auth::None && rest.variable().is_none() {
            let fact = format!("no variable can be named after the host `{}`", rest.host());
            return Err(Problem::at(text, at, fact));
        }
        if let Auth::Header { name } = &rest.auth
            && http::HeaderName::try_from(name).is_err()
        {
            return Err(Problem::at(text, at, format!("`{name}` is not the name of a header")));
        }
        Ok((Api::Rest(rest), paging))
    }
}

/// The address, as it is written everywhere else.
fn address(base: &str) -> Result<String, String> {
    let url = Url::parse(base).map_err(|error| format!("`base` is no address: {error}"))?;
    let bare = url.username().is_empty() && url.password().is_none();
    if !bare || url.query().is_some() || url.fragment().is_some() {
        return Err("`base` has no user, no password, no query and no fragment".to_owned());
    }
    match (url.scheme(), url.host()) {
        ("https", Some(Host::Domain(_) | Host::Ipv4(_) | Host::Ipv6(_))) => {}
        ("http", Some(_)) if net::is_loopback(&url) => {}
        _ => return Err(format!("`{base}` is not `https`; `http` is for this machine only")),
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn header(name: &str, value: Spanned<String>, text: &str) -> Result<(String, String), Problem> {
    let at = value.span().start;
    let value = value.into_inner();
    let fact = if RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
        format!("a spec does not set the header `{name}`; a credential is sent by `auth`")
    } else if http::HeaderName::try_from(name).is_err() || http::HeaderValue::try_from(&value).is_err() {
        format!("`{name}` cannot be sent as a header")
    } else {
        return Ok((name.to_owned(), value));
    };
    Err(Problem::at(text, at, fact))
}

#[cfg(test)]
mod tests {
    use super::super::Spec;
    use super::*;

    fn read(source: &str) -> Result<Spec, String> {
        let text = format!("{source}\n[[resources]]\nname = \"a\"\npath = \"/a\"\nkey = [\"id\"]\n");
        Spec::parse("p", &text).map_err(|problem| problem.to_string())
    }

    fn check(source: &str, expected: &str) {
        assert_eq!(read(source).unwrap_err(), expected, "{source}");
    }

    #[test]
    fn a_table_says_where_from_and_how() {
        let spec = read(
            "[source]\nbase = \"https://API.example.com/v1/\"\nauth = { kind = \"bearer\" }\n\
             paging = { kind = \"offset\", limit = 50 }\nheaders = { accept = \"application/json\" }",
        );
        let spec = spec.unwrap();
        let Api::Rest(rest) = &spec.source else { panic!("a table is a REST API") };
        assert_eq!(rest.base, "https://api.example.com/v1");
        assert_eq!(rest.variable().as_deref(), Some("PLANWRIGHT_TOKEN_API_EXAMPLE_COM"));
        let query = [("offset".to_owned(), "0".to_owned()), ("limit".to_owned(), "50".to_owned())];
        assert_eq!(spec.resources[0].query, query);
    }

    #[test]
    fn a_variable_belongs_to_one_host() {
        let hosts = ["api.example.com", "api-example.com", "api.example-com", "api--example.com"];
        let variables: std::collections::BTreeSet<_> = hosts.map(variable).into_iter().flatten().collect();
        assert_eq!(variables.len(), hosts.len(), "{variables:?}");
        for host in ["api..example.com", "a-.b", "a.-b", "a_b.com", "[::1]", "a.com."] {
            assert_eq!(variable(host), None, "{host}");
        }
    }

    #[test]
    fn what_could_lose_a_credential_is_refused() {
        check(
            "[source]\nbase = \"http://api.example.com\"",
            "line 2: `http://api.example.com` is not `https`; `http` is for this machine only",
        );
        let no_user = "line 2: `base` has no user, no password, no query and no fragment";
        check("[source]\nbase = \"https://me:it@api.example.com\"", no_user);
        check("[source]\nbase = \"https://api.example.com?key=it\"", no_user);
        check(
            "[source]\nbase = \"https://a.com\"\nheaders = { Authorization = \"Bearer x\" }",
            "line 3: a spec does not set the header `Authorization`; a credential is sent by `auth`",
        );
        check(
            "[source]\nbase = \"https://a_b.com\"\nauth = { kind = \"bearer\" }",
            "line 3: no variable can be named after the host `a_b.com`",
        );
        assert!(read("[source]\nbase = \"http://127.0.0.1:8080\"").is_ok());
    }

    #[test]
    fn unknown_keys_and_kinds_are_named_with_their_line() {
        check("[source]\nbase = \"https://a.com\"\nauht = 1", "line 3: unknown key `auht`");
        check(
            "[source]\nbase = \"https://a.com\"\npaging = { kind = \"pages\" }",
            "line 3: unknown value `pages`",
        );
        check(
            "[source]\nbase = \"https://a.com\"\npaging = { kind = \"offset\", limit = 0 }",
            "line 3: the `limit` of `paging` is 0",
        );
        check(
            "source = 3",
            "line 1: invalid type: integer `3`, expected `\"github\"` or a table with `base`",
        );
    }
}
