//! `sync --since`: a first sync that begins at a date, and says so.

use planwright::error::Exit;
use planwright::pipeline::outcome::Outcome;
use planwright::sync::Report;
use serde_json::json;

use crate::support::World;
use crate::sync::Desk;

fn issues(report: &Report) -> &Outcome {
    report.resources.iter().find(|outcome| outcome.name == "issues").unwrap()
}

/// One issue a second from here on, the first at zero.
const BEGIN: &str = "2026-11-22T10:00:00Z";

#[tokio::test]
async fn a_first_sync_begins_there_and_every_later_one_says_so_until_all_is_read() {
    let desk = Desk::new().await;
    let since = Some("2026-11-22T10:00:05Z".parse().unwrap());
    let numbers = "SELECT list(number ORDER BY number) FROM issues";
    let first = desk.sync_since("w", since, false).await.unwrap();
    let said = "`issues` holds what changed since 2026-11-22T10:00:05Z; `--full` reads all";
    assert_eq!((first.exit(), issues(&first).reason.as_deref()), (Exit::Done, Some(said)));
    let some = desk.query("w", numbers);
    assert!(!some[0][0].as_array().unwrap().contains(&json!(5)), "{some}");
    assert!(some[0][0].as_array().unwrap().contains(&json!(7)), "{some}");
    let edges = first.resources.iter().find(|outcome| outcome.name == "sub_issues").unwrap();
    assert_eq!(edges.reason.as_deref(), Some(said), "what hangs below is not all there either");
    let repos = first.resources.iter().find(|outcome| outcome.name == "repos").unwrap();
    assert_eq!(repos.reason, None, "what is read whole is whole");
    let later = desk.sync("w").await;
    assert_eq!((later.rows(), issues(&later).reason.as_deref()), (0, Some(said)));
    assert_eq!((desk.query("w", numbers), issues(&later).counted), (some, None), "it is not compared");
    let full = desk.sync_since("w", None, true).await.unwrap();
    assert_eq!(issues(&full).reason, None, "{full:?}");
    assert_eq!(desk.query("w", numbers), json!([[[1, 2, 3, 4, 5, 6, 7]]]));
    assert_eq!(issues(&desk.sync("w").await).reason, None);
}

#[tokio::test]
async fn what_was_read_goes_on_from_where_it_stands() {
    let desk = Desk::new().await;
    desk.sync("w").await;
    let before = desk.whole("w");
    let again = desk.sync_since("w", Some(BEGIN.parse().unwrap()), false).await.unwrap();
    assert_eq!((again.rows(), issues(&again).reason.as_deref()), (0, None));
    assert_eq!(desk.whole("w"), before);
}

#[test]
fn a_date_that_is_wrong_or_lies_ahead_is_a_usage_error() {
    let world = World::with(&[("README.md", "# hello\n")]);
    world.planwright(&["sync", "--since", "yesterday"]).ended(2).said("expected a date as `2026-01-01`");
    world.planwright(&["sync", "--since", "9999-01-01"]).ended(2).said("which lies ahead");
    world.planwright(&["sync", "--since", "30d", "--full"]).ended(2).said("cannot be used with");
    world.planwright(&["sync", "--since", "30d"]).ended(0);
}
