//! One call of git, hardened.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Error, Repo};
use crate::process::{self, Command, Limits, Output, Status};

/// Settings that outrank every configuration file.
const SETTINGS: [&str; 9] = [
    "core.fsmonitor=false",
    "core.pager=cat",
    "core.alternateRefsCommand=",
    "commit.gpgSign=false",
    "push.gpgSign=false",
    "log.showSignature=false",
    "submodule.recurse=false",
    "protocol.ext.allow=never",
    "gc.auto=0",
];

/// A folder in which git finds no hook.
const NO_HOOKS: &str = "core.hooksPath=/dev/null";

/// Time one call may take, and bytes that it may answer.
const LIMITS: Limits = Limits { time: Duration::from_mins(10), output_bytes: 64 * 1024 * 1024 };

/// `GIT_` variables that the person's own set-up needs and that run nothing a work tree could bring.
const HEEDED: [&str; 20] = [
    "GIT_AUTHOR_NAME",
    "GIT_AUTHOR_EMAIL",
    "GIT_AUTHOR_DATE",
    "GIT_COMMITTER_NAME",
    "GIT_COMMITTER_EMAIL",
    "GIT_COMMITTER_DATE",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CEILING_DIRECTORIES",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_EXEC_PATH",
    "GIT_ASKPASS",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSL_NO_VERIFY",
    "GIT_INDEX_FILE",
];

/// For which kind of call an environment is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// Finding the repository: where a hook says it is counts.
    Discovery,
    /// Everything after.
    Repository,
}

