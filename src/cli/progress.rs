//! The last line of a terminal, redrawn while a verb works; everything else that is printed goes above it.
//!
//! There is one terminal, so there is one line. Whoever prints does so beside it, and it is gone before
//! anything is told that a line of progress would stand in the way of: the next stage, the end, an error.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::render::thousands;
use super::screen::Screen;
use crate::artifact::Event;
use crate::clock::Stopwatch;

/// Drawings in a second at most.
const HERTZ: u8 = 10;

/// Time between two tellings of progress as JSON at least.
const BETWEEN: Duration = Duration::from_secs(1);

static LINE: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Draws how far it is.
pub(super) fn draw(event: &Event) {
    let text = words(event, Screen::width());
    let mut line = LINE.lock().unwrap_or_else(PoisonError::into_inner);
    line.get_or_insert_with(begin).set_message(text);
}

fn begin() -> ProgressBar {
    let target = ProgressDrawTarget::stderr_with_hz(HERTZ);
    let style = ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::with_draw_target(None, target).with_style(style)
}

/// Takes the line away; it comes back with the next drawing.
pub(super) fn clear() {
    let line = LINE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(line) = line {
        line.finish_and_clear();
    }
}

/// Prints something while the line is out of the way.
pub(super) fn beside<T>(print: impl FnOnce() -> T) -> T {
    let line = LINE.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match line {
        Some(line) => line.suspend(print),
        None => print(),
    }
}

/// Takes the line away when it goes, however the work ended.
pub(super) struct Cleared;

impl Drop for Cleared {
    fn drop(&mut self) {
        clear();
    }
}

/// Stderr beside the line.
pub(super) struct Beside;

impl Write for Beside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        beside(|| io::stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Lets progress through as often as a stream of JSON can bear.
#[derive(Debug, Default)]
pub(super) struct Pace(Option<Stopwatch>);

impl Pace {
    /// Whether an event is to be told.
    pub(super) fn lets(&mut self, screen: Screen, event: &Event) -> bool {
        if !screen.json || !matches!(event, Event::Progress { .. }) {
            return true;
        }
        let due = self.0.is_none_or(|since| since.elapsed() >= BETWEEN);
        if due {
            self.0 = Some(Stopwatch::start());
        }
        due
    }
}

/// How far it is in one line of less than `width` columns: without the resource's name where that is too long.
fn words(event: &Event, width: usize) -> String {
    let Event::Progress { name, done, of, rows, rows_per_second, requests, left, seconds_left } = event
    else {
        return String::new();
    };
    let [rows, pace, requests] = [rows, rows_per_second, requests].map(|number| thousands(*number));
    let left = left.map_or_else(String::new, |left| format!(", {} left", thousands(left)));
    let time = seconds_left.map_or_else(String::new, |seconds| format!("  {} to go", lasting(seconds)));
    let rest = format!("{done} of {of}  {rows} rows, {pace}/s  {requests} requests{left}{time}");
    let line = format!("  {name}  {rest}");
    let line = if line.chars().count() < width { line } else { format!("  {rest}") };
    line.chars().take(width.saturating_sub(1)).collect()
}

/// A time to wait, as people say it.
fn lasting(seconds: u64) -> String {
    match seconds {
        0..100 => format!("{seconds} s"),
        100..6_000 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3_600)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(width: usize, left: Option<u64>, seconds_left: Option<u64>, expected: &str) {
        let event = Event::Progress {
            name: "issue_comments".to_owned(),
            done: 2,
            of: 9,
            rows: 31_000,
            rows_per_second: 3_100,
            requests: 329,
            left,
            seconds_left,
        };
        assert_eq!(words(&event, width), expected);
    }

    #[test]
    fn the_line_has_what_is_known_and_fits() {
        check(80, None, None, "  issue_comments  2 of 9  31,000 rows, 3,100/s  329 requests");
        let whole = "  issue_comments  2 of 9  31,000 rows, 3,100/s  329 requests, 4,671 left  12 s to go";
        check(120, Some(4_671), Some(12), whole);
        let rest = "  2 of 9  31,000 rows, 3,100/s  329 requests, 4,671 left  2 min to go";
        check(80, Some(4_671), Some(119), rest);
        check(20, Some(4_671), None, "  2 of 9  31,000 ro");
    }
}
