//! Lines of a text with their places and endings, and what makes two of them look alike.

/// One line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    /// Where it begins, in bytes.
    pub(super) start: usize,
    /// The line without its ending.
    pub(super) body: &'a str,
    /// `\n`, `\r\n`, or nothing at the end of the text.
    pub(super) ending: &'a str,
}

/// The lines of `text`; a final line ending does not begin another line.
pub(super) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    let line = |whole: &'_ str| {
        let body = whole.strip_suffix('\n').map_or(whole, |body| body.strip_suffix('\r').unwrap_or(body));
        body.len()
    };
    text.split_inclusive('\n')
        .map(|whole| {
            let (body, ending) = whole.split_at(line(whole));
            let found = Line { start, body, ending };
            start += whole.len();
            found
        })
        .collect()
}

/// The line ending that most lines of `text` have.
pub(super) fn ending(text: &str) -> &'static str {
    let crlf = text.matches("\r\n").count();
    if crlf * 2 > text.matches('\n').count() { "\r\n" } else { "\n" }
}

/// The white space a line begins with.
pub(super) fn indent(line: &str) -> &str {
    let rest = line.trim_start();
    line.strip_suffix(rest).unwrap_or_default()
}

/// The line with dashes, quotes and spaces as a plain keyboard writes them.
pub(super) fn fold(line: &str) -> String {
    line.chars()
        .map(|c| match c {
            '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
            '\u{2018}'..='\u{201b}' => '\'',
            '\u{201c}'..='\u{201f}' => '"',
            '\u{00a0}' | '\u{2002}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => ' ',
            other => other,
        })
        .collect()
}
