//! The pack of a small project: what is in it, what is not, and that it says so.

use std::path::{Path, PathBuf};

use planwright::config::settings::Context;
use planwright::context::{self, Pack};
use planwright::error::{Exit, Failure as _};

use crate::support::World;

fn world() -> World {
    let random = ["ghp_", "a8Fk2LmQ9xZt4RvB7nWc1YpD6sGh3JeU5oTi"].concat();
    let world = World::with(&[
        ("AGENTS.md", "Run `make test`.\n"),
        ("README.md", "# Shop\n\nSells things.\n"),
        ("Cargo.toml", "[package]\nname = \"shop\"\n"),
        ("src/cursor.rs", "fn cursor() {}\n"),
        ("src/deep/sync.rs", "// moves the cursor on\n"),
        ("src/other.rs", "fn other() {}\n"),
        ("logo.png", "\u{89}PNG"),
        (".gitignore", "target/\n.env\n"),
        ("target/out.txt", "built\n"),
    ]);
    world.write(".env", "A=1\n");
    world.write("deploy/prod.env", "TOKEN=1\n");
    world.write("src/config.rs", &format!("const CURSOR_TOKEN: &str = \"{random}\";\n"));
    world
}

fn pack(world: &World, budget: u64, documents: &[PathBuf]) -> Pack {
    let settings = Context { budget_tokens: budget, exclude: Vec::new() };
    context::pack(world.root(), &settings, documents, "Keep the cursor across restarts").unwrap()
}

fn paths(pack: &Pack) -> Vec<&str> {
    pack.included.iter().map(|one| one.path.as_str()).collect()
}

#[test]
fn guides_then_documents_then_manifests_then_what_the_goal_names() {
    let world = world();
    let document = world.write(world.folder().join("book.md"), "# On cursors\n");
    let pack = pack(&world, 10_000, std::slice::from_ref(&document));
    let book = document.display().to_string();
    let expected =
        ["AGENTS.md", "README.md", &book, "Cargo.toml", "src/cursor.rs", "src/config.rs", "src/deep/sync.rs"];
    assert_eq!(paths(&pack), expected);
    assert!(pack.text.contains("src/: config.rs cursor.rs other.rs\n"), "{}", pack.text);
    assert!(!pack.text.contains("built"), "{}", pack.text);
}

#[test]
fn secrets_leave_before_anything_is_sent() {
    let pack = pack(&world(), 10_000, &[]);
    assert!(pack.text.contains("[secret removed: GitHub token]"), "{}", pack.text);
    assert!(!pack.text.contains("ghp_"), "{}", pack.text);
    assert_eq!(pack.redacted.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["src/config.rs"]);
    let left: Vec<_> = pack.left_out.iter().map(|left| (left.path.as_str(), left.reason.as_str())).collect();
    assert_eq!(left, [("deploy/prod.env", "its name says that it holds secrets")]);
}

#[test]
fn a_small_budget_holds_and_says_what_it_cost() {
    let world = world();
    world.write("README.md", &"A line about the shop and what it sells.\n".repeat(400));
    let pack = pack(&world, 900, &[]);
    assert!(pack.tokens <= 1_000, "{}", pack.tokens);
    assert!(pack.text.contains("lines left out: over its share of 300 tokens"), "{}", pack.text);
    assert_eq!(pack.included.iter().filter(|one| !one.whole).count(), 1);
}

#[test]
fn the_same_project_makes_the_same_pack() {
    let world = world();
    assert_eq!(pack(&world, 5_000, &[]), pack(&world, 5_000, &[]));
}

#[test]
fn a_document_that_is_not_there_is_an_error() {
    let world = world();
    let settings = Context { budget_tokens: 900, exclude: Vec::new() };
    let error = context::pack(world.root(), &settings, &[Path::new("no.md").to_owned()], "x").unwrap_err();
    assert_eq!((error.to_string().as_str(), error.exit()), ("cannot use the document `no.md`", Exit::Usage));
}
