//! What is asked of a model, in no provider's words.
//!
//! A conversation is append-only: current models bind their thinking blocks to the exact prefix, so
//! nothing that was sent is ever changed (Messages API, extended thinking).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::config::settings::Effort;

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The provider's id of the model.
    pub model: String,
    /// The instruction, frozen for the conversation.
    pub system: String,
    /// The tools, in a stable order.
    pub tools: Vec<Tool>,
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// Output tokens allowed, thinking included.
    pub max_tokens: u32,
    /// How hard it thinks.
    pub effort: Option<Effort>,
    /// The JSON Schema the answer must keep, for a structured answer.
    pub schema: Option<Value>,
}

/// A tool as the model sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Its name: letters, digits, `_`, `-`.
    pub name: String,
    /// What it does and refuses.
    pub description: String,
    /// JSON Schema of its input: an object.
    pub input_schema: Value,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who said it.
    pub role: Role,
    /// What was said.
    pub content: Vec<Block>,
}

impl Message {
    /// A message of the user in plain text.
    pub fn user(text: impl Into<String>) -> Self {
        Self { role: Role::User, content: vec![Block::Text { text: text.into() }] }
    }
}

/// Who said a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The person, or planwright for them; tool results too.
    User,
    /// The model.
    Assistant,
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Block {
    /// Text.
    Text {
        /// The text.
        text: String,
    },
    /// A provider's thinking, carried back exactly as it came, to the model it came from.
    Thinking {
        /// The model that thought it.
        model: String,
        /// The provider's own block.
        raw: Value,
    },
    /// The model calls a tool.
    ToolUse {
        /// The call's id.
        id: String,
        /// The tool.
        name: String,
        /// Its input; not yet validated.
        input: Value,
    },
    /// What the tool answered.
    ToolResult {
        /// The call's id.
        id: String,
        /// The answer.
        content: String,
        /// Whether it is a refusal or a failure.
        is_error: bool,
    },
}

/// The key under which a tool input is kept that was no JSON object.
const MALFORMED: &str = "__malformed_json";

/// Marks `json`, the text of a tool input that is no JSON object, so that the call can be carried back
/// to the model and be answered, but never be run.
pub fn malformed(json: String) -> Value {
    let mut marked = serde_json::Map::new();
    marked.insert(MALFORMED.to_owned(), Value::String(json));
    Value::Object(marked)
}

/// The text of a tool input that was no JSON object: the call must not run, and the model be told.
pub fn malformed_input(input: &Value) -> Option<&str> {
    let input = input.as_object().filter(|input| input.len() == 1)?;
    input.get(MALFORMED)?.as_str()
}
