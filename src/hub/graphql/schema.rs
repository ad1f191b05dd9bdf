//! The types that the hub answers about, each with its fields and where REST has them.

use graphql_parser::query::{Selection, SelectionSet, TypeCondition};
use serde_json::{Value, json};

/// What is asked of one object.
pub(super) type Set<'q> = SelectionSet<'q, &'q str>;

/// A type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::hub) enum Kind {
    Query,
    RateLimit,
    /// Any object with an id; its fields are asked for by the type that it turns out to be.
    Node,
    Repository,
    Issue,
    PullRequest,
    Review,
    Discussion,
    Category,
    Actor,
    User,
    Commit,
    /// A connection's own fields; what its items are is said beside it.
    PageInfo,
    /// A connection of which only the number is kept.
    Count,
}

/// Where a field's value is found.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field {
    /// In the REST body, under this key.
    Same(&'static str),
    /// The same, a whole number written as text.
    Big(&'static str),
    /// The same, in capitals.
    Capitals(&'static str),
    /// An object within the body.
    Inside(&'static str, Kind),
    /// A commit, of which the body has the id.
    Commit(&'static str),
    /// A connection of which only the number is kept, under this key.
    Count(&'static str),
    /// The REST listing below the object's path; the hub has none of some.
    Listing(&'static [&'static str], Kind),
    /// At the root: what is answered by hand.
    Root(Kind),
}

use Field::{Big, Capitals, Count, Inside, Listing, Same};

/// Fields by their names.
type Fields = &'static [(&'static str, Field)];

const QUERY: Fields = &[
    ("rateLimit", Field::Root(Kind::RateLimit)),
    ("nodes", Field::Root(Kind::Node)),
    ("node", Field::Root(Kind::Node)),
];
const RATE_LIMIT: Fields = &[
    ("limit", Same("limit")),
    ("cost", Same("cost")),
    ("remaining", Same("remaining")),
    ("used", Same("used")),
    ("resetAt", Same("resetAt")),
];
const NODE: Fields = &[("id", Same("node_id"))];
const REPOSITORY: Fields = &[
    ("id", Same("node_id")),
    ("databaseId", Same("id")),
    ("nameWithOwner", Same("full_name")),
    ("issues", Listing(&["issues"], Kind::Issue)),
    ("pullRequests", Listing(&["pulls"], Kind::PullRequest)),
    ("discussions", Listing(&[], Kind::Discussion)),
    ("mentionableUsers", Listing(&["assignees"], Kind::User)),
];
/// What issues and pull requests have alike.
const THREAD: Fields = &[
    ("id", Same("node_id")),
    ("fullDatabaseId", Big("id")),
    ("number", Same("number")),
    ("title", Same("title")),
    ("state", Capitals("state")),
    ("url", Same("html_url")),
    ("author", Inside("user", Kind::Actor)),
    ("closedAt", Same("closed_at")),
];
const ISSUE: Fields = &[
    ("subIssues", Listing(&["sub_issues"], Kind::Issue)),
    ("blockedBy", Listing(&["dependencies", "blocked_by"], Kind::Issue)),
];
const PULL_REQUEST: Fields = &[
    ("additions", Same("additions")),
    ("deletions", Same("deletions")),
    ("changedFiles", Same("changed_files")),
    ("commits", Count("commits")),
    ("comments", Count("comments")),
    ("merged", Same("merged")),
    ("mergedBy", Inside("merged_by", Kind::Actor)),
    ("reviews", Listing(&["reviews"], Kind::Review)),
];
const REVIEW: Fields = &[
    ("id", Same("node_id")),
    ("fullDatabaseId", Big("id")),
    ("state", Same("state")),
    ("body", Same("body")),
    ("submittedAt", Same("submitted_at")),
    ("url", Same("html_url")),
    ("author", Inside("user", Kind::Actor)),
    ("commit", Field::Commit("commit_id")),
];
/// None is kept, so that nothing is looked up; only the names are checked.
const DISCUSSION: Fields = &[
    ("id", Same("node_id")),
    ("databaseId", Same("id")),
    ("number", Same("number")),
    ("title", Same("title")),
    ("body", Same("body")),
    ("url", Same("html_url")),
    ("author", Inside("user", Kind::Actor)),
    ("category", Inside("category", Kind::Category)),
    ("isAnswered", Same("answered")),
    ("locked", Same("locked")),
    ("upvoteCount", Same("upvotes")),
    ("comments", Listing(&[], Kind::Discussion)),
    ("createdAt", Same("created_at")),
    ("updatedAt", Same("updated_at")),
    ("closedAt", Same("closed_at")),
    ("answerChosenAt", Same("answer_chosen_at")),
];
const CATEGORY: Fields = &[("name", Same("name"))];
const ACTOR: Fields = &[("login", Same("login"))];
const USER: Fields = &[
    ("id", Same("node_id")),
    ("databaseId", Same("id")),
    ("login", Same("login")),
    ("name", Same("name")),
    ("company", Same("company")),
    ("location", Same("location")),
    ("url", Same("html_url")),
];
const COMMIT: Fields = &[("oid", Same("oid"))];
const COUNT: Fields = &[("totalCount", Same("totalCount"))];
const PAGE_INFO: Fields = &[("hasNextPage", Same("hasNextPage")), ("endCursor", Same("endCursor"))];

impl Kind {
    /// Its name in GitHub's schema.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Query => "Query",
            Self::RateLimit => "RateLimit",
            Self::Node => "Node",
            Self::Repository => "Repository",
            Self::Issue => "Issue",
            Self::PullRequest => "PullRequest",
            Self::Review => "PullRequestReview",
            Self::Discussion => "Discussion",
            Self::Category => "DiscussionCategory",
            Self::Actor => "Actor",
            Self::User => "User",
            Self::Commit => "Commit",
            Self::PageInfo => "PageInfo",
            Self::Count => "Connection",
        }
    }

    /// A field of it.
    pub(super) fn field(self, name: &str) -> Option<Field> {
        let (shared, own): (Fields, Fields) = match self {
            Self::Query => (&[], QUERY),
            Self::RateLimit => (&[], RATE_LIMIT),
            Self::Node => (&[], NODE),
            Self::Repository => (&[], REPOSITORY),
            Self::Issue => (THREAD, ISSUE),
            Self::PullRequest => (THREAD, PULL_REQUEST),
            Self::Review => (&[], REVIEW),
            Self::Discussion => (&[], DISCUSSION),
            Self::Category => (&[], CATEGORY),
            Self::Actor => (&[], ACTOR),
            Self::User => (&[], USER),
            Self::Commit => (&[], COMMIT),
            Self::PageInfo => (&[], PAGE_INFO),
            Self::Count => (&[], COUNT),
        };
        shared.iter().chain(own).find(|(known, _)| *known == name).map(|(_, field)| *field)
    }

    /// Whether a fragment on a type of this name is about it.
    pub(super) fn is_named(self, name: &str) -> bool {
        self.name() == name
    }

    fn of_name(name: &str) -> Option<Self> {
        let all =
            [Self::Repository, Self::Issue, Self::PullRequest, Self::Review, Self::Discussion, Self::Actor];
        all.into_iter().find(|kind| kind.is_named(name))
    }
}

