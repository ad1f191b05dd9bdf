//! JSON Schemas as constrained decoding takes them. Pure.
//!
//! Both protocols want every object closed and know no numeric or length limits. A limit that cannot
//! be enforced is told to the model in the description instead of being lost (Messages API,
//! structured outputs: the same is done by Anthropic's own SDKs).

use serde_json::{Map, Value, json};

/// Keywords that are not enforced, and are moved into the description.
const TOLD: &[&str] = &[
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
];

/// Keywords that say nothing to a model.
const DROPPED: &[&str] = &["$schema", "$id", "title", "default", "examples"];

/// Formats that are enforced.
const FORMATS: &[&str] =
    &["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// The schema with closed objects and without keywords that are refused.
pub(super) fn tighten(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => Value::Object(object(fields)),
        Value::Bool(true) => json!({}),
        other => other.clone(),
    }
}

fn object(fields: &Map<String, Value>) -> Map<String, Value> {
    let mut kept = Map::new();
    let mut told = Vec::new();
    for (key, value) in fields {
        match key.as_str() {
            key if DROPPED.contains(&key) => {}
            key if TOLD.contains(&key) => told.push(format!("{key}: {value}")),
            "format" if !value.as_str().is_some_and(|format| FORMATS.contains(&format)) => {}
            "properties" | "$defs" | "definitions" => drop(kept.insert(key.clone(), each(value))),
            "items" | "not" => drop(kept.insert(key.clone(), tighten(value))),
            "anyOf" | "allOf" | "prefixItems" => drop(kept.insert(key.clone(), all(value))),
            "oneOf" => drop(kept.insert("anyOf".into(), all(value))),
            "additionalProperties" => {}
            _ => drop(kept.insert(key.clone(), value.clone())),
        }
    }
    if kept.get("type").is_some_and(names_object) || kept.contains_key("properties") {
        kept.insert("additionalProperties".into(), Value::Bool(false));
    }
    if !told.is_empty() {
        tell(&mut kept, &told.join(", "));
    }
    kept
}

fn names_object(kind: &Value) -> bool {
    kind == "object" || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "object"))
}

fn each(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(key, schema)| (key.clone(), tighten(schema))).collect(),
        other => other.clone(),
    }
}

fn all(value: &Value) -> Value {
    value.as_array().map_or_else(|| value.clone(), |schemas| schemas.iter().map(tighten).collect())
}

fn tell(fields: &mut Map<String, Value>, limits: &str) {
    let text = match fields.get("description").and_then(Value::as_str) {
        Some(description) => format!("{description} ({limits})"),
        None => limits.to_owned(),
    };
    fields.insert("description".into(), Value::String(text));
}

/// Whether every property of every object is required, which strict mode of Chat Completions asks for.
pub(super) fn is_strict(schema: &Value) -> bool {
    match schema {
        Value::Object(fields) => {
            let required = |name: &String| {
                fields["required"].as_array().is_some_and(|names| names.contains(&json!(name)))
            };
            let complete = match fields.get("properties").and_then(Value::as_object) {
                Some(properties) => fields.contains_key("required") && properties.keys().all(required),
                None => true,
            };
            complete && fields.values().all(is_strict)
        }
        Value::Array(values) => values.iter().all(is_strict),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_close_and_limits_are_told() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Plan", "type": "object",
            "properties": {
                "title": {"type": "string", "description": "A title", "maxLength": 60},
                "count": {"type": "integer", "format": "uint32", "minimum": 0},
                "check": {"oneOf": [{"$ref": "#/$defs/Check"}, {"type": "null"}]}
            },
            "required": ["title"],
            "$defs": {"Check": {"type": "object", "properties": {"at": {"type": "string", "format": "date"}}}}
        });
        insta::assert_snapshot!(tighten(&schema), @r##"{"type":"object","properties":{"title":{"type":"string","description":"A title (maxLength: 60)"},"count":{"type":"integer","description":"minimum: 0"},"check":{"anyOf":[{"$ref":"#/$defs/Check"},{"type":"null"}]}},"required":["title"],"$defs":{"Check":{"type":"object","properties":{"at":{"type":"string","format":"date"}},"additionalProperties":false}},"additionalProperties":false}"##);
    }

    #[test]
    fn a_property_may_be_called_like_a_keyword() {
        let schema = json!({"type": "object", "properties": {"pattern": {"type": "string"}, "default": {"type": "string"}}});
        assert_eq!(tighten(&schema)["properties"], schema["properties"]);
    }

    #[test]
    fn strict_means_that_all_is_required() {
        let loose = json!({"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a"]});
        let strict = json!({"type": "object", "properties": {"a": {}}, "required": ["a"]});
        assert!(!is_strict(&loose) && !is_strict(&json!({"properties": {"a": {}}})) && is_strict(&strict));
    }
}
