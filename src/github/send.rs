//! What GitHub's requests need around `net`'s loop, whoever pays: asks the [`governor`](super::governor) when, sends, asks
//! [`rate`](super::rate) about anything that is not a success; then it waits and sends again, or reports.

use std::error::Error as StdError;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::error::Cause;
use super::governor::{Bucket, Stopped, Why};
use super::purse::Payer;
use super::rate::{Attempt, Decision, Kind, Outcome, decide};
use super::rules::{Answer, Meaning, meaning};
use super::{Client, Error, Governor};
use crate::net::{Next, SILENCE, insist};

/// What is being done, in words that follow "cannot": `read issue #34 of acme/shop`.
pub(super) type Action<'a> = &'a (dyn Fn() -> String + Sync);

/// What a request is made with.
#[derive(Debug)]
pub(super) struct Means {
    pub(super) octocrab: octocrab::Octocrab,
    /// The payer's, to be told what an answer costs.
    pub(super) governor: Governor,
    /// Whether the person pays, whose answer is the last word.
    pub(super) is_first: bool,
}

/// What is done about a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limits {
    /// It is waited for where it is short.
    Await,
    /// It is reported at once: somebody else can pay.
    Report,
}

impl Client {
    /// Sends `call`, which the person pays for, until it succeeds or the decision is to stop.
    pub(super) async fn send<T, F, R>(&self, kind: Kind, action: Action<'_>, call: F) -> Result<T, Error>
    where
        F: Fn(Means) -> R,
        R: Future<Output = octocrab::Result<T>>,
    {
        self.send_by(self.purse.first(), (kind, Limits::Await), action, &call).await
    }

    /// The same, paid for by this one.
    pub(super) async fn send_by<T, F, R>(
        &self,
        payer: &Arc<Payer>,
        (kind, limits): (Kind, Limits),
        action: Action<'_>,
        call: &F,
    ) -> Result<T, Error>
    where
        F: Fn(Means) -> R,
        R: Future<Output = octocrab::Result<T>>,
    {
        let governor = &payer.governor;
        let is_first = self.purse.is_first(payer);
        let attempt = || async {
            let pass = governor.admit(kind.bucket(), kind).await.map_err(Missed::Held)?;
            let octocrab = payer.octocrab().await.map_err(Missed::Unproven)?;
            let asked = self.clock.now();
            let means = Means { octocrab, governor: governor.clone(), is_first };
            let failed = match tokio::time::timeout(SILENCE, Box::pin(call(means))).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => Failed::Said(error),
                Err(elapsed) => Failed::Silent(elapsed),
            };
            if failed.is_unauthorized() {
                payer.forget(asked).await;
            }
            Err(Missed::Failed(failed, pass.sent()))
        };
        let mut waited = Duration::ZERO;
        let mut may_renew = payer.is_app();
        let judge = |number, missed| {
            let (failed, sent) = match missed {
                Missed::Held(stopped) => return Next::Stop(self.limited(action(), stopped)),
                Missed::Unproven(error) => return Next::Stop(error),
                Missed::Failed(failed, sent) => (failed, sent),
            };
            // It was refused before anything was done, so a create may be sent again too.
            if failed.is_unauthorized() && std::mem::take(&mut may_renew) {
                return Next::After(Duration::ZERO);
            }
            let attempt = Attempt { kind, number, waited, now: self.clock.now() };
            let decision = decide(&attempt, &failed.outcome());
            tracing::warn!(
                action = action(),
                number,
                ?decision,
                error = failed.brief(),
                "a request did not succeed"
            );
            match decision {
                Decision::Wait(time, why) => {
                    waited += time;
                    governor.slow(sent, time);
                    if limits == Limits::Report {
                        let until = attempt.now.saturating_add(time).unwrap_or(attempt.now);
                        return Next::Stop(self.limited(action(), Stopped { until, why }));
                    }
                    governor.tell(time, why);
                    Next::After(time)
                }
                Decision::Again(time) => Next::After(time),
                Decision::Limited { until, why } => {
                    if why == Why::TooFast {
                        governor.slow(
                            sent,
                            Duration::try_from(until.duration_since(attempt.now)).unwrap_or_default(),
                        );
                    }
                    Next::Stop(self.limited(action(), Stopped { until, why }))
                }
                Decision::Unknown => Next::Stop(Error::Unknown { action: action(), source: failed.cause() }),
                Decision::Report => Next::Stop(self.report(action(), failed)),
            }
        };
        insist(&self.clock, attempt, judge).await
    }

    fn limited(&self, action: String, Stopped { until, why }: Stopped) -> Error {
        Error::RateLimited { action, url: self.base().to_owned(), until, why }
    }

