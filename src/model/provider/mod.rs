//! Protocols: each encodes a request and decodes events, and does nothing else.
//!
//! A protocol module knows no sockets, no retries and no prices; the one send loop does that for all
//! of them.

pub(super) mod anthropic;
pub(super) mod openai;
pub(super) mod replay;

use reqwest::header::{HeaderMap, HeaderValue, InvalidHeaderValue};
use serde_json::Value;

use super::event::Event;
use super::facts::Accepts;
use super::request::Request;
use super::sse;
use crate::config::settings::Credential;

/// A protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Anthropic,
    Openai,
}

impl Dialect {
    /// The path of the endpoint, below the base URL without `/v1`.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Anthropic => "/v1/messages",
            Self::Openai => "/v1/chat/completions",
        }
    }

    /// The headers that carry the protocol's version and the credential.
    pub(super) fn headers(self, credential: Option<&Credential>) -> Result<HeaderMap, InvalidHeaderValue> {
        let mut headers = HeaderMap::new();
        if self == Self::Anthropic {
            headers.insert("anthropic-version", HeaderValue::from_static(anthropic::VERSION));
        }
        let (name, text) = match (self, credential) {
            (_, None) => return Ok(headers),
            (Self::Anthropic, Some(Credential::Key(key))) => ("x-api-key", key.expose().trim().to_owned()),
            (_, Some(Credential::Key(token) | Credential::Bearer(token))) => {
                ("authorization", format!("Bearer {}", token.expose().trim()))
            }
        };
        let mut value = HeaderValue::from_str(&text)?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(headers)
    }

    /// What reads this protocol's events. `model` is the model that was asked for.
    pub(super) fn decoder(self, model: &str) -> Decoder {
        match self {
            Self::Anthropic => Decoder::Anthropic(anthropic::Decoder::new(model)),
            Self::Openai => Decoder::Openai(openai::Decoder::new(model)),
        }
    }

    /// The body of a request for a streamed reply. `dropped` are parameters that the server refused before.
    pub(super) fn body(self, request: &Request, accepts: &Accepts, dropped: &[&'static str]) -> Value {
        match self {
            Self::Anthropic => anthropic::encode(request, accepts),
            Self::Openai => openai::encode(request, dropped),
        }
    }
}

/// The state of reading one stream.
#[derive(Debug)]
pub(super) enum Decoder {
    Anthropic(anthropic::Decoder),
    Openai(openai::Decoder),
}

impl Decoder {
    /// What an event of the stream says.
    pub(super) fn push(&mut self, event: &sse::Event) -> Result<Vec<Event>, serde_json::Error> {
        match self {
            Self::Anthropic(decoder) => decoder.push(event),
            Self::Openai(decoder) => decoder.push(event),
        }
    }

    /// What the end of the stream says: only Chat Completions may end without saying so.
    pub(super) fn end(&mut self) -> Vec<Event> {
        match self {
            Self::Anthropic(_) => Vec::new(),
            Self::Openai(decoder) => decoder.end(),
        }
    }
}

/// What a server says when it refuses, in either protocol or in plain text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Complaint {
    /// `type` of the error, or empty.
    pub(super) kind: String,
    /// The machine-readable code, or empty.
    pub(super) code: String,
    /// The parameter it is about, or empty.
    pub(super) parameter: String,
    /// The message for people.
    pub(super) message: String,
}

/// Characters of an answer in plain text that are kept as its message.
const MESSAGE_CHARACTERS: usize = 300;

impl Complaint {
    /// Reads the body of an answer that is not a success.
    pub(super) fn read(body: &[u8]) -> Self {
        serde_json::from_slice::<Value>(body).ok().as_ref().and_then(Self::from_value).unwrap_or_else(|| {
            let text = String::from_utf8_lossy(body);
            let message: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let message = message.chars().take(MESSAGE_CHARACTERS).collect::<String>();
            let message = if message.is_empty() { "it gave no reason".to_owned() } else { message };
            Self { message, ..Self::default() }
        })
    }

    /// Reads an error object, alone or under `error`.
    pub(super) fn from_value(value: &Value) -> Option<Self> {
        let error = value.get("error").unwrap_or(value);
        if let Some(message) = error.as_str() {
            return Some(Self { message: message.to_owned(), ..Self::default() });
        }
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let code = error.pointer("/details/error_code").unwrap_or(&error["code"]);
        Some(Self {
            kind: text(&error["type"]),
            code: text(code),
            parameter: text(&error["param"]),
            message: error["message"].as_str()?.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[track_caller]
    fn check(body: &str, kind: &str, code: &str, message: &str) {
        let found = Complaint::read(body.as_bytes());
        assert_eq!((found.kind.as_str(), found.code.as_str(), found.message.as_str()), (kind, code, message));
    }

    #[test]
    fn complaints_of_every_server_are_read() {
        check(
            r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow","details":{"error_code":"enforced_spend_limit_reached"}}}"#,
            "rate_limit_error",
            "enforced_spend_limit_reached",
            "slow",
        );
        check(
            r#"{"error":{"message":"no such","type":"x","code":"model_not_found"}}"#,
            "x",
            "model_not_found",
            "no such",
        );
        check(r#"{"error":"model 'x' not found"}"#, "", "", "model 'x' not found");
        check(r#"{"error":{"code":502,"message":"upstream"}}"#, "", "502", "upstream");
        check("<html>\n  Bad   Gateway</html>", "", "", "<html> Bad Gateway</html>");
        check("", "", "", "it gave no reason");
    }

    #[test]
    fn credentials_travel_in_the_right_header_and_never_print() {
        let key = Credential::Key(Secret::new(" k-1\n".into()));
        let bearer = Credential::Bearer(Secret::new("t-1".into()));
        let anthropic = Dialect::Anthropic.headers(Some(&key)).unwrap();
        assert_eq!((anthropic["x-api-key"].to_str().unwrap(), anthropic.get("authorization")), ("k-1", None));
        assert!(!format!("{anthropic:?}").contains("k-1"));
        assert_eq!(Dialect::Anthropic.headers(Some(&bearer)).unwrap()["authorization"], "Bearer t-1");
        assert_eq!(Dialect::Openai.headers(Some(&key)).unwrap()["authorization"], "Bearer k-1");
        assert!(Dialect::Openai.headers(None).unwrap().is_empty());
    }
}