/// Our environment as git gets it.
pub(super) fn heeded(environment: &[(OsString, OsString)], whose: Whose) -> Vec<(OsString, OsString)> {
    let keep = |name: &OsStr| {
        let Some(name) = name.to_str() else { return false };
        let finds = whose == Whose::Discovery && ["GIT_DIR", "GIT_WORK_TREE"].contains(&name);
        !name.starts_with("GIT_") || finds || HEEDED.contains(&name)
    };
    let ours = ["LC_ALL", "LANGUAGE"];
    let kept = environment.iter().filter(|(name, _)| keep(name) && !ours.iter().any(|our| name == our));
    let fixed = [
        ("LC_ALL", "C"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_OPTIONAL_LOCKS", "0"),
        ("GIT_NO_REPLACE_OBJECTS", "1"),
        ("GIT_LITERAL_PATHSPECS", "1"),
    ];
    let fixed = fixed.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    kept.cloned().chain(fixed).collect()
}

/// `git commit -a` gives its hook an index of its own, named relative to the folder it started in.
pub(super) fn make_index_absolute(environment: &mut [(OsString, OsString)], dir: &Path) {
    for (name, value) in environment {
        if name == "GIT_INDEX_FILE" {
            *value = dir.join(PathBuf::from(&*value)).into_os_string();
        }
    }
}

/// One call, built up and then run by asking for its answer in a certain form.
#[derive(Debug)]
pub(super) struct Call {
    before: Vec<OsString>,
    args: Vec<OsString>,
    dir: PathBuf,
    environment: Vec<(OsString, OsString)>,
    input: Vec<u8>,
    hooks: bool,
}

impl Call {
    /// A call before the repository is known.
    pub(super) fn outside(dir: &Path, environment: Vec<(OsString, OsString)>) -> Self {
        let (before, args, input) = (Vec::new(), Vec::new(), Vec::new());
        Self { before, args, dir: dir.to_owned(), environment, input, hooks: false }
    }

    /// A call on a repository, which it names itself.
    pub(super) fn inside(repo: &Repo) -> Self {
        let mut call = Self::outside(&repo.root, repo.environment.to_vec());
        for (option, path) in [("--git-dir=", &repo.git_dir), ("--work-tree=", &repo.root)] {
            let mut named = OsString::from(option);
            named.push(path);
            call.before.push(named);
        }
        call
    }

    pub(super) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    pub(super) fn input(mut self, input: Vec<u8>) -> Self {
        self.input = input;
        self
    }

    pub(super) fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Settings given in the environment, because a filter's name may hold any character.
    pub(super) fn settings(mut self, settings: &[(String, String)]) -> Self {
        for (number, (key, value)) in settings.iter().enumerate() {
            self = self.variable(&format!("GIT_CONFIG_KEY_{number}"), key);
            self = self.variable(&format!("GIT_CONFIG_VALUE_{number}"), value);
        }
        self.variable("GIT_CONFIG_COUNT", settings.len().to_string())
    }

    /// Asks where the hooks are, which the usual settings would answer with "nowhere".
    pub(super) fn with_hooks(mut self) -> Self {
        self.hooks = true;
        self
    }

    /// The answer, whatever it is.
    pub(super) async fn bytes(self) -> Result<Vec<u8>, Error> {
        let (output, what) = self.run().await?;
        if output.is_success() { Ok(output.stdout.bytes) } else { Err(failure(&output, what)) }
    }

    /// The answer as text, without the newline at its end.
    pub(super) async fn text(self) -> Result<String, Error> {
        let bytes = self.bytes().await?;
        Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned())
    }

    /// The answer as text; status 1, by which git says "there is none", is `None`.
    pub(super) async fn text_if_any(self) -> Result<Option<String>, Error> {
        let (output, what) = self.run().await?;
        match output.status {
            Status::Exited(0) => Ok(Some(output.stdout.text().trim_end_matches('\n').to_owned())),
            Status::Exited(1) => Ok(None),
            _ => Err(failure(&output, what)),
        }
    }

    /// Whether it ends with status 0 rather than 1.
    pub(super) async fn holds(self) -> Result<bool, Error> {
        Ok(self.text_if_any().await?.is_some())
    }

    async fn run(self) -> Result<(Output, Named), Error> {
        let hooks = (!self.hooks).then_some(NO_HOOKS);
        let settings = SETTINGS.into_iter().chain(hooks).flat_map(|setting| ["-c", setting]);
        let what =
            Named { name: self.args.first().map(|arg| arg.to_string_lossy().into_owned()), dir: self.dir };
        let args = self.before.into_iter().chain(settings.map(OsString::from)).chain(self.args).collect();
        let (dir, environment) = (what.dir.clone(), self.environment);
        let command =
            Command { program: "git".into(), args, dir, environment, input: self.input, limits: LIMITS };
        let output = match process::run(&command, &CancellationToken::new()).await {
            Err(process::Error::Missing { .. }) => return Err(Error::GitMissing),
            Err(error) => return Err(Error::Process(error)),
            Ok(output) => output,
        };
        if output.stdout.omitted > 0 {
            let allowed = output.stdout.bytes.len() as u64;
            return Err(Error::TooLarge {
                what: what.name(),
                found: allowed + output.stdout.omitted,
                allowed,
            });
        }
        Ok((output, what))
    }
}

/// What a call was, for its error.
struct Named {
    name: Option<String>,
    dir: PathBuf,
}

impl Named {
    fn name(&self) -> String {
        self.name.clone().unwrap_or_default()
    }
}

/// What git said, told apart. It speaks English here, because we set its locale.
fn failure(output: &Output, what: Named) -> Error {
    let said = output.stderr.text();
    let has = |text: &str| said.contains(text);
    if output.status == Status::TimedOut {
        return Error::TimedOut { what: what.name(), seconds: LIMITS.time.as_secs() };
    }
    if has("not a git repository") {
        return Error::NotARepository { dir: what.dir };
    }
    if has("dubious ownership") {
        return Error::DubiousOwnership { dir: what.dir };
    }
    if has("must be run in a work tree") {
        return Error::Bare { dir: what.dir };
    }
    if has("Please tell me who you are") || has("empty ident name") || has("unable to auto-detect email") {
        return Error::NoIdentity;
    }
    Error::Failed { what: what.name(), stderr: in_one_line(&said) }
}

fn in_one_line(said: &str) -> String {
    let lines = said.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("hint:"));
    lines.map(|line| line.trim_start_matches("fatal: ")).collect::<Vec<_>>().join("; ")
}
