//! Listings of every kind: newest first, rolling, read again after days, filled by SQL, answered oddly.

use std::time::Duration;

use planwright::clock::Clock;
use planwright::harness::replay::Replay;
use planwright::net::cassette::Cassette;
use planwright::pipeline::extract::{Extraction, Options};
use planwright::pipeline::outcome::{Outcome, Status};
use planwright::pipeline::warehouse::{self, Warehouse};
use planwright::pipeline::{Folder, Spec, spec};
use serde_json::{Value, json};

use crate::support::unheard;

/// A warehouse that one resource `items` below `repos` is read into, day after day.
struct Desk {
    warehouse: Warehouse,
    clock: Clock,
    spec: Spec,
}

const REPOS: &str = r#"
    source = "github"
    [[resources]]
    name = "repos"
    path = "/repos"
    key = ["id"]
    columns = [{ name = "id", type = "bigint" }, { name = "stars", type = "bigint" }]
    [[resources]]
    name = "items"
    parent = "repos"
    key = ["id"]
    columns = [{ name = "id", type = "bigint" }]
"#;

impl Desk {
    fn new(items: &str) -> Self {
        Self {
            warehouse: Warehouse::in_memory(&warehouse::Options::confined("256MB", 1)).unwrap(),
            clock: Clock::starting_at("2026-11-22T10:00:00Z".parse().unwrap()),
            spec: Spec::parse("p", &format!("{REPOS}{items}")).unwrap(),
        }
    }

    async fn load_with(&self, full: bool, lines: &[Value]) -> Outcome {
        let mut text =
            vec![json!({"get": "/repos", "headers": {"etag": "r"}, "body": [{"id": 1, "stars": 9}]})];
        text.extend_from_slice(lines);
        let text: Vec<_> = text.iter().map(Value::to_string).collect();
        let cassette = Cassette::parse("test", &text.join("\n")).unwrap();
        let replay = Replay::new(&cassette).unwrap();
        let run = unheard("test", self.clock.clone());
        let options = Options { origin: "test".to_owned(), full, ..Options::default() };
        let (spec, warehouse) = (&self.spec, &self.warehouse);
        let extraction = Extraction { run: &run, spec, source: &replay, warehouse, options };
        extraction.run().await.unwrap().pop().unwrap()
    }

    /// Reads; how many rows were new and how many requests `items` took.
    async fn load(&self, lines: &[Value]) -> (Status, u64, u64) {
        let outcome = self.load_with(false, lines).await;
        (outcome.status, outcome.rows, outcome.requests)
    }

    fn ids(&self) -> Value {
        json!(self.warehouse.query("SELECT id FROM items ORDER BY id").unwrap().rows.concat())
    }
}

fn item(id: u64, day: u64) -> Value {
    json!({"id": id, "updated_at": format!("2026-01-{day:02}T00:00:00Z")})
}

fn page(number: u64, tag: &str, items: &[Value]) -> Value {
    let get = if number == 1 { "/1/items".to_owned() } else { format!("/1/items?page={number}") };
    let next = format!("</1/items?page={}>; rel=\"next\"", number + 1);
    json!({"get": get, "headers": {"etag": tag, "link": next}, "body": items})
}

fn last_page(number: u64, items: &[Value]) -> Value {
    json!({"get": format!("/1/items?page={number}"), "body": items})
}

const NEWEST_FIRST: &str =
    "path = \"/{id}/items\"\nincremental = { field = \"updated_at\", order = \"descending\" }\n";

#[tokio::test]
async fn newest_first_it_is_read_until_nothing_is_new_and_its_first_page_tells_that_nothing_is() {
    let desk = Desk::new(NEWEST_FIRST);
    let first = [page(1, "a", &[item(3, 9), item(2, 8)]), last_page(2, &[item(1, 7)])];
    assert_eq!(desk.load(&first).await, (Status::Complete, 3, 2));
    // The tag is the same, so the body counts for nothing, as with a 304.
    assert_eq!(desk.load(&[page(1, "a", &[])]).await, (Status::Complete, 0, 1));
    let moved = [page(1, "b", &[item(1, 10), item(3, 9)]), page(2, "c", &[item(2, 8)])];
    assert_eq!(desk.load(&moved).await, (Status::Complete, 1, 2), "page 3 is not asked for");
    assert_eq!(desk.load(&[page(1, "b", &[])]).await, (Status::Complete, 0, 1));
    assert_eq!(desk.ids(), json!([1, 2, 3]), "what was read before stays");
}

#[tokio::test]
async fn newest_first_cut_off_in_the_middle_it_is_read_to_its_end_the_next_time() {
    let desk = Desk::new(NEWEST_FIRST);
    let broken = json!({"get": "/1/items?page=2", "status": 502, "body": {"message": "Server Error"}});
    let first = page(1, "a", &[item(3, 9), item(2, 8)]);
    assert_eq!(desk.load(&[first.clone(), broken]).await, (Status::Failed, 2, 2));
    // Its first page did not change, and still it must not pass for all there is.
    let rest = last_page(2, &[item(1, 7)]);
    assert_eq!(desk.load(&[first.clone(), rest.clone()]).await, (Status::Complete, 1, 2));
    assert_eq!(desk.ids(), json!([1, 2, 3]));
    let without_2 = page(1, "b", &[item(3, 9)]);
    let full = desk.load_with(true, &[without_2, rest]).await;
    assert_eq!((full.status, full.removed), (Status::Complete, 1));
    assert_eq!(desk.ids(), json!([1, 3]), "read whole, it shows what is gone");
}

