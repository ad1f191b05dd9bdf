//! What verbs stand on: the call, then settings and repository, then a run with its log.
//!
//! A verb takes only as much of this as it needs: `profiles` reads settings and writes nothing; `build`
//! gets a run, whose events are rendered while it works and whose end is written to the ledger.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde_json::json;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tracing::Instrument as _;
use tracing::level_filters::LevelFilter;

use super::args::Globals;
use super::error::{Error, Stop};
use super::progress::{Beside, Cleared, Pace};
use super::render;
use super::report::RUN_FOLDER;
use super::screen::Screen;
use super::{Surroundings, interrupt};
use crate::artifact::{Event, Events};
use crate::clock::{Clock, Stopwatch};
use crate::config::{self, Environment, Flag, Input, Loaded, Repository, Shipped};
use crate::error::Exit;
use crate::git;
use crate::ledger::{Entry, Ledger};
use crate::model::{Usage, price};
use crate::net::{self, Proxies};
use crate::telemetry::{self, Aloud, Run};

/// One call of the program, understood and not yet begun.
pub(super) struct Call {
    /// Both streams.
    pub(super) screen: Screen,
    /// The environment.
    pub(super) environment: Environment,
    /// The folder to work in.
    pub(super) dir: PathBuf,
    /// Our own program file.
    pub(super) executable: PathBuf,
    /// The time.
    pub(super) clock: Clock,
    flags: Vec<Flag>,
    /// The client, once it is made; `None` in it where it cannot be made.
    http: Arc<OnceLock<Option<reqwest::Client>>>,
}

impl Call {
    /// Finds the folder to work in.
    pub(super) fn new(
        globals: Globals,
        around: Surroundings,
        screen: Screen,
        clock: Clock,
    ) -> Result<Self, Error> {
        let flags = globals.flags();
        let dir = match (globals.dir, around.dir) {
            (Some(asked), here) if asked.is_absolute() || here.is_ok() => {
                here.unwrap_or_default().join(asked)
            }
            (_, here) => here.map_err(|source| Error::NoDirectory { source })?,
        };
        if !dir.is_dir() {
            return Err(Error::NotAFolder { path: dir });
        }
        let executable = around.executable.unwrap_or_else(|_| PathBuf::from("planwright"));
        Ok(Self {
            screen,
            environment: around.environment,
            dir,
            executable,
            clock,
            flags,
            http: Arc::default(),
        })
    }

