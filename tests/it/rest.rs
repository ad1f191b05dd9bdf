//! `sync` from an API that is not GitHub: every way of paging and of authentication, and what goes wrong.

use std::path::PathBuf;

use planwright::clock::Clock;
use planwright::config::{Secret, settings};
use planwright::error::{Exit, Failure as _};
use planwright::net;
use planwright::pipeline::outcome::Status;
use planwright::pipeline::warehouse::{self, Warehouse};
use planwright::pipeline::{Folder, Spec, spec};
use planwright::source::rest;
use planwright::sync::{self, Report, Server, sync};
use serde_json::{Value, json};

use crate::support::api::{Api, Fault};
use crate::support::{World, unheard};

/// A pipeline that reads one listing of an API, its warehouse, and a clock that jumps.
struct Shop {
    api: Api,
    text: String,
    folder: tempfile::TempDir,
    clock: Clock,
}

impl Shop {
    async fn new(path: &str, source: &str, resource: &str) -> Self {
        let api = Api::start(5).await;
        let text = format!(
            "[source]\nbase = \"{}\"\n{source}\n[[resources]]\nname = \"things\"\npath = \"{path}\"\nkey = [\"id\"]\n\
             columns = [{{ name = \"id\", type = \"bigint\" }}, {{ name = \"at\", type = \"timestamp\" }}]\n{resource}\n",
            api.url
        );
        let clock = Clock::starting_at("2026-11-22T10:00:00Z".parse().unwrap());
        Self { api, text, folder: tempfile::tempdir().unwrap(), clock }
    }

    fn client(&self, credential: Option<&str>) -> Result<rest::Client, rest::Error> {
        let spec = Spec::parse("shop", &self.text).unwrap();
        let spec::Api::Rest(from) = &spec.source else { panic!("it is not GitHub") };
        let http = net::client(&net::Options::default()).unwrap();
        rest::Client::new(http, from, credential.map(|it| Secret::new(it.to_owned())), self.clock.clone())
    }

    async fn sync(&self) -> Report {
        self.sync_with(None).await.unwrap()
    }

    async fn sync_with(&self, credential: Option<&str>) -> Result<Report, sync::Error> {
        let client = self.client(credential).unwrap();
        let folder = Folder::from_files("shop", [("pipeline.toml".to_owned(), self.text.clone())]);
        let settings = settings::Sync {
            pipeline: "shop".to_owned(),
            repos: Vec::new(),
            resources: Vec::new(),
            memory_limit: "256MB".to_owned(),
            threads: 1,
        };
        let options = sync::Options {
            folder: &folder,
            warehouse: &self.warehouse().into(),
            state: self.folder.path(),
            origin: client.base(),
            settings: &settings,
            since: None,
            full: false,
        };
        let run = unheard("test", self.clock.clone());
        sync(&run, Server::Rest(&client), &options).await
    }

    fn warehouse(&self) -> PathBuf {
        self.folder.path().join("w.duckdb")
    }

    fn ids(&self) -> Value {
        let options = warehouse::Options::confined("256MB", 1);
        let warehouse = Warehouse::open(self.warehouse(), &options).unwrap();
        json!(warehouse.query("SELECT list(id ORDER BY id) FROM things").unwrap().rows[0][0])
    }

    /// Seconds that were waited.
    fn waited(&self) -> i64 {
        self.clock.now().as_second() - "2026-11-22T10:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second()
    }
}

/// How the one resource ended, and why.
fn ended(report: &Report) -> (Status, &str) {
    let outcome = &report.resources[0];
    (outcome.status, outcome.reason.as_deref().unwrap_or_default())
}

