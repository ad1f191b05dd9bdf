//! Which page comes next and where the next sync begins. Pure.
//!
//! An incremental listing is read ascending by the time its items change, and every page begins anew at
//! the last time seen (`since` is inclusive): rows that move while it is read are met again, never
//! skipped, and no page number ever grows. One that the source sorts newest first follows the links from
//! its first page, whose address and tag stay, until a page has nothing new; what moves meanwhile pushes
//! rows back, so they come again, never not at all. A whole listing follows the source's links.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::source::Target;
use super::spec::{Account, Format, Incremental, Order, Resource, placeholders};

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
    /// The latest time met while it is read newest first. Not kept: cut off, it begins at its first page.
    pub newest: Option<String>,
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
        let chosen = resource.chosen.as_ref().filter(|chosen| vars.contains_key(&chosen.column));
        let path = chosen.map_or(&resource.path, |chosen| &chosen.path);
        let query = resource.query.iter().map(|(name, value)| (name.clone(), fill(value, vars)));
        let incremental = resource.incremental.clone();
        Self { path: fill(path, vars), query: query.collect(), incremental }
    }

    /// The listing over all parents.
    pub fn over_all(resource: &Resource, account: &Account) -> Self {
        let mut query = resource.query.clone();
        query.extend_from_slice(&account.query);
        Self { path: account.path.clone(), query, incremental: resource.incremental.clone() }
    }

    /// What to ask first.
    pub fn first(&self, cursor: &Cursor) -> Target {
        match (&cursor.next, self.ascending()) {
            (Some(link), Some(_)) => Target::Link(link.clone()),
            (_, Some((parameter, start))) => {
                let from = cursor.probe.as_ref().or(cursor.since.as_ref());
                self.since(parameter, from.map_or(start, String::as_str))
            }
            (_, None) => Target::Path { path: self.path.clone(), query: self.query.clone() },
        }
    }

    /// Lets a listing that was never read begin at a later time than it would; whether it does.
    pub fn begin_at(&mut self, time: &str, cursor: &Cursor) -> bool {
        let Some(Order::Ascending { start, .. }) = self.incremental.as_mut().map(|how| &mut how.order) else {
            return false;
        };
        if *cursor != Cursor::default() || order(time) <= order(start) {
            return false;
        }
        time.clone_into(start);
        true
    }

    /// Whether it is read newest first: then only its first page is asked again with a tag.
    pub fn is_newest_first(&self) -> bool {
        self.incremental.as_ref().is_some_and(|how| matches!(how.order, Order::Descending { .. }))
    }

    /// What to ask after a page, and where the listing stands with that page loaded.
    pub fn after(&self, asked: &Target, before: &Cursor, seen: Seen) -> (Cursor, Option<Target>) {
        match self.incremental.as_ref().map(|how| &how.order) {
            None => {
                let ended = seen.link.is_none();
                // A listing that is read whole for once goes on later from where it stood.
                let since = before.since.clone();
                let cursor = Cursor { since, next: seen.link.clone(), ended, ..Cursor::default() };
                (cursor, seen.link.map(Target::Link))
            }
            Some(Order::Ascending { parameter, .. }) => self.after_older(parameter, asked, before, seen),
            Some(Order::Descending { overlap_days }) => after_newer(*overlap_days, before, seen),
        }
    }

    fn after_older(
        &self,
        parameter: &str,
        asked: &Target,
        before: &Cursor,
        seen: Seen,
    ) -> (Cursor, Option<Target>) {
        let from = asked_from(parameter, asked);
        let moved = later(from.map(str::to_owned), seen.latest.clone())
            .filter(|time| Some(self.told(time).as_ref()) != from);
        let since = later(before.since.clone(), seen.latest);
        let stand = Cursor { since, ..Cursor::default() };
        match (seen.link, moved) {
            (None, _) => {
                let roomy = seen.items < self.per_page();
                let probe = from.filter(|_| roomy).map(str::to_owned);
                (Cursor { probe, ended: true, ..stand }, None)
            }
            (Some(_), Some(latest)) => {
                let target = self.since(parameter, &latest);
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

    fn ascending(&self) -> Option<(&str, &str)> {
        match &self.incremental.as_ref()?.order {
            Order::Ascending { parameter, start } => Some((parameter, start)),
            Order::Descending { .. } => None,
        }
    }

    fn since(&self, parameter: &str, from: &str) -> Target {
        let mut query = self.query.clone();
        query.push((parameter.to_owned(), self.told(from).into_owned()));
        Target::Path { path: self.path.clone(), query }
    }

    /// A time as the source wants to be told it.
    fn told<'t>(&self, time: &'t str) -> Cow<'t, str> {
        let format = self.incremental.as_ref().map(|how| how.format).unwrap_or_default();
        match (format, instant(time)) {
            (Format::Unix, Some(at)) => at.as_second().to_string().into(),
            _ => time.into(),
        }
    }

    /// How many items a page holds; GitHub's default where the spec does not say.
    fn per_page(&self) -> usize {
        let said = self.query.iter().find(|(name, _)| name == "per_page");
        said.and_then(|(_, value)| value.parse().ok()).unwrap_or(30)
    }
}

