//! Walking a query that was found to be sound, and gathering what it asks for.

use graphql_parser::query::{Selection, TypeCondition, Value as Literal};
use serde_json::{Map, Value, json};

use super::schema::{Field, Kind, Set};
use crate::hub::answer::Reply;
use crate::hub::meter::Reading;
use crate::hub::request::Request;
use crate::hub::server::Hub;

/// The most items of a connection, and the most ids, that GitHub gives at once.
const MOST: usize = 100;

/// An object: what it is, its REST body, and its REST path where it has one of its own.
struct Object {
    kind: Kind,
    body: Value,
    path: Vec<String>,
}

/// A walk through one query.
pub(super) struct Walk<'a> {
    hub: &'a Hub,
    request: &'a Request,
    variables: Map<String, Value>,
    /// Connections that were asked for so far, each once a parent.
    connections: u64,
    pub(super) errors: Vec<Value>,
}

/// One field of it.
type Asked<'q> = graphql_parser::query::Field<'q, &'q str>;

impl<'a> Walk<'a> {
    pub(super) const fn new(hub: &'a Hub, request: &'a Request, variables: Map<String, Value>) -> Self {
        Self { hub, request, variables, connections: 0, errors: Vec::new() }
    }

    /// Points: one for each hundred connections, rounded, at least one.
    pub(super) const fn cost(&self) -> u64 {
        let cost = (self.connections + 50) / 100;
        if cost > 0 { cost } else { 1 }
    }

    /// The data. What it says of limits is filled in when the cost is known.
    pub(super) fn root(&mut self, set: &Set<'_>) -> Map<String, Value> {
        let mut data = Map::new();
        for field in fields(set, Kind::Query) {
            let name = field.alias.unwrap_or(field.name);
            let value = match field.name {
                "nodes" => self.nodes(field, name),
                "node" => {
                    let id = self.argument(field, "id");
                    self.node(&field.selection_set, &id, &[json!(name)])
                }
                _ => Value::Null,
            };
            data.insert(name.to_owned(), value);
        }
        data
    }

    fn nodes(&mut self, field: &Asked<'_>, name: &str) -> Value {
        self.connections += 1;
        let Value::Array(ids) = self.argument(field, "ids") else {
            return self.error(("INVALID", "`ids` is not a list"), &[json!(name)]);
        };
        if ids.len() > MOST {
            let message =
                format!("You may not provide more than {MOST} node ids; you provided {}.", ids.len());
            return self.error(("ARGUMENT_LIMIT", &message), &[json!(name)]);
        }
        let one =
            |(index, id): (usize, &Value)| self.node(&field.selection_set, id, &[json!(name), json!(index)]);
        ids.iter().enumerate().map(one).collect()
    }

    fn node(&mut self, set: &Set<'_>, id: &Value, path: &[Value]) -> Value {
        let place = id.as_str().and_then(|id| self.hub.place(id));
        let found = place.and_then(|(kind, parts)| Some((kind, self.get(&parts, &[])?, parts)));
        let Some((kind, reply, parts)) = found else {
            let id = id.as_str().unwrap_or_default();
            let message = format!("Could not resolve to a node with the global id of '{id}'.");
            return self.error(("NOT_FOUND", &message), path);
        };
        let body = read(reply);
        self.object(set, &Object { kind, body, path: parts }, path)
    }

    fn object(&mut self, set: &Set<'_>, object: &Object, path: &[Value]) -> Value {
        let mut told = Map::new();
        for field in fields(set, object.kind) {
            let name = field.alias.unwrap_or(field.name);
            let of = |key: &str| object.body.get(key).cloned().unwrap_or_default();
            let below = [path, &[json!(name)]].concat();
            let value = match object.kind.field(field.name) {
                Some(Field::Same(key)) => of(key),
                Some(Field::Big(key)) => json!(of(key).to_string()),
                Some(Field::Capitals(key)) => json!(of(key).as_str().map(str::to_uppercase)),
                Some(Field::Inside(key, kind)) => self.inside(&field.selection_set, (kind, of(key)), &below),
                Some(Field::Count(key)) => {
                    self.connections += 1;
                    let count = json!({"totalCount": of(key)});
                    self.inside(&field.selection_set, (Kind::Count, count), &below)
                }
                Some(Field::Commit(key)) => {
                    let commit = of(key).as_str().map(|id| json!({"oid": id})).unwrap_or_default();
                    self.inside(&field.selection_set, (Kind::Commit, commit), &below)
                }
                Some(Field::Listing(parts, kind)) => self.connection(field, object, ((parts, kind), &below)),
                Some(Field::Root(_)) => Value::Null,
                None => json!(object.kind.name()),
            };
            told.insert(name.to_owned(), value);
        }
        Value::Object(told)
    }