/// Every way of paging that the API speaks: its path, `paging`, and what else the resource says.
const WAYS: [(&str, &str, &str); 7] = [
    ("/link", "{ kind = \"link\" }", ""),
    ("/page", "{ kind = \"page\", limit = 2 }", "items = \"data.items\""),
    ("/page", "{ kind = \"page\" }", "items = \"data.items\""),
    ("/offset", "{ kind = \"offset\", parameter = \"from\", limit = 2 }", "items = \"data.items\""),
    (
        "/cursor",
        "{ kind = \"cursor\", parameter = \"from\", from = \"meta.next\" }",
        "items = \"data.items\"",
    ),
    ("/next", "{ kind = \"next\", from = \"next\" }", "items = \"data.items\""),
    ("/all", "{ kind = \"none\" }", "items = \"data.items\""),
];

#[tokio::test]
async fn every_way_of_paging_reads_all_and_a_second_sync_loads_only_what_is_new() {
    for (path, paging, more) in WAYS {
        let shop = Shop::new(path, &format!("paging = {paging}"), more).await;
        let first = shop.sync().await;
        assert_eq!((first.exit(), first.rows()), (Exit::Done, 5), "{path} {paging}: {:?}", first.resources);
        assert_eq!(shop.ids(), json!([1, 2, 3, 4, 5]), "{path} {paging}");
        let again = shop.sync().await;
        assert_eq!((again.exit(), again.rows()), (Exit::Done, 0), "{path} {paging}");
        shop.api.add(6);
        shop.api.add(7);
        assert_eq!(shop.sync().await.rows(), 2, "{path} {paging}");
        assert_eq!(shop.ids(), json!([1, 2, 3, 4, 5, 6, 7]), "{path} {paging}");
    }
}

#[tokio::test]
async fn a_resource_may_have_its_own_way_and_hang_below_another() {
    let child = "paging = { kind = \"none\" }\nitems = \"data.items\"\n\
        [[resources]]\nname = \"parts\"\npath = \"/all/{id}\"\nparent = \"things\"\nonly_if = \"id > 3\"\n\
        inherit = { thing = \"id\" }\nkey = [\"thing\", \"id\"]\n\
        columns = [{ name = \"id\", type = \"bigint\" }, { name = \"of\", type = \"varchar\" }]";
    let shop = Shop::new("/all", "paging = { kind = \"link\" }", child).await;
    let report = shop.sync().await;
    assert_eq!(report.exit(), Exit::Done, "{:?}", report.resources);
    let mut heard = shop.api.heard();
    heard.sort();
    assert_eq!(heard, ["/all", "/all/4", "/all/5"]);
}

#[tokio::test]
async fn by_time_only_what_is_new_is_asked_for_whether_the_api_reads_text_or_seconds() {
    for (path, source, format, first, last) in [
        ("/link", "", "", "2008-01-01T00:00:00Z", "2023-11-14T22%3A18%3A20Z"),
        ("/link", "", ", format = \"unix\"", "0", "1700000300"),
        ("/page", "paging = { kind = \"page\", limit = 2 }", ", format = \"unix\"", "0", "1700000300"),
    ] {
        for field in ["at", "second"] {
            if field == "second" && format.is_empty() {
                continue;
            }
            let items = if path == "/page" { "items = \"data.items\"\n" } else { "" };
            let by_time = format!(
                "{items}incremental = {{ field = \"{field}\", parameter = \"since\", start = \"{first}\"{format} }}"
            );
            let shop = Shop::new(path, source, &by_time).await;
            let report = shop.sync().await;
            assert_eq!((report.exit(), report.rows()), (Exit::Done, 5), "{:?}", report.resources);
            shop.api.heard();
            let again = shop.sync().await;
            assert_eq!((again.exit(), again.rows(), again.requests()), (Exit::Done, 0, 1), "{path} {format}");
            let heard = shop.api.heard();
            assert!(heard[0].contains(&format!("since={last}")) || path == "/page", "{heard:?}");
            shop.api.add(6);
            assert_eq!(shop.sync().await.rows(), 1, "{path} {format}");
            assert_eq!(shop.ids(), json!([1, 2, 3, 4, 5, 6]));
        }
    }
}

