//! What becomes of rows in tables: contracts, dispositions, children, history, and tables made anew from raw.

use planwright::clock::Clock;
use planwright::error::Failure as _;
use planwright::harness::replay::Replay;
use planwright::net::cassette::Cassette;
use planwright::pipeline::extract::{self, Extraction, Options};
use planwright::pipeline::outcome::{Outcome, Status};
use planwright::pipeline::schema::Kind;
use planwright::pipeline::spec::ColumnSpec;
use planwright::pipeline::warehouse::{self, Warehouse};
use planwright::pipeline::{Folder, Spec};
use serde_json::{Value, json};

use crate::support::unheard;

/// A warehouse that is synced day after day.
struct Days {
    warehouse: Warehouse,
    day: u8,
}

impl Days {
    fn begin() -> Self {
        Self { warehouse: Warehouse::in_memory(&warehouse::Options::confined("256MB", 1)).unwrap(), day: 0 }
    }

    /// The next day's sync, of a spec, from answers.
    async fn sync(&mut self, spec: &Spec, cassette: &Cassette) -> Vec<Outcome> {
        self.try_sync(spec, cassette).await.unwrap()
    }

    async fn try_sync(&mut self, spec: &Spec, cassette: &Cassette) -> Result<Vec<Outcome>, extract::Error> {
        self.day += 1;
        let at = format!("2026-11-{:02}T10:00:00Z", self.day);
        let run = unheard(&format!("run{}", self.day), Clock::starting_at(at.parse().unwrap()));
        let replay = Replay::new(cassette).unwrap();
        let options =
            Options { origin: "test".to_owned(), only: cassette.resources().to_vec(), ..Options::default() };
        let extraction = Extraction { run: &run, spec, source: &replay, warehouse: &self.warehouse, options };
        extraction.run().await
    }

    /// The next day's sync of the resource `things` with these options, whose listing answers so.
    async fn things(&mut self, options: &str, list: &Value) -> Outcome {
        let text = format!(
            "source = \"github\"\n[[resources]]\nname = \"things\"\npath = \"/things\"\nkey = [\"id\"]\n{options}\n"
        );
        let spec = Spec::parse("p", &text).unwrap_or_else(|problem| panic!("{problem}"));
        let cassette = Cassette::parse("test", &json!({"get": "/things", "body": list}).to_string()).unwrap();
        self.sync(&spec, &cassette).await.remove(0)
    }

    fn rows(&self, sql: &str) -> Value {
        json!(
            self.warehouse
                .query(sql)
                .unwrap_or_else(|error| panic!("{sql}: {error} {:?}", error.hints()))
                .rows
        )
    }
}

const COLUMNS: &str = "columns = [{ name = \"id\", type = \"bigint\" }, { name = \"n\", type = \"bigint\" }]";

#[tokio::test]
async fn tables_made_anew_from_raw_are_as_they_were_loaded() {
    let folder = Folder::find("github", None).unwrap();
    let mut spec = Spec::read(&folder).unwrap();
    let (mut compared, mut rows) = (0, 0);
    for file in folder.part("cassettes", "jsonl") {
        let cassette = Cassette::parse(file.path, file.text).unwrap();
        let mut days = Days::begin();
        days.sync(&spec, &cassette).await;
        let tables: Vec<_> = spec.tables().map(str::to_owned).collect();
        let all = |days: &Days, table: &str, but: &str| {
            days.rows(&format!("SELECT * {but} FROM {table} ORDER BY _origin, _key"))
        };
        let before: Vec<_> = tables.iter().map(|table| all(&days, table, "")).collect();
        let mut wider = spec.clone();
        for resource in &mut wider.resources {
            let column = ColumnSpec {
                name: "extra".to_owned(),
                from: "id".to_owned(),
                kind: Kind::Json,
                description: String::new(),
            };
            resource.columns.push(column);
        }
        let nothing = Cassette::parse("nothing", "{\"resources\": [\"repos\"]}").unwrap();
        days.sync(&wider, &nothing).await;
        for (table, before) in tables.iter().zip(before) {
            let but = if spec.resource(table).is_some() { "EXCLUDE (extra)" } else { "" };
            assert_eq!(all(&days, table, but), before, "{table} with {}", file.path);
            rows += before.as_array().unwrap().len();
            compared += usize::from(before != json!([]));
        }
    }
    assert!(compared > 40 && rows > 80, "{compared} tables with {rows} rows were compared");
    spec.resources.clear();
}

