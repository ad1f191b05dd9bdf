//! One scripted turn, written briefly and encoded as the Messages protocol streams it.

use serde_json::{Value, json};

use crate::model::event::Usage;

/// What the scripted model does in one turn. Made by [`turn`](super::turn).
#[derive(Debug, Clone, Default)]
pub struct Turn {
    pub(super) expect: Vec<String>,
    blocks: Vec<Value>,
    usage: Option<Usage>,
    stop: Option<Value>,
    raw: Option<Vec<u8>>,
    error: Option<(String, String)>,
    pub(super) status: Option<u16>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) fault: Fault,
}

/// How a scripted body ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Fault {
    /// As it should.
    #[default]
    None,
    /// The connection breaks after so many bytes.
    Cut(usize),
    /// The body ends properly after so many bytes, and the reply is not whole.
    End(usize),
    /// Nothing more comes after so many bytes.
    Stall(usize),
}

impl Turn {
    /// `text` must occur in the last message that the model was sent, tool results included. Otherwise
    /// the answer is a 400 that names it, and the turn is not used up.
    #[must_use]
    pub fn expect(mut self, text: impl Into<String>) -> Self {
        self.expect.push(text.into());
        self
    }

    /// Says `text`.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.blocks.push(json!({"type": "text", "text": text.into()}));
        self
    }

    /// Says a structured answer.
    #[must_use]
    pub fn json(self, answer: &Value) -> Self {
        self.text(answer.to_string())
    }

    /// Thinks `text`, signed.
    #[must_use]
    pub fn thinking(mut self, text: impl Into<String>) -> Self {
        self.blocks.push(json!({"type": "thinking", "thinking": text.into(), "signature": ""}));
        self
    }

    /// Calls a tool.
    #[must_use]
    pub fn tool(self, name: impl Into<String>, input: &Value) -> Self {
        self.tool_json(name, input.to_string())
    }

    /// Calls a tool with input that is sent as it is: malformed JSON, for instance.
    #[must_use]
    pub fn tool_json(mut self, name: impl Into<String>, input: impl Into<String>) -> Self {
        self.blocks.push(json!({"type": "tool_use", "name": name.into(), "input": input.into()}));
        self
    }

    /// Counts fresh input and output tokens; without it they are estimated from sizes.
    #[must_use]
    pub const fn usage(self, input: u64, output: u64) -> Self {
        self.counts(Usage { input, output, cache_write: 0, cache_read: 0 })
    }

    /// Counts all four kinds of token.
    #[must_use]
    pub const fn counts(mut self, usage: Usage) -> Self {
        self.usage = Some(usage);
        self
    }

    /// Stops for this reason; without it, `tool_use` after a call and `end_turn` otherwise.
    #[must_use]
    pub fn stop(mut self, reason: &str) -> Self {
        self.stop = Some(json!({"stop_reason": reason}));
        self
    }

    /// Declines.
    #[must_use]
    pub fn refusal(mut self, explanation: &str) -> Self {
        let details = json!({"type": "refusal", "category": null, "explanation": explanation});
        self.stop = Some(json!({"stop_reason": "refusal", "stop_details": details}));
        self
    }

    /// Answers with these bytes instead.
    #[must_use]
    pub fn raw(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.raw = Some(bytes.into());
        self
    }

    /// Answers with this status and an error body of this type and message.
    #[must_use]
    pub fn status(mut self, status: u16, kind: &str, message: &str) -> Self {
        self.status = Some(status);
        let error = json!({"type": kind, "message": message});
        self.raw(json!({"type": "error", "error": error, "request_id": "req_script"}).to_string())
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Reports an error inside the stream, after what was said and before its end.
    #[must_use]
    pub fn then_error(mut self, kind: &str, message: &str) -> Self {
        self.error = Some((kind.to_owned(), message.to_owned()));
        self
    }

    /// Breaks the connection after so many bytes of the body.
    #[must_use]
    pub const fn cut_after(mut self, bytes: usize) -> Self {
        self.fault = Fault::Cut(bytes);
        self
    }

    /// Ends the body after so many bytes, as a proxy may.
    #[must_use]
    pub const fn ends_after(mut self, bytes: usize) -> Self {
        self.fault = Fault::End(bytes);
        self
    }

    /// Says nothing more after so many bytes of the body, and keeps the connection.
    #[must_use]
    pub const fn stalls_after(mut self, bytes: usize) -> Self {
        self.fault = Fault::Stall(bytes);
        self
    }

    /// The body. `number` counts the model's turns from 1 and makes ids that never repeat.
    pub(super) fn body(&self, model: &str, number: usize, request_bytes: usize) -> Vec<u8> {
        if let Some(raw) = &self.raw {
            return raw.clone();
        }
        let mut stream = Stream::default();
        let usage = self.usage.unwrap_or_else(|| self.estimate(request_bytes));
        stream.start(model, number, &usage);
        for (index, block) in self.blocks.iter().enumerate() {
            stream.block(index, block, &format!("toolu_{number}_{index}"));
        }
        if let Some((kind, message)) = &self.error {
            stream.event("error", &json!({"type": "error", "error": {"type": kind, "message": message}}));
            return stream.0;
        }
        let calls = self.blocks.iter().any(|block| block["type"] == "tool_use");
        let usual = json!({"stop_reason": if calls { "tool_use" } else { "end_turn" }});
        let delta = self.stop.as_ref().unwrap_or(&usual);
        let counts = json!({"output_tokens": usage.output});
        stream.event("message_delta", &json!({"type": "message_delta", "delta": delta, "usage": counts}));
        stream.event("message_stop", &json!({"type": "message_stop"}));
        stream.0
    }

    /// About four bytes a token.
    fn estimate(&self, request_bytes: usize) -> Usage {
        let tokens = |bytes: usize| u64::try_from(bytes / 4).unwrap_or(u64::MAX);
        let said = self.blocks.iter().map(|block| block.to_string().len()).sum();
        Usage { input: tokens(request_bytes), output: tokens(said), ..Usage::default() }
    }
}