#[tokio::test]
async fn every_way_of_authentication_carries_the_credential_and_none_is_kept() {
    for (auth, header, value, uri) in [
        ("{ kind = \"bearer\" }", "authorization", Some("Bearer s3cret"), "/link"),
        ("{ kind = \"basic\", user = \"ada\" }", "authorization", Some("Basic YWRhOnMzY3JldA=="), "/link"),
        ("{ kind = \"header\", name = \"X-Api-Key\" }", "x-api-key", Some("s3cret"), "/link"),
        ("{ kind = \"query\", name = \"api_key\" }", "authorization", None, "/link?api_key=s3cret"),
        ("{ kind = \"none\" }", "authorization", None, "/link"),
    ] {
        let shop = Shop::new("/link", &format!("auth = {auth}"), "").await;
        let report = shop.sync_with(Some("s3cret")).await.unwrap();
        assert_eq!(report.exit(), Exit::Done, "{auth}: {:?}", report.resources);
        let heard = shop.api.heard_with(header);
        assert_eq!(heard[0], (uri.to_owned(), value.map(str::to_owned)), "{auth}");
        assert!(heard.iter().all(|(_, sent)| sent.as_deref() == value), "{auth}: {heard:?}");
        #[expect(clippy::disallowed_methods, reason = "the file is searched for what must not be in it")]
        let kept = std::fs::read(shop.warehouse()).unwrap();
        assert!(!kept.windows(6).any(|part| part == b"s3cret"), "{auth}");
    }
}

#[tokio::test]
async fn a_refused_credential_ends_it_and_a_missing_one_is_named_before_anything_is_asked() {
    let shop = Shop::new("/link", "auth = { kind = \"bearer\" }", "").await;
    let missing = shop.client(None).unwrap_err();
    assert_eq!(missing.to_string(), "`127.0.0.1` wants a credential, and there is none for it");
    assert_eq!(missing.hints(), ["set PLANWRIGHT_TOKEN_127_0_0_1=…"]);
    assert_eq!(shop.api.heard(), [""; 0]);
    shop.api.break_with([Fault {
        status: 401,
        header: None,
        body: r#"{"error": {"message": "no such key: wr0ng"}}"#,
    }]);
    let refused = shop.sync_with(Some("wr0ng")).await.unwrap_err();
    assert_eq!((refused.exit(), refused.hints()), (Exit::Unable, missing.hints()));
    let source = std::error::Error::source(&refused).map(ToString::to_string);
    assert_eq!(source.unwrap(), format!("`{}` refused the credential: no such key: …", shop.api.url));
    assert_eq!(shop.api.heard(), ["/link"], "it is not asked again");
}

fn fault(status: u16, wait: &str) -> Fault {
    let header = (!wait.is_empty()).then(|| ("retry-after", wait.to_owned()));
    Fault { status, header, body: "" }
}

#[tokio::test]
async fn what_passes_is_waited_for_as_long_as_the_server_asks() {
    for (faults, waited) in [
        (vec![fault(429, "7"), fault(429, "5")], 12),
        (vec![fault(503, "30")], 30),
        (vec![fault(429, "Sun, 22 Nov 2026 10:00:09 GMT")], 9),
        (vec![fault(500, ""), fault(502, ""), fault(504, "")], 3),
    ] {
        let shop = Shop::new("/link", "", "").await;
        shop.api.break_with(faults);
        let report = shop.sync().await;
        assert_eq!((report.exit(), report.rows(), shop.waited()), (Exit::Done, 5, waited));
    }
}

#[tokio::test]
async fn a_limit_that_lasts_too_long_stops_it_and_what_came_is_kept() {
    let shop = Shop::new("/link", "", "").await;
    shop.sync().await;
    shop.api.add(6);
    shop.api.break_with([fault(429, "3600")]);
    let limited = shop.sync().await;
    let reason = format!("`{}` answers nothing more until 2026-11-22T11:00:00Z", shop.api.url);
    assert_eq!(ended(&limited), (Status::Partial, reason.as_str()));
    assert_eq!(shop.ids(), json!([1, 2, 3, 4, 5]));
    assert_eq!(shop.sync().await.rows(), 1, "the next sync goes on");
}

