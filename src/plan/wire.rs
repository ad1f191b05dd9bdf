//! The plan as the planner answers it: flat, closed, every field required, so that a structured answer
//! can be held to it. The doc comments are the schema text that the model reads.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde_json::Value;

use crate::artifact::plan::{Check, Criterion, Epic, Plan, Planned, Size};

/// An epic and its issues.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Wire {
    /// The epic's title: one line, at most 100 characters.
    pub(super) epic_title: String,
    /// The epic in Markdown: what is reached in the end and why, the decisions taken with the
    /// alternatives they were weighed against, risks, what is out of scope.
    pub(super) epic_body: String,
    /// The issues, the ones that block others first.
    pub(super) issues: Vec<Issue>,
}

/// One issue: one piece of work, one commit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Issue {
    /// Its name in this plan: unique, lowercase words joined by `-`, for instance `record-cassette`.
    key: String,
    /// One line in the imperative, at most 100 characters.
    title: String,
    /// Markdown for a developer who sees nothing but this issue and the repository: what to build,
    /// why, where (files, functions, tables that exist), and what to leave alone. The acceptance
    /// criteria are not repeated here.
    body: String,
    /// What is true when it is done, each with the check that shows it.
    acceptance: Vec<Acceptance>,
    /// Keys of the issues of this plan that must be closed first; only real needs.
    blocked_by: Vec<String>,
    /// Files it will create or change, as paths in the repository.
    files: Vec<String>,
    /// Labels, if the repository uses them; usually none.
    labels: Vec<String>,
    /// How large it is. `large` is as much as one sitting can carry.
    size: Size,
}

/// One acceptance criterion.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Acceptance {
    /// The criterion in one sentence.
    text: String,
    /// How it is decided: red today, green when the issue is done.
    check: Decided,
}

/// A check.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Decided {
    /// `command`: a shell command run at the repository's top, without network; exit status 0 is green.
    /// `test`: the name of one test, given to the project's test command.
    /// `sql`: a query on the tables that the pipeline's models build from cassettes; no rows is green.
    /// `human`: only a person can decide.
    kind: Kind,
    /// The command, the test's name, the query, or for `human` the reason why nothing else can decide it.
    value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Command,
    Test,
    Sql,
    Human,
}

/// The schema of the answer: one object, nothing referred to, nothing recursive.
pub(super) fn schema() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    let mut schema = settings.into_generator().into_root_schema_for::<Wire>().to_value();
    if let Some(object) = schema.as_object_mut() {
        object.shift_remove("title");
    }
    schema
}

/// Reads an answer. Where the model put words or a code fence around it, the object inside counts.
pub(super) fn read(answer: &str) -> Result<Wire, String> {
    let bare = match (answer.find('{'), answer.rfind('}')) {
        (Some(start), Some(end)) if start < end => answer.get(start..=end).unwrap_or(answer),
        _ => return Err("the answer holds no JSON object".to_owned()),
    };
    serde_json::from_str(bare).map_err(|error| format!("the answer does not keep the schema: {error}"))
}

impl Wire {
    /// The plan it stands for.
    pub(super) fn into_plan(self, id: String, goal: &str, drafted: jiff::Timestamp) -> Plan {
        Plan {
            version: Plan::VERSION,
            id,
            drafted: Some(drafted),
            goal: goal.trim().to_owned(),
            epic: Epic { title: self.epic_title.trim().to_owned(), body: self.epic_body.trim().to_owned() },
            issues: self.issues.into_iter().map(Issue::into_planned).collect(),
            published: Vec::new(),
        }
    }
}

impl Issue {
    fn into_planned(self) -> Planned {
        Planned {
            key: self.key.trim().to_owned(),
            title: self.title.trim().to_owned(),
            body: self.body.trim().to_owned(),
            acceptance: self.acceptance.into_iter().map(Acceptance::into_criterion).collect(),
            blocked_by: self.blocked_by,
            files: self.files,
            labels: self.labels,
            size: self.size,
        }
    }
}

impl Acceptance {
    fn into_criterion(self) -> Criterion {
        let value = self.check.value.trim().to_owned();
        let check = match self.check.kind {
            Kind::Command => Check::Command(value),
            Kind::Test => Check::Test(value),
            Kind::Sql => Check::Sql(value),
            Kind::Human => Check::Human(value),
        };
        Criterion { text: self.text.split_whitespace().collect::<Vec<_>>().join(" "), check }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What structured output refuses: references, open objects, optional fields, bounds.
    #[test]
    fn the_schema_is_closed_and_flat() {
        fn walk(value: &Value, objects: &mut usize) {
            for (key, inner) in value.as_object().into_iter().flatten() {
                assert!(
                    !["$ref", "$defs", "$schema", "minimum", "minItems", "pattern", "format"]
                        .contains(&key.as_str()),
                    "{key}"
                );
                walk(inner, objects);
            }
            for inner in value.as_array().into_iter().flatten() {
                walk(inner, objects);
            }
            if value.get("type").is_some_and(|kind| kind == "object") {
                *objects += 1;
                assert_eq!(value["additionalProperties"], Value::Bool(false), "{value}");
                let required = value["required"].as_array().map_or(0, Vec::len);
                assert_eq!(required, value["properties"].as_object().unwrap().len(), "{value}");
            }
        }
        let mut objects = 0;
        walk(&schema(), &mut objects);
        assert_eq!(objects, 4);
    }

    #[test]
    fn an_answer_in_a_fence_counts_and_a_broken_one_says_why() {
        let answer = r#"Here it is:
```json
{"epic_title": "t", "epic_body": "b", "issues": [{"key": "a", "title": "t", "body": "b", "acceptance":
[{"text": "x\n y", "check": {"kind": "command", "value": " make "}}], "blocked_by": [], "files": [], "labels": [], "size": "small"}]}
```"#;
        let plan = read(answer).unwrap().into_plan("p-1".to_owned(), " g ", jiff::Timestamp::UNIX_EPOCH);
        assert_eq!(plan.goal, "g");
        let expected = Criterion { text: "x y".to_owned(), check: Check::Command("make".to_owned()) };
        assert_eq!(plan.issues[0].acceptance, [expected]);
        assert!(read("no").unwrap_err().contains("no JSON object"));
        assert!(read(r#"{"epic_title": 1}"#).unwrap_err().contains("invalid type"));
    }
}
