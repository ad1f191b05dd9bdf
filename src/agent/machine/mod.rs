//! The agent's mind-keeper: `(state, event) -> effects`, without I/O, time or chance.
//!
//! It keeps the conversation, which is append-only, and decides what comes next: send, run tools,
//! end. Every call of a turn is answered in one user message, results first, because the providers
//! demand it and because a model that was not answered asks again. What a call does is the
//! toolbox's business, and performing effects is the driver's.

use super::step::{Answer, Call, Effect, Ended, Event, Limits};
use super::stuck::{Memory, Sign};
use super::tools::Outcome;
use crate::model::request::Role;
use crate::model::{Block, Message, Reply, Stop};

/// Cut replies in a row before the work ends.
const CUTS: u32 = 3;
/// Requests that a closing answer may take.
const CLOSING_TURNS: u32 = 3;

const CUT_CALL: &str = "Not run: the message hit the output limit before this call was whole. \
    Do it in smaller steps: several small edits instead of one large one.";
const CUT_TEXT: &str =
    "Your last message hit the output limit and was cut. Go on from there, in smaller steps.";
const CUT_ANSWER: &str =
    "Your answer hit the output limit and was cut. Give the whole answer again, shorter.";
const NO_TOOLS_NOW: &str = "Tools no longer run in this conversation. Give the answer now.";
const SILENT: &str = "You ended your turn without a word and without a call. \
    Go on with the work, or say in one sentence how it stands.";
const CIRCLING: &str = "This repeats what you did before, with the same result. Try something else, \
    or stop and say what is in the way.";

/// One conversation and where it stands.
#[derive(Debug, Clone)]
pub struct Machine {
    limits: Limits,
    messages: Vec<Message>,
    turns_left: u32,
    closing: bool,
    cuts: u32,
    nudged: bool,
    memory: Memory,
    calls: Vec<Call>,
    known: Vec<Answer>,
}

