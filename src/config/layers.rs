//! The layers: every known key with the value that wins and where it came from.
//!
//! A key that nothing reads is refused with the nearest one that something does, and so is a value of
//! the wrong kind: both with file and line.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::environment::{self as env, Environment};
use super::keys::{self, From as Owner, KEYS, Key, MODEL_FIELDS};
use super::settings::{ModelFacts, Origin};
use super::value::{self, From, Value};
use super::{Error, Flag};

/// The merged values.
#[derive(Debug, Default)]
pub(super) struct Layers {
    values: BTreeMap<String, (Value, Origin)>,
    asked: RefCell<BTreeSet<String>>,
}

/// A configuration file.
#[derive(Debug, Clone, Copy)]
pub(super) struct File<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
    /// Whose it is: the user's, or the repository's ([`Owner::Anywhere`]).
    pub(super) owner: Owner,
    pub(super) from: From<'a>,
    /// The user's own file, for the hint to move a line there.
    pub(super) users_own: Option<&'a Path>,
}

impl Layers {
    /// The layer at the bottom: what the registry says.
    pub(super) fn defaults(from: From<'_>) -> Result<Self, Error> {
        let mut layers = Self::default();
        for key in KEYS {
            for (index, name) in key.names().into_iter().enumerate() {
                let Some(text) = key.default_at(index) else { continue };
                let wrong =
                    |wrong: String| Error::Value { place: "default".to_owned(), key: name.clone(), wrong };
                let parsed = DeValue::parse(text).map_err(|error| wrong(error.message().to_owned()))?;
                let value = value::from_toml(key.kind, parsed.get_ref(), from).map_err(wrong)?;
                layers.values.insert(name, (value, Origin::Default));
            }
        }
        Ok(layers)
    }

    /// Lays a file over what is there; its `models` go to `models`.
    pub(super) fn file(
        &mut self,
        file: File<'_>,
        models: &mut BTreeMap<String, ModelFacts>,
    ) -> Result<(), Error> {
        let table = DeTable::parse(file.text).map_err(|error| Error::Toml {
            path: file.path.to_owned(),
            line: file.line(error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })?;
        self.table(file, table.get_ref(), "", models)
    }

    fn table(
        &mut self,
        file: File<'_>,
        table: &DeTable<'_>,
        prefix: &str,
        models: &mut BTreeMap<String, ModelFacts>,
    ) -> Result<(), Error> {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.get_ref());
            let line = file.line(key.span().start);
            if name == "models" {
                file.may_set(Owner::User, &name, line)?;
                self.models(file, value, models)?;
            } else if let Some((known, _)) = keys::find(&name) {
                file.may_set(known.from, &name, line)?;
                let value = value::from_toml(known.kind, value.get_ref(), file.from);
                let value = value.map_err(|wrong| file.wrong(line, &name, wrong))?;
                self.values.insert(name, (value, Origin::File(file.path.to_owned())));
            } else if keys::names().any(|known| known.starts_with(&format!("{name}."))) {
                let inner = value.get_ref().as_table();
                let inner = inner.ok_or_else(|| file.wrong(line, &name, "expected a table".to_owned()))?;
                self.table(file, inner, &format!("{name}."), models)?;
            } else {
                return Err(file.unknown(line, &name, nearest(&name, keys::names())));
            }
        }
        Ok(())
    }

    /// `[models."<id>"]`: what is said wins over what the shipped table says of the model.
    fn models(
        &mut self,
        file: File<'_>,
        value: &Spanned<DeValue<'_>>,
        models: &mut BTreeMap<String, ModelFacts>,
    ) -> Result<(), Error> {
        let line = file.line(value.span().start);
        let table = value.get_ref().as_table();
        for (model, facts) in
            table.ok_or_else(|| file.wrong(line, "models", "expected a table".to_owned()))?
        {
            let (id, line) = (model.get_ref().to_string(), file.line(model.span().start));
            let fields = facts.get_ref().as_table();
            let fields = fields.ok_or_else(|| file.wrong(line, &id, "expected a table".to_owned()))?;
            let stranger = fields.keys().find(|field| !MODEL_FIELDS.contains(&field.get_ref().as_ref()));
            if let Some(field) = stranger {
                let known = MODEL_FIELDS.iter().map(|name| (*name).to_owned());
                return Err(file.unknown(
                    file.line(field.span().start),
                    field.get_ref(),
                    nearest(field.get_ref(), known),
                ));
            }
            let facts = overlaid(models.get(&id), facts.get_ref()).map_err(|source| Error::Model {
                path: file.path.to_owned(),
                line,
                model: id.clone(),
                message: source.to_string(),
            })?;
            models.insert(id.clone(), facts);
            self.values.insert(format!("models.{id}"), (Value::Text(id), Origin::File(file.path.to_owned())));
        }
        Ok(())
    }

    /// Lays the environment over what is there.
    pub(super) fn environment(&mut self, environment: &Environment, from: From<'_>) -> Result<(), Error> {
        if let Some(host) = environment.get(env::GH_HOST).filter(|host| *host != "github.com") {
            let url = Value::Text(format!("https://{host}/api/v3"));
            self.values
                .insert("github.url".to_owned(), (url, Origin::Environment(env::GH_HOST.name.to_owned())));
        }
        for key in KEYS {
            for (name, variable) in key.names().into_iter().zip(key.variables) {
                if let Some(text) = environment.get(*variable) {
                    let origin = Origin::Environment(variable.name.to_owned());
                    self.typed(key, name, text, (from, origin))?;
                }
            }
        }
        Ok(())
    }

    /// Lays the flags over what is there.
    pub(super) fn flags(&mut self, flags: &[Flag], from: From<'_>) -> Result<(), Error> {
        for flag in flags {
            if let Some((key, _)) = keys::find(flag.key) {
                let origin = Origin::Flag(flag.flag.to_owned());
                self.typed(key, flag.key.to_owned(), &flag.value, (from, origin))?;
            }
        }
        Ok(())
    }

    fn typed(&mut self, key: &Key, name: String, text: &str, place: (From<'_>, Origin)) -> Result<(), Error> {
        let (from, origin) = place;
        let value = value::from_text(key.kind, text, from);
        let value =
            value.map_err(|wrong| Error::Value { place: origin.to_string(), key: name.clone(), wrong })?;
        self.values.insert(name, (value, origin));
        Ok(())
    }

    /// The value of a key, if it has one.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.asked.borrow_mut().insert(name.to_owned());
        self.values.get(name).map(|(value, _)| value)
    }

    /// Where the value of a key came from.
    pub(super) fn origin(&self, name: &str) -> Origin {
        self.values.get(name).map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// The origins of everything that has a value.
    pub(super) fn origins(&self) -> BTreeMap<String, Origin> {
        self.values.iter().map(|(name, (_, origin))| (name.clone(), origin.clone())).collect()
    }

    /// The keys that were asked for, for the law that every key is used.
    #[cfg(test)]
    pub(super) fn asked(&self) -> BTreeSet<String> {
        self.asked.borrow().clone()
    }
}

