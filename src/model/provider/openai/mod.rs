//! The Chat Completions dialect: `OpenAI`, Ollama, vLLM, llama.cpp, `OpenRouter`, LM Studio.
//!
//! Every server deviates somewhere; what is tolerated: tool calls with a missing or repeated `index`,
//! without an id, whole in one chunk, with arguments as an object; `finish_reason: stop` with tool
//! calls present; no usage; no `[DONE]`; errors as a `data:` line; a parameter the server does not
//! know, which is left out from then on ([`droppable`]). Reasoning is shown and not sent back.
//! Sources: Chat Completions reference; the servers' compatibility pages.

mod decode;
mod encode;

pub(in crate::model) use decode::Decoder;
pub(in crate::model) use encode::{droppable, encode};
