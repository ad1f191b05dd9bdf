//! `sync` against the hub: what repeats loads nothing, and whatever cuts it off, the end is the same.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use planwright::artifact::{IssueNumber, RepoName};
use planwright::clock::Clock;
use planwright::config::settings;
use planwright::error::Exit;
use planwright::github::{Client, Edit, NewIssue, NewPull};
use planwright::hub::{self, Fault, Faults, Only, What};
use planwright::net;
use planwright::pipeline::desk;
use planwright::pipeline::warehouse::{self, Warehouse};
use planwright::pipeline::{Folder, outcome::Status};
use planwright::sync::{self, Report, Server, sync};
use planwright::telemetry::Run;
use serde_json::{Value, json};

use crate::support::{World, unheard};

/// A hub with an epic of three issues, one blocked by another, and comments.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
    pub(crate) faults: Faults,
    clock: Clock,
    pub(crate) client: Client,
    pub(crate) repo: RepoName,
    hub: hub::Running,
}

impl Desk {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::starting_at("2026-11-22T10:00:00Z".parse().unwrap());
        let faults = Faults::default();
        let options = hub::Options {
            folder: folder.path().join("hub"),
            address: ([127, 0, 0, 1], 0).into(),
            login: "ada".to_owned(),
            clock: clock.clone(),
            faults: faults.clone(),
        };
        let hub = hub::start(options).await.unwrap();
        let repo: RepoName = "ada/app".parse().unwrap();
        hub.ensure_repo(&repo).unwrap();
        hub.ensure_repo(&"ada/empty".parse().unwrap()).unwrap();
        let http = net::client(&net::Options::default()).unwrap();
        let waits = Clock::starting_at("2026-11-22T10:00:00Z".parse().unwrap());
        let client = Client::new(http, &hub.api(), waits).unwrap();
        let desk = Self { folder, faults, clock, client, repo, hub };
        desk.fill().await;
        desk
    }

    async fn fill(&self) {
        let mut made = Vec::new();
        for title in ["Epic", "List", "Page", "Load", "Test", "Ship", "Rest"] {
            let new =
                NewIssue { title: title.to_owned(), body: String::new(), labels: vec!["plan".to_owned()] };
            made.push(self.client.create_issue(&self.repo, &new).await.unwrap());
            self.tick().await;
        }
        for child in &made[1..4] {
            self.client.add_sub_issue(&self.repo, made[0].number, child.id).await.unwrap();
        }
        self.client.add_blocked_by(&self.repo, made[3].number, made[2].id).await.unwrap();
        self.tick().await;
        self.client.comment(&self.repo, made[2].number, "Begin anew at the last time seen.").await.unwrap();
        self.tick().await;
    }

    /// Another repository with an issue and a comment.
    pub(crate) async fn second_repo(&self) {
        let repo: RepoName = "ada/more".parse().unwrap();
        self.hub.ensure_repo(&repo).unwrap();
        let new = NewIssue { title: "More".to_owned(), body: String::new(), labels: Vec::new() };
        let issue = self.client.create_issue(&repo, &new).await.unwrap();
        self.client.comment(&repo, issue.number, "And more.").await.unwrap();
    }

    pub(crate) async fn tick(&self) {
        self.clock.sleep(Duration::from_secs(1)).await;
    }

    /// Where its hub is, and the folder that it keeps things in.
    pub(crate) fn hub(&self) -> (&str, PathBuf) {
        (self.hub.url(), self.folder.path().join("hub"))
    }

    fn warehouse(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) async fn sync(&self, warehouse: &str) -> Report {
        self.sync_with(warehouse, false).await.unwrap()
    }

    async fn sync_with(&self, warehouse: &str, full: bool) -> Result<Report, sync::Error> {
        self.sync_of(warehouse, &[], full).await
    }

    pub(crate) async fn sync_of(
        &self,
        warehouse: &str,
        repos: &[&str],
        full: bool,
    ) -> Result<Report, sync::Error> {
        self.sync_as(warehouse, repos, (None, full)).await
    }

    pub(crate) async fn sync_since(
        &self,
        warehouse: &str,
        since: Option<jiff::Timestamp>,
        full: bool,
    ) -> Result<Report, sync::Error> {
        self.sync_as(warehouse, &[], (since, full)).await
    }

    async fn sync_as(
        &self,
        warehouse: &str,
        repos: &[&str],
        (since, full): (Option<jiff::Timestamp>, bool),
    ) -> Result<Report, sync::Error> {
        let mut folder = Folder::find("github", None).unwrap();
        // Small pages, so that there are many.
        for path in ["pipeline.toml", "resources/pulls.toml", "resources/planning.toml"] {
            let text = folder.file(path).unwrap().replace("per_page = 100", "per_page = 3");
            folder = folder.with(path, &text);
        }
        let settings = settings::Sync {
            pipeline: "github".to_owned(),
            repos: repos.iter().map(|repo| repo.parse().unwrap()).collect(),
            resources: Vec::new(),
            memory_limit: "256MB".to_owned(),
            threads: 1,
        };
        let options = sync::Options {
            folder: &folder,
            warehouse: &self.warehouse(warehouse).into(),
            state: self.folder.path(),
            origin: "hub",
            settings: &settings,
            since,
            full,
        };
        sync(&run(&self.clock), Server::Github(&self.client), &options).await
    }

    pub(crate) fn query(&self, warehouse: &str, sql: &str) -> Value {
        let options = warehouse::Options::confined("256MB", 1);
        json!(Warehouse::open(self.warehouse(warehouse), &options).unwrap().query(sql).unwrap().rows)
    }

    /// Everything that a sync leaves behind but times and runs.
    pub(crate) fn whole(&self, warehouse: &str) -> Vec<Value> {
        let current =
            TABLES.map(|table| format!("SELECT * EXCLUDE (_fetched_at) FROM {table} ORDER BY _key"));
        let raw =
            "SELECT resource, key, hash, count(*) FROM planwright.raw GROUP BY ALL ORDER BY ALL".to_owned();
        let cursors = "SELECT resource, parent, since, next FROM planwright.cursors ORDER BY ALL".to_owned();
        current.into_iter().chain([raw, cursors]).map(|sql| self.query(warehouse, &sql)).collect()
    }
}