    fn inside(&mut self, set: &Set<'_>, (kind, body): (Kind, Value), path: &[Value]) -> Value {
        if body.is_null() {
            return Value::Null;
        }
        self.object(set, &Object { kind, body, path: Vec::new() }, path)
    }

    /// A connection: some rows of a REST listing. Its cursors are places in it.
    fn connection(
        &mut self,
        field: &Asked<'_>,
        object: &Object,
        ((parts, kind), path): ((&[&str], Kind), &[Value]),
    ) -> Value {
        self.connections += 1;
        let asks_for_rows = fields(&field.selection_set, kind).any(|inner| inner.name != "totalCount");
        let first = usize::try_from(self.argument(field, "first").as_u64().unwrap_or(0)).unwrap_or(MOST + 1);
        if asks_for_rows && first == 0 {
            let message = format!(
                "You must provide a `first` or `last` value to properly paginate the `{}` connection.",
                field.name
            );
            return self.error(("MISSING_PAGINATION_BOUNDARIES", &message), path);
        }
        if first > MOST {
            let message = format!(
                "Requesting {first} records on the `{}` connection exceeds the `first` limit of {MOST} records.",
                field.name
            );
            return self.error(("EXCESSIVE_PAGINATION", &message), path);
        }
        let after = self.argument(field, "after").as_str().and_then(|after| after.parse().ok()).unwrap_or(0);
        let listed = Listed::of(object, (parts, kind));
        let (rows, more) = listed.rows(self, after, first);
        let mut told = Map::new();
        for inner in fields(&field.selection_set, kind) {
            let name = inner.alias.unwrap_or(inner.name);
            let value = match inner.name {
                "totalCount" => json!(listed.total(self)),
                "pageInfo" => {
                    let cursor = (!rows.is_empty()).then(|| (after + rows.len()).to_string());
                    let info = json!({"hasNextPage": more, "endCursor": cursor});
                    self.inside(&inner.selection_set, (Kind::PageInfo, info), path)
                }
                _ => self.items(&inner.selection_set, (kind, &rows), &[path, &[json!(name)]].concat()),
            };
            told.insert(name.to_owned(), value);
        }
        Value::Object(told)
    }

    fn items(&mut self, set: &Set<'_>, (kind, rows): (Kind, &[Value]), path: &[Value]) -> Value {
        let one = |(index, row): (usize, &Value)| {
            let id = row.get("node_id").and_then(Value::as_str).unwrap_or_default();
            let own = self.hub.place(id).map(|(_, parts)| parts).unwrap_or_default();
            let object = Object { kind, body: row.clone(), path: own };
            self.object(set, &object, &[path, &[json!(index)]].concat())
        };
        rows.iter().enumerate().map(one).collect()
    }

    fn argument(&self, field: &Asked<'_>, name: &str) -> Value {
        let said = field.arguments.iter().find(|(known, _)| *known == name).map(|(_, value)| value);
        match said {
            Some(Literal::Variable(name)) => self.variables.get(*name).cloned().unwrap_or_default(),
            Some(Literal::Int(number)) => json!(number.as_i64()),
            Some(Literal::String(text)) => json!(text),
            _ => Value::Null,
        }
    }

    /// What REST answers at a path.
    fn get(&self, parts: &[String], query: &[(&str, String)]) -> Option<Reply> {
        let request = Request {
            method: "GET".to_owned(),
            parts: parts.to_vec(),
            query: query.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
            path: self.request.path.clone(),
            ..Request::default()
        };
        self.hub.reply(&request).ok()
    }

    fn error(&mut self, (kind, message): (&str, &str), path: &[Value]) -> Value {
        self.errors.push(json!({"type": kind, "path": path, "message": message}));
        Value::Null
    }
}

