//! GraphQL from both ends: what the hub answers, and `sync` asking it for the reviews of many pull requests
//! at once, whatever goes wrong. Waits are virtual.

use planwright::clock::Clock;
use planwright::config::settings;
use planwright::error::Exit;
use planwright::github::{Client, Question};
use planwright::hub::{self, Fault, Faults, Only, What};
use planwright::pipeline::Folder;
use planwright::pipeline::outcome::{Outcome, Status};
use planwright::pipeline::warehouse::{self, Warehouse};
use planwright::sync::{self, Server, sync};
use serde_json::{Value, json};

use crate::support::tracker::{Tracker, http};
use crate::support::unheard;

const NOW: &str = "2026-11-22T10:00:00Z";

/// A sample account, and a warehouse for its reviews.
struct Desk {
    folder: tempfile::TempDir,
    faults: Faults,
    client: Client,
    clock: Clock,
    /// Held so that it goes on.
    _hub: hub::Running,
}

impl Desk {
    /// With sixty issues, of which twenty are pull requests: twenty reviews.
    async fn new() -> Self {
        let clock = Clock::starting_at(NOW.parse().unwrap());
        let faults = Faults::default();
        let show = hub::Show {
            account: "repos=2,issues=60,comments=0,pulls=35%".parse().unwrap(),
            address: ([127, 0, 0, 1], 0).into(),
            latency: std::time::Duration::ZERO,
            clock: clock.clone(),
            faults: faults.clone(),
        };
        let hub = hub::show(show).await.unwrap();
        let client = Client::new(http(), &hub.api(), clock.clone()).unwrap();
        Self { folder: tempfile::tempdir().unwrap(), faults, client, clock, _hub: hub }
    }

    /// Syncs reviews; `with` replaces a text of their spec.
    async fn sync(&self, name: &str, with: (&str, &str)) -> sync::Report {
        self.sync_only("reviews", name, with).await
    }

    async fn sync_only(&self, resource: &str, name: &str, with: (&str, &str)) -> sync::Report {
        let folder = Folder::find("github", None).unwrap();
        let path = "resources/pulls.toml";
        let text = folder.file(path).unwrap().to_owned();
        assert!(text.contains(with.0), "{}", with.0);
        let folder = folder.with(path, &text.replace(with.0, with.1));
        // Without the question for totals, every question is one for reviews.
        let main = folder.file("pipeline.toml").unwrap();
        let main: Vec<_> = main.lines().filter(|line| !line.starts_with("total = ")).collect();
        let main = main.join("\n");
        let folder = folder.with("pipeline.toml", &main);
        let settings = settings::Sync {
            pipeline: "github".to_owned(),
            repos: Vec::new(),
            resources: vec![resource.to_owned()],
            memory_limit: "256MB".to_owned(),
            threads: 1,
        };
        let options = sync::Options {
            folder: &folder,
            warehouse: &self.folder.path().join(name).into(),
            state: self.folder.path(),
            origin: "hub",
            settings: &settings,
            since: None,
            full: false,
        };
        let run = unheard("test", self.clock.clone());
        sync(&run, Server::Github(&self.client), &options).await.unwrap()
    }

    async fn reviews(&self, name: &str) -> Outcome {
        reviews(self.sync(name, SMALL).await)
    }

    fn query(&self, name: &str, sql: &str) -> Value {
        let options = warehouse::Options::confined("256MB", 1);
        json!(Warehouse::open(self.folder.path().join(name), &options).unwrap().query(sql).unwrap().rows)
    }

    fn rows(&self, name: &str) -> Value {
        self.query(name, "SELECT * EXCLUDE (_fetched_at, _hash) FROM reviews ORDER BY _key")
    }

    /// The size of questions that is remembered.
    fn size(&self, name: &str) -> Value {
        let sql = "SELECT regexp_extract(value, '[0-9]+ [0-9]+') FROM planwright.facts WHERE name = 'graphql reviews'";
        self.query(name, sql)
    }
}

/// Few at once, so that there are several questions.
const SMALL: (&str, &str) = ("batch = 50", "batch = 8");

fn reviews(report: sync::Report) -> Outcome {
    report.resources.into_iter().find(|outcome| outcome.name == "reviews").unwrap()
}

fn questions() -> Only {
    Only::Path("POST", "/graphql".to_owned())
}

