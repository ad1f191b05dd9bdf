//! Building models in the warehouse, all in one transaction: a reader sees them as they were, or as they are.
//!
//! Views and tables are made anew. An incremental model keeps its table while its SQL, its options, its
//! columns and the models that it reads are what they were; then its increment is run, and the rows of it
//! take the place of those with the same key.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{Error, Model, increment};
use crate::pipeline::schema::Cell;
use crate::pipeline::spec::{ModelKind, Spec};
use crate::pipeline::store;
use crate::pipeline::warehouse::{self, Warehouse, Writer, literal, quoted};

/// A model that was built.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Built {
    /// The model.
    pub name: String,
    /// Rows in it.
    pub rows: u64,
}

/// What becomes of the rows that an incremental model has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Increments {
    /// They stay, but for those that new ones take the place of.
    #[default]
    Added,
    /// They go: the model is made anew from its whole SQL.
    Anew,
}

/// Builds the models, which stand in the order of their references. What was a model and is none any more
/// goes.
pub fn build(
    warehouse: &Warehouse,
    spec: &Spec,
    models: &[Model],
    increments: Increments,
) -> Result<Vec<Built>, Error> {
    warehouse.transact(|writer| {
        let before = before(writer, spec)?;
        let mut building = Building { writer, spec, before, increments, fingerprints: BTreeMap::new() };
        building.clear(models)?;
        models.iter().try_for_each(|model| building.model(model).map_err(|error| error.of(model)))
    })?;
    models.iter().map(|model| count(warehouse, model).map_err(|error| Error::from(error).of(model))).collect()
}

fn count(warehouse: &Warehouse, model: &Model) -> Result<Built, warehouse::Error> {
    let rows = warehouse.select(&format!("SELECT count(*) FROM {}", quoted(&model.name)), &[])?;
    let rows = rows.first().and_then(|row| row.first()).and_then(Value::as_u64).unwrap_or(0);
    Ok(Built { name: model.name.clone(), rows })
}

/// A model as it was made before.
#[derive(Debug)]
struct Before {
    fingerprint: Option<String>,
    /// What it became, as DuckDB writes it; `None` where that is no more there.
    kind: Option<&'static str>,
}

/// Models are told by their pipeline. One without is from the time when there was one pipeline.
const OWN: &str = "(pipeline IS NULL OR pipeline = ?)";

fn before(writer: &Writer<'_>, spec: &Spec) -> Result<BTreeMap<String, Before>, warehouse::Error> {
    let sql = format!(
        "SELECT name, fingerprint, table_type FROM planwright.models LEFT JOIN information_schema.tables \
         ON table_catalog = current_database() AND table_schema = 'main' AND table_name = name WHERE {OWN}"
    );
    let row = |row: Vec<Value>| {
        let text = |index| row.get(index).and_then(Value::as_str).map(str::to_owned);
        let kind = text(2).map(|kind| if kind == "VIEW" { "VIEW" } else { "TABLE" });
        Some((text(0)?, Before { fingerprint: text(1), kind }))
    };
    Ok(writer.select(&sql, &[Cell::text(&spec.name)])?.into_iter().filter_map(row).collect())
}

/// Models on their way into the warehouse.
struct Building<'a> {
    writer: &'a Writer<'a>,
    spec: &'a Spec,
    before: BTreeMap<String, Before>,
    increments: Increments,
    /// Of the models that were built already.
    fingerprints: BTreeMap<String, String>,
}

impl Building<'_> {
    /// Drops what is a model no more.
    fn clear(&self, models: &[Model]) -> Result<(), Error> {
        for (name, before) in &self.before {
            if !models.iter().any(|model| model.name == *name) {
                self.forget(name, before)?;
            }
        }
        Ok(())
    }

    fn forget(&self, name: &str, before: &Before) -> Result<(), Error> {
        if let Some(kind) = before.kind {
            self.writer.execute(&format!("DROP {kind} {}", quoted(name)), &[])?;
        }
        let sql = format!("DELETE FROM planwright.models WHERE name = ? AND {OWN}");
        self.writer.execute(&sql, &[Cell::text(name), Cell::text(&self.spec.name)])?;
        Ok(())
    }

    fn model(&mut self, model: &Model) -> Result<(), Error> {
        self.writer.check_select(&model.sql)?;
        let fingerprint = self.fingerprint(model);
        self.fingerprints.insert(model.name.clone(), fingerprint.clone());
        let before = self.before.get(&model.name);
        let is_kept = self.increments == Increments::Added
            && before.is_some_and(|before| {
                before.kind == Some("TABLE") && before.fingerprint.as_ref() == Some(&fingerprint)
            });
        if is_kept && increment::add(self.writer, model)? {
            return Ok(());
        }
        if let Some(before) = before {
            self.forget(&model.name, before)?;
        }
        self.create(model)?;
        let cells = [&model.name, &self.spec.name, &fingerprint].map(Cell::text);
        let sql = "INSERT INTO planwright.models (name, pipeline, fingerprint) VALUES (?, ?, ?)";
        self.writer.execute(sql, &cells)?;
        Ok(())
    }

    /// Tells whether a model is what it was: by its SQL, its options and the models that it reads.
    fn fingerprint(&self, model: &Model) -> String {
        let own = format!("{:?}", (&model.sql, &model.increment, &model.options, &model.description));
        let reads = model.reads.iter().filter_map(|name| self.fingerprints.get(name)).cloned();
        store::digest(std::iter::once(own).chain(reads))
    }

    fn create(&self, model: &Model) -> Result<(), Error> {
        let kind = match model.options.kind {
            ModelKind::View => "VIEW",
            ModelKind::Table | ModelKind::Incremental => "TABLE",
        };
        let name = quoted(&model.name);
        increment::check_columns(self.writer, model)?;
        self.writer.execute(&format!("CREATE {kind} {name} AS\n{}", model.sql), &[])?;
        increment::check_rows(self.writer, model, &name)?;
        let comment = format!("COMMENT ON {kind} {name} IS {}", literal(&model.description));
        self.writer.execute(&comment, &[])?;
        for (column, text) in &model.options.columns {
            let comment = format!("COMMENT ON COLUMN {name}.{} IS {}", quoted(column), literal(text));
            self.writer.execute(&comment, &[])?;
        }
        Ok(())
    }
}
