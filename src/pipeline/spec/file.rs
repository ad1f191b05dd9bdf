//! How people write a spec: the TOML of its files, and what becomes of it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::contract::{self, Contract, ContractFile};
use super::model::ModelFile;
use super::source::SourceFile;
use super::{
    Account, Child, Chosen, ColumnSpec, Disposition, Format, Graphql, Incremental, Order, Paging, Resource,
    Total, Touched,
};
use crate::pipeline::schema::Kind;

/// A pipeline: what is read from where, which models are built of it, and the values that they read.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SpecFile {
    /// What the pipeline is for.
    #[serde(default)]
    pub(super) description: String,
    /// `"github"`, or a table that names any REST API which answers JSON.
    pub(super) source: SourceFile,
    /// The listings to read, parents before children.
    #[serde(default)]
    pub(super) resources: Vec<ResourceFile>,
    /// Options of models, by name; a model without an entry is a view.
    #[serde(default)]
    pub(super) models: BTreeMap<String, ModelFile>,
    /// Values that models read with `var`.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub(super) vars: BTreeMap<String, toml::Value>,
}

/// A further file of a spec, below `resources/`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PartFile {
    /// The listings to read, parents before children.
    #[serde(default)]
    pub(super) resources: Vec<ResourceFile>,
    /// Options of models, by name.
    #[serde(default)]
    pub(super) models: BTreeMap<String, ModelFile>,
}

/// One listing and the table it fills.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResourceFile {
    /// Its name, which is its table's: lowercase letters, digits and `_`.
    #[schemars(with = "String")]
    pub(super) name: Spanned<String>,
    /// What one row is.
    #[serde(default)]
    description: String,
    /// The path below the API's base; `{column}` is filled from the parent's row.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(super) path: Option<Spanned<String>>,
    /// The path to take for each item that is chosen by its name, which fills its one `{column}`: the
    /// column that holds names.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub(super) chosen: Option<Spanned<String>>,
    /// The query sent along; `{column}` is filled as in the path.
    #[serde(default)]
    query: BTreeMap<String, Scalar>,
    /// The media type to ask for, where it is not the source's usual one.
    accept: Option<String>,
    /// SQL over the parent's row for what in `{braces}` is no column of it.
    #[serde(default)]
    pub(super) fill: BTreeMap<String, String>,
    /// The resource whose rows it is listed for; it stands above.
    #[schemars(with = "Option<String>")]
    pub(super) parent: Option<Spanned<String>>,
    /// A SQL condition on the parent's table: only for those rows is anything asked.
    #[schemars(with = "Option<String>")]
    only_if: Option<Spanned<String>>,
    /// Columns taken over from the parent's row: own name and parent's name.
    #[serde(default)]
    pub(super) inherit: BTreeMap<String, String>,
    /// The columns that together tell rows apart.
    #[schemars(with = "Vec<String>")]
    pub(super) key: Spanned<Vec<String>>,
    /// How it is read from where the last sync ended; without it, it is read whole each time.
    #[schemars(with = "Option<IncrementalFile>")]
    pub(super) incremental: Option<Incremental>,
    /// One listing that holds the rows of all parents, where the source has it.
    account: Option<AccountFile>,
    /// Reads a parent's listing again only after rows of another resource came for it.
    #[schemars(with = "Option<Touched>")]
    pub(super) touched: Option<Spanned<Touched>>,
    /// Other resources that are read before it, because its SQL reads them.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(super) after: Vec<Spanned<String>>,
    /// Whether the source itself forgets old rows: what leaves the listing stays in the table.
    #[serde(default)]
    pub(super) rolling: bool,
    /// Where the list is in an answer that is an object around it: `items`, or `data.items`.
    items: Option<String>,
    /// Keys of an item that are kept, as `user` or `user.login`; without any, all are.
    #[serde(default)]
    keep: Vec<String>,
    /// Keys of an item that are left out, as `head` or `head.repo`.
    #[serde(default)]
    drop: Vec<String>,
    /// Declared columns; without any, columns are inferred from the data.
    #[serde(default)]
    pub(super) columns: Vec<ColumnFile>,
    /// What becomes of data that the columns do not foresee: `evolve`, `freeze`, `discard_value` or
    /// `discard_row`, for all or for `columns` and `data_type`.
    #[serde(default)]
    #[schemars(with = "Option<contract::Written>")]
    contract: ContractFile,
    /// What a new reading of a row does to the one before; `merge` if left out.
    #[schemars(with = "Option<Disposition>")]
    pub(super) disposition: Option<Spanned<Disposition>>,
    /// Lists inside an item that have a table of their own.
    #[serde(default)]
    pub(super) children: Vec<ChildFile>,
    /// Whether it is read when nothing is chosen; it is, if this is left out.
    #[serde(default = "yes")]
    default: bool,
    /// How the next page is found, where it is not the source's usual way.
    #[schemars(with = "Option<Paging>")]
    pub(super) paging: Option<Spanned<Paging>>,
    /// Asks for the listings of many parents at once, by GraphQL; `path` is then the way where that is refused.
    #[schemars(with = "Option<Graphql>")]
    pub(super) graphql: Option<Spanned<Graphql>>,
    /// How many rows the source says there are, to be compared with those that are held.
    #[schemars(with = "Option<Total>")]
    pub(super) total: Option<Spanned<Total>>,
}

