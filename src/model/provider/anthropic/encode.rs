//! Requests in the Messages protocol.

use serde_json::{Map, Value, json};

use crate::model::facts::Accepts;
use crate::model::request::{Block, Message, Request, Role};
use crate::model::schema;

/// The body. Cache breakpoints stand at the end of the system text, of the last message, and of the
/// user message before it, where the request before this one had its last: so the prefix is found
/// even when one turn brought more blocks than the server looks back (20).
pub(in crate::model) fn encode(request: &Request, accepts: &Accepts) -> Value {
    let mut body = Map::new();
    body.insert("model".into(), json!(request.model));
    body.insert("max_tokens".into(), json!(request.max_tokens));
    body.insert("stream".into(), Value::Bool(true));
    if accepts.adaptive_thinking {
        // Progress between tool calls comes as thinking, and its text is left out unless asked for.
        body.insert("thinking".into(), json!({"type": "adaptive", "display": "summarized"}));
    }
    let format = request.schema.as_ref().filter(|_| accepts.structured_output);
    if let Some(config) = output_config(request, accepts, format) {
        body.insert("output_config".into(), config);
    }
    if !request.tools.is_empty() {
        body.insert("tools".into(), tools(request));
    }
    if !request.system.is_empty() {
        let mut block = json!({"type": "text", "text": request.system});
        mark(&mut block);
        body.insert("system".into(), json!([block]));
    }
    let mut messages: Vec<Value> =
        request.messages.iter().filter_map(|message| encode_message(message, &request.model)).collect();
    if let (Some(schema), None) = (&request.schema, format) {
        tell_schema(&mut messages, schema);
    }
    mark_messages(&mut messages);
    body.insert("messages".into(), Value::Array(messages));
    Value::Object(body)
}

fn output_config(request: &Request, accepts: &Accepts, format: Option<&Value>) -> Option<Value> {
    let mut config = Map::new();
    if let Some(effort) = accepts.nearest_effort(request.effort) {
        config.insert("effort".into(), json!(effort.name()));
    }
    if let Some(schema) = format {
        config.insert("format".into(), json!({"type": "json_schema", "schema": schema::tighten(schema)}));
    }
    (!config.is_empty()).then_some(Value::Object(config))
}

fn tools(request: &Request) -> Value {
    let tool = |tool: &crate::model::Tool| json!({"name": tool.name, "description": tool.description, "input_schema": tool.input_schema});
    request.tools.iter().map(tool).collect()
}