#[tokio::test]
async fn a_new_column_is_filled_from_what_was_read_before() {
    let mut days = Days::begin();
    let list = json!([{"id": 1, "n": 7, "who": {"login": "ada"}}, {"id": 2, "n": 8, "who": null}]);
    days.things(COLUMNS, &list).await;
    let wider = "columns = [{ name = \"id\", type = \"bigint\" }, { name = \"n\", type = \"varchar\" },
        { name = \"who\", from = \"who.login\", type = \"varchar\" }]";
    // The listing answers nothing, so what stands in the table afterwards can only come from raw.
    let spec = format!(
        "source = \"github\"\n[[resources]]\nname = \"things\"\npath = \"/things\"\nkey = [\"id\"]\n{wider}"
    );
    let silent = Cassette::parse("silent", "").unwrap();
    let outcome = days.sync(&Spec::parse("p", &spec).unwrap(), &silent).await.remove(0);
    assert_eq!(outcome.status, Status::Failed);
    assert_eq!(
        days.rows("SELECT id, n, who FROM things ORDER BY id"),
        json!([[1, "7", "ada"], [2, "8", null]])
    );
    assert_eq!(days.things(wider, &list).await.rows, 0);
}

#[tokio::test]
async fn history_says_from_when_to_when_each_version_held() {
    let mut days = Days::begin();
    for list in [
        json!([{"id": 1, "n": 1}]),
        json!([{"id": 1, "n": 2}, {"id": 2, "n": 5}]),
        json!([{"id": 2, "n": 5}]),
    ] {
        days.things(COLUMNS, &list).await;
    }
    let sql =
        "SELECT id, n, _run, day(_valid_from), day(_valid_to) FROM history.things ORDER BY id, _valid_from";
    assert_eq!(days.rows(sql), json!([[1, 1, "run1", 1, 2], [1, 2, "run2", 2, 3], [2, 5, "run2", 2, null]]));
    assert_eq!(days.rows("SELECT id FROM things"), json!([[2]]));
    let mut inferred = Days::begin();
    inferred.things("", &json!([{"id": 1, "a": "x"}])).await;
    inferred.things("", &json!([{"id": 1, "a": "y", "b": true}])).await;
    let sql = "SELECT id, a, b, day(_valid_to) FROM history.things ORDER BY _valid_from";
    assert_eq!(inferred.rows(sql), json!([[1, "x", null, 2], [1, "y", true, null]]));
}

async fn check(contract: &str, rows: Value, rejects: Value, reason: Option<&str>) {
    let mut days = Days::begin();
    let options = format!("contract = {contract}\n{COLUMNS}");
    let good = json!([{"id": 1, "n": 1}]);
    days.things(&options, &good).await;
    let surprising = json!([{"id": 1, "n": 1}, {"id": 2, "n": "many"}, {"id": 3, "n": 3, "more": "x"}]);
    let mut outcome = days.things(&options, &surprising).await;
    for _ in 0..2 {
        let read = "SELECT * EXCLUDE (_key, _parent, _hash, _fetched_at, _origin) FROM things ORDER BY id";
        assert_eq!(days.rows(read), rows, "{contract}");
        let rejected = "SELECT key, \"column\", reason FROM planwright.rejects ORDER BY ALL";
        assert_eq!(days.rows(rejected), rejects, "{contract}");
        assert_eq!(outcome.reason.as_deref(), reason, "{contract}");
        // Seen again, it is neither stored nor rejected again.
        outcome = days.things(&options, &surprising).await;
        assert_eq!(outcome.rows, 0, "{contract}");
    }
}

#[tokio::test]
async fn a_contract_says_what_becomes_of_surprises() {
    let misfit = json!(["2", "n", "not a BIGINT"]);
    check("\"discard_value\"", json!([[1, 1], [2, null], [3, 3]]), json!([misfit]), None).await;
    check(
        "\"discard_row\"",
        json!([[1, 1]]),
        json!([misfit, ["3", "more", "no column takes this key"]]),
        None,
    )
    .await;
    check("\"evolve\"", json!([[1, "1", null], [2, "many", null], [3, "3", "x"]]), json!([]), None).await;
    check(
        "{ columns = \"evolve\", data_type = \"discard_value\" }",
        json!([[1, 1, null], [2, null, null], [3, 3, "x"]]),
        json!([misfit]),
        None,
    )
    .await;
    check(
        "\"freeze\"",
        json!([[1, 1]]),
        json!([]),
        Some("/things: item 2: `n` is frozen by its contract: not a BIGINT"),
    )
    .await;
    check(
        "{ columns = \"freeze\" }",
        json!([[1, 1]]),
        json!([]),
        Some("/things: item 3: `more` is frozen by its contract: no column takes this key"),
    )
    .await;
}

#[tokio::test]
async fn inferred_columns_are_frozen_once_the_first_data_made_them() {
    let mut days = Days::begin();
    let freeze = "contract = \"freeze\"";
    assert_eq!(days.things(freeze, &json!([{"id": 1, "a": "x"}])).await.status, Status::Complete);
    assert_eq!(days.things(freeze, &json!([{"id": 1, "a": "y"}])).await.rows, 1);
    let outcome = days.things(freeze, &json!([{"id": 1, "a": "y", "b": 1}])).await;
    assert_eq!(outcome.status, Status::Failed);
    assert_eq!(days.rows("SELECT id, a FROM things"), json!([[1, "y"]]));
}

#[tokio::test]
async fn a_disposition_says_what_becomes_of_the_version_before() {
    let versions = [
        json!([{"id": 1, "n": 1}, {"id": 2, "n": 1}]),
        json!([{"id": 1, "n": 2}]),
        json!([{"id": 1, "n": 2}]),
    ];
    let read = "SELECT id, n FROM things ORDER BY ALL";
    for (disposition, expected) in [
        ("merge", json!([[1, 2]])),
        ("replace", json!([[1, 2]])),
        ("append", json!([[1, 1], [1, 2], [2, 1]])),
        ("scd2", json!([[1, 1], [1, 2], [2, 1]])),
    ] {
        let mut days = Days::begin();
        let options = format!("disposition = \"{disposition}\"\n{COLUMNS}");
        for list in &versions {
            days.things(&options, list).await;
        }
        assert_eq!(days.rows(read), expected, "{disposition}");
        if disposition == "scd2" {
            let read = "SELECT id, n, day(_valid_from), day(_valid_to) FROM things ORDER BY ALL";
            assert_eq!(days.rows(read), json!([[1, 1, 1, 2], [1, 2, 2, null], [2, 1, 1, 2]]));
        }
    }
}

const CHILDREN: &str = "
[[resources.children]]
name = \"thing_labels\"
from = \"labels\"
inherit = { thing_id = \"id\" }
columns = [{ name = \"name\", type = \"varchar\" }, { name = \"weight\", type = \"bigint\" }]
[[resources.children]]
name = \"thing_topics\"
from = \"about.topics\"
columns = [{ name = \"topic\", from = \"@value\", type = \"varchar\" }]";

#[tokio::test]
async fn lists_inside_an_item_have_tables_that_follow_it() {
    let mut days = Days::begin();
    let options = format!("{COLUMNS}{CHILDREN}");
    let first = json!([
        {"id": 1, "n": 1, "labels": [{"name": "bug", "weight": 3}, {"name": "ui", "weight": "heavy"}], "about": {"topics": ["a", "b"]}},
        {"id": 2, "n": 1, "labels": [], "about": null},
        {"id": 3, "n": 1, "labels": [{"name": "docs"}]},
    ]);
    days.things(&options, &first).await;
    let labels = "SELECT thing_id, name, weight, _parent, _key FROM thing_labels ORDER BY _key";
    assert_eq!(
        days.rows(labels),
        json!([[1, "bug", 3, "1", "1/1"], [1, "ui", null, "1", "1/2"], [3, "docs", null, "3", "3/1"]])
    );
    assert_eq!(days.rows("SELECT topic FROM thing_topics ORDER BY ALL"), json!([["a"], ["b"]]));
    assert_eq!(
        days.rows("SELECT key, \"column\" FROM planwright.rejects"),
        json!([["1", "thing_labels.weight"]])
    );
    days.things(&options, &json!([{"id": 1, "n": 1, "labels": [{"name": "ui", "weight": 1}]}, {"id": 2, "n": 1, "labels": [], "about": null}])).await;
    assert_eq!(days.rows(labels), json!([[1, "ui", 1, "1", "1/1"]]));
    assert_eq!(days.rows("SELECT count(*) FROM thing_topics"), json!([[0]]));
}

fn problem(options: &str) -> String {
    let text = format!(
        "source = \"github\"\n[[resources]]\nname = \"things\"\npath = \"/things\"\nkey = [\"id\"]\n{options}\n"
    );
    Spec::parse("p", &text).unwrap_err().to_string()
}

#[test]
fn what_cannot_be_kept_together_is_said_with_its_line() {
    let more = "[[resources]]\nname = \"parts\"\npath = \"/{id}\"\nparent = \"things\"\nkey = [\"id\"]";
    assert_eq!(
        problem(&format!("disposition = \"append\"\n{COLUMNS}\n{more}")),
        "line 11: the table of the parent `things` holds a row more than once"
    );
    let daily = "incremental = { field = \"n\", order = \"descending\" }";
    assert_eq!(
        problem(&format!("disposition = \"replace\"\n{daily}")),
        "line 6: `replace` needs a listing that is read whole: without `incremental` and `rolling`"
    );
    assert_eq!(problem("disposition = \"upsert\""), "line 6: unknown value `upsert`");
    assert_eq!(problem("contract = \"freze\""), "line 6: unknown value `freze`");
    assert_eq!(
        problem(&format!("disposition = \"scd2\"\n{COLUMNS}{CHILDREN}")),
        "line 6: children belong to a row that is there once: to `merge` or `replace`"
    );
    assert_eq!(
        problem(&format!("{COLUMNS}{}", CHILDREN.replace("thing_topics", "thing_labels"))),
        "line 13: two tables are called `thing_labels`"
    );
    assert_eq!(
        problem(&format!("{COLUMNS}{}", CHILDREN.replace("\"id\" }", "\"ident\" }"))),
        "line 8: `thing_labels` inherits `ident`, which is no declared column of its row"
    );
}

#[tokio::test]
async fn two_pipelines_share_a_warehouse_and_neither_takes_the_tables_of_the_other() {
    let mut days = Days::begin();
    days.things(COLUMNS, &json!([{"id": 1, "n": 1}])).await;
    let text = |name: &str| {
        format!(
            "source = \"github\"\n[[resources]]\nname = \"{name}\"\npath = \"/{name}\"\nkey = [\"id\"]\n{COLUMNS}"
        )
    };
    let cassette =
        Cassette::parse("test", &json!({"get": "/parts", "body": [{"id": 5, "n": 1}]}).to_string());
    days.sync(&Spec::parse("other", &text("parts")).unwrap(), &cassette.unwrap()).await;
    assert_eq!(
        days.rows("SELECT (SELECT count(*) FROM things), (SELECT count(*) FROM parts)"),
        json!([[1, 1]])
    );
    let spec = Spec::parse("other", &text("things")).unwrap();
    let error = days.try_sync(&spec, &Cassette::parse("none", "").unwrap()).await.unwrap_err();
    assert_eq!(error.to_string(), "the table `things` belongs to the pipeline `p`");
    assert_eq!(days.rows("SELECT count(*) FROM things"), json!([[1]]));
}
