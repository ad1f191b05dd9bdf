//! Which page comes next and where the next sync begins. Pure.
//!
//! An incremental listing is read ascending by the time its items change, and every page begins anew at
//! the last time seen (`since` is inclusive): rows that move while it is read are met again, never
//! skipped, and no page number ever grows. A whole listing follows the source's links.

use serde_json::{Map, Value};

use super::source::Target;
use super::spec::{Account, Incremental, Resource, placeholders};

/// Where a listing stands. Kept in the warehouse, in the same transaction as the rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cursor {
    /// The latest time seen.
    pub since: Option<String>,
    /// The link to go on with, where a listing was left in the middle and `since` cannot move.
    pub next: Option<String>,
    /// The time from which its last page was asked, if that page had room for more: asking the same
    /// again, with its tag, tells for nothing whether there is anything new.
    pub probe: Option<String>,
    /// Whether it was read to its end.
    pub ended: bool,
}

/// How a listing is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The path, filled.
    pub path: String,
    /// The query sent along.
    pub query: Vec<(String, String)>,
    /// How it is read from a point on; `None` reads it whole.
    pub incremental: Option<Incremental>,
}

/// What a page showed.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// The latest time among its items.
    pub latest: Option<String>,
    /// The source's link to the next page.
    pub link: Option<String>,
    /// How many items it had.
    pub items: usize,
}

impl Route {
    /// The listing for a parent's row, or for a chosen item.
    pub fn of(resource: &Resource, vars: &Map<String, Value>) -> Self {
        let (query, incremental) = (resource.query.clone(), resource.incremental.clone());
        Self { path: fill(resource, vars), query, incremental }
    }

    /// The listing over all parents.
    pub fn over_all(resource: &Resource, account: &Account) -> Self {
        let mut query = resource.query.clone();
        query.extend_from_slice(&account.query);
        Self { path: account.path.clone(), query, incremental: resource.incremental.clone() }
    }

    /// What to ask first.
    pub fn first(&self, cursor: &Cursor) -> Target {
        match (&cursor.next, &self.incremental) {
            (Some(link), Some(_)) => Target::Link(link.clone()),
            (_, Some(how)) => self.since(how, cursor.probe.as_ref().or(cursor.since.as_ref())),
            (_, None) => Target::Path { path: self.path.clone(), query: self.query.clone() },
        }
    }

    /// What to ask after a page, and where the listing stands with that page loaded.
    pub fn after(&self, asked: &Target, before: &Cursor, seen: Seen) -> (Cursor, Option<Target>) {
        let Some(how) = &self.incremental else {
            let ended = seen.link.is_none();
            return (
                Cursor { next: seen.link.clone(), ended, ..Cursor::default() },
                seen.link.map(Target::Link),
            );
        };
        let from = asked_from(how, asked);
        let moved =
            later(from.map(str::to_owned), seen.latest.clone()).filter(|time| Some(time.as_str()) != from);
        let since = later(before.since.clone(), seen.latest);
        let stand = Cursor { since, ..Cursor::default() };
        match (seen.link, moved) {
            (None, _) => {
                let roomy = seen.items < self.per_page();
                let probe = from.filter(|_| roomy).map(str::to_owned);
                (Cursor { probe, ended: true, ..stand }, None)
            }
            (Some(_), Some(latest)) => {
                let target = self.since(how, Some(&latest));
                (stand, Some(target))
            }
            (Some(link), None) => (Cursor { next: Some(link.clone()), ..stand }, Some(Target::Link(link))),
        }
    }

    /// What to ask after several pages that were read at once, and the cursor moved to behind them.
    pub fn jump(&self, cursor: &mut Cursor, latest: Option<String>) -> Target {
        let since = later(cursor.since.clone(), latest);
        *cursor = Cursor { since, ..Cursor::default() };
        self.first(cursor)
    }

    fn since(&self, how: &Incremental, from: Option<&String>) -> Target {
        let mut query = self.query.clone();
        query.push((how.parameter.clone(), from.unwrap_or(&how.start).clone()));
        Target::Path { path: self.path.clone(), query }
    }

    /// How many items a page holds; GitHub's default where the spec does not say.
    fn per_page(&self) -> usize {
        let said = self.query.iter().find(|(name, _)| name == "per_page");
        said.and_then(|(_, value)| value.parse().ok()).unwrap_or(30)
    }
}

/// The time from which a page was asked, where it was the first from there.
fn asked_from<'t>(how: &Incremental, asked: &'t Target) -> Option<&'t str> {
    let Target::Path { query, .. } = asked else { return None };
    query.iter().find(|(name, _)| *name == how.parameter).map(|(_, value)| value.as_str())
}