/// The REST listing behind a connection.
struct Listed {
    /// Empty where the hub has none.
    parts: Vec<String>,
    /// GitHub lists pull requests among issues in REST alone.
    without_pulls: bool,
    pulls: Vec<String>,
}

impl Listed {
    fn of(object: &Object, (below, kind): (&[&str], Kind)) -> Self {
        let at = |below: &[&str]| {
            let below = below.iter().map(|part| (*part).to_owned());
            if below.len() == 0 { Vec::new() } else { object.path.iter().cloned().chain(below).collect() }
        };
        let without_pulls = object.kind == Kind::Repository && kind == Kind::Issue;
        Self { parts: at(below), without_pulls, pulls: at(&["pulls"]) }
    }

    /// Rows from a place on, and whether more follow.
    fn rows(&self, walk: &Walk<'_>, after: usize, first: usize) -> (Vec<Value>, bool) {
        let (mut rows, mut skip, mut page) = (Vec::new(), after, 1);
        while rows.len() <= first && first > 0 {
            let Some(reply) = walk.get(&self.parts, &query(MOST, page)).filter(|_| !self.parts.is_empty())
            else {
                break;
            };
            let Value::Array(list) = read(reply) else { break };
            let is_last = list.len() < MOST;
            let wanted =
                list.into_iter().filter(|row| !self.without_pulls || row.get("pull_request").is_none());
            for row in wanted {
                if skip > 0 {
                    skip -= 1;
                } else {
                    rows.push(row);
                }
            }
            if is_last {
                break;
            }
            page += 1;
        }
        let more = rows.len() > first;
        rows.truncate(first);
        (rows, more)
    }

    fn total(&self, walk: &Walk<'_>) -> usize {
        let pulls = if self.without_pulls { count(walk, &self.pulls) } else { 0 };
        count(walk, &self.parts).saturating_sub(pulls)
    }
}

/// How many rows a listing has: as many as it has pages of one.
fn count(walk: &Walk<'_>, parts: &[String]) -> usize {
    let Some(reply) = walk.get(parts, &query(1, 1)).filter(|_| !parts.is_empty()) else { return 0 };
    let pages = reply.page.map_or(0, |(_, last)| last);
    let is_empty = read(reply).as_array().is_none_or(Vec::is_empty);
    if is_empty { 0 } else { pages }
}

fn query(per_page: usize, page: usize) -> [(&'static str, String); 3] {
    [("state", "all".to_owned()), ("per_page", per_page.to_string()), ("page", page.to_string())]
}

fn read(reply: Reply) -> Value {
    serde_json::from_slice(&reply.body.write()).unwrap_or_default()
}

/// The fields that are asked of an object of this type, those in fragments about it among them.
fn fields<'s, 'q>(set: &'s Set<'q>, kind: Kind) -> impl Iterator<Item = &'s Asked<'q>> {
    set.items.iter().flat_map(move |item| match item {
        Selection::Field(field) => vec![field],
        Selection::InlineFragment(fragment) => {
            let about = match &fragment.type_condition {
                Some(TypeCondition::On(name)) => kind.is_named(name),
                None => true,
            };
            let inner = fragment.selection_set.items.iter().filter(|_| about);
            inner
                .filter_map(|item| if let Selection::Field(field) = item { Some(field) } else { None })
                .collect()
        }
        Selection::FragmentSpread(_) => Vec::new(),
    })
}

/// Fills in what the query asks of the limits.
pub(super) fn tell_limits(set: &Set<'_>, data: &mut Map<String, Value>, (reading, cost): (Reading, u64)) {
    let resets = jiff::Timestamp::from_second(reading.resets).unwrap_or_default().to_string();
    let all = json!({
        "limit": reading.limit, "cost": cost, "remaining": reading.remaining(), "used": reading.used, "resetAt": resets,
    });
    for field in fields(set, Kind::Query).filter(|field| field.name == "rateLimit") {
        let asked = fields(&field.selection_set, Kind::RateLimit);
        let told: Map<_, _> = asked
            .map(|inner| {
                (
                    inner.alias.unwrap_or(inner.name).to_owned(),
                    all.get(inner.name).cloned().unwrap_or_default(),
                )
            })
            .collect();
        data.insert(field.alias.unwrap_or(field.name).to_owned(), Value::Object(told));
    }
}
