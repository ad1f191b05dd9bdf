//! The spec of a pipeline: `pipeline.toml` and `resources/*.toml` beside it, read once and checked whole.
//!
//! A resource is a listing below the source's base URL. It has a key, it may hang below a parent
//! resource (whose columns fill its path), and it is read either whole each time or from a cursor on.
//! The files follow each other by name, `pipeline.toml` first; a resource needs only what stands above
//! it. What is wrong is said with file, line and the nearest known key. Nothing here fetches or loads.

mod contract;
mod file;
mod graphql;
mod model;
mod problem;
mod source;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;

pub use contract::{Contract, Rule};
use file::{PartFile, ResourceFile, SpecFile};
pub use graphql::{Graphql, Total};
pub use model::{ModelKind, ModelOptions};
pub use problem::{Error, Problem};
pub(crate) use problem::{is_identifier, nearest};
pub use source::{Api, Auth, Paging, Rest};

use super::Folder;
use super::schema::Kind;

/// The file that a spec begins with.
const FILE: &str = "pipeline.toml";

/// The folder of the files that it goes on with.
const PART: &str = "resources";

/// What stands for the resources that are read when nothing is chosen, in a list of chosen ones.
pub const DEFAULTS: &str = "default";

/// A whole pipeline, as `pipeline.toml` says it.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The pipeline's name: its folder's.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it reads from.
    pub source: Api,
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
    /// The path below the API's base; `{column}` is filled from the parent's row. Empty where it can only
    /// be asked for by GraphQL.
    pub path: String,
    /// How items are asked for that are chosen by their names, where only some are.
    pub chosen: Option<Chosen>,
    /// The query sent along; `{column}` is filled as in the path.
    pub query: Vec<(String, String)>,
    /// The media type to ask for, where it is not the source's usual one.
    pub accept: Option<String>,
    /// SQL over the parent's row for what in `{braces}` is no column of it: (name, expression).
    pub fill: Vec<(String, String)>,
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
    /// Other resources that are read before it, because its SQL reads them.
    pub after: Vec<String>,
    /// Whether the source itself forgets old rows: what leaves the listing stays in the table.
    pub rolling: bool,
    /// The key of the list in an answer that is an object around it.
    pub items: Option<String>,
    /// Keys of an item that are kept, as `user` or `user.login`; empty keeps all.
    pub keep: Vec<String>,
    /// Keys of an item that are left out, as `head` or `head.repo`.
    pub drop: Vec<String>,
    /// Declared columns; with none, columns are inferred from the data.
    pub columns: Vec<ColumnSpec>,
    /// What becomes of data that the columns do not foresee.
    pub contract: Contract,
    /// What a new reading of a row does to the one before.
    pub disposition: Disposition,
    /// Lists inside an item that have a table of their own.
    pub children: Vec<Child>,
    /// Whether it is read when nothing is chosen.
    pub default: bool,
    /// How its next page is found.
    pub paging: Paging,
    /// How many parents' listings are asked for at once; `path` is then the way where that is refused.
    pub graphql: Option<Graphql>,
    /// How many rows the source counts, to be compared with those that are held.
    pub total: Option<Total>,
}

/// How items are asked for by their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The path, with the column in braces: `/repos/{full_name}`.
    pub path: String,
    /// The column that holds names.
    pub column: String,
}

impl Chosen {
    /// Finds the column in the path; there must be one, and no other.
    fn read(path: String) -> Option<Self> {
        let mut columns = placeholders(&path);
        let column = columns.next()?.to_owned();
        if columns.next().is_some() {
            return None;
        }
        drop(columns);
        Some(Self { path, column })
    }
}

/// What a new reading of a row does to the one before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Disposition {
    /// It takes its place: the table holds each row once, as it is now.
    #[default]
    Merge,
    /// As `merge`; and the listing is read whole each time, so that what it has no more goes.
    Replace,
    /// It stands beside it: the table holds every version that was read, and nothing ever goes.
    Append,
    /// It stands beside it, and both say from when to when they hold: `_valid_from`, `_valid_to`.
    Scd2,
}

impl Disposition {
    /// Whether the table holds each row once.
    pub const fn is_current(self) -> bool {
        matches!(self, Self::Merge | Self::Replace)
    }
}

/// A list inside an item, with a table of its own: one row for each member, told apart by its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Its table.
    pub name: String,
    /// What one row is.
    pub description: String,
    /// Where the list lies in the item.
    pub from: String,
    /// Columns taken over from the item's row: (own name, the row's name).
    pub inherit: Vec<(String, String)>,
    /// Its columns; `from` lies in the member, `@value` is the member itself.
    pub columns: Vec<ColumnSpec>,
}

/// The `from` of a child's column that holds the member of the list itself.
pub(crate) const MEMBER: &str = "@value";

/// The `from` of a column that holds the item's place in its listing, from 1.
pub(crate) const POSITION: &str = "@position";

/// The `from` of a column that holds the kept item itself.
pub(crate) const ITEM: &str = "@item";

/// How a listing is read from a point on, by a time that moves when an item changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incremental {
    /// Where the item holds the time.
    pub field: String,
    /// How the source sorts by it.
    pub order: Order,
    /// How the source wants to be told a time.
    pub format: Format,
}

/// How a time is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// As the items have it: mostly RFC 3339, `2026-11-22T10:00:00Z`.
    #[default]
    Same,
    /// Whole seconds since 1970.
    Unix,
}

