//! Reviews of the index: what passes, what is refused, what is remembered, and the hook in a real `git commit`.

use std::path::Path;

use planwright::artifact::verdict::{Decision, Severity};
use planwright::model::script::{self, Script, turn};
use planwright::review::{Origin, hook, sarif};
use serde_json::json;

use crate::support::studio::{STRONG, Studio, found, nothing_found};

fn studio() -> Studio {
    let studio = Studio::with(&[("src/lib.py", "def a():\n    return 1\n")]);
    stage(&studio, "src/lib.py", "def a():\n    return 2\n");
    studio
}

fn stage(studio: &Studio, path: &str, text: &str) {
    studio.world.write(path, text);
    studio.world.git(&["add", path]);
}

#[test]
fn the_index_is_reviewed_and_not_the_work_tree() {
    let studio = studio();
    studio.world.write("src/lib.py", "never staged\n");
    let looks = turn().expect("    2 +     return 2").tool("read", &json!({"path": "src/lib.py"}));
    let (reviewed, _) = studio.review(vec![looks, nothing_found().expect("return 2")]);
    assert_eq!(reviewed.verdict.decision, Decision::Pass);
    assert_eq!(reviewed.verdict.tree.0, studio.world.git(&["write-tree"]));
}

#[test]
fn the_same_tree_is_not_paid_for_twice_and_one_byte_more_is() {
    let studio = studio();
    assert_eq!(studio.review(vec![nothing_found()]).0.from, Origin::Now);
    let (kept, asked) = studio.review(Vec::new());
    assert_eq!((kept.from, kept.verdict.decision, asked), (Origin::Kept, Decision::Pass, 0));
    stage(&studio, "src/lib.py", "def a():\n    return 23\n");
    assert_eq!(studio.review(vec![nothing_found()]).1, 1);
}

#[test]
fn asking_again_is_no_way_through_the_gate() {
    let studio = studio();
    let (first, _) = studio.review(vec![found("returns the wrong number", "src/lib.py", 2)]);
    let (second, asked) = studio.review(vec![nothing_found()]);
    let log = sarif::log(&second.verdict);
    assert_eq!(log["runs"][0]["results"][0]["level"], "error");
    assert_eq!(
        (first.verdict.decision, second.verdict.decision, asked),
        (Decision::Block, Decision::Block, 0)
    );
}

#[test]
fn a_reviewer_that_does_not_answer_is_never_clean() {
    let overloaded = || turn().status(529, "overloaded_error", "Overloaded");
    let prose = || turn().text("Looks good to me!");
    let cases = [
        ("overloaded", vec![overloaded(), overloaded()]),
        ("declined", vec![turn().text("{\"findings\": []").refusal("no")]),
        ("prose for ever", vec![prose(), prose(), prose()]),
        ("cut for ever", vec![nothing_found().cut_after(200), nothing_found().cut_after(200)]),
        ("no such model", vec![turn().status(404, "not_found_error", "model")]),
    ];
    for (name, turns) in cases {
        let (reviewed, _) = studio().review(turns);
        assert!(
            matches!(reviewed.verdict.decision, Decision::Unreviewed(_)),
            "{name}: {:?}",
            reviewed.verdict
        );
    }
}

#[test]
fn an_unreviewed_tree_is_asked_about_again() {
    let studio = studio();
    studio.review(vec![turn().status(400, "invalid_request_error", "no")]);
    assert_eq!(studio.review(vec![nothing_found()]).0.verdict.decision, Decision::Pass);
}

#[test]
fn an_answer_that_is_no_json_is_asked_for_once_more() {
    let studio = studio();
    let (reviewed, asked) =
        studio.review(vec![turn().text("Looks good."), nothing_found().expect("no JSON object")]);
    assert_eq!((reviewed.verdict.decision, asked), (Decision::Pass, 2));
}

#[test]
fn a_secret_is_blocked_and_reaches_no_model() {
    let studio = studio();
    let secret = ["ghp", "_", "R7wq2LmZx9Kf4Tn8Vb3Yc6Hd1Js5Pg0AeQuX"].concat();
    stage(&studio, "src/lib.py", &format!("TOKEN = \"{secret}\"\n"));
    let (reviewed, _) = studio.review(vec![nothing_found()]);
    assert_eq!(reviewed.verdict.decision, Decision::Block);
    assert_eq!(
        (reviewed.verdict.findings[0].source.as_str(), reviewed.verdict.findings[0].line),
        ("secrets", Some(1))
    );
    let state = studio.settings.places.state.display().to_string();
    let ran = studio.world.run("grep", &["-r", &secret, &state], "");
    assert_eq!(ran.code, 1, "{}", ran.stdout);
}

#[test]
fn a_finding_about_a_file_that_is_not_there_does_not_block() {
    let (reviewed, _) = studio().review(vec![found("it is wrong", "src/imagined.py", 2)]);
    assert_eq!(reviewed.verdict.decision, Decision::Pass);
    assert_eq!(reviewed.verdict.findings[0].severity, Severity::Warning);
}

#[test]
fn nothing_staged_is_nothing_to_ask_about() {
    let studio = Studio::with(&[("a", "a\n")]);
    let (reviewed, asked) = studio.review(Vec::new());
    assert_eq!((reviewed.verdict.decision, asked), (Decision::Pass, 0));
}

#[test]
fn what_is_over_the_budget_is_said() {
    let mut studio = studio();
    studio.settings.review.budget_tokens = 1000;
    stage(&studio, "src/long.py", &"x = 1\n".repeat(5000));
    let (reviewed, _) = studio.review(vec![nothing_found().expect("Not shown above")]);
    assert!(
        reviewed.verdict.not_seen.iter().any(|text| text.starts_with("src/long.py")),
        "{:?}",
        reviewed.verdict
    );
}

