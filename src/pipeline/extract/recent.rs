//! Reading only what is recent of listings that were never read, and not forgetting that this was so.
//!
//! A table that begins at a time looks like any other, so it is written down before anything of it is read,
//! said with every outcome, and never compared with what the source counts, which would bring the rest. A
//! resource that is read whole and anew is whole again.

use std::collections::HashMap;

use super::listing::Begin;
use super::parents::Known;
use super::{Error, Extraction};
use crate::pipeline::cursor::later;
use crate::pipeline::source::Source;
use crate::pipeline::spec::Resource;
use crate::pipeline::store;
use crate::pipeline::warehouse::{self, Warehouse};

/// What the facts of it begin with.
const FACT: &str = "since ";

/// From when on resources were read, by name, where that was not from the beginning.
pub(super) fn read(warehouse: &Warehouse, origin: &str) -> Result<HashMap<String, String>, warehouse::Error> {
    let of = |(name, since): (String, String)| {
        let resource = name.strip_prefix(FACT)?.strip_suffix(origin)?.strip_suffix(' ')?;
        Some((resource.to_owned(), since))
    };
    Ok(store::facts(warehouse, FACT)?.into_iter().filter_map(of).collect())
}

impl<S: Source> Extraction<'_, S> {
    /// Lets listings that were never read begin at the time that was asked for.
    pub(super) fn begin_late(
        &self,
        resource: &Resource,
        begins: &mut [Begin],
        known: &mut Known,
    ) -> Result<(), Error> {
        let Some(since) = self.options.since.filter(|_| !self.options.full) else { return Ok(()) };
        let since = since.to_string();
        let late = begins.iter_mut().filter_map(|begin| {
            let Begin { route, cursor, .. } = begin;
            route.begin_at(&since, cursor).then_some(())
        });
        if late.count() > 0 {
            let before = known.recent.remove(&resource.name);
            let latest = later(before, Some(since)).unwrap_or_default();
            self.warehouse.write(|writer| store::set_fact(writer, &self.fact_of(resource), &latest))?;
            known.recent.insert(resource.name.clone(), latest);
        }
        Ok(())
    }

    /// What is to be said of a resource that was read to its end; after all of it was read anew, nothing.
    pub(super) fn recent(
        &self,
        resource: &Resource,
        whole: bool,
        known: &mut Known,
    ) -> Result<Option<String>, Error> {
        if whole && self.options.full && known.recent.remove(&resource.name).is_some() {
            self.warehouse.write(|writer| store::forget_fact(writer, &self.fact_of(resource)))?;
        }
        // What hangs below rows that were not read was not read either.
        let above = |resource: &&Resource| self.spec.resource(resource.parent.as_deref()?);
        Ok(std::iter::successors(Some(resource), above).find_map(|resource| {
            let (name, since) = known.recent.get_key_value(&resource.name)?;
            Some(format!("`{name}` holds what changed since {since}; `--full` reads all"))
        }))
    }

    fn fact_of(&self, resource: &Resource) -> String {
        format!("{FACT}{} {}", resource.name, self.options.origin)
    }
}
