//! The GitHub client against the hub over loopback: what it reads, what it never sends twice, what it says.

use std::time::Duration;

use planwright::artifact::{IssueId, IssueNumber};
use planwright::clock::Clock;
use planwright::config::Secret;
use planwright::config::settings::GithubApi;
use planwright::github::{Client, Edit, Error, IssueQuery, NewIssue, NewPull, State, StateChange, Terms};
use planwright::hub::{Fault, Only, What};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::tracker::{Tracker, http, new, numbers};

#[tokio::test]
async fn an_epic_with_a_chain_of_issues_reads_back_as_it_was_made() {
    let tracker = Tracker::start().await;
    let (client, repo) = (&tracker.client, &tracker.repo);
    let labelled =
        NewIssue { title: "Epic".to_owned(), body: "all".to_owned(), labels: vec!["plan".to_owned()] };
    let epic = client.create_issue(repo, &labelled).await.unwrap();
    let (one, two) = (tracker.issue("One").await, tracker.issue("Two").await);
    for child in [&one, &two] {
        client.add_sub_issue(repo, epic.number, child.id).await.unwrap();
    }
    client.add_blocked_by(repo, two.number, one.id).await.unwrap();

    assert_eq!(numbers(&client.sub_issues(repo, epic.number).await.unwrap()), [one.number, two.number]);
    assert_eq!(numbers(&client.blocked_by(repo, two.number).await.unwrap()), [one.number]);
    assert!(client.blocked_by(repo, one.number).await.unwrap().is_empty());
    assert_eq!(client.issue(repo, two.number).await.unwrap().parent, Some(epic.number));
    let query = IssueQuery { labels: vec!["plan".to_owned()], ..IssueQuery::default() };
    assert_eq!(client.issues(repo, &query).await.unwrap(), [client.issue(repo, epic.number).await.unwrap()]);
    assert_eq!((epic.body.as_str(), epic.open, epic.is_pull), ("all", true, false));
}

#[tokio::test]
async fn issues_are_edited_closed_reopened_and_commented_on() {
    let tracker = Tracker::start().await;
    let (client, repo) = (&tracker.client, &tracker.repo);
    let issue = tracker.issue("Before").await;
    let edit = Edit {
        title: Some("After".to_owned()),
        body: Some("text".to_owned()),
        labels: Some(vec!["a".to_owned(), "b".to_owned()]),
        state: Some(StateChange::Complete),
    };
    let changed = client.edit_issue(repo, issue.number, &edit).await.unwrap();
    assert_eq!((changed.title.as_str(), changed.body.as_str(), changed.open), ("After", "text", false));
    assert_eq!(changed.labels, ["a", "b"]);
    assert!(client.issues(repo, &IssueQuery::default()).await.unwrap().is_empty());
    let all = IssueQuery { state: State::All, ..IssueQuery::default() };
    assert_eq!(client.issues(repo, &all).await.unwrap().len(), 1);
    let edit = Edit { state: Some(StateChange::Reopen), ..Edit::default() };
    assert!(client.edit_issue(repo, issue.number, &edit).await.unwrap().open);
    let comment = client.comment(repo, issue.number, "evidence").await.unwrap();
    assert_eq!(client.comments(repo, issue.number).await.unwrap(), [comment]);
}

#[tokio::test]
async fn a_pull_request_is_opened_once() {
    let tracker = Tracker::start().await;
    let (client, repo) = (&tracker.client, &tracker.repo);
    let pull = NewPull {
        title: "Work".to_owned(),
        body: "Closes #1".to_owned(),
        head: "planwright/1-work".to_owned(),
        base: "main".to_owned(),
    };
    let made = client.create_pull(repo, &pull).await.unwrap();
    assert_eq!(client.pulls_from(repo, "planwright/1-work").await.unwrap(), std::slice::from_ref(&made));
    assert!(client.pulls_from(repo, "other").await.unwrap().is_empty());
    assert!(client.issue(repo, made.number).await.unwrap().is_pull);
    let again = client.create_pull(repo, &pull).await.unwrap_err();
    assert!(again.to_string().contains("A pull request already exists"), "{again}");
}

