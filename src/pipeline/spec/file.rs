//! How people write a spec: the TOML of its files, and what becomes of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::contract::{Contract, ContractFile};
use super::{Account, Child, ColumnSpec, Disposition, Incremental, ModelOptions, Order, Resource, Touched};
use crate::pipeline::schema::Kind;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpecFile {
    #[serde(default)]
    pub(super) description: String,
    /// The only source there is; other APIs are refused by name.
    #[expect(dead_code, reason = "the parser checks it; there is one value")]
    source: SourceName,
    #[serde(default)]
    pub(super) resources: Vec<ResourceFile>,
    #[serde(default)]
    pub(super) models: BTreeMap<String, ModelOptions>,
    #[serde(default)]
    pub(super) vars: BTreeMap<String, toml::Value>,
}

/// A further file of a spec, below `resources/`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartFile {
    #[serde(default)]
    pub(super) resources: Vec<ResourceFile>,
    #[serde(default)]
    pub(super) models: BTreeMap<String, ModelOptions>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SourceName {
    Github,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResourceFile {
    pub(super) name: Spanned<String>,
    #[serde(default)]
    description: String,
    pub(super) path: Spanned<String>,
    chosen: Option<String>,
    #[serde(default)]
    query: BTreeMap<String, Scalar>,
    accept: Option<String>,
    #[serde(default)]
    pub(super) fill: BTreeMap<String, String>,
    pub(super) parent: Option<Spanned<String>>,
    only_if: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) inherit: BTreeMap<String, String>,
    pub(super) key: Spanned<Vec<String>>,
    pub(super) incremental: Option<Incremental>,
    account: Option<AccountFile>,
    pub(super) touched: Option<Spanned<Touched>>,
    #[serde(default)]
    pub(super) after: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) rolling: bool,
    items: Option<String>,
    #[serde(default)]
    keep: Vec<String>,
    #[serde(default)]
    drop: Vec<String>,
    #[serde(default)]
    pub(super) columns: Vec<ColumnFile>,
    #[serde(default)]
    contract: ContractFile,
    pub(super) disposition: Option<Spanned<Disposition>>,
    #[serde(default)]
    pub(super) children: Vec<ChildFile>,
    #[serde(default = "yes")]
    default: bool,
}

/// A list inside an item, as people write it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChildFile {
    pub(super) name: Spanned<String>,
    #[serde(default)]
    description: String,
    from: String,
    #[serde(default)]
    pub(super) inherit: BTreeMap<String, String>,
    pub(super) columns: Vec<ColumnFile>,
}

const fn yes() -> bool {
    true
}

/// How a listing is read from a point on, as people write it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct IncrementalFile {
    field: String,
    #[serde(default)]
    order: OrderName,
    parameter: Option<String>,
    start: Option<String>,
    overlap_days: Option<u32>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum OrderName {
    #[default]
    Ascending,
    Descending,
}

impl TryFrom<IncrementalFile> for Incremental {
    type Error = &'static str;

    fn try_from(file: IncrementalFile) -> Result<Self, Self::Error> {
        let IncrementalFile { field, order, parameter, start, overlap_days } = file;
        let order = match (order, parameter, start, overlap_days) {
            (OrderName::Ascending, Some(parameter), Some(start), None) => {
                Order::Ascending { parameter, start }
            }
            (OrderName::Ascending, ..) => {
                return Err("`incremental` oldest first has `parameter`, `start` and no `overlap_days`");
            }
            (OrderName::Descending, None, None, overlap) => {
                Order::Descending { overlap_days: overlap.unwrap_or(0) }
            }
            (OrderName::Descending, ..) => {
                return Err("`incremental` newest first has neither `parameter` nor `start`");
            }
        };
        Ok(Self { field, order })
    }
}

impl<'de> Deserialize<'de> for Incremental {
    fn deserialize<D: Deserializer<'de>>(toml: D) -> Result<Self, D::Error> {
        IncrementalFile::deserialize(toml)?.try_into().map_err(serde::de::Error::custom)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountFile {
    path: String,
    #[serde(default)]
    query: BTreeMap<String, Scalar>,
    parent: String,
    #[serde(default)]
    inherit: BTreeMap<String, String>,
    #[serde(default)]
    drop: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ColumnFile {
    pub(super) name: Spanned<String>,
    from: Option<String>,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default)]
    description: String,
}

/// A query value, which people write as they like.
#[derive(Debug, Deserialize)]
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

impl From<ResourceFile> for Resource {
    fn from(file: ResourceFile) -> Self {
        Self {
            name: file.name.into_inner(),
            description: file.description,
            path: file.path.into_inner(),
            chosen: file.chosen,
            query: pairs(file.query),
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
