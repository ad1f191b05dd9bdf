//! Which page comes next and where the next sync begins. Pure.
//!
//! An incremental listing is read ascending by the time its items change, and every page begins anew at
//! the last time seen (`since` is inclusive): rows that move while it is read are met again, never
//! skipped, and no page number ever grows. A whole listing follows the source's links.

use serde_json::{Map, Value};

use super::source::Target;
use super::spec::{Incremental, Resource, placeholders};

/// Where a listing stands. Kept in the warehouse, in the same transaction as the rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cursor {
    /// The latest time seen.
    pub since: Option<String>,
    /// The link to go on with, where a listing was left in the middle and `since` cannot move.
    pub next: Option<String>,
}

/// What to ask first.
pub fn first(resource: &Resource, vars: &Map<String, Value>, cursor: &Cursor) -> Target {
    match (&cursor.next, &resource.incremental) {
        (Some(link), Some(_)) => Target::Link(link.clone()),
        (_, Some(incremental)) => since(resource, vars, incremental, cursor.since.as_deref()),
        (_, None) => Target::Path { path: fill(resource, vars), query: resource.query.clone() },
    }
}

/// What to ask after a page, and where the listing stands with that page loaded.
pub fn after(
    resource: &Resource,
    vars: &Map<String, Value>,
    before: &Cursor,
    latest: Option<String>,
    link: Option<String>,
) -> (Cursor, Option<Target>) {
    let Some(incremental) = &resource.incremental else {
        return (Cursor { since: None, next: link.clone() }, link.map(Target::Link));
    };
    let moved =
        latest.filter(|latest| before.since.as_ref().is_none_or(|since| order(latest) > order(since)));
    let since_now = moved.clone().or_else(|| before.since.clone());
    match (link, moved) {
        (None, _) => (Cursor { since: since_now, next: None }, None),
        (Some(_), Some(latest)) => {
            let target = since(resource, vars, incremental, Some(&latest));
            (Cursor { since: since_now, next: None }, Some(target))
        }
        (Some(link), None) => {
            (Cursor { since: since_now, next: Some(link.clone()) }, Some(Target::Link(link)))
        }
    }
}

/// The latest time among a page's items.
pub fn latest(incremental: &Incremental, items: &[Map<String, Value>]) -> Option<String> {
    let times = items.iter().filter_map(|item| item.get(&incremental.field)?.as_str());
    times.max_by_key(|text| order(text)).map(str::to_owned)
}

/// Times by what they mean, whether or not they have a fraction; other texts by their letters.
fn order(text: &str) -> (Option<jiff::Timestamp>, &str) {
    text.parse().map_or((None, text), |at| (Some(at), ""))
}

fn since(
    resource: &Resource,
    vars: &Map<String, Value>,
    incremental: &Incremental,
    from: Option<&str>,
) -> Target {
    let mut query = resource.query.clone();
    query.push((incremental.parameter.clone(), from.unwrap_or(&incremental.start).to_owned()));
    Target::Path { path: fill(resource, vars), query }
}

/// The resource's path with the parent's values in it.
fn fill(resource: &Resource, vars: &Map<String, Value>) -> String {
    let chosen = vars.contains_key(CHOSEN);
    let template = resource.chosen.as_ref().filter(|_| chosen).unwrap_or(&resource.path);
    let mut path = template.clone();
    for name in placeholders(template) {
        let value = match vars.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => continue,
        };
        path = path.replace(&format!("{{{name}}}"), &value);
    }
    path
}

/// The name under which a chosen item fills its path.
pub const CHOSEN: &str = "chosen";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Spec;
    use super::*;

    const TEXT: &str = r#"
        source = "github"
        [[resources]]
        name = "repos"
        path = "/user/repos"
        chosen = "/repos/{chosen}"
        key = ["id"]
        [[resources]]
        name = "issues"
        path = "/repos/{full_name}/issues"
        parent = "repos"
        query = { state = "all" }
        key = ["id"]
        incremental = { field = "updated_at", parameter = "since", start = "2008" }
    "#;

    fn check(
        since: Option<&str>,
        latest: Option<&str>,
        link: Option<&str>,
    ) -> (Option<String>, Option<String>) {
        let spec = Spec::parse("p", TEXT).unwrap();
        let vars = json!({"full_name": "o/r"}).as_object().unwrap().clone();
        let before = Cursor { since: since.map(str::to_owned), next: None };
        let (cursor, target) =
            after(&spec.resources[1], &vars, &before, latest.map(str::to_owned), link.map(str::to_owned));
        (cursor.since, target.map(|target| target.to_string()))
    }

    #[test]
    fn a_listing_with_more_begins_anew_at_the_last_time_seen() {
        let path = |since| Some(format!("/repos/o/r/issues?state=all&since={since}"));
        assert_eq!(check(None, Some("2020"), Some("L")), (Some("2020".to_owned()), path("2020")));
        assert_eq!(check(Some("2019"), Some("2020"), Some("L")), (Some("2020".to_owned()), path("2020")));
    }

    #[test]
    fn a_page_of_one_single_time_follows_the_link() {
        assert_eq!(
            check(Some("2020"), Some("2020"), Some("L")),
            (Some("2020".to_owned()), Some("L".to_owned()))
        );
    }

    #[test]
    fn the_last_page_ends_it_and_the_cursor_never_goes_back() {
        assert_eq!(check(Some("2020"), Some("2021"), None), (Some("2021".to_owned()), None));
        assert_eq!(check(Some("2020"), None, None), (Some("2020".to_owned()), None));
        assert_eq!(check(Some("2020"), Some("2019"), None), (Some("2020".to_owned()), None));
    }

    #[test]
    fn the_first_request_is_the_path_the_cursor_or_the_chosen_one() {
        let spec = Spec::parse("p", TEXT).unwrap();
        let [repos, issues] = &spec.resources[..] else { panic!("two resources") };
        let vars = |value: Value| value.as_object().unwrap().clone();
        let first_of = |resource, value, cursor: &Cursor| first(resource, &vars(value), cursor).to_string();
        assert_eq!(first_of(repos, json!({}), &Cursor::default()), "/user/repos");
        assert_eq!(first_of(repos, json!({"chosen": "o/r"}), &Cursor::default()), "/repos/o/r");
        let vars = json!({"full_name": "o/r"});
        assert_eq!(
            first_of(issues, vars.clone(), &Cursor::default()),
            "/repos/o/r/issues?state=all&since=2008"
        );
        let left = Cursor { since: Some("2020".to_owned()), next: Some("L".to_owned()) };
        assert_eq!(first_of(issues, vars, &left), "L");
    }
}
