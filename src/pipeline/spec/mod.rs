//! The spec of a pipeline: `pipeline.toml`, read once and checked whole.
//!
//! A resource is a listing below the source's base URL. It has a key, it may hang below a parent
//! resource (whose columns fill its path), and it is read either whole each time or from a cursor on.
//! What is wrong is said with file, line and the nearest known key. Nothing here fetches or loads.

mod problem;

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

pub use problem::{Error, Problem};
pub(crate) use problem::{is_identifier, nearest};

use super::Folder;
use super::schema::Kind;

/// The file that a spec is read from.
const FILE: &str = "pipeline.toml";

/// A whole pipeline, as `pipeline.toml` says it.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The pipeline's name: its folder's.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The resources, parents before children.
    pub resources: Vec<Resource>,
    /// Options of models, by name; a model without an entry is a view.
    pub models: BTreeMap<String, ModelOptions>,
    /// Values that models read with `var`.
    pub vars: BTreeMap<String, toml::Value>,
}

/// One listing and the table it fills.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its name, which is its table's.
    pub name: String,
    /// What one row is.
    pub description: String,
    /// The path below the API's base; `{column}` is filled from the parent's row.
    pub path: String,
    /// The path to take for each chosen item instead of the listing, with `{chosen}`.
    pub chosen: Option<String>,
    /// The query sent along.
    pub query: Vec<(String, String)>,
    /// The resource whose rows it is listed for.
    pub parent: Option<String>,
    /// A SQL condition on the parent's table: only for those rows is anything asked.
    pub only_if: Option<String>,
    /// Columns taken over from the parent's row: (own name, parent's name).
    pub inherit: Vec<(String, String)>,
    /// The columns that together tell rows apart.
    pub key: Vec<String>,
    /// How it is read from where the last sync ended; `None` reads it whole each time.
    pub incremental: Option<Incremental>,
    /// One listing that holds the rows of all parents, where the source has it.
    pub account: Option<Account>,
    /// Reads a parent's listing again only after rows of another resource came for it.
    pub touched: Option<Touched>,
    /// The key of the list in an answer that is an object around it.
    pub items: Option<String>,
    /// Top-level keys of an item that are kept; empty keeps all.
    pub keep: Vec<String>,
    /// Top-level keys of an item that are left out.
    pub drop: Vec<String>,
    /// Declared columns; with none, columns are inferred from the data.
    pub columns: Vec<ColumnSpec>,
    /// Whether it is read when nothing is chosen.
    pub default: bool,
}

/// How a listing is read from a point on: ascending by a time that moves when an item changes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Incremental {
    /// The item's key that holds the time.
    pub field: String,
    /// The query parameter that takes it.
    pub parameter: String,
    /// What is sent the first time.
    pub start: String,
}

/// A listing over all parents at once. Where the source refuses it, each parent is asked instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The path below the API's base.
    pub path: String,
    /// The query sent along, besides the resource's own.
    pub query: Vec<(String, String)>,
    /// Where an item says whose it is: the path of the parent's key.
    pub parent: String,
    /// Where an item holds the columns that are else taken over from the parent.
    pub inherit: BTreeMap<String, String>,
    /// Top-level keys that only this listing's items have; they are left out.
    pub drop: Vec<String>,
}

/// What tells that a parent's listing has something new.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Touched {
    /// The resource whose rows tell it.
    pub by: String,
    /// Its column that holds the parent's key.
    pub column: String,
}

/// A declared column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Its name in the table.
    pub name: String,
    /// Where its value lies in the item: `user.login`, `labels[].name`, or `@position` in the listing.
    pub from: String,
    /// Its type.
    pub kind: Kind,
    /// What it means, for people.
    pub description: String,
}

/// How a model is built.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelOptions {
    /// `view` (the default) or `table`.
    #[serde(default, rename = "as")]
    pub kind: ModelKind,
    /// What its columns mean.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
}

/// What a model becomes in the warehouse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelKind {
    /// Computed when it is read.
    #[default]
    View,
    /// Computed once after each load.
    Table,
}

impl Spec {
    /// Reads and checks the spec of a pipeline.
    pub fn read(folder: &Folder) -> Result<Self, Error> {
        let place = folder.place_of(FILE);
        let text = folder.file(FILE).ok_or_else(|| Error::Missing { place: place.clone() })?;
        Self::parse(&folder.name, text).map_err(|problem| Error::Unreadable { place, problem })
    }

    /// Reads and checks the text of a spec.
    pub fn parse(name: &str, text: &str) -> Result<Self, Problem> {
        let file: SpecFile = toml::from_str(text).map_err(|error| Problem::of_toml(&error, text))?;
        let resources = file.resources;
        problem::check(&resources, text)?;
        Ok(Self {
            name: name.to_owned(),
            description: file.description,
            resources: resources.into_iter().map(Resource::from).collect(),
            models: file.models,
            vars: file.vars,
        })
    }

    /// The resource of this name.
    pub fn resource(&self, name: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.name == name)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpecFile {
    #[serde(default)]
    description: String,
    /// The only source there is; other APIs are refused by name.
    #[expect(dead_code, reason = "the parser checks it; there is one value")]
    source: SourceName,
    #[serde(default)]
    resources: Vec<ResourceFile>,
    #[serde(default)]
    models: BTreeMap<String, ModelOptions>,
    #[serde(default)]
    vars: BTreeMap<String, toml::Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum SourceName {
    Github,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResourceFile {
    name: Spanned<String>,
    #[serde(default)]
    description: String,
    path: Spanned<String>,
    chosen: Option<String>,
    #[serde(default)]
    query: BTreeMap<String, Scalar>,
    parent: Option<Spanned<String>>,
    only_if: Option<Spanned<String>>,
    #[serde(default)]
    inherit: BTreeMap<String, String>,
    key: Spanned<Vec<String>>,
    incremental: Option<Incremental>,
    account: Option<AccountFile>,
    touched: Option<Spanned<Touched>>,
    items: Option<String>,
    #[serde(default)]
    keep: Vec<String>,
    #[serde(default)]
    drop: Vec<String>,
    #[serde(default)]
    columns: Vec<ColumnFile>,
    #[serde(default = "yes")]
    default: bool,
}

const fn yes() -> bool {
    true
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
struct ColumnFile {
    name: Spanned<String>,
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
            parent: file.parent.map(Spanned::into_inner),
            only_if: file.only_if.map(Spanned::into_inner),
            inherit: file.inherit.into_iter().collect(),
            key: file.key.into_inner(),
            incremental: file.incremental,
            account: file.account.map(Account::from),
            touched: file.touched.map(Spanned::into_inner),
            items: file.items,
            keep: file.keep,
            drop: file.drop,
            columns: file.columns.into_iter().map(ColumnSpec::from).collect(),
            default: file.default,
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

/// The names in `{braces}` of a path.
pub(crate) fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_pipeline_reads() {
        let spec = Spec::read(&Folder::find("github", None).unwrap()).unwrap();
        let names: Vec<_> = spec.resources.iter().map(|resource| resource.name.as_str()).collect();
        assert_eq!(names, ["repos", "issues", "issue_comments", "sub_issues", "issue_dependencies"]);
    }

    #[test]
    fn placeholders_are_found() {
        let path = "/repos/{full_name}/issues/{number}/sub_issues";
        assert_eq!(placeholders(path).collect::<Vec<_>>(), ["full_name", "number"]);
    }
}
