//! What an answer that is not a success means: one table, read from the top, the first rule that fits wins.
//!
//! GitHub says many things with one status, and some things with several ("Troubleshooting the REST
//! API", "Rate limits for the REST API"), so the order is part of the meaning: a limit is looked for
//! before a refusal, and a refusal that names its way out before one that does not. Pure; what is done
//! about it is decided in [`rate`](super::rate).

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;

/// An answer that is not a success.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) headers: &'a HeaderMap,
    /// GitHub's words.
    pub(super) message: &'a str,
}

/// What it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Too much at once: wait as told, else at least a minute.
    TooFast,
    /// The hour's requests are spent.
    Spent,
    /// The token is refused.
    BadToken,
    /// The token is refused in words that do not say that it is bad: seen to pass.
    DoubtfulToken,
    /// The token may not.
    Denied(Denial),
    /// Not there, or hidden from the token.
    Hidden,
    /// The repository has no commit yet.
    Empty,
    /// Deleted, or switched off.
    Gone,
    /// Beyond the last page that the server gives.
    TooDeep,
    /// The server's own trouble: seen to pass.
    Passing,
    /// Any other trouble of the server.
    Server,
    /// A redirect that leads to another host, or to nowhere.
    Elsewhere,
    /// What was sent is refused.
    Invalid,
}

/// Why a token may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// The organisation wants the token to be authorised for its single sign-on, at this address.
    SingleSignOn {
        /// Where the person does it.
        url: Option<String>,
    },
    /// The token lacks every scope that would do.
    Scope {
        /// The scopes, as GitHub lists them.
        needs: String,
    },
    /// A fine-grained token or an app without the permission.
    Permission {
        /// The permission that would do, where GitHub says it.
        needs: Option<String>,
    },
    /// GitHub blocks it for everybody: a takedown, a violation of its terms, the law.
    Blocked,
    /// Anything else.
    Other,
}

