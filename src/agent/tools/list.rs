//! `list`: the files of the repository, or of a folder, or those that match a glob.

use std::collections::BTreeMap;

use globset::GlobBuilder;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{Denial, Toolbox};
use crate::artifact::RepoPath;

/// Paths shown before folders are shown as counts.
const SHOWN: usize = 200;

/// List files of the repository, hidden ones (`.github/…`) among them. Ignored files and files that hold
/// secrets by their name are left out. Large folders are shown as counts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// Folder to list; the whole repository if left out.
    path: Option<String>,
    /// Only paths that match, for instance `src/**/*.rs` or `*.sql`.
    glob: Option<String>,
}

/// Runs the tool.
pub(super) async fn run(toolbox: &Toolbox<'_>, input: &Input) -> Result<String, Denial> {
    let files = select(toolbox, input.path.as_deref(), input.glob.as_deref()).await?;
    Ok(show(&files, input.path.as_deref().unwrap_or_default().trim_end_matches('/')))
}

/// The files below `path` that match `glob`.
pub(super) async fn select(
    toolbox: &Toolbox<'_>,
    path: Option<&str>,
    glob: Option<&str>,
) -> Result<Vec<RepoPath>, Denial> {
    let mut files = toolbox.view().files().await?;
    if let Some(path) = path.map(str::trim).filter(|path| !matches!(*path, "" | "." | "./" | "/")) {
        let folder = toolbox.view().parse(path)?;
        let below = format!("{folder}/");
        files.retain(|file| file.as_str().starts_with(&below) || *file == folder);
    }
    if let Some(glob) = glob.filter(|glob| !glob.is_empty()) {
        let glob =
            if glob.contains('/') { glob.trim_start_matches("./").to_owned() } else { format!("**/{glob}") };
        let built = GlobBuilder::new(&glob).literal_separator(true).build();
        let matcher = built
            .map_err(|error| Denial::failed(format!("the glob is not valid: {error}.")))?
            .compile_matcher();
        files.retain(|file| matcher.is_match(file.as_str()));
    }
    Ok(files)
}

fn show(files: &[RepoPath], folder: &str) -> String {
    if files.is_empty() {
        return "[no files]".to_owned();
    }
    if files.len() <= SHOWN {
        return files.iter().map(RepoPath::as_str).collect::<Vec<_>>().join("\n");
    }
    let depth = if folder.is_empty() || folder == "." { 0 } else { folder.matches('/').count() + 1 };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for file in files {
        let parts: Vec<&str> = file.as_str().split('/').collect();
        let below = parts.len() > depth + 1;
        let entry = parts.iter().take(depth + 1).copied().collect::<Vec<_>>().join("/");
        *counts.entry(if below { entry + "/" } else { entry }).or_default() += 1;
    }
    let entries = counts.iter().take(SHOWN).map(|(entry, count)| match count {
        _ if !entry.ends_with('/') => entry.clone(),
        count => format!("{entry} ({count} files)"),
    });
    let mut lines: Vec<String> = entries.collect();
    let more = counts.len().saturating_sub(SHOWN);
    if more > 0 {
        lines.push(format!("[{more} more entries]"));
    }
    lines.push(format!("[{} files; give path or glob to see them]", files.len()));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::show;

    #[test]
    fn a_large_folder_is_shown_as_counts() {
        let mut files: Vec<_> = (0..300).map(|n| format!("src/deep/f{n}.rs").parse().unwrap()).collect();
        files.push("src/lib.rs".parse().unwrap());
        assert_eq!(show(&files, ""), "src/ (301 files)\n[301 files; give path or glob to see them]");
        assert_eq!(
            show(&files, "src"),
            "src/deep/ (300 files)\nsrc/lib.rs\n[301 files; give path or glob to see them]"
        );
        assert_eq!(show(&files[..2], ""), "src/deep/f0.rs\nsrc/deep/f1.rs");
    }
}