fn encode_message(message: &Message, model: &str) -> Option<Value> {
    let role = match message.role {
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    let content: Vec<Value> = message.content.iter().filter_map(|block| encode_block(block, model)).collect();
    (!content.is_empty()).then(|| json!({"role": role, "content": content}))
}

/// A block; thinking of another model and empty text, which servers refuse, are left out.
fn encode_block(block: &Block, model: &str) -> Option<Value> {
    match block {
        Block::Text { text } if text.is_empty() => None,
        Block::Text { text } => Some(json!({"type": "text", "text": text})),
        Block::Thinking { model: thinker, raw } => (thinker == model).then(|| raw.clone()),
        Block::ToolUse { id, name, input } => {
            Some(json!({"type": "tool_use", "id": id, "name": name, "input": input}))
        }
        Block::ToolResult { id, content, is_error: false } => {
            Some(json!({"type": "tool_result", "tool_use_id": id, "content": content}))
        }
        Block::ToolResult { id, content, is_error: true } => {
            Some(json!({"type": "tool_result", "tool_use_id": id, "content": content, "is_error": true}))
        }
    }
}

/// A model without structured output gets the schema in words, at the end of the last message.
fn tell_schema(messages: &mut [Value], schema: &Value) {
    let text = format!("Answer with one JSON value that keeps this JSON Schema, and nothing else:\n{schema}");
    if let Some(Value::Array(content)) = messages.last_mut().and_then(|message| message.get_mut("content")) {
        content.push(json!({"type": "text", "text": text}));
    }
}

fn mark_messages(messages: &mut [Value]) {
    let is_user = |message: &&mut Value| message["role"] == "user";
    for message in messages.iter_mut().rev().filter(is_user).take(2) {
        if let Some(block) = message["content"].as_array_mut().and_then(|content| content.last_mut()) {
            mark(block);
        }
    }
}

fn mark(block: &mut Value) {
    if let Value::Object(block) = block {
        block.insert("cache_control".into(), json!({"type": "ephemeral"}));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::Effort;
    use crate::model::Tool;

    fn request(model: &str, messages: Vec<Message>) -> Request {
        Request {
            model: model.into(),
            system: "Build.".into(),
            tools: vec![Tool {
                name: "read".into(),
                description: "Reads.".into(),
                input_schema: json!({"type": "object"}),
            }],
            messages,
            max_tokens: 32_000,
            effort: Some(Effort::High),
            schema: None,
        }
    }

    fn assistant(content: Vec<Block>) -> Message {
        Message { role: Role::Assistant, content }
    }

    fn thought(model: &str) -> Block {
        Block::Thinking {
            model: model.into(),
            raw: json!({"type": "thinking", "thinking": "", "signature": "c2ln=="}),
        }
    }

    fn encoded(request: &Request) -> Value {
        encode(request, &Accepts::known(&request.model))
    }

    #[test]
    fn a_first_request_is_compact() {
        let body = encoded(&request("claude-opus-5-5", vec![Message::user("Go.")]));
        insta::assert_snapshot!(body, @r#"{"model":"claude-opus-5-5","max_tokens":32000,"stream":true,"thinking":{"type":"adaptive","display":"summarized"},"output_config":{"effort":"high"},"tools":[{"name":"read","description":"Reads.","input_schema":{"type":"object"}}],"system":[{"type":"text","text":"Build.","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":[{"type":"text","text":"Go.","cache_control":{"type":"ephemeral"}}]}]}"#);
    }

    #[test]
    fn a_tool_turn_is_carried_back_exactly() {
        let call = Block::ToolUse { id: "t1".into(), name: "read".into(), input: json!({"path": "a"}) };
        let result = Block::ToolResult { id: "t1".into(), content: "no".into(), is_error: true };
        let messages = vec![
            Message::user("Go."),
            assistant(vec![thought("claude-opus-5-5"), call]),
            Message { role: Role::User, content: vec![result] },
        ];
        insta::assert_snapshot!(encoded(&request("claude-opus-5-5", messages))["messages"], @r#"[{"role":"user","content":[{"type":"text","text":"Go.","cache_control":{"type":"ephemeral"}}]},{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"c2ln=="},{"type":"tool_use","id":"t1","name":"read","input":{"path":"a"}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"no","is_error":true,"cache_control":{"type":"ephemeral"}}]}]"#);
    }

    #[test]
    fn thinking_of_another_model_stays_behind() {
        let messages = vec![
            Message::user("Go."),
            assistant(vec![thought("claude-opus-5-5")]),
            assistant(vec![thought("claude-opus-5-5"), Block::Text { text: "Done.".into() }]),
            Message::user("On."),
        ];
        let body = encoded(&request("claude-sonnet-5-5", messages)).to_string();
        assert!(!body.contains("c2ln") && body.contains("Done."));
    }

    #[test]
    fn a_schema_is_enforced_or_told() {
        let schema = Some(json!({"type": "object", "properties": {}}));
        let current = encoded(&Request {
            schema: schema.clone(),
            ..request("claude-opus-5-5", vec![Message::user("Plan.")])
        });
        insta::assert_snapshot!(current["output_config"], @r#"{"effort":"high","format":{"type":"json_schema","schema":{"type":"object","properties":{},"additionalProperties":false}}}"#);
        let other = encoded(&Request { schema, ..request("qwen3", vec![Message::user("Plan.")]) });
        assert_eq!((other.get("output_config"), other.get("thinking")), (None, None));
        insta::assert_snapshot!(other["messages"][0]["content"][1]["text"], @r#""Answer with one JSON value that keeps this JSON Schema, and nothing else:\n{\"type\":\"object\",\"properties\":{}}""#);
    }

    #[test]
    fn at_most_four_breakpoints() {
        let messages =
            (0..9).flat_map(|_| [Message::user("a"), assistant(vec![Block::Text { text: "b".into() }])]);
        let mut messages: Vec<_> = messages.collect();
        messages.push(Message::user("c"));
        let body = encoded(&request("claude-opus-5-5", messages)).to_string();
        assert_eq!(body.matches("cache_control").count(), 3);
    }
}
