//! The log of a run: flat JSON lines in its folder, and the same told aloud with `-v`.
//!
//! Each line has `at`, `level`, `target`, `message`, the event's fields and those of every span around
//! it. A span that ends leaves a line too, with `span` and `millis`: that is how time is accounted for.
//! A disk that refuses a line loses that line; it never stops the work.

use std::fmt;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use super::audit;
use super::rotate::Rotating;
use crate::clock::{Clock, Stopwatch};
use crate::error::{Exit, Failure};

/// What the log of one run needs.
pub struct Options<'a> {
    /// The run's folder.
    pub folder: &'a Path,
    /// The clock that stamps the lines.
    pub clock: Clock,
    /// What is written: `error`, `warn`, `info`, `debug`, `trace`.
    pub level: &'a str,
    /// Bytes after which the file is rotated.
    pub rotate_bytes: u64,
    /// Where people read along, if they asked for it.
    pub aloud: Option<Aloud>,
}

/// A log that people read while it is written.
pub struct Aloud {
    /// What is told.
    pub level: LevelFilter,
    /// Where it is told.
    pub to: Box<dyn Write + Send>,
}

/// Why no log could be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The level is none of the five.
    #[error("unknown log level `{level}`")]
    Level {
        /// What was given.
        level: String,
    },
    /// This process already writes a log.
    #[error("the log was started twice in one process")]
    Twice {
        /// What the library said.
        #[source]
        source: tracing::subscriber::SetGlobalDefaultError,
    },
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Level { .. } => Exit::Usage,
            Self::Twice { .. } => Exit::Bug,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Level { .. } => vec!["the levels are `error`, `warn`, `info`, `debug`, `trace`".to_owned()],
            Self::Twice { .. } => Vec::new(),
        }
    }
}

/// Starts the log of this process. Once a process: a second start is [`Error::Twice`].
pub fn start(options: Options<'_>) -> Result<(), Error> {
    tracing::subscriber::set_global_default(subscriber(options)?).map_err(|source| Error::Twice { source })
}

/// The subscriber that [`start`] installs, for tests that install it for one thread.
fn subscriber(options: Options<'_>) -> Result<impl Subscriber + Send + Sync, Error> {
    let unknown = |_| Error::Level { level: options.level.to_owned() };
    let level: LevelFilter = options.level.parse().map_err(unknown)?;
    let file = |name: &str| Mutex::new(Rotating::new(options.folder.join(name), options.rotate_bytes));
    let lines = Lines { log: file("log.jsonl"), audit: file("audit.jsonl"), clock: options.clock };
    let aloud = options.aloud.map(|aloud| Told { to: Mutex::new(aloud.to) }.with_filter(aloud.level));
    Ok(tracing_subscriber::registry().with(lines.with_filter(level)).with(aloud))
}

/// The layer that writes JSON lines.
struct Lines {
    log: Mutex<Rotating>,
    audit: Mutex<Rotating>,
    clock: Clock,
}

/// What a span carries: its fields, and since when it is open.
struct Carried {
    fields: Map<String, Value>,
    since: Stopwatch,
}

impl Lines {
    fn line(&self, level: tracing::Level, target: &str, fields: Map<String, Value>) {
        let mut line = Map::new();
        line.insert("at".to_owned(), self.clock.now().to_string().into());
        line.insert("level".to_owned(), level.as_str().to_ascii_lowercase().into());
        line.insert("target".to_owned(), target.into());
        line.extend(fields);
        let mut text = Value::Object(line).to_string().into_bytes();
        text.push(b'\n');
        append(&self.log, &text);
        if target == audit::TARGET {
            append(&self.audit, &text);
        }
    }
}

/// A line that the disk refuses is lost: the log never stops the work.
fn append(file: &Mutex<Rotating>, line: &[u8]) {
    drop(file.lock().unwrap_or_else(PoisonError::into_inner).line(line));
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Collected::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Carried { fields: fields.0, since: Stopwatch::start() });
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(carried) = span.extensions_mut().get_mut::<Carried>()
        {
            let mut fields = Collected(std::mem::take(&mut carried.fields));
            values.record(&mut fields);
            carried.fields = fields.0;
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Collected(around(context.event_scope(event)));
        event.record(&mut fields);
        self.line(*event.metadata().level(), event.metadata().target(), fields.0);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let millis = span.extensions().get::<Carried>().map_or(0, |carried| carried.since.millis());
        let mut fields = around(context.span_scope(&id));
        fields.insert("span".to_owned(), span.name().into());
        fields.insert("millis".to_owned(), millis.into());
        self.line(*span.metadata().level(), span.metadata().target(), fields);
    }
}