/// A rule: its name for the log, when it fits, and what it then means.
type Rule = (&'static str, fn(&Answer<'_>) -> bool, fn(&Answer<'_>) -> Meaning);

/// The rules, in their order.
#[rustfmt::skip]
const RULES: &[Rule] = &[
    ("redirect", |it| matches!(it.status, 300..=399), |_| Meaning::Elsewhere),
    ("retry-after", |it| it.is_no() && it.number("retry-after").is_some(), |_| Meaning::TooFast),
    ("nothing remaining", |it| it.is_no() && it.number("x-ratelimit-remaining") == Some(0), |_| Meaning::Spent),
    ("limit in words", |it| it.is_no() && it.says(&["rate limit", "abuse detection"]), |_| Meaning::TooFast),
    ("too many", |it| it.status == 429, |_| Meaning::TooFast),
    ("bad token", |it| it.status == 401 && it.says(&["bad credentials", "requires authentication", "expired"]), |_| Meaning::BadToken),
    ("bad proof", |it| it.status == 401 && it.says(&["json web token", "' claim (", "public key"]), |_| Meaning::BadToken),
    ("token in doubt", |it| it.status == 401, |_| Meaning::DoubtfulToken),
    ("single sign-on", |it| it.status == 403 && it.sign_on().is_some(), |it| Meaning::Denied(it.sign_on().unwrap_or(Denial::Other))),
    ("single sign-on in words", |it| it.status == 403 && it.says(&["saml enforcement", "single sign-on"]), |_| Meaning::Denied(Denial::SingleSignOn { url: None })),
    ("permission", |it| it.status == 403 && it.says(&["not accessible by"]), |it| Meaning::Denied(Denial::Permission { needs: it.permission() })),
    ("blocked", |it| it.status == 451 || it.status == 403 && it.says(&["access blocked", "dmca", "account was suspended", "has been disabled"]), |_| Meaning::Denied(Denial::Blocked)),
    ("scope", |it| it.status == 403 && it.missing_scopes().is_some(), |it| Meaning::Denied(Denial::Scope { needs: it.missing_scopes().unwrap_or_default() })),
    ("denied", |it| it.status == 403, |it| Meaning::Denied(it.permission().map_or(Denial::Other, |needs| Denial::Permission { needs: Some(needs) }))),
    ("hidden or gone", |it| it.status == 404, |_| Meaning::Hidden),
    ("empty repository", |it| it.status == 409 && it.says(&["is empty"]), |_| Meaning::Empty),
    ("gone", |it| it.status == 410, |_| Meaning::Gone),
    ("too deep", |it| it.status == 422 && it.says(&["only the first", "pagination"]), |_| Meaning::TooDeep),
    ("passing", |it| matches!(it.status, 500 | 502..=504), |_| Meaning::Passing),
    ("server", |it| it.status >= 500, |_| Meaning::Server),
];

/// What an answer means, and the name of the rule that says so.
pub(super) fn meaning(answer: &Answer<'_>) -> (&'static str, Meaning) {
    let rule = RULES.iter().find(|(_, fits, _)| fits(answer));
    rule.map_or(("refused", Meaning::Invalid), |(name, _, means)| (name, means(answer)))
}

impl Answer<'_> {
    /// GitHub says "not now" with either status.
    const fn is_no(&self) -> bool {
        matches!(self.status, 403 | 429)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    fn says(&self, words: &[&str]) -> bool {
        let message = self.message.to_ascii_lowercase();
        words.iter().any(|words| message.contains(words))
    }

    /// That single sign-on is wanted, and where.
    fn sign_on(&self) -> Option<Denial> {
        let (_, rest) = self.text("x-github-sso")?.split_once("required")?;
        let url = rest.split_once("url=").map(|(_, url)| url.split(';').next().unwrap_or(url).trim());
        Some(Denial::SingleSignOn { url: url.filter(|url| url.starts_with("https://")).map(str::to_owned) })
    }

    fn permission(&self) -> Option<String> {
        self.text("x-accepted-github-permissions").filter(|needs| !needs.is_empty()).map(str::to_owned)
    }

    /// The scopes of which one would do, where the token has none of them.
    fn missing_scopes(&self) -> Option<String> {
        let list = |name| Some(self.text(name)?.split(',').map(str::trim).filter(|scope| !scope.is_empty()));
        let mut accepted = list("x-accepted-oauth-scopes")?.peekable();
        let has: Vec<_> = list("x-oauth-scopes")?.collect();
        accepted.peek()?;
        let needs: Vec<_> = accepted.collect();
        (!needs.iter().any(|scope| has.contains(scope))).then(|| needs.join(", "))
    }

    /// How long the server asks to wait, by header.
    pub(super) fn asks_to_wait(&self) -> Option<Duration> {
        Some(Duration::from_secs(u64::try_from(self.number("retry-after")?).unwrap_or(0)))
    }

    /// How long until the hour's requests are whole again.
    pub(super) fn until_reset(&self, now: Timestamp) -> Duration {
        let reset = self.number("x-ratelimit-reset").unwrap_or(0);
        let seconds = reset.saturating_sub(now.as_second()).saturating_add(1);
        Duration::from_secs(u64::try_from(seconds).unwrap_or(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Given<'a> = (u16, &'a [(&'static str, &'a str)], &'a str);

    fn check((status, pairs, message): Given<'_>, rule: &str, expected: &Meaning) {
        let headers: HeaderMap = pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        let found = meaning(&Answer { status, headers: &headers, message });
        assert_eq!(found, (rule, expected.clone()), "{status} {pairs:?} {message}");
    }

    #[test]
    fn a_limit_is_told_from_a_refusal_whatever_its_status() {
        let spent = [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1030")];
        let both = [("retry-after", "7"), spent[0]];
        let cases: [(Given<'_>, &str, Meaning); 8] = [
            ((403, &[("retry-after", "7")], "secondary rate limit"), "retry-after", Meaning::TooFast),
            ((403, &both, ""), "retry-after", Meaning::TooFast),
            ((403, &spent, "API rate limit exceeded"), "nothing remaining", Meaning::Spent),
            ((429, &spent, ""), "nothing remaining", Meaning::Spent),
            ((403, &[], "You have exceeded a secondary rate limit"), "limit in words", Meaning::TooFast),
            ((403, &[], "abuse detection mechanism"), "limit in words", Meaning::TooFast),
            ((429, &[], ""), "too many", Meaning::TooFast),
            ((503, &[("retry-after", "7")], ""), "passing", Meaning::Passing),
        ];
        for (given, rule, expected) in cases {
            check(given, rule, &expected);
        }
    }

    #[test]
    fn a_refused_token_is_told_from_one_in_doubt() {
        check((401, &[], "Bad credentials"), "bad token", &Meaning::BadToken);
        check((401, &[], "Requires authentication"), "bad token", &Meaning::BadToken);
        check((401, &[], "A JSON web token could not be decoded"), "bad proof", &Meaning::BadToken);
        check((401, &[], "'Issuer' claim ('iss') must be an Integer"), "bad proof", &Meaning::BadToken);
        check((401, &[], ""), "token in doubt", &Meaning::DoubtfulToken);
    }

    #[test]
    fn each_403_names_its_way_out() {
        let left = ("x-ratelimit-remaining", "4999");
        let denied = |denial| Meaning::Denied(denial);
        let url = "https://github.com/orgs/octo/sso?authorization_request=A1";
        let sso = format!("required; url={url}");
        let needs = [left, ("x-accepted-github-permissions", "issues=read")];
        let pat = "Resource not accessible by personal access token";
        check(
            (403, &[left, ("x-github-sso", &sso)], "Resource protected by organization SAML enforcement."),
            "single sign-on",
            &denied(Denial::SingleSignOn { url: Some(url.to_owned()) }),
        );
        check(
            (403, &[], "Resource protected by organization SAML enforcement."),
            "single sign-on in words",
            &denied(Denial::SingleSignOn { url: None }),
        );
        check(
            (403, &needs, pat),
            "permission",
            &denied(Denial::Permission { needs: Some("issues=read".to_owned()) }),
        );
        check(
            (403, &[], "Resource not accessible by integration"),
            "permission",
            &denied(Denial::Permission { needs: None }),
        );
        check((403, &[left], "Repository access blocked"), "blocked", &denied(Denial::Blocked));
        let scopes = [("x-accepted-oauth-scopes", "repo, read:org"), ("x-oauth-scopes", "gist, user")];
        check((403, &scopes, "no"), "scope", &denied(Denial::Scope { needs: "repo, read:org".to_owned() }));
        let enough = [("x-accepted-oauth-scopes", "repo"), ("x-oauth-scopes", "gist, repo")];
        check((403, &enough, "no"), "denied", &denied(Denial::Other));
        check((403, &[left], "Must have admin rights"), "denied", &denied(Denial::Other));
    }

    #[test]
    fn every_other_status_has_one_meaning() {
        let cases: [(u16, &str, &str, Meaning); 14] = [
            (301, "Moved Permanently", "redirect", Meaning::Elsewhere),
            (307, "", "redirect", Meaning::Elsewhere),
            (404, "Not Found", "hidden or gone", Meaning::Hidden),
            (409, "Git Repository is empty.", "empty repository", Meaning::Empty),
            (409, "Conflict", "refused", Meaning::Invalid),
            (410, "Issues are disabled for this repo", "gone", Meaning::Gone),
            (422, "Only the first 1000 search results are available", "too deep", Meaning::TooDeep),
            (422, "In order to keep the API fast, pagination is limited", "too deep", Meaning::TooDeep),
            (422, "Validation Failed", "refused", Meaning::Invalid),
            (451, "Repository access blocked", "blocked", Meaning::Denied(Denial::Blocked)),
            (500, "", "passing", Meaning::Passing),
            (502, "Server Error", "passing", Meaning::Passing),
            (501, "", "server", Meaning::Server),
            (400, "Problems parsing JSON", "refused", Meaning::Invalid),
        ];
        for (status, message, rule, expected) in cases {
            check((status, &[], message), rule, &expected);
        }
    }
}