/// Collects what a query asks for that is not there, in GitHub's words.
pub(super) fn check(set: &Set<'_>, kind: Kind, path: &mut Vec<Value>, wrong: &mut Vec<Value>) {
    for item in &set.items {
        match item {
            Selection::Field(field) if field.name == "__typename" => {}
            Selection::Field(field) => {
                path.push(json!(field.alias.unwrap_or(field.name)));
                let inner = &field.selection_set;
                match kind.field(field.name) {
                    None => wrong.push(undefined(kind.name(), field.name, path)),
                    Some(Inside(_, inside) | Field::Root(inside)) => check(inner, inside, path, wrong),
                    Some(Field::Commit(_)) => check(inner, Kind::Commit, path, wrong),
                    Some(Listing(_, of)) => check_connection(inner, of, path, wrong),
                    Some(Count(_)) => check(inner, Kind::Count, path, wrong),
                    Some(Same(_) | Big(_) | Capitals(_)) => {}
                }
                path.pop();
            }
            Selection::InlineFragment(fragment) => {
                let Some(TypeCondition::On(name)) = fragment.type_condition else { continue };
                path.push(json!(format!("... on {name}")));
                match Kind::of_name(name) {
                    Some(on) => check(&fragment.selection_set, on, path, wrong),
                    None => wrong.push(json!({"path": path, "message": format!("No such type {name}, so it can't be a fragment condition")})),
                }
                path.pop();
            }
            Selection::FragmentSpread(spread) => {
                let message = format!("Fragment {} was used, but not defined", spread.fragment_name);
                wrong.push(json!({"path": path, "message": message}));
            }
        }
    }
}

fn check_connection(set: &Set<'_>, of: Kind, path: &mut Vec<Value>, wrong: &mut Vec<Value>) {
    for item in &set.items {
        let Selection::Field(field) = item else { continue };
        path.push(json!(field.alias.unwrap_or(field.name)));
        match field.name {
            "totalCount" => {}
            "nodes" => check(&field.selection_set, of, path, wrong),
            "pageInfo" => check(&field.selection_set, Kind::PageInfo, path, wrong),
            other => wrong.push(undefined(&format!("{}Connection", of.name()), other, path)),
        }
        path.pop();
    }
}

fn undefined(of: &str, field: &str, path: &[Value]) -> Value {
    json!({
        "path": path,
        "extensions": {"code": "undefinedField", "typeName": of, "fieldName": field},
        "message": format!("Field '{field}' doesn't exist on type '{of}'"),
    })
}