/// How a listing is sorted by time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Oldest first, from a time on that the source is told.
    Ascending {
        /// The query parameter that takes it.
        parameter: String,
        /// What is sent the first time.
        start: String,
    },
    /// Newest first; it is read until a page has nothing new.
    Descending {
        /// How many days before the last time seen items may still have changed.
        overlap_days: u32,
    },
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
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Touched {
    /// The resource whose rows tell it.
    pub by: String,
    /// Its column that holds the parent's key.
    pub column: String,
    /// After how many days the listing is read again all the same, for what those rows do not tell.
    pub days: Option<u32>,
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

impl Spec {
    /// Reads and checks the spec of a pipeline.
    pub fn read(folder: &Folder) -> Result<Self, Error> {
        let place = folder.place_of(FILE);
        let text = folder.file(FILE).ok_or_else(|| Error::Missing { place: place.clone() })?;
        let unreadable = |place| |problem| Error::Unreadable { place, problem };
        let mut draft = Draft::begin(text).map_err(unreadable(place))?;
        for part in folder.part(PART, "toml") {
            draft.go_on(part.text).map_err(unreadable(folder.place_of(part.path)))?;
        }
        Ok(draft.end(&folder.name))
    }

    /// The same, telling what is wrong in each of its files. After the first wrong one only what a file
    /// itself shows is judged, since what it names may stand in that one.
    pub fn check(folder: &Folder) -> Result<Self, Vec<Error>> {
        let mut wrong = match Self::read(folder) {
            Ok(spec) => return Ok(spec),
            Err(error) => vec![error],
        };
        let first = wrong.first().map(|error| error.place().to_owned());
        let later = folder.part(PART, "toml").skip_while(|part| Some(folder.place_of(part.path)) <= first);
        for part in later {
            if let Err(error) = toml::from_str::<PartFile>(part.text) {
                let (place, problem) = (folder.place_of(part.path), Problem::of_toml(&error, part.text));
                wrong.push(Error::Unreadable { place, problem });
            }
        }
        Err(wrong)
    }

    /// Reads and checks the text of a spec that is one file.
    pub fn parse(name: &str, text: &str) -> Result<Self, Problem> {
        Ok(Draft::begin(text)?.end(name))
    }

    /// The resource of this name.
    pub fn resource(&self, name: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.name == name)
    }

    /// The resource that fills the table of this name: its own, or a child's.
    pub fn filler(&self, table: &str) -> Option<&Resource> {
        let fills = |resource: &&Resource| {
            resource.name == table || resource.children.iter().any(|child| child.name == table)
        };
        self.resources.iter().find(fills)
    }

    /// The names of all tables that resources fill.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.resources.iter().flat_map(|resource| {
            let children = resource.children.iter().map(|child| child.name.as_str());
            std::iter::once(resource.name.as_str()).chain(children)
        })
    }
}

/// A spec on its way, file after file.
struct Draft {
    source: Api,
    /// How listings are paged where a resource does not say.
    paging: Paging,
    description: String,
    resources: Vec<ResourceFile>,
    models: BTreeMap<String, ModelOptions>,
    vars: BTreeMap<String, toml::Value>,
}

impl Draft {
    fn begin(text: &str) -> Result<Self, Problem> {
        let file: SpecFile = toml::from_str(text).map_err(|error| Problem::of_toml(&error, text))?;
        let SpecFile { description, source, resources, models, vars } = file;
        let (source, paging) = source.read(text)?;
        let models = model::read(models, text)?;
        let mut draft = Self { source, paging, description, resources: Vec::new(), models, vars };
        draft.add(resources, text)?;
        Ok(draft)
    }

    fn go_on(&mut self, text: &str) -> Result<(), Problem> {
        let part: PartFile = toml::from_str(text).map_err(|error| Problem::of_toml(&error, text))?;
        self.add(part.resources, text)?;
        self.models.extend(model::read(part.models, text)?);
        Ok(())
    }

    fn add(&mut self, resources: Vec<ResourceFile>, text: &str) -> Result<(), Problem> {
        problem::check(&self.resources, &resources, text)?;
        if self.source != Api::Github {
            resources.iter().try_for_each(|resource| problem::check_elsewhere(resource, text))?;
        }
        self.resources.extend(resources);
        Ok(())
    }

    fn end(self, name: &str) -> Spec {
        let Self { source, paging, description, resources, models, vars } = self;
        let resources = resources.into_iter().map(|file| file.into_resource(&paging)).collect();
        Spec { name: name.to_owned(), description, source, resources, models, vars }
    }
}

/// The JSON Schema of `pipeline.toml`.
pub fn schema() -> serde_json::Value {
    schema_of::<SpecFile>()
}

/// The JSON Schema of a file below `resources/`.
pub fn part_schema() -> serde_json::Value {
    schema_of::<PartFile>()
}

/// In the draft that editors know (Taplo: "JSON Schema, draft 4 to 7").
fn schema_of<T: JsonSchema>() -> serde_json::Value {
    SchemaSettings::draft07().into_generator().into_root_schema_for::<T>().to_value()
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
        assert_eq!(names[..5], ["repos", "issues", "issue_comments", "sub_issues", "issue_dependencies"]);
    }

    #[test]
    fn whatever_is_shipped_says_what_it_is() {
        let spec = Spec::read(&Folder::find("github", None).unwrap()).unwrap();
        for resource in &spec.resources {
            assert!(!resource.description.is_empty(), "{}", resource.name);
            for column in &resource.columns {
                assert!(!column.description.is_empty(), "{}.{}", resource.name, column.name);
            }
        }
    }

    #[test]
    fn placeholders_are_found() {
        let path = "/repos/{full_name}/issues/{number}/sub_issues";
        assert_eq!(placeholders(path).collect::<Vec<_>>(), ["full_name", "number"]);
    }
}
