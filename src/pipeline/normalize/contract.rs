//! What a resource's contract makes of an item that its columns did not foresee.

use serde_json::Value;

use super::super::schema::{self, Kind};
use super::super::spec::{Resource, Rule};
use super::part::members;
use super::{Item, Refusal, Shape, Unreadable};

/// Whether a column or a child takes a top-level key of an item.
pub(super) fn takes(resource: &Resource, key: &str) -> bool {
    let head = |from: &str| from.split('.').next().is_some_and(|head| head.trim_end_matches("[]") == key);
    resource.columns.iter().any(|column| head(&column.from) || column.name == key)
        || resource.children.iter().any(|child| head(&child.from))
}

/// The paths that columns and children take out of an item.
pub(super) fn taken(resource: &Resource) -> Vec<String> {
    let columns = resource.columns.iter().map(|column| &column.from).filter(|from| !from.starts_with('@'));
    let paths = columns.chain(resource.children.iter().map(|child| &child.from));
    paths.map(|from| from.split("[]").next().unwrap_or_default().to_owned()).collect()
}

impl Shape {
    /// Why an item stays out of the table, if its contract says so; with `freeze`, that is an error.
    /// `misfit` is the first column whose value does not fit.
    pub(super) fn judge(
        &self,
        item: &Item<'_>,
        misfit: Option<(&str, Kind)>,
    ) -> Result<Option<Refusal>, Unreadable> {
        let contract = self.resource().contract;
        let unknown = match contract.columns {
            Rule::Freeze | Rule::DiscardRow => self.unknown(&item.body),
            Rule::Evolve | Rule::DiscardValue => None,
        };
        let unknown = unknown.map(|column| Refusal { column, reason: "no column takes this key".to_owned() });
        let misfit = misfit.map(|(column, kind)| Refusal {
            column: column.to_owned(),
            reason: format!("not a {}", kind.sql()),
        });
        for (rule, surprise) in [(contract.columns, unknown), (contract.data_type, misfit)] {
            match (rule, surprise) {
                (Rule::Freeze, Some(Refusal { column, reason })) => {
                    return Err(Unreadable::Frozen { position: item.index + 1, column, reason });
                }
                (Rule::DiscardRow, Some(refusal)) => return Ok(Some(refusal)),
                _ => {}
            }
        }
        Ok(None)
    }

    /// The first top-level key that nothing takes.
    fn unknown(&self, body: &str) -> Option<String> {
        let resource = self.resource();
        let is_time = |name: &str| resource.incremental.as_ref().is_some_and(|how| how.field == name);
        let mut names = members(body)?.into_iter().map(|(name, _)| name.into_owned());
        names.find(|name| !is_time(name) && !takes(resource, name))
    }

    /// Takes values out that do not fit columns that do not follow the data.
    pub(super) fn misfits(&self, values: &mut [(String, Value)]) -> Vec<(String, Value)> {
        let mut misfits = Vec::new();
        if self.resource().contract.data_type == Rule::Evolve {
            return misfits;
        }
        for (name, value) in values {
            let column = self.columns.iter().find(|column| column.name == *name);
            if column.is_some_and(|column| schema::cell(value.clone(), column.kind).is_err()) {
                misfits.push((name.clone(), value.take()));
            }
        }
        misfits
    }
}
