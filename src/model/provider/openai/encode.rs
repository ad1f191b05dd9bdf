//! Requests in the Chat Completions dialect.

use serde_json::{Map, Value, json};

use crate::model::provider::Complaint;
use crate::model::request::{Block, Message, Request, Role};
use crate::model::schema;

/// Parameters that a server may not know and the request can do without.
const OPTIONAL: [&str; 4] =
    ["stream_options", "reasoning_effort", "response_format", "max_completion_tokens"];

/// The optional parameter that a refusal is about, unless it was left out already.
pub(in crate::model) fn droppable(complaint: &Complaint, dropped: &[&'static str]) -> Option<&'static str> {
    let about = |name: &&str| complaint.parameter.starts_with(*name) || complaint.message.contains(*name);
    OPTIONAL.into_iter().filter(|name| !dropped.contains(name)).find(about)
}

/// The body, without the `dropped` parameters; `max_completion_tokens` gives way to `max_tokens`, the
/// name all other servers use.
pub(in crate::model) fn encode(request: &Request, dropped: &[&'static str]) -> Value {
    let mut body = Map::new();
    body.insert("model".into(), json!(request.model));
    body.insert("stream".into(), Value::Bool(true));
    let limit =
        if dropped.contains(&"max_completion_tokens") { "max_tokens" } else { "max_completion_tokens" };
    body.insert(limit.into(), json!(request.max_tokens));
    let mut optional = |name: &'static str, value: Option<Value>| {
        if let Some(value) = value.filter(|_| !dropped.contains(&name)) {
            body.insert(name.into(), value);
        }
    };
    optional("stream_options", Some(json!({"include_usage": true})));
    optional("reasoning_effort", request.effort.map(|effort| json!(effort.name())));
    optional("response_format", request.schema.as_ref().map(format));
    if !request.tools.is_empty() {
        body.insert("tools".into(), tools(request));
    }
    let mut messages = Vec::new();
    if !request.system.is_empty() {
        messages.push(json!({"role": "system", "content": request.system}));
    }
    messages.extend(request.messages.iter().flat_map(encode_message));
    if let Some(schema) = request.schema.as_ref().filter(|_| dropped.contains(&"response_format")) {
        let text =
            format!("Answer with one JSON value that keeps this JSON Schema, and nothing else:\n{schema}");
        messages.push(json!({"role": "user", "content": text}));
    }
    body.insert("messages".into(), Value::Array(messages));
    Value::Object(body)
}

fn format(schema: &Value) -> Value {
    let strict = schema::is_strict(schema);
    let schema = schema::tighten(schema);
    json!({"type": "json_schema", "json_schema": {"name": "answer", "strict": strict, "schema": schema}})
}

fn tools(request: &Request) -> Value {
    let tool = |tool: &crate::model::Tool| {
        let function =
            json!({"name": tool.name, "description": tool.description, "parameters": tool.input_schema});
        json!({"type": "function", "function": function})
    };
    request.tools.iter().map(tool).collect()
}

/// One of our messages is several of theirs: each tool result is a message of its own, before the text.
fn encode_message(message: &Message) -> Vec<Value> {
    let text: String = message
        .content
        .iter()
        .filter_map(|block| match block {
            Block::Text { text } => Some(text.as_str()),
            _ => None,
        })
        .collect::<Vec<_>>()
        .join("\n");
    match message.role {
        Role::User => {
            let spoken = (!text.is_empty()).then(|| json!({"role": "user", "content": text}));
            message.content.iter().filter_map(result).chain(spoken).collect()
        }
        Role::Assistant => assistant(message, &text).into_iter().collect(),
    }
}

fn result(block: &Block) -> Option<Value> {
    let Block::ToolResult { id, content, is_error } = block else { return None };
    let content = if *is_error { format!("error: {content}") } else { content.clone() };
    Some(json!({"role": "tool", "tool_call_id": id, "content": content}))
}

fn assistant(message: &Message, text: &str) -> Option<Value> {
    let call = |block: &Block| match block {
        Block::ToolUse { id, name, input } => {
            let function = json!({"name": name, "arguments": input.to_string()});
            Some(json!({"id": id, "type": "function", "function": function}))
        }
        _ => None,
    };
    let calls: Vec<_> = message.content.iter().filter_map(call).collect();
    let content = if text.is_empty() { Value::Null } else { json!(text) };
    match (calls.is_empty(), text.is_empty()) {
        (true, true) => None,
        (true, false) => Some(json!({"role": "assistant", "content": content})),
        (false, _) => Some(json!({"role": "assistant", "content": content, "tool_calls": calls})),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::Effort;
    use crate::model::Tool;

    fn request() -> Request {
        let call =
            |id: &str| Block::ToolUse { id: id.into(), name: "read".into(), input: json!({"path": id}) };
        let result =
            |id: &str, is_error| Block::ToolResult { id: id.into(), content: "text".into(), is_error };
        let thought =
            Block::Thinking { model: "m".into(), raw: json!({"type": "thinking", "thinking": "hm"}) };
        let said = Block::Text { text: "Reading.".into() };
        Request {
            model: "m".into(),
            system: "Build.".into(),
            tools: vec![Tool {
                name: "read".into(),
                description: "Reads.".into(),
                input_schema: json!({"type": "object"}),
            }],
            messages: vec![
                Message::user("Go."),
                Message { role: Role::Assistant, content: vec![thought, said, call("a"), call("b")] },
                Message { role: Role::User, content: vec![result("a", false), result("b", true)] },
            ],
            max_tokens: 8_000,
            effort: Some(Effort::Low),
            schema: Some(json!({"type": "object", "properties": {}})),
        }
    }

    #[test]
    fn a_whole_request() {
        insta::assert_snapshot!(encode(&request(), &[]), @r#"{"model":"m","stream":true,"max_completion_tokens":8000,"stream_options":{"include_usage":true},"reasoning_effort":"low","response_format":{"type":"json_schema","json_schema":{"name":"answer","strict":false,"schema":{"type":"object","properties":{},"additionalProperties":false}}},"tools":[{"type":"function","function":{"name":"read","description":"Reads.","parameters":{"type":"object"}}}],"messages":[{"role":"system","content":"Build."},{"role":"user","content":"Go."},{"role":"assistant","content":"Reading.","tool_calls":[{"id":"a","type":"function","function":{"name":"read","arguments":"{\"path\":\"a\"}"}},{"id":"b","type":"function","function":{"name":"read","arguments":"{\"path\":\"b\"}"}}]},{"role":"tool","tool_call_id":"a","content":"text"},{"role":"tool","tool_call_id":"b","content":"error: text"}]}"#);
    }

    #[test]
    fn what_a_server_refused_is_left_out() {
        let body = encode(&request(), &OPTIONAL);
        let keys: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["model", "stream", "max_tokens", "tools", "messages"]);
        assert!(body["messages"][5]["content"].as_str().unwrap().contains("JSON Schema"));
    }

    #[test]
    fn a_refusal_names_what_to_leave_out() {
        let complaint = |parameter: &str, message: &str| Complaint {
            parameter: parameter.into(),
            message: message.into(),
            ..Complaint::default()
        };
        assert_eq!(droppable(&complaint("response_format.type", "no"), &[]), Some("response_format"));
        assert_eq!(droppable(&complaint("", "unknown field `stream_options`"), &[]), Some("stream_options"));
        assert_eq!(droppable(&complaint("", "unknown field `stream_options`"), &["stream_options"]), None);
        assert_eq!(droppable(&complaint("messages", "too long"), &[]), None);
    }
}
