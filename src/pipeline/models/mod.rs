//! SQL models: files under `models/`, rendered by minijinja and built in the order of their references.
//!
//! `ref` names another model, `source` a resource's table (or `ledger`), `var` a value of the spec. A
//! model is exactly one SELECT; all of them are built in one transaction, so that people never see half.
//! An incremental model has a second SELECT, for the rows that are added to what it has.

mod build;
mod error;
mod increment;
mod sight;
mod templates;

use std::collections::{BTreeMap, BTreeSet};

pub use build::{Built, Extent, Increments, Which, build};
pub use error::Error;
pub(crate) use sight::asks_for_time;
pub(crate) use templates::Templates;
use templates::Turn;

use super::Folder;
use super::spec::{ModelKind, ModelOptions, Spec, is_identifier};

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
    /// What the spec says of it.
    pub options: ModelOptions,
    /// One SELECT, of all its rows.
    pub sql: String,
    /// One SELECT of the rows that are added to those it has, where it is incremental.
    pub increment: Option<String>,
    /// The models it reads.
    pub reads: BTreeSet<String>,
    /// The tables of resources that it reads.
    pub sources: BTreeSet<String>,
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
        let options = spec.models.get(&name).cloned().unwrap_or_default();
        let (sql, mut read) = templates.model(file, &place, Turn::Whole)?;
        let mut increment = None;
        if options.kind == ModelKind::Incremental {
            let (sql, more) = templates.model(file, &place, Turn::Increment)?;
            read.add(more);
            increment = Some(sql);
        }
        let (description, reads, sources) = (description(file.text), read.models, read.sources);
        Ok((name.clone(), Model { name, place, description, options, sql, increment, reads, sources }))
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

/// The comment lines at the top of a file.
fn description(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix("--")).map(str::trim);
    lines.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(models: &[(&str, &str)]) -> Result<Vec<String>, String> {
        rendered(models).map(|models| models.into_iter().map(|model| model.name).collect())
    }

    fn rendered(models: &[(&str, &str)]) -> Result<Vec<Model>, String> {
        let spec = "source = \"github\"\n[vars]\ndays = 30\n[[resources]]\nname = \"repos\"\npath = \"/r\"\nkey = [\"id\"]\n\
            [models.grows]\nas = \"incremental\"\nkey = [\"id\"]\n";
        let files = models.iter().map(|(name, sql)| (format!("models/{name}.sql"), (*sql).to_owned()));
        let folder = Folder::from_files("p", files);
        let spec = Spec::parse("p", spec).unwrap();
        let told = |error: Error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(" | {cause}"));
            format!("{error}{}", cause.unwrap_or_default())
        };
        plan(&folder, &spec).map_err(told)
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
    fn an_incremental_model_has_two_texts_and_knows_its_own_table() {
        let sql = "SELECT * FROM {{ source('repos') }}\n{%- if is_incremental() %} WHERE id > (SELECT max(id) FROM {{ this }})\
            {%- endif %}";
        let models = rendered(&[("grows", sql), ("stays", sql)]).unwrap();
        assert_eq!(models[0].sql, "SELECT * FROM \"repos\"");
        let increment = "SELECT * FROM \"repos\" WHERE id > (SELECT max(id) FROM \"grows\")";
        assert_eq!(models[0].increment.as_deref(), Some(increment));
        assert_eq!((models[1].sql.as_str(), &models[1].increment), (models[0].sql.as_str(), &None));
        // What only the increment reads is read all the same.
        let late = "SELECT 1 {% if is_incremental() %} FROM {{ ref('stays') }} {% endif %}";
        let models = rendered(&[("grows", late), ("stays", sql)]).unwrap();
        assert_eq!((models[0].name.as_str(), models[1].reads.contains("stays")), ("stays", true));
    }

    #[test]
    fn the_comment_at_the_top_is_the_description() {
        assert_eq!(description("-- One.\n-- Two.\nSELECT 1 -- no"), "One. Two.");
    }
}
