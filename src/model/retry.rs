//! Whether a failed attempt is tried again, and after how long. Pure.
//!
//! Follows the policy of the providers' own SDKs (Messages API, errors), and adds what they leave to
//! the caller: an error event or a cut after status 200 makes the whole turn void, and it is asked for
//! again. A spend limit is never retried.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::HeaderMap;

use super::error::Broken;
use super::provider::Complaint;

/// The first wait, doubled each time.
const FIRST: Duration = Duration::from_millis(500);
/// The longest wait of our own choosing.
const LONGEST: Duration = Duration::from_secs(8);
/// The longest wait that a server may ask for; above it, the person decides.
const PATIENCE: Duration = Duration::from_mins(2);
/// Retries where nothing listens: a wrong URL should not look like a slow one.
const UNREACHABLE: u32 = 2;

/// Why an attempt failed.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server answered with a status that is no success.
    Status { status: u16, advice: Advice, complaint: Complaint },
    /// The server reported an error inside the stream.
    Event { kind: String, message: String },
    /// No connection came up.
    Unreachable(reqwest::Error),
    /// The reply broke off.
    Broken(Broken),
    /// It cannot work at all.
    Fatal(super::Error),
}

/// What the headers of a refusal say about trying again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Advice {
    /// `x-should-retry`.
    pub(super) retry: Option<bool>,
    /// `retry-after-ms` or `retry-after`, where above zero.
    pub(super) after: Option<Duration>,
}

impl Advice {
    /// Reads the headers; `now` turns a date into a wait.
    pub(super) fn read(headers: &HeaderMap, now: Timestamp) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let millis =
            text("retry-after-ms").and_then(|text| text.parse::<f64>().ok()).map(|millis| millis / 1000.0);
        let after = millis.or_else(|| text("retry-after").and_then(|text| seconds(text, now)));
        Self {
            retry: text("x-should-retry").and_then(|text| text.parse().ok()),
            after: after
                .filter(|after| *after > 0.0)
                .and_then(|after| Duration::try_from_secs_f64(after).ok()),
        }
    }
}

/// Seconds from a number or from an HTTP date.
fn seconds(text: &str, now: Timestamp) -> Option<f64> {
    let dated = || {
        let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        Some(at.duration_since(now).as_secs_f64())
    };
    text.parse::<f64>().ok().or_else(dated)
}

/// The wait before the next attempt, or `None` to give up. `attempts` were made so far, `retries` are
/// allowed, `jitter` is between 0 and 1.
pub(super) fn decide(trouble: &Trouble, attempts: u32, retries: u32, jitter: f64) -> Option<Duration> {
    let allowed = if matches!(trouble, Trouble::Unreachable(_)) { retries.min(UNREACHABLE) } else { retries };
    if attempts > allowed || !is_passing(trouble) {
        return None;
    }
    match trouble {
        Trouble::Status { advice: Advice { after: Some(after), .. }, .. } => {
            (*after <= PATIENCE).then_some(*after)
        }
        _ => Some(backoff(attempts, jitter)),
    }
}

fn backoff(attempts: u32, jitter: f64) -> Duration {
    let doubled = FIRST.saturating_mul(1 << attempts.saturating_sub(1).min(10));
    doubled.min(LONGEST).mul_f64(1.0 - 0.25 * jitter.clamp(0.0, 1.0))
}

fn is_passing(trouble: &Trouble) -> bool {
    match trouble {
        Trouble::Status { complaint, .. } if is_spent(complaint) => false,
        Trouble::Status { status, advice, .. } => {
            advice.retry.unwrap_or(matches!(status, 408 | 409 | 429) || *status >= 500)
        }
        Trouble::Event { kind, .. } => !is_final(kind),
        Trouble::Unreachable(error) => !error.is_builder(),
        Trouble::Broken(Broken::NotAStream(_)) | Trouble::Fatal(_) => false,
        Trouble::Broken(_) => true,
    }
}

/// Whether a complaint is about money: waiting does not help.
pub(super) fn is_spent(complaint: &Complaint) -> bool {
    let codes = ["contract_spend_limit_reached", "enforced_spend_limit_reached", "insufficient_quota"];
    complaint.kind == "billing_error"
        || codes.contains(&complaint.code.as_str())
        || codes.contains(&complaint.kind.as_str())
}

