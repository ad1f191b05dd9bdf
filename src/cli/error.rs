//! What can go wrong on the command line itself, and how any failure stops a verb.

use std::io;
use std::path::PathBuf;

use crate::build::Finished;
use crate::error::{Exit, Failure};

/// Why a verb stopped before its end.
pub(super) enum Stop {
    /// Something failed.
    Failed(Box<dyn Failure>),
    /// Whoever read our output has closed the pipe: not a failure, and nothing to say.
    Quiet,
}

impl<F: Failure> From<F> for Stop {
    fn from(failure: F) -> Self {
        Self::Failed(Box::new(failure))
    }
}

/// A failure of the command line itself.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The working directory is gone.
    #[error("cannot find the working directory")]
    NoDirectory {
        /// What the system said.
        source: io::Error,
    },
    /// `-C` names no folder.
    #[error("`{}` is not a folder", path.display())]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// The threads could not be started.
    #[error("cannot start")]
    Runtime {
        /// What the system said.
        source: io::Error,
    },
    /// The result could not be written.
    #[error("cannot write the result")]
    Output {
        /// What the system said.
        source: io::Error,
    },
    /// A question could not be asked, because nobody is there to answer.
    #[error("`{what}` needs a yes, and this is not a terminal")]
    NobodyToAsk {
        /// What needs the answer.
        what: String,
    },
    /// A plan would be paid for, and nobody could say yes to publishing it.
    #[error("publishing the plan needs a yes, and this is not a terminal; no model was asked")]
    NobodyToPublish,
    /// The person said no.
    #[error("stopped: {what} was declined")]
    Declined {
        /// What was declined.
        what: String,
    },
    /// The verb needs a repository.
    #[error("`{}` is not in a git repository", dir.display())]
    NoRepository {
        /// The folder.
        dir: PathBuf,
    },
    /// The file is there and was not to be overwritten.
    #[error("`{}` exists", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// No repository name can be read off the remote.
    #[error("cannot tell which repository at {host} this is: {why}")]
    NoRepoName {
        /// The tracker's host.
        host: String,
        /// What was looked at.
        why: String,
    },
    /// Nothing was asked.
    #[error("no {what} was given")]
    Nothing {
        /// What is missing.
        what: &'static str,
    },
    /// A form that is no text needs a file.
    #[error("`--format {form}` needs a file")]
    NoFile {
        /// The form.
        form: &'static str,
    },
    /// DuckDB's own shell is not installed.
    #[error("there is no program `duckdb` on the path")]
    NoShell,
    /// The warehouse is no file that the shell could open.
    #[error("DuckDB's own shell opens files, and the warehouse is `{place}`")]
    NoFileToShow {
        /// Where it is.
        place: String,
    },
    /// The warehouse has no such table.
    #[error("the warehouse has no table `{table}`")]
    NoTable {
        /// What was asked for.
        table: String,
        /// The nearest one.
        hint: Option<String>,
    },
    /// A pipeline's name cannot be a folder's everywhere.
    #[error("`{name}` cannot name a pipeline: lowercase letters, digits, `_` and `-` can")]
    PipelineName {
        /// The name.
        name: String,
    },
    /// There is a pipeline of this name; it is never written over.
    #[error("`{}` is there already", path.display())]
    PipelineExists {
        /// Its folder.
        path: PathBuf,
    },
    /// Repositories were chosen for a pipeline that knows none.
    #[error("the pipeline `{pipeline}` does not read from GitHub, so it knows no `--repo`")]
    NotOfGithub {
        /// The pipeline.
        pipeline: String,
    },
    /// A recording was asked for where only an app could read.
    #[error("a cassette is recorded as a person sees it, and there is only a GitHub App")]
    NoPerson,
    /// A time that must lie in the past does not.
    #[error("`--since` is {at}, which lies ahead: it is {now}")]
    Ahead {
        /// The time.
        at: jiff::Timestamp,
        /// When it was said.
        now: jiff::Timestamp,
    },
    /// An option that is about one pipeline was given for none or several.
    #[error("`{flag}` takes one pipeline, and there are {}", pipelines.len())]
    OnePipeline {
        /// The option.
        flag: &'static str,
        /// The pipelines.
        pipelines: Vec<String>,
    },
    /// No test was run, which is not the same as green.
    #[error("no test ran: {} in {}", only.as_ref().map_or("there is none".to_owned(), |only| format!("none holds `{only}`")), pipelines.join(", "))]
    NoTests {
        /// What the tests were narrowed to.
        only: Option<String>,
        /// Where they were looked for.
        pipelines: Vec<String>,
    },
    /// No plan was made in this repository.
    #[error("there is no plan in this repository yet")]
    NoPlan,
    /// The epic of this goal is known to the tracker, its plan file is not here.
    #[error("{number} was planned for this goal (`{plan}`), and its plan file is not on this machine")]
    PlannedElsewhere {
        /// The epic.
        number: crate::artifact::IssueNumber,
        /// The plan's id.
        plan: String,
    },
    /// No planned issue can be built now.
    #[error("no planned issue is ready to be built{}", because(*waiting, built))]
    NothingReady {
        /// How many wait for others.
        waiting: usize,
        /// Those that are built and wait for the person.
        built: Vec<Finished>,
    },
    /// A verb asked for a model that it had not opened.
    #[error("a model was asked for that this verb does not use")]
    NoMind,
    /// There is no run of that name.
    #[error("there is no run `{id}`")]
    NoRun {
        /// What was asked for.
        id: String,
    },
}

