//! `sync --dry-run`: what a sync would take, for one request, before anything is touched.

use serde_json::{Value, json};

use crate::support::World;

fn estimated(world: &World) -> Value {
    let ran = world.planwright(&["sync", "--dry-run", "--format", "json"]).ended(0);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stdout))
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap()
}

fn requests(estimate: &Value) -> Vec<(&str, u64, &str)> {
    let resources = estimate["resources"].as_array().unwrap().iter();
    resources.map(|it| (text(it, "name"), it["requests"].as_u64().unwrap(), text(it, "bound"))).collect()
}

#[test]
fn a_first_sync_is_a_lower_bound_and_costs_one_request_to_know() {
    let world = World::with(&[("README.md", "# hello\n")]);
    let first = estimated(&world);
    let expected = [
        ("repos", 1, "about"),
        ("issues", 1, "at_least"),
        ("issue_comments", 0, "at_least"),
        ("sub_issues", 0, "at_least"),
        ("issue_dependencies", 0, "at_least"),
        ("releases", 0, "at_least"),
        ("labels", 0, "at_least"),
        ("milestones", 0, "at_least"),
        ("pulls", 0, "at_least"),
    ];
    assert_eq!(requests(&first), expected);
    assert_eq!((&first["requests"], &first["bound"]), (&json!(2), &json!("at_least")));
    let quota = &first["quota"];
    assert_eq!((&quota["limit"], &quota["left"]), (&json!(1_000_000), &json!(999_999)), "one was spent");
    assert_eq!((&quota["after"], &quota["reserve"]), (&json!(999_997), &json!(200_000)));
    assert_eq!(quota["fits"], json!(true));
    assert!(!world.home().join(".local/share/planwright/warehouse.duckdb").exists());
    world.planwright(&["sync"]).ended(0);
    assert_eq!(requests(&estimated(&world)), expected, "and so is one that finds nothing new");
}

#[test]
fn people_are_told_in_words_and_only_a_dry_run_has_a_form() {
    let world = World::with(&[("README.md", "# hello\n")]);
    let ran = world.planwright(&["sync", "--dry-run"]).ended(0);
    assert!(ran.stdout.contains("issue_dependencies") && ran.stdout.contains("at least 0"), "{}", ran.stdout);
    ran.said("at least 2 requests and about 1.0 s; a page that did not change costs no quota")
        .said("of 1,000,000 requests an hour 999,999 are left, 999,997 after it; 200,000 are kept");
    world.planwright(&["sync", "--format", "json"]).ended(2).said("--dry-run");
}
