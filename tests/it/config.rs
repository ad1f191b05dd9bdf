//! Configuration from outside: what wins, what is refused, and that every key and variable is documented.

use planwright::config::environment::VARIABLES;
use planwright::config::keys;

use crate::support::{World, file};

#[test]
fn profiles_say_who_said_so() {
    let mut world = World::with(&[("planwright.toml", "[profiles.implementer]\neffort = \"low\"\n")]);
    world.set("PLANWRIGHT_REVIEWER", "sonnet").set("ANTHROPIC_API_KEY", "hunter2");
    let ran = world.planwright(&["profiles", "--planner", "haiku"]).ended(0);
    let told = world.plain(&ran.stdout);
    assert!(told.contains("planner     claude-haiku-5-5 (--planner)"), "{told}");
    assert!(told.contains("reviewer    claude-sonnet-5-5 ($PLANWRIGHT_REVIEWER)"), "{told}");
    assert!(told.contains("effort    low (WORLD/hello/planwright.toml)"), "{told}");
    assert!(told.contains("key       $ANTHROPIC_API_KEY"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn an_unknown_key_ends_every_verb_that_reads_settings() {
    let world = World::with(&[("planwright.toml", "[build]\nruonds = 4\n")]);
    let ran = world.planwright(&["runs"]).ended(2);
    assert_eq!(
        world.plain(&ran.stderr),
        "error: `WORLD/hello/planwright.toml`, line 2: unknown key `build.ruonds`\n\
         hint: the nearest known key is `build.rounds`\n"
    );
}

#[test]
fn a_repository_cannot_redirect_credentials() {
    let world =
        World::with(&[("planwright.toml", "[profiles.planner]\nbase_url = \"https://evil.example\"\n")]);
    world
        .planwright(&["profiles"])
        .ended(2)
        .said("may not be set by a repository")
        .said("config.toml`, which is yours alone");
}

#[test]
fn every_setting_has_an_origin() {
    let ran = World::empty().planwright(&["profiles", "--all"]).ended(0);
    for name in keys::names() {
        assert!(ran.stdout.lines().any(|line| line.split_whitespace().next() == Some(&name)), "{name}");
    }
}

#[test]
fn every_key_and_variable_is_in_the_readme() {
    let readme = file("README.md");
    for key in keys::KEYS {
        let shown = key.name.replace('*', "<role>");
        assert!(readme.contains(&format!("`{shown}`")), "the README does not tell of `{shown}`");
        assert!(
            readme.contains(key.about),
            "the README tells something else of `{shown}` than: {}",
            key.about
        );
    }
    for variable in VARIABLES {
        assert!(
            readme.contains(&format!("`{}`", variable.name)),
            "the README does not tell of `{}`",
            variable.name
        );
        assert!(readme.contains(variable.about), "the README tells something else of `{}`", variable.name);
    }
}
