//! Answers as text with blanks: a shape is read once, and filled for every row without a tree of values.
//!
//! The files under `shapes/` are JSON as GitHub answers it, with `<name>` where a row differs; the white
//! space between is left out. Those called `whole_` are what an object says more when it is asked for by
//! itself. [`super::blanks`] says what goes into which blank.

use std::sync::LazyLock;

use super::blanks;
use super::scene::Scene;

/// What fills a blank.
pub(super) type Fill = fn(&Scene<'_>, &mut Vec<u8>);

/// One kind of object.
#[derive(Debug)]
pub(super) struct Shape(Vec<Segment>);

#[derive(Debug)]
enum Segment {
    Text(String),
    Blank(Fill),
}

impl Shape {
    fn read(text: &str) -> Self {
        let mut segments = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('<') {
            segments.push(Segment::Text(before.to_owned()));
            let (name, after) = after.split_once('>').unwrap_or((after, ""));
            let known = blanks::ALL.iter().find(|(known, _)| *known == name);
            segments.push(
                known.map_or_else(|| Segment::Text(format!("<{name}>")), |(_, fill)| Segment::Blank(*fill)),
            );
            rest = after;
        }
        segments.push(Segment::Text(rest.to_owned()));
        let mut within = false;
        for segment in &mut segments {
            if let Segment::Text(text) = segment {
                text.retain(|letter| {
                    within ^= letter == '"';
                    within || !letter.is_whitespace()
                });
            }
        }
        Self(segments)
    }

    /// Writes the object of a scene.
    pub(super) fn fill(&self, scene: &Scene<'_>, into: &mut Vec<u8>) {
        for segment in &self.0 {
            match segment {
                Segment::Text(text) => into.extend_from_slice(text.as_bytes()),
                Segment::Blank(fill) => fill(scene, into),
            }
        }
    }
}

/// Declares the shapes, each by the name of its file.
macro_rules! shapes {
    ($($name:ident $file:literal)*) => {
        $(pub(super) static $name: LazyLock<Shape> =
            LazyLock::new(|| Shape::read(include_str!(concat!("shapes/", $file, ".shape"))));)*
    };
}

shapes! {
    USER "user"
    PROFILE "profile"
    REPO "repo"
    ISSUE "issue"
    PULL_LINK "pull_link"
    REACTIONS "reactions"
    LABEL "label"
    MILESTONE "milestone"
    COMMENT "comment"
    PULL "pull"
    WHOLE_PULL "whole_pull"
    WHOLE_REPO "whole_repo"
    REVIEW "review"
    VERDICT "verdict"
    STARRED "starred"
    STARGAZER "stargazer"
    REACTION "reaction"
    EVENT "event"
    SAID "said"
    WORKFLOW "workflow"
    RUN "run"
    JOB "job"
}

/// Writes text that needs no escapes.
pub(super) fn text(into: &mut Vec<u8>, text: &str) {
    into.extend_from_slice(text.as_bytes());
}

/// Writes a number.
pub(super) fn number(into: &mut Vec<u8>, number: usize) {
    let (mut digits, mut rest) = ([0_u8; 20], number);
    let mut begin = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789".get(rest % 10).copied().unwrap_or_default();
        (rest, begin) = (rest / 10, begin - 1);
        if rest == 0 {
            break;
        }
    }
    into.extend_from_slice(digits.get(begin..).unwrap_or_default());
}

/// Writes a time in seconds as GitHub does, in quotes: `"2020-01-01T00:00:00Z"`.
pub(super) fn time(into: &mut Vec<u8>, seconds: i64) {
    let at = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    let at = jiff::tz::Offset::UTC.to_datetime(at);
    let parts = [at.month(), at.day(), at.hour(), at.minute(), at.second()];
    into.push(b'"');
    number(into, usize::try_from(at.year()).unwrap_or(0));
    for (mark, part) in b"--T::".iter().zip(parts) {
        let part = part.unsigned_abs();
        into.extend_from_slice(&[*mark, b'0' + part / 10, b'0' + part % 10]);
    }
    into.extend_from_slice(b"Z\"");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_written_as_the_standard_library_does() {
        for value in [0, 9, 10, 4_096, usize::MAX] {
            let mut out = Vec::new();
            number(&mut out, value);
            assert_eq!(out, value.to_string().into_bytes());
        }
        for seconds in [0, 1_577_836_799, 1_709_210_096] {
            let mut out = Vec::new();
            time(&mut out, seconds);
            assert_eq!(out, format!("\"{}\"", jiff::Timestamp::from_second(seconds).unwrap()).into_bytes());
        }
    }
}