/// A program that stands where planwright does, says what it was asked and ends so.
fn stand_in(studio: &Studio, code: u8) -> std::path::PathBuf {
    let log = studio.world.folder().join("asked.log");
    let script = format!("#!/bin/sh\necho \"$@\" >> '{}'\nexit {code}\n", log.display());
    let path = studio.world.write(studio.world.folder().join("it's planwright"), &script);
    make_executable(studio, &path);
    path
}

fn make_executable(studio: &Studio, path: &Path) {
    assert_eq!(studio.world.run("chmod", &["+x", path.to_str().unwrap()], "").code, 0);
}

fn install(studio: &Studio, executable: &Path) -> hook::Installed {
    let folder = studio.world.wait(studio.repo.hooks_dir()).unwrap();
    hook::install(&folder, &[studio.repo.root(), studio.repo.common_dir()], executable).unwrap()
}

#[test]
fn the_hook_decides_over_a_real_commit() {
    let studio = studio();
    install(&studio, &stand_in(&studio, 1));
    let refused = studio.world.run("git", &["commit", "-m", "x"], "");
    assert_ne!(refused.code, 0);
    install(&studio, &stand_in(&studio, 0));
    assert_eq!(studio.world.run("git", &["commit", "-m", "x"], "").code, 0);
    assert_eq!(studio.world.read(studio.world.folder().join("asked.log")), "review --hook\nreview --hook\n");
}

#[test]
fn a_hook_of_the_person_runs_first_and_may_refuse_alone() {
    let studio = studio();
    let own = studio.world.write(".git/hooks/pre-commit", "#!/bin/sh\nexit 7\n");
    make_executable(&studio, &own);
    let installed = install(&studio, &stand_in(&studio, 0));
    assert!(installed.kept.is_some());
    assert_ne!(studio.world.run("git", &["commit", "-m", "x"], "").code, 0);
    assert!(!studio.world.folder().join("asked.log").exists());
}

#[test]
fn the_hook_serves_worktrees_and_a_folder_of_hooks_in_the_repository() {
    let studio = studio();
    studio.world.git(&["config", "core.hooksPath", ".githooks"]);
    let installed = install(&studio, &stand_in(&studio, 1));
    assert!(installed.path.ends_with(".githooks/pre-commit"), "{}", installed.path.display());
    assert_ne!(studio.world.run("git", &["commit", "-m", "x"], "").code, 0);
    studio.world.git(&["config", "--unset", "core.hooksPath"]);
    install(&studio, &stand_in(&studio, 1));
    studio.world.git(&["worktree", "add", "-q", "../aside", "-b", "aside"]);
    let aside = ["-C", "../aside", "commit", "--allow-empty", "-m", "x"];
    assert_ne!(studio.world.run("git", &aside, "").code, 0);
}

#[test]
fn a_hooks_folder_of_the_whole_machine_is_left_alone() {
    let studio = studio();
    let folder = studio.world.folder().join("everybody");
    studio.world.git(&["config", "core.hooksPath", folder.to_str().unwrap()]);
    let folder = studio.world.wait(studio.repo.hooks_dir()).unwrap();
    let homes = [studio.repo.root(), studio.repo.common_dir()];
    assert!(matches!(hook::install(&folder, &homes, Path::new("/x")), Err(hook::Error::Elsewhere { .. })));
}

#[test]
fn planwright_itself_decides_over_git_commit_with_an_index_of_its_own() {
    let mut studio = studio();
    let turns = vec![
        found("returns the wrong number", "src/lib.py", 2).expect("return 3"),
        nothing_found().expect("return 4"),
    ];
    let models = studio.world.wait(script::serve(Script::new().model(STRONG, turns))).unwrap();
    studio.world.set("ANTHROPIC_BASE_URL", models.url()).set("ANTHROPIC_API_KEY", "key");
    let commit = |studio: &Studio| studio.world.run("git", &["commit", "--all", "--quiet", "-m", "x"], "");
    let ran = studio.world.planwright(&["review", "hook", "install"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);

    studio.world.write("src/lib.py", "def a():\n    return 3\n");
    let refused = commit(&studio);
    assert_eq!(refused.code, 1, "{}", refused.stderr);
    assert!(refused.stderr.contains("returns the wrong number"), "{}", refused.stderr);

    studio.world.write("src/lib.py", "def a():\n    return 4\n");
    let passed = commit(&studio);
    assert_eq!(passed.code, 0, "{}", passed.stderr);
    let tree = studio.world.git(&["rev-parse", "HEAD^{tree}"]);
    assert!(studio.settings.places.state.join(format!("verdicts/{tree}.json")).exists());

    studio.world.git(&["reset", "--quiet", "--soft", "HEAD~"]);
    studio.world.set("ANTHROPIC_API_KEY", "");
    studio.world.set("ANTHROPIC_BASE_URL", "");
    let again = commit(&studio);
    assert_eq!(again.code, 0, "a kept verdict needs neither key nor network: {}", again.stderr);

    studio.world.write("src/lib.py", "def a():\n    return 5\n");
    let unasked = commit(&studio);
    assert!(unasked.code == 1 && unasked.stderr.contains("export ANTHROPIC_API_KEY"), "{}", unasked.stderr);
    studio.world.set("ANTHROPIC_BASE_URL", models.url()).set("ANTHROPIC_API_KEY", "key");
    assert_eq!(commit(&studio).code, 1, "nobody answers any more, and that is not clean");
    studio.world.write("planwright.toml", "[review]\non_unreviewed = \"warn\"\n");
    assert_eq!(commit(&studio).code, 0);
}
