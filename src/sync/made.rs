//! What is made of loaded data: models and data tests; and whether they stand as they were made before.

use std::collections::BTreeMap;

use super::Error;
use crate::pipeline::data_tests::{self, About, DataTest, Expect, Tested};
use crate::pipeline::models::{self, Built, Increments, Model};
use crate::pipeline::see::See;
use crate::pipeline::spec::{ModelKind, Spec};
use crate::pipeline::store;
use crate::pipeline::warehouse::Warehouse;

/// The models and data tests of a pipeline.
pub(super) struct Made<'a> {
    pub(super) spec: &'a Spec,
    pub(super) models: &'a [Model],
    pub(super) tests: &'a [DataTest],
    pub(super) increments: Increments,
}

impl Made<'_> {
    /// Whether just these were made and held when data last came. What asks for the time never stands.
    pub(super) fn stand(&self, warehouse: &Warehouse) -> bool {
        let tables = self.models.iter().filter(|model| model.options.kind != ModelKind::View);
        let tables = tables.map(|model| &model.sql);
        let mut texts = tables.chain(self.tests.iter().map(|test| &test.sql));
        !texts.any(|sql| asks_for_time(sql)) && store::fact(warehouse, &self.name()) == Some(self.digest())
    }

    /// Builds the models and runs the tests.
    pub(super) fn make(&self, warehouse: &Warehouse) -> Result<(Vec<Built>, Vec<Tested>), Error> {
        let built = models::build(warehouse, self.spec, self.models, self.increments)?;
        let everywhere = self.tests.iter().filter(|test| test.about == About::Everything);
        let tested: Vec<_> = everywhere.map(|test| data_tests::run(warehouse, test, See::Own)).collect();
        let held = tested.iter().all(|test| test.green);
        let digest = if held { self.digest() } else { String::new() };
        warehouse.write(|writer| store::set_fact(writer, &self.name(), &digest))?;
        Ok((built, tested))
    }

    fn name(&self) -> String {
        format!("models {}", self.spec.name)
    }

    fn digest(&self) -> String {
        let models = self.models.iter();
        let models = models.map(|model| format!("{:?}", (&model.name, &model.description, &model.sql)));
        let tests = self.tests.iter().map(|test| {
            // The columns of an expected row come in no order.
            let expect = match &test.expect {
                Expect::Rows(rows) => rows.as_slice(),
                Expect::Nothing | Expect::Snapshot(_) => &[],
            };
            let expect = expect.iter().map(|row| row.iter().collect::<BTreeMap<_, _>>());
            format!("{:?}", (&test.name, &test.about, &test.sql, expect.collect::<Vec<_>>()))
        });
        let options = format!("{:?}", self.spec.models);
        store::digest(models.chain(tests).chain([options]))
    }
}

/// Whether what the SQL says may change by waiting.
fn asks_for_time(sql: &str) -> bool {
    let sql = sql.to_lowercase();
    ["now(", "today(", "current_date", "current_time", "get_current"].iter().any(|word| sql.contains(word))
}

#[cfg(test)]
mod tests {
    use super::asks_for_time;

    #[test]
    fn sql_that_asks_for_the_time_is_told() {
        assert!(asks_for_time("SELECT 1 WHERE max_at < NOW() - INTERVAL 1 DAY"));
        assert!(asks_for_time("SELECT current_timestamp"));
        assert!(!asks_for_time("SELECT number FROM issues WHERE title = 'know'"));
    }
}
