//! Pipelines without a network: cassettes replayed, what repeats loads nothing, what is wrong is said.

use planwright::clock::Clock;
use planwright::harness::pipelines::{self, PipelineReport};
use planwright::harness::replay::Replay;
use planwright::net::cassette::Cassette;
use planwright::pipeline::extract::{Extraction, Options};
use planwright::pipeline::outcome::{Outcome, Status};
use planwright::pipeline::warehouse::{self, Warehouse};
use planwright::pipeline::{Folder, Spec};
use planwright::telemetry::Run;
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
[[resources]]
name = "edges"
path = "/edges/{number}"
parent = "issues"
only_if = "edges > 0"
inherit = { parent_id = "id" }
key = ["parent_id", "child_id"]
columns = [{ name = "child_id", from = "id", type = "bigint" }, { name = "place", from = "@position", type = "bigint" }]
"#;

fn run() -> Run {
    unheard("test", Clock::starting_at("2026-11-22T10:00:00Z".parse().unwrap()))
}

fn memory() -> Warehouse {
    Warehouse::in_memory(&warehouse::Options::confined("256MB", 1)).unwrap()
}

/// Replays `lines` into the warehouse: how each resource ended, as (name, status, rows, removed).
async fn load(warehouse: &Warehouse, full: bool, lines: &[Value]) -> Vec<(String, Status, u64, u64)> {
    extract(warehouse, full, lines).await.into_iter().map(|o| (o.name, o.status, o.rows, o.removed)).collect()
}

async fn extract(warehouse: &Warehouse, full: bool, lines: &[Value]) -> Vec<Outcome> {
    let text: Vec<_> = lines.iter().map(Value::to_string).collect();
    let cassette = Cassette::parse("test", &text.join("\n")).unwrap();
    let (spec, run, replay) = (Spec::parse("p", SPEC).unwrap(), run(), Replay::new(&cassette).unwrap());
    let options = Options { origin: "test".to_owned(), full, ..Options::default() };
    let extraction = Extraction { run: &run, spec: &spec, source: &replay, warehouse, options };
    extraction.run().await.unwrap()
}

fn ends(expected: [(&str, Status, u64, u64); 3]) -> Vec<(String, Status, u64, u64)> {
    expected.map(|(name, status, rows, removed)| (name.to_owned(), status, rows, removed)).into()
}

fn rows(warehouse: &Warehouse, sql: &str) -> Value {
    json!(warehouse.query(sql).unwrap().rows)
}

fn repos(etag: &str, list: &Value) -> Value {
    json!({"get": "/user/repos", "headers": {"etag": etag}, "body": list})
}

fn issues(repo: &str, since: &str, list: &Value) -> Value {
    json!({"get": format!("/repos/{repo}/issues?since={since}"), "body": list})
}

const START: &str = "2008-01-01T00:00:00Z";
const T1: &str = "2026-01-01T00:00:00Z";
const T2: &str = "2026-01-02T00:00:00Z";
const T3: &str = "2026-01-03T00:00:00Z";

fn first_day() -> Vec<Value> {
    vec![
        repos("a", &json!([{"id": 1, "full_name": "o/r"}])),
        issues(
            "o/r",
            START,
            &json!([
                {"id": 11, "number": 1, "title": "one", "updated_at": T1, "edges": 2},
                {"id": 12, "number": 2, "title": "two", "updated_at": T2, "edges": 0},
            ]),
        ),
        json!({"get": "/edges/1", "headers": {"etag": "e"}, "body": [{"id": 12}, {"id": 13}]}),
    ]
}

#[tokio::test]
async fn a_second_run_loads_nothing_and_one_edit_is_one_row() {
    let warehouse = memory();
    let complete = Status::Complete;
    let first = load(&warehouse, false, &first_day()).await;
    assert_eq!(
        first,
        ends([("repos", complete, 1, 0), ("issues", complete, 2, 0), ("edges", complete, 2, 0)])
    );
    let two = json!({"id": 12, "number": 2, "title": "two", "updated_at": T2, "edges": 0});
    let mut second = first_day();
    second[1] = issues("o/r", T2, &json!([two]));
    assert_eq!(
        load(&warehouse, false, &second).await,
        ends([("repos", complete, 0, 0), ("issues", complete, 0, 0), ("edges", complete, 0, 0)])
    );
    second[1] = issues(
        "o/r",
        T2,
        &json!([two, {"id": 11, "number": 1, "title": "ONE", "updated_at": T3, "edges": 2}]),
    );
    assert_eq!(load(&warehouse, false, &second).await[1], ("issues".to_owned(), complete, 1, 0));
    assert_eq!(
        rows(&warehouse, "SELECT id, title FROM issues ORDER BY id"),
        json!([[11, "ONE"], [12, "two"]])
    );
    let raw = "SELECT key, count(*) FROM planwright.raw WHERE resource = 'issues' GROUP BY key ORDER BY key";
    assert_eq!(rows(&warehouse, raw), json!([["11", 2], ["12", 1]]), "history is kept, repeats are not");
}