    fn report(&self, action: String, failed: Failed) -> Error {
        let url = self.base().to_owned();
        let Failed::Said(octocrab::Error::GitHub { source, .. }) = failed else {
            let unreadable = matches!(
                failed,
                Failed::Said(
                    octocrab::Error::Json { .. }
                        | octocrab::Error::Serde { .. }
                        | octocrab::Error::Other { .. }
                )
            );
            let source = failed.cause();
            return if unreadable {
                Error::Unreadable { action, url, source }
            } else {
                Error::Unreachable { url, source }
            };
        };
        let message = words(&source);
        let status = source.status_code.as_u16();
        let nothing = http::HeaderMap::new();
        let headers = source.headers.as_ref().unwrap_or(&nothing);
        match meaning(&Answer { status, headers, message: &message }).1 {
            Meaning::BadToken | Meaning::DoubtfulToken => Error::Unauthorized { url, message },
            Meaning::Denied(denial) => Error::Forbidden { action, message, denial },
            Meaning::Hidden => Error::NotFound { action, url },
            Meaning::Empty => Error::Empty { action, message },
            Meaning::Gone => Error::Gone { action, message },
            Meaning::Passing | Meaning::Server => Error::Server { action, url, status, message },
            Meaning::Elsewhere => {
                let next = headers.get(http::header::LOCATION).and_then(|next| next.to_str().ok());
                Error::Elsewhere { url, next: next.unwrap_or_default().to_owned() }
            }
            Meaning::TooDeep => Error::TooDeep { action, message },
            Meaning::Invalid | Meaning::TooFast | Meaning::Spent => {
                Error::Invalid { action, message, status }
            }
        }
    }
}

/// Why an attempt gave nothing.
enum Missed {
    /// It was never made.
    Held(Stopped),
    /// It was never made: the app that pays got no token.
    Unproven(Error),
    /// It failed; what it was paid from, and when it went.
    Failed(Failed, (Bucket, Timestamp)),
}

/// What came instead of a success.
enum Failed {
    /// octocrab's error.
    Said(octocrab::Error),
    /// Nothing, for too long.
    Silent(tokio::time::error::Elapsed),
}

impl Failed {
    fn outcome(&self) -> Outcome<'_> {
        match self {
            Self::Said(octocrab::Error::GitHub { source, .. }) => match &source.headers {
                Some(headers) => Outcome::Answer(Answer {
                    status: source.status_code.as_u16(),
                    headers,
                    message: &source.message,
                }),
                None => Outcome::Broken,
            },
            Self::Said(other) if is_no_connection(other) => Outcome::NoConnection,
            Self::Said(_) => Outcome::Broken,
            Self::Silent(_) => Outcome::Silent,
        }
    }

    /// Whether it is the credential that is refused.
    fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Said(octocrab::Error::GitHub { source, .. }) if source.status_code.as_u16() == 401)
    }

    fn cause(self) -> Cause {
        match self {
            Self::Said(error) => innermost(error),
            Self::Silent(elapsed) => Box::new(elapsed),
        }
    }

    /// One line for the log.
    fn brief(&self) -> String {
        match self {
            Self::Said(octocrab::Error::GitHub { source, .. }) => {
                format!("{}: {}", source.status_code, words(source))
            }
            Self::Said(other) => other.to_string(),
            Self::Silent(elapsed) => elapsed.to_string(),
        }
    }
}

fn is_no_connection(error: &octocrab::Error) -> bool {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_connect) {
            return true;
        }
        next = error.source();
    }
    false
}

/// The error below octocrab's wrappers, whose texts repeat their causes.
fn innermost(error: octocrab::Error) -> Cause {
    match error {
        octocrab::Error::Service { source, .. } => match source.downcast::<octocrab::Error>() {
            Ok(inner) => innermost(*inner),
            Err(other) => other,
        },
        octocrab::Error::Reqwest { source, .. } => Box::new(source.without_url()),
        octocrab::Error::Json { source, .. } => Box::new(source),
        octocrab::Error::Serde { source, .. } => Box::new(source),
        octocrab::Error::GitHub { source, .. } => {
            format!("status {}: {}", source.status_code.as_u16(), words(&source)).into()
        }
        other => Box::new(other),
    }
}

/// GitHub's message with its field errors, in one line of bounded length.
fn words(error: &octocrab::GitHubError) -> String {
    let mut text = error.message.split_whitespace().collect::<Vec<_>>().join(" ");
    for detail in error.errors.iter().flatten() {
        let part = |name: &str| detail.get(name).and_then(serde_json::Value::as_str);
        let said = match (part("message"), part("field"), part("code")) {
            (Some(message), ..) => message.to_owned(),
            (None, Some(field), Some(code)) => format!("`{field}` {}", code.replace('_', " ")),
            _ => detail.to_string(),
        };
        text.push_str("; ");
        text.push_str(&said);
    }
    text.chars().take(500).collect()
}
