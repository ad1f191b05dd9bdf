//! Laws of the map: imports go down, and each power has one home.
//!
//! The layers are read from the table in `src/lib.rs`, so that the table stays true.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::sources;

/// The layer whose modules may name each other.
const GROUND: u32 = 0;

#[test]
fn modules_name_only_lower_layers() {
    let layers = layers();
    let mut wrong = Vec::new();
    for (path, text) in sources("src") {
        let Some(own) = module_path(&path).first().cloned() else { continue };
        let Some(&layer) = layers.get(&own) else {
            panic!("`{own}` has no layer in the table of src/lib.rs")
        };
        for (number, named) in named_modules(&path, &text) {
            let lower =
                layers.get(&named).is_some_and(|other| *other < layer || (layer, *other) == (GROUND, GROUND));
            if named != own && layers.contains_key(&named) && !lower {
                wrong.push(format!("{}:{number}: `{own}` (layer {layer}) names `{named}`", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "a module names only lower layers:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_has_a_layer() {
    let layers = layers();
    let declared: Vec<_> = declared_modules();
    assert!(declared.len() >= 20, "the declarations were found");
    for module in &declared {
        assert!(layers.contains_key(module), "`{module}` is missing from the table in src/lib.rs");
    }
    assert_eq!(layers.len(), declared.len(), "the table names a module that is not there");
}

#[test]
fn each_power_has_one_home() {
    let homes: [(&str, &[&str]); 7] = [
        ("duckdb::", &["src/pipeline/warehouse"]),
        ("reqwest::Client::builder", &["src/net"]),
        ("reqwest::Client::new", &["src/net"]),
        ("ClientBuilder::new", &["src/net"]),
        ("Command::new(", &["src/process"]),
        ("program: \"git\"", &["src/git"]),
        ("aws_lc_rs::", &["src/github/app"]),
    ];
    let mut wrong = Vec::new();
    for (path, text) in sources("src") {
        for (power, home) in homes {
            let at_home = home.iter().any(|home| path.to_string_lossy().starts_with(home));
            let found =
                text.lines().position(|line| line.contains(power) && !line.trim_start().starts_with("//"));
            if let (false, Some(line)) = (at_home, found) {
                wrong.push(format!("{}:{}: `{power}` belongs to {home:?}", path.display(), line + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "each power has one home:\n{}", wrong.join("\n"));
}

/// The layer of each module, from the table in `src/lib.rs`.
fn layers() -> BTreeMap<String, u32> {
    let declared = declared_modules();
    let mut layers = BTreeMap::new();
    for line in library().lines().filter_map(|line| line.strip_prefix("//! ")) {
        let mut words = line.split_whitespace();
        let Some(layer) = words.next().and_then(|word| word.parse().ok()) else { continue };
        for name in words.take_while(|word| declared.iter().any(|name| name == word)) {
            layers.insert(name.to_owned(), layer);
        }
    }
    layers
}

fn declared_modules() -> Vec<String> {
    let library = library();
    let lines = library.lines().filter_map(|line| line.strip_prefix("pub mod "));
    lines.map(|line| line.trim_end_matches(';').to_owned()).collect()
}

fn library() -> String {
    sources("src").into_iter().find(|(path, _)| path.ends_with("src/lib.rs")).unwrap().1
}

/// `src/plan/ready.rs` is `[plan, ready]`; `src/lib.rs` and `src/main.rs` are the root.
fn module_path(path: &Path) -> Vec<String> {
    let parts = path.strip_prefix("src").unwrap().with_extension("");
    let parts = parts.iter().map(|part| part.to_string_lossy().into_owned());
    parts.filter(|part| !matches!(part.as_str(), "mod" | "lib" | "main")).collect()
}

/// Every top module that the file names by `crate::` or by climbing with `super::`, with its line. Tests stand at
/// the foot of a file, behind `#[cfg(test)]` on a `mod`, and may look anywhere.
fn named_modules(path: &Path, text: &str) -> Vec<(usize, String)> {
    let to_root = "super::".repeat(module_path(path).len());
    let body = text.split("#[cfg(test)]\nmod ").next().unwrap();
    let mut named = Vec::new();
    for (index, line) in body.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
        for root in ["crate::", to_root.as_str()] {
            for (at, _) in line.match_indices(root) {
                let rest = &line[at + root.len()..];
                if !line[..at].ends_with("::") {
                    named.extend(roots(rest).into_iter().map(|name| (index + 1, name)));
                }
            }
        }
    }
    named
}

/// The first names of a path or of a group: `a::b` is `[a]`, `{a::b, c::{d, e}}` is `[a, c]`.
fn roots(rest: &str) -> Vec<String> {
    let Some(group) = rest.strip_prefix('{') else { return identifier(rest).into_iter().collect() };
    let mut depth = 0;
    let mut names = Vec::new();
    let mut fresh = true;
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            letter if fresh && depth == 0 && letter.is_alphabetic() => {
                names.extend(identifier(&group[at..]));
                fresh = false;
            }
            _ => {}
        }
        if depth < 0 {
            break;
        }
    }
    names
}

fn identifier(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

#[test]
fn groups_are_read_to_their_first_names() {
    assert_eq!(roots("plan::ready;"), ["plan"]);
    assert_eq!(roots("{fs, plan::{self, ready}, build::order};"), ["fs", "plan", "build"]);
}