#[tokio::test]
async fn an_unchanged_page_is_not_even_read_and_keeps_its_rows() {
    let warehouse = memory();
    load(&warehouse, false, &first_day()).await;
    let mut second = first_day();
    // The tag is the same, so the body counts for nothing, as with a 304.
    second[0] = repos("a", &json!([]));
    second[1] = issues("o/r", T2, &json!([]));
    load(&warehouse, false, &second).await;
    assert_eq!(rows(&warehouse, "SELECT count(*) FROM repos"), json!([[1]]));
    let seen = "SELECT status FROM planwright.requests WHERE resource = 'repos' ORDER BY status";
    assert_eq!(rows(&warehouse, seen), json!([[200], [304]]));
}

#[tokio::test]
async fn what_is_gone_from_a_whole_listing_goes_with_all_that_hangs_below() {
    let warehouse = memory();
    load(&warehouse, false, &first_day()).await;
    let mut second = first_day();
    second[1] = issues("o/r", T2, &json!([]));
    second[2] = json!({"get": "/edges/1", "headers": {"etag": "f"}, "body": [{"id": 13}]});
    assert_eq!(load(&warehouse, false, &second).await[2], ("edges".to_owned(), Status::Complete, 1, 1));
    assert_eq!(rows(&warehouse, "SELECT child_id, place FROM edges"), json!([[13, 1]]));
    let gone = [repos("b", &json!([]))];
    assert_eq!(
        load(&warehouse, false, &gone).await,
        ends([
            ("repos", Status::Complete, 0, 1),
            ("issues", Status::Complete, 0, 2),
            ("edges", Status::Complete, 0, 1)
        ])
    );
}

#[tokio::test]
async fn a_full_run_finds_deletions_that_no_cursor_sees() {
    let warehouse = memory();
    load(&warehouse, false, &first_day()).await;
    let mut second = first_day();
    second[1] =
        issues("o/r", START, &json!([{"id": 11, "number": 1, "title": "one", "updated_at": T1, "edges": 2}]));
    assert_eq!(load(&warehouse, true, &second).await[1], ("issues".to_owned(), Status::Complete, 0, 1));
}

#[tokio::test]
async fn trouble_with_one_listing_never_blanks_another() {
    let warehouse = memory();
    let lines = [
        repos(
            "a",
            &json!([{"id": 1, "full_name": "o/a"}, {"id": 2, "full_name": "o/b"}, {"id": 3, "full_name": "o/c"}]),
        ),
        issues("o/a", START, &json!([{"id": 11, "number": 1, "title": "one", "updated_at": T1, "edges": 0}])),
        json!({"get": format!("/repos/o/b/issues?since={START}"), "status": 410, "body": {"message": "Issues are disabled"}}),
        json!({"get": format!("/repos/o/c/issues?since={START}"), "body": "[{\"id\": 12, \"numb"}),
    ];
    let outcomes = extract(&warehouse, false, &lines).await;
    assert_eq!((outcomes[1].status, outcomes[1].rows), (Status::Partial, 1));
    let reason = outcomes[1].reason.as_deref().unwrap();
    assert!(reason.contains("the body is not whole JSON") && reason.contains("1 of 3 listings"), "{reason}");
}

#[tokio::test]
async fn columns_widen_as_data_comes_and_no_value_is_lost() {
    let warehouse = memory();
    let list = |value: Value| {
        [
            repos(&value.to_string(), &json!([{"id": 1, "full_name": "o/r", "size": value}])),
            issues("o/r", START, &json!([])),
        ]
    };
    load(&warehouse, false, &list(json!(1))).await;
    load(&warehouse, false, &list(json!(1.5))).await;
    load(&warehouse, false, &list(json!("large"))).await;
    assert_eq!(rows(&warehouse, "SELECT size FROM repos"), json!([["large"]]));
    load(&warehouse, false, &list(json!({"kb": 1}))).await;
    assert_eq!(rows(&warehouse, "SELECT size FROM repos"), json!([[{"kb": 1}]]));
    let types = "SELECT data_type FROM information_schema.columns WHERE table_schema = 'main' AND table_name = 'repos' AND column_name = 'size'";
    assert_eq!(rows(&warehouse, types), json!([["JSON"]]));
}