/// Bytes of one piece of text or JSON, so that deltas are many.
const PIECE: usize = 40;

#[derive(Default)]
struct Stream(Vec<u8>);

impl Stream {
    fn event(&mut self, name: &str, data: &Value) {
        self.0.extend_from_slice(format!("event: {name}\ndata: {data}\n\n").as_bytes());
    }

    fn start(&mut self, model: &str, number: usize, usage: &Usage) {
        let counts = json!({
            "input_tokens": usage.input, "output_tokens": 1,
            "cache_creation_input_tokens": usage.cache_write, "cache_read_input_tokens": usage.cache_read,
        });
        let message = json!({
            "id": format!("msg_{number}"), "type": "message", "role": "assistant", "model": model,
            "content": [], "stop_reason": null, "stop_sequence": null, "usage": counts,
        });
        self.event("message_start", &json!({"type": "message_start", "message": message}));
        self.event("ping", &json!({"type": "ping"}));
    }

    fn block(&mut self, index: usize, block: &Value, id: &str) {
        let (start, kind, key, text) = match block["type"].as_str() {
            Some("tool_use") => {
                let start = json!({"type": "tool_use", "id": id, "name": block["name"], "input": {}});
                (start, "input_json_delta", "partial_json", &block["input"])
            }
            Some("thinking") => {
                let start = json!({"type": "thinking", "thinking": "", "signature": ""});
                (start, "thinking_delta", "thinking", &block["thinking"])
            }
            _ => (json!({"type": "text", "text": ""}), "text_delta", "text", &block["text"]),
        };
        self.event(
            "content_block_start",
            &json!({"type": "content_block_start", "index": index, "content_block": start}),
        );
        for piece in pieces(text.as_str().unwrap_or_default()) {
            self.delta(index, &json!({"type": kind, key: piece}));
        }
        if kind == "thinking_delta" {
            self.delta(index, &json!({"type": "signature_delta", "signature": format!("sig-{id}")}));
        }
        self.event("content_block_stop", &json!({"type": "content_block_stop", "index": index}));
    }

    fn delta(&mut self, index: usize, delta: &Value) {
        self.event(
            "content_block_delta",
            &json!({"type": "content_block_delta", "index": index, "delta": delta}),
        );
    }
}

/// The text in pieces of at least one character and about [`PIECE`] bytes.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for letter in text.chars() {
        if pieces.last().is_some_and(|piece| piece.len() >= PIECE) {
            pieces.push(String::new());
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push(letter);
        }
    }
    pieces
}