/// A list inside an item that has a table of its own: one row for each member.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChildFile {
    /// Its table: lowercase letters, digits and `_`.
    #[schemars(with = "String")]
    pub(super) name: Spanned<String>,
    /// What one row is.
    #[serde(default)]
    description: String,
    /// Where the list lies in the item: `labels`, or `commit.parents`.
    from: String,
    /// Columns taken over from the item's row: own name and the row's name.
    #[serde(default)]
    pub(super) inherit: BTreeMap<String, String>,
    /// Its columns; `from` lies in the member, and `@value` is the member itself.
    pub(super) columns: Vec<ColumnFile>,
}

const fn yes() -> bool {
    true
}

/// How a listing is read from a point on, by a time that moves when an item changes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct IncrementalFile {
    /// Where the item holds the time.
    field: String,
    /// How the source sorts by it: oldest first from a time on that it is told, or newest first.
    #[serde(default)]
    order: OrderName,
    /// Oldest first: the query parameter that takes the time.
    parameter: Option<String>,
    /// Oldest first: what is sent the first time.
    start: Option<String>,
    /// Oldest first: how the parameter is written.
    format: Option<Format>,
    /// Newest first: how many days before the last time seen items may still have changed.
    overlap_days: Option<u32>,
}

/// How a source sorts by time.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum OrderName {
    /// Oldest first.
    #[default]
    Ascending,
    /// Newest first.
    Descending,
}

impl TryFrom<IncrementalFile> for Incremental {
    type Error = &'static str;

    fn try_from(file: IncrementalFile) -> Result<Self, Self::Error> {
        let IncrementalFile { field, order, parameter, start, format, overlap_days } = file;
        let order = match (order, parameter, start, overlap_days) {
            (OrderName::Ascending, Some(parameter), Some(start), None) => {
                Order::Ascending { parameter, start }
            }
            (OrderName::Ascending, ..) => {
                return Err("`incremental` oldest first has `parameter`, `start` and no `overlap_days`");
            }
            (OrderName::Descending, None, None, overlap) if format.is_none() => {
                Order::Descending { overlap_days: overlap.unwrap_or(0) }
            }
            (OrderName::Descending, ..) => {
                return Err("`incremental` newest first has none of `parameter`, `start` and `format`");
            }
        };
        Ok(Self { field, order, format: format.unwrap_or_default() })
    }
}

