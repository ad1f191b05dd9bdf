//! What is held beside what the source counts: a difference is looked into once, and what is gone leaves a
//! tombstone.

use planwright::clock::Clock;
use planwright::harness::replay::Replay;
use planwright::net::cassette::Cassette;
use planwright::pipeline::Spec;
use planwright::pipeline::extract::{Extraction, Options};
use planwright::pipeline::outcome::{Counted, Outcome};
use planwright::pipeline::warehouse::{self, Warehouse};
use serde_json::{Value, json};

use crate::support::unheard;

const SPEC: &str = r#"
source = "github"
[[resources]]
name = "repos"
path = "/user/repos"
key = ["id"]
[[resources]]
name = "issues"
path = "/repos/{full_name}/issues"
parent = "repos"
inherit = { repo_id = "id" }
key = ["id"]
incremental = { field = "updated_at", parameter = "since", start = "2008-01-01T00:00:00Z" }
total = { id = "node_id", on = "Repository", of = ["issues", "pullRequests"] }
"#;

/// Extracts from these answers; how issues ended. Nothing else may be asked.
async fn issues(warehouse: &Warehouse, full: bool, lines: &[Value]) -> Outcome {
    let text: Vec<_> = lines.iter().map(Value::to_string).collect();
    let cassette = Cassette::parse("test", &text.join("\n")).unwrap();
    let (spec, replay) = (Spec::parse("p", SPEC).unwrap(), Replay::new(&cassette).unwrap());
    let run = unheard("test", Clock::starting_at("2026-11-22T10:00:00Z".parse().unwrap()));
    let options = Options { origin: "test".to_owned(), full, count: true, ..Options::default() };
    let extraction = Extraction { run: &run, spec: &spec, source: &replay, warehouse, options };
    let outcomes = extraction.run().await.unwrap();
    assert_eq!(replay.attempts(), []);
    outcomes.into_iter().find(|outcome| outcome.name == "issues").unwrap()
}

fn repos() -> Value {
    json!({"get": "/user/repos", "body": [{"id": 1, "node_id": "R_1", "full_name": "a/b"}]})
}

/// Issues by their ids, each changed on the day of its id.
fn listed(query: &str, ids: &[u32]) -> Value {
    let issue = |id: &u32| json!({"id": id, "updated_at": format!("2026-01-0{id}T00:00:00Z")});
    let body: Vec<_> = ids.iter().map(issue).collect();
    json!({"get": format!("/repos/a/b/issues{query}"), "body": body})
}

fn counts(answer: &Value) -> Value {
    let mut line = json!({"post": "/graphql", "sends": {"operationName": "Repository_totals", "variables": {"ids": ["R_1"]}}});
    line.as_object_mut().unwrap().extend(answer.as_object().unwrap().clone());
    line
}

fn total(issues: u64, pulls: u64) -> Value {
    let node = json!({"c0": {"totalCount": issues}, "c1": {"totalCount": pulls}});
    counts(&json!({"body": {"data": {"nodes": [node]}}}))
}

fn memory() -> Warehouse {
    Warehouse::in_memory(&warehouse::Options::confined("256MB", 1)).unwrap()
}

fn rows(warehouse: &Warehouse, sql: &str) -> Value {
    json!(warehouse.query(sql).unwrap().rows)
}

const START: &str = "?since=2008-01-01T00:00:00Z";
const THIRD: &str = "?since=2026-01-03T00:00:00Z";
const FOURTH: &str = "?since=2026-01-04T00:00:00Z";

#[tokio::test]
async fn a_deleted_issue_is_found_by_its_count_and_leaves_a_tombstone() {
    let warehouse = memory();
    let first = issues(&warehouse, false, &[repos(), listed(START, &[1, 2, 3]), total(2, 1)]).await;
    assert_eq!((first.rows, first.counted), (3, Some(Counted { held: 3, total: 3 })));
    let lines = [repos(), listed(THIRD, &[3, 4]), total(2, 1), listed("", &[1, 3, 4])];
    let second = issues(&warehouse, false, &lines).await;
    assert_eq!((second.rows, second.removed, second.requests), (1, 1, 3), "{second:?}");
    assert_eq!(second.counted, Some(Counted { held: 3, total: 3 }));
    assert_eq!(rows(&warehouse, "SELECT id FROM issues ORDER BY id"), json!([[1], [3], [4]]));
    let gone = "SELECT key FROM planwright.raw WHERE resource = 'issues' AND body IS NULL";
    assert_eq!(rows(&warehouse, gone), json!([["2"]]));
    let third = issues(&warehouse, false, &[repos(), listed(FOURTH, &[4])]).await;
    assert_eq!((third.requests, third.counted), (1, None), "nothing changed, nothing is asked");
}

#[tokio::test]
async fn a_difference_that_stays_is_looked_into_once() {
    let warehouse = memory();
    let lines = [repos(), listed(START, &[1, 2, 3]), total(5, 0), listed("", &[1, 2, 3])];
    let first = issues(&warehouse, false, &lines).await;
    assert_eq!((first.removed, first.requests), (0, 3), "{first:?}");
    assert_eq!(first.counted, Some(Counted { held: 3, total: 5 }), "and it is said");
    let again = issues(&warehouse, true, &[repos(), listed(START, &[1, 2, 3]), total(5, 0)]).await;
    assert_eq!((again.requests, again.counted), (2, Some(Counted { held: 3, total: 5 })));
}

#[tokio::test]
async fn where_nothing_is_counted_nothing_is_called_compared() {
    let refused = counts(&json!({"status": 404}));
    let outcome = issues(&memory(), false, &[repos(), listed(START, &[1]), refused]).await;
    assert_eq!((outcome.rows, outcome.counted), (1, None));
    let error = json!({"errors": [{"type": "INTERNAL", "message": "x"}]});
    let broken = counts(&json!({"body": error}));
    let outcome = issues(&memory(), false, &[repos(), listed(START, &[1]), broken]).await;
    assert_eq!((outcome.rows, outcome.counted), (1, None));
}
