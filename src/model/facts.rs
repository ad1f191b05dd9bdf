//! What a model accepts: asked of the server where it can say, known by id where it cannot.
//!
//! Sending a switch that a model does not take is a 400, so nothing is sent that is not known to be
//! accepted. Sources: Messages API, models endpoint and extended thinking.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::settings::Effort;

/// What a server says of a model (`GET /v1/models/{id}`). Callers may keep it for a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFacts {
    /// The id that the asked name stands for.
    pub id: String,
    /// Its name for people.
    pub display_name: Option<String>,
    /// `active`, `deprecated` or `retired`.
    pub lifecycle: Option<String>,
    /// When requests to it will fail.
    pub retires_at: Option<String>,
    /// Tokens of input it takes.
    pub max_input_tokens: Option<u64>,
    /// Tokens of output it gives.
    pub max_tokens: Option<u64>,
    /// What it accepts; `None` where the server does not say.
    pub accepts: Option<Accepts>,
}

/// The switches that a model takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepts {
    /// `thinking: {type: adaptive}`.
    pub adaptive_thinking: bool,
    /// The levels of `output_config.effort`.
    pub effort: Vec<Effort>,
    /// `output_config.format` with a JSON Schema.
    pub structured_output: bool,
}

const EVERY_EFFORT: [Effort; 5] = [Effort::Low, Effort::Medium, Effort::High, Effort::Xhigh, Effort::Max];

impl Accepts {
    /// What a model of this id accepts, as far as the id tells: all for current Claude models, less for
    /// the older ones, nothing for ids of other makers.
    pub fn known(model: &str) -> Self {
        let is = |parts: &[&str]| parts.iter().any(|part| model.contains(part));
        if !model.starts_with("claude-") || is(&["claude-3", "-4-1", "-4-0", "-4-2025"]) {
            return Self::default();
        }
        if is(&["-4-5"]) {
            return Self { structured_output: true, ..Self::default() };
        }
        let effort = EVERY_EFFORT.into_iter().filter(|effort| *effort != Effort::Xhigh || !is(&["-4-6"]));
        Self { adaptive_thinking: true, effort: effort.collect(), structured_output: true }
    }

    /// The wanted effort, or the next lower one that the model takes.
    pub(super) fn nearest_effort(&self, wanted: Option<Effort>) -> Option<Effort> {
        self.effort.iter().copied().filter(|effort| Some(*effort) <= wanted).max()
    }

    fn read(capabilities: &Value) -> Self {
        let has = |path: &str| capabilities.pointer(path).is_some_and(supported);
        let effort = |effort: &Effort| has(&format!("/effort/{}", effort.name()));
        Self {
            adaptive_thinking: has("/thinking/types/adaptive"),
            effort: EVERY_EFFORT.into_iter().filter(effort).collect(),
            structured_output: has("/structured_outputs"),
        }
    }
}

impl ServerFacts {
    /// Reads the body of a model object; `None` where it is none.
    pub(super) fn read(body: &Value) -> Option<Self> {
        let text = |key: &str| body[key].as_str().map(str::to_owned);
        Some(Self {
            id: text("id")?,
            display_name: text("display_name"),
            lifecycle: text("lifecycle"),
            retires_at: text("retires_at"),
            max_input_tokens: body["max_input_tokens"].as_u64(),
            max_tokens: body["max_tokens"].as_u64(),
            accepts: body.get("capabilities").filter(|given| given.is_object()).map(Accepts::read),
        })
    }
}

/// A capability is `true`, or an object whose `supported` is not `false`.
fn supported(capability: &Value) -> bool {
    match capability {
        Value::Bool(supported) => *supported,
        Value::Object(fields) => fields.get("supported") != Some(&Value::Bool(false)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn effort_falls_to_what_is_accepted() {
        let check = |model: &str, wanted| Accepts::known(model).nearest_effort(wanted).map(Effort::name);
        assert_eq!(check("claude-opus-5-5", Some(Effort::Xhigh)), Some("xhigh"));
        assert_eq!(check("claude-opus-4-6", Some(Effort::Xhigh)), Some("high"));
        assert_eq!(check("claude-haiku-4-5", Some(Effort::High)), None);
        assert_eq!(check("claude-opus-5-5", None), None);
        assert_eq!(check("qwen3", Some(Effort::Low)), None);
    }

    #[test]
    fn a_server_says_what_a_model_accepts() {
        let facts = ServerFacts::read(&json!({
            "id": "claude-new", "max_tokens": 128_000, "capabilities": {
                "structured_outputs": {"supported": true}, "effort": {"low": true, "high": {"supported": true}, "max": false},
                "thinking": {"types": {"adaptive": {"supported": false}}}}
        }));
        let accepts = facts.unwrap().accepts.unwrap();
        assert_eq!(accepts.effort, [Effort::Low, Effort::High]);
        assert!(accepts.structured_output && !accepts.adaptive_thinking);
    }

    #[test]
    fn a_server_may_say_little() {
        assert_eq!(ServerFacts::read(&json!({"id": "qwen3", "object": "model"})).unwrap().accepts, None);
        assert_eq!(ServerFacts::read(&json!({"error": "no"})), None);
    }
}
