//! What tests stand on: a world of their own, the sources, and nothing of the machine they run on.

pub(crate) mod api;
pub(crate) mod readers;
pub(crate) mod studio;
pub(crate) mod tracker;
pub(crate) mod world;

use std::path::{Path, PathBuf};

use planwright::artifact::{Events, RunId};
use planwright::clock::Clock;
use planwright::telemetry::Run;

pub(crate) use world::World;

/// The fewest requests that GitHub's API allows for what a warehouse holds: pages of a hundred, of each
/// repository where the account has no list of its own; fifty objects to a question by GraphQL.
pub(crate) const FLOOR: &str = "
    WITH lists AS (
        SELECT count(*) AS rows FROM repos
        UNION ALL SELECT count(*) FROM issues
        UNION ALL SELECT count(*) FROM issue_comments GROUP BY repo_id
        UNION ALL SELECT count(*) FROM pulls GROUP BY repo_id
    ), batches AS (
        SELECT count(*) AS objects FROM pulls
        UNION ALL SELECT count(*) FROM issues WHERE sub_issues_total > 0
        UNION ALL SELECT count(*) FROM issues WHERE blocked_by_total > 0
    )
    SELECT (SELECT sum(ceil(rows / 100)) FROM lists) + (SELECT sum(ceil(objects / 50)) FROM batches)";

/// A sync's run that nobody listens to.
pub(crate) fn unheard(id: &str, clock: Clock) -> Run {
    Run {
        id: RunId(id.to_owned()),
        verb: "sync".to_owned(),
        folder: PathBuf::new(),
        clock,
        events: Events::none(),
        cancel: tokio_util::sync::CancellationToken::new(),
    }
}

/// Every Rust source below `folder`, by its path in the repository, with its text.
pub(crate) fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    collect(Path::new(folder), &mut found);
    assert!(found.len() > 5, "the walk found the sources");
    found
}

/// A file of the repository, by its path in it.
#[expect(clippy::disallowed_methods, reason = "laws read the files they judge")]
pub(crate) fn file(path: impl AsRef<Path>) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap() {
        let path = folder.join(entry.unwrap().file_name());
        if Path::new(env!("CARGO_MANIFEST_DIR")).join(&path).is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            let text = file(&path);
            found.push((path, text));
        }
    }
}
