//! The project as a short list of folders and the names in them, as deep as the budget allows.

use std::collections::BTreeMap;

use super::tokens;
use crate::artifact::RepoPath;

/// How many names of one folder are shown.
const NAMES: usize = 30;

/// The outline of a project within `budget` tokens; what is too deep is counted.
pub(super) fn outline(files: &[RepoPath], budget: u64) -> String {
    let deepest = files.iter().map(|path| path.as_str().matches('/').count()).max().unwrap_or(0);
    (0..=deepest)
        .rev()
        .map(|depth| to_depth(files, depth))
        .find(|text| tokens::estimate(text) <= budget)
        .unwrap_or_else(|| {
            let text = format!("{} files", files.len());
            if tokens::estimate(&text) <= budget { text } else { String::new() }
        })
}

#[derive(Default)]
struct Folder<'a> {
    names: Vec<&'a str>,
    below: usize,
}

fn to_depth(files: &[RepoPath], depth: usize) -> String {
    let mut folders: BTreeMap<&str, Folder<'_>> = BTreeMap::new();
    for path in files.iter().map(RepoPath::as_str) {
        let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
        let is_deep = path.matches('/').count() > depth;
        if is_deep {
            folders.entry(ancestor(folder, depth)).or_default().below += 1;
        } else {
            folders.entry(folder).or_default().names.push(name);
        }
    }
    folders.iter().map(|(folder, content)| line(folder, content)).collect()
}

/// The first `depth` parts of a folder; `.` for none.
fn ancestor(folder: &str, depth: usize) -> &str {
    match folder.match_indices('/').nth(depth.saturating_sub(1)) {
        _ if depth == 0 => ".",
        Some((end, _)) => folder.get(..end).unwrap_or(folder),
        None => folder,
    }
}

fn line(folder: &str, content: &Folder<'_>) -> String {
    let mut parts: Vec<String> = content.names.iter().take(NAMES).map(|name| (*name).to_owned()).collect();
    let hidden = content.names.len().saturating_sub(NAMES);
    parts.extend((hidden > 0).then(|| format!("and {hidden} more")));
    parts.extend((content.below > 0).then(|| format!("({} files below)", content.below)));
    format!("{folder}/: {}\n", parts.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_deep_as_the_budget_allows() {
        let files: Vec<RepoPath> =
            ["Cargo.toml", "src/main.rs", "src/net/retry.rs", "src/net/wire/a.rs", "src/net/wire/b.rs"]
                .iter()
                .map(|path| path.parse().unwrap())
                .collect();
        assert_eq!(
            outline(&files, 100),
            "./: Cargo.toml\nsrc/: main.rs\nsrc/net/: retry.rs\nsrc/net/wire/: a.rs b.rs\n"
        );
        assert_eq!(
            outline(&files, 19),
            "./: Cargo.toml\nsrc/: main.rs\nsrc/net/: retry.rs (2 files below)\n"
        );
        assert_eq!(outline(&files, 14), "./: Cargo.toml\nsrc/: main.rs (3 files below)\n");
        assert_eq!(outline(&files, 9), "./: Cargo.toml (4 files below)\n");
        assert_eq!(outline(&files, 2), "5 files");
        assert_eq!(outline(&[], 2), "");
    }
}
