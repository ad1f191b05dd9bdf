//! `plan` from outside: a sentence becomes issues on the hub, and wrong input leaves nothing half done.

use planwright::model::script::{self, Script};
use serde_json::{Value, json};

use crate::support::World;
use crate::support::world::Ran;

pub(crate) const PLANNER: &str = "claude-opus-5-5";
pub(crate) const GOAL: &str = "Greet people by their name";

fn answer() -> Value {
    let issue = |key: &str, title: &str, after: &[&str]| {
        json!({
            "key": key,
            "title": title,
            "body": "Write it in `greet.sh`, because that is where the greeting lives; touch nothing else in the folder.",
            "acceptance": [{
                "text": "The greeting is printed",
                "check": { "kind": "command", "value": format!("test -s {key}.txt") },
            }],
            "blocked_by": after,
            "files": ["greet.sh"],
            "labels": [],
            "size": "small",
        })
    };
    json!({
        "epic_title": "Greet people by name",
        "epic_body": "People are greeted by their name, in one script, because one script is what there is to change.",
        "issues": [issue("say-hello", "Say hello", &[]), issue("say-name", "Say the name", &["say-hello"])],
    })
}

pub(crate) fn planner() -> Script {
    let turns = [script::turn().expect(GOAL).text("I have read enough."), script::turn().json(&answer())];
    Script::new().model(PLANNER, turns)
}

pub(crate) fn world() -> World {
    World::with(&[("greet.sh", "echo hello\n")])
}

/// The last event of a `--json` stream of this kind.
fn event(ran: &Ran, kind: &str) -> Value {
    let mut events = ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.rfind(|event| event["event"] == kind).unwrap_or_else(|| panic!("no {kind}: {}", ran.stdout))
}

#[test]
fn a_sentence_becomes_linked_issues_and_doing_it_again_makes_nothing_twice() {
    let mut world = world();
    let models = world.speaks(planner());
    let ran = world.planwright(&["plan", GOAL, "--yes", "--json"]).ended(0);
    assert_eq!(models.missed(), Vec::<String>::new());
    let asked = models.received()[0].body["messages"].to_string();
    assert!(asked.contains("Every file of the project") && asked.contains("greet.sh"), "{asked}");
    let report = event(&ran, "published")["report"].clone();
    assert_eq!((report["created"].as_u64(), report["linked"].as_u64()), (Some(3), Some(3)));
    let done = event(&ran, "done");
    assert_eq!((done["exit"].as_u64(), done["turns"].as_u64()), (Some(0), Some(2)));
    let again = world.planwright(&["plan", "publish", "--yes", "--json"]).ended(0);
    let report = event(&again, "published")["report"].clone();
    assert_eq!((report["created"].as_u64(), report["linked"].as_u64()), (Some(0), Some(0)));
    let next = world.planwright(&["plan", "next"]).ended(0);
    assert!(next.stdout.ends_with(" Say hello\n"), "{}", next.stdout);
    let status = world.planwright(&["plan", "status"]).ended(0).stdout;
    assert!(status.contains("0 of 2 done") && status.contains("Say the name · waits for #"), "{status}");
    // The same goal once more goes on with the epic that is there, without asking a model.
    world.planwright(&["plan", GOAL, "--yes"]).ended(0).said("going on with #");
}

#[test]
fn an_issue_closes_when_its_commit_reaches_the_default_branch() {
    let mut world = world();
    let _models = world.speaks(planner());
    let _published = world.planwright(&["plan", GOAL, "--yes"]).ended(0);
    let next = world.planwright(&["plan", "next"]).ended(0).stdout;
    let number = next.split_whitespace().next().unwrap().to_owned();
    world.commit(&format!("Say hello\n\nCloses {number}"));
    let next = world.planwright(&["plan", "next"]).ended(0);
    assert!(next.stdout.ends_with(" Say the name\n"), "{}", next.stdout);
}

#[test]
fn nothing_is_published_without_a_yes_where_nobody_can_be_asked() {
    let mut world = world();
    let models = world.speaks(planner());
    world
        .planwright(&["plan", GOAL])
        .ended(2)
        .said("no model was asked")
        .said("hint: say `--yes` to publish it, `--dry-run` to look at it, or `--out FILE`");
    assert_eq!(models.received().len(), 0);
    world
        .planwright(&["plan", GOAL, "--out", "plan.json"])
        .ended(0)
        .said("└─ say-name Say the name · small\n     after say-hello\n     ☐ The greeting is printed (command)")
        .said("nothing was published");
    world.planwright(&["plan", "status"]).ended(0).said("no open planned issues");
    world
        .planwright(&["plan", "publish", "plan.json"])
        .ended(2)
        .said("hint: say `--yes`, or look first with `--dry-run`");
    world.planwright(&["plan", "publish", "plan.json", "--yes"]).ended(0).said("3 created");
}

