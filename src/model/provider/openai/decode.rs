//! Events of the Chat Completions dialect.

use serde_json::{Value, json};

use crate::model::event::{Event, Stop, UsageUpdate};
use crate::model::provider::Complaint;
use crate::model::request::Block;
use crate::model::sse;

/// Reads one stream. Chat Completions has no blocks, so they are numbered here as they appear.
#[derive(Debug)]
pub(in crate::model) struct Decoder {
    model: String,
    id: Option<String>,
    blocks: u64,
    text: Option<u64>,
    thinking: Option<u64>,
    /// Open tool calls: the server's index, the call's id, our block.
    calls: Vec<(u64, String, u64)>,
    refusal: String,
    stopped: bool,
    finished: bool,
}

impl Decoder {
    /// For a reply of `model`.
    pub(in crate::model) fn new(model: &str) -> Self {
        Self {
            model: model.to_owned(),
            id: None,
            blocks: 0,
            text: None,
            thinking: None,
            calls: Vec::new(),
            refusal: String::new(),
            stopped: false,
            finished: false,
        }
    }

    /// What an event says.
    pub(in crate::model) fn push(&mut self, event: &sse::Event) -> Result<Vec<Event>, serde_json::Error> {
        if event.data.trim() == "[DONE]" {
            return Ok(self.finish());
        }
        let data: Value = serde_json::from_str(&event.data)?;
        if let Some(complaint) = data.get("error").filter(|error| !error.is_null()) {
            let complaint = Complaint::from_value(complaint).unwrap_or_default();
            let kind = if complaint.kind.is_empty() { complaint.code } else { complaint.kind };
            return Ok(vec![Event::Failed { kind, message: complaint.message }]);
        }
        let mut events = self.start(&data);
        if let Some(choice) = data["choices"].get(0) {
            self.delta(&choice["delta"], &mut events);
            if let Some(reason) = choice["finish_reason"].as_str() {
                self.stopped = true;
                events.push(Event::Stopped(self.stop(reason)));
            }
        }
        events.extend(usage(&data["usage"]).map(Event::Usage));
        Ok(events)
    }

    /// The stream ended. A server that gave its reason to stop may forget `[DONE]`.
    pub(in crate::model) fn end(&mut self) -> Vec<Event> {
        if self.stopped { self.finish() } else { Vec::new() }
    }

    fn finish(&mut self) -> Vec<Event> {
        if std::mem::replace(&mut self.finished, true) { Vec::new() } else { vec![Event::Finished] }
    }

    fn start(&mut self, data: &Value) -> Vec<Event> {
        if self.id.is_some() {
            return Vec::new();
        }
        let id = data["id"].as_str().unwrap_or_default().to_owned();
        self.id = Some(id.clone());
        let model = data["model"].as_str().unwrap_or(&self.model).to_owned();
        vec![Event::Started { id, model }]
    }

    fn delta(&mut self, delta: &Value, events: &mut Vec<Event>) {
        let piece = |key: &str| delta[key].as_str().filter(|piece| !piece.is_empty());
        if let Some(text) = piece("reasoning_content").or_else(|| piece("reasoning")) {
            let index = self.thinking_block(events);
            events.push(Event::Thinking { index, text: text.to_owned() });
        }
        if let Some(text) = piece("content") {
            let index = self.text_block(events);
            events.push(Event::Text { index, text: text.to_owned() });
        }
        if let Some(text) = piece("refusal") {
            self.refusal.push_str(text);
        }
        for (position, call) in delta["tool_calls"].as_array().into_iter().flatten().enumerate() {
            self.call(position as u64, call, events);
        }
    }

    fn thinking_block(&mut self, events: &mut Vec<Event>) -> u64 {
        if let Some(index) = self.thinking {
            return index;
        }
        let raw = json!({"type": "thinking", "thinking": ""});
        let index = self.begin(Block::Thinking { model: self.model.clone(), raw }, events);
        *self.thinking.insert(index)
    }

    fn text_block(&mut self, events: &mut Vec<Event>) -> u64 {
        if let Some(index) = self.text {
            return index;
        }
        let index = self.begin(Block::Text { text: String::new() }, events);
        *self.text.insert(index)
    }

    /// A fragment of a call. The id comes in the first fragment only; the index tells calls apart, and
    /// where a server repeats it, a new id does.
    fn call(&mut self, position: u64, call: &Value, events: &mut Vec<Event>) {
        let place = call["index"].as_u64();
        let id = call["id"].as_str().unwrap_or_default();
        let function = &call["function"];
        let same = |known: &&(u64, String, u64)| match place {
            Some(place) => known.0 == place && (id.is_empty() || known.1 == id),
            None => known.1 == id || id.is_empty(),
        };
        let begins = function["name"].as_str().is_some_and(|name| !name.is_empty())
            && place.is_none()
            && id.is_empty();
        let known = if begins { None } else { self.calls.iter().rev().find(same).map(|known| known.2) };
        let index = known.unwrap_or_else(|| {
            let given = if id.is_empty() { self.make_id() } else { id.to_owned() };
            let input = function["arguments"].as_object().map_or_else(|| json!({}), |input| json!(input));
            let name = function["name"].as_str().unwrap_or_default().to_owned();
            let index = self.begin(Block::ToolUse { id: given, name, input }, events);
            self.calls.push((place.unwrap_or(position), id.to_owned(), index));
            index
        });
        if let Some(json) = function["arguments"].as_str() {
            events.push(Event::InputJson { index, json: json.to_owned() });
        }
    }

    /// An id for a call that came without one, distinct within a conversation as far as reply ids are.
    fn make_id(&self) -> String {
        let reply = self.id.as_deref().unwrap_or_default();
        let reply: String = reply.chars().filter(char::is_ascii_alphanumeric).collect();
        format!("call_{reply}_{}", self.calls.len())
    }

    fn begin(&mut self, block: Block, events: &mut Vec<Event>) -> u64 {
        let index = self.blocks;
        self.blocks += 1;
        events.push(Event::BlockStarted { index, block });
        index
    }

    fn stop(&mut self, reason: &str) -> Stop {
        if !self.refusal.is_empty() {
            return Stop::Refusal { explanation: std::mem::take(&mut self.refusal) };
        }
        match reason {
            "stop" if self.calls.is_empty() => Stop::EndTurn,
            "stop" | "tool_calls" | "function_call" => Stop::ToolUse,
            "length" => Stop::MaxTokens,
            "content_filter" => {
                Stop::Refusal { explanation: "the provider's content filter stopped the answer".into() }
            }
            other => Stop::Other(other.to_owned()),
        }
    }
}

/// `prompt_tokens` holds the cached tokens too; ours does not.
fn usage(usage: &Value) -> Option<UsageUpdate> {
    let prompt = usage["prompt_tokens"].as_u64()?;
    let detail = |key: &str| usage["prompt_tokens_details"][key].as_u64().unwrap_or_default();
    let (read, write) = (detail("cached_tokens"), detail("cache_write_tokens"));
    Some(UsageUpdate {
        input: Some(prompt.saturating_sub(read + write)),
        output: usage["completion_tokens"].as_u64(),
        cache_write: Some(write),
        cache_read: Some(read),
    })
}
