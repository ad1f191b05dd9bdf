//! A resource that is asked for by GraphQL: many parents in one question, one connection of each.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Resource;

/// The most parents, and the most items of each, that GitHub takes in one question.
const MOST: usize = 100;

/// How many rows the source says there are: what several connections of each parent's object count.
///
/// A question about 100 objects costs 1 point for each hundred connections in it, and gives no rows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Total {
    /// The parent's column that holds the GraphQL id.
    pub id: String,
    /// The type of the parent's object.
    pub on: String,
    /// The connections that are counted together.
    pub of: Vec<String>,
}

impl Total {
    /// The query. The ids are its variable; the counts are called `c0`, `c1` and so on.
    pub fn query(&self) -> String {
        let count = |(nth, name): (usize, &String)| format!("c{nth}: {name} {{ totalCount }}");
        let counts: Vec<_> = self.of.iter().enumerate().map(count).collect();
        format!(
            "query {on}_totals($ids: [ID!]!) {{ rateLimit {{ limit cost remaining resetAt }} \
             nodes(ids: $ids) {{ ... on {on} {{ {} }} }} }}",
            counts.join(" "),
            on = self.on,
        )
    }
}

/// Which connection of which objects is asked for, or which fields of the objects themselves.
///
/// One question costs 1 point and one more for every hundred connections in it, rounded, at least 1, and
/// however many items each has ("Rate limits and query limits for the GraphQL API"): `nodes` and one
/// connection of each of `batch` objects are (1 + `batch`) / 100, so that any batch is 1 point. What bounds
/// a batch is the ten seconds that GitHub takes for an answer, not the points.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Graphql {
    /// The parent's column that holds the GraphQL id.
    pub id: String,
    /// The type of the parent's object, for instance `PullRequest`.
    pub on: String,
    /// The connection, for instance `reviews`; without one, each object is itself the one item.
    pub connection: Option<String>,
    /// Further arguments of the connection, as GraphQL writes them.
    #[serde(default)]
    pub arguments: String,
    /// Items of each connection in one answer.
    #[serde(default = "most")]
    pub first: usize,
    /// Parents in one question.
    pub batch: usize,
    /// What is asked of an item, as GraphQL writes it.
    pub fields: String,
    /// Where an item holds a column that lies elsewhere in the items of `path`.
    #[serde(default)]
    pub from: BTreeMap<String, String>,
}

const fn most() -> usize {
    MOST
}

impl Graphql {
    /// What cannot be asked, if that is so.
    pub(super) fn problem(&self) -> Option<String> {
        let name = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        [("first", self.first), ("batch", self.batch)]
            .into_iter()
            .find(|(_, size)| !(1..=MOST).contains(size))
            .map(|(what, size)| format!("`graphql.{what}` is {size}; GitHub takes 1 to {MOST}"))
            .or_else(|| {
                let names = [("on", Some(&self.on)), ("connection", self.connection.as_ref())];
                let given = names.into_iter().filter_map(|(what, text)| Some((what, text?)));
                let (what, text) = given.into_iter().find(|(_, text)| !name(text))?;
                Some(format!("`graphql.{what}` is `{text}`, which is no name in GraphQL"))
            })
    }

    /// What is asked for, by which the query is named.
    pub fn name(&self) -> String {
        format!("{}_{}", self.on, self.connection.as_deref().unwrap_or("fields"))
    }

    /// The query. The ids, and of a connection how many items from where on, are its variables.
    pub fn query(&self) -> String {
        let Self { on, arguments, fields, .. } = self;
        let (name, limit) = (self.name(), "rateLimit { limit cost remaining resetAt }");
        let Some(connection) = &self.connection else {
            return format!(
                "query {name}($ids: [ID!]!) {{ {limit} nodes(ids: $ids) {{ ... on {on} {{ {fields} }} }} }}"
            );
        };
        let comma = if arguments.is_empty() { "" } else { ", " };
        format!(
            "query {name}($ids: [ID!]!, $first: Int!, $after: String) {{ {limit} \
             nodes(ids: $ids) {{ ... on {on} {{ \
             rows: {connection}(first: $first, after: $after{comma}{arguments}) {{ \
             pageInfo {{ hasNextPage endCursor }} nodes {{ {fields} }} }} }} }} }}"
        )
    }

    /// The resource as its items come by GraphQL.
    #[must_use]
    pub fn shaped(&self, resource: &Resource) -> Resource {
        let mut resource = resource.clone();
        for column in &mut resource.columns {
            if let Some(from) = self.from.get(&column.name) {
                column.from.clone_from(from);
            }
        }
        resource
    }
}
