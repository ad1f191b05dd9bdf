//! What an app sees where a person sees what is theirs: it has no account. Pure.
//!
//! What a person lists as their repositories is listed as the installation's ("List repositories accessible to
//! the app installation"), which comes in an object and knows no order. Nothing else that belongs to an account
//! is asked for at all: GitHub refuses most of it ("Endpoints available for GitHub App installation access
//! tokens"), and an empty list would say that there is nothing.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

/// What a person lists as theirs.
const OF_A_PERSON: &str = "/user/repos";
/// What an installation lists as its own.
const OF_AN_INSTALLATION: &str = "/installation/repositories";
/// What else belongs to an account, with all that is below it.
const OF_AN_ACCOUNT: &[&str] = &["/user", "/issues", "/notifications", "/gists"];

#[derive(Deserialize)]
struct Listed {
    repositories: Box<RawValue>,
}

/// What is asked for an address below the API's base; nothing, where it belongs to an account.
pub(in crate::github) fn asked(address: &str) -> Option<Cow<'_, str>> {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    if path == OF_A_PERSON {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let kept = pairs.filter(|(name, _)| matches!(&**name, "per_page" | "page"));
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
        return Some(Cow::Owned(format!("{OF_AN_INSTALLATION}?{query}")));
    }
    let is_at_or_below =
        |top: &&str| path.strip_prefix(*top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    (!OF_AN_ACCOUNT.iter().any(is_at_or_below)).then_some(Cow::Borrowed(address))
}

/// The body as a person's answer would have it, where the address lists an installation's repositories.
pub(in crate::github) fn seen(address: &str, body: Bytes) -> Bytes {
    if address.split('?').next() != Some(OF_AN_INSTALLATION) {
        return body;
    }
    match serde_json::from_slice::<Listed>(&body) {
        Ok(listed) => Bytes::from(String::from(Box::<str>::from(listed.repositories))),
        // One that did not change has none.
        Err(_) => body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, expected: Option<&str>) {
        assert_eq!(asked(address).as_deref(), expected, "{address}");
    }

    #[test]
    fn a_persons_repositories_are_the_installations_and_nothing_else_of_an_account_is_asked_for() {
        let all = "/installation/repositories?per_page=100";
        check("/user/repos?per_page=100&sort=full_name", Some(all));
        check("/user/repos?page=2&per_page=100", Some("/installation/repositories?page=2&per_page=100"));
        check(all, Some(all));
        check("/repos/acme/user/issues", Some("/repos/acme/user/issues"));
        check("/users/ada/repos", Some("/users/ada/repos"));
        for address in
            ["/user", "/user/starred?page=2", "/issues?filter=all", "/notifications", "/gists/starred"]
        {
            check(address, None);
        }
    }

    #[test]
    fn the_list_is_taken_out_of_its_object() {
        let body = Bytes::from_static(br#"{"total_count": 1, "repositories": [{"id": 1}]}"#);
        assert_eq!(seen("/installation/repositories?page=2", body.clone()), r#"[{"id": 1}]"#);
        assert_eq!(seen("/repos/acme/shop", body.clone()), body);
        assert_eq!(seen("/installation/repositories", Bytes::new()), "");
    }
}