impl File<'_> {
    /// The line of a byte, from 1.
    fn line(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|byte| *byte == b'\n').count()
    }

    fn may_set(&self, from: Owner, name: &str, line: usize) -> Result<(), Error> {
        if from == Owner::Anywhere || self.owner == Owner::User {
            return Ok(());
        }
        let user_file = self.users_own.map(PathBuf::from);
        Err(Error::NotHere { path: self.path.to_owned(), line, key: name.to_owned(), user_file })
    }

    fn wrong(&self, line: usize, name: &str, wrong: String) -> Error {
        Error::Value { place: format!("`{}`, line {line}", self.path.display()), key: name.to_owned(), wrong }
    }

    fn unknown(&self, line: usize, name: &str, nearest: Option<String>) -> Error {
        Error::UnknownKey { path: self.path.to_owned(), line, key: name.to_owned(), nearest }
    }
}

/// The known name that is nearest, if it is near: at most a third of its letters differ.
fn nearest(name: &str, known: impl Iterator<Item = String>) -> Option<String> {
    let distance = |known: String| (strsim::damerau_levenshtein(name, &known), known);
    let (distance, known) = known.map(distance).min()?;
    (distance <= known.len().div_ceil(3)).then_some(known)
}

/// The facts of a model with the fields of a table over them.
fn overlaid(known: Option<&ModelFacts>, fields: &DeValue<'_>) -> Result<ModelFacts, serde_json::Error> {
    let mut facts = known.map_or_else(|| Ok(Json::Object(serde_json::Map::new())), serde_json::to_value)?;
    if let (Some(facts), Json::Object(fields)) = (facts.as_object_mut(), json(fields)) {
        facts.extend(fields);
    }
    serde_json::from_value(facts)
}

fn json(value: &DeValue<'_>) -> Json {
    match value {
        DeValue::String(text) => Json::String(text.to_string()),
        DeValue::Integer(number) => {
            number.as_str().replace('_', "").parse::<i64>().map_or(Json::Null, Json::from)
        }
        DeValue::Float(number) => {
            number.as_str().replace('_', "").parse::<f64>().map_or(Json::Null, Json::from)
        }
        DeValue::Boolean(truth) => Json::Bool(*truth),
        DeValue::Datetime(date) => Json::String(date.to_string()),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect(),
        DeValue::Table(table) => {
            table.iter().map(|(key, value)| (key.get_ref().to_string(), json(value.get_ref()))).collect()
        }
    }
}
