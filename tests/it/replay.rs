//! Cassettes below the retry layer: the client retries, waits and follows as over the network.

use planwright::clock::Clock;
use planwright::harness::pipelines::{self, Options, PipelineReport};
use planwright::harness::replay::Replay;
use planwright::net::cassette::{Cassette, Fault, Strike};
use planwright::pipeline::Folder;
use planwright::pipeline::source::{Page, PageRequest, Source as _, SourceError, Target, Trouble};
use serde_json::{Value, json};

const BEGIN: &str = "2026-11-22T10:00:00Z";

/// Asks a cassette for `/repos`: the answer, and how many seconds that took by its clock.
async fn ask(lines: &[Value], strikes: Vec<Strike>) -> (Result<Page, SourceError>, i64) {
    let head = json!({"resources": [], "recorded": BEGIN});
    let text: Vec<_> = std::iter::once(&head).chain(lines).map(Value::to_string).collect();
    let cassette = Cassette::parse("test", &text.join("\n")).unwrap();
    let replay = Replay::disturbed(&cassette, strikes).unwrap();
    let target = Target::Path { path: "/repos".to_owned(), query: Vec::new() };
    let request = PageRequest { resource: "repos".to_owned(), target, accept: None, etag: None };
    let page = replay.page(&request).await;
    (page, seconds_since_begin(&replay.clock()))
}

fn seconds_since_begin(clock: &Clock) -> i64 {
    clock.now().as_second() - BEGIN.parse::<jiff::Timestamp>().unwrap().as_second()
}

#[tokio::test]
async fn every_fault_is_survived_and_its_wait_costs_nothing() {
    let right = json!({"get": "/repos", "body": [{"id": 1}, {"id": 2}]});
    let waits = [60, 60, 61, 0, 0, 0, 1];
    for (fault, wait) in Fault::ALL.into_iter().zip(waits) {
        let (page, waited) = ask(std::slice::from_ref(&right), vec![Strike { fault, at: None }]).await;
        let page = page.unwrap_or_else(|error| panic!("{}: {error}", fault.name()));
        assert_eq!(page.body, right["body"].to_string(), "{}", fault.name());
        assert!((wait..wait + 2).contains(&waited), "{}: {waited} s", fault.name());
    }
}

#[tokio::test]
async fn a_failure_on_the_cassette_is_tried_again_and_a_redirect_is_followed() {
    let broken = json!({"get": "/repos", "status": 502, "body": {"message": "Server Error"}});
    let moved = json!({"get": "/repos", "status": 301, "headers": {"location": "/elsewhere"}});
    let there = json!({"get": "/elsewhere", "body": [{"id": 7}]});
    let (page, _) = ask(&[broken.clone(), moved, there], Vec::new()).await;
    assert_eq!(page.unwrap().body, "[{\"id\":7}]");
    let (page, _) = ask(&[broken], Vec::new()).await;
    assert_eq!(page.unwrap_err().trouble, Trouble::Broken, "the last answer is given for good");
    let headers = json!({"location": "https://example.com/repos"});
    let body = json!({"message": "Moved Permanently"});
    let abroad = json!({"get": "/repos", "status": 301, "headers": headers, "body": body});
    let error = ask(&[abroad], Vec::new()).await.0.unwrap_err();
    assert!(error.message.contains("leads to another host"), "{error}");
}

#[tokio::test]
async fn a_limit_of_an_hour_ends_the_replay_as_it_ends_a_sync() {
    let headers = json!({"retry-after": "3600"});
    let limited =
        json!({"get": "/repos", "status": 429, "headers": headers, "body": {"message": "slow down"}});
    let (page, waited) = ask(&[limited], Vec::new()).await;
    assert_eq!((page.unwrap_err().trouble, waited), (Trouble::Limited, 0));
}

/// The shipped pipeline's account with one file of tests or faults, and nothing else tested.
async fn disturbed(faults: &str, line: &str) -> Result<PipelineReport, pipelines::Error> {
    let shipped = Folder::find("github", None).unwrap();
    let cassette = format!("{line}{}", shipped.file("cassettes/account.jsonl").unwrap());
    let spec = shipped.file("pipeline.toml").unwrap();
    let parts = shipped.part("resources", "toml").map(|file| (file.path.to_owned(), file.text.to_owned()));
    let files = [
        ("pipeline.toml".to_owned(), spec.to_owned()),
        ("cassettes/account.jsonl".to_owned(), cassette),
        ("tests/faults.toml".to_owned(), faults.to_owned()),
    ];
    pipelines::test(&Folder::from_files("github", files.into_iter().chain(parts)), &Options::default()).await
}

