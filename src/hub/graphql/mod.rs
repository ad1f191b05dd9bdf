//! `POST /graphql`: the questions that planwright asks, answered over what the REST routes render.
//!
//! A query is parsed, checked against the few types that the hub has (`schema`), and walked: an object is
//! its REST body, a connection is a REST listing, a node id leads to a path. So both ways of asking tell the
//! same, and there is one copy of every fact. It reads only: mutations are refused. Errors come with status
//! 200, as GitHub's do.

mod schema;
mod walk;

use graphql_parser::query::{Definition, OperationDefinition, parse_query};
use serde_json::{Map, Value, json};

use super::answer::Reply;
use super::meter::Reading;
use super::refusal::Refusal;
use super::request::Request;
use super::server::Hub;
pub(super) use schema::Kind;
use schema::Set;
use walk::Walk;

/// Where a node id leads: what it is, and the parts of its REST path.
pub(super) type Place = (Kind, Vec<String>);

/// An answer, and the points that it costs.
pub(super) fn answer(hub: &Hub, request: &Request, reading: Reading) -> Result<(Reply, u64), Refusal> {
    let body: Value = serde_json::from_slice(&request.body)
        .map_err(|_invalid| Refusal::new(400, "Problems parsing JSON"))?;
    let Some(query) = body.get("query").and_then(Value::as_str) else {
        return Err(Refusal::new(400, "A query attribute must be specified and must be a string."));
    };
    let variables = body.get("variables").and_then(Value::as_object).cloned().unwrap_or_default();
    let (answer, cost) = match data(hub, request, (query, variables), reading) {
        Ok((data, errors, cost)) if errors.is_empty() => (json!({"data": data}), cost),
        Ok((data, errors, cost)) => (json!({"data": data, "errors": errors}), cost),
        Err(errors) => (json!({"errors": errors}), 1),
    };
    Ok((Reply::json(200, &answer)?, cost))
}

/// The answer to a question that comes when the hour's points are spent.
pub(super) fn spent() -> Result<Reply, Refusal> {
    let error = json!({"type": "RATE_LIMITED", "message": "API rate limit exceeded for the hub's user."});
    Reply::json(200, &json!({"errors": [error]}))
}

/// Data, errors in it, and points; or only errors.
type Told = (Map<String, Value>, Vec<Value>, u64);

fn data(
    hub: &Hub,
    request: &Request,
    (query, variables): (&str, Map<String, Value>),
    reading: Reading,
) -> Result<Told, Vec<Value>> {
    let refused = |message: String| vec![json!({"message": message})];
    let document = parse_query::<&str>(query).map_err(|error| refused(format!("Parse error: {error}")))?;
    let set = match document.definitions.as_slice() {
        [Definition::Operation(operation)] => root(operation)
            .ok_or_else(|| refused("Resource not accessible by personal access token".to_owned()))?,
        _ => return Err(refused("the hub takes one query and no fragments beside it".to_owned())),
    };
    let mut wrong = Vec::new();
    schema::check(set, Kind::Query, &mut Vec::new(), &mut wrong);
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let mut walk = Walk::new(hub, request, variables);
    let mut data = walk.root(set);
    let cost = walk.cost();
    let left = Reading { used: reading.used + cost, ..reading };
    walk::tell_limits(set, &mut data, (left, cost));
    Ok((data, walk.errors, cost))
}

fn root<'d, 'q>(operation: &'d OperationDefinition<'q, &'q str>) -> Option<&'d Set<'q>> {
    match operation {
        OperationDefinition::Query(query) => Some(&query.selection_set),
        OperationDefinition::SelectionSet(set) => Some(set),
        OperationDefinition::Mutation(_) | OperationDefinition::Subscription(_) => None,
    }
}