/// The time from which a page was asked, where it was the first from there.
fn asked_from<'t>(parameter: &str, asked: &'t Target) -> Option<&'t str> {
    let Target::Path { query, .. } = asked else { return None };
    query.iter().find(|(name, _)| name == parameter).map(|(_, value)| value.as_str())
}

/// After a page of a listing that is sorted newest first. The time seen moves only with its end.
fn after_newer(overlap_days: u32, before: &Cursor, seen: Seen) -> (Cursor, Option<Target>) {
    let newest = later(before.newest.clone(), seen.latest.clone());
    let since = before.since.clone();
    let known = since.as_deref().map(|since| days_before(since, overlap_days));
    let is_known = |latest: &String| known.as_deref().is_some_and(|known| order(latest) <= order(known));
    match seen.link.filter(|_| !seen.latest.as_ref().is_some_and(is_known)) {
        Some(link) => (Cursor { since, newest, ..Cursor::default() }, Some(Target::Link(link))),
        None => (Cursor { since: later(since, newest), ended: true, ..Cursor::default() }, None),
    }
}

/// A time so many days earlier; what is no time stays.
fn days_before(time: &str, days: u32) -> String {
    let earlier =
        |at: jiff::Timestamp| at.checked_sub(jiff::SignedDuration::from_hours(24 * i64::from(days)));
    instant(time).and_then(|at| earlier(at).ok()).map_or_else(|| time.to_owned(), |at| at.to_string())
}

/// The later of two times.
pub fn later(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if order(&other) > order(&one) { other } else { one }),
        (one, other) => one.or(other),
    }
}

/// Times by what they mean, however they are written; other texts by their letters.
fn order(text: &str) -> (Option<jiff::Timestamp>, &str) {
    instant(text).map_or((None, text), |at| (Some(at), ""))
}

/// A time as APIs write it: RFC 3339, or the seconds or milliseconds since 1970.
fn instant(text: &str) -> Option<jiff::Timestamp> {
    match (text.len(), text.parse()) {
        (9..=11, Ok(seconds)) => jiff::Timestamp::from_second(seconds).ok(),
        (12..=14, Ok(millis)) => jiff::Timestamp::from_millisecond(millis).ok(),
        _ => text.parse().ok(),
    }
}