impl<'de> Deserialize<'de> for Incremental {
    fn deserialize<D: Deserializer<'de>>(toml: D) -> Result<Self, D::Error> {
        IncrementalFile::deserialize(toml)?.try_into().map_err(serde::de::Error::custom)
    }
}

/// A listing over all parents at once. Where the source refuses it, each parent is asked instead.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AccountFile {
    /// The path below the API's base.
    path: String,
    /// The query sent along, besides the resource's own.
    #[serde(default)]
    query: BTreeMap<String, Scalar>,
    /// Where an item says whose it is: the path of the parent's key.
    parent: String,
    /// Where an item holds the columns that are else taken over from the parent.
    #[serde(default)]
    inherit: BTreeMap<String, String>,
    /// Top-level keys that only this listing's items have; they are left out.
    #[serde(default)]
    drop: Vec<String>,
}

/// A declared column.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ColumnFile {
    /// Its name in the table.
    #[schemars(with = "String")]
    pub(super) name: Spanned<String>,
    /// Where its value lies in the item: `user.login`, `labels[].name`, `@position` in the listing or the
    /// whole `@item`; its name if this is left out.
    from: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    kind: Kind,
    /// What it means, for people.
    #[serde(default)]
    description: String,
}

/// A query value, which people write as they like.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Whole(i64),
    Flag(bool),
}

impl Scalar {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Whole(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
        }
    }
}

impl ResourceFile {
    /// The resource, paged in the source's usual way where it has none of its own.
    pub(super) fn into_resource(self, usual: &Paging) -> Resource {
        let file = self;
        let paging = file.paging.map_or_else(|| usual.clone(), Spanned::into_inner);
        let mut query = pairs(file.query);
        query.extend(paging.first());
        Resource {
            name: file.name.into_inner(),
            description: file.description,
            path: file.path.map(Spanned::into_inner).unwrap_or_default(),
            chosen: file.chosen.and_then(|path| Chosen::read(path.into_inner())),
            query,
            accept: file.accept,
            fill: file.fill.into_iter().collect(),
            parent: file.parent.map(Spanned::into_inner),
            only_if: file.only_if.map(Spanned::into_inner),
            inherit: file.inherit.into_iter().collect(),
            key: file.key.into_inner(),
            incremental: file.incremental,
            account: file.account.map(Account::from),
            touched: file.touched.map(Spanned::into_inner),
            after: file.after.into_iter().map(Spanned::into_inner).collect(),
            rolling: file.rolling,
            items: file.items,
            keep: file.keep,
            drop: file.drop,
            contract: file.contract.over(Contract::usual(!file.columns.is_empty())),
            columns: file.columns.into_iter().map(ColumnSpec::from).collect(),
            disposition: file.disposition.map(Spanned::into_inner).unwrap_or_default(),
            children: file.children.into_iter().map(Child::from).collect(),
            default: file.default,
            paging,
            graphql: file.graphql.map(Spanned::into_inner),
            total: file.total.map(Spanned::into_inner),
        }
    }
}

impl From<ChildFile> for Child {
    fn from(file: ChildFile) -> Self {
        Self {
            name: file.name.into_inner(),
            description: file.description,
            from: file.from,
            inherit: file.inherit.into_iter().collect(),
            columns: file.columns.into_iter().map(ColumnSpec::from).collect(),
        }
    }
}

impl From<AccountFile> for Account {
    fn from(file: AccountFile) -> Self {
        let AccountFile { path, query, parent, inherit, drop } = file;
        Self { path, query: pairs(query), parent, inherit, drop }
    }
}

fn pairs(query: BTreeMap<String, Scalar>) -> Vec<(String, String)> {
    query.into_iter().map(|(name, value)| (name, value.into_text())).collect()
}

impl From<ColumnFile> for ColumnSpec {
    fn from(file: ColumnFile) -> Self {
        let name = file.name.into_inner();
        Self {
            from: file.from.unwrap_or_else(|| name.clone()),
            name,
            kind: file.kind,
            description: file.description,
        }
    }
}
