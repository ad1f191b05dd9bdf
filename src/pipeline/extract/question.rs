//! What an answer to a question by GraphQL says of each object that was asked about. Pure.
//!
//! An answer with status 200 may hold errors, and a hole where the data should be: reading on would lose
//! rows and call it success. So an error is a failure of the whole question, unless its path leads to one
//! object that is gone, or that the token may not see. A server of an earlier release may not know what is
//! asked for; that counts as refused, and REST may know it.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::pipeline::outcome::End;
use crate::pipeline::source::Trouble;

/// What of each object was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A page of one of its connections.
    Connection,
    /// Fields of its own: it is the one item.
    Object,
}

/// What an answer says of one object.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A page of its connection, and the cursor after which it goes on.
    Page(Bytes, Option<String>),
    /// Nothing more will come of it.
    Ended(End),
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    data: Option<Data<'a>>,
    #[serde(default)]
    errors: Vec<Said>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow, default)]
    nodes: Option<Vec<Option<&'a RawValue>>>,
}

#[derive(Deserialize)]
struct Node<'a> {
    #[serde(borrow, default)]
    rows: Option<Rows<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rows<'a> {
    page_info: PageInfo,
    #[serde(borrow)]
    nodes: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Said {
    #[serde(rename = "type")]
    kind: String,
    message: String,
    path: Vec<Value>,
    extensions: Extensions,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Extensions {
    code: String,
}

impl Said {
    /// The object that it is about, where it is about one and says what is with it.
    fn about(&self) -> Option<(usize, End)> {
        let [first, index, ..] = self.path.as_slice() else { return None };
        let trouble = match self.kind.as_str() {
            "NOT_FOUND" => Trouble::Absent,
            "FORBIDDEN" => Trouble::NotPermitted,
            _ => return None,
        };
        let index = usize::try_from(index.as_u64().filter(|_| first == "nodes")?).ok()?;
        Some((index, End::Trouble(trouble, self.message.clone())))
    }

    fn trouble(&self) -> (Trouble, String) {
        let trouble = match (self.kind.as_str(), self.extensions.code.as_str()) {
            ("RESOURCE_LIMITS_EXCEEDED", _) => Trouble::TooMuch,
            (_, "undefinedField") => Trouble::NotPermitted,
            _ => Trouble::Broken,
        };
        let name = if self.kind.is_empty() { "an error" } else { &self.kind };
        (trouble, format!("{name}: {}", self.message))
    }
}

/// What the answer says of each of so many objects, in their order; or why it says nothing that counts.
pub(super) fn read(body: &[u8], (asked, shape): (usize, Shape)) -> Result<Vec<Part>, (Trouble, String)> {
    let broken = |reason: String| (Trouble::Broken, reason);
    let answer: Answer<'_> = serde_json::from_slice(body)
        .map_err(|error| broken(format!("the answer makes no sense: {error}")))?;
    let about: Vec<_> = answer.errors.iter().map(|said| (said, said.about())).collect();
    let unscoped: Vec<_> =
        about.iter().filter(|(_, about)| about.is_none()).map(|(said, _)| said.trouble()).collect();
    let first = unscoped.iter().find(|(trouble, _)| *trouble == Trouble::TooMuch).or(unscoped.first());
    if let Some(trouble) = first {
        return Err(trouble.clone());
    }
    let nodes = answer.data.and_then(|data| data.nodes).unwrap_or_default();
    if nodes.len() != asked {
        return Err(broken(format!("the answer is about {} objects, not {asked}", nodes.len())));
    }
    let part = |(index, node): (usize, Option<&RawValue>)| {
        let said = about.iter().filter_map(|(_, about)| about.as_ref()).find(|(about, _)| *about == index);
        match (said, node) {
            (Some((_, end)), _) => Part::Ended(end.clone()),
            (None, None) => Part::Ended(End::Trouble(Trouble::Absent, "the object is gone".to_owned())),
            (None, Some(node)) => part_of(node, shape),
        }
    };
    Ok(nodes.into_iter().enumerate().map(part).collect())
}

fn part_of(node: &RawValue, shape: Shape) -> Part {
    if shape == Shape::Object {
        return Part::Page(Bytes::copy_from_slice(node.get().as_bytes()), None);
    }
    match serde_json::from_str(node.get()) {
        Ok(Node { rows: Some(Rows { page_info: PageInfo { has_next_page, end_cursor }, nodes }) }) => {
            let body = Bytes::copy_from_slice(nodes.get().as_bytes());
            Part::Page(body, end_cursor.filter(|_| has_next_page))
        }
        Ok(Node { rows: None }) | Err(_) => {
            Part::Ended(End::Trouble(Trouble::Broken, "the object has no such connection".to_owned()))
        }
    }
}

/// What the source counts of each of so many objects; `None` for one that is gone.
pub(super) fn totals(body: &[u8], asked: usize) -> Option<Vec<Option<u64>>> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let sum = |node: &Value| {
        let counts = node.as_object()?.values().map(|count| count.get("totalCount")?.as_u64());
        counts.sum::<Option<u64>>()
    };
    let nodes = answer.pointer("/data/nodes")?.as_array().filter(|nodes| nodes.len() == asked)?;
    Some(nodes.iter().map(sum).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, asked: usize, expected: Result<&[Part], (Trouble, &str)>) {
        let found = read(body.as_bytes(), (asked, Shape::Connection));
        let found = found.as_deref().map_err(|(trouble, reason)| (*trouble, reason.as_str()));
        assert_eq!(found, expected, "{body}");
    }

    fn page(rows: &'static str, after: Option<&str>) -> Part {
        Part::Page(Bytes::from_static(rows.as_bytes()), after.map(str::to_owned))
    }

    fn ended(trouble: Trouble, reason: &str) -> Part {
        Part::Ended(End::Trouble(trouble, reason.to_owned()))
    }

    #[test]
    fn counts_are_added_up_for_each_object_that_is_there() {
        let body = br#"{"data":{"nodes":[{"c0":{"totalCount":2},"c1":{"totalCount":3}},null,{"c0":null}]}}"#;
        assert_eq!(totals(body, 3), Some(vec![Some(5), None, None]));
        assert_eq!(totals(body, 2), None);
        assert_eq!(totals(br#"{"errors":[{"message":"x"}]}"#, 0), None);
    }

    #[test]
    fn each_object_has_its_page() {
        check(
            r#"{"data":{"nodes":[{"rows":{"pageInfo":{"hasNextPage":false,"endCursor":"a"},"nodes":[{"id":1}]}},
                {"rows":{"pageInfo":{"hasNextPage":true,"endCursor":"b"},"nodes":[]}}]}}"#,
            2,
            Ok(&[page(r#"[{"id":1}]"#, None), page("[]", Some("b"))]),
        );
    }

    #[test]
    fn without_a_connection_each_object_is_its_own_item() {
        let body = br#"{"data":{"nodes":[{"id":1},null]}}"#;
        let gone = ended(Trouble::Absent, "the object is gone");
        assert_eq!(read(body, (2, Shape::Object)), Ok(vec![page(r#"{"id":1}"#, None), gone]));
    }

    #[test]
    fn an_error_at_one_object_is_its_own_and_any_other_is_everybodys() {
        let whole = r#"{"rows":{"pageInfo":{"hasNextPage":false,"endCursor":null},"nodes":[]}}"#;
        let with = |errors: &str| format!(r#"{{"data":{{"nodes":[null,{whole}]}},"errors":[{errors}]}}"#);
        check(
            &with(r#"{"type":"NOT_FOUND","path":["nodes",0],"message":"no node"}"#),
            2,
            Ok(&[ended(Trouble::Absent, "no node"), page("[]", None)]),
        );
        check(
            &with(r#"{"type":"FORBIDDEN","path":["nodes",0,"rows"],"message":"sign in"}"#),
            2,
            Ok(&[ended(Trouble::NotPermitted, "sign in"), page("[]", None)]),
        );
        check(&with(""), 2, Ok(&[ended(Trouble::Absent, "the object is gone"), page("[]", None)]));
        check(
            &with(r#"{"type":"NOT_FOUND","path":["nodes",0],"message":"no node"},{"message":"x"}"#),
            2,
            Err((Trouble::Broken, "an error: x")),
        );
        check(
            &with(r#"{"message":"x"},{"type":"RESOURCE_LIMITS_EXCEEDED","path":["nodes",1],"message":"y"}"#),
            2,
            Err((Trouble::TooMuch, "RESOURCE_LIMITS_EXCEEDED: y")),
        );
        check(r#"{"errors":[{"type":"INTERNAL","message":"x"}]}"#, 1, Err((Trouble::Broken, "INTERNAL: x")));
        check(
            r#"{"data":{"nodes":[null]}}"#,
            2,
            Err((Trouble::Broken, "the answer is about 1 objects, not 2")),
        );
        check(
            r#"{"errors":[{"message":"no such field","extensions":{"code":"undefinedField"}}]}"#,
            1,
            Err((Trouble::NotPermitted, "an error: no such field")),
        );
        check(r#"{"data":null}"#, 1, Err((Trouble::Broken, "the answer is about 0 objects, not 1")));
        let other = r#"{"data":{"nodes":[{}]}}"#;
        check(other, 1, Ok(&[ended(Trouble::Broken, "the object has no such connection")]));
    }
}