/// A path or a query's value with the parent's values in it.
fn fill(template: &str, vars: &Map<String, Value>) -> String {
    let mut filled = template.to_owned();
    for name in placeholders(template) {
        let value = match vars.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => continue,
        };
        filled = filled.replace(&format!("{{{name}}}"), &value);
    }
    filled
}

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
        chosen = "/repos/{full_name}"
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
    fn a_source_that_counts_seconds_is_told_seconds_and_a_page_within_one_follows_the_link() {
        let text = TEXT.replace("start = \"2008\"", "start = \"0\", format = \"unix\"");
        let spec = Spec::parse("p", &text).unwrap();
        let route = Route::of(&spec.resources[1], json!({"full_name": "o/r"}).as_object().unwrap());
        let after = |asked: &Target, latest: &str| {
            let seen = Seen { latest: Some(latest.to_owned()), link: Some("L".to_owned()), items: 2 };
            route.after(asked, &Cursor::default(), seen).1.unwrap()
        };
        let path = |since: u64| format!("/repos/o/r/issues?per_page=2&state=all&since={since}");
        let first = route.first(&Cursor::default());
        assert_eq!(first.to_string(), path(0));
        let second = after(&first, "2023-11-14T22:13:20Z");
        assert_eq!(second.to_string(), path(1_700_000_000));
        assert_eq!(after(&first, "1700000000"), second, "a field that counts them itself is the same");
        assert_eq!(after(&second, "2023-11-14T22:13:20.5Z").to_string(), "L");
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
            probe: Some("2020".to_owned()),
            ended: true,
            ..Cursor::default()
        };
        assert_eq!(cursor, expected);
        assert_eq!(route.first(&cursor), asked);
    }

    /// Reads pages of a listing newest first from a cursor, each given as its latest time; where it
    /// stands after each, and whether it goes on.
    fn newest_first(overlap: u32, since: Option<&str>, pages: &[&str]) -> Vec<(Cursor, bool)> {
        let order = Order::Descending { overlap_days: overlap };
        let incremental = Some(Incremental { field: "updated_at".to_owned(), order, format: Format::Same });
        let route = Route { path: "/pulls".to_owned(), query: Vec::new(), incremental };
        let mut cursor = Cursor { since: since.map(str::to_owned), ..Cursor::default() };
        let mut target = route.first(&cursor);
        assert_eq!(target.to_string(), "/pulls", "the first page's address stays");
        let mut stands = Vec::new();
        for (index, latest) in pages.iter().enumerate() {
            let link = (index + 1 < pages.len()).then(|| "L".to_owned());
            let seen = Seen { latest: Some((*latest).to_owned()), link, items: 2 };
            let (stand, next) = route.after(&target, &cursor, seen);
            stands.push((stand.clone(), next.is_some()));
            let Some(next) = next else { break };
            (cursor, target) = (stand, next);
        }
        stands
    }

    #[test]
    fn newest_first_the_time_moves_only_with_the_end_which_is_a_page_without_news() {
        let goes_on = |since: Option<&str>, newest: &str| {
            let newest = Some(newest.to_owned());
            (Cursor { since: since.map(str::to_owned), newest, ..Cursor::default() }, true)
        };
        let ended = |since| (Cursor { ended: true, ..stand(since) }, false);
        let all = newest_first(0, None, &["2024", "2022", "2020"]);
        assert_eq!(all, [goes_on(None, "2024"), goes_on(None, "2024"), ended("2024")]);
        let some = newest_first(0, Some("2022"), &["2024", "2023", "2022", "2020"]);
        assert_eq!(some, [goes_on(Some("2022"), "2024"), goes_on(Some("2022"), "2024"), ended("2024")]);
        assert_eq!(newest_first(0, Some("2022"), &["2022", "2021"]), [ended("2022")]);
        assert_eq!(newest_first(0, Some("2022"), &["2021"]), [ended("2022")], "it never goes back");
    }

    #[test]
    fn newest_first_what_may_still_have_changed_is_read_again() {
        let [day_9, day_8, day_5] = ["2024-01-09T00:00:00Z", "2024-01-08T00:00:00Z", "2024-01-05T00:00:00Z"];
        let stands = newest_first(3, Some(day_8), &[day_9, day_8, day_5, "2024-01-01T00:00:00Z"]);
        let ends: Vec<_> = stands.iter().map(|(cursor, _)| cursor.ended).collect();
        assert_eq!(ends, [false, false, true]);
        assert_eq!(stands[2].0.since.as_deref(), Some(day_9));
    }

    #[test]
    fn the_first_request_is_the_path_the_cursor_or_the_chosen_one() {
        let spec = Spec::parse("p", TEXT).unwrap();
        let [repos, issues] = &spec.resources[..] else { panic!("two resources") };
        let first = |resource, vars: Value, cursor: &Cursor| {
            Route::of(resource, vars.as_object().unwrap()).first(cursor).to_string()
        };
        assert_eq!(first(repos, json!({}), &Cursor::default()), "/user/repos");
        assert_eq!(first(repos, json!({"full_name": "o/r"}), &Cursor::default()), "/repos/o/r");
        let vars = json!({"full_name": "o/r"});
        let path = "/repos/o/r/issues?per_page=2&state=all&since=2008";
        assert_eq!(first(issues, vars.clone(), &Cursor::default()), path);
        let left = Cursor { next: Some("L".to_owned()), ..stand("2020") };
        assert_eq!(first(issues, vars, &left), "L");
    }

    #[test]
    fn only_what_was_never_read_begins_later() {
        let time = "2026-01-01T00:00:00Z";
        let mut unread = route();
        assert!(unread.begin_at(time, &Cursor::default()));
        let expected = format!("/repos/o/r/issues?per_page=2&state=all&since={time}");
        assert_eq!(unread.first(&Cursor::default()).to_string(), expected);
        assert!(!unread.begin_at("2025-01-01T00:00:00Z", &Cursor::default()), "it never begins earlier");
        for cursor in [stand("2020"), Cursor { ended: true, ..Cursor::default() }] {
            assert!(!route().begin_at(time, &cursor), "{cursor:?}");
        }
        let spec = Spec::parse("p", TEXT).unwrap();
        assert!(!Route::of(&spec.resources[0], &Map::new()).begin_at(time, &Cursor::default()));
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
