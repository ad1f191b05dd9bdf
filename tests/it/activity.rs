//! What goes on in a sample account: every resource of the shipped pipeline can be read of it, and what is listed
//! agrees with what is counted.

use planwright::pipeline::{Folder, Spec};
use serde_json::json;

use crate::sample::{query, serves, stop};
use crate::support::World;

/// A sync of every resource there is.
fn synced() -> World {
    let mut world = World::empty();
    let spec = Spec::read(&Folder::find("github", None).unwrap()).unwrap();
    let names: Vec<_> = spec.resources.iter().map(|resource| format!("\"{}\"", resource.name)).collect();
    world.write("planwright.toml", &format!("[sync]\nresources = [{}]\n", names.join(", ")));
    let (serving, _url) = serves(&mut world, "0", "repos=4,issues=70,comments=150,pulls=40%");
    world.planwright(&["sync"]).ended(0);
    stop(&world, serving);
    world
}

#[test]
fn every_resource_is_read_whole_and_what_is_listed_agrees_with_what_is_counted() {
    let world = synced();
    let rest =
        "SELECT resource, status, reason FROM planwright.outcomes WHERE status <> 'complete' ORDER BY ALL";
    assert_eq!(query(&world, rest), json!([]));
    // Each is listed as often as it is told elsewhere, and it is there.
    let pairs = [
        ("SELECT count(*) FROM starred", "SELECT sum(stars) FROM repos"),
        ("SELECT count(*) FROM stargazers JOIN repos ON repos.id = repo_id", "SELECT count(*) FROM starred"),
        (
            "SELECT count(*) FROM reactions JOIN issues ON issues.id = issue_id",
            "SELECT sum(reactions) FROM issues",
        ),
        ("SELECT count(*) FROM comment_reactions", "SELECT sum(reactions) FROM issue_comments"),
        ("SELECT count(*) FROM review_comment_reactions", "SELECT sum(reactions) FROM review_comments"),
        ("SELECT count(*) FROM timeline WHERE event = 'commented'", "SELECT count(*) FROM issue_comments"),
        ("SELECT count(*) FROM timeline WHERE event = 'labeled'", "SELECT count(*) FROM issue_labels"),
        (
            "SELECT count(*) FROM timeline WHERE event = 'closed'",
            "SELECT count(*) FROM issues WHERE state = 'closed'",
        ),
        ("SELECT count(*) FROM issue_events", "SELECT count(*) FROM timeline WHERE event <> 'commented'"),
        (
            "SELECT count(*) FROM issue_events JOIN issue_assignees USING (issue_id) WHERE event = 'assigned'",
            "SELECT count(*) FROM issue_assignees JOIN assignees USING (repo_id, user_id)",
        ),
        ("SELECT sum(repos) FROM users", "SELECT count(*) FROM assignees"),
        ("SELECT count(*) FROM workflows", "SELECT 2 * count(*) FROM repos"),
        (
            "SELECT count(*) FROM workflow_runs JOIN workflows ON workflows.id = workflow_id",
            "SELECT count(*) FROM pulls",
        ),
        (
            "SELECT count(*) FROM jobs JOIN workflow_runs ON workflow_runs.id = run_id",
            "SELECT count(*) FROM workflow_runs",
        ),
    ];
    for (listed, counted) in pairs {
        let found = query(&world, &format!("SELECT ({listed})::BIGINT, ({counted})::BIGINT"));
        assert!(found[0][0] == found[0][1] && found[0][0] != json!(0), "{listed}: {found}");
    }
    let times = "SELECT count(*) FROM (SELECT created_at < lag(created_at) OVER (PARTITION BY issue_id ORDER BY place) AS back FROM timeline) WHERE back";
    assert_eq!(query(&world, times), json!([[0]]), "a timeline goes on in time");
}
