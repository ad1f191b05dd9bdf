//! Rendering: `ref`, `source` and `var` in the SQL of models and data tests; in models also `this` and
//! `is_incremental()`.
//!
//! What a text reads is noted while it is rendered. The warehouse is not asked: an incremental model has
//! two texts, the whole and the increment, and the build decides which it runs.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value, context};

use super::{Error, LEDGER};
use crate::pipeline::Folder;
use crate::pipeline::folder::File;
use crate::pipeline::spec::{Spec, nearest};
use crate::pipeline::warehouse::quoted;

/// What a text reads.
#[derive(Debug, Clone, Default)]
pub(crate) struct Read {
    /// Models.
    pub(super) models: BTreeSet<String>,
    /// Tables of resources.
    pub(super) sources: BTreeSet<String>,
}

impl Read {
    /// Adds what another text reads.
    pub(super) fn add(&mut self, more: Self) {
        self.models.extend(more.models);
        self.sources.extend(more.sources);
    }
}

/// Which text of a model is rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// All its rows.
    Whole,
    /// Those that are added to what it has.
    Increment,
}

/// Renders a pipeline's SQL, in models and in data tests alike.
pub(crate) struct Templates {
    environment: Environment<'static>,
    read: Arc<Mutex<Read>>,
}

impl Templates {
    pub(crate) fn new(folder: &Folder, spec: &Spec) -> Self {
        let models: Vec<String> = folder.part("models", "sql").map(|file| file.stem.to_owned()).collect();
        let sources: Vec<String> = spec.tables().chain([LEDGER]).map(str::to_owned).collect();
        let vars = spec.vars.clone();
        let read: Arc<Mutex<Read>> = Arc::default();
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let reads = Arc::clone(&read);
        environment.add_function("ref", move |name: String| {
            let found = table("model", &name, &models)?;
            reads.lock().unwrap_or_else(PoisonError::into_inner).models.insert(name);
            Ok::<_, minijinja::Error>(found)
        });
        let reads = Arc::clone(&read);
        environment.add_function("source", move |name: String| {
            let found = table("resource", &name, &sources)?;
            reads.lock().unwrap_or_else(PoisonError::into_inner).sources.insert(name);
            Ok::<_, minijinja::Error>(found)
        });
        environment.add_function("var", move |name: String| {
            let known: Vec<_> = vars.keys().map(String::as_str).collect();
            vars.get(&name).map(plain).ok_or_else(|| unknown("var", &name, &known))
        });
        Self { environment, read }
    }

    /// The SQL of a data test.
    pub(crate) fn test(&self, name: &str, place: &str, text: &str) -> Result<String, Error> {
        self.render((name, text), place, context! {}).map(|(sql, _)| sql)
    }

    /// The SQL of a model, and what it reads.
    pub(super) fn model(&self, file: File<'_>, place: &str, turn: Turn) -> Result<(String, Read), Error> {
        let is_incremental = Value::from_function(move || turn == Turn::Increment);
        let around = context! { this => quoted(file.stem), is_incremental };
        self.render((file.path, file.text), place, around)
    }

    fn render(
        &self,
        (name, text): (&str, &str),
        place: &str,
        around: Value,
    ) -> Result<(String, Read), Error> {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Read::default();
        let rendered = self.environment.render_named_str(name, text, around);
        let sql = rendered.map_err(|source| Error::Template { place: place.to_owned(), source })?;
        let sql = sql.trim().trim_end_matches(';').to_owned();
        Ok((sql, self.read.lock().unwrap_or_else(PoisonError::into_inner).clone()))
    }
}

/// A value of the spec; lists and tables come as TOML text.
fn plain(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => Value::from(*number),
        toml::Value::Boolean(flag) => Value::from(*flag),
        other => Value::from(other.to_string()),
    }
}

fn table(what: &str, name: &str, known: &[String]) -> Result<String, minijinja::Error> {
    if known.iter().any(|known| known == name) {
        return Ok(quoted(name));
    }
    let known: Vec<_> = known.iter().map(String::as_str).collect();
    Err(unknown(what, name, &known))
}

fn unknown(what: &str, name: &str, known: &[&str]) -> minijinja::Error {
    let near = nearest(what, name, known).map(|near| format!("; {near}")).unwrap_or_default();
    minijinja::Error::new(ErrorKind::InvalidOperation, format!("there is no {what} `{name}`{near}"))
}