fn run(clock: &Clock) -> Run {
    unheard("test", clock.clone())
}

/// What is read by default, in order.
pub(crate) const TABLES: [&str; 9] = [
    "repos",
    "issues",
    "issue_comments",
    "sub_issues",
    "issue_dependencies",
    "releases",
    "labels",
    "milestones",
    "pulls",
];

fn loaded(report: &Report) -> Vec<(&str, Status, u64)> {
    report.resources.iter().map(|outcome| (outcome.name.as_str(), outcome.status, outcome.rows)).collect()
}

/// All of them complete, with so many rows; the hub keeps no releases.
fn complete(counts: [u64; 8]) -> Vec<(&'static str, Status, u64)> {
    let [repos, issues, comments, edges, blockers, labels, milestones, pulls] = counts;
    let counts = [repos, issues, comments, edges, blockers, 0, labels, milestones, pulls];
    TABLES.into_iter().zip(counts).map(|(name, rows)| (name, Status::Complete, rows)).collect()
}

#[tokio::test]
async fn a_sync_without_changes_loads_nothing_and_costs_no_quota_for_any_number_of_repositories() {
    let desk = Desk::new().await;
    let first = desk.sync("w").await;
    assert_eq!(loaded(&first), complete([2, 7, 1, 3, 1, 1, 0, 0]));
    assert_eq!(first.exit(), Exit::Done, "{:?}", first.tests);
    let ready = "SELECT title FROM ready_issues ORDER BY number";
    assert_eq!(desk.query("w", ready), json!([["List"], ["Page"], ["Test"], ["Ship"], ["Rest"]]));
    // The last page of issues was just full, so one request is needed to know that nothing came after.
    assert_eq!(desk.sync("w").await.rows(), 0);
    let third = desk.sync("w").await;
    assert_eq!((third.rows(), third.requests()), (0, 2), "one for all repositories, one for all issues");
    let statuses = "SELECT status FROM (SELECT * FROM planwright.requests ORDER BY rowid DESC LIMIT 2)";
    assert_eq!(desk.query("w", statuses), json!([[304], [304]]));
}