/// The later of two times.
pub fn later(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if order(&other) > order(&one) { other } else { one }),
        (one, other) => one.or(other),
    }
}

/// Times by what they mean, whether or not they have a fraction; other texts by their letters.
fn order(text: &str) -> (Option<jiff::Timestamp>, &str) {
    text.parse().map_or((None, text), |at| (Some(at), ""))
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
        query = { state = "all", per_page = 2 }
        key = ["id"]
        incremental = { field = "updated_at", parameter = "since", start = "2008" }
        account = { path = "/issues", query = { filter = "all" }, parent = "repository.id" }
    "#;

    fn route() -> Route {
        let spec = Spec::parse("p", TEXT).unwrap();
        Route::of(&spec.resources[1], json!({"full_name": "o/r"}).as_object().unwrap())
    }

    /// After a page asked from `from` that had two items.
    fn check(from: &str, latest: Option<&str>, link: Option<&str>) -> (Cursor, Option<String>) {
        let route = route();
        let cursor = Cursor { since: Some(from.to_owned()), ..Cursor::default() };
        let asked = route.first(&cursor);
        let seen = Seen { latest: latest.map(str::to_owned), link: link.map(str::to_owned), items: 2 };
        let (cursor, target) = route.after(&asked, &cursor, seen);
        (cursor, target.map(|target| target.to_string()))
    }

    fn stand(since: &str) -> Cursor {
        Cursor { since: Some(since.to_owned()), ..Cursor::default() }
    }

    #[test]
    fn a_listing_with_more_begins_anew_at_the_last_time_seen() {
        let path = |since| Some(format!("/repos/o/r/issues?per_page=2&state=all&since={since}"));
        assert_eq!(check("2019", Some("2020"), Some("L")), (stand("2020"), path("2020")));
    }

    #[test]
    fn a_page_of_one_single_time_follows_the_link() {
        let expected = Cursor { next: Some("L".to_owned()), ..stand("2020") };
        assert_eq!(check("2020", Some("2020"), Some("L")), (expected, Some("L".to_owned())));
    }

    #[test]
    fn the_last_page_ends_it_and_the_cursor_never_goes_back() {
        let ended = |since| Cursor { ended: true, ..stand(since) };
        assert_eq!(check("2020", Some("2021"), None), (ended("2021"), None));
        assert_eq!(check("2020", None, None), (ended("2020"), None));
        assert_eq!(check("2020", Some("2019"), None), (ended("2020"), None));
    }

    #[test]
    fn a_last_page_with_room_is_what_tells_next_time_whether_there_is_more() {
        let route = route();
        let asked = route.first(&stand("2020"));
        let seen = Seen { latest: Some("2021".to_owned()), link: None, items: 1 };
        let (cursor, _) = route.after(&asked, &stand("2020"), seen);
        let expected = Cursor {
            since: Some("2021".to_owned()),
            next: None,
            probe: Some("2020".to_owned()),
            ended: true,
        };
        assert_eq!(cursor, expected);
        assert_eq!(route.first(&cursor), asked);
    }

    #[test]
    fn the_first_request_is_the_path_the_cursor_or_the_chosen_one() {
        let spec = Spec::parse("p", TEXT).unwrap();
        let [repos, issues] = &spec.resources[..] else { panic!("two resources") };
        let first = |resource, vars: Value, cursor: &Cursor| {
            Route::of(resource, vars.as_object().unwrap()).first(cursor).to_string()
        };
        assert_eq!(first(repos, json!({}), &Cursor::default()), "/user/repos");
        assert_eq!(first(repos, json!({"chosen": "o/r"}), &Cursor::default()), "/repos/o/r");
        let vars = json!({"full_name": "o/r"});
        let path = "/repos/o/r/issues?per_page=2&state=all&since=2008";
        assert_eq!(first(issues, vars.clone(), &Cursor::default()), path);
        let left = Cursor { next: Some("L".to_owned()), ..stand("2020") };
        assert_eq!(first(issues, vars, &left), "L");
    }

    #[test]
    fn the_listing_over_all_parents_has_its_own_path() {
        let spec = Spec::parse("p", TEXT).unwrap();
        let issues = &spec.resources[1];
        let route = Route::over_all(issues, issues.account.as_ref().unwrap());
        let expected = "/issues?per_page=2&state=all&filter=all&since=2008";
        assert_eq!(route.first(&Cursor::default()).to_string(), expected);
    }
}