#[tokio::test]
async fn freshness_is_told_by_the_clock_of_the_cassette_and_numbers_of_rows_by_their_bounds() {
    let tests = "[[test]]\ntable = \"issues\"\nrows = { at_least = 1, at_most = 2 }
        [[test]]\ntable = \"repos\"\nrows = { at_least = 1 }
        [[test]]\ntable = \"issues\"\ncolumn = \"updated_at\"\nfreshness = \"40000 days\"
        [[test]]\ntable = \"repos\"\ncolumn = \"created_at\"\nfreshness = \"1 minute\"\n";
    let report = disturbed(tests, "{\"resources\":[\"default\"],\"recorded\":\"2026-03-03T00:00:00Z\"}\n")
        .await
        .unwrap();
    let shown: Vec<_> = report.tests.iter().map(|test| (&*test.name, test.green)).collect();
    let expected = [
        ("issues has 1 to 2 rows", false),
        ("repos has at least 1 rows", true),
        ("issues.updated_at is fresh within 40000 days", true),
        ("repos.created_at is fresh within 1 minute", false),
    ];
    assert_eq!(shown, expected);
    let detail = |index: usize| report.tests[index].detail.clone().unwrap_or_default();
    assert!(detail(0).ends_with(" rows; 1 to 2 rows are allowed"), "{}", detail(0));
    let told = detail(3);
    assert!(told.starts_with("the newest `created_at` of `repos` is 20"), "{told}");
    assert!(told.ends_with(" ago; 1 minute are allowed"), "{told}");
}

#[tokio::test]
async fn freshness_cannot_be_told_by_a_cassette_that_does_not_say_when_it_was_recorded() {
    let test = "[[test]]\ntable = \"issues\"\ncolumn = \"updated_at\"\nfreshness = \"40000 days\"\nrows = { at_least = 1 }\n";
    let said = "say when it was recorded; write `\"recorded\": \"2026-01-31T12:00:00Z\"` into its line with `resources`";
    for (of, why) in [
        ("", format!("no cassette that reads its table {}", said.replacen("say", "says", 1))),
        ("source = \"cassette:account\"\n", format!("its cassette does not {said}")),
    ] {
        let report = disturbed(&format!("{of}{test}"), "").await.unwrap();
        let shown: Vec<_> = report.tests.iter().map(|test| (test.green, test.detail.clone())).collect();
        assert!(shown.contains(&(false, Some(why))) && shown.contains(&(true, None)), "{shown:?}");
        assert_eq!(shown.len(), 2, "{shown:?}");
    }
}

#[tokio::test]
async fn a_fault_that_leaves_a_trace_or_meets_nothing_is_red() {
    let faults =
        |at: &str| format!("source = \"cassette:account\"\n[[faults]]\nfault = \"bad-gateway\"\n{at}");
    let report = disturbed(&faults(""), "").await.unwrap();
    assert!(report.is_green() && report.tests.len() == 1, "{report:#?}");
    let report = disturbed(&faults("at = \"/nowhere\"\n"), "").await.unwrap();
    assert_eq!(report.tests[0].detail.as_deref(), Some("no request of the cassette met it"));
    // One request more than is retried: three failures on the cassette, and the fault before them.
    let failures =
        "{\"get\":\"/repos/octo/app/labels?per_page=100\",\"status\":502,\"body\":{\"message\":\"m\"}}\n";
    let report = disturbed(&faults("at = \"/labels\"\n"), &failures.repeat(3)).await.unwrap();
    let detail = report.tests[0].detail.as_deref().unwrap_or_default();
    assert!(detail.starts_with("without the fault labels is complete, with it labels is "), "{detail}");
    let error = disturbed("[[faults]]\nfault = \"redirect\"\n", "").await.unwrap_err();
    assert!(error.to_string().ends_with("is a fault, and its file names no cassette"), "{error}");
}
