//! Events of the Messages protocol.
//!
//! Unknown events, deltas and kinds of block are skipped: the API may bring new ones at any time.

use serde_json::{Value, json};

use crate::model::event::{Event, Stop, UsageUpdate};
use crate::model::provider::Complaint;
use crate::model::request::Block;
use crate::model::sse;

/// Reads one stream.
#[derive(Debug)]
pub(in crate::model) struct Decoder {
    model: String,
}

impl Decoder {
    /// For a reply of `model`, by the name it was asked under: thinking goes back to that name.
    pub(in crate::model) fn new(model: &str) -> Self {
        Self { model: model.to_owned() }
    }

    /// What an event says.
    pub(in crate::model) fn push(&self, event: &sse::Event) -> Result<Vec<Event>, serde_json::Error> {
        if event.data.trim() == "[DONE]" {
            return Ok(Vec::new());
        }
        let data: Value = serde_json::from_str(&event.data)?;
        let index = data["index"].as_u64().unwrap_or_default();
        Ok(match data["type"].as_str().unwrap_or(&event.name) {
            "message_start" => started(&data["message"]),
            "content_block_start" => self.block(index, &data["content_block"]).into_iter().collect(),
            "content_block_delta" => delta(index, &data["delta"]).into_iter().collect(),
            "content_block_stop" => vec![Event::BlockStopped { index }],
            "message_delta" => message_delta(&data),
            "message_stop" => vec![Event::Finished],
            "error" => vec![failed(&data)],
            _ => Vec::new(),
        })
    }

    fn block(&self, index: u64, block: &Value) -> Option<Event> {
        let block = match block["type"].as_str()? {
            "text" => Block::Text { text: text(&block["text"]) },
            "thinking" | "redacted_thinking" => {
                Block::Thinking { model: self.model.clone(), raw: block.clone() }
            }
            "tool_use" => Block::ToolUse {
                id: text(&block["id"]),
                name: text(&block["name"]),
                input: block.get("input").cloned().unwrap_or_else(|| json!({})),
            },
            _ => return None,
        };
        Some(Event::BlockStarted { index, block })
    }
}

fn started(message: &Value) -> Vec<Event> {
    let started = Event::Started { id: text(&message["id"]), model: text(&message["model"]) };
    vec![started, Event::Usage(usage(&message["usage"]))]
}

fn delta(index: u64, delta: &Value) -> Option<Event> {
    let piece = |key: &str| delta[key].as_str().map(str::to_owned);
    match delta["type"].as_str()? {
        "text_delta" => Some(Event::Text { index, text: piece("text")? }),
        "input_json_delta" => Some(Event::InputJson { index, json: piece("partial_json")? }),
        "thinking_delta" => Some(Event::Thinking { index, text: piece("thinking")? }),
        "signature_delta" => Some(Event::Signature { index, signature: piece("signature")? }),
        _ => None,
    }
}

fn message_delta(data: &Value) -> Vec<Event> {
    let stop =
        data["delta"]["stop_reason"].as_str().map(|reason| Event::Stopped(stop(reason, &data["delta"])));
    let usage = data.get("usage").map(|counts| Event::Usage(usage(counts)));
    stop.into_iter().chain(usage).collect()
}

fn stop(reason: &str, delta: &Value) -> Stop {
    match reason {
        "end_turn" | "stop_sequence" => Stop::EndTurn,
        "tool_use" => Stop::ToolUse,
        "max_tokens" => Stop::MaxTokens,
        "refusal" => Stop::Refusal { explanation: explanation(&delta["stop_details"]) },
        "pause_turn" => Stop::Pause,
        "model_context_window_exceeded" => Stop::ContextFull,
        other => Stop::Other(other.to_owned()),
    }
}

fn explanation(details: &Value) -> String {
    let given = ["explanation", "category"].iter().find_map(|key| details[*key].as_str());
    given.unwrap_or("the model gave no explanation").to_owned()
}

fn usage(counts: &Value) -> UsageUpdate {
    UsageUpdate {
        input: counts["input_tokens"].as_u64(),
        output: counts["output_tokens"].as_u64(),
        cache_write: counts["cache_creation_input_tokens"].as_u64(),
        cache_read: counts["cache_read_input_tokens"].as_u64(),
    }
}

fn failed(data: &Value) -> Event {
    let complaint = Complaint::from_value(data).unwrap_or_default();
    Event::Failed { kind: complaint.kind, message: complaint.message }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
