//! The sample account, served by the program and synced by the program.

use planwright::pipeline::warehouse::{self, Warehouse};
use serde_json::{Value, json};

use crate::support::World;

/// Serves an account of these sizes, syncs it, and stops; the address it was served at.
fn synced(world: &mut World, port: &str, sizes: &str) -> String {
    let (mut serving, exports) = world.starts(&["hub", "serve", "--port", port, "--sample", sizes], 2);
    let value = |name: &str| {
        let line = exports.lines().find_map(|line| line.strip_prefix(&format!("export {name}=")));
        line.unwrap_or_else(|| panic!("{exports}")).to_owned()
    };
    let (url, token) = (value("GITHUB_API_URL"), value("GITHUB_TOKEN"));
    world.set("GITHUB_API_URL", &url).set("GITHUB_TOKEN", token);
    world.planwright(&["sync"]).ended(0);
    world.run("kill", &["-INT", &serving.id().to_string()], "").ended(0);
    assert!(serving.wait().unwrap().success());
    url
}

fn query(world: &World, sql: &str) -> Value {
    let path = world.home().join(".local/share/planwright/warehouse.duckdb");
    json!(Warehouse::open(&path, &warehouse::Options::confined("256MB", 1)).unwrap().query(sql).unwrap().rows)
}

#[test]
fn a_sample_account_fills_the_tables_exactly_and_a_day_later_only_what_changed_is_new() {
    let mut world = World::empty();
    let url = synced(&mut world, "0", "repos=3,issues=130,comments=333");
    let counts = "SELECT (SELECT count(*) FROM repos), (SELECT count(*) FROM issues),
        (SELECT count(*) FROM issue_comments), (SELECT count(*) FROM issues WHERE is_pull IS NOT NULL),
        (SELECT count(*) FROM sub_issues) = (SELECT sum(sub_issues_total) FROM issues),
        (SELECT count(*) FROM issue_dependencies) = (SELECT sum(blocked_by_total) FROM issues),
        (SELECT sum(comments) FROM issues)";
    let whole = json!([[3, 130, 333, 38, true, true, 333]]);
    assert_eq!(query(&world, counts), whole);
    let titles = "SELECT count(*) FROM issues WHERE title LIKE '%once more'";
    assert_eq!(query(&world, titles), json!([[0]]));

    let port = url.rsplit(':').next().unwrap();
    synced(&mut world, port, "repos=3,issues=130,comments=333,changed=10");
    assert_eq!(query(&world, counts), whole);
    assert_eq!(query(&world, titles), json!([[10]]));
    let versions = "SELECT count(*) - count(DISTINCT key) FROM planwright.raw WHERE resource = 'issues'";
    assert_eq!(query(&world, versions), json!([[10]]));
}

#[test]
fn sizes_that_make_no_sense_are_usage_errors() {
    let world = World::bare();
    world
        .planwright(&["hub", "serve", "--sample", "issue=3"])
        .ended(2)
        .said("`issue=3` is not one of repos=N");
    world
        .planwright(&["hub", "serve", "--sample", "repos=0"])
        .ended(2)
        .said("out of bounds: from 1 to 99999");
    world.planwright(&["hub", "serve", "--sample", "--latency", "soon"]).ended(2).said("a time like 30ms");
    world.planwright(&["hub", "serve", "--latency", "1s"]).ended(2).said("--sample");
}