/// What happens to the create, and how many issues there are afterwards.
async fn check_create(what: What, expected: usize) {
    let tracker = Tracker::start().await;
    tracker.faults.once(Only::Writes, 1, what.clone());
    let error = tracker.client.create_issue(&tracker.repo, &new("once")).await.unwrap_err();
    assert!(error.is_unknown(), "{what:?}: {error}");
    let issues = tracker.client.issues(&tracker.repo, &IssueQuery::default()).await.unwrap();
    assert_eq!(issues.len(), expected, "{what:?}");
}

#[tokio::test]
async fn a_create_in_doubt_is_not_sent_again() {
    check_create(What::AnswerAfter(502), 1).await;
    check_create(What::AnswerAfter(504), 1).await;
    check_create(What::Answer(502, Vec::new(), "Bad Gateway".to_owned()), 0).await;
    check_create(What::CutAfter, 1).await;
    check_create(What::CutBefore, 0).await;
}

#[tokio::test]
async fn a_create_that_was_told_not_now_waits_and_is_made_once() {
    let tracker = Tracker::start().await;
    let wait = vec![("retry-after", "30".to_owned())];
    let what = What::Answer(403, wait, "You have exceeded a secondary rate limit.".to_owned());
    tracker.faults.add(Fault { only: Only::Writes, from: 1, times: 2, what });
    let before = tracker.clock.now();
    tracker.issue("once").await;
    assert_eq!(tracker.clock.now().duration_since(before), jiff::SignedDuration::from_secs(60));
    assert_eq!(tracker.client.issues(&tracker.repo, &IssueQuery::default()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn reads_and_edits_are_tried_again_and_give_up_in_the_end() {
    let tracker = Tracker::start().await;
    let (client, repo) = (&tracker.client, &tracker.repo);
    let issue = tracker.issue("there").await;
    for what in [What::CutBefore, What::CutAfter, What::AnswerAfter(502), What::AnswerAfter(503)] {
        tracker.faults.add(Fault { only: Only::Any, from: 1, times: 3, what: what.clone() });
        assert_eq!(client.issue(repo, issue.number).await.unwrap().title, "there", "{what:?}");
        tracker.faults.clear();
        tracker.faults.once(Only::Writes, 1, what);
        let edit = Edit { state: Some(StateChange::Complete), ..Edit::default() };
        assert!(!client.edit_issue(repo, issue.number, &edit).await.unwrap().open);
    }
    let what = What::AnswerAfter(503);
    tracker.faults.add(Fault { only: Only::Any, from: 1, times: u64::MAX, what });
    let error = client.issue(repo, issue.number).await.unwrap_err();
    assert!(matches!(error, Error::Server { status: 503, .. }), "{error}");
}

#[tokio::test]
async fn a_number_where_an_id_belongs_links_nothing() {
    let tracker = Tracker::start().await;
    let (client, repo) = (&tracker.client, &tracker.repo);
    let (parent, child) = (tracker.issue("Epic").await, tracker.issue("One").await);
    let wrong = IssueId(child.number.0);
    let error = client.add_sub_issue(repo, parent.number, wrong).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    let error = client.add_blocked_by(repo, parent.number, wrong).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    assert!(client.sub_issues(repo, parent.number).await.unwrap().is_empty());
}

#[tokio::test]
async fn every_refusal_is_told_apart() {
    let tracker = Tracker::start().await;
    let (client, repo) = (&tracker.client, &tracker.repo);
    tracker.issue("there").await;
    let stranger = tracker.client_of("", "not the token");
    let error = stranger.viewer().await.unwrap_err();
    assert!(matches!(&error, Error::Unauthorized { message, .. } if message == "Bad credentials"), "{error}");
    let error = client.issue(repo, IssueNumber(99)).await.unwrap_err();
    let expected = format!(
        "cannot read issue #99 of `ada/shop`: not found at `{}`, or the token may not see it",
        client.base()
    );
    assert_eq!(error.to_string(), expected);
    let error = client.create_issue(repo, &new(" ")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot create the issue ` ` in `ada/shop`: Validation Failed; `title` missing field"
    );
    tracker.raw("PATCH", "/repos/ada/shop", r#"{"archived": true}"#).await;
    let error = client.create_issue(repo, &new("x")).await.unwrap_err();
    assert!(matches!(error, Error::Forbidden { .. }), "{error}");
    tracker.raw("PATCH", "/repos/ada/shop", r#"{"archived": false, "has_issues": false}"#).await;
    let error = client.issues(repo, &IssueQuery::default()).await.unwrap_err();
    assert!(matches!(error, Error::Gone { .. }), "{error}");
}

#[tokio::test]
async fn a_renamed_repository_is_followed_and_never_to_another_host() {
    let tracker = Tracker::start().await;
    let there = vec![("location", "/repos/ada/shop".to_owned())];
    let old = Only::Path("GET", "/repos/ada/old".to_owned());
    let what = What::Answer(301, there, "Moved Permanently".to_owned());
    tracker.faults.add(Fault { only: old, from: 1, times: u64::MAX, what });
    let page = tracker.client.page("/repos/ada/old", &[], Terms::default()).await.unwrap();
    assert!(page.body.windows(8).any(|bytes| bytes == b"ada/shop"), "it answers as it is called now");
    let away = vec![("location", "https://elsewhere.example/x".to_owned())];
    let away = What::Answer(301, away, "Moved Permanently".to_owned());
    tracker.faults.clear();
    tracker.faults.once(Only::Any, 1, away);
    let error = tracker.client.page("/repos/ada/old", &[], Terms::default()).await.unwrap_err();
    assert!(
        matches!(&error, Error::Elsewhere { next, .. } if next.ends_with("elsewhere.example/x")),
        "{error}"
    );
}

#[tokio::test]
async fn a_body_that_stays_torn_is_an_error_and_never_an_empty_page() {
    let tracker = Tracker::start().await;
    tracker.faults.add(Fault { only: Only::Any, from: 1, times: u64::MAX, what: What::Torn });
    let error = tracker.client.page("/repos/ada/shop/issues", &[], Terms::default()).await.unwrap_err();
    assert!(matches!(error, Error::Unreadable { .. }), "{error}");
}

#[tokio::test]
async fn a_spent_limit_is_reported_with_its_end() {
    let tracker = Tracker::start().await;
    tracker.client.viewer().await.unwrap();
    tracker.faults.set_quota(1);
    let error = tracker.client.viewer().await.unwrap_err();
    let Error::RateLimited { until, .. } = error else { panic!("{error}") };
    assert!(until.duration_since(tracker.clock.now()) > jiff::SignedDuration::from_mins(59));
}

#[tokio::test]
async fn an_unreachable_server_is_named() {
    let tracker = Tracker::start().await;
    let client = tracker.client.clone();
    let url = tracker.hub.url().to_owned();
    tracker.hub.stop().await;
    let error = client.create_issue(&tracker.repo, &new("x")).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot reach `{url}`"));
}

#[tokio::test]
async fn addresses_and_tokens_that_cannot_work_are_refused_at_once() {
    let tracker = Tracker::start().await;
    let make = |url: &str, token: &str| {
        let api = GithubApi { url: url.to_owned(), token: Secret::new(token.to_owned()) };
        Client::new(http(), &api, tracker.clock.clone()).map(|_| ())
    };
    for url in ["", "github.com", "ftp://github.com", "https://", "mailto:a@b"] {
        assert!(matches!(make(url, "t"), Err(Error::Address { .. })), "{url}");
    }
    assert!(matches!(make("https://api.github.com", "a\nb"), Err(Error::Token)));
    make("https://ghe.example.com/api/v3/", "t").unwrap();
}

#[tokio::test]
async fn pages_are_followed_by_their_links_and_only_at_home() {
    let tracker = Tracker::start().await;
    for number in 1..=101 {
        tracker.issue(&format!("Issue {number}")).await;
    }
    let enterprise = tracker.client_of("/api/v3", tracker.hub.token().expose());
    for client in [&tracker.client, &enterprise] {
        assert_eq!(client.issues(&tracker.repo, &IssueQuery::default()).await.unwrap().len(), 101);
        let query = [("per_page".to_owned(), "40".to_owned())];
        let (mut page, mut sizes) =
            (client.page("/repos/ada/shop/issues", &query, Terms::default()).await.unwrap(), Vec::new());
        loop {
            sizes.push(serde_json::from_slice::<Vec<serde_json::Value>>(&page.body).unwrap().len());
            let Some(next) = &page.next else { break };
            assert!(next.starts_with(client.base()), "{next}");
            page = client.page_at(next, Terms::default()).await.unwrap();
        }
        assert_eq!(sizes, [40, 40, 21]);
    }
    let error = tracker.client.page_at("https://elsewhere.example/x", Terms::default()).await.unwrap_err();
    assert!(matches!(error, Error::Elsewhere { .. }), "{error}");
}

#[tokio::test]
async fn what_did_not_change_costs_nothing() {
    let tracker = Tracker::start().await;
    tracker.issue("One").await;
    let path = "/repos/ada/shop/issues";
    let first = tracker.client.page(path, &[], Terms::default()).await.unwrap();
    let tagged = Terms { etag: first.etag.as_deref(), ..Terms::default() };
    let same = tracker.client.page(path, &[], tagged).await.unwrap();
    assert!(same.is_unchanged() && same.body.is_empty());
    assert_eq!(same.remaining, first.remaining);
    tracker.issue("Two").await;
    let other = tracker.client.page(path, &[], tagged).await.unwrap();
    assert!(!other.is_unchanged() && other.etag != first.etag);
}

/// The head of the request that reading a page with these terms sends.
async fn asked(terms: Terms<'_>) -> String {
    let server = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let api = GithubApi {
        url: format!("http://{}", server.local_addr().unwrap()),
        token: Secret::new("t".to_owned()),
    };
    let client = Client::new(http(), &api, Clock::System).unwrap();
    let answer = async {
        let (mut stream, _) = server.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let length = stream.read(&mut head).await.unwrap();
        let body = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]";
        stream.write_all(body).await.unwrap();
        String::from_utf8(head[..length].to_vec()).unwrap().to_lowercase()
    };
    let (head, page) = tokio::join!(answer, client.page("/x", &[], terms));
    assert_eq!(&page.unwrap().body[..], b"[]");
    head
}

#[tokio::test]
async fn a_read_asks_for_the_media_type_that_it_names_and_else_for_the_usual_one() {
    let accepts = |head: &str| -> Vec<String> {
        head.lines().filter(|line| line.starts_with("accept:")).map(str::to_owned).collect()
    };
    assert_eq!(accepts(&asked(Terms::default()).await), ["accept: application/vnd.github+json"]);
    let star = Terms { accept: Some("application/vnd.github.star+json"), ..Terms::default() };
    assert_eq!(accepts(&asked(star).await), ["accept: application/vnd.github.star+json"]);
}

#[tokio::test]
async fn writes_to_loopback_are_not_slowed() {
    let tracker = Tracker::start().await;
    let before = tracker.clock.now();
    tracker.issue("One").await;
    tracker.issue("Two").await;
    assert_eq!(tracker.clock.now().duration_since(before).unsigned_abs(), Duration::ZERO);
}
