//! The models and data tests of a pipeline on what its warehouse holds: for people who write models. The
//! source is asked nothing.

use super::made::Made;
use super::{Error, Report, open, tell};
use crate::config::settings;
use crate::pipeline::models::{self, Extent};
use crate::pipeline::warehouse::{self, Place};
use crate::pipeline::{Folder, Spec, data_tests, store};
use crate::telemetry::Run;

/// What is built, and where.
#[derive(Debug, Clone, Copy)]
pub struct Rebuild<'a> {
    /// The pipeline.
    pub folder: &'a Folder,
    /// Where the warehouse is, which must be there.
    pub warehouse: &'a Place,
    /// The bounds.
    pub settings: &'a settings::Sync,
    /// Which models, and how.
    pub extent: Extent,
}

/// Builds a pipeline's models and runs its data tests.
pub async fn rebuild(run: &Run, options: &Rebuild<'_>) -> Result<Report, Error> {
    let spec = Spec::read(options.folder)?;
    let models = models::plan(options.folder, &spec)?;
    let tests = data_tests::read(options.folder, &spec)?;
    if let Some(path) = options.warehouse.file().filter(|_| options.warehouse.is_missing()) {
        return Err(warehouse::Error::NotThere { path: path.to_owned() }.into());
    }
    let (warehouse, _desk) = open(options.warehouse, options.settings).await?;
    store::lay_out(&warehouse)?;
    if !store::holds(&warehouse, &spec.name)? {
        return Err(Error::Unread { pipeline: spec.name });
    }
    let tests: Vec<_> = data_tests::due(&tests, &warehouse, &spec)?.into_iter().cloned().collect();
    run.events.stage("models", format!("{} models, {} data tests", models.len(), tests.len()));
    let made = Made { spec: &spec, models: &models, tests: &tests, extent: options.extent };
    let (models, tests) = made.make(&warehouse, run.clock.now())?;
    tell(&run.events, &models, &tests);
    Ok(Report { resources: Vec::new(), ledger_rows: 0, models, tests, interrupted: false })
}