#[tokio::test]
async fn reviews_are_the_same_by_either_way_and_a_twentieth_of_the_requests_by_graphql() {
    let desk = Desk::new().await;
    let asked = reviews(desk.sync("asked", ("batch = 50", "batch = 20")).await);
    assert_eq!((asked.status, asked.rows, asked.requests), (Status::Complete, 19, 1), "{asked:?}");
    desk.faults.add(Fault {
        only: questions(),
        from: 1,
        times: u64::MAX,
        what: What::Answer(404, Vec::new(), "Not Found".to_owned()),
    });
    let listed = desk.reviews("listed").await;
    assert_eq!((listed.status, listed.rows, listed.requests), (Status::Complete, 19, 21), "{listed:?}");
    assert_eq!(desk.rows("asked"), desk.rows("listed"));
    desk.faults.clear();
    let again = desk.reviews("asked").await;
    assert_eq!((again.rows, again.requests), (0, 0), "nothing touched them");
}

#[tokio::test]
async fn what_no_list_tells_of_pull_requests_is_the_same_by_either_way() {
    let desk = Desk::new().await;
    let details = async |name: &str| {
        let report = desk.sync_only("pull_details", name, SMALL).await;
        let found = report.resources.into_iter().find(|outcome| outcome.name == "pull_details").unwrap();
        let sql = "SELECT COLUMNS('^[^_]') FROM pull_details ORDER BY id";
        (found.status, found.rows, found.requests, desk.query(name, sql))
    };
    let (status, rows, requests, asked) = details("asked").await;
    assert_eq!((status, rows, requests), (Status::Complete, 20, 3));
    desk.faults.add(Fault {
        only: questions(),
        from: 1,
        times: u64::MAX,
        what: What::Answer(404, Vec::new(), "Not Found".to_owned()),
    });
    let (status, rows, requests, listed) = details("listed").await;
    assert_eq!((status, rows, requests), (Status::Complete, 20, 21));
    assert_eq!(asked, listed);
    let columns =
        "SELECT count(*) FROM pull_details WHERE additions > 0 AND changed_files > 0 AND commits > 0
        AND (merged_by IS NOT NULL) = merged";
    assert_eq!(desk.query("asked", columns), json!([[20]]));
}

#[tokio::test]
async fn a_connection_with_more_pages_is_followed_by_itself() {
    let desk = Desk::new().await;
    desk.reviews("whole").await;
    let followed = reviews(desk.sync("followed", ("batch = 50", "batch = 25\nfirst = 1")).await);
    assert_eq!((followed.status, followed.rows), (Status::Complete, 19), "{followed:?}");
    assert!(followed.requests > 2, "{followed:?}");
    assert_eq!(desk.rows("followed"), desk.rows("whole"));
}

/// Strikes each question in turn; not even the struck run lacks anything.
async fn check_passing(what: What) {
    let desk = Desk::new().await;
    let undisturbed = desk.reviews("undisturbed").await;
    let expected = desk.rows("undisturbed");
    assert_eq!(undisturbed.requests, 3);
    for n in 1..=undisturbed.requests {
        let name = format!("struck-{n}");
        desk.faults.once(questions(), n, what.clone());
        let struck = desk.reviews(&name).await;
        desk.faults.clear();
        assert_eq!(struck.status, Status::Complete, "{what:?}, question {n}: {struck:?}");
        assert_eq!(desk.rows(&name), expected, "{what:?}, question {n}");
    }
}