impl Machine {
    /// An empty conversation; each [`Event::Start`] grants `limits` anew.
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            messages: Vec::new(),
            turns_left: 0,
            closing: false,
            cuts: 0,
            nudged: false,
            memory: Memory::new(),
            calls: Vec::new(),
            known: Vec::new(),
        }
    }

    /// The conversation so far. Grows only at its end.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Whether a closing answer was asked for.
    pub const fn is_closing(&self) -> bool {
        self.closing
    }

    /// Takes in what happened and says what to do.
    pub fn handle(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Start { message } => self.begin(message, self.limits.turns),
            Event::Close { message } => {
                let effects = self.begin(message, CLOSING_TURNS);
                self.closing = true;
                effects
            }
            Event::Replied(reply) => self.replied(reply),
            Event::ToolsRan(answers) => self.answer(answers),
            Event::Overflowed => vec![Effect::End(Ended::ContextFull)],
            Event::Unaffordable(shortfall) => vec![Effect::End(Ended::OutOfMoney(shortfall))],
        }
    }

    fn begin(&mut self, message: String, turns: u32) -> Vec<Effect> {
        self.turns_left = turns;
        self.closing = false;
        self.cuts = 0;
        self.nudged = false;
        self.memory = Memory::new();
        self.tell(message)
    }

    fn replied(&mut self, reply: Reply) -> Vec<Effect> {
        match &reply.stop {
            Stop::Refusal { explanation } => {
                vec![Effect::End(Ended::Refused { explanation: explanation.clone() })]
            }
            Stop::ContextFull => vec![Effect::End(Ended::ContextFull)],
            Stop::MaxTokens => self.cut(reply.content),
            Stop::Pause => {
                self.say(reply.content);
                self.send()
            }
            Stop::EndTurn | Stop::ToolUse => self.whole(&reply),
            Stop::Other(reason) => {
                let said = Effect::Say(format!(
                    "the model stopped for a reason this program does not know: `{reason}`"
                ));
                let mut effects = vec![said];
                effects.extend(self.whole(&reply));
                effects
            }
        }
    }

    /// A reply that ended as it should: calls are run, words without calls end the work.
    fn whole(&mut self, reply: &Reply) -> Vec<Effect> {
        self.cuts = 0;
        let calls = calls(&reply.content);
        self.say(reply.content.clone());
        if !calls.is_empty() {
            return self.run(calls, Vec::new());
        }
        let text = reply.text();
        if text.trim().is_empty() && !self.nudged {
            self.nudged = true;
            return self.tell(SILENT.to_owned());
        }
        vec![Effect::End(Ended::Done { text })]
    }

    /// A reply that ran out of output tokens: its last block is not to be trusted.
    fn cut(&mut self, mut content: Vec<Block>) -> Vec<Effect> {
        self.cuts += 1;
        if self.cuts > CUTS {
            let why = format!("its messages hit the output limit {} times in a row", self.cuts);
            return vec![Effect::End(Ended::Stuck { why })];
        }
        while matches!(content.last(), Some(Block::Thinking { .. })) {
            content.pop();
        }
        let mut calls = calls(&content);
        let ends_in_call = matches!(content.last(), Some(Block::ToolUse { .. }));
        self.say(content);
        if calls.is_empty() {
            let text = if self.closing { CUT_ANSWER } else { CUT_TEXT };
            return self.tell(text.to_owned());
        }
        let cut = if ends_in_call { calls.pop() } else { None };
        let known = cut.map(|call| Answer { id: call.id, outcome: Outcome::Failed(CUT_CALL.to_owned()) });
        self.run(calls, known.into_iter().collect())
    }

    /// Asks for `calls` to be run; the answers in `known` are final already.
    fn run(&mut self, calls: Vec<Call>, known: Vec<Answer>) -> Vec<Effect> {
        self.known = known;
        if self.closing {
            let refused = calls.iter().map(|call| Answer {
                id: call.id.clone(),
                outcome: Outcome::Refused(NO_TOOLS_NOW.to_owned()),
            });
            let refused = refused.collect();
            self.calls = calls;
            return self.answer(refused);
        }
        self.calls.clone_from(&calls);
        if calls.is_empty() { self.answer(Vec::new()) } else { vec![Effect::RunTools(calls)] }
    }

    /// Answers every call of the turn in one message, results first.
    fn answer(&mut self, mut answers: Vec<Answer>) -> Vec<Effect> {
        let calls = std::mem::take(&mut self.calls);
        for call in &calls {
            if !answers.iter().any(|answer| answer.id == call.id) {
                let outcome = Outcome::Failed("Not run.".to_owned());
                answers.push(Answer { id: call.id.clone(), outcome });
            }
        }
        answers.append(&mut self.known);
        let sign = self.memory.note(&calls, &answers);
        let mut content: Vec<Block> = answers.into_iter().map(result).collect();
        content.extend(self.notes(&sign).into_iter().map(|text| Block::Text { text }));
        self.messages.push(Message { role: Role::User, content });
        if let Sign::Stuck(why) = sign {
            return vec![Effect::End(Ended::Stuck { why })];
        }
        self.send()
    }

    /// What the model is told besides the results.
    fn notes(&self, sign: &Sign) -> Vec<String> {
        let circling = (*sign == Sign::Circling).then(|| CIRCLING.to_owned());
        let ending = match self.turns_left {
            _ if self.closing => None,
            2 => Some(
                "Two turns are left: finish the most important thing, then say what is done and what is not.",
            ),
            1 => Some("This is the last turn: call no tool; say what is done and what is not."),
            _ => None,
        };
        circling.into_iter().chain(ending.map(ToOwned::to_owned)).collect()
    }

    fn tell(&mut self, text: String) -> Vec<Effect> {
        self.messages.push(Message::user(text));
        self.send()
    }

    fn send(&mut self) -> Vec<Effect> {
        if let Some(left) = self.turns_left.checked_sub(1) {
            self.turns_left = left;
            return vec![Effect::Send];
        }
        let turns = if self.closing { CLOSING_TURNS } else { self.limits.turns };
        vec![Effect::End(Ended::OutOfTurns { turns })]
    }

    /// Appends what the model said, without what no provider takes back: empty text and broken input.
    fn say(&mut self, content: Vec<Block>) {
        let content: Vec<Block> = content.into_iter().filter_map(acceptable).collect();
        if !content.is_empty() {
            self.messages.push(Message { role: Role::Assistant, content });
        }
    }
}

fn acceptable(block: Block) -> Option<Block> {
    match block {
        Block::Text { text } if text.trim().is_empty() => None,
        Block::ToolUse { id, name, input } if !input.is_object() => {
            Some(Block::ToolUse { id, name, input: serde_json::json!({}) })
        }
        other => Some(other),
    }
}

fn calls(content: &[Block]) -> Vec<Call> {
    let call = |block: &Block| match block {
        Block::ToolUse { id, name, input } => {
            Some(Call { id: id.clone(), name: name.clone(), input: input.clone() })
        }
        _ => None,
    };
    content.iter().filter_map(call).collect()
}

fn result(answer: Answer) -> Block {
    let is_error = !matches!(answer.outcome, Outcome::Ok(_));
    Block::ToolResult { id: answer.id, content: answer.outcome.into_text(), is_error }
}

#[cfg(test)]
mod tests;
