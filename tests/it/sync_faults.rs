//! Every answer of a sync replaced in turn by each fault: whatever was lost is said, and the next run
//! mends it. Waits are virtual.

use planwright::error::Exit;
use planwright::hub::{Only, What};
use planwright::pipeline::outcome::{Outcome, Status};
use serde_json::Value;

use crate::sync::{Desk, TABLES};

fn answer(status: u16, headers: &[(&'static str, &str)], message: &str) -> What {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    What::Answer(status, headers, message.to_owned())
}

/// All rows of a warehouse. Where an account's listing or a question by GraphQL was refused, each repository
/// or issue is asked instead, so that cursors, raw bodies and their hashes may differ.
fn rows(desk: &Desk, warehouse: &str) -> Vec<Value> {
    let own = |table: &str| format!("SELECT COLUMNS('^[^_]') FROM {table} ORDER BY _key");
    TABLES.map(|table| desk.query(warehouse, &own(table))).to_vec()
}

/// Strikes each request of a first sync in turn, and runs again.
async fn check(what: What) {
    let desk = Desk::new().await;
    let undisturbed = desk.sync("undisturbed").await;
    let expected = rows(&desk, "undisturbed");
    for n in 1..=undisturbed.requests() {
        let name = format!("struck-{n}");
        desk.faults.once(Only::Any, n, what.clone());
        let struck = desk.sync(&name).await;
        desk.faults.clear();
        let all_complete = struck.resources.iter().all(|outcome| outcome.status == Status::Complete);
        if all_complete {
            assert_eq!(rows(&desk, &name), expected, "{what:?}, request {n}: complete, and something lacks");
        } else {
            let said = struck.resources.iter().any(|outcome| outcome.reason.is_some());
            assert!(said, "{what:?}, request {n}: {:?}", struck.resources);
        }
        let again = desk.sync(&name).await;
        assert_eq!(again.exit(), Exit::Done, "{what:?}, request {n}: {:?}", again.resources);
        let whole = again.resources.iter().all(|outcome| outcome.status == Status::Complete);
        assert!(whole, "{what:?}, request {n}: {:?}", again.resources);
        assert_eq!(rows(&desk, &name), expected, "{what:?}, request {n}");
    }
}

/// The same for faults that pass: not even the struck run lacks anything.
async fn check_passing(what: What) {
    check_passing_by(what, Desk::whole).await;
}

async fn check_passing_by(what: What, left: fn(&Desk, &str) -> Vec<Value>) {
    let desk = Desk::new().await;
    let undisturbed = desk.sync("undisturbed").await;
    let expected = left(&desk, "undisturbed");
    for n in 1..=undisturbed.requests() {
        let name = format!("struck-{n}");
        desk.faults.once(Only::Any, n, what.clone());
        let struck = desk.sync(&name).await;
        desk.faults.clear();
        assert_eq!(struck.exit(), Exit::Done, "{what:?}, request {n}: {:?}", struck.resources);
        assert_eq!(left(&desk, &name), expected, "{what:?}, request {n}");
    }
}

#[tokio::test]
async fn a_secondary_limit_is_waited_for() {
    check_passing(answer(403, &[("retry-after", "60")], "You have exceeded a secondary rate limit")).await;
}

#[tokio::test]
async fn too_many_requests_are_waited_for() {
    check_passing(answer(429, &[], "Too many requests")).await;
}

#[tokio::test]
async fn a_bad_gateway_passes() {
    check_passing(What::AnswerAfter(502)).await;
}

#[tokio::test]
async fn a_server_error_passes() {
    check_passing(answer(500, &[], "Server Error")).await;
}

#[tokio::test]
async fn a_torn_body_is_asked_for_again() {
    check_passing(What::Torn).await;
}

#[tokio::test]
async fn a_page_of_somebody_else_is_asked_for_again() {
    check_passing(answer(200, &[("content-type", "text/html")], "<html>sign in to the network</html>")).await;
}

#[tokio::test]
async fn a_connection_cut_before_and_after_is_made_again() {
    check_passing(What::CutBefore).await;
    check_passing(What::CutAfter).await;
}

#[tokio::test]
async fn a_redirect_to_the_same_content_is_followed() {
    // No question is asked of another address; what it asks for comes by REST.
    check_passing_by(What::Moved, rows).await;
}

#[tokio::test]
async fn what_is_not_found_is_said_and_found_the_next_time() {
    check(answer(404, &[], "Not Found")).await;
}

#[tokio::test]
async fn a_refusal_is_said_and_gone_the_next_time() {
    check(answer(403, &[], "Resource not accessible by personal access token")).await;
}

#[tokio::test]
async fn a_limit_of_an_hour_ends_every_resource_it_reaches_as_partial_and_what_came_is_kept() {
    let desk = Desk::new().await;
    let undisturbed = desk.sync("undisturbed").await;
    let expected = desk.whole("undisturbed");
    // Questions by GraphQL have another limit: those for edges, and the one for totals, which is nobody's.
    let asks = |outcome: &&Outcome| ["sub_issues", "issue_dependencies"].contains(&outcome.name.as_str());
    let asked: u64 = undisturbed.resources.iter().filter(asks).map(|outcome| outcome.requests).sum();
    for n in 1..undisturbed.requests() - asked {
        let name = format!("limited-{n}");
        let limit = answer(403, &[("retry-after", "3600")], "You have exceeded a secondary rate limit");
        desk.faults.once(Only::Path("GET", String::new()), n, limit);
        let limited = desk.sync(&name).await;
        desk.faults.clear();
        assert_eq!(limited.exit(), Exit::Partial, "request {n}: {:?}", limited.resources);
        let failed = limited.resources.iter().any(|outcome| outcome.status == Status::Failed);
        assert!(!failed, "request {n}: {:?}", limited.resources);
        let until = |reason: &String| reason.contains("until 2026-11-22T");
        let said = limited.resources.iter().filter_map(|outcome| outcome.reason.as_ref()).any(until);
        assert!(said, "request {n}: {:?}", limited.resources);
        assert_eq!(desk.sync(&name).await.exit(), Exit::Done, "request {n}");
        assert_eq!(desk.whole(&name), expected, "request {n}");
    }
}