#[tokio::test]
async fn one_edit_is_one_row_and_history_is_kept() {
    let desk = Desk::new().await;
    desk.sync("w").await;
    desk.tick().await;
    let edit = Edit { title: Some("Rest well".to_owned()), ..Edit::default() };
    desk.client.edit_issue(&desk.repo, IssueNumber(7), &edit).await.unwrap();
    // Row 7, and row 1, whose summaries of sub-issues moved after it was read without a time that says so.
    assert_eq!(loaded(&desk.sync("w").await), complete([0, 1, 0, 0, 0, 0, 0, 0]));
    desk.tick().await;
    desk.client.comment(&desk.repo, IssueNumber(7), "Slept.").await.unwrap();
    assert_eq!(loaded(&desk.sync("w").await), complete([0, 1, 1, 0, 0, 0, 0, 0]));
    let history = "SELECT count(*) FROM planwright.raw WHERE resource = 'issues' AND body->>'$.number' = '7'";
    assert_eq!(desk.query("w", history), json!([[3]]));
}

#[tokio::test]
async fn cut_off_at_any_request_and_run_again_it_ends_the_same() {
    let desk = Desk::new().await;
    let undisturbed = desk.sync("undisturbed").await;
    let expected = desk.whole("undisturbed");
    for n in 1..=undisturbed.requests() {
        let name = format!("cut-{n}");
        desk.faults.add(Fault { only: Only::Any, from: n, times: u64::MAX, what: What::CutBefore });
        let cut = desk.sync(&name).await;
        desk.faults.clear();
        assert_ne!(cut.exit(), Exit::Done, "request {n}: what is cut off is never called done");
        let again = desk.sync(&name).await;
        assert_eq!(again.exit(), Exit::Done, "request {n}: {:?}", again.resources);
        assert_eq!(desk.whole(&name), expected, "request {n}");
    }
}

/// The program itself, on this hub and a warehouse of this name, with small pages.
pub(crate) fn program(desk: &Desk, warehouse: &str) -> World {
    let pages =
        crate::support::file("pipelines/github/pipeline.toml").replace("per_page = 100", "per_page = 3");
    let mut world = World::empty();
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines");
    let (from, to) = (shipped.to_string_lossy().into_owned(), world.root().to_string_lossy().into_owned());
    assert_eq!(world.run("cp", &["-r", &from, &to], "").code, 0);
    world.write("pipelines/github/pipeline.toml", &pages);
    world.set("GITHUB_API_URL", desk.hub.url()).set("GITHUB_TOKEN", desk.hub.token().expose());
    world.set("PLANWRIGHT_WAREHOUSE", desk.warehouse(warehouse).to_string_lossy());
    world
}

/// Every table and view of a warehouse but what runs write about themselves and what addresses they asked, without
/// times and runs.
fn everything(desk: &Desk, warehouse: &str) -> BTreeMap<String, Value> {
    let names = "SELECT schema_name || '.' || name FROM (
        SELECT schema_name, table_name AS name FROM duckdb_tables()
        UNION ALL SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal)
        WHERE name NOT IN ('requests', 'outcomes', 'pages', 'ledger') ORDER BY ALL";
    let names = desk.query(warehouse, names);
    let names = names.as_array().unwrap().iter().map(|row| row[0].as_str().unwrap().to_owned());
    let rows = |name: &String| {
        let volatile =
            "['run', 'fetched_at', '_fetched_at', 'updated_at', 'ended_at', 'probe', '_run', '_valid_from']";
        let sql =
            format!("SELECT COLUMNS(lambda c: NOT list_contains({volatile}, c)) FROM {name} ORDER BY ALL");
        desk.query(warehouse, &sql)
    };
    names.map(|name| (name.clone(), rows(&name))).collect()
}