/// Whether an error inside a stream says that the request itself is wrong.
fn is_final(kind: &str) -> bool {
    let kinds = [
        "invalid_request_error",
        "authentication_error",
        "billing_error",
        "permission_error",
        "not_found_error",
        "request_too_large",
    ];
    kinds.contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16) -> Trouble {
        Trouble::Status { status, advice: Advice::default(), complaint: Complaint::default() }
    }

    fn advised(code: u16, retry: Option<bool>, seconds: Option<u64>) -> Trouble {
        let advice = Advice { retry, after: seconds.map(Duration::from_secs) };
        Trouble::Status { status: code, advice, complaint: Complaint::default() }
    }

    fn event(kind: &str) -> Trouble {
        Trouble::Event { kind: kind.into(), message: String::new() }
    }

    #[track_caller]
    fn check(trouble: &Trouble, attempts: u32, expected: Option<u64>) {
        let found = decide(trouble, attempts, 4, 0.0).map(|wait| u64::try_from(wait.as_millis()).unwrap());
        assert_eq!(found, expected, "{trouble:?} after {attempts}");
    }

    #[test]
    fn passing_failures_are_tried_again() {
        for code in [408, 409, 429, 500, 502, 503, 504, 529] {
            check(&status(code), 1, Some(500));
        }
        for kind in ["overloaded_error", "api_error", "rate_limit_error", "", "502"] {
            check(&event(kind), 1, Some(500));
        }
        check(&Trouble::Broken(Broken::Ended), 1, Some(500));
        check(&Trouble::Broken(Broken::Idle(Duration::from_secs(9))), 1, Some(500));
    }

    #[test]
    fn lasting_failures_are_not() {
        for code in [400, 401, 402, 403, 404, 413, 422] {
            check(&status(code), 1, None);
        }
        check(&event("invalid_request_error"), 1, None);
        check(&Trouble::Broken(Broken::NotAStream("text/html".into())), 1, None);
        let complaint = Complaint { code: "enforced_spend_limit_reached".into(), ..Complaint::default() };
        let advice = Advice { retry: Some(true), after: None };
        check(&Trouble::Status { status: 429, advice, complaint }, 1, None);
    }

    #[test]
    fn waits_double_and_end() {
        for (attempts, wait) in [(1, Some(500)), (2, Some(1000)), (3, Some(2000)), (4, Some(4000)), (5, None)]
        {
            check(&status(529), attempts, wait);
        }
        assert_eq!(decide(&status(529), 9, 20, 0.0), Some(Duration::from_secs(8)));
        assert_eq!(decide(&status(529), 9, 20, 1.0), Some(Duration::from_secs(6)));
    }

    #[test]
    fn the_server_decides_where_it_speaks() {
        check(&advised(500, Some(false), None), 1, None);
        check(&advised(400, Some(true), None), 1, Some(500));
        check(&advised(429, None, Some(30)), 1, Some(30_000));
        check(&advised(429, None, Some(3_600)), 1, None);
    }

    #[test]
    fn advice_is_read_from_headers() {
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        let read = |headers: &[(&'static str, &'static str)]| {
            let map =
                headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            Advice::read(&map, now)
        };
        let after = |millis| Some(Duration::from_millis(millis));
        assert_eq!(read(&[("retry-after-ms", "250"), ("retry-after", "9")]).after, after(250));
        assert_eq!(read(&[("retry-after", "1.5")]).after, after(1500));
        assert_eq!(read(&[("retry-after", "Sun, 22 Nov 2026 10:00:07 GMT")]).after, after(7000));
        assert_eq!(read(&[("retry-after", "Sun, 22 Nov 2026 09:00:00 GMT")]).after, None);
        assert_eq!(read(&[("retry-after", "0")]).after, None);
        assert_eq!(read(&[("x-should-retry", "false")]).retry, Some(false));
        assert_eq!(read(&[("retry-after", "soon"), ("x-should-retry", "maybe")]), Advice::default());
    }
}
