//! Which repositories a sync gathers: patterns, what is left out, and the starred ones.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use planwright::artifact::{IssueNumber, RepoName};
use planwright::error::Exit;
use planwright::github::Edit;
use serde_json::{Value, json};

use crate::support::World;
use crate::sync::{Desk, program};

const ISSUES: &str = "SELECT repo, count(*) FROM issues GROUP BY ALL ORDER BY ALL";

async fn rename_issue(desk: &Desk, repo: &str, number: u64, title: &str) {
    desk.tick().await;
    let (repo, edit): (RepoName, _) =
        (repo.parse().unwrap(), Edit { title: Some(title.to_owned()), ..Edit::default() });
    desk.client.edit_issue(&repo, IssueNumber(number), &edit).await.unwrap();
}

#[tokio::test]
async fn a_pattern_gathers_what_fits_it_and_leaves_the_rest_as_it_was() {
    let desk = Desk::new().await;
    desk.second_repo().await;
    let some = desk.sync_of("w", &["ADA/m*"], false).await.unwrap();
    assert_eq!(some.exit(), Exit::Done, "{:?}", some.resources);
    assert_eq!(desk.query("w", ISSUES), json!([["ada/more", 1]]));
    assert_eq!(desk.query("w", "SELECT count(*) FROM issue_comments"), json!([[1]]));
    assert_eq!(desk.query("w", "SELECT count(*) FROM repos"), json!([[3]]), "the listing is read whole");
    desk.sync("w").await;
    let both = json!([["ada/app", 7], ["ada/more", 1]]);
    assert_eq!(desk.query("w", ISSUES), both);
    rename_issue(&desk, "ada/app", 7, "Rest well").await;
    rename_issue(&desk, "ada/more", 1, "Less").await;
    let title =
        "SELECT title FROM issues WHERE (repo, number) IN (('ada/app', 7), ('ada/more', 1)) ORDER BY repo";
    desk.sync_of("w", &["ada/m*"], false).await.unwrap();
    assert_eq!(desk.query("w", title), json!([["Rest"], ["Less"]]));
    assert_eq!(desk.query("w", ISSUES), both);
    desk.sync("w").await;
    assert_eq!(desk.query("w", title), json!([["Rest well"], ["Less"]]), "nothing was passed over");
}

#[tokio::test]
async fn what_is_left_out_is_left_out_of_names_patterns_and_everything() {
    let desk = Desk::new().await;
    desk.second_repo().await;
    let choices: [(&str, &[&str], Value); 4] = [
        ("all", &["!ada/m*"], json!([["ada/app", 7]])),
        ("like", &["ada/*", "!ada/app"], json!([["ada/more", 1]])),
        ("named", &["ada/app", "ada/more", "!*/app"], json!([["ada/more", 1]])),
        ("none", &["ada/app", "!ada/*"], json!([])),
    ];
    for (warehouse, repos, expected) in choices {
        let report = desk.sync_of(warehouse, repos, false).await.unwrap();
        assert_eq!(report.exit(), Exit::Done, "{repos:?}: {:?}", report.resources);
        assert_eq!(desk.query(warehouse, ISSUES), expected, "{repos:?}");
    }
    let report = desk.sync_of("none", &["ada/app", "!ada/*"], false).await.unwrap();
    assert_eq!(report.requests(), 0, "nothing is asked for nothing");
}

#[tokio::test]
async fn a_name_beside_a_pattern_is_asked_for_by_its_name() {
    let desk = Desk::new().await;
    desk.second_repo().await;
    for round in 0..2 {
        let report = desk.sync_of("w", &["ada/app", "*/m?re"], false).await.unwrap();
        assert_eq!(report.exit(), Exit::Done, "{round}: {:?}", report.resources);
        assert_eq!(desk.query("w", ISSUES), json!([["ada/app", 7], ["ada/more", 1]]), "{round}");
    }
    assert_eq!(desk.sync("w").await.exit(), Exit::Done);
    assert_eq!(desk.query("w", "SELECT count(*) FROM repos"), json!([[3]]));
}

#[test]
fn a_pattern_that_fits_nothing_is_told_with_the_nearest_name() {
    let aside = World::empty();
    let desk = aside.wait(Desk::new());
    let world = program(&desk, "w");
    let ran = world.planwright(&["sync", "--repo", "ada/ap*", "--repo", "adda/*", "--repo", "!ada/emty"]);
    let ran = ran.ended(0);
    assert!(!ran.stderr.contains("`ada/ap*`"), "{}", ran.stderr);
    ran.said("warning: `adda/*` fits none of the repos; the nearest known name is `ada/app`")
        .said("warning: `ada/emty` fits none of the repos; the nearest known name is `ada/empty`");
    world.planwright(&["sync", "--repo", "ada"]).ended(2).said("`ada` is no choice of repositories");
}

/// Three repositories, two of them starred, one on each page; and what was asked.
async fn stars() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::<Mutex<Vec<String>>>::default();
    let app = Router::new().fallback(star).with_state((url.clone(), Arc::clone(&asked)));
    drop(tokio::spawn(async { axum::serve(listener, app).await }));
    (url, asked)
}

async fn star(State((url, asked)): State<(String, Arc<Mutex<Vec<String>>>)>, uri: Uri) -> Response {
    asked.lock().unwrap().push(uri.to_string());
    let repo = |id: u64, name: &str| json!({"id": id, "node_id": format!("R_{id}"), "full_name": name});
    let body = match (uri.path(), uri.query()) {
        ("/user/starred", Some("per_page=100")) => json!([repo(1, "far/one")]),
        ("/user/starred", Some("page=2")) => json!([repo(2, "far/two")]),
        ("/repos/far/one", _) => repo(1, "far/one"),
        ("/repos/far/two", _) => repo(2, "far/two"),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let mut answer = ([("content-type", "application/json")], body.to_string()).into_response();
    if uri.query() == Some("per_page=100") {
        let link = format!("<{url}/user/starred?page=2>; rel=\"next\"");
        answer.headers_mut().insert("link", link.parse().unwrap());
    }
    answer
}

#[test]
fn the_starred_ones_are_found_first_and_how_many_is_said() {
    let mut world = World::empty();
    let (url, asked) = world.wait(stars());
    world.set("GITHUB_API_URL", url).set("GITHUB_TOKEN", "token");
    let ran = world.planwright(&["sync", "--only", "repos", "--repo", "starred"]).ended(0);
    ran.said("2 starred repositories, found with 2 requests");
    let sql = ["query", "--format", "csv", "SELECT full_name FROM repos ORDER BY id"];
    assert_eq!(world.planwright(&sql).ended(0).stdout, "full_name\r\nfar/one\r\nfar/two\r\n");
    let asked = asked.lock().unwrap().clone();
    assert!(asked.iter().all(|uri| !uri.starts_with("/user/repos")), "{asked:?}");
    let two = world.planwright(&["sync", "--only", "repos", "--repo", "starred", "--repo", "!far/o*"]);
    let told = two.ended(0).stderr;
    assert!(told.contains("1 requests"), "{told}");
}