/// What keeps everything from being built.
fn because(waiting: usize, built: &[Finished]) -> String {
    let built = built.iter().map(|build| format!("{} is {build}", build.issue));
    let waiting = match waiting {
        0 => None,
        1 => Some("1 issue waits".to_owned()),
        more => Some(format!("{more} issues wait")),
    };
    let reasons: Vec<String> = built.chain(waiting).collect();
    if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join("; ")) }
}

fn nothing_ready_hints(waiting: usize, built: &[Finished]) -> Vec<String> {
    let ship = built.iter().filter_map(|build| build.next.first()).map(ToString::to_string);
    let next = (!built.is_empty()).then(|| "then: planwright plan next".to_owned());
    let status = (waiting > 0 || built.is_empty())
        .then(|| "`planwright plan status` shows what waits for what".to_owned());
    ship.chain(next).chain(status).collect()
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::NoDirectory { .. }
            | Self::Runtime { .. }
            | Self::Output { .. }
            | Self::NoShell
            | Self::NoPerson => Exit::Unable,
            Self::Declined { .. } | Self::NoTests { .. } | Self::NothingReady { .. } => Exit::Refused,
            Self::NoMind => Exit::Bug,
            _ => Exit::Usage,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::NobodyToAsk { .. } => vec!["say `--yes`, or look first with `--dry-run`".to_owned()],
            Self::NobodyToPublish => vec![
                "say `--yes` to publish it, `--dry-run` to look at it, or `--out FILE` to keep it in a file"
                    .to_owned(),
            ],
            Self::NoRepository { .. } => {
                vec!["git init && git add --all && git commit --message Begin".to_owned()]
            }
            Self::OnePipeline { pipelines, .. } => {
                vec![format!("name one of them: {}", pipelines.join(", "))]
            }
            Self::PipelineExists { .. } => vec!["take another name".to_owned()],
            Self::Exists { .. } => vec!["say `--force` to write it anew".to_owned()],
            Self::NoRepoName { .. } => vec![
                "set `repo = \"owner/name\"` under [github] in planwright.toml".to_owned(),
                "or say `--hub` to keep the issues in this repository".to_owned(),
            ],
            Self::NoPlan => vec!["planwright plan \"what you want\"".to_owned()],
            Self::PlannedElsewhere { number, .. } => vec![
                format!("see where it stands: planwright plan status {}", number.0),
                "say `--anew` to plan this goal once more".to_owned(),
            ],
            Self::NothingReady { waiting, built } => nothing_ready_hints(*waiting, built),
            Self::NoRun { .. } => vec!["`planwright runs` lists them".to_owned()],
            Self::NoFile { form } => {
                vec![format!("planwright query --format {form} --out result.{form} \"…\"")]
            }
            Self::NoPerson => vec!["export GITHUB_TOKEN=…".to_owned()],
            Self::NoShell => vec![
                "install DuckDB's command line, or ask here: planwright query \"SHOW TABLES\"".to_owned(),
            ],
            Self::NoFileToShow { .. } => vec!["ask here: planwright query \"SHOW TABLES\"".to_owned()],
            Self::NoTable { hint, .. } => hint.iter().cloned().collect(),
            _ => Vec::new(),
        }
    }
}