#[tokio::test]
async fn what_the_source_forgets_by_itself_stays() {
    let desk = Desk::new("path = \"/{id}/items\"\nrolling = true\n");
    let day = |tag: &str, ids: &[u64]| {
        let body: Vec<_> = ids.iter().map(|id| json!({"id": id})).collect();
        [json!({"get": "/1/items", "headers": {"etag": tag}, "body": body})]
    };
    desk.load(&day("a", &[1, 2])).await;
    assert_eq!(desk.load(&day("b", &[2, 3])).await, (Status::Complete, 1, 1));
    desk.load_with(true, &day("c", &[3])).await;
    assert_eq!(desk.ids(), json!([1, 2, 3]));
}

#[tokio::test]
async fn what_was_not_touched_is_asked_again_after_days() {
    let desk = Desk::new("path = \"/{id}/items\"\ntouched = { by = \"repos\", column = \"id\", days = 2 }\n");
    let list = |id: u64| [json!({"get": "/1/items", "body": [{"id": id}]})];
    assert_eq!(desk.load(&list(1)).await, (Status::Complete, 1, 1));
    assert_eq!(desk.load(&list(2)).await, (Status::Complete, 0, 0));
    desk.clock.sleep(Duration::from_hours(47)).await;
    assert_eq!(desk.load(&list(2)).await, (Status::Complete, 0, 0));
    desk.clock.sleep(Duration::from_hours(1)).await;
    assert_eq!(desk.load(&list(2)).await, (Status::Complete, 1, 1));
}

#[tokio::test]
async fn a_query_may_be_filled_by_sql_over_the_parent_and_a_media_type_asked_for() {
    let desk = Desk::new(
        "path = \"/items\"\nquery = { of = \"{id}\", more = \"{twice}\" }\nfill = { twice = \"2 * stars\" }\naccept = \"x/star\"\n",
    );
    let plain = json!({"get": "/items?more=18&of=1", "body": [{"id": 1}]});
    assert_eq!(desk.load(std::slice::from_ref(&plain)).await.0, Status::Failed, "another media type");
    let mut starred = plain;
    starred["accept"] = json!("x/star");
    assert_eq!(desk.load(&[starred]).await, (Status::Complete, 1, 1));
}

/// How `items` ends when its listing is answered so.
async fn check(status: u16, expected: Status, reason: Option<&str>) {
    let desk = Desk::new("path = \"/{id}/items\"\n");
    let body = if status == 204 { json!("") } else { json!({"message": "M"}) };
    let outcome = desk.load_with(false, &[json!({"get": "/1/items", "status": status, "body": body})]).await;
    let said = outcome.reason.as_deref().unwrap_or_default();
    assert_eq!(outcome.status, expected, "{status}: {said}");
    assert!(said.contains(reason.unwrap_or_default()), "{status}: {said}");
    assert_eq!(said.is_empty(), reason.is_none(), "{status}: {said}");
    assert_eq!(desk.ids(), json!([]), "{status}");
}

#[tokio::test]
async fn answers_that_are_no_listing_are_told_apart() {
    check(202, Status::Partial, Some("/1/items: still being made; the next sync asks again")).await;
    check(204, Status::Complete, None).await;
    check(403, Status::Skipped, Some("the token may not read `/1/items`: M")).await;
    check(404, Status::Skipped, Some("not found at `https://api.github.com`")).await;
    check(409, Status::Failed, Some("M")).await;
    check(410, Status::Skipped, Some("M")).await;
    check(451, Status::Skipped, Some("M")).await;
    check(502, Status::Failed, Some("answered 502: M")).await;
}

fn folder(part: &str) -> Result<Spec, spec::Error> {
    let files = [
        ("pipeline.toml", REPOS.replace("parent", "path = \"/{id}/items\"\nparent")),
        ("resources/more.toml", part.to_owned()),
    ];
    Spec::read(&Folder::from_files("p", files.map(|(path, text)| (path.to_owned(), text))))
}

#[test]
fn a_spec_goes_on_in_its_resources_and_what_is_wrong_there_is_said_there() {
    let more = "[[resources]]\nname = \"tags\"\npath = \"/{id}/tags\"\nparent = \"items\"\nkey = [\"id\"]\n";
    let names: Vec<_> = folder(more).unwrap().resources.into_iter().map(|resource| resource.name).collect();
    assert_eq!(names, ["repos", "items", "tags"]);
    let told = |part: &str| {
        let error = folder(part).unwrap_err();
        format!("{error}: {}", std::error::Error::source(&error).unwrap())
    };
    let place = "cannot read pipeline spec `p/resources/more.toml`";
    assert_eq!(
        told(&more.replace("\"items\"", "\"item\"")),
        format!("{place}: line 4: the parent `item` is not a resource above this one")
    );
    assert_eq!(
        told(&more.replace("\"tags\"", "\"repos\"")),
        format!("{place}: line 2: two resources are called `repos`")
    );
    assert_eq!(
        told(&format!("{more}incremental = {{ field = \"at\", order = \"descending\", start = \"1\" }}\n")),
        format!("{place}: line 6: `incremental` newest first has none of `parameter`, `start` and `format`")
    );
}
