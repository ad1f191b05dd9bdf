//! Plan files: where they lie and how they are read. Written whole or not at all.

use std::path::{Path, PathBuf};

use super::Error;
use crate::artifact::Plan;
use crate::fs;

/// Where the plan with this id is kept in a state folder.
pub fn place(state: &Path, id: &str) -> PathBuf {
    state.join("plans").join(format!("{id}.json"))
}

/// Reads a plan. One that is cut off, has unknown keys or another version is an error that says where.
pub fn load(path: &Path) -> Result<Plan, Error> {
    let text = fs::read_text(path)?;
    let failed = |source| Error::Parse { path: path.to_owned(), source };
    let whole: serde_json::Value = serde_json::from_str(&text).map_err(failed)?;
    let version = whole.get("version").and_then(serde_json::Value::as_u64);
    if let Some(found) = version.filter(|found| *found != u64::from(Plan::VERSION)) {
        return Err(Error::Version { path: path.to_owned(), found, known: Plan::VERSION });
    }
    // From the text, not from the value: its errors name the line.
    serde_json::from_str(&text).map_err(failed)
}

/// Writes a plan, readable for people.
pub fn save(path: &Path, plan: &Plan) -> Result<(), Error> {
    let mut text = serde_json::to_string_pretty(plan)
        .map_err(|source| Error::Parse { path: path.to_owned(), source })?;
    text.push('\n');
    Ok(fs::write(path, text.as_bytes())?)
}

/// The plans kept in a state folder, oldest first; files that are no plans are passed over.
pub fn all(state: &Path) -> Result<Vec<(PathBuf, Plan)>, Error> {
    let files = fs::list(&state.join("plans"))?;
    let mut plans: Vec<(PathBuf, Plan)> =
        files.into_iter().filter_map(|path| load(&path).ok().map(|plan| (path, plan))).collect();
    plans.sort_by_key(|(_, plan)| plan.drafted);
    Ok(plans)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Exit, Failure as _};
    use crate::plan::example;

    #[track_caller]
    fn check(change: impl FnOnce(String) -> String, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.json");
        save(&path, &example::plan()).unwrap();
        assert_eq!(load(&path).unwrap(), example::plan());
        let text = change(fs::read_text(&path).unwrap());
        fs::write(&path, text.as_bytes()).unwrap();
        let error = load(&path).unwrap_err();
        let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        let text: Vec<String> = causes.map(ToString::to_string).collect();
        let text = text.join(": ").replace(&folder.path().display().to_string(), "");
        assert!(text.contains(expected), "{text}");
        assert_eq!(error.exit(), Exit::Usage);
    }

    #[test]
    fn a_broken_file_says_what_and_where() {
        check(
            |text| text.get(..text.len() / 2).unwrap().to_owned(),
            "`/plan.json` is not a plan: EOF while parsing",
        );
        check(|text| text.replacen("\"goal\"", "\"gaol\"", 1), "unknown field `gaol`, expected one of");
        check(
            |text| text.replacen("\"version\": 1", "\"version\": 2", 1),
            "has version 2; this program knows version 1",
        );
    }
}
