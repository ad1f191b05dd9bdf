//! A pure fold: the events of one attempt become one reply, or the attempt is void.
//!
//! What it refuses to do: to let a cut reply look whole. Without [`Event::Finished`] there is no
//! reply; a tool call whose input does not parse is kept, but marked (see
//! [`malformed_input`](super::request::malformed_input)), so that it can be answered and not be run.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::event::{Event, Stop, Usage};
use super::request::{self, Block};

/// A whole reply, before it is priced.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Assembled {
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) content: Vec<Block>,
    pub(crate) stop: Stop,
    pub(crate) usage: Usage,
}

/// Why an attempt counts for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Void {
    /// The stream ended before the reply did.
    Cut,
    /// The provider reported an error inside the stream.
    Failed { kind: String, message: String },
}

/// A reply in the making.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    id: String,
    model: String,
    blocks: BTreeMap<u64, Partial>,
    stop: Option<Stop>,
    usage: Usage,
    finished: bool,
    failed: Option<Void>,
}

#[derive(Debug)]
struct Partial {
    block: Block,
    json: String,
}

impl Assembly {
    /// Takes the next event. Events of blocks that never began belong to kinds of block that this
    /// program does not know, and are skipped.
    pub(crate) fn push(&mut self, event: Event) {
        match event {
            Event::Started { id, model } => (self.id, self.model) = (id, model),
            Event::BlockStarted { index, block } => {
                self.blocks.insert(index, Partial { block, json: String::new() });
            }
            Event::Text { index, text } => self.edit(index, |partial| partial.add_text(&text)),
            Event::InputJson { index, json } => self.edit(index, |partial| partial.json.push_str(&json)),
            Event::Thinking { index, text } => self.edit(index, |partial| partial.think(&text)),
            Event::Signature { index, signature } => self.edit(index, |partial| partial.sign(signature)),
            Event::BlockStopped { .. } => {}
            Event::Usage(update) => {
                let overwrite = |known: &mut u64, given: Option<u64>| *known = given.unwrap_or(*known);
                overwrite(&mut self.usage.input, update.input);
                overwrite(&mut self.usage.output, update.output);
                overwrite(&mut self.usage.cache_write, update.cache_write);
                overwrite(&mut self.usage.cache_read, update.cache_read);
            }
            Event::Stopped(stop) => self.stop = Some(stop),
            Event::Finished => self.finished = true,
            Event::Failed { kind, message } => self.failed = Some(Void::Failed { kind, message }),
        }
    }

    /// Whether nothing more can come that would change the outcome.
    pub(crate) const fn is_over(&self) -> bool {
        self.finished || self.failed.is_some()
    }

    /// The reply, or why there is none.
    pub(crate) fn finish(self) -> Result<Assembled, Void> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        if !self.finished {
            return Err(Void::Cut);
        }
        let stop = self.stop.unwrap_or(Stop::EndTurn);
        let cut = matches!(stop, Stop::MaxTokens | Stop::ContextFull);
        let last = self.blocks.keys().next_back().copied();
        let whole = |(index, partial): (u64, Partial)| partial.whole(cut && Some(index) == last);
        let mut content: Vec<_> =
            self.blocks.into_iter().map(whole).filter(|block| !is_empty(block)).collect();
        if matches!(stop, Stop::Refusal { .. }) {
            content.clear();
        }
        Ok(Assembled { id: self.id, model: self.model, content, stop, usage: self.usage })
    }

    fn edit(&mut self, index: u64, change: impl FnOnce(&mut Partial)) {
        if let Some(partial) = self.blocks.get_mut(&index) {
            change(partial);
        }
    }
}

impl Partial {
    fn add_text(&mut self, piece: &str) {
        if let Block::Text { text } = &mut self.block {
            text.push_str(piece);
        }
    }

    fn think(&mut self, piece: &str) {
        if let Block::Thinking { raw: Value::Object(raw), .. } = &mut self.block
            && let Value::String(text) = raw.entry("thinking").or_insert_with(|| Value::String(String::new()))
        {
            text.push_str(piece);
        }
    }

