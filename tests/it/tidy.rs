//! Laws of size and of finished words.

use std::path::{Path, PathBuf};

const LONGEST: usize = 500;

#[test]
fn files_stay_small() {
    let long: Vec<_> = sources()
        .into_iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST)
        .collect();
    assert!(long.is_empty(), "over {LONGEST} lines, split by thought: {long:?}");
}

#[test]
fn no_unfinished_words() {
    let words = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"], ["HA", "CK"]].map(|parts| parts.concat());
    for (path, text) in sources() {
        for (number, line) in text.lines().enumerate() {
            let is_ignored = line.trim_start().starts_with("#[ignore");
            assert!(!is_ignored, "{}:{}: an ignored test", path.display(), number + 1);
            let found = words.iter().find(|word| line.contains(word.as_str()));
            assert!(
                found.is_none(),
                "{}:{}: unfinished word `{}`",
                path.display(),
                number + 1,
                found.unwrap()
            );
        }
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    for (path, text) in sources() {
        assert!(text.starts_with("//!"), "{}: begins without a `//!` line", path.display());
    }
}

fn sources() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for top in ["src", "tests"] {
        collect(&root.join(top), &mut found);
    }
    assert!(found.len() > 20, "the walk found the sources");
    found
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            #[expect(clippy::disallowed_methods, reason = "the law reads the sources it judges")]
            let text = std::fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
}
