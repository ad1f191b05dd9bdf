//! Places that cannot be written: each verb says what, why and what to do, pays nothing and leaves nothing half done.
//!
//! A file where a folder should be stops even a superuser, as whom tests may run; a mount that is read-only
//! is made in a namespace of its own.

use planwright::artifact::IssueNumber;
use planwright::github::NewIssue;
use planwright::model::script::{Running, Script};

use crate::support::World;
use crate::support::studio::{FAST, STRONG, done, nothing_found, writes};
use crate::support::tracker::Tracker;

const IN_THE_WAY: &str = "is a file where a folder should be: move it away";

/// A repository, models that would build its one issue, and a tracker that is not this repository's own hub.
fn world() -> (World, Tracker, Running) {
    let mut world = World::with(&[("README.md", "A greeting.\n")]);
    let tracker = world.wait(Tracker::start());
    let body = "What to do.\n\n## Acceptance\n\n- [ ] hello\n  - check (command): `test -e hello.txt`\n";
    let new = NewIssue { title: "Say hello".to_owned(), body: body.to_owned(), labels: Vec::new() };
    world.wait(tracker.client.create_issue(&tracker.repo, &new)).unwrap();
    world.set("GITHUB_API_URL", tracker.hub.url()).set("GITHUB_TOKEN", tracker.hub.token().expose());
    world.set("PLANWRIGHT_REPO", tracker.repo.to_string());
    let fast = [writes("hello.txt", "hello\n"), done()];
    let models = world.speaks(Script::new().model(FAST, fast).model(STRONG, [nothing_found()]));
    (world, tracker, models)
}

#[test]
fn state_that_cannot_be_kept_is_said_before_a_model_is_paid() {
    let (world, _tracker, models) = world();
    world.write("new.txt", "staged\n");
    world.git(&["add", "new.txt"]);
    let file = world.write(".git/planwright", "a file of the person's\n");
    for args in [
        &["plan", "Greet everybody", "--yes"][..],
        &["plan", "Greet everybody", "--out", "plan.json"],
        &["build", "1"],
        &["review"],
        &["sync"],
        &["hub", "serve"],
    ] {
        let _said = world.planwright(args).ended(3).said(".git/planwright").said(IN_THE_WAY);
    }
    assert_eq!(models.received().len(), 0);
    assert_eq!(world.read(&file), "a file of the person's\n");
    assert_eq!(world.git(&["branch", "--list", "planwright/*"]), "");
    assert_eq!(world.git(&["status", "--porcelain"]), "A  new.txt");
    std::fs::remove_file(file).unwrap();
    world.planwright(&["build", "1"]).ended(0).said("built");
}

#[test]
fn a_plan_that_could_not_be_written_out_is_not_paid_for() {
    let (world, _tracker, models) = world();
    world.write("taken", "");
    world.planwright(&["plan", "Greet everybody", "--out", "taken/plan.json"]).ended(3).said(IN_THE_WAY);
    assert_eq!(models.received().len(), 0);
}

#[test]
fn a_workbench_that_cannot_be_made_leaves_nothing_in_the_way_of_the_next_try() {
    let (world, tracker, models) = world();
    let file = world.write(world.home().join(".local/state/planwright"), "");
    world.planwright(&["build", "1"]).ended(3).said(".local/state/planwright").said(IN_THE_WAY);
    assert_eq!(models.received().len(), 0);
    assert_eq!(world.git(&["worktree", "list"]).lines().count(), 1);
    std::fs::remove_file(file).unwrap();
    world.planwright(&["build", "1"]).ended(0).said("built");
    let comments = world.wait(tracker.client.comments(&tracker.repo, IssueNumber(1))).unwrap();
    assert_eq!(comments.len(), 1);
}

#[test]
fn a_warehouse_that_cannot_be_made_is_said_with_a_way_out() {
    let (mut world, _tracker, _models) = world();
    let file = world.write(world.home().join(".local/share/planwright"), "");
    world.planwright(&["sync"]).ended(3).said(".local/share/planwright").said(IN_THE_WAY);
    assert_eq!(world.read(file), "");
    let elsewhere = world.folder().join("elsewhere/warehouse.duckdb");
    world.set("PLANWRIGHT_WAREHOUSE", elsewhere.to_string_lossy());
    world.planwright(&["sync"]).ended(0);
    world.planwright(&["query", "SELECT count(*) AS issues FROM issues", "--format", "csv"]).ended(0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_repository_on_a_read_only_mount_is_said_and_stays_as_it_is() {
    let (world, _tracker, models) = world();
    let mounted = "mount --bind . . && mount -o remount,bind,ro . && cd . && exec \"$@\"";
    let program = env!("CARGO_BIN_EXE_planwright");
    for verb in [
        &["plan", "Greet everybody", "--yes"][..],
        &["build", "1"],
        &["review", "hook", "install"],
        &["init"],
    ] {
        let namespaces = ["--user", "--map-root-user", "--mount", "sh", "-c", mounted, "sh", program];
        let ran = world.run(
            "unshare",
            &[&namespaces[..], &["-C", &world.root().to_string_lossy()], verb].concat(),
            "",
        );
        let _said = ran.ended(3).said("Read-only file system").said("hint: `findmnt --target ");
    }
    assert_eq!(models.received().len(), 0);
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    assert!(!world.root().join(".git/planwright").exists());
}
