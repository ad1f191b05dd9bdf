//! What goes into the machine and what comes out of it: plain data, so that a test is a list of both.

use serde_json::Value;

use super::tools::Outcome;
use crate::artifact::Usd;
use crate::context::secrets;
use crate::model::Reply;

/// How much one piece of work may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Model turns from the message that starts the work to its end.
    pub turns: u32,
}

/// Something that happened to the conversation.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The verb asks for work; the model may call tools.
    Start {
        /// The finished message.
        message: String,
    },
    /// The verb asks for one closing answer; tools are still declared, so that the cached prefix
    /// holds, but no longer run.
    Close {
        /// The finished message.
        message: String,
    },
    /// The model replied.
    Replied(Reply),
    /// The calls that the machine asked for were run.
    ToolsRan(Vec<Answer>),
    /// The next request may cost more than is left.
    Unaffordable(Shortfall),
    /// The provider says that the conversation is too long.
    Overflowed,
}

/// What the driver has to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Send the conversation as it stands.
    Send,
    /// Run these calls in order and come back with one answer for each.
    RunTools(Vec<Call>),
    /// Tell the person.
    Say(String),
    /// The work is over.
    End(Ended),
}

/// One tool call of the model, its input not yet validated.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The call's id.
    pub id: String,
    /// The tool it names.
    pub name: String,
    /// Its input; anything but an object came from JSON that was broken.
    pub input: Value,
}

impl Call {
    /// What it asks, in one line for people.
    pub fn summary(&self) -> String {
        let named =
            ["path", "command", "pattern", "glob", "number"].iter().filter_map(|name| self.input.get(name));
        let first =
            named.map(|value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)).next();
        let line = first.as_deref().and_then(|text| text.lines().next()).unwrap_or_default();
        secrets::redact(&line.chars().take(100).collect::<String>()).text
    }
}

/// What a call showed.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The call's id.
    pub id: String,
    /// What the tool said.
    pub outcome: Outcome,
}

/// Why the next request is not made: the three amounts behind it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shortfall {
    /// What the run has cost so far.
    pub spent: Usd,
    /// What the next request is estimated to cost.
    pub next: Usd,
    /// What the run may cost.
    pub cap: Usd,
}

/// How a piece of work ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ended {
    /// The model stopped calling tools; its last words.
    Done {
        /// All text of the last reply.
        text: String,
    },
    /// The turns were used up.
    OutOfTurns {
        /// How many there were.
        turns: u32,
    },
    /// The next request would have gone over the run's cap.
    OutOfMoney(Shortfall),
    /// The model declined; what it had begun to say was discarded.
    Refused {
        /// The provider's explanation; may be empty.
        explanation: String,
    },
    /// The model went in circles.
    Stuck {
        /// What it repeated.
        why: String,
    },
    /// The conversation no longer fits into the model's context.
    ContextFull,
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Done { .. } => write!(f, "the model finished"),
            Self::OutOfTurns { turns } => write!(f, "the model was not done after {turns} turns"),
            Self::OutOfMoney(Shortfall { spent, next, cap }) => {
                write!(f, "the next turn may cost {next}, {spent} of {cap} are spent")
            }
            Self::Refused { explanation } if explanation.is_empty() => write!(f, "the model declined"),
            Self::Refused { explanation } => write!(f, "the model declined: {explanation}"),
            Self::Stuck { why } => write!(f, "the model is stuck: {why}"),
            Self::ContextFull => write!(f, "the conversation no longer fits into the model's context"),
        }
    }
}
