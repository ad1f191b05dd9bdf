//! What is made of loaded data: models and data tests; and whether they stand as they were made before.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Error;
use crate::pipeline::data_tests::{self, About, DataTest, Expect, Tested};
use crate::pipeline::models::{self, Built, Extent, Model, asks_for_time};
use crate::pipeline::see::See;
use crate::pipeline::spec::{ModelKind, Spec};
use crate::pipeline::store;
use crate::pipeline::warehouse::Warehouse;

/// The models and data tests of a pipeline.
pub(super) struct Made<'a> {
    pub(super) spec: &'a Spec,
    pub(super) models: &'a [Model],
    pub(super) tests: &'a [DataTest],
    pub(super) extent: Extent,
}

impl Made<'_> {
    /// Whether just these were made and held when data last came, of which `before` tells. What asks for the
    /// time never stands.
    pub(super) fn stand(&self, before: Option<&str>) -> bool {
        let ages = self.texts().any(asks_for_time) || self.tests.iter().any(DataTest::ages);
        !ages && before == Some(&self.digest())
    }

    /// Whether a table that was made, or a test, is about what runs cost: each run adds to that.
    pub(super) fn heeds_the_ledger(&self) -> bool {
        self.texts().any(|sql| sql.contains("ledger"))
    }

    /// The SQL whose answer was kept: of models that are tables, and of tests.
    fn texts(&self) -> impl Iterator<Item = &str> {
        let tables = self.models.iter().filter(|model| model.options.kind != ModelKind::View);
        let tables = tables.map(|model| model.sql.as_str());
        tables.chain(self.tests.iter().map(|test| test.sql.as_str()))
    }

    /// Notes that they stand, or nothing.
    pub(super) fn note(&self, warehouse: &Warehouse, stands: Option<&str>) -> Result<(), Error> {
        let name = name(self.spec);
        Ok(warehouse.write(|writer| store::set_fact(writer, &name, stands.unwrap_or_default()))?)
    }

    /// Builds the models and runs the tests.
    pub(super) fn make(
        &self,
        warehouse: &Warehouse,
        now: Timestamp,
    ) -> Result<(Vec<Built>, Vec<Tested>), Error> {
        let built = models::build(warehouse, self.spec, self.models, self.extent)?;
        let everywhere = self.tests.iter().filter(|test| test.about == About::Everything);
        let tested: Vec<_> =
            everywhere.map(|test| data_tests::run(warehouse, test, (See::Own, now))).collect();
        let held = tested.iter().all(|test| test.green);
        self.note(warehouse, held.then(|| self.digest()).as_deref())?;
        Ok((built, tested))
    }

    fn digest(&self) -> String {
        let models = self.models.iter();
        let models = models.map(|model| format!("{:?}", (&model.name, &model.description, &model.sql)));
        let tests = self.tests.iter().map(|test| {
            // The columns of an expected row come in no order.
            let expect = match &test.expect {
                Expect::Rows(rows) => rows.as_slice(),
                Expect::Nothing | Expect::Snapshot(_) | Expect::Within(_) => &[],
            };
            let expect = expect.iter().map(|row| row.iter().collect::<BTreeMap<_, _>>());
            format!("{:?}", (&test.name, &test.about, &test.sql, expect.collect::<Vec<_>>()))
        });
        // Tables that are shaped anew change what is made of them, though no row came.
        let spec = [format!("{:?}", self.spec.models), format!("{:?}", self.spec.resources)];
        store::digest(models.chain(tests).chain(spec))
    }
}

/// What was noted of a pipeline's models is taken back: from now on data may come, and whatever ends this
/// run before they are made of it, nobody says that they stand.
pub(super) fn take_back(warehouse: &Warehouse, spec: &Spec) -> Result<Option<String>, Error> {
    let noted = store::fact(warehouse, &name(spec)).filter(|noted| !noted.is_empty());
    if noted.is_some() {
        warehouse.write(|writer| store::forget_fact(writer, &name(spec)))?;
    }
    Ok(noted)
}

fn name(spec: &Spec) -> String {
    format!("models {}", spec.name)
}
