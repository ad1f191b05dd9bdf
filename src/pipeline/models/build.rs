//! Building models in the warehouse, all in one transaction: a reader sees them as they were, or as they are.
//!
//! A model is known by its fingerprint, of its SQL, its options and the models that it reads, and it stands
//! on a stamp of what it read: of the columns for a view, of the rows for a table. Where both are as they
//! were, it may stand; in doubt it is made anew. An incremental model of the same fingerprint and columns
//! keeps its table, and the rows of its increment take the place of those with the same key.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::sight::{Made, Sight};
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

/// Which models are built, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// Which.
    pub which: Which,
    /// What becomes of the rows that incremental ones have.
    pub increments: Increments,
}

/// Which models are built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Which {
    /// All.
    #[default]
    All,
    /// Those that are not what they were, or read what is not what it was.
    Changed,
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

/// Builds models, which stand in the order of their references; returns those that it built. What was a
/// model and is none any more goes.
pub fn build(
    warehouse: &Warehouse,
    spec: &Spec,
    models: &[Model],
    extent: Extent,
) -> Result<Vec<Built>, Error> {
    let built = warehouse.transact(|writer| {
        let (before, sight) = (before(writer, spec)?, Sight::open(writer)?);
        let mut later: BTreeSet<_> = models.iter().map(|model| model.name.as_str()).collect();
        let mut building = Building { writer, spec, before, extent, sight };
        building.clear(&later)?;
        let mut built = Vec::new();
        for model in models {
            later.remove(model.name.as_str());
            let how = building.model(model, &later).map_err(|error| error.of(model))?;
            built.extend((how != Due::Not).then_some(model));
        }
        Ok::<_, Error>(built)
    })?;
    let count = |model: &&Model| count(warehouse, model).map_err(|error| Error::from(error).of(model));
    built.iter().map(count).collect()
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
    /// Of what it read.
    stamp: Option<String>,
    /// What it became, as DuckDB writes it; `None` where that is no more there.
    kind: Option<&'static str>,
}

/// Models are told by their pipeline. One without is from the time when there was one pipeline.
const OWN: &str = "(pipeline IS NULL OR pipeline = ?)";

fn before(writer: &Writer<'_>, spec: &Spec) -> Result<BTreeMap<String, Before>, warehouse::Error> {
    let sql = format!(
        "SELECT name, fingerprint, stamp, table_type FROM planwright.models LEFT JOIN information_schema.tables \
         ON table_catalog = current_database() AND table_schema = 'main' AND table_name = name WHERE {OWN}"
    );
    let row = |row: Vec<Value>| {
        let text = |index| row.get(index).and_then(Value::as_str).map(str::to_owned);
        let kind = text(3).map(|kind| if kind == "VIEW" { "VIEW" } else { "TABLE" });
        Some((text(0)?, Before { fingerprint: text(1), stamp: text(2), kind }))
    };
    Ok(writer.select(&sql, &[Cell::text(&spec.name)])?.into_iter().filter_map(row).collect())
}

/// What is to be done with a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// Nothing.
    Not,
    /// Its increment is added.
    Increment,
    /// It is made anew.
    Anew,
}

/// What is to be done with a model that reads what has this stamp now. Without a stamp nobody knows whether
/// it is what it was.
fn due(model: &Model, made: &Made, stamp: Option<&str>, before: &Before, extent: Extent) -> Due {
    let kind = model.options.kind;
    let is_as_it_was =
        before.kind == Some(word(kind)) && before.fingerprint.as_ref() == Some(&made.fingerprint);
    let incremental = kind == ModelKind::Incremental;
    if !is_as_it_was || (incremental && extent.increments == Increments::Anew) {
        return Due::Anew;
    }
    let stands = stamp.is_some() && before.stamp.as_deref() == stamp;
    let rests = kind == ModelKind::View || !made.is_touched;
    match (extent.which, stands && rests) {
        (Which::Changed, true) => Due::Not,
        _ if incremental => Due::Increment,
        _ => Due::Anew,
    }
}

