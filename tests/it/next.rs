//! What is next, once something is built: what waits for the merge is not offered again, and says so.

use serde_json::Value;

use crate::plan_verb::{GOAL, PLANNER, planner, world};
use crate::support::World;
use crate::support::studio::{FAST, done, nothing_found, writes};
use crate::support::world::Ran;

/// Builds what is next until that is refused; how often it was built, and the refusal.
fn build_all(world: &World) -> (usize, Ran) {
    for built in 0..5 {
        let ran = world.planwright(&["build", "--next", "--yes"]);
        if ran.code != 0 {
            return (built, ran);
        }
    }
    panic!("the loop over `build --next` does not end");
}

/// The number in the first line that `plan next` prints.
fn next(world: &World) -> String {
    let next = world.planwright(&["plan", "next"]).ended(0).stdout;
    next.split_whitespace().next().unwrap().trim_start_matches('#').to_owned()
}

#[test]
fn a_loop_over_what_is_next_ends_when_all_that_is_left_waits_for_the_merge() {
    let mut world = world();
    let builds = |path: &str| vec![writes(path, "hello\n"), done()];
    let script = planner()
        .model(PLANNER, [nothing_found(), nothing_found()])
        .model(FAST, [builds("say-hello.txt"), builds("say-name.txt")].concat());
    let models = world.speaks(script);
    let _published = world.planwright(&["plan", GOAL, "--yes"]).ended(0);
    let first = next(&world);
    let branch = format!("planwright/{first}-say-hello");

    let (built, refused) = build_all(&world);
    assert_eq!(built, 1, "{}", refused.stderr);
    let commit = world.git(&["rev-parse", "--short=7", &branch]);
    let standing = format!("built, not merged: {branch} ({commit})");
    let asked = models.received().len();
    for ran in [refused, world.planwright(&["plan", "next"])] {
        ran.ended(1)
            .said(&format!(
                "error: no planned issue is ready to be built: #{first} is {standing}; 1 issue waits"
            ))
            .said(&format!("hint: merge it first: git merge {branch}\nhint: then: planwright plan next"));
    }
    let status = world.planwright(&["plan", "status"]).ended(0).stdout;
    assert!(status.contains(&format!("#{first} Say hello · {standing}")), "{status}");
    assert!(status.contains(&format!("Say the name · waits for #{first} (built, not merged)")), "{status}");

    let again = world.planwright(&["build", &first]).ended(0);
    assert_eq!(again.stdout.trim(), world.git(&["rev-parse", &branch]));
    again
        .said(&format!("already built #{first}: {standing}"))
        .said(&format!("git merge {branch}"))
        .said(&format!("git branch -D {branch}"));
    let second = (first.parse::<u64>().unwrap() + 1).to_string();
    world
        .planwright(&["build", &second])
        .ended(1)
        .said(&format!("issue #{second} waits for #{first} (built, not merged)"))
        .said(&format!("hint: merge it first: git merge {branch}\nhint: planwright build {second}"));
    assert_eq!(models.received().len(), asked, "nothing of this asks a model");

    world.git(&["merge", "--quiet", &branch]);
    assert_eq!(next(&world), second);
    assert_eq!(build_all(&world).0, 1);
    world.git(&["merge", "--quiet", &format!("planwright/{second}-say-the-name")]);
    let over = world.planwright(&["plan", "next", "--json"]).ended(1).stdout;
    let events: Vec<Value> = over.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events[0], serde_json::json!({ "event": "next", "issue": null }));
    assert_eq!(events[1]["message"], "no planned issue is ready to be built");
}

#[test]
fn what_is_thrown_away_is_offered_again() {
    let mut world = world();
    let script =
        planner().model(PLANNER, [nothing_found()]).model(FAST, [writes("say-hello.txt", "hello\n"), done()]);
    let _models = world.speaks(script);
    let _published = world.planwright(&["plan", GOAL, "--yes"]).ended(0);
    let first = next(&world);
    assert_eq!(build_all(&world).0, 1);
    let told = world.planwright(&["build", &first]).ended(0).stderr;
    let command = told.lines().find(|line| line.contains("git branch -D")).unwrap().trim().to_owned();
    let _gone = world.run("sh", &["-c", &command], "").ended(0);
    assert_eq!(next(&world), first);
}