/// The fields of every span from the outermost in; an inner one wins.
fn around<S>(scope: Option<tracing_subscriber::registry::Scope<'_, S>>) -> Map<String, Value>
where
    S: for<'a> LookupSpan<'a>,
{
    let mut fields = Map::new();
    for span in scope.into_iter().flat_map(tracing_subscriber::registry::Scope::from_root) {
        if let Some(carried) = span.extensions().get::<Carried>() {
            fields.extend(carried.fields.clone());
        }
    }
    fields
}

/// The layer that tells people: level, message, fields, one line each.
struct Told {
    to: Mutex<Box<dyn Write + Send>>,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Told {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut fields = Collected::default();
        event.record(&mut fields);
        let message = fields.0.shift_remove("message").unwrap_or_default();
        let level = event.metadata().level().as_str().to_ascii_lowercase();
        let shown = fields.0.iter().filter(|_| event.metadata().target() != audit::TARGET);
        let shown: Vec<_> = shown.map(|(name, value)| format!(" {name}={}", plain(value))).collect();
        let line = format!("{level:>5} {}{}\n", plain(&message), shown.concat());
        drop(self.to.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes()));
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Fields as JSON.
#[derive(Default)]
struct Collected(Map<String, Value>);

impl Visit for Collected {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;
    use crate::telemetry::{Audit, audit};

    fn logged(work: impl FnOnce()) -> (Vec<Value>, Vec<Value>) {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::starting_at("2026-11-22T11:42:33Z".parse().unwrap());
        let options =
            Options { folder: folder.path(), clock, level: "debug", rotate_bytes: 1 << 20, aloud: None };
        tracing::subscriber::with_default(subscriber(options).unwrap(), work);
        let lines = |name: &str| {
            let text = crate::fs::read_text_if_exists(&folder.path().join(name)).unwrap().unwrap_or_default();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
        };
        (lines("log.jsonl"), lines("audit.jsonl"))
    }

    #[test]
    fn a_line_carries_the_ids_of_every_span_around_it() {
        let (log, _) = logged(|| {
            let _run = tracing::info_span!("run", run = "r1", issue = 34).entered();
            let _turn = tracing::debug_span!("turn", turn = 2).entered();
            tracing::warn!(attempt = 1, "tried again");
        });
        assert_eq!(log[0]["run"], "r1");
        assert_eq!(log[0]["issue"], 34);
        assert_eq!(log[0]["turn"], 2);
        assert_eq!(log[0]["attempt"], 1);
        assert_eq!(log[0]["message"], "tried again");
        assert_eq!(log[1]["span"], "turn");
        assert!(log[1]["millis"].is_u64());
    }

    #[test]
    fn a_change_goes_to_the_log_and_to_the_audit_trail() {
        let (log, trail) = logged(|| {
            audit(Audit::Github, "created issue", "octo/hello#34");
            tracing::info!("not a change");
        });
        assert_eq!(log.len(), 2);
        assert_eq!(trail.len(), 1);
        assert_eq!(trail[0]["kind"], "github");
        assert_eq!(trail[0]["object"], "octo/hello#34");
    }

    #[test]
    fn a_secret_in_a_field_is_dots() {
        let (log, _) = logged(|| {
            let token = Secret::new("hunter2".to_owned());
            tracing::info!(?token, "signed in");
        });
        assert_eq!(log[0]["token"], "••••••");
    }

    #[test]
    fn a_disk_that_refuses_does_not_stop_the_work() {
        let options = Options {
            folder: Path::new("/proc/no/such/place"),
            clock: Clock::System,
            level: "info",
            rotate_bytes: 1,
            aloud: None,
        };
        tracing::subscriber::with_default(subscriber(options).unwrap(), || tracing::info!("lost"));
    }
}
