//! What comes back from a model, in no provider's words: events while it streams, a reply at the end.

use serde::{Deserialize, Serialize};

use super::request::Block;
use crate::artifact::Usd;

/// One step of a stream, decoded from any protocol.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The reply began: its id, if the provider gives one, and the model that really answers.
    Started {
        /// The provider's id of the reply.
        id: String,
        /// The model that answers.
        model: String,
    },
    /// A block began at this index.
    BlockStarted {
        /// The provider's index of the block.
        index: u64,
        /// The block so far: empty text, a tool call without input, or thinking as it came.
        block: Block,
    },
    /// More text of the block.
    Text {
        /// The block.
        index: u64,
        /// The piece.
        text: String,
    },
    /// More JSON text of a tool call's input.
    InputJson {
        /// The block.
        index: u64,
        /// The piece, not valid by itself.
        json: String,
    },
    /// More thinking.
    Thinking {
        /// The block.
        index: u64,
        /// The piece; empty where the provider hides it.
        text: String,
    },
    /// The signature of a thinking block; replaces an earlier one.
    Signature {
        /// The block.
        index: u64,
        /// The signature, byte for byte.
        signature: String,
    },
    /// The block is whole.
    BlockStopped {
        /// The block.
        index: u64,
    },
    /// Counts so far: cumulative, what is given overwrites what was.
    Usage(UsageUpdate),
    /// Why the model stopped.
    Stopped(Stop),
    /// The stream ended as the protocol says it must.
    Finished,
    /// The provider reported an error inside the stream; the turn is void.
    Failed {
        /// The provider's error type.
        kind: String,
        /// Its message.
        message: String,
    },
}

/// Cumulative counts; `None` leaves what was known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UsageUpdate {
    /// Fresh input tokens.
    pub input: Option<u64>,
    /// Output tokens.
    pub output: Option<u64>,
    /// Input tokens written to the cache.
    pub cache_write: Option<u64>,
    /// Input tokens read from the cache.
    pub cache_read: Option<u64>,
}

/// Tokens of one reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Fresh input tokens.
    pub input: u64,
    /// Output tokens, thinking included.
    pub output: u64,
    /// Input tokens written to the cache.
    pub cache_write: u64,
    /// Input tokens read from the cache.
    pub cache_read: u64,
}

impl Usage {
    /// All input tokens, cached ones included.
    pub const fn all_input(&self) -> u64 {
        self.input + self.cache_write + self.cache_read
    }

    /// Both added up.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            input: self.input + other.input,
            output: self.output + other.output,
            cache_write: self.cache_write + other.cache_write,
            cache_read: self.cache_read + other.cache_read,
        }
    }
}

/// Why a model stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// It had said what it wanted to say.
    EndTurn,
    /// It waits for its tool calls.
    ToolUse,
    /// It ran out of output tokens: a tool call at the end may be cut and must not run.
    MaxTokens,
    /// It declined; the partial answer is to be discarded.
    Refusal {
        /// The provider's explanation, if any.
        explanation: String,
    },
    /// The conversation no longer fits.
    ContextFull,
    /// A pause of the provider's own; the conversation is sent back as it is.
    Pause,
    /// A reason this program does not know: treated as [`Stop::EndTurn`], and said.
    Other(String),
}

/// A whole reply.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The provider's id of the reply.
    pub id: String,
    /// The model that answered.
    pub model: String,
    /// What it said, in order.
    pub content: Vec<Block>,
    /// Why it stopped.
    pub stop: Stop,
    /// What it used.
    pub usage: Usage,
    /// What it cost; `None` where the model's prices are unknown.
    pub cost: Option<Usd>,
    /// How often it was tried, 1 when it worked at once.
    pub attempts: u32,
    /// How long it took, retries included.
    pub millis: u64,
}

impl Reply {
    /// All text blocks, joined.
    pub fn text(&self) -> String {
        self.content
            .iter()
            .filter_map(|block| match block {
                Block::Text { text } => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }
}