/// What a model becomes, as DuckDB writes it.
const fn word(kind: ModelKind) -> &'static str {
    match kind {
        ModelKind::View => "VIEW",
        ModelKind::Table | ModelKind::Incremental => "TABLE",
    }
}

/// Models on their way into the warehouse.
struct Building<'a> {
    writer: &'a Writer<'a>,
    spec: &'a Spec,
    before: BTreeMap<String, Before>,
    extent: Extent,
    sight: Sight<'a>,
}

impl Building<'_> {
    /// Drops what is a model no more.
    fn clear(&self, models: &BTreeSet<&str>) -> Result<(), Error> {
        let mut gone = self.before.iter().filter(|(name, _)| !models.contains(name.as_str()));
        gone.try_for_each(|(name, before)| self.forget(name, before))
    }

    fn forget(&self, name: &str, before: &Before) -> Result<(), Error> {
        if let Some(kind) = before.kind {
            self.writer.execute(&format!("DROP {kind} {}", quoted(name)), &[])?;
        }
        self.strike(name)
    }

    fn strike(&self, name: &str) -> Result<(), Error> {
        let sql = format!("DELETE FROM planwright.models WHERE name = ? AND {OWN}");
        self.writer.execute(&sql, &[Cell::text(name), Cell::text(&self.spec.name)])?;
        Ok(())
    }

    /// Does with a model what is to be done. `later` are those that come after it.
    fn model(&mut self, model: &Model, later: &BTreeSet<&str>) -> Result<Due, Error> {
        let mut made = self.look(model, later)?;
        let stamp = match model.options.kind {
            ModelKind::View => Some(self.sight.shape(&made.inputs)?),
            ModelKind::Table | ModelKind::Incremental => self.sight.rows(&made)?,
        };
        let before = self.before.get(&model.name);
        let mut done = before.map_or(Due::Anew, |it| due(model, &made, stamp.as_deref(), it, self.extent));
        if done == Due::Increment {
            if increment::add(self.writer, model)? {
                self.strike(&model.name)?;
            } else {
                done = Due::Anew;
            }
        }
        if done == Due::Anew {
            if let Some(before) = before {
                self.forget(&model.name, before)?;
            }
            self.create(model)?;
        }
        if done != Due::Not {
            let [name, pipeline, fingerprint] =
                [&model.name, &self.spec.name, &made.fingerprint].map(Cell::text);
            let cells = [name, pipeline, fingerprint, store::optional(stamp.as_deref())];
            let sql =
                "INSERT INTO planwright.models (name, pipeline, fingerprint, stamp) VALUES (?, ?, ?, ?)";
            self.writer.execute(sql, &cells)?;
            made.is_touched = true;
        }
        self.sight.note(&model.name, made);
        Ok(done)
    }

    /// What a model is and reads.
    fn look(&self, model: &Model, later: &BTreeSet<&str>) -> Result<Made, Error> {
        let mut reads = self.writer.reads(&model.sql)?;
        if let Some(increment) = &model.increment {
            reads.add(self.writer.reads(increment)?);
        }
        let inputs = self.sight.inputs((&model.name, &model.place), &mut reads, later)?;
        let read: Vec<_> = inputs.iter().filter_map(|input| self.sight.model(input)).collect();
        let own = format!("{:?}", (&model.sql, &model.increment, &model.options, &model.description));
        let prints = read.iter().map(|made| made.fingerprint.clone());
        let fingerprint = store::digest(std::iter::once(own).chain(prints));
        let is_touched = read.iter().any(|made| made.is_touched);
        let sql = format!("{} {}", model.sql, model.increment.as_deref().unwrap_or_default());
        Ok(Made { fingerprint, sql, reads, inputs, is_touched })
    }

    fn create(&self, model: &Model) -> Result<(), Error> {
        let (kind, name) = (word(model.options.kind), quoted(&model.name));
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