#[tokio::test]
async fn what_passes_is_waited_for() {
    let limit = |status, headers: &[(&'static str, &str)]| {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        What::Answer(status, headers, "You have exceeded a secondary rate limit".to_owned())
    };
    check_passing(limit(403, &[("retry-after", "60")])).await;
    check_passing(limit(429, &[])).await;
    check_passing(limit(500, &[])).await;
    check_passing(What::Torn).await;
    check_passing(What::CutBefore).await;
    check_passing(What::CutAfter).await;
}

/// What was too much is asked for in halves, and the size that worked is remembered.
async fn check_halved(what: What) {
    let desk = Desk::new().await;
    desk.reviews("undisturbed").await;
    assert_eq!(desk.size("undisturbed"), json!([]));
    desk.faults.add(Fault { only: questions(), from: 1, times: 2, what: what.clone() });
    let halved = desk.reviews("halved").await;
    desk.faults.clear();
    assert_eq!((halved.status, halved.requests), (Status::Complete, 2 + 10), "{what:?}: {halved:?}");
    assert_eq!(desk.size("halved"), json!([["2 100"]]), "{what:?}");
    assert_eq!(desk.rows("halved"), desk.rows("undisturbed"), "{what:?}");
    desk.faults.add(Fault { only: questions(), from: 1, times: u64::MAX, what: what.clone() });
    let name = "never";
    let never = desk.reviews(name).await;
    desk.faults.clear();
    assert_eq!((never.status, never.rows), (Status::Failed, 0), "{what:?}: {never:?}");
    assert_eq!(never.requests, 4 + 6, "eight, four, two, one; then a hundred items down to one");
    let mended = desk.reviews(name).await;
    assert_eq!(
        (mended.status, mended.requests),
        (Status::Complete, 3),
        "what never worked is not remembered"
    );
}

#[tokio::test]
async fn what_is_too_much_is_asked_for_in_halves() {
    check_halved(What::AnswerAfter(502)).await;
    check_halved(What::AnswerAfter(504)).await;
    check_halved(What::Lacks("RESOURCE_LIMITS_EXCEEDED")).await;
}

#[tokio::test]
async fn a_size_is_forgotten_after_a_week() {
    let desk = Desk::new().await;
    desk.faults.once(questions(), 1, What::AnswerAfter(502));
    let refused = What::Answer(404, Vec::new(), "Not Found".to_owned());
    desk.faults.add(Fault { only: questions(), from: 3, times: 1, what: refused });
    assert_eq!(desk.reviews("w").await.status, Status::Partial, "some are still to be asked for");
    desk.clock.sleep(std::time::Duration::from_hours(8 * 24)).await;
    assert_eq!(desk.reviews("w").await.requests, 2);
}

#[tokio::test]
async fn one_object_that_is_gone_is_its_own_and_every_other_error_fails_the_resource() {
    let desk = Desk::new().await;
    desk.faults.once(questions(), 1, What::Lacks("NOT_FOUND"));
    let gone = desk.reviews("gone").await;
    assert_eq!(gone.status, Status::Complete, "{gone:?}");
    assert_eq!(gone.reason.as_deref(), Some("The hub was told to leave it out. (1 of 20 listings)"));
    desk.faults.once(questions(), 1, What::Lacks("FORBIDDEN"));
    assert_eq!(desk.reviews("hidden").await.status, Status::Partial);
    desk.faults.once(questions(), 2, What::Lacks("SERVICE_UNAVAILABLE"));
    let failed = desk.reviews("failed").await;
    assert_eq!((failed.status, failed.requests), (Status::Partial, 2), "{failed:?}");
    let reason = "SERVICE_UNAVAILABLE: The hub was told to leave it out. (12 of 20 listings)";
    assert_eq!(failed.reason.as_deref(), Some(reason));
    desk.faults.clear();
    let mended = desk.reviews("failed").await;
    assert_eq!(
        (mended.status, mended.requests),
        (Status::Complete, 2),
        "the first eight are not asked again"
    );
}

#[tokio::test]
async fn points_are_spent_apart_from_requests_and_what_came_is_kept() {
    let desk = Desk::new().await;
    let used = async |name: &str| {
        let page = desk.client.page("/rate_limit", &[], planwright::github::Terms::default()).await.unwrap();
        let limits: Value = serde_json::from_slice(&page.body).unwrap();
        limits["resources"][name]["used"].as_u64().unwrap()
    };
    desk.reviews("first").await;
    assert_eq!(used("graphql").await, 3, "a point for each question");
    let requests = used("core").await;
    desk.faults.set_quota(requests + 100);
    for points in 4..=(requests + 100) {
        assert_eq!(used("graphql").await, points - 1);
        let question = Question { about: "limits", query: "{ rateLimit { cost } }", variables: &json!({}) };
        desk.client.graphql(question).await.unwrap();
    }
    let spent = desk.reviews("spent").await;
    assert_eq!(spent.status, Status::Partial, "{spent:?}");
    assert!(spent.reason.unwrap().contains("until 2026-11-22T11:00"), "told when it goes on");
    assert_ne!(desk.query("spent", "SELECT count(*) FROM pulls"), json!([[0]]), "REST has its own");
}

#[tokio::test]
async fn whatever_question_it_is_cut_off_at_nothing_is_lost() {
    let desk = Desk::new().await;
    desk.reviews("undisturbed").await;
    let expected = desk.rows("undisturbed");
    for n in 1..=3 {
        let name = format!("cut-{n}");
        desk.faults.once(questions(), n, What::Hold);
        tokio::select! {
            _ = desk.reviews(&name) => panic!("question {n} was held"),
            () = desk.faults.until_held() => {}
        }
        desk.faults.clear();
        let again = desk.sync(&name, SMALL).await;
        assert_eq!(again.exit(), Exit::Done, "question {n}: {:?}", again.resources);
        assert_eq!(desk.rows(&name), expected, "question {n}");
    }
}

/// What the hub answers to a question.
async fn answer(tracker: &Tracker, query: &str, variables: Value) -> Value {
    let question = Question { about: "something", query, variables: &variables };
    serde_json::from_slice(&tracker.client.graphql(question).await.unwrap()).unwrap()
}

#[tokio::test]
async fn the_hub_answers_over_what_it_keeps() {
    let tracker = Tracker::start().await;
    let (client, repo) = (&tracker.client, &tracker.repo);
    let (epic, one) = (tracker.issue("Epic").await, tracker.issue("One").await);
    client.add_sub_issue(repo, epic.number, one.id).await.unwrap();
    let (_, shop) = tracker.raw("GET", "/repos/ada/shop", "").await;
    let (_, issue) = tracker.raw("GET", "/repos/ada/shop/issues/1", "").await;
    let ids = json!({"ids": [shop["node_id"], issue["node_id"], "I_hub7"]});
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename
        ... on Repository { nameWithOwner issues { totalCount } pullRequests { totalCount } }
        ... on Issue { title state author { login } subIssues(first: 1) { nodes { fullDatabaseId number } pageInfo { hasNextPage } } } }
        rateLimit { cost } }";
    let told = answer(&tracker, query, ids).await;
    assert_eq!(
        told["data"],
        json!({
            "nodes": [
                {"__typename": "Repository", "nameWithOwner": "ada/shop", "issues": {"totalCount": 2}, "pullRequests": {"totalCount": 0}},
                {"__typename": "Issue", "title": "Epic", "state": "OPEN", "author": {"login": "ada"},
                    "subIssues": {"nodes": [{"fullDatabaseId": one.id.0.to_string(), "number": 2}], "pageInfo": {"hasNextPage": false}}},
                null,
            ],
            "rateLimit": {"cost": 1},
        })
    );
    assert_eq!(told["errors"][0]["type"], "NOT_FOUND");
    assert_eq!(told["errors"][0]["path"], json!(["nodes", 2]));
}

