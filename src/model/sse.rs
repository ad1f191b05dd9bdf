//! Server-sent events: bytes in, events out, however the bytes were cut.
//!
//! Follows the event stream format of the HTML standard: lines end in `\n`, `\r\n` or `\r`, a byte
//! order mark and comments are skipped, several `data:` lines join with `\n`. It differs in one
//! point: a last event without its blank line counts, because servers forget it. Pure.

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Event {
    /// What follows `event:`; empty where the server does not name its events.
    pub(crate) name: String,
    /// The data, its lines joined.
    pub(crate) data: String,
}

/// Collects bytes until they make events.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    line: Vec<u8>,
    lines: u64,
    after_return: bool,
    name: String,
    data: Vec<String>,
    ready: Vec<Event>,
}

impl Decoder {
    /// Takes the next bytes and gives the events they completed.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Event> {
        for &byte in bytes {
            match byte {
                b'\n' if self.after_return => {}
                b'\n' | b'\r' => self.end_line(),
                _ => self.line.push(byte),
            }
            self.after_return = byte == b'\r';
        }
        std::mem::take(&mut self.ready)
    }

    /// The stream ended: gives what was still open.
    pub(crate) fn finish(&mut self) -> Vec<Event> {
        if !self.line.is_empty() {
            self.end_line();
        }
        self.end_event();
        std::mem::take(&mut self.ready)
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&line);
        let text = if self.lines == 0 { text.strip_prefix('\u{feff}').unwrap_or(&text) } else { &text };
        self.lines += 1;
        if text.is_empty() {
            return self.end_event();
        }
        let (field, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => self.data.push(value.to_owned()),
            _ => {}
        }
    }

    fn end_event(&mut self) {
        let name = std::mem::take(&mut self.name);
        let data = std::mem::take(&mut self.data);
        if !data.is_empty() {
            self.ready.push(Event { name, data: data.join("\n") });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(pieces: &[&[u8]]) -> Vec<(String, String)> {
        let mut decoder = Decoder::default();
        let mut events: Vec<_> = pieces.iter().flat_map(|piece| decoder.push(piece)).collect();
        events.extend(decoder.finish());
        events.into_iter().map(|event| (event.name, event.data)).collect()
    }

    #[track_caller]
    fn check(stream: &str, expected: &[(&str, &str)]) {
        let expected: Vec<_> =
            expected.iter().map(|(name, data)| ((*name).to_owned(), (*data).to_owned())).collect();
        let bytes = stream.as_bytes();
        for cut in 0..=bytes.len() {
            let (left, right) = bytes.split_at(cut);
            assert_eq!(decode(&[left, right]), expected, "cut at {cut}");
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(decode(&single), expected, "byte by byte");
    }

    #[test]
    fn line_ends_of_every_kind() {
        check("event: a\ndata: 1\n\n", &[("a", "1")]);
        check("event: a\r\ndata: 1\r\n\r\n", &[("a", "1")]);
        check("event: a\rdata: 1\r\rdata: 2\r\r", &[("a", "1"), ("", "2")]);
    }

    #[test]
    fn marks_comments_and_other_fields_are_skipped() {
        check(
            "\u{feff}data: 1\n\n: OPENROUTER PROCESSING\n\nid: 7\nretry: 3\n\ndata:2\n\n",
            &[("", "1"), ("", "2")],
        );
    }

    #[test]
    fn data_lines_join_and_keep_what_is_theirs() {
        check("data: a\ndata:  b\ndata\ndata: c: d\n\n", &[("", "a\n b\n\nc: d")]);
    }

    #[test]
    fn letters_of_several_bytes_survive_any_cut() {
        check("data: Grüße 🦀\n\n", &[("", "Grüße 🦀")]);
    }

    #[test]
    fn a_last_event_needs_no_blank_line() {
        check("data: 1\n\ndata: 2", &[("", "1"), ("", "2")]);
        check("event: nothing\n\n", &[]);
        check("", &[]);
    }
}
