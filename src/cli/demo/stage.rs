//! The stage: a throw-away folder with a repository in it, a home of its own, and an environment that
//! holds no credential of the person's.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use crate::fs;
use crate::git::{self, Repo};

/// The repository as it is before the story begins.
static PROJECT: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/src/cli/demo/project");

/// Variables of the person's that the demo's programs need.
const KEPT: [&str; 8] = ["PATH", "TERM", "COLORTERM", "NO_COLOR", "LANG", "LC_ALL", "TMPDIR", "COLUMNS"];

/// See the module.
pub(super) struct Stage {
    /// The folder that everything lies in; it stays, so that the person can look around.
    pub(super) folder: PathBuf,
    /// The repository.
    pub(super) repo: Repo,
    /// The whole environment of every program that the demo runs.
    pub(super) environment: Vec<(OsString, OsString)>,
}

/// Why the stage could not be set.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The folder or a file in it.
    #[error(transparent)]
    File(#[from] fs::Error),
    /// The repository.
    #[error(transparent)]
    Git(#[from] git::Error),
}

impl crate::error::Failure for Error {
    fn exit(&self) -> crate::error::Exit {
        match self {
            Self::File(error) => error.exit(),
            Self::Git(error) => error.exit(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::File(error) => error.hints(),
            Self::Git(error) => error.hints(),
        }
    }
}

impl Stage {
    /// Sets the stage in a new temporary folder. `around` is our own environment; `models` the base URL of
    /// the scripted models.
    pub(super) async fn set(around: &[(OsString, OsString)], models: &str) -> Result<Self, Error> {
        let folder = new_folder()?;
        let root = folder.join("pulse");
        write(&PROJECT, &root)?;
        let environment = environment(around, &folder, models);
        let repo = Repo::begin(&root, &environment, "Load the issues of our repository").await?;
        Ok(Self { folder, repo, environment })
    }

    /// The repository's folder.
    pub(super) fn root(&self) -> &Path {
        self.repo.root()
    }
}

fn new_folder() -> Result<PathBuf, fs::Error> {
    let made = tempfile::Builder::new().prefix("planwright-demo-").tempdir();
    made.map(tempfile::TempDir::keep)
        .map_err(|source| fs::Error::new("create", &std::env::temp_dir(), source))
}

fn write(folder: &Dir<'_>, root: &Path) -> Result<(), fs::Error> {
    for file in folder.files() {
        fs::write(&root.join(file.path()), file.contents())?;
    }
    folder.dirs().try_for_each(|inner| write(inner, root))
}

fn environment(around: &[(OsString, OsString)], folder: &Path, models: &str) -> Vec<(OsString, OsString)> {
    let kept = around.iter().filter(|(name, _)| KEPT.iter().any(|known| OsStr::new(known) == name)).cloned();
    let home = folder.join("home");
    let places = [
        ("HOME", home.clone()),
        ("XDG_CONFIG_HOME", home.join(".config")),
        ("XDG_STATE_HOME", home.join(".local/state")),
        ("XDG_DATA_HOME", home.join(".local/share")),
        ("XDG_CACHE_HOME", home.join(".cache")),
    ];
    let fixed = [
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_AUTHOR_NAME", "You"),
        ("GIT_AUTHOR_EMAIL", "you@example.com"),
        ("GIT_COMMITTER_NAME", "You"),
        ("GIT_COMMITTER_EMAIL", "you@example.com"),
        ("PLANWRIGHT_HUB", "true"),
        ("PLANWRIGHT_REPO", "octo/pulse"),
        ("ANTHROPIC_API_KEY", "scripted"),
        ("ANTHROPIC_BASE_URL", models),
    ];
    let places = places.into_iter().map(|(name, path)| (name.into(), path.into_os_string()));
    kept.chain(places).chain(fixed.into_iter().map(|(name, value)| (name.into(), value.into()))).collect()
}
