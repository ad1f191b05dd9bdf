//! What loads the account: planwright, and what a person would take instead, as far as it is installed.

use std::path::{Path, PathBuf};

use crate::account::Size;
use crate::support::World;
use crate::table::Scene;

/// The program under test.
pub(crate) const PLANWRIGHT: &str = env!("CARGO_BIN_EXE_planwright");

/// Who loads.
#[derive(Debug, Clone)]
pub(crate) enum Tool {
    /// planwright, the three resources that everybody has.
    Planwright,
    /// planwright with all that it gathers by itself: sub-issues and dependencies too.
    Everything,
    /// A script under `peers/`.
    Peer(Peer),
}

/// A tool written in Python.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// Its name and version.
    title: String,
    python: String,
    script: PathBuf,
    scenes: &'static [Scene],
}

const ALL: &[Scene] = &[Scene::Full, Scene::Again, Scene::Changed];

/// Script, distributions whose versions are told, the modules that must be there, and what it can do:
/// github-to-sqlite knows no "since", so that every load of its is a full one.
const PEERS: [(&str, &str, &str, &[Scene]); 3] = [
    ("dlt_rest.py", "dlt", "dlt, duckdb, pyarrow", ALL),
    ("tap_github_duckdb.py", "meltanolabs-tap-github target-duckdb", "tap_github, target_duckdb", ALL),
    ("github_to_sqlite_cli.py", "github-to-sqlite", "github_to_sqlite", &[Scene::Full]),
];

impl Tool {
    /// planwright and every peer that one of these Pythons can import; those that none can are told.
    pub(crate) fn all(world: &World, pythons: &[&str]) -> Vec<Self> {
        let mut tools = vec![Self::Planwright, Self::Everything];
        for (script, names, modules, scenes) in PEERS {
            let ask = format!(
                "import importlib.metadata as m, {modules}\nprint(' + '.join(f'{{n}} {{m.version(n)}}' for n in '{names}'.split()))"
            );
            let found = pythons.iter().find_map(|python| {
                let ran = world.run(python, &["-c", &ask], "");
                (ran.code == 0).then(|| (ran.stdout.trim().to_owned(), (*python).to_owned()))
            });
            match found {
                Some((title, python)) => {
                    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/peers").join(script);
                    tools.push(Self::Peer(Peer { title, python, script, scenes }));
                }
                None => println!("not found, left out: {names} (needs a Python with {modules})"),
            }
        }
        tools
    }

    /// What it is called in the table.
    pub(crate) fn title(&self) -> &str {
        match self {
            Self::Planwright => "planwright",
            Self::Everything => "planwright, with sub-issues and dependencies",
            Self::Peer(peer) => &peer.title,
        }
    }

    /// What is worth measuring, in this order.
    pub(crate) const fn scenes(&self) -> &[Scene] {
        match self {
            Self::Peer(peer) => peer.scenes,
            _ => ALL,
        }
    }

    /// The command that loads what changed into `folder`.
    pub(crate) fn load(&self, folder: &Path) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        match self {
            Self::Planwright => words(&[PLANWRIGHT, "sync", "--only", "issues", "--only", "issue_comments"]),
            Self::Everything => words(&[PLANWRIGHT, "sync"]),
            Self::Peer(peer) => peer.call("load", folder),
        }
    }

    /// How many rows of the account the tool does not have. More than one in a hundred, or any in planwright,
    /// stop the benchmark: who loads less is not faster.
    pub(crate) fn missing(&self, world: &World, folder: &Path, size: Size) -> usize {
        let count = "SELECT count(*) FROM repos UNION ALL SELECT count(*) FROM issues \
            UNION ALL SELECT count(*) FROM issue_comments";
        let call = match self {
            Self::Peer(peer) => peer.call("count", folder),
            _ => ["planwright", "query", "--format", "csv", count].map(str::to_owned).to_vec(),
        };
        let program = if matches!(self, Self::Peer(_)) { &call[0] } else { PLANWRIGHT };
        let args: Vec<&str> = call[1..].iter().map(String::as_str).collect();
        let ran = world.run(program, &args, "").ended(0);
        let counts: Vec<usize> = ran.stdout.lines().filter_map(|line| line.trim().parse().ok()).collect();
        let missing = size.rows().checked_sub(counts.iter().sum()).unwrap();
        let allowed = if matches!(self, Self::Peer(_)) { size.rows() / 100 } else { 0 };
        assert!(counts.len() == 3 && missing <= allowed, "{} has {counts:?}: {}", self.title(), ran.stderr);
        missing
    }
}

impl Peer {
    fn call(&self, verb: &str, folder: &Path) -> Vec<String> {
        let [script, folder] = [&*self.script, folder].map(|path| path.to_string_lossy().into_owned());
        vec![self.python.clone(), script, verb.to_owned(), folder]
    }
}
