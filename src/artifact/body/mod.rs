//! Issue bodies: how a planned issue is written for people, and how its criteria are read back.
//!
//! A body is good Markdown first. What planwright must know again is either visible and editable
//! (the acceptance task list, read back by [`criteria`]) or in one hidden comment on the first line
//! (the marker: whose plan, which key, and a sum over title and text that tells whether a person has
//! edited the issue since). Text from a plan can neither forge a marker nor hide what follows it.

mod plain;
mod read;
mod write;

use sha2::{Digest as _, Sha256};

pub use plain::plain;
pub use read::criteria;
pub use write::{epic, issue};

/// The key that an epic's marker carries.
pub const EPIC: &str = "epic";

const OPENS: &str = "<!-- planwright:plan=";
const CLOSES: &str = " -->";

/// What the hidden comment of a body says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Marker {
    /// The plan's id.
    pub plan: String,
    /// The issue's key in the plan; [`EPIC`] for the epic.
    pub key: String,
}

/// Reads the marker: the first one that stands on a line of its own, outside code.
pub fn marker(body: &str) -> Option<Marker> {
    found(body).map(|(_, marker, _)| marker)
}

/// Whether title and body are still as planwright wrote them. Line ends and trailing space do not count.
pub fn untouched(title: &str, body: &str) -> bool {
    found(body).is_some_and(|(line, _, written)| {
        let rest = body.lines().enumerate().filter(|(number, _)| *number != line);
        sum(title, rest.map(|(_, line)| line)) == written
    })
}

/// The goal that an epic's body quotes, if it still does.
pub fn goal(body: &str) -> Option<String> {
    let quoted = body.lines().find_map(|line| line.strip_prefix("> "))?;
    Some(write::unescape(quoted.trim()))
}

/// Puts the marker above a finished text.
fn seal(title: &str, marker: &Marker, text: &str) -> String {
    let sum = sum(title, text.lines());
    format!("{OPENS}{} key={} v1 sum={sum}{CLOSES}\n{text}\n", marker.plan, marker.key)
}

/// The line's index, the marker and its sum.
fn found(body: &str) -> Option<(usize, Marker, String)> {
    let mut fences = Fences::default();
    body.lines().enumerate().find_map(|(number, line)| {
        let code = fences.is_code(line);
        let (marker, sum) = parse(line).filter(|_| !code)?;
        Some((number, marker, sum))
    })
}

fn parse(line: &str) -> Option<(Marker, String)> {
    let inner = line.trim_end().strip_prefix(OPENS)?.strip_suffix(CLOSES)?;
    let mut words = inner.split(' ');
    let plan = words.next().filter(|word| is_name(word))?;
    let key = words.next()?.strip_prefix("key=").filter(|word| is_name(word))?;
    words.next().filter(|version| *version == "v1")?;
    let sum = words.next().and_then(|word| word.strip_prefix("sum=")).unwrap_or_default();
    Some((Marker { plan: plan.to_owned(), key: key.to_owned() }, sum.to_owned()))
}

fn is_name(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// Twelve hex digits over a title and the lines of a text, blind to line ends and trailing space.
fn sum<'a>(title: &str, lines: impl Iterator<Item = &'a str>) -> String {
    let text: Vec<&str> = lines.map(str::trim_end).collect();
    let whole = format!("{}\n{}", title.trim(), text.join("\n").trim());
    let mut hex = hex::encode(Sha256::digest(whole.as_bytes()));
    hex.truncate(12);
    hex
}

/// Follows fenced code blocks through lines.
#[derive(Debug, Default)]
struct Fences {
    open: Option<Fence>,
}

impl Fences {
    /// Whether this line is code or the edge of it.
    fn is_code(&mut self, line: &str) -> bool {
        match (&self.open, Fence::on(line)) {
            (None, Some(fence)) => self.open = Some(fence),
            (Some(open), Some(fence)) if open.is_closed_by(&fence) => {
                self.open = None;
                return true;
            }
            _ => {}
        }
        self.open.is_some()
    }
}

/// A line that opens or closes a code block.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fence {
    indent: usize,
    mark: char,
    length: usize,
    bare: bool,
}

impl Fence {
    fn on(line: &str) -> Option<Self> {
        let text = line.trim_start_matches(' ');
        let mark = text.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let info = text.trim_start_matches(mark);
        let length = text.len() - info.len();
        let is_span = mark == '`' && info.contains('`');
        let fence = Self { indent: line.len() - text.len(), mark, length, bare: info.trim().is_empty() };
        (length >= 3 && !is_span).then_some(fence)
    }

    const fn is_closed_by(&self, other: &Self) -> bool {
        other.bare && other.mark == self.mark && other.length >= self.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REAL: &str = "<!-- planwright:plan=p-1 key=clock v1 sum=0 -->";

    #[track_caller]
    fn check(body: &str, key: Option<&str>) {
        assert_eq!(marker(body).map(|marker| marker.key).as_deref(), key, "{body}");
    }

    #[test]
    fn a_marker_is_a_line_of_its_own_outside_code_and_the_first_wins() {
        check(REAL, Some("clock"));
        check(&format!("a person's line\r\n{REAL}\r\nmore"), Some("clock"));
        check(&format!("{REAL}\n<!-- planwright:plan=p-2 key=other v1 -->"), Some("clock"));
        check("<!-- planwright:plan=p-1 key=old v1 -->", Some("old"));
        check(&format!("> {REAL}"), None);
        check(&format!("see {REAL}"), None);
        check(&format!("```\n{REAL}\n```"), None);
        check(&format!("~~~\n```\n{REAL}"), None);
        check("<!-- planwright:plan=p-1 key=a b v1 -->", None);
        check("<!-- planwright:plan=p-1 key=a v2 -->", None);
        check("<!-- planwright:plan= key=a v1 -->", None);
    }

    #[test]
    fn an_edit_by_a_person_shows() {
        let marker = Marker { plan: "p-1".to_owned(), key: "clock".to_owned() };
        let body = seal("A title", &marker, "one\n\ntwo");
        assert!(untouched("A title", &body));
        assert!(untouched("A title", &body.replace('\n', "\r\n")));
        assert!(untouched("A title", body.trim_end()));
        assert!(!untouched("Another title", &body));
        assert!(!untouched("A title", &body.replace("two", "three")));
        assert!(!untouched("A title", &format!("above\n{body}")));
        assert!(!untouched("A title", "no marker"));
    }
}
