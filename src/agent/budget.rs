//! Money: one cap over all roles of a run, asked before every request.
//!
//! The check comes before the request, with an estimate of what it may cost, because afterwards the
//! money is gone. Where a model's prices are unknown, its turns are counted as unknown, never as
//! free: the cap cannot hold them, so they are bounded by the number of turns, and that is said.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::step::Shortfall;
use crate::artifact::Usd;
use crate::config::settings::ModelFacts;
use crate::context::tokens;
use crate::model::request::Role;
use crate::model::{Block, Message, Request};

/// Output tokens assumed for a request that has not been made yet.
const EXPECTED_OUTPUT: f64 = 2_000.0;

/// The cap of a run and what was spent of it.
#[derive(Debug)]
pub struct Budget {
    cap: Usd,
    spent: Mutex<Spent>,
}

/// What a run has cost so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spent {
    /// The turns whose cost is known, added up.
    pub known: Usd,
    /// Turns whose cost is unknown.
    pub unknown_turns: u32,
}

impl Budget {
    /// Nothing spent of `cap`.
    pub fn new(cap: Usd) -> Self {
        Self { cap, spent: Mutex::default() }
    }

    /// What the run may cost.
    pub const fn cap(&self) -> Usd {
        self.cap
    }

    /// What was spent so far.
    pub fn spent(&self) -> Spent {
        *self.lock()
    }

    /// Whether a request estimated at `next` may be made; unknown prices may, see the module's text.
    pub fn admit(&self, next: Option<Usd>) -> Result<(), Shortfall> {
        let spent = self.spent().known;
        let next = next.unwrap_or_default();
        if spent + next > self.cap { Err(Shortfall { spent, next, cap: self.cap }) } else { Ok(()) }
    }

    /// Counts a turn that was made.
    pub fn charge(&self, cost: Option<Usd>) {
        let mut spent = self.lock();
        match cost {
            Some(cost) => spent.known = spent.known + cost,
            None => spent.unknown_turns += 1,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a request may cost: all up to the model's last words read from the cache, the rest written
/// to it, and a usual answer. A first request is fresh as a whole.
pub(super) fn estimate(facts: &ModelFacts, request: &Request) -> Usd {
    let last_words = request.messages.iter().rposition(|message| message.role == Role::Assistant);
    let (cached, fresh) = request.messages.split_at(last_words.map_or(0, |position| position + 1));
    let head = tokens::estimate(&request.system)
        + request.tools.iter().map(|tool| tokens::estimate(&tool.input_schema.to_string())).sum::<u64>();
    let cached_tokens = cached.iter().map(size).sum::<u64>();
    let fresh_tokens = fresh.iter().map(size).sum::<u64>();
    let (read, written) =
        if last_words.is_some() { (head + cached_tokens, fresh_tokens) } else { (0, head + fresh_tokens) };
    let [input, output, cache_write, cache_read] = prices(facts, read + written);
    let million = 1e6;
    let cost =
        amount(read) * cache_read + amount(written) * cache_write.max(input) + EXPECTED_OUTPUT * output;
    Usd(cost / million)
}

/// Fresh input, output, cache write and cache read, for a prompt of this many tokens.
fn prices(facts: &ModelFacts, tokens: u64) -> [f64; 4] {
    let usual = [facts.input, facts.output, facts.cache_write, facts.cache_read];
    let is_above = facts.above_tokens.is_some_and(|most| tokens > most);
    facts.above.filter(|_| is_above).unwrap_or(usual)
}

fn size(message: &Message) -> u64 {
    let block = |block: &Block| match block {
        Block::Text { text } => tokens::estimate(text),
        Block::Thinking { raw, .. } => tokens::estimate(&raw.to_string()),
        Block::ToolUse { input, .. } => tokens::estimate(&input.to_string()),
        Block::ToolResult { content, .. } => tokens::estimate(content),
    };
    message.content.iter().map(block).sum()
}

#[expect(clippy::cast_precision_loss, reason = "an estimate of money; token counts stay far below 2^52")]
fn amount(tokens: u64) -> f64 {
    tokens as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> ModelFacts {
        serde_json::from_value(serde_json::json!({
            "input": 3.0, "output": 15.0, "cache_write": 3.75, "cache_read": 0.3, "context": 1_000_000,
            "above_tokens": 200_000, "above": [6.0, 30.0, 7.5, 0.6],
        }))
        .unwrap()
    }

    fn request(messages: Vec<Message>) -> Request {
        let (model, system) = ("m".to_owned(), String::new());
        Request { model, system, tools: Vec::new(), messages, max_tokens: 32_000, effort: None, schema: None }
    }

    #[test]
    fn what_was_sent_before_is_read_from_the_cache() {
        let text = "word ".repeat(70_000);
        let first = estimate(&facts(), &request(vec![Message::user(text.as_str())]));
        let answer = Message { role: Role::Assistant, content: vec![Block::Text { text: "ok".to_owned() }] };
        let second = estimate(&facts(), &request(vec![Message::user(text), answer, Message::user("go on")]));
        assert!((0.35..0.5).contains(&first.0), "100,000 tokens written and 2,000 answered: {first}");
        assert!((0.05..0.08).contains(&second.0), "100,000 tokens read and 2,000 answered: {second}");
    }

    #[test]
    fn a_long_prompt_costs_its_own_price() {
        let long = estimate(&facts(), &request(vec![Message::user("word ".repeat(210_000))]));
        assert!((2.2..2.5).contains(&long.0), "{long}");
    }

    #[test]
    fn the_cap_counts_what_is_known_and_remembers_what_is_not() {
        let budget = Budget::new(Usd(1.0));
        budget.charge(Some(Usd(0.75)));
        budget.charge(None);
        assert_eq!(budget.spent(), Spent { known: Usd(0.75), unknown_turns: 1 });
        assert_eq!(budget.admit(Some(Usd(0.25))), Ok(()));
        let shortfall = Shortfall { spent: Usd(0.75), next: Usd(0.5), cap: Usd(1.0) };
        assert_eq!(budget.admit(Some(Usd(0.5))), Err(shortfall));
        assert_eq!(budget.admit(None), Ok(()));
    }
}
