//! The hub by itself: its rules, its listings, its errors, what it keeps, and that strict clients read it.

use octocrab::models;
use planwright::artifact::{CommitId, IssueNumber, RepoName};
use planwright::clock::Clock;
use planwright::github::NewIssue;
use planwright::hub::{self, Error, Faults, Options};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::support::tracker::Tracker;

/// Reads a body with one of octocrab's own models.
async fn typed<T: DeserializeOwned>(tracker: &Tracker, path: &str) -> T {
    let (status, body) = tracker.raw("GET", path, "").await;
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_value(body).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[tokio::test]
async fn octocrabs_own_models_read_every_kind_of_answer() {
    let tracker = Tracker::start().await;
    tracker.raw("POST", "/repos/ada/shop/milestones", r#"{"title": "First"}"#).await;
    let body = r#"{"title": "t", "labels": ["good first issue"], "assignees": ["ada"], "milestone": 1}"#;
    let (status, made) = tracker.raw("POST", "/repos/ada/shop/issues", body).await;
    assert_eq!(status, 201, "{made}");
    tracker.raw("POST", "/repos/ada/shop/issues/1/comments", r#"{"body": "c"}"#).await;
    tracker.raw("POST", "/repos/ada/shop/pulls", r#"{"title": "p", "head": "h", "base": "main"}"#).await;
    tracker
        .raw("PATCH", "/repos/ada/shop/issues/1", r#"{"state": "closed", "state_reason": "not_planned"}"#)
        .await;

    let person: models::UserProfile = typed(&tracker, "/user").await;
    let author: models::Author = typed(&tracker, "/users/ADA").await;
    assert_eq!((person.login.as_str(), person.public_repos, author.id), ("ada", 1, person.id));
    let repos: Vec<models::Repository> = typed(&tracker, "/user/repos").await;
    assert_eq!(repos[0].full_name.as_deref(), Some("ada/shop"));
    let issues: Vec<models::issues::Issue> = typed(&tracker, "/issues?filter=all&state=all").await;
    assert_eq!(issues.len(), 2);
    let issue: models::issues::Issue = typed(&tracker, "/repos/ada/shop/issues/1").await;
    assert_eq!(issue.state_reason, Some(models::issues::IssueStateReason::NotPlanned));
    assert_eq!(issue.milestone.unwrap().title, "First");
    assert_eq!(issue.assignee.unwrap().login, "ada");
    let comments: Vec<models::issues::Comment> = typed(&tracker, "/repos/ada/shop/issues/comments").await;
    assert_eq!(comments[0].body.as_deref(), Some("c"));
    let _: models::Label = typed(&tracker, "/repos/ada/shop/labels/good%20first%20issue").await;
    let _: Vec<models::Milestone> = typed(&tracker, "/repos/ada/shop/milestones").await;
    let pulls: Vec<models::pulls::PullRequest> = typed(&tracker, "/repos/ada/shop/pulls").await;
    assert_eq!((pulls[0].number, pulls[0].head.ref_field.as_str()), (2, "h"));
}

#[tokio::test]
async fn ids_are_high_and_never_numbers() {
    let tracker = Tracker::start().await;
    for _ in 0..3 {
        let issue = tracker.issue("t").await;
        assert!(issue.id.0 > 3_000_000_000 && issue.number.0 < 10);
    }
}

#[tokio::test]
async fn what_was_kept_is_there_after_a_restart_at_the_same_address() {
    let tracker = Tracker::start().await;
    let (one, two) = (tracker.issue("One").await, tracker.issue("Two").await);
    tracker.client.add_sub_issue(&tracker.repo, one.number, two.id).await.unwrap();
    let (_, before) = tracker.raw("GET", "/issues?filter=all", "").await;
    let (url, token) = (tracker.hub.url().to_owned(), tracker.hub.token());
    let tracker = tracker.restart().await;
    assert_eq!((tracker.hub.url(), tracker.hub.token().expose()), (url.as_str(), token.expose()));
    assert_eq!(tracker.raw("GET", "/issues?filter=all", "").await.1, before);
    assert_eq!(tracker.issue("Three").await.number, IssueNumber(3));
}

#[tokio::test]
async fn one_folder_is_served_once() {
    let tracker = Tracker::start().await;
    let options = Options {
        folder: tracker.folder.path().to_owned(),
        address: ([127, 0, 0, 1], 0).into(),
        login: "eve".to_owned(),
        clock: Clock::System,
        faults: Faults::default(),
    };
    let error = hub::start(options.clone()).await.unwrap_err();
    assert!(matches!(&error, Error::InUse { address: Some(url), .. } if url == tracker.hub.url()), "{error}");
    let other = hub::running(tracker.folder.path()).unwrap().unwrap();
    assert_eq!(other.url, tracker.hub.url());
    tracker.hub.stop().await;
    assert!(hub::running(tracker.folder.path()).unwrap().is_none());
    hub::start(options).await.unwrap().stop().await;
}

#[tokio::test]
async fn commits_on_the_default_branch_close_issues_once() {
    let tracker = Tracker::start().await;
    tracker.issue("One").await;
    tracker.issue("Two").await;
    let commits = [
        (CommitId("a".repeat(40)), "Add it\n\nCloses #1".to_owned()),
        (CommitId("b".repeat(40)), "Mention #2 and fix other/shop#2, fixes #77".to_owned()),
    ];
    assert_eq!(tracker.hub.received(&tracker.repo, &commits).unwrap(), [IssueNumber(1)]);
    assert!(tracker.hub.received(&tracker.repo, &commits).unwrap().is_empty());
    let (_, issue) = tracker.raw("GET", "/repos/ada/shop/issues/1", "").await;
    assert_eq!((&issue["state"], &issue["state_reason"]), (&json!("closed"), &json!("completed")));
    let elsewhere: RepoName = "ada/nowhere".parse().unwrap();
    assert!(tracker.hub.received(&elsewhere, &commits).is_err());
}

/// A request and how it is refused: status and a part of the body.
async fn refused(tracker: &Tracker, request: (&str, &str, &str), status: u16, part: &str) {
    let (found, body) = tracker.raw(request.0, request.1, request.2).await;
    let text = body.to_string();
    assert!(found == status && text.contains(part), "{request:?}: {found} {text}");
    assert!(body["documentation_url"].is_string() && body["status"] == json!(status.to_string()), "{text}");
}

#[tokio::test]
async fn errors_come_in_githubs_own_bodies() {
    let tracker = Tracker::start().await;
    tracker.issue("One").await;
    let (issues, one) = ("/repos/ada/shop/issues", "/repos/ada/shop/issues/1");
    let cases = [
        (("GET", "/nowhere", ""), 404, r#""message":"Not Found""#),
        (("GET", "/repos/ada/none", ""), 404, "Not Found"),
        (("GET", "/repos/ada/shop/issues/0", ""), 404, "Not Found"),
        (("GET", "/repos/ada/shop/issues/x", ""), 404, "Not Found"),
        (("POST", issues, "{"), 400, "Problems parsing JSON"),
        (("POST", issues, "[]"), 400, "Body should be a JSON object"),
        (("POST", issues, "{}"), 422, r#"\"title\" wasn't supplied"#),
        (("POST", issues, r#"{"title": ""}"#), 422, r#""code":"missing_field""#),
        (("POST", issues, r#"{"title": ["a"]}"#), 422, "is not a string"),
        (("POST", issues, r#"{"title": "t", "assignees": ["nobody"]}"#), 422, r#""field":"assignees""#),
        (("POST", issues, r#"{"title": "t", "milestone": 4}"#), 422, r#""field":"milestone""#),
        (("PATCH", one, r#"{"state": "gone"}"#), 422, r#""field":"state""#),
        (("PATCH", one, r#"{"state": "open", "state_reason": "completed"}"#), 422, "state_reason"),
        (("POST", "/repos/ada/shop/issues/1/comments", r#"{"body": " "}"#), 422, "missing_field"),
        (("POST", "/repos/ada/shop/issues/9/comments", r#"{"body": "b"}"#), 404, "Not Found"),
        (("GET", "/repos/ada/shop/issues?state=half", ""), 422, r#""field":"state""#),
        (("GET", "/repos/ada/shop/issues?since=yesterday", ""), 422, r#""field":"since""#),
        (("GET", "/repos/ada/shop/issues?per_page=100&page=101", ""), 422, "cursor based pagination"),
        (("POST", "/user/repos", r#"{"name": "shop"}"#), 422, "name already exists"),
    ];
    for (request, status, part) in cases {
        refused(&tracker, request, status, part).await;
    }
    let long = json!({"title": "t".repeat(257)}).to_string();
    refused(&tracker, ("POST", issues, &long), 422, "title is too long").await;
    tracker.raw("PATCH", "/repos/ada/shop", r#"{"has_issues": false}"#).await;
    refused(&tracker, ("GET", issues, ""), 410, "Issues are disabled for this repo").await;
}

#[tokio::test]
async fn sub_issues_keep_githubs_rules() {
    let tracker = Tracker::start().await;
    let mut ids = Vec::new();
    for number in 1..=10 {
        ids.push(tracker.issue(&format!("{number}")).await.id.0);
    }
    let stranger: RepoName = "bob/shop".parse().unwrap();
    tracker.hub.ensure_repo(&stranger).unwrap();
    let foreign = tracker.client.create_issue(&stranger, &NewIssue::default()).await;
    assert!(foreign.is_err(), "a title is needed");
    let foreign = tracker.client.create_issue(&stranger, &crate::support::tracker::new("b")).await.unwrap();
    let path = |number: usize| format!("/repos/ada/shop/issues/{number}/sub_issues");
    let id = |id: u64| json!({"sub_issue_id": id}).to_string();

    refused(&tracker, ("POST", &path(1), r#"{"sub_issue_id": "3000000004"}"#), 422, "is not an integer")
        .await;
    refused(&tracker, ("POST", &path(1), "{}"), 422, "wasn't supplied").await;
    refused(&tracker, ("POST", &path(1), &id(2)), 404, "does not exist").await;
    refused(&tracker, ("POST", &path(1), &id(ids[0])), 422, "circular").await;
    refused(&tracker, ("POST", &path(1), &id(foreign.id.0)), 422, "same owner").await;
    // A chain of eight levels below the first issue, and no ninth.
    for (number, child) in ids.iter().enumerate().take(9).skip(1) {
        let (status, body) = tracker.raw("POST", &path(number), &id(*child)).await;
        assert_eq!((status, &body["number"]), (201, &json!(number)), "{body}");
    }
    refused(&tracker, ("POST", &path(9), &id(ids[9])), 422, "deeper than 8 levels").await;
    refused(&tracker, ("POST", &path(9), &id(ids[0])), 422, "circular").await;
    refused(&tracker, ("POST", &path(1), &id(ids[1])), 422, "duplicate").await;
    refused(&tracker, ("POST", &path(1), &id(ids[5])), 422, "one parent").await;
    let replace = json!({"sub_issue_id": ids[5], "replace_parent": true}).to_string();
    assert_eq!(tracker.raw("POST", &path(1), &replace).await.0, 201);
    assert_eq!(tracker.numbers(&path(1)).await, [2, 6]);
    let (_, parent) = tracker.raw("GET", "/repos/ada/shop/issues/6/parent", "").await;
    assert_eq!(parent["number"], 1);
    let summary = json!({"total": 2, "completed": 0, "percent_completed": 0});
    assert_eq!(parent["sub_issues_summary"], summary);
    let (status, _) = tracker.raw("DELETE", "/repos/ada/shop/issues/1/sub_issue", &id(ids[5])).await;
    assert_eq!((status, tracker.numbers(&path(1)).await), (200, vec![2]));
    refused(&tracker, ("GET", "/repos/ada/shop/issues/6/parent", ""), 404, "Not Found").await;
}

#[tokio::test]
async fn a_parent_has_at_most_a_hundred_sub_issues() {
    let tracker = Tracker::start().await;
    let parent = tracker.issue("Epic").await;
    for number in 0..=100 {
        let child = tracker.issue("child").await;
        let added = tracker.client.add_sub_issue(&tracker.repo, parent.number, child.id).await;
        assert_eq!(added.is_ok(), number < 100, "{number}");
    }
}

#[tokio::test]
async fn dependencies_keep_their_rules_and_are_counted() {
    let tracker = Tracker::start().await;
    let (one, two, three) = (tracker.issue("1").await, tracker.issue("2").await, tracker.issue("3").await);
    let path = |number: u64| format!("/repos/ada/shop/issues/{number}/dependencies/blocked_by");
    let id = |id: u64| json!({"issue_id": id}).to_string();
    for (blocked, blocker) in [(2, one.id), (3, two.id), (3, one.id)] {
        assert_eq!(tracker.raw("POST", &path(blocked), &id(blocker.0)).await.0, 201);
    }
    refused(&tracker, ("POST", &path(1), r#"{"issue_id": "1"}"#), 422, "is not an integer").await;
    refused(&tracker, ("POST", &path(1), &id(1)), 404, "does not exist").await;
    refused(&tracker, ("POST", &path(3), &id(two.id.0)), 422, "already been taken").await;
    refused(&tracker, ("POST", &path(1), &id(one.id.0)), 422, "may not block itself").await;
    refused(&tracker, ("POST", &path(1), &id(three.id.0)), 422, "may not block itself").await;
    assert_eq!(tracker.numbers("/repos/ada/shop/issues/1/dependencies/blocking").await, [2, 3]);
    tracker.raw("PATCH", "/repos/ada/shop/issues/1", r#"{"state": "closed"}"#).await;
    let (_, body) = tracker.raw("GET", "/repos/ada/shop/issues/3", "").await;
    let summary = json!({"blocked_by": 1, "total_blocked_by": 2, "blocking": 0, "total_blocking": 0});
    assert_eq!(body["issue_dependencies_summary"], summary);
    let (status, _) = tracker.raw("DELETE", &format!("{}/{}", path(3), two.id.0), "").await;
    assert_eq!((status, tracker.numbers(&path(3)).await), (200, vec![1]));
}

#[tokio::test]
async fn listings_filter_sort_and_page_like_githubs() {
    let tracker = Tracker::start().await;
    let issues = "/repos/ada/shop/issues";
    for (number, labels) in [(1, "[]"), (2, r#"["bug"]"#), (3, r#"["bug", "big"]"#)] {
        tracker.clock.sleep(std::time::Duration::from_secs(10)).await;
        tracker.raw("POST", issues, &format!(r#"{{"title": "{number}", "labels": {labels}}}"#)).await;
    }
    tracker.clock.sleep(std::time::Duration::from_secs(10)).await;
    tracker.raw("PATCH", &format!("{issues}/1"), r#"{"body": "changed"}"#).await;
    tracker.raw("PATCH", &format!("{issues}/2"), r#"{"state": "closed"}"#).await;
    let cases: [(&str, &[u64]); 14] = [
        ("", &[3, 1]),
        ("?state=closed", &[2]),
        ("?state=all", &[3, 2, 1]),
        ("?state=all&direction=asc", &[1, 2, 3]),
        ("?state=all&sort=updated&direction=desc", &[2, 1, 3]),
        ("?state=all&sort=updated&direction=asc&per_page=2", &[3, 1]),
        ("?state=all&sort=updated&direction=asc&per_page=2&page=2", &[2]),
        ("?state=all&per_page=2&page=9", &[]),
        ("?state=all&labels=bug", &[3, 2]),
        ("?state=all&labels=bug,BIG", &[3]),
        ("?state=all&since=2026-11-22T10:00:30Z", &[3, 2, 1]),
        ("?state=all&since=2026-11-22T10:00:31Z", &[2, 1]),
        ("?state=all&since=1970-01-01T00:00:00Z", &[]),
        ("?state=all&creator=eve", &[]),
    ];
    for (query, expected) in cases {
        assert_eq!(tracker.numbers(&format!("{issues}{query}")).await, expected, "{query}");
    }
    assert_eq!(tracker.numbers("/issues?filter=all").await, [3, 1]);
    assert!(tracker.numbers("/issues").await.is_empty(), "nothing is assigned");
}

#[tokio::test]
async fn comments_are_listed_since_edited_and_deleted() {
    let tracker = Tracker::start().await;
    tracker.issue("One").await;
    let (mine, all) = ("/repos/ada/shop/issues/1/comments", "/repos/ada/shop/issues/comments");
    let (_, first) = tracker.raw("POST", mine, r#"{"body": "first"}"#).await;
    tracker.raw("POST", mine, r#"{"body": "second"}"#).await;
    tracker.clock.sleep(std::time::Duration::from_mins(1)).await;
    let one = format!("{all}/{}", first["id"]);
    assert_eq!(tracker.raw("PATCH", &one, r#"{"body": "changed"}"#).await.1["body"], "changed");
    let bodies = |list: Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|row| row["body"].as_str().unwrap().to_owned()).collect()
    };
    let (_, listed) = tracker.raw("GET", &format!("{all}?since=2026-11-22T10:00:30Z"), "").await;
    assert_eq!(bodies(listed), ["changed"]);
    let (_, listed) = tracker.raw("GET", &format!("{all}?sort=updated&direction=desc"), "").await;
    assert_eq!(bodies(listed), ["changed", "second"]);
    assert_eq!(tracker.raw("DELETE", &one, "").await, (204, Value::Null));
    refused(&tracker, ("GET", &one, ""), 404, "Not Found").await;
    let (_, issue) = tracker.raw("GET", "/repos/ada/shop/issues/1", "").await;
    assert_eq!(issue["comments"], 1);
}

#[tokio::test]
async fn creates_at_once_get_numbers_of_their_own() {
    let tracker = Tracker::start().await;
    let made = futures_util::future::join_all(
        (0..20)
            .map(|_| tracker.raw("POST", "/repos/ada/shop/issues", r#"{"title": "t", "labels": ["same"]}"#)),
    );
    let mut numbers: Vec<_> = made.await.iter().map(|(_, body)| body["number"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
    let (_, labels) = tracker.raw("GET", "/repos/ada/shop/labels", "").await;
    assert_eq!(labels.as_array().unwrap().len(), 1);
}
