//! `test --record`: read live, written without what must not stand there, and replayed.

use serde_json::Value;

use crate::support::World;
use crate::support::api::{Api, Fault};
use crate::support::tracker::Tracker;

const SPEC: &str = r#"
source = "github"
[[resources]]
name = "repos"
path = "/user/repos"
chosen = "/repos/{full_name}"
key = ["id"]
columns = [{ name = "id", type = "bigint" }, { name = "full_name", type = "varchar" }]
[[resources]]
name = "issues"
parent = "repos"
path = "/repos/{full_name}/issues"
query = { state = "all", per_page = 2 }
key = ["id"]
columns = [{ name = "id", type = "bigint" }, { name = "number", type = "bigint" }, { name = "title", type = "varchar" }, { name = "body", type = "varchar" }]
"#;

const ONE: &str = "pipelines/mine/cassettes/one.jsonl";

/// Joined at run time, so that scanners of this source find nothing.
fn leaked() -> String {
    ["gh", "p_a8Fk2LmQ9xZt4RvB7nWc1YpD6sGh3JeU5oTi"].concat()
}

/// A repository with the pipeline `mine`, and a hub whose `ada/shop` has five issues, which it is led to.
fn led() -> (World, Tracker) {
    let mut world = World::with(&[
        ("pipelines/mine/pipeline.toml", SPEC),
        ("pipelines/mine/tests/five.sql", "SELECT count(*) AS many FROM issues HAVING count(*) <> 5"),
    ]);
    let tracker = world.wait(async {
        let tracker = Tracker::start().await;
        for number in 1..=5 {
            let body = format!("told by @ada: {}", leaked());
            let mut new = crate::support::tracker::new(&format!("Issue {number}"));
            new.body = if number == 3 { body } else { String::new() };
            tracker.client.create_issue(&tracker.repo, &new).await.unwrap();
        }
        tracker
    });
    world.set("GITHUB_API_URL", tracker.hub.url()).set("GITHUB_TOKEN", tracker.hub.token().expose());
    (world, tracker)
}

#[test]
fn what_is_recorded_is_replayed_and_tells_neither_who_nor_where() {
    let (world, tracker) = led();
    let record = ["test", "mine", "--record", "one", "--replace", "ada=octo", "--replace", "shop=app"];
    let ran = world.planwright(&record).ended(0).said("whole:").said("taken out: GitHub token (1)");
    let text = world.read(ONE);
    let token = tracker.hub.token();
    for hidden in [token.expose(), &leaked(), "127.0.0.1", "ada", "shop", "\"date\"", "\"authorization\""] {
        assert!(!text.contains(hidden), "{hidden} stands in\n{text}");
    }
    let next = r"<https://api.github.com/repos/octo/app/issues?";
    assert!(text.contains(next), "links lead to the usual address:\n{text}");
    assert!(text.contains("told by @octo: redacted-github-token-1"), "{text}");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines[0]["resources"].is_array() && lines[0]["recorded"].is_string(), "{}", lines[0]);
    let pages = lines.iter().filter(|line| line["get"].as_str().unwrap_or_default().contains("/issues?"));
    assert_eq!(pages.count(), 3, "{text}");
    assert!(ran.stderr.contains(&format!("{} answers in", lines.len() - 1)), "{}", ran.stderr);
    world.planwright(&["test", "mine"]).ended(0).said("1 green, 0 red");
}

#[test]
fn the_same_is_recorded_twice_and_only_by_force_over_a_cassette() {
    let (world, _tracker) = led();
    let record = ["test", "mine", "--record", "one", "--repo", "ada/shop"];
    world.planwright(&record).ended(0);
    let first = world.read(ONE);
    assert!(first.contains(r#""repos":["ada/shop"]"#) && !first.contains("/user/repos"), "{first}");
    world.planwright(&record).ended(2).said("one.jsonl` exists").said("--force");
    assert_eq!(world.read(ONE), first);
    world.planwright(&[&record[..], &["--force"]].concat()).ended(0);
    // The time stands in the first line, and in what the limits tell.
    let lines = |text: &str| -> Vec<Value> {
        let told = text.lines().skip(1).map(|line| serde_json::from_str::<Value>(line).unwrap());
        told.map(|mut line| {
            line.as_object_mut().unwrap().remove("headers");
            line
        })
        .collect()
    };
    assert_eq!(lines(&world.read(ONE)), lines(&first));
    world.planwright(&["test", "mine"]).ended(0);
}

#[test]
fn nothing_is_written_of_a_pipeline_that_is_shipped_or_a_token_that_is_refused() {
    let (mut world, _tracker) = led();
    let shipped = world.planwright(&["test", "github", "--record", "one"]).ended(2);
    assert!(shipped.stderr.contains("copy the pipeline to `pipelines/github`"), "{}", shipped.stderr);
    world.planwright(&["test", "mine", "--record", "../one"]).ended(2).said("cannot name a cassette");
    world.planwright(&["test", "mine", "--record", "one", "--replace", "ada"]).ended(2).said("OLD=NEW");
    world.planwright(&["test", "mine", "--replace", "ada=octo"]).ended(2).said("--record");
    world.planwright(&["test", "mine", "github", "--record", "one"]).ended(2).said("takes one pipeline");
    world.set("GITHUB_TOKEN", "another");
    world.planwright(&["test", "mine", "--record", "one"]).ended(3);
    assert!(!world.root().join("pipelines/mine/cassettes").exists());
}

#[test]
fn a_cassette_that_is_not_whole_is_told_and_kept() {
    let (world, _tracker) = led();
    // The name stands in the spec too, which asks for it and finds another on the cassette.
    world.write(
        "pipelines/mine/pipeline.toml",
        &SPEC.replace("/repos/{full_name}/issues", "/repos/ada/shop/issues"),
    );
    let told = world.planwright(&["test", "mine", "--record", "one", "--replace", "ada=octo"]).ended(1);
    assert!(told.stderr.contains("not whole:") && told.stderr.contains("not answered:"), "{}", told.stderr);
    assert!(world.read(ONE).contains("octo"));
    world.planwright(&["test", "mine"]).ended(1);
}

#[test]
fn an_api_of_ones_own_is_recorded_without_its_credential() {
    let mut world = World::empty();
    let api = world.wait(Api::start(5));
    let source = format!(
        "[source]\nbase = \"{}\"\nauth = {{ kind = \"query\", name = \"key\" }}\npaging = {{ kind = \"link\" }}\n",
        api.url
    );
    let things = "[[resources]]\nname = \"things\"\npath = \"/link\"\nkey = [\"id\"]\ncolumns = [{ name = \"id\", type = \"bigint\" }]\n";
    world.write("pipelines/mine/pipeline.toml", &format!("{source}{things}"));
    world.write("pipelines/mine/tests/five.sql", "SELECT count(*) AS many FROM things HAVING count(*) <> 5");
    world.set("PLANWRIGHT_TOKEN_127_0_0_1", "to be/kept");
    // What fails and is asked again stands on the cassette as it came.
    world.wait(async { api.break_with([Fault { status: 502, header: None, body: "<html>" }]) });
    world.planwright(&["test", "mine", "--record", "one"]).ended(0).said("whole:");
    let text = world.read(ONE);
    assert!(!text.contains("kept") && text.contains("key=cassette"), "{text}");
    assert!(text.contains(r#""status":502,"body":"<html>""#), "{text}");
    world.planwright(&["test", "mine"]).ended(0).said("1 green, 0 red");
    world
        .planwright(&["test", "mine", "--record", "two", "--repo", "a/b"])
        .ended(2)
        .said("knows no `--repo`");
}
