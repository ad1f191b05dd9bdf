//! The shape of what a model is shown: capped, marked as data, secrets out, and what was cut is said.

use super::Denial;
use crate::context::secrets;
pub(super) use crate::prompts::data;

/// Bytes of one tool result, whatever the tool.
pub(super) const RESULT_BYTES: usize = 16 * 1024;

/// The last gate before the model: no secret, no more than the cap.
pub(super) fn guard(result: Result<String, Denial>) -> Result<String, Denial> {
    let clean = |text: String| middle(&secrets::redact(&text).text, RESULT_BYTES);
    match result {
        Ok(text) => Ok(clean(text)),
        Err(Denial::Refused(text)) => Err(Denial::Refused(clean(text))),
        Err(Denial::Failed(text)) => Err(Denial::Failed(clean(text))),
    }
}

/// `text` with its middle left out where it is longer than `bytes`; cut at line ends where possible.
pub(super) fn middle(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let half = bytes / 2;
    let head_end = text.floor_char_boundary(half);
    let tail_start = text.ceil_char_boundary(text.len() - half);
    let head = text.get(..head_end).unwrap_or_default();
    let tail = text.get(tail_start..).unwrap_or_default();
    let head = head.rfind('\n').and_then(|end| head.get(..=end)).unwrap_or(head);
    let tail = tail.find('\n').and_then(|start| tail.get(start + 1..)).unwrap_or(tail);
    let left_out = text.len() - head.len() - tail.len();
    format!("{head}[… {left_out} bytes left out …]\n{tail}")
}

/// A line cut at `chars`.
pub(super) fn line(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
