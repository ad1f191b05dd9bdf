//! The project as a short list of folders and the names in them, as deep as the budget allows.

use std::collections::BTreeMap;

use super::tokens;
use crate::artifact::RepoPath;

/// How many names of one folder are shown.
const NAMES: usize = 30;

/// The outline of a project within `budget` tokens; what is too deep is counted.
pub(super) fn outline(files: &[RepoPath], budget: u64) -> String {
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for path in files.iter().map(RepoPath::as_str) {
        let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
        folders.entry(folder).or_default().push(name);
    }
    let deepest = folders.keys().map(|folder| depth_of(folder)).max().unwrap_or(0);
    let fits = |text: &String| tokens::estimate(text) <= budget;
    let outlined = (0..=deepest).rev().map(|depth| to_depth(&folders, depth)).find(fits);
    outlined.unwrap_or_else(|| Some(format!("{} files", files.len())).filter(fits).unwrap_or_default())
}

#[derive(Default)]
struct Folder<'a> {
    names: &'a [&'a str],
    below: usize,
}

/// 0 for the top, 1 for `src`.
fn depth_of(folder: &str) -> usize {
    if folder == "." { 0 } else { folder.matches('/').count() + 1 }
}

fn to_depth(folders: &BTreeMap<&str, Vec<&str>>, depth: usize) -> String {
    let mut shown: BTreeMap<&str, Folder<'_>> = BTreeMap::new();
    for (folder, names) in folders {
        if depth_of(folder) > depth {
            shown.entry(ancestor(folder, depth)).or_default().below += names.len();
        } else {
            shown.entry(folder).or_default().names = names;
        }
    }
    shown.iter().map(|(folder, content)| line(folder, content)).collect()
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