#[test]
fn an_issue_on_the_hub_has_a_name_and_no_address_that_dies_with_the_run() {
    let mut world = world();
    let _models = world.speaks(planner());
    let published = world.planwright(&["plan", GOAL, "--yes"]).ended(0);
    assert!(published.stdout.starts_with("local/hello#"), "{}", published.stdout);
    let next = world.planwright(&["plan", "next"]).ended(0).said("local/hello#");
    let status = world.planwright(&["plan", "status"]).ended(0);
    assert_eq!(published.stderr.matches("planwright hub serve").count(), 1, "{}", published.stderr);
    for ran in [published, next, status] {
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("http://"), "{ran:?}");
    }
}

#[test]
fn a_dry_run_writes_the_plan_and_publishes_nothing() {
    let mut world = world();
    let _models = world.speaks(planner());
    world
        .planwright(&["plan", GOAL, "--dry-run", "--out", "plan.json"])
        .ended(0)
        .said("nothing was published");
    assert!(world.read("plan.json").contains("\"say-hello\""));
    world.planwright(&["plan", "status"]).ended(0).said("no open planned issues");
}

#[test]
fn what_would_be_sent_can_be_read_first_and_holds_no_secret() {
    let world = world();
    world.write("notes.md", "token: ghp_0123456789abcdefghijABCDEFGHIJ012345\n");
    let shown = world.planwright(&["plan", GOAL, "--show-context", "--context", "notes.md"]).ended(0);
    assert!(shown.stdout.contains("greet.sh"), "{}", shown.stdout);
    assert!(!shown.stdout.contains("ghp_0123456789"), "{}", shown.stdout);
    shown.said("secret:");
}

#[test]
fn wrong_input_is_refused_with_a_hint_and_an_exit_code() {
    let world = world();
    world.write("cut.json", "{\"version\": 1, \"id\": ");
    let unreachable = "[profiles.planner]\nretries = 0\nbase_url = \"http://127.0.0.1:9\"\n";
    world.planwright(&["plan", GOAL, "--yes"]).ended(3).said("hint: export ANTHROPIC_API_KEY");
    world.planwright(&["plan", "publish", "cut.json"]).ended(2).said("is cut off");
    world.planwright(&["plan", "publish", "none.json"]).ended(3).said("cannot read");
    world.planwright(&["plan", "publish"]).ended(2).said("there is no plan in this repository yet");
    world.planwright(&["build", "999"]).ended(3).said("hint: export ANTHROPIC_API_KEY");
    world.planwright(&["build", "--next"]).ended(1).said("no planned issue is ready");
    world.planwright(&["build", "0"]).ended(2).said("is no issue number");
    world.write(world.config(), unreachable);
    // What never got to a model has cost nothing.
    world.planwright(&["plan", GOAL, "--yes"]).ended(3).said("127.0.0.1:9").said("$0.00 for 1 turn");
    world.planwright(&["plan", "status"]).ended(0).said("no open planned issues");
}

#[test]
fn a_retired_model_is_refused_with_its_successor() {
    let mut world = world();
    let _models = world.speaks(planner());
    let ran = world.planwright(&["plan", GOAL, "--yes", "--planner", "claude-3-opus-20240229"]).ended(2);
    let _told = ran.said("was retired on 2026-01-05").said("claude-opus-5-5");
}

#[test]
fn a_token_that_is_refused_is_no_reason_to_fall_back() {
    let mut world = world();
    let program = env!("CARGO_BIN_EXE_planwright");
    let args = ["hub", "serve", "--repo", "local/hello", "--folder", "../other"];
    let mut serving = world.command(program).args(args).spawn().unwrap();
    let mut stdout = std::io::BufReader::new(serving.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
    let url = line.trim().strip_prefix("export GITHUB_API_URL=").unwrap().to_owned();
    world.set("GITHUB_API_URL", url).set("GITHUB_TOKEN", "wrong");
    let refused = world.planwright(&["plan", "status"]).ended(3);
    assert!(!refused.stderr.contains("embedded hub"), "{}", refused.stderr);
    serving.kill().unwrap();
    serving.wait().unwrap();
}

#[test]
fn outside_a_repository_there_is_nothing_to_plan() {
    World::bare().planwright(&["plan", GOAL]).ended(2).said("is not in a git repository");
    let empty = World::empty();
    empty.planwright(&["plan", "status"]).ended(0).said("no open planned issues");
}
