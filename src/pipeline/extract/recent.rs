//! Reading only what is recent of listings that were never read, and not forgetting that this was so.
//!
//! A table that begins at a time looks like any other, so it is written down before anything of it is read,
//! said with every outcome, and never compared with what the source counts, which would bring the rest. A
//! resource that is read whole and anew is whole again.

use super::listing::Begin;
use super::{Error, Extraction};
use crate::pipeline::cursor::later;
use crate::pipeline::source::Source;
use crate::pipeline::spec::Resource;
use crate::pipeline::store;

impl<S: Source> Extraction<'_, S> {
    /// Lets listings that were never read begin at the time that was asked for.
    pub(super) fn begin_late(&self, resource: &Resource, begins: &mut [Begin]) -> Result<(), Error> {
        let Some(since) = self.options.since.filter(|_| !self.options.full) else { return Ok(()) };
        let since = since.to_string();
        let late = begins.iter_mut().filter_map(|begin| {
            let Begin { route, cursor, .. } = begin;
            route.begin_at(&since, cursor).then_some(())
        });
        if late.count() > 0 {
            let name = self.fact_of(resource);
            let latest = later(store::fact(self.warehouse, &name), Some(since)).unwrap_or_default();
            self.warehouse.write(|writer| store::set_fact(writer, &name, &latest))?;
        }
        Ok(())
    }

    /// Whether only what is recent was read of it.
    pub(super) fn is_recent(&self, resource: &Resource) -> bool {
        store::fact(self.warehouse, &self.fact_of(resource)).is_some()
    }

    /// What is to be said of it after it was read to its end; after all of it was read anew, nothing.
    pub(super) fn recent(&self, resource: &Resource, whole: bool) -> Result<Option<String>, Error> {
        if whole && self.options.full && self.is_recent(resource) {
            let name = self.fact_of(resource);
            self.warehouse.write(|writer| store::forget_fact(writer, &name))?;
        }
        // What hangs below rows that were not read was not read either.
        let above = |resource: &&Resource| self.spec.resource(resource.parent.as_deref()?);
        let told = std::iter::successors(Some(resource), above).find_map(|resource| {
            let since = store::fact(self.warehouse, &self.fact_of(resource))?;
            let name = &resource.name;
            Some(format!("`{name}` holds what changed since {since}; `--full` reads all"))
        });
        Ok(told)
    }

    fn fact_of(&self, resource: &Resource) -> String {
        format!("since {} {}", resource.name, self.options.origin)
    }
}
