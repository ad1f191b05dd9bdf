//! What was said, as JSON lines in the run folder: `transcript-<role>.jsonl`, secrets removed.
//!
//! Each message is written once, when it is first sent, so the file reads as the conversation ran. A
//! provider's thinking is kept as text, without its signature. It is a record, not a state: nothing
//! reads it back.

use serde_json::{Value, json};

use crate::context::secrets;
use crate::fs;
use crate::model::request::Role;
use crate::model::{Block, Reply, Request};
use crate::telemetry::Run;

/// Where one role's words in one run are written.
#[derive(Debug)]
pub(super) struct Transcript<'a> {
    run: &'a Run,
    role: &'static str,
}

impl<'a> Transcript<'a> {
    pub(super) const fn new(run: &'a Run, role: &'static str) -> Self {
        Self { run, role }
    }

    /// Writes what is new in a request: in the first turn the frame too.
    pub(super) fn sent(&self, request: &Request, turn: u32) -> Result<(), fs::Error> {
        if turn == 1 {
            let tools: Vec<&str> = request.tools.iter().map(|tool| tool.name.as_str()).collect();
            self.append(json!({
                "kind": "start", "turn": turn, "model": request.model, "system": request.system, "tools": tools,
            }))?;
        }
        let said = request.messages.iter().rposition(|message| message.role == Role::Assistant);
        for message in request.messages.iter().skip(said.map_or(0, |last| last + 1)) {
            self.append(json!({"kind": "sent", "turn": turn, "content": blocks(&message.content)}))?;
        }
        Ok(())
    }

    /// Writes a reply.
    pub(super) fn replied(&self, reply: &Reply, turn: u32) -> Result<(), fs::Error> {
        self.append(json!({
            "kind": "reply", "turn": turn, "model": reply.model, "content": blocks(&reply.content),
            "stop": reply.stop, "usage": reply.usage, "cost": reply.cost, "attempts": reply.attempts, "millis": reply.millis,
        }))
    }

    /// Writes why a turn failed.
    pub(super) fn failed(&self, reason: &str, turn: u32) -> Result<(), fs::Error> {
        self.append(json!({"kind": "failed", "turn": turn, "reason": reason}))
    }

    fn append(&self, mut line: Value) -> Result<(), fs::Error> {
        redact(&mut line);
        if let Some(line) = line.as_object_mut() {
            line.insert("at".to_owned(), json!(self.run.clock.now().to_string()));
        }
        let path = self.run.folder.join(format!("transcript-{}.jsonl", self.role));
        fs::append_line(&path, &line.to_string())
    }
}

fn blocks(content: &[Block]) -> Vec<Value> {
    let show = |block: &Block| match block {
        Block::Thinking { raw, .. } => json!({"type": "thinking", "text": raw.get("thinking")}),
        other => json!(other),
    };
    content.iter().map(show).collect()
}

fn redact(value: &mut Value) {
    match value {
        Value::String(text) => *text = secrets::redact(text).text,
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Object(fields) => fields.values_mut().for_each(redact),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_signatures_stay_out() {
        let token = ["gh", "p_", "a8Fk2LmQ9xZt4RvB7nWc1YpD6sGh3JeU5oTi"].concat();
        let raw = json!({"thinking": "hm", "signature": "c2lnbmF0dXJl"});
        let call = Block::ToolUse {
            id: "1".to_owned(),
            name: "shell".to_owned(),
            input: json!({"command": format!("curl {token}")}),
        };
        let mut line = json!(blocks(&[Block::Thinking { model: "m".to_owned(), raw }, call]));
        redact(&mut line);
        let line = line.to_string();
        assert!(!line.contains(&token) && !line.contains("c2lnbmF0dXJl"), "{line}");
        assert!(line.contains("hm") && line.contains("curl [secret removed"), "{line}");
    }
}
