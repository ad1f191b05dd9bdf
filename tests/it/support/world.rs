//! A world of its own for one test: home, repository, environment, and servers on loopback.
//!
//! Servers run on the world's own threads, so a test is a plain function that runs the program and
//! looks at what came of it. Nothing of the machine's environment is inherited but `PATH`.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use planwright::model::script::{self, Running, Script};
use tempfile::TempDir;

/// See the module.
pub(crate) struct World {
    folder: TempDir,
    root: PathBuf,
    environment: Vec<(String, String)>,
    runtime: tokio::runtime::Runtime,
}

/// How a program ended and what it said.
#[derive(Debug)]
pub(crate) struct Ran {
    /// The exit code; -1 after a signal.
    pub(crate) code: i32,
    /// Results.
    pub(crate) stdout: String,
    /// What people read.
    pub(crate) stderr: String,
}

impl World {
    /// A home and an empty folder, `hello`, that is no repository.
    pub(crate) fn bare() -> Self {
        let folder = tempfile::Builder::new().prefix("planwright-world-").tempdir().unwrap();
        let root = folder.path().join("hello");
        for made in ["home", "temp", "hello"] {
            std::fs::create_dir_all(folder.path().join(made)).unwrap();
        }
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let environment = hermetic(folder.path());
        Self { folder, root, environment, runtime }
    }

    /// A home and an empty git repository, `hello`, without a commit.
    pub(crate) fn empty() -> Self {
        let world = Self::bare();
        world.git(&["init", "--quiet", "--initial-branch=main"]);
        world
    }

    /// A home and a git repository, `hello`, with these files in its first commit.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let world = Self::empty();
        for (path, text) in files {
            world.write(path, text);
        }
        world.commit("Begin");
        world
    }

    /// The repository's folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The person's home.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The folder that the whole world lies in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The environment that programs are run with.
    pub(crate) fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// The person's own configuration file.
    pub(crate) fn config(&self) -> PathBuf {
        self.home().join(".config/planwright/config.toml")
    }

    /// Sets an environment variable for every later run.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) -> &mut Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Runs `future` on the world's threads, where its servers live.
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Starts scripted models that every later run speaks to, with a key of their own.
    pub(crate) fn speaks(&mut self, script: Script) -> Running {
        let running = self.wait(script::serve(script)).unwrap();
        self.set("ANTHROPIC_BASE_URL", running.url()).set("ANTHROPIC_API_KEY", "a-test's-key");
        running
    }

    /// Writes a file, by its path below the repository's folder (an absolute path stays as it is).
    #[expect(clippy::disallowed_methods, reason = "tests write whatever they like")]
    pub(crate) fn write(&self, path: impl AsRef<Path>, text: &str) -> PathBuf {
        let path = self.root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Reads a file, by its path below the repository's folder.
    #[expect(clippy::disallowed_methods, reason = "tests read whatever they like")]
    pub(crate) fn read(&self, path: impl AsRef<Path>) -> String {
        let path = self.root.join(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Commits everything; the new commit's id.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git in the repository; what it printed, trimmed. A failure fails the test.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let ran = self.run("git", args, "");
        assert_eq!(ran.code, 0, "git {args:?}: {}", ran.stderr);
        ran.stdout.trim_end().to_owned()
    }

    /// Runs planwright in the repository with an empty standard input.
    #[must_use = "look at how it ended"]
    pub(crate) fn planwright(&self, args: &[&str]) -> Ran {
        self.run(env!("CARGO_BIN_EXE_planwright"), args, "")
    }

    /// Starts planwright and waits for the first `lines` lines that it prints; it runs on.
    pub(crate) fn starts(&self, args: &[&str], lines: usize) -> (Child, String) {
        let mut child = self.command(env!("CARGO_BIN_EXE_planwright")).args(args).spawn().unwrap();
        let mut printed = String::new();
        let stdout = child.stdout.as_mut().unwrap();
        while printed.lines().count() < lines || !printed.ends_with('\n') {
            let mut byte = [0];
            assert_eq!(stdout.read(&mut byte).unwrap(), 1, "it ended early: {printed}");
            printed.push(char::from(byte[0]));
        }
        (child, printed)
    }

    /// Runs a program in the repository, with the world's environment only.
    #[must_use = "look at how it ended"]
    pub(crate) fn run(&self, program: &str, args: &[&str], input: &str) -> Ran {
        let mut child = self.command(program).args(args).spawn().unwrap();
        // A program that ends without reading its input closes the pipe; that is its right.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// A program about to be run in the repository, pipes on all three ends, for tests that talk to it while it runs.
    #[expect(clippy::disallowed_methods, reason = "tests start the program from outside")]
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.root)
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// `text` without what differs from world to world: its folder becomes `WORLD`.
    pub(crate) fn plain(&self, text: &str) -> String {
        text.replace(&*self.folder.path().to_string_lossy(), "WORLD")
    }
}

impl Ran {
    /// Fails the test unless it ended with `code`; shows both streams.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Fails the test unless people were told `text`.
    #[track_caller]
    pub(crate) fn said(self, text: &str) -> Self {
        assert!(
            self.stderr.contains(text),
            "not said: {text}\nstdout:\n{}\nstderr:\n{}",
            self.stdout,
            self.stderr
        );
        self
    }
}

/// The environment of a world: its own home, a fixed time for commits, and the machine's `PATH`.
fn hermetic(folder: &Path) -> Vec<(String, String)> {
    #[expect(clippy::disallowed_methods, reason = "programs are found where the machine has them")]
    let path = std::env::var("PATH").unwrap();
    let below = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let pairs = [
        ("PATH", path),
        ("HOME", below("home")),
        ("TMPDIR", below("temp")),
        ("XDG_CONFIG_HOME", below("home/.config")),
        ("XDG_STATE_HOME", below("home/.local/state")),
        ("XDG_DATA_HOME", below("home/.local/share")),
        ("XDG_CACHE_HOME", below("home/.cache")),
        ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
        ("GIT_AUTHOR_NAME", "Ada".to_owned()),
        ("GIT_AUTHOR_EMAIL", "ada@example.com".to_owned()),
        ("GIT_AUTHOR_DATE", "2026-11-22T09:00:00Z".to_owned()),
        ("GIT_COMMITTER_NAME", "Ada".to_owned()),
        ("GIT_COMMITTER_EMAIL", "ada@example.com".to_owned()),
        ("GIT_COMMITTER_DATE", "2026-11-22T09:00:00Z".to_owned()),
        ("LANG", "C.UTF-8".to_owned()),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
