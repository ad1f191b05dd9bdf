//! What a model reads, as it is now: its columns, and a stamp of its rows.
//!
//! The stamp of a table is its columns, the number of its rows and the sum of a hash of each: whoever wrote
//! to it and however, it is another one. A counter that the loader raises would be cheaper, and wrong with
//! the first writer that forgets it. It costs one reading of the table, and only those are read that a
//! model which is a table depends on. What DuckDB does not answer the same way twice has no stamp.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Error;
use crate::pipeline::store;
use crate::pipeline::warehouse::{self, Reads, Relation, Writer, quoted};

/// The schemas whose tables change only by loading and building.
const STEADY: [&str; 3] = ["main", "history", "planwright"];

/// What stands in the warehouse, looked at once, and only where it decides something.
pub(super) struct Sight<'a> {
    writer: &'a Writer<'a>,
    there: BTreeSet<Relation>,
    made: BTreeMap<String, Made>,
    shapes: BTreeMap<Relation, String>,
    stamps: BTreeMap<Relation, Option<String>>,
    unsteady: Option<BTreeSet<String>>,
}

/// A model that stands now.
#[derive(Debug, Clone)]
pub(super) struct Made {
    /// Of its SQL, its options, and the models that it reads.
    pub(super) fingerprint: String,
    /// What its SQL says, the whole and the increment.
    pub(super) sql: String,
    /// What it reads.
    pub(super) reads: Reads,
    /// The tables and views among that.
    pub(super) inputs: Vec<Relation>,
    /// Whether its rows may be others than before: they were made, or those that it reads were.
    pub(super) is_touched: bool,
}

impl<'a> Sight<'a> {
    /// Opens the eyes.
    pub(super) fn open(writer: &'a Writer<'a>) -> Result<Self, warehouse::Error> {
        let sql = "SELECT lower(table_schema), lower(table_name) FROM information_schema.tables";
        let relation = |row: Vec<Value>| {
            let text = |index: usize| row.get(index).and_then(Value::as_str).map(str::to_owned);
            Some(Relation { schema: text(0)?, name: text(1)? })
        };
        let there = writer.select(sql, &[])?.into_iter().filter_map(relation).collect();
        let (made, shapes, stamps, unsteady) = Default::default();
        Ok(Self { writer, there, made, shapes, stamps, unsteady })
    }

    /// The tables and views that a model reads. Its own table is none of them, nor is what WITH names; what is
    /// neither is not known to the warehouse. `later` are models that are built after it.
    pub(super) fn inputs(
        &self,
        (name, place): (&str, &str),
        reads: &mut Reads,
        later: &BTreeSet<&str>,
    ) -> Result<Vec<Relation>, Error> {
        let mut inputs = Vec::new();
        let is_own = |relation: &Relation| relation.schema == "main" && relation.name == name;
        for relation in reads.tables.iter().filter(|relation| !is_own(relation)) {
            let is_main = relation.schema == "main";
            let is_named = is_main && reads.named.contains(&relation.name);
            let is_later = is_main && later.contains(relation.name.as_str());
            if is_later && !is_named {
                return Err(Error::Later { place: place.to_owned(), name: relation.name.clone() });
            }
            let is_there = self.there.contains(relation) || self.model(relation).is_some();
            if is_there && !is_later {
                inputs.push(relation.clone());
            }
            reads.is_open |= !is_there && !is_named;
        }
        Ok(inputs)
    }

    /// Notes a model that stands.
    pub(super) fn note(&mut self, name: &str, made: Made) {
        self.made.insert(name.to_owned(), made);
    }

    /// The model that a relation is.
    pub(super) fn model(&self, relation: &Relation) -> Option<&Made> {
        self.made.get(&relation.name).filter(|_| relation.schema == "main")
    }

    /// A stamp of the columns of what is read.
    pub(super) fn shape(&mut self, inputs: &[Relation]) -> Result<String, Error> {
        let shapes = inputs.iter().map(|input| self.shape_of(input));
        Ok(store::digest(shapes.collect::<Result<Vec<_>, _>>()?))
    }

    fn shape_of(&mut self, relation: &Relation) -> Result<String, warehouse::Error> {
        if let Some(shape) = self.shapes.get(relation) {
            return Ok(shape.clone());
        }
        let shape = format!("{:?}", self.writer.columns_of(&format!("FROM {}", sql(relation)))?);
        self.shapes.insert(relation.clone(), shape.clone());
        Ok(shape)
    }

    /// A stamp of the rows that this model's SQL gives; none where that is another one each time.
    pub(super) fn rows(&mut self, made: &Made) -> Result<Option<String>, Error> {
        if made.reads.is_open || asks_for_time(&made.sql) || self.calls_unsteady(&made.reads)? {
            return Ok(None);
        }
        let mut stamps = vec![made.fingerprint.clone()];
        for input in &made.inputs {
            let Some(stamp) = self.stamp(input)? else { return Ok(None) };
            stamps.push(stamp);
        }
        Ok(Some(store::digest(stamps)))
    }

    fn stamp(&mut self, relation: &Relation) -> Result<Option<String>, Error> {
        if let Some(stamp) = self.stamps.get(relation) {
            return Ok(stamp.clone());
        }
        let stamp = match self.model(relation).cloned() {
            Some(made) => self.rows(&made)?,
            None if STEADY.contains(&relation.schema.as_str()) => Some(self.hash(relation)?),
            None => None,
        };
        self.stamps.insert(relation.clone(), stamp.clone());
        Ok(stamp)
    }

    fn hash(&mut self, relation: &Relation) -> Result<String, Error> {
        let shape = self.shape_of(relation)?;
        let hash = format!(
            "SELECT count(*)::VARCHAR, sum(hash(_planwright_row))::VARCHAR FROM {} AS _planwright_row",
            sql(relation)
        );
        let found = self.writer.select(&hash, &[])?;
        Ok(store::digest([shape, format!("{found:?}")]))
    }

    /// Whether a function among them gives another answer each time, as DuckDB itself says.
    fn calls_unsteady(&mut self, reads: &Reads) -> Result<bool, Error> {
        if self.unsteady.is_none() {
            let sql = "SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE stability <> 'CONSISTENT'";
            let names = self.writer.select(sql, &[])?.into_iter();
            let names = names.filter_map(|row| Some(row.first()?.as_str()?.to_owned()));
            // The age of one time is that until now.
            self.unsteady = Some(names.chain(["age".to_owned()]).collect());
        }
        Ok(self.unsteady.as_ref().is_some_and(|unsteady| !unsteady.is_disjoint(&reads.functions)))
    }
}

fn sql(relation: &Relation) -> String {
    format!("{}.{}", quoted(&relation.schema), quoted(&relation.name))
}

/// Whether what the SQL says may change by waiting.
pub(crate) fn asks_for_time(sql: &str) -> bool {
    let sql: String = sql.to_lowercase().split_whitespace().collect();
    let words = ["now(", "today(", "current_date", "current_time", "get_current", "localtime"];
    words.iter().any(|word| sql.contains(word))
}

#[cfg(test)]
mod tests {
    use super::asks_for_time;

    #[test]
    fn sql_that_asks_for_the_time_is_told() {
        assert!(asks_for_time("SELECT 1 WHERE max_at < NOW () - INTERVAL 1 DAY"));
        assert!(asks_for_time("SELECT current_timestamp"));
        assert!(!asks_for_time("SELECT number FROM issues WHERE title = 'know'"));
    }
}
