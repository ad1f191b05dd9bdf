//! SQL models: files under `models/`, rendered by minijinja and built in the order of their references.
//!
//! `ref` names another model, `source` a resource's table (or `ledger`), `var` a value of the spec. A
//! model is exactly one SELECT; all of them are built in one transaction, so that people never see half.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use serde::Serialize;
use serde_json::Value;

use super::Folder;
use super::schema::Cell;
use super::spec::{ModelKind, Spec, is_identifier, nearest};
use super::warehouse::{self, Warehouse, Writer, literal, quoted};
use crate::error::{Exit, Failure};

/// A table that is there whatever the pipeline: what planwright's own runs cost.
const LEDGER: &str = "ledger";

/// A model, rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Its name, which is its file's and its view's.
    pub name: String,
    /// How messages name its file.
    pub place: String,
    /// The comment at the top of its file.
    pub description: String,
    /// One SELECT.
    pub sql: String,
    /// The models it reads.
    pub reads: BTreeSet<String>,
    /// The tables of resources that it reads.
    pub sources: BTreeSet<String>,
}

/// A model that was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Built {
    /// The model.
    pub name: String,
    /// Rows in it.
    pub rows: u64,
}

/// Why models cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A template does not render.
    #[error("cannot render `{place}`")]
    Template {
        /// The file.
        place: String,
        /// What is wrong, with its line.
        source: minijinja::Error,
    },
    /// A model's name is no table's name.
    #[error("`{place}` cannot be a model: {why}")]
    Name {
        /// The file.
        place: String,
        /// What is wrong with its name.
        why: String,
    },
    /// Models read each other in a circle.
    #[error("models read each other in a circle: {}", names.join(" -> "))]
    Cycle {
        /// The circle, its first name again at the end.
        names: Vec<String>,
    },
    /// DuckDB refuses a model.
    #[error("cannot build `{place}`")]
    Sql {
        /// The file.
        place: String,
        /// What DuckDB said.
        source: warehouse::Error,
    },
    /// The warehouse failed.
    #[error(transparent)]
    Warehouse(#[from] warehouse::Error),
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Warehouse(error) => error.exit(),
            _ => Exit::Usage,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Warehouse(error) | Self::Sql { source: error, .. } => error.hints(),
            _ => Vec::new(),
        }
    }
}

/// Renders the models of a pipeline and puts them in the order in which they can be built.
pub fn plan(folder: &Folder, spec: &Spec) -> Result<Vec<Model>, Error> {
    let models = rendered(folder, spec).collect::<Result<_, _>>()?;
    order(models)
}

/// The same, telling all that is wrong.
pub fn check(folder: &Folder, spec: &Spec) -> Result<Vec<Model>, Vec<Error>> {
    let (models, wrong): (Vec<_>, Vec<_>) = rendered(folder, spec).partition(Result::is_ok);
    if wrong.is_empty() {
        order(models.into_iter().flatten().collect()).map_err(|error| vec![error])
    } else {
        Err(wrong.into_iter().filter_map(Result::err).collect())
    }
}

/// Each model by its name, in the order of the files.
fn rendered(folder: &Folder, spec: &Spec) -> impl Iterator<Item = Result<(String, Model), Error>> {
    let templates = Templates::new(folder, spec);
    folder.part("models", "sql").map(move |file| {
        let (name, place) = (file.stem.to_owned(), folder.place_of(file.path));
        check_name(file.stem, &place, spec)?;
        let (sql, Read { models: reads, sources }) = templates.render(file.path, &place, file.text)?;
        let description = description(file.text);
        Ok((name.clone(), Model { name, place, description, sql, reads, sources }))
    })
}

fn check_name(name: &str, place: &str, spec: &Spec) -> Result<(), Error> {
    let why = if !is_identifier(name) {
        "its name may have lowercase letters, digits and `_`".to_owned()
    } else if spec.filler(name).is_some() || name == LEDGER {
        format!("a table is called `{name}` already")
    } else {
        return Ok(());
    };
    Err(Error::Name { place: place.to_owned(), why })
}

/// Every model after those it reads; among the free ones by name.
fn order(mut models: BTreeMap<String, Model>) -> Result<Vec<Model>, Error> {
    let mut ordered: Vec<Model> = Vec::with_capacity(models.len());
    while !models.is_empty() {
        let free = models.values().find(|model| model.reads.iter().all(|read| !models.contains_key(read)));
        let Some(name) = free.map(|model| model.name.clone()) else { return Err(cycle(&models)) };
        ordered.extend(models.remove(&name));
    }
    Ok(ordered)
}

fn cycle(models: &BTreeMap<String, Model>) -> Error {
    let mut names: Vec<String> = models.keys().next().cloned().into_iter().collect();
    while let Some(model) = names.last().and_then(|name| models.get(name)) {
        let Some(next) = model.reads.iter().find(|read| models.contains_key(*read)).cloned() else { break };
        if let Some(start) = names.iter().position(|name| *name == next) {
            names.drain(..start);
            names.push(next);
            break;
        }
        names.push(next);
    }
    Error::Cycle { names }
}

/// Builds the models. What was a model and is none any more goes.
pub fn build(warehouse: &Warehouse, spec: &Spec, models: &[Model]) -> Result<Vec<Built>, Error> {
    let mut refused = None;
    let built = warehouse.write(|writer| {
        clear(writer, spec)?;
        for model in models {
            if let Err(error) = create(writer, spec, model) {
                refused = Some(model.place.clone());
                return Err(error);
            }
        }
        Ok(())
    });
    match (built, refused) {
        (Err(source), Some(place)) => return Err(Error::Sql { place, source }),
        (other, _) => other?,
    }
    let count = |model: &Model| {
        let sql = format!("SELECT count(*) FROM {}", quoted(&model.name));
        let rows = warehouse
            .select(&sql, &[])
            .map_err(|source| Error::Sql { place: model.place.clone(), source })?;
        let rows = rows.first().and_then(|row| row.first()).and_then(Value::as_u64).unwrap_or(0);
        Ok(Built { name: model.name.clone(), rows })
    };
    models.iter().map(count).collect()
}