#[tokio::test]
async fn the_shipped_pipeline_holds_offline() {
    let folder = Folder::find("github", None).unwrap();
    let report = pipelines::test(&folder, &pipelines::Options::default()).await.unwrap();
    assert!(report.is_green(), "{report:#?}");
    assert!(report.tests.len() > 10);
}

/// The shipped pipeline with one file more.
async fn with(path: &str, text: &str) -> Result<PipelineReport, String> {
    let folder = Folder::find("github", None).unwrap().with(path, text);
    pipelines::test(&folder, &pipelines::Options::default()).await.map_err(|error| {
        let mut told = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            told += " | ";
            told += &error.to_string();
            cause = error.source();
        }
        told
    })
}

#[tokio::test]
async fn a_test_that_asks_the_live_api_is_red_and_seen() {
    let test = "source = \"live\"\n[[test]]\nname = \"stars\"\nsql = \"SELECT 1 WHERE false\"\n";
    let report = with("tests/stars.toml", test).await.unwrap();
    assert!(!report.is_green());
    let [attempt] = &report.attempts[..] else { panic!("{:?}", report.attempts) };
    assert_eq!(attempt.host, "api.github.com");
    assert!(attempt.by.contains("`stars` in pipelines/github/tests/stars.toml"), "{}", attempt.by);
}

#[tokio::test]
async fn a_request_that_no_cassette_answers_is_an_attempt() {
    let cassette = "{\"get\": \"/user/repos?per_page=30&sort=full_name\", \"body\": []}\n";
    let report = with("cassettes/other.jsonl", cassette).await.unwrap();
    assert!(!report.is_green());
    let by: Vec<_> = report.attempts.iter().map(|attempt| attempt.by.as_str()).collect();
    assert_eq!(by, ["resource `repos`: GET /user/repos?per_page=100&sort=full_name"]);
    let replayed = report.cassettes.iter().find(|replayed| replayed.name == "other").unwrap();
    let repos = &replayed.resources[0];
    assert_eq!(repos.status, Status::Failed);
    assert!(repos.reason.as_deref().unwrap().contains("nearest it answers is GET /user/repos?per_page=30"));
}

#[tokio::test]
async fn models_reach_no_file_and_are_one_select() {
    let error = with("models/spy.sql", "SELECT * FROM read_csv('/etc/passwd')").await.unwrap_err();
    assert!(error.starts_with("cannot build `pipelines/github/models/spy.sql` | "), "{error}");
    assert!(error.contains("disabled"), "{error}");
    for sql in [
        "COPY issues TO '/tmp/planwright-out'",
        "ATTACH '/tmp/x'",
        "SELECT 1; DROP TABLE issues",
        "SELECT 1) AS q; DROP TABLE issues --",
    ] {
        let error = with("models/spy.sql", sql).await.unwrap_err();
        assert!(error.contains("the SQL is not exactly one SELECT"), "{sql}: {error}");
    }
}

#[tokio::test]
async fn a_red_test_shows_the_rows_and_how_to_see_them() {
    let report = with(
        "tests/none.sql",
        "-- No issue is open.\nSELECT number FROM issues WHERE state = 'open' ORDER BY number",
    )
    .await
    .unwrap();
    let test = report.tests.iter().find(|test| test.name == "none (cassette account)").unwrap();
    assert!(!test.green);
    assert_eq!(test.rows, 6);
    insta::assert_snapshot!(test.detail.as_deref().unwrap(), @r#"{"number":1} {"number":10} {"number":12} and 3 more; see them all: planwright test github --keep DIR; PLANWRIGHT_WAREHOUSE=DIR/account.duckdb planwright query 'SELECT number FROM issues WHERE state = '\''open'\'' ORDER BY number'"#);
}

#[tokio::test]
async fn a_query_of_ones_own_is_green_without_rows() {
    let folder = Folder::find("github", None).unwrap();
    let ask = |sql: &str| pipelines::Options { sql: Some(sql.to_owned()), ..pipelines::Options::default() };
    assert!(
        pipelines::test(&folder, &ask("SELECT * FROM ready_issues WHERE number = 13"))
            .await
            .unwrap()
            .is_green()
    );
    assert!(!pipelines::test(&folder, &ask("SELECT * FROM ready_issues")).await.unwrap().is_green());
    assert!(!pipelines::test(&folder, &ask("SELECT * FROM nonsense")).await.unwrap().is_green());
}
