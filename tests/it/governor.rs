//! The governor between a real client and the hub: the reserve, waits that are told, a budget that is shared.

use std::path::Path;

use planwright::artifact::{Event, Events};
use planwright::github::governor::{Claim, Options, Why};
use planwright::github::{Client, Error, Governor};
use planwright::hub::{Only, What};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::support::tracker::{Tracker, http};

fn governed(tracker: &Tracker, folder: &Path, claim: Claim) -> (Client, UnboundedReceiver<Event>) {
    let (sender, events) = unbounded_channel();
    let api = tracker.hub.api();
    let options = Options { folder, reserve: 20, claim };
    let governor = Governor::strict(&api, &options, tracker.clock.clone(), Events::to(sender));
    (Client::governed(http(), &api, tracker.clock.clone(), governor).unwrap(), events)
}

async fn viewed(client: &Client) -> u32 {
    let mut times = 0;
    while client.viewer().await.is_ok() {
        times += 1;
    }
    times
}

async fn refused(client: &Client) -> Why {
    match client.viewer().await.unwrap_err() {
        Error::RateLimited { why, .. } => why,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn what_can_wait_leaves_the_reserve_and_the_persons_own_work_may_use_it() {
    let tracker = Tracker::start().await;
    let folder = tempfile::tempdir().unwrap();
    tracker.faults.set_quota(10);
    let (spare, _) = governed(&tracker, folder.path(), Claim::Spare);
    assert_eq!(viewed(&spare).await, 8);
    assert_eq!(refused(&spare).await, Why::Reserve);
    let (own, _) = governed(&tracker, folder.path(), Claim::Whole);
    assert_eq!(viewed(&own).await, 2);
    assert_eq!(refused(&own).await, Why::Spent);
}

#[tokio::test]
async fn another_process_knows_what_is_spent_without_asking() {
    let tracker = Tracker::start().await;
    let folder = tempfile::tempdir().unwrap();
    tracker.faults.set_quota(10);
    let (one, _) = governed(&tracker, folder.path(), Claim::Spare);
    assert_eq!(viewed(&one).await, 8);
    tracker.clock.sleep(std::time::Duration::from_secs(1)).await;
    assert_eq!(refused(&one).await, Why::Reserve);
    let (other, _) = governed(&tracker, folder.path(), Claim::Spare);
    tracker.faults.once(Only::Any, 1, What::Answer(500, Vec::new(), "asked".to_owned()));
    assert_eq!(refused(&other).await, Why::Reserve);
    let error = one.viewer().await.unwrap_err();
    assert!(error.to_string().starts_with("cannot read whose token it is until 2026-11-22T11:"), "{error}");
}

#[tokio::test]
async fn a_limit_is_waited_for_by_all_and_told_once() {
    let tracker = Tracker::start().await;
    let folder = tempfile::tempdir().unwrap();
    let (client, mut events) = governed(&tracker, folder.path(), Claim::Spare);
    let wait = vec![("retry-after", "60".to_owned())];
    let what = What::Answer(403, wait, "You have exceeded a secondary rate limit.".to_owned());
    tracker.faults.once(Only::Any, 1, what);
    let before = tracker.clock.now();
    let (one, other) = tokio::join!(client.viewer(), client.viewer());
    assert!(one.is_ok() && other.is_ok());
    assert!(tracker.clock.now().duration_since(before) >= jiff::SignedDuration::from_secs(60));
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        told.push(serde_json::to_value(&event).unwrap());
    }
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["event"], "wait");
    assert_eq!(
        (&told[0]["reason"], &told[0]["seconds"]),
        (&"the server asks to slow down".into(), &60.into())
    );
}
