//! Two servers in one warehouse, whose ids, names and logins are equal: nothing of one is told of the other.

use std::process::Child;

use planwright::artifact::IssueNumber;
use planwright::clock::Clock;
use planwright::github::{Client, Edit, StateChange};
use planwright::pipeline::warehouse::{self, Warehouse};
use planwright::{hub, net};
use serde_json::{Value, json};

use crate::sample::{serves, stop};
use crate::support::World;
use crate::sync::{Desk, program};

/// A server, and whoever reads it.
struct Server {
    world: World,
    serving: Child,
    url: String,
}

impl Server {
    fn start(sizes: &str) -> Self {
        let mut world = World::empty();
        world.write("planwright.toml", "[sync]\nresources = [\"default\", \"reviews\"]\n");
        let (serving, url) = serves(&mut world, "0", sizes);
        Self { world, serving, url }
    }

    /// Syncs it into this warehouse. Data tests are run too: what must be there once is there once of each server.
    fn into(&mut self, warehouse: &std::path::Path) {
        self.world.set("PLANWRIGHT_WAREHOUSE", warehouse.to_string_lossy());
        self.world.planwright(&["sync"]).ended(0);
    }
}

fn query(path: &std::path::Path, sql: &str) -> Value {
    json!(Warehouse::open(path, &warehouse::Options::confined("256MB", 1)).unwrap().query(sql).unwrap().rows)
}

/// Models that have rows of any account.
const FILLED: [&str; 7] =
    ["epics", "issue_times", "open_issues_by_repo", "people", "pull_times", "ready_issues", "throughput"];

#[test]
fn every_model_answers_for_each_server_as_if_it_were_alone() {
    let aside = World::bare();
    let shared = aside.folder().join("shared.duckdb");
    let mut servers =
        ["repos=2,issues=40,comments=60", "repos=2,issues=90,comments=31,pulls=50%"].map(Server::start);
    for server in &mut servers {
        server.into(&shared);
    }
    let twice = "SELECT count(*), count(DISTINCT id) FROM issues";
    assert_eq!(query(&shared, twice), json!([[130, 90]]), "their ids are equal");

    // What planwright's own runs cost is of no server.
    let models = "SELECT name FROM planwright.models WHERE name <> 'cost_by_issue' ORDER BY name";
    let models = query(&shared, models);
    let models: Vec<_> = models.as_array().unwrap().iter().map(|row| row[0].as_str().unwrap()).collect();
    for (nth, server) in servers.iter_mut().enumerate() {
        let alone = aside.folder().join(format!("alone-{nth}.duckdb"));
        server.into(&alone);
        for model in &models {
            // How long ago something was depends on when one asks.
            let rows = format!(
                "SELECT COLUMNS(lambda c: c NOT IN ('_origin', 'days')) FROM {model} WHERE _origin = '{}' ORDER BY ALL",
                server.url
            );
            let told = query(&alone, &rows);
            assert_eq!(query(&shared, &rows), told, "{model} of server {nth}");
            assert!(!FILLED.contains(model) || told != json!([]), "{model} of server {nth} has no rows");
        }
    }
    for server in servers {
        stop(&server.world, server.serving);
    }
}

/// A hub that begins as another is, and goes on by itself: there the issue that blocks is done, and spoken of once more.
async fn twin(desk: &Desk, folder: &std::path::Path) -> hub::Running {
    std::fs::create_dir(folder).unwrap();
    for file in std::fs::read_dir(desk.hub().1).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), folder.join(file.file_name())).unwrap();
    }
    let clock = Clock::starting_at("2026-11-22T11:00:00Z".parse().unwrap());
    let options = hub::Options {
        folder: folder.to_owned(),
        address: ([127, 0, 0, 1], 0).into(),
        login: "ada".to_owned(),
        clock: clock.clone(),
        faults: hub::Faults::default(),
    };
    let hub = hub::start(options).await.unwrap();
    let client = Client::new(net::client(&net::Options::default()).unwrap(), &hub.api(), clock).unwrap();
    let edit = Edit { state: Some(StateChange::Complete), ..Edit::default() };
    client.edit_issue(&desk.repo, IssueNumber(3), &edit).await.unwrap();
    client.comment(&desk.repo, IssueNumber(3), "Done.").await.unwrap();
    hub
}

#[test]
fn what_blocks_on_one_server_blocks_nothing_on_another() {
    let aside = World::bare();
    let desk = aside.wait(Desk::new());
    let twin = aside.wait(twin(&desk, &aside.folder().join("twin")));
    let mut world = program(&desk, "shared");
    world.planwright(&["sync"]).ended(0);
    world.set("GITHUB_API_URL", twin.url()).set("GITHUB_TOKEN", twin.token().expose());
    world.planwright(&["sync"]).ended(0);

    let each = |sql: &str| {
        [desk.hub().0, twin.url()]
            .map(|url| desk.query("shared", &sql.replace("{here}", &format!("_origin = '{url}'"))))
    };
    let ids = "SELECT count(*), count(DISTINCT id) FROM issues";
    assert_eq!(desk.query("shared", ids), json!([[14, 7]]), "their ids are equal");
    let blocked = "SELECT number FROM blocked_issues WHERE {here}";
    assert_eq!(each(blocked), [json!([[4]]), json!([])]);
    let ready = "SELECT number, unblocks FROM ready_issues WHERE {here} ORDER BY number";
    let here = json!([[2, 0], [3, 1], [5, 0], [6, 0], [7, 0]]);
    assert_eq!(each(ready), [here, json!([[2, 0], [4, 0], [5, 0], [6, 0], [7, 0]])]);
    let epics = "SELECT number, sub_issues, closed, blocked, percent, critical_path FROM epics WHERE {here}";
    assert_eq!(each(epics), [json!([[1, 3, 0, 1, 0, 2]]), json!([[1, 3, 1, 0, 33, 1]])]);
    let people = "SELECT login, issues, comments FROM people WHERE {here}";
    assert_eq!(each(people), [json!([["ada", 7, 1]]), json!([["ada", 7, 2]])]);
}
