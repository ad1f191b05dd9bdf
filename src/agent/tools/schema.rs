//! Schemas as small as they can be: every byte of them is sent with every request.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

/// The compact schema of a tool's input, its description still in it.
pub(super) fn of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    compact(&mut schema);
    schema
}

/// The description and the rest.
pub(super) fn split(mut schema: Value) -> (String, Value) {
    let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
    let text = description.and_then(|text| text.as_str().map(ToOwned::to_owned)).unwrap_or_default();
    (text, schema)
}

/// The schema in a line: `{"path": string, "offset"?: integer}`.
pub(super) fn brief(schema: &Value) -> String {
    let empty = Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let required = |name: &str| {
        let names = schema.get("required").and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|one| one == name))
    };
    let fields = properties.iter().map(|(name, property)| {
        let optional = if required(name) { "" } else { "?" };
        let kind = property.get("type").and_then(Value::as_str).unwrap_or("any");
        format!("\"{name}\"{optional}: {kind}")
    });
    format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
}

/// Strips what no model needs: titles, number formats, null as an alternative, line breaks in texts.
fn compact(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    for noise in ["$schema", "title", "format", "minimum", "default"] {
        object.remove(noise);
    }
    if let Some(Value::String(text)) = object.get_mut("description") {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    if let Some(kind) = object.get_mut("type")
        && let Some(first) = kind.as_array().and_then(|kinds| kinds.first()).cloned()
    {
        *kind = first;
    }
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        properties.values_mut().for_each(compact);
    }
    if let Some(items) = object.get_mut("items") {
        compact(items);
    }
}
