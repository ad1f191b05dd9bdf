//! The command line from outside: help, wrong input, exit codes, streams.

use crate::support::World;

#[test]
fn help_teaches_by_examples_and_fits_eighty_columns() {
    let world = World::bare();
    let verbs = [
        "",
        "init",
        "plan",
        "build",
        "review",
        "sync",
        "query",
        "schema",
        "test",
        "demo",
        "hub serve",
        "pipeline",
        "profiles",
        "doctor",
        "runs",
        "completions",
    ];
    for verb in verbs {
        let args: Vec<_> = verb.split_whitespace().chain(["--help"]).collect();
        let ran = world.planwright(&args).ended(0);
        assert!(ran.stdout.contains("Examples:"), "{verb}: {}", ran.stdout);
        let wide: Vec<_> = ran.stdout.lines().filter(|line| line.chars().count() > 84).collect();
        assert!(wide.is_empty(), "{verb}: {wide:?}");
    }
}

#[test]
fn the_version_needs_nothing() {
    let ran = World::bare().planwright(&["--version"]).ended(0);
    assert_eq!(ran.stdout, format!("planwright {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_arguments_are_usage_errors() {
    let world = World::bare();
    let ran = world.planwright(&["biuld"]).ended(2);
    assert!(ran.stderr.contains("unrecognized subcommand 'biuld'"), "{}", ran.stderr);
    world.planwright(&["-C", "nowhere", "runs"]).ended(2).said("/nowhere` is not a folder");
    world
        .planwright(&["profiles", "--max-cost", "lots"])
        .ended(2)
        .said("--max-cost: `build.max_cost`: expected an amount");
}

#[test]
fn init_finds_the_test_command_and_does_not_overwrite() {
    let world = World::with(&[("Cargo.toml", "[package]\n")]);
    world.planwright(&["init"]).ended(0).said("tests are run by `cargo test`");
    assert!(world.read("planwright.toml").contains("\ntest = \"cargo test\"\n"));
    world.planwright(&["init"]).ended(2).said("hint: say `--force` to write it anew");
    world.planwright(&["init", "--force", "--test", "make check"]).ended(0);
    assert!(world.read("planwright.toml").contains("\ntest = \"make check\"\n"));
    world.planwright(&["profiles"]).ended(0);
}

#[test]
fn init_outside_a_repository_says_how_to_begin_one() {
    World::bare().planwright(&["init"]).ended(2).said("is not in a git repository").said("hint: git init");
}

#[test]
fn no_runs_is_no_error_and_leaves_nothing_behind() {
    let world = World::empty();
    let ran = world.planwright(&["runs"]).ended(0).said("no runs yet");
    assert_eq!(ran.stdout, "");
    assert!(!world.root().join(".git/planwright").exists());
}

#[test]
fn the_hub_is_served_until_interrupted_and_its_run_is_listed() {
    let world = World::empty();
    let (mut serving, exports) = world.starts(&["hub", "serve", "--repo", "ada/hello"], 2);
    assert!(exports.contains("export GITHUB_API_URL=http://127.0.0.1:"), "{exports}");
    let busy = world.planwright(&["hub", "serve"]).ended(3);
    assert!(busy.stderr.contains("is served by another process"), "{}", busy.stderr);
    world.run("kill", &["-INT", &serving.id().to_string()], "").ended(0);
    assert!(serving.wait().unwrap().success());
    let runs = world.planwright(&["runs"]).ended(0).stdout;
    assert!(runs.contains("-hub-") && runs.contains("done") && runs.contains("unable"), "{runs}");
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let world = World::empty();
    let program = env!("CARGO_BIN_EXE_planwright");
    let pipeline = format!("'{program}' completions bash | head -1; exit ${{PIPESTATUS[0]}}");
    let ran = world.run("bash", &["-c", &pipeline], "").ended(0);
    assert_eq!(ran.stderr, "");
}

#[test]
fn colours_come_only_where_they_are_wanted() {
    let mut world = World::empty();
    assert!(!world.planwright(&["profiles"]).ended(0).stdout.contains('\u{1b}'));
    assert!(world.planwright(&["profiles", "--color", "always"]).ended(0).stdout.contains('\u{1b}'));
    world.set("NO_COLOR", "1");
    assert!(!world.planwright(&["profiles"]).ended(0).stdout.contains('\u{1b}'));
}

#[test]
fn doctor_names_what_is_missing_and_ends_as_unable() {
    let mut world = World::with(&[("a.txt", "a")]);
    let missing = world.planwright(&["doctor", "--offline"]).ended(3);
    assert!(missing.stdout.contains("planner     the planner profile"), "{}", missing.stdout);
    assert!(missing.stdout.contains("export ANTHROPIC_API_KEY=…"), "{}", missing.stdout);
    world.set("ANTHROPIC_API_KEY", "hunter2");
    let offline = world.planwright(&["doctor", "--offline", "--json"]);
    assert!(!offline.stdout.contains("hunter2"), "{}", offline.stdout);
    for line in offline.stdout.lines() {
        let finding: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(finding["name"].is_string() && finding["state"].is_string(), "{line}");
    }
}

#[test]
fn completions_know_the_verbs() {
    let ran = World::bare().planwright(&["completions", "bash"]).ended(0);
    assert!(ran.stdout.contains("profiles"));
}
