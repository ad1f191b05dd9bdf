//! Reading what every reader is shown alike, by whichever credential has most left.
//!
//! Who pays is decided in [`purse`](super::purse), how one of them sends in [`send`](super::send); this goes
//! on to the next where one is at its limit, and asks the person's where another one is refused.

use std::future::Future;
use std::sync::Arc;

use super::purse::Payer;
use super::rate::Kind;
use super::send::{Action, Limits, Means};
use super::{Client, Error};

impl Client {
    /// Sends `call` for a place until it succeeds or the decision is to stop. What the person's credential
    /// gets after another was refused bars the other from the place, if it is `more`.
    pub(super) async fn share<T, F, R>(
        &self,
        (kind, place): (Kind, &str),
        action: Action<'_>,
        call: F,
        more: impl Fn(&T) -> bool,
    ) -> Result<T, Error>
    where
        F: Fn(Means) -> R,
        R: Future<Output = octocrab::Result<T>>,
    {
        let mut passed_on = 0;
        loop {
            let (payer, has_another) = self.purse.choose(kind, place);
            let payer = Arc::clone(payer);
            // Each may be at its limit once; then the one that is chosen is waited for.
            let may_pass = has_another && passed_on < self.purse.len();
            let limits = if may_pass { Limits::Report } else { Limits::Await };
            match self.send_by(&payer, (kind, limits), action, &call).await {
                Err(Error::RateLimited { .. }) if may_pass => passed_on += 1,
                Err(refused) if !self.purse.is_first(&payer) && is_no(&refused) => {
                    tracing::warn!(action = action(), place, "another token may not; the first one is asked");
                    let answer = self.send(kind, action, call).await;
                    judge(&payer, place, &refused, answer.as_ref().is_ok_and(more));
                    return answer;
                }
                other => return other,
            }
        }
    }
}

/// Whether it is the credential that is refused, or cannot see.
const fn is_no(error: &Error) -> bool {
    matches!(
        error,
        Error::Unauthorized { .. } | Error::App(_) | Error::Forbidden { .. } | Error::NotFound { .. }
    )
}

/// Uses a credential that was refused no more where the person's sees more.
fn judge(payer: &Payer, place: &str, refused: &Error, sees_more: bool) {
    if matches!(refused, Error::Unauthorized { .. } | Error::App(_)) {
        payer.bar_everywhere();
    } else if sees_more {
        payer.bar(place);
    }
}
