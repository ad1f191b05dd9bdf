//! `planwright test` from outside: a pipeline of one's own, its cassettes, its snapshots.

use crate::support::World;

const SPEC: &str = r#"
source = "github"
[[resources]]
name = "issues"
path = "/repos/octo/app/issues"
key = ["id"]
columns = [{ name = "id", type = "bigint" }, { name = "number", type = "bigint" }, { name = "state", type = "varchar" }]
"#;

/// A page of issues, each a number and a state.
fn page(target: &str, issues: &[(u64, &str)]) -> String {
    let issue = |(number, state): &(u64, &str)| serde_json::json!({"id": 100 + number, "number": number, "state": state, "title": "A title"});
    let body: Vec<_> = issues.iter().map(issue).collect();
    format!("{}\n", serde_json::json!({"get": target, "body": body}))
}

const KEPT: &str = "source = \"cassette:one\"\n[[test]]\nsnapshot = \"open\"\n";
const ISSUES: &str = "/repos/octo/app/issues";

/// A repository with the pipeline `mine`: one resource, one model, one cassette, one snapshot that is missing.
fn mine() -> World {
    World::with(&[
        ("pipelines/mine/pipeline.toml", SPEC),
        ("pipelines/mine/models/open.sql", "SELECT number FROM {{ source('issues') }} WHERE state = 'open'"),
        ("pipelines/mine/cassettes/one.jsonl", &page(ISSUES, &[(2, "open"), (1, "open"), (3, "closed")])),
        ("pipelines/mine/tests/kept.toml", KEPT),
    ])
}

const STORED: &str = "pipelines/mine/snapshots/open.jsonl";

#[test]
fn a_snapshot_is_red_until_it_is_written_and_when_rows_change() {
    let world = mine();
    let missing = "there is no `snapshots/open.jsonl` yet; it would hold 2 rows";
    world.planwright(&["test"]).ended(1).said(missing).said("planwright test mine --update");
    assert!(!world.root().join(STORED).exists(), "looking writes nothing");
    world.planwright(&["test", "--update"]).ended(0).said("new snapshot: snapshots/open.jsonl");
    assert_eq!(world.read(STORED), "{\"number\":1}\n{\"number\":2}\n");
    world.planwright(&["test"]).ended(0);

    world.write("pipelines/mine/cassettes/one.jsonl", &page(ISSUES, &[(2, "open"), (4, "open")]));
    let ran =
        world.planwright(&["test"]).ended(1).said("`-` is kept in `snapshots/open.jsonl`, `+` was found:");
    assert!(
        ran.stderr.contains("- {\"number\":1}") && ran.stderr.contains("+ {\"number\":4}"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("{\"number\":2}"), "rows that agree are not shown: {}", ran.stderr);
    world.planwright(&["test", "--update"]).ended(0).said("changed snapshot: snapshots/open.jsonl");
    assert_eq!(world.read(STORED), "{\"number\":2}\n{\"number\":4}\n");
}

#[test]
fn snapshots_are_kept_only_of_a_whole_cassette_and_unused_ones_are_told() {
    let world = mine();
    world.write("pipelines/mine/cassettes/one.jsonl", &page("/repos/octo/app/other", &[]));
    world.write("pipelines/mine/snapshots/gone.jsonl", "{}\n");
    let ran = world.planwright(&["test", "--update"]).ended(1).said("refused network: api.github.com:443");
    assert!(ran.stderr.contains("unused snapshot: snapshots/gone.jsonl"), "{}", ran.stderr);
    assert!(
        !world.root().join(STORED).exists()
            && world.root().join("pipelines/mine/snapshots/gone.jsonl").exists()
    );
}

#[test]
fn what_is_shipped_in_the_binary_is_not_written() {
    let ran = World::bare().planwright(&["test", "github", "--update"]).ended(2);
    assert!(ran.stderr.contains("hint: copy the pipeline to `pipelines/github`"), "{}", ran.stderr);
}

#[test]
fn a_snapshot_says_of_what_it_is() {
    let world = mine();
    let wrong = [
        ("[[test]]\nsnapshot = \"open\"\n", "its file names no cassette"),
        (
            "source = \"cassette:one\"\n[[test]]\nsnapshot = \"../x\"\n",
            "use lowercase letters, digits and `_`",
        ),
        (
            "source = \"cassette:one\"\n[[test]]\nsnapshot = \"open\"\nunique = true\n",
            "says what must hold besides",
        ),
        (
            &format!("{KEPT}[[test]]\nsnapshot = \"open\"\nsql = \"SELECT 1\"\n"),
            "what another test keeps there",
        ),
    ];
    for (text, said) in wrong {
        world.write("pipelines/mine/tests/kept.toml", text);
        world.planwright(&["test"]).ended(2).said(said);
    }
}

#[test]
fn the_rows_of_a_red_test_are_seen_in_the_warehouse_that_was_kept_of_its_cassette() {
    let mut world = mine();
    world.write("pipelines/mine/tests/kept.toml", "");
    world.write(
        "pipelines/mine/tests/none.sql",
        "SELECT number FROM issues WHERE state = 'open' ORDER BY ALL",
    );
    let query = r"planwright query 'SELECT number FROM issues WHERE state = '\''open'\'' ORDER BY ALL'";
    let keep = "planwright test mine --keep DIR; PLANWRIGHT_WAREHOUSE=DIR/one.duckdb";
    world.planwright(&["test"]).ended(1).said(&format!("see them all: {keep} {query}"));

    let file = world.root().join("looked/one.duckdb");
    let told = format!("see them all: PLANWRIGHT_WAREHOUSE={} {query}", file.display());
    world.planwright(&["test", "mine", "--keep", "looked"]).ended(1).said(&told);
    // Of the last time nothing stays.
    world.write(
        "pipelines/mine/cassettes/one.jsonl",
        &page(ISSUES, &[(7, "open"), (8, "open"), (9, "closed")]),
    );
    world.planwright(&["test", "mine", "--keep", "looked"]).ended(1).said(&told);
    world.set("PLANWRIGHT_WAREHOUSE", "looked/one.duckdb");
    let ask = |sql: &str| world.planwright(&["query", "--format", "csv", sql]).ended(0).stdout;
    assert_eq!(ask("SELECT number FROM issues WHERE state = 'open' ORDER BY ALL"), "number\r\n7\r\n8\r\n");
    assert_eq!(ask("SELECT count(*) AS open FROM open"), "open\r\n2\r\n", "models are kept too");
}

#[test]
fn a_file_that_was_not_kept_of_a_cassette_is_never_written_over() {
    let world = mine();
    for text in ["a note of my own\n", ""] {
        world.write("looked/one.duckdb", text);
        let told = world.planwright(&["test", "mine", "--keep", "looked"]).ended(2);
        assert!(told.stderr.contains("it was not kept of a cassette"), "{}", told.stderr);
        assert_eq!(world.read("looked/one.duckdb"), text);
    }
    world.planwright(&["test", "mine", "github", "--keep", "looked"]).ended(2).said("takes one pipeline");
}