#[test]
fn killed_at_any_request_and_run_again_nothing_is_lost_or_doubled() {
    let aside = World::empty();
    let desk = aside.wait(Desk::new());
    let undisturbed = program(&desk, "undisturbed").planwright(&["sync"]).ended(0);
    let requests = "SELECT count(*) FROM planwright.requests";
    let requests = desk.query("undisturbed", requests)[0][0].as_u64().unwrap();
    assert!(requests >= 8, "{}", undisturbed.stderr);
    let expected = everything(&desk, "undisturbed");
    for n in 1..=requests {
        let name = format!("killed-{n}");
        let world = program(&desk, &name);
        desk.faults.once(Only::Any, n, What::Hold);
        let mut killed = world.command(env!("CARGO_BIN_EXE_planwright")).arg("sync").spawn().unwrap();
        world.wait(desk.faults.until_held());
        killed.kill().unwrap();
        assert_eq!(killed.wait().unwrap().code(), None, "request {n}: it was killed");
        desk.faults.clear();
        world.planwright(&["sync"]).ended(0);
        let found = everything(&desk, &name);
        for (table, rows) in &expected {
            assert_eq!(found.get(table), Some(rows), "request {n}: {table}");
        }
    }
}

#[tokio::test]
async fn one_answer_that_is_broken_is_partial_and_mended_by_the_next_run() {
    let desk = Desk::new().await;
    desk.second_repo().await;
    desk.sync("undisturbed").await;
    let only = Only::Path("GET", "/repos/ada/app/issues/comments".to_owned());
    desk.faults.add(Fault {
        only,
        from: 1,
        times: u64::MAX,
        what: What::Answer(404, Vec::new(), "Not Found".to_owned()),
    });
    let partial = desk.sync("w").await;
    assert_eq!(partial.resources[2].status, Status::Partial);
    assert_eq!((partial.resources[1].status, partial.exit()), (Status::Complete, Exit::Partial));
    desk.faults.clear();
    assert_eq!(desk.sync("w").await.exit(), Exit::Done);
    assert_eq!(desk.whole("w"), desk.whole("undisturbed"));
}

#[tokio::test]
async fn one_repository_synced_alone_leaves_the_others_as_they_are() {
    let desk = Desk::new().await;
    desk.second_repo().await;
    desk.sync("w").await;
    let counts = "SELECT repo, count(*) FROM issues GROUP BY ALL ORDER BY ALL";
    let both = json!([["ada/app", 7], ["ada/more", 1]]);
    assert_eq!(desk.query("w", counts), both);
    desk.tick().await;
    let edit = Edit { title: Some("Rest well".to_owned()), ..Edit::default() };
    desk.client.edit_issue(&desk.repo, IssueNumber(7), &edit).await.unwrap();
    let one = desk.sync_of("w", &["ada/app"], false).await.unwrap();
    assert_eq!(one.exit(), Exit::Done, "{:?}", one.resources);
    assert_eq!(desk.query("w", counts), both);
    let title = "SELECT title FROM issues WHERE number = 7 AND repo = 'ada/app'";
    assert_eq!(desk.query("w", title), json!([["Rest well"]]));
    assert_eq!(desk.sync("w").await.exit(), Exit::Done);
    assert_eq!(desk.query("w", "SELECT count(*) FROM repos"), json!([[3]]));
    assert_eq!(desk.query("w", counts), both);
}