    /// The repository around the folder, if there is one.
    pub(super) async fn repository(&self) -> Result<Option<git::Repo>, git::Error> {
        match git::Repo::discover(&self.dir, &self.environment.all()).await {
            Ok(repo) => Ok(Some(repo)),
            Err(git::Error::NotARepository { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Repository and settings. `flags` are the verb's own.
    pub(super) async fn settled(&self, flags: &[Flag]) -> Result<Settled, Stop> {
        let repo = self.repository().await?;
        let flags: Vec<Flag> = self.flags.iter().chain(flags).cloned().collect();
        let repository = repo.as_ref().map(|repo| Repository {
            root: repo.root().to_owned(),
            common_dir: repo.common_dir().to_owned(),
        });
        let shipped = Shipped {
            models: price::table(),
            aliases: price::ALIASES
                .iter()
                .map(|(alias, id)| ((*alias).to_owned(), (*id).to_owned()))
                .collect(),
        };
        let loaded = config::load(&Input {
            environment: &self.environment,
            dir: self.dir.clone(),
            repository,
            flags: &flags,
            shipped: &shipped,
        })?;
        Ok(Settled { repo, loaded })
    }

    /// The HTTP client, which goes through the person's proxies. There is one for all servers.
    pub(super) fn http(&self) -> Result<reqwest::Client, net::Error> {
        let options = self.net();
        match self.http.get_or_init(|| net::client(&options).ok()) {
            Some(client) => Ok(client.clone()),
            None => net::client(&options),
        }
    }

    /// Makes the HTTP client on a thread of its own: reading the machine's certificates takes a while,
    /// in which settings and repository can be read.
    fn prepare_http(&self) {
        let (http, options) = (Arc::clone(&self.http), self.net());
        drop(tokio::task::spawn_blocking(move || {
            http.get_or_init(|| net::client(&options).ok());
        }));
    }

    fn net(&self) -> net::Options {
        let proxies = Proxies::read(|name| self.environment.named(name).map(str::to_owned));
        net::Options { proxies, ..net::Options::default() }
    }
}

/// Repository and settings.
pub(super) struct Settled {
    /// The repository, if there is one.
    pub(super) repo: Option<git::Repo>,
    /// Settings and where credentials come from.
    pub(super) loaded: Loaded,
}

impl Settled {
    /// The repository, for verbs that need one.
    pub(super) fn require_repo(&self, dir: &Path) -> Result<&git::Repo, Error> {
        self.repo.as_ref().ok_or_else(|| Error::NoRepository { dir: dir.to_owned() })
    }
}

/// A verb at work.
pub(super) struct Session<'a> {
    /// The call.
    pub(super) call: &'a Call,
    /// Repository and settings.
    pub(super) settled: Settled,
    /// The run.
    pub(super) run: Run,
    /// The ledger.
    pub(super) ledger: Ledger,
}

/// Runs `work` as a run of `verb`: with a log, events rendered as they come, interrupts heeded, and its end
/// written to the ledger.
pub(super) async fn within(
    call: &Call,
    verb: &str,
    flags: &[Flag],
    work: impl AsyncFnOnce(&Session<'_>) -> Result<Exit, Stop>,
) -> Result<Exit, Stop> {
    call.prepare_http();
    let settled = call.settled(flags).await?;
    let (sender, events) = unbounded_channel();
    let state = &settled.loaded.settings.places.state;
    let run = Run::new(state, verb, call.clock.clone(), Events::to(sender));
    let ledger = Ledger::open(state);
    start_log(call, &settled, &run)?;
    interrupt::watch(call.screen, run.cancel.clone());
    let session = Session { call, settled, run, ledger };
    let span = tracing::info_span!("run", run = %session.run.id, verb);
    let watch = Stopwatch::start();
    let ended = rendered(call.screen, events, work(&session)).instrument(span).await;
    session.close(&ended, watch)?;
    ended
}

fn start_log(call: &Call, settled: &Settled, run: &Run) -> Result<(), telemetry::Error> {
    drop(RUN_FOLDER.set(run.folder.clone()));
    let level = match call.screen.verbose {
        0 => None,
        1 => Some(LevelFilter::INFO),
        _ => Some(LevelFilter::DEBUG),
    };
    let log = &settled.loaded.settings.log;
    telemetry::start(telemetry::Options {
        folder: &run.folder,
        clock: call.clock.clone(),
        level: &log.level,
        rotate_bytes: log.rotate_bytes,
        aloud: level.map(|level| Aloud { level, to: Box::new(Beside) }),
    })
}

/// Renders events until `work` is done and the last of them is told.
async fn rendered<T>(
    screen: Screen,
    mut events: UnboundedReceiver<Event>,
    work: impl Future<Output = T>,
) -> T {
    let _cleared = Cleared;
    let mut pace = Pace::default();
    let mut tell = |event: &Event| {
        if pace.lets(screen, event) {
            render::render(screen, event);
        }
    };
    let mut work = std::pin::pin!(work);
    let done = loop {
        tokio::select! {
            biased;
            Some(event) = events.recv() => tell(&event),
            done = &mut work => break done,
        }
    };
    while let Ok(event) = events.try_recv() {
        tell(&event);
    }
    done
}

impl Session<'_> {
    /// The screen, once every event told so far stands on it: what a verb says itself comes after them.
    pub(super) async fn caught_up(&self) -> Screen {
        // Events are rendered before the verb goes on; see `rendered`.
        tokio::task::yield_now().await;
        self.call.screen
    }

    /// Writes the end of the run to the ledger and tells what it cost.
    fn close(&self, ended: &Result<Exit, Stop>, watch: Stopwatch) -> Result<(), Stop> {
        let exit = match ended {
            Ok(exit) => *exit,
            Err(Stop::Quiet) => Exit::Done,
            Err(Stop::Failed(failure)) => failure.exit(),
        };
        let entry = Entry {
            run: self.run.id.clone(),
            at: self.run.clock.now(),
            verb: self.run.verb.clone(),
            role: None,
            model: None,
            issue: None,
            turn: 0,
            usage: Usage::default(),
            cost: None,
            millis: watch.millis(),
            outcome: outcome(exit).to_owned(),
        };
        if let Err(error) = self.ledger.record(&entry) {
            tracing::warn!(%error, "the end of the run is not in the ledger");
        }
        tracing::info!(outcome = entry.outcome, millis = entry.millis, "the run ended");
        let turns: Vec<_> = self.ledger.entries().unwrap_or_default();
        let turns: Vec<_> = turns.into_iter().filter(|entry| entry.run == self.run.id).collect();
        if let Some(line) = render::costs(&turns, entry.millis) {
            self.call.screen.mention(line);
        }
        if self.call.screen.json && ended.is_ok() {
            let total = crate::ledger::sum(&turns);
            let (run, exit) = (&self.run.id, exit as u8);
            let done =
                json!({"event": "done", "run": run, "exit": exit, "cost": total.cost, "turns": total.turns});
            self.call.screen.result(done)?;
        }
        Ok(())
    }
}

/// The word for an exit code in the ledger.
const fn outcome(exit: Exit) -> &'static str {
    match exit {
        Exit::Done => "done",
        Exit::Refused => "refused",
        Exit::Usage => "usage",
        Exit::Unable => "unable",
        Exit::Partial => "partial",
        Exit::Bug => "bug",
        Exit::Interrupted => "interrupted",
    }
}