/// Drops what this pipeline's models had become, views before the tables they may read.
fn clear(writer: &Writer<'_>, spec: &Spec) -> Result<(), warehouse::Error> {
    // A model without a pipeline is from the time when there was one.
    let own = "(pipeline IS NULL OR pipeline = ?)";
    let pipeline = [Cell::text(&spec.name)];
    let sql = format!(
        "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'main' \
         AND table_name IN (SELECT name FROM planwright.models WHERE {own}) ORDER BY table_type DESC"
    );
    for row in writer.select(&sql, &pipeline)? {
        let text = |index| row.get(index).and_then(Value::as_str).unwrap_or_default();
        let kind = if text(1) == "VIEW" { "VIEW" } else { "TABLE" };
        writer.execute(&format!("DROP {kind} IF EXISTS {}", quoted(text(0))), &[])?;
    }
    writer.execute(&format!("DELETE FROM planwright.models WHERE {own}"), &pipeline).map(drop)
}

fn create(writer: &Writer<'_>, spec: &Spec, model: &Model) -> Result<(), warehouse::Error> {
    writer.check_select(&model.sql)?;
    let options = spec.models.get(&model.name).cloned().unwrap_or_default();
    let kind = match options.kind {
        ModelKind::View => "VIEW",
        ModelKind::Table => "TABLE",
    };
    let name = quoted(&model.name);
    writer.execute(&format!("CREATE {kind} {name} AS\n{}", model.sql), &[])?;
    writer.execute(&format!("COMMENT ON {kind} {name} IS {}", literal(&model.description)), &[])?;
    for (column, text) in &options.columns {
        writer.execute(&format!("COMMENT ON COLUMN {name}.{} IS {}", quoted(column), literal(text)), &[])?;
    }
    let cells = [Cell::text(&model.name), Cell::text(&spec.name)];
    writer.execute("INSERT INTO planwright.models VALUES (?, ?)", &cells).map(drop)
}

/// The comment lines at the top of a file.
fn description(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix("--")).map(str::trim);
    lines.collect::<Vec<_>>().join(" ")
}

/// What a text reads.
#[derive(Debug, Clone, Default)]
pub(crate) struct Read {
    models: BTreeSet<String>,
    sources: BTreeSet<String>,
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

    /// The SQL, and what it reads.
    pub(crate) fn render(&self, name: &str, place: &str, text: &str) -> Result<(String, Read), Error> {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Read::default();
        let rendered = self.environment.render_named_str(name, text, ());
        let sql = rendered.map_err(|source| Error::Template { place: place.to_owned(), source })?;
        let sql = sql.trim().trim_end_matches(';').to_owned();
        Ok((sql, self.read.lock().unwrap_or_else(PoisonError::into_inner).clone()))
    }
}

/// A value of the spec; lists and tables come as TOML text.
fn plain(value: &toml::Value) -> minijinja::Value {
    match value {
        toml::Value::String(text) => minijinja::Value::from(text.as_str()),
        toml::Value::Integer(number) => minijinja::Value::from(*number),
        toml::Value::Float(number) => minijinja::Value::from(*number),
        toml::Value::Boolean(flag) => minijinja::Value::from(*flag),
        other => minijinja::Value::from(other.to_string()),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(models: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let spec = "source = \"github\"\n[vars]\ndays = 30\n[[resources]]\nname = \"repos\"\npath = \"/r\"\nkey = [\"id\"]\n";
        let files = models.iter().map(|(name, sql)| (format!("models/{name}.sql"), (*sql).to_owned()));
        let folder = Folder::from_files("p", files);
        let spec = Spec::parse("p", spec).unwrap();
        let told = |error: Error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(" | {cause}"));
            format!("{error}{}", cause.unwrap_or_default())
        };
        plan(&folder, &spec).map(|models| models.into_iter().map(|model| model.name).collect()).map_err(told)
    }

    #[test]
    fn models_come_after_what_they_read() {
        let models = [
            ("a", "SELECT * FROM {{ ref('c') }}"),
            ("b", "SELECT * FROM {{ source('repos') }}"),
            ("c", "SELECT {{ var('days') }} FROM {{ ref('b') }}"),
        ];
        assert_eq!(check(&models).unwrap(), ["b", "c", "a"]);
    }

    #[test]
    fn circles_and_strangers_are_named() {
        let circle = [("a", "{{ ref('b') }}"), ("b", "{{ ref('c') }}"), ("c", "{{ ref('b') }}")];
        assert_eq!(check(&circle).unwrap_err(), "models read each other in a circle: b -> c -> b");
        let error = check(&[("a", "SELECT 1\nFROM {{ source('repo') }}")]).unwrap_err();
        assert!(error.starts_with("cannot render `p/models/a.sql` | "), "{error}");
        assert!(
            error.contains("there is no resource `repo`; the nearest known resource is `repos`"),
            "{error}"
        );
        assert!(error.contains("models/a.sql:2"), "{error}");
        assert_eq!(
            check(&[("repos", "SELECT 1")]).unwrap_err(),
            "`p/models/repos.sql` cannot be a model: a table is called `repos` already"
        );
    }

    #[test]
    fn the_comment_at_the_top_is_the_description() {
        assert_eq!(description("-- One.\n-- Two.\nSELECT 1 -- no"), "One. Two.");
    }
}
