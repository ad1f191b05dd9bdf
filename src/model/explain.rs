//! What a failed attempt means for the person: pure, from trouble to error.

use super::error::{self, Error};
use super::price;
use super::provider::Complaint;
use super::retry::{self, Trouble};
use crate::config::settings::{Credential, Provider};

/// What an explanation needs to know of the request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances<'a> {
    pub(super) provider: &'a Provider,
    pub(super) base_url: &'a str,
    pub(super) credential: Option<&'a Credential>,
    pub(super) model: &'a str,
    pub(super) known: &'a [String],
    pub(super) attempts: u32,
    /// Whether any attempt reached the server.
    pub(super) reached: bool,
}

/// The error that the last attempt's trouble is.
pub(super) fn explain(trouble: Trouble, at: Circumstances<'_>) -> Error {
    match trouble {
        Trouble::Fatal(error) => error,
        Trouble::Unreachable(source) => {
            Error::Unreachable { base_url: at.base_url.to_owned(), reached: at.reached, source }
        }
        Trouble::Broken(source) => Error::Cut { attempts: at.attempts, source },
        Trouble::Event { kind, message } => {
            let status = status_of(&kind);
            refused(status, Complaint { kind, message, ..Complaint::default() }, None, at)
        }
        Trouble::Status { status, advice, complaint } => refused(status, complaint, advice.after, at),
    }
}

/// The status that an error inside a stream would have had.
fn status_of(kind: &str) -> u16 {
    match kind {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "overloaded_error" => 529,
        _ => 200,
    }
}

fn refused(
    status: u16,
    complaint: Complaint,
    after: Option<std::time::Duration>,
    at: Circumstances<'_>,
) -> Error {
    let base_url = at.base_url.to_owned();
    let model = at.model.to_owned();
    let attempts = at.attempts;
    let unknown = is_unknown_model(status, &complaint, at.model);
    let too_long = is_too_long(status, &complaint);
    let spent = status == 402 || retry::is_spent(&complaint);
    let message = complaint.message;
    match status {
        _ if spent => Error::Billing { base_url, message },
        401 => unauthorized(message, at),
        403 => Error::Forbidden { base_url, model, message },
        _ if unknown => {
            let nearest = price::nearest(&model, at.known.iter());
            Error::UnknownModel { base_url, model, nearest, message }
        }
        _ if too_long => Error::ContextTooLong { model, message },
        429 => Error::RateLimited { attempts, message, after },
        529 => Error::Overloaded { attempts, message },
        408 | 409 | 500.. | 200 => Error::Server { status, attempts, message },
        _ => Error::Invalid { status, message },
    }
}

fn unauthorized(message: String, at: Circumstances<'_>) -> Error {
    let bearer = matches!((at.provider, at.credential), (Provider::Anthropic, Some(Credential::Bearer(_))));
    Error::Unauthorized {
        base_url: at.base_url.to_owned(),
        status: 401,
        message,
        variable: if bearer { "ANTHROPIC_AUTH_TOKEN" } else { error::variable(at.provider) },
        sent: at.credential.is_some(),
    }
}

/// A 404 of the API itself is about the model; a 404 page is about the URL.
fn is_unknown_model(status: u16, complaint: &Complaint, model: &str) -> bool {
    complaint.code == "model_not_found"
        || (status == 404 && (complaint.kind == "not_found_error" || complaint.message.contains(model)))
}

/// Servers that give no code say it in words.
fn is_too_long(status: u16, complaint: &Complaint) -> bool {
    let words = ["prompt is too long", "maximum context length", "exceeds the available context size"];
    status == 413
        || complaint.code == "context_length_exceeded"
        || (status == 400 && words.iter().any(|words| complaint.message.contains(words)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;
    use crate::error::Failure as _;

    #[track_caller]
    fn check(status: u16, body: &str, expected: &str) {
        let known = vec!["claude-opus-5-5".to_owned()];
        let key = Credential::Key(Secret::new("k".into()));
        let at = Circumstances {
            provider: &Provider::Anthropic,
            base_url: "https://api.example.com",
            credential: Some(&key),
            model: "claude-opus-5.5",
            known: &known,
            attempts: 3,
            reached: true,
        };
        let complaint = Complaint::read(body.as_bytes());
        let error = refused(status, complaint, None, at);
        let hints: Vec<_> = error.hints().into_iter().map(|hint| format!(" | hint: {hint}")).collect();
        assert_eq!(format!("{error}{}", hints.concat()), expected);
    }

    fn body(kind: &str, message: &str) -> String {
        format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}}}}"#)
    }

    #[test]
    fn refusals_are_told_apart() {
        check(
            401,
            &body("authentication_error", "invalid x-api-key"),
            "`https://api.example.com` does not accept the credential (401): invalid x-api-key | hint: check the key in ANTHROPIC_API_KEY",
        );
        check(
            404,
            &body("not_found_error", "model: claude-opus-5.5"),
            "`https://api.example.com` does not know the model `claude-opus-5.5`: model: claude-opus-5.5 | hint: the nearest known model is `claude-opus-5-5`",
        );
        check(404, "<h1>Not Found</h1>", "the model server refused the request (404): <h1>Not Found</h1>");
        check(
            400,
            &body("invalid_request_error", "prompt is too long: 2 tokens > 1 maximum"),
            "the conversation does not fit into the context of `claude-opus-5.5`: prompt is too long: 2 tokens > 1 maximum",
        );
        check(400, &body("invalid_request_error", "no"), "the model server refused the request (400): no");
        check(
            402,
            &body("billing_error", "pay"),
            "the account at `https://api.example.com` may not spend more: pay",
        );
        check(
            429,
            r#"{"error":{"type":"rate_limit_error","message":"m","details":{"error_code":"contract_spend_limit_reached"}}}"#,
            "the account at `https://api.example.com` may not spend more: m",
        );
        check(
            429,
            &body("rate_limit_error", "slow"),
            "the model server limits the rate after 3 attempts: slow",
        );
        check(
            529,
            &body("overloaded_error", "busy"),
            "the model server is overloaded after 3 attempts: busy",
        );
        check(502, "", "the model server failed (502) after 3 attempts: it gave no reason");
    }
}