#[tokio::test]
async fn neither_a_next_page_nor_a_redirect_takes_the_credential_to_another_host() {
    let other = Api::start(5).await;
    let foreign = other.url.replace("127.0.0.1", "localhost");
    for (path, status) in [("/foreign", Status::Failed), ("/moved", Status::Failed)] {
        let shop = Shop::new(path, "auth = { kind = \"bearer\" }", "").await;
        shop.api.lead_to(&foreign);
        let report = shop.sync_with(Some("s3cret")).await.unwrap();
        let reason = format!("`{}` leads to another host: `{foreign}/link`", shop.api.url);
        assert_eq!(ended(&report), (status, reason.as_str()), "{path}");
        assert_eq!(other.heard(), [""; 0], "{path}");
    }
}

#[tokio::test]
async fn a_listing_without_an_end_is_noticed() {
    let shop = Shop::new("/endless", "paging = { kind = \"page\" }", "items = \"data.items\"").await;
    let report = shop.sync().await;
    let reason =
        "/endless?page=2: the listing comes back to a page that was read before, so it would never end";
    assert_eq!(ended(&report).1, reason);
    assert_eq!(report.exit(), Exit::Unable, "{:?}", report.resources);
    assert_eq!(report.requests(), 2);
}

#[tokio::test]
async fn a_body_that_is_cut_is_asked_for_again_and_then_told() {
    let cut = || Fault { status: 200, header: None, body: r#"[{"id": 1}, {"id"# };
    let shop = Shop::new("/link", "", "").await;
    shop.api.break_with([cut(), cut()]);
    assert_eq!(shop.sync().await.exit(), Exit::Done);
    let shop = Shop::new("/link", "", "").await;
    shop.api.break_with([cut(), cut(), cut(), cut()]);
    let report = shop.sync().await;
    let (status, reason) = ended(&report);
    assert_eq!((status, report.exit()), (Status::Failed, Exit::Unable));
    let expected = format!("the answer of `{}` to `/link` is not whole JSON: EOF", shop.api.url);
    assert!(reason.starts_with(&expected), "{reason}");
}

#[test]
fn a_pipeline_of_ones_own_needs_no_github_and_no_hub() {
    let mut world = World::empty();
    let api = world.wait(Api::start(5));
    let text = format!(
        "[source]\nbase = \"{}\"\nauth = {{ kind = \"bearer\" }}\n\
         [[resources]]\nname = \"things\"\npath = \"/link\"\nkey = [\"id\"]\n",
        api.url
    );
    world.write("pipelines/shop/pipeline.toml", &text);
    let sync = ["sync", "--pipeline", "shop"];
    let missing = world.planwright(&sync).ended(3);
    assert!(missing.stderr.contains("hint: set PLANWRIGHT_TOKEN_127_0_0_1=…"), "{}", missing.stderr);
    world.set("PLANWRIGHT_TOKEN_127_0_0_1", "s3cret");
    world.planwright(&sync).ended(0).said("5 new or changed rows in 3 requests");
    let sql = "SELECT count(*) AS things, any_value(_origin) AS origin FROM things";
    let rows = world.planwright(&["query", sql, "--format", "json"]).ended(0);
    assert_eq!(rows.stdout, format!("{{\"things\":5,\"origin\":\"{}\"}}\n", api.url));
    assert!(!world.root().join(".git/planwright/hub").exists());
    world
        .planwright(&["sync", "--pipeline", "shop", "--dry-run"])
        .ended(0)
        .said("the server tells of no limit");
    world.planwright(&["sync", "--pipeline", "shop", "--repo", "a/b"]).ended(2).said("knows no `--repo`");
}