    fn sign(&mut self, signature: String) {
        if let Block::Thinking { raw: Value::Object(raw), .. } = &mut self.block {
            raw.insert("signature".into(), Value::String(signature));
        }
    }

    /// The block with its input parsed; `cut` says that the model ran out of tokens inside it.
    fn whole(self, cut: bool) -> Block {
        match self.block {
            Block::ToolUse { id, name, input } => {
                let input =
                    if self.json.is_empty() && !is_nothing(&input) { input } else { parse(self.json, cut) };
                Block::ToolUse { id, name, input }
            }
            other => other,
        }
    }
}

/// Tool input as it streamed: an empty text is `{}` unless the call was cut.
fn parse(json: String, cut: bool) -> Value {
    if json.trim().is_empty() && !cut {
        return Value::Object(Map::new());
    }
    match serde_json::from_str(&json) {
        Ok(Value::Object(input)) => Value::Object(input),
        _ => request::malformed(json),
    }
}

fn is_nothing(input: &Value) -> bool {
    input.is_null() || input.as_object().is_some_and(Map::is_empty)
}

fn is_empty(block: &Block) -> bool {
    matches!(block, Block::Text { text } if text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::event::UsageUpdate;
    use super::super::request::malformed_input;
    use super::*;

    fn fold(events: impl IntoIterator<Item = Event>) -> Result<Assembled, Void> {
        let mut assembly = Assembly::default();
        events.into_iter().for_each(|event| assembly.push(event));
        assembly.finish()
    }

    fn call(json: &str, stop: Stop) -> Value {
        let block = Block::ToolUse { id: "t".into(), name: "edit".into(), input: json!({}) };
        let events = [
            Event::BlockStarted { index: 1, block },
            Event::InputJson { index: 1, json: json.into() },
            Event::BlockStopped { index: 1 },
            Event::Stopped(stop),
            Event::Finished,
        ];
        match fold(events).unwrap().content.remove(0) {
            Block::ToolUse { input, .. } => input,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn tool_input_is_parsed_or_marked() {
        assert_eq!(call(r#"{"a":"\u00fc"}"#, Stop::ToolUse), json!({"a": "ü"}));
        assert_eq!(call("", Stop::ToolUse), json!({}));
        assert_eq!(malformed_input(&call(r#"{"a": nope}"#, Stop::ToolUse)), Some(r#"{"a": nope}"#));
        assert_eq!(malformed_input(&call("[1]", Stop::ToolUse)), Some("[1]"));
    }

    #[test]
    fn a_call_cut_by_the_token_limit_is_marked() {
        assert_eq!(malformed_input(&call(r#"{"path": "src"#, Stop::MaxTokens)), Some(r#"{"path": "src"#));
        assert_eq!(malformed_input(&call("", Stop::MaxTokens)), Some(""));
        assert_eq!(call(r#"{"path":"a"}"#, Stop::MaxTokens), json!({"path": "a"}));
    }

    #[test]
    fn counts_overwrite_and_never_add() {
        let count = |output| Event::Usage(UsageUpdate { output: Some(output), ..UsageUpdate::default() });
        let first = Event::Usage(UsageUpdate { input: Some(9), output: Some(1), ..UsageUpdate::default() });
        let reply = fold([first, count(5), count(7), Event::Finished]).unwrap();
        assert_eq!(reply.usage, Usage { input: 9, output: 7, ..Usage::default() });
    }

    #[test]
    fn without_its_end_there_is_no_reply() {
        assert_eq!(fold([Event::Stopped(Stop::EndTurn)]), Err(Void::Cut));
        let failed = Event::Failed { kind: "overloaded_error".into(), message: "busy".into() };
        assert!(matches!(fold([failed, Event::Finished]), Err(Void::Failed { .. })));
    }

    #[test]
    fn a_refusal_keeps_nothing_of_the_partial_answer() {
        let stop = Stop::Refusal { explanation: "no".into() };
        let text = Event::BlockStarted { index: 0, block: Block::Text { text: "Sure".into() } };
        assert!(fold([text, Event::Stopped(stop), Event::Finished]).unwrap().content.is_empty());
    }
}