#[tokio::test]
async fn pull_requests_are_read_newest_first_and_asked_for_only_where_something_came() {
    let desk = Desk::new().await;
    let open = async |head: &str| {
        let [title, base] = [head, "main"].map(str::to_owned);
        let new = NewPull { title, head: head.to_owned(), base, body: String::new() };
        desk.client.create_pull(&desk.repo, &new).await.unwrap();
        desk.tick().await;
    };
    for head in ["a", "b", "c", "d"] {
        open(head).await;
    }
    let pulls = |report: &Report| {
        let outcome = report.resources.iter().find(|outcome| outcome.name == "pulls").unwrap();
        (outcome.status, outcome.rows, outcome.requests)
    };
    assert_eq!(pulls(&desk.sync("w").await), (Status::Complete, 4, 2), "two pages of three");
    assert_eq!(pulls(&desk.sync("w").await), (Status::Complete, 0, 0), "no issue came");
    open("e").await;
    assert_eq!(pulls(&desk.sync("w").await), (Status::Complete, 1, 2));
    let edit = Edit { title: Some("Rest well".to_owned()), ..Edit::default() };
    desk.client.edit_issue(&desk.repo, IssueNumber(7), &edit).await.unwrap();
    desk.tick().await;
    assert_eq!(pulls(&desk.sync("w").await), (Status::Complete, 0, 1), "an issue that is none");
    let status =
        "SELECT status FROM planwright.requests WHERE resource = 'pulls' ORDER BY rowid DESC LIMIT 1";
    assert_eq!(desk.query("w", status), json!([[304]]));
    assert_eq!(desk.query("w", "SELECT count(*), count(DISTINCT id) FROM pulls"), json!([[5, 5]]));
}

#[tokio::test]
async fn a_repository_that_answers_oddly_is_left_out_and_said() {
    let desk = Desk::new().await;
    desk.second_repo().await;
    let empty = "Git Repository is empty.";
    let statuses =
        [(409, empty, Status::Complete), (451, "No", Status::Partial), (404, "No", Status::Partial)];
    for (status, said, expected) in statuses {
        let only = Only::Path("GET", "/repos/ada/app/labels".to_owned());
        let what = What::Answer(status, Vec::new(), said.to_owned());
        desk.faults.add(Fault { only, from: 1, times: u64::MAX, what });
        let report = desk.sync(&format!("w{status}")).await;
        desk.faults.clear();
        let labels = report.resources.iter().find(|outcome| outcome.name == "labels").unwrap();
        assert_eq!((labels.status, labels.requests), (expected, 2), "{status}: {labels:?}");
        assert!(labels.reason.as_deref().unwrap().ends_with("(1 of 2 listings)"), "{status}: {labels:?}");
    }
}

#[tokio::test]
async fn a_refused_token_is_said_and_nothing_is_touched() {
    let desk = Desk::new().await;
    desk.sync("w").await;
    let before = desk.whole("w");
    desk.faults.add(Fault {
        only: Only::Any,
        from: 1,
        times: u64::MAX,
        what: What::Answer(401, Vec::new(), "Bad credentials".to_owned()),
    });
    let error = desk.sync_with("w", true).await.unwrap_err();
    assert_eq!(error.to_string(), "the source refuses the credential");
    assert_eq!(desk.whole("w"), before);
}

#[test]
fn two_that_want_the_same_warehouse_meet_a_clear_message() {
    let world = World::with(&[("README.md", "# hello\n")]);
    let path = world.home().join(".local/share/planwright/warehouse.duckdb");
    let held = Warehouse::open(&path, &warehouse::Options::confined("256MB", 1)).unwrap();
    let message = format!("is in use by process {}", std::process::id());
    world.planwright(&["sync"]).ended(3).said(&message).said("one process writes at a time");
    world.planwright(&["query", "SELECT 1"]).ended(3).said(&message);
    drop(held);
    world.planwright(&["sync"]).ended(0);
}

#[test]
fn a_query_is_answered_by_whoever_holds_the_warehouse() {
    let world = World::with(&[("README.md", "# hello\n")]);
    world.planwright(&["sync"]).ended(0);
    let path = world.home().join(".local/share/planwright/warehouse.duckdb");
    let held = Warehouse::open(&path, &warehouse::Options::confined("256MB", 1)).unwrap();
    let desk = world.wait(desk::Desk::open(&held, &path)).unwrap();
    let asked = ["query", "--format", "csv", "SELECT count(*) AS unnamed FROM repos WHERE name IS NULL"];
    assert_eq!(world.planwright(&asked).ended(0).stdout, "unnamed\r\n0\r\n");
    world.planwright(&["query", "SELECT nonsense"]).ended(2).said("nonsense");
    world.planwright(&["query", "DELETE FROM repos"]).ended(2).said("read-only");
    drop(desk);
    let message = format!("is in use by process {}", std::process::id());
    world.planwright(&asked).ended(3).said(&message);
}
