//! The whole voyage: the demo from one sentence to a filled warehouse, and what becomes of it when what
//! its models say is broken in one place.

use std::path::{Path, PathBuf};

use crate::support::world::Ran;
use crate::support::{World, file};

const SCRIPT: &str = "src/cli/demo/script";

#[test]
fn one_sentence_becomes_a_reviewed_commit_and_a_filled_warehouse() {
    let world = World::bare();
    let ran = world.planwright(&["demo"]).ended(0);
    for said in [
        "The models are SCRIPTED",
        "created   #4",
        "before red     The quiet issues",
        "after  green   The quiet issues",
        "blocking pipelines/pulse/tests/busy_repository.toml:1: The test asks the live GitHub API",
        "passed ",
        "Closes #2",
        "Planwright-Checks: 2/2",
        "#3 Add the model `quiet_summary`: how many, and how long · ready ◀ next",
        "warehouse.duckdb",
    ] {
        assert!(
            ran.stderr.contains(said) || ran.stdout.contains(said),
            "not told: {said}\n{}\n{}",
            ran.stdout,
            ran.stderr
        );
    }
    let stage = stage(&ran);
    let log = git(&world, &stage, &["log", "--format=%s"]);
    assert_eq!(log, "Add the model `quiet_issues` and its tests\nLoad the issues of our repository");
    let root = stage.join("pulse");
    let tested = world.planwright(&["-C", &root.to_string_lossy(), "test", "pulse"]).ended(0);
    assert!(tested.stderr.contains("3 green, 0 red"), "{}", tested.stderr);
}

#[test]
fn a_wrong_edit_is_told_to_the_model_and_what_it_left_behind_is_refused() {
    let (world, ran) = broken("implementer", |line| {
        line.replace(r#""old_text": "source = \"live\"""#, r#""old_text": "source = \"alive\"""#)
    });
    assert_ne!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("a test calls its source live [live_calls]"), "{}", ran.stderr);
    assert_eq!(commits(&world, &ran), 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("edit pipelines/pulse/tests/busy_repository.toml failed"), "{}", ran.stderr);
}

#[test]
fn a_check_that_stays_red_is_never_committed() {
    let (world, ran) = broken("implementer", |line| {
        line.replace(">= {{ var('quiet_days') }}", "> 1000")
            .replace(r#""expect": ["green"]"#, r#""expect": []"#)
    });
    assert_ne!(ran.code, 0, "{}", ran.stderr);
    assert!(!ran.stderr.contains("committed"), "{}", ran.stderr);
    assert_eq!(commits(&world, &ran), 1, "{}", ran.stderr);
}

#[test]
fn a_review_that_never_passes_ends_in_a_refusal() {
    let (world, ran) = broken("implementer", |line| {
        line.replace(r#""new_text": "source = \"cassette:busy\"""#, r#""new_text": "source = \"live\" ""#)
            .replace(r#""expect": ["green"]"#, r#""expect": []"#)
    });
    assert_ne!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(commits(&world, &ran), 1, "{}", ran.stderr);
}

/// Plays the demo with what one role says changed, line by line.
fn broken(role: &str, change: impl Fn(&str) -> String) -> (World, Ran) {
    let world = World::bare();
    for name in ["planner", "implementer", "reviewer"] {
        let text = file(format!("{SCRIPT}/{name}.jsonl"));
        let changed: String = text
            .lines()
            .map(|line| if name == role { change(line) } else { line.to_owned() } + "\n")
            .collect();
        assert_eq!(changed != text, name == role, "exactly the {role}'s lines are changed");
        world.write(format!("script/{name}.jsonl"), &changed);
    }
    let ran = world.planwright(&["demo", "--script", &world.root().join("script").to_string_lossy()]);
    (world, ran)
}

/// The folder that the demo played in.
fn stage(ran: &Ran) -> PathBuf {
    let told = ran.stderr.lines().next().unwrap();
    let root = Path::new(told.rsplit(' ').next().unwrap());
    root.parent().unwrap().to_owned()
}

/// Commits on the main branch of the demo's repository.
fn commits(world: &World, ran: &Ran) -> usize {
    git(world, &stage(ran), &["log", "--format=%H", "main"]).lines().count()
}

fn git(world: &World, stage: &Path, args: &[&str]) -> String {
    let root = stage.join("pulse");
    let args: Vec<_> =
        ["-C", &*root.to_string_lossy()].into_iter().chain(args.iter().copied()).map(str::to_owned).collect();
    let ran = world.run("git", &args.iter().map(String::as_str).collect::<Vec<_>>(), "").ended(0);
    ran.stdout.trim_end().to_owned()
}
