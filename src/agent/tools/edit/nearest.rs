//! What is really there: the lines of a file that come nearest to a text that does not occur in it.
//!
//! A failed edit without this makes a model guess again; with it, it mends its own text.

use super::lines::{Line, fold, lines};

/// Lines shown at most.
const SHOWN: usize = 16;
/// Characters of a line compared and shown at most.
const WIDTH: usize = 200;
/// How alike two lines must be to be worth showing.
const ALIKE: f64 = 0.6;

/// The nearest lines, and the first of them that differs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Near {
    /// Number and text of each.
    pub(crate) lines: Vec<(usize, String)>,
    /// The first line that differs, and what the old text has instead.
    pub(crate) difference: Option<(usize, String)>,
}

/// Finds the stretch of `whole` that most resembles `old`.
pub(super) fn find(whole: &[Line<'_>], old: &str) -> Option<Near> {
    let old = lines(old);
    let real: Vec<String> = whole.iter().map(|line| key(line.body)).collect();
    let wanted: Vec<String> = old.iter().map(|line| key(line.body)).collect();
    let first = by_equal_lines(&real, &wanted).or_else(|| by_likeness(&real, &wanted))?;
    let height = old.len().min(SHOWN);
    let shown = whole.iter().enumerate().skip(first).take(height);
    let lines = shown.map(|(index, line)| (index + 1, clip(line.body))).collect();
    let differs = (0..old.len()).find(|offset| real.get(first + offset) != wanted.get(*offset));
    let difference =
        differs.and_then(|offset| old.get(offset).map(|line| (first + offset + 1, clip(line.body))));
    Some(Near { lines, difference })
}

fn key(line: &str) -> String {
    fold(line.trim()).chars().take(WIDTH).collect()
}

fn clip(line: &str) -> String {
    line.chars().take(WIDTH).collect()
}

/// The window with the most equal lines that say something.
fn by_equal_lines(real: &[String], wanted: &[String]) -> Option<usize> {
    let score = |first: usize| {
        let pairs = real.iter().skip(first).zip(wanted);
        pairs.filter(|(real, wanted)| real == wanted && wanted.len() > 2).count()
    };
    let scored = (0..real.len()).map(|first| (score(first), first)).filter(|(score, _)| *score > 0);
    scored.max_by_key(|(score, first)| (*score, std::cmp::Reverse(*first))).map(|(_, first)| first)
}

/// The window around the line most like the longest line wanted.
fn by_likeness(real: &[String], wanted: &[String]) -> Option<usize> {
    let (offset, longest) =
        wanted.iter().enumerate().filter(|(_, line)| !line.is_empty()).max_by_key(|(_, line)| line.len())?;
    let likeness = real.iter().map(|line| strsim::normalized_levenshtein(line, longest));
    let (index, best) = likeness.enumerate().max_by(|(_, one), (_, other)| one.total_cmp(other))?;
    (best >= ALIKE).then(|| index.saturating_sub(offset))
}