#[tokio::test]
async fn the_hub_refuses_what_github_refuses() {
    let tracker = Tracker::start().await;
    let (_, shop) = tracker.raw("GET", "/repos/ada/shop", "").await;
    for (query, said) in [
        ("{ nodes(ids: []) { ... on Issue { titel } } }", "Field 'titel' doesn't exist on type 'Issue'"),
        ("{ nodes(ids: []) { ... on Isue { title } } }", "No such type Isue"),
        ("{ nodes(ids: []) { ... on Issue { title }", "Parse error"),
        ("mutation { nodes }", "Resource not accessible"),
        ("{ nodes(ids: []) { ...Rest } }", "Fragment Rest was used, but not defined"),
        (
            "query($id: ID!) { node(id: $id) { ... on Repository { issues { nodes { id } } } } }",
            "You must provide a `first`",
        ),
        (
            "query($id: ID!) { node(id: $id) { ... on Repository { issues(first: 101) { nodes { id } } } } }",
            "limit of 100",
        ),
    ] {
        let told = answer(&tracker, query, json!({"id": shop["node_id"]})).await;
        let message = told["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(message.contains(said), "{query}: {told}");
    }
    let (status, _) = tracker.raw("POST", "/graphql", "{}").await;
    assert_eq!(status, 400);
    let enterprise = tracker.client_of("/api/v3", tracker.hub.token().expose());
    let question = Question { about: "limits", query: "{ rateLimit { limit } }", variables: &json!({}) };
    assert!(enterprise.graphql(question).await.unwrap().starts_with(b"{\"data\""));
}
