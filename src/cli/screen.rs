//! The two streams: people read stderr, programs read stdout.
//!
//! Whether there are colours, how wide a line is and whether anybody can answer a question is decided
//! once, here. A stderr that is closed is nobody's concern; a stdout that is closed ends the verb quietly.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};

use super::args::{Color, Globals};
use super::error::{Error, Stop};
use crate::config::Environment;
use crate::config::environment::{NO_COLOR, TERM};

/// The good.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// The bad.
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What to look at.
pub(super) const LOOK: Style = AnsiColor::Yellow.on_default();
/// A heading.
pub(super) const HEAD: Style = Style::new().bold();
/// What may be passed over.
pub(super) const DIM: Style = Style::new().dimmed();

/// Both streams. Nothing is held open: copies are free.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    /// Events go to stdout as JSON.
    pub(super) json: bool,
    /// Only warnings and errors are told.
    pub(super) quiet: bool,
    /// How much is told of the log: 0, 1 or 2.
    pub(super) verbose: u8,
    /// Whether a person can be asked.
    pub(super) can_ask: bool,
    colour: ColorChoice,
    result_colour: ColorChoice,
}

impl Screen {
    /// Looks at the flags, the environment and the streams.
    pub(super) fn new(globals: &Globals, environment: &Environment) -> Self {
        let plain = environment.get(NO_COLOR).is_some() || environment.get(TERM) == Some("dumb");
        let choice = |is_terminal: bool| match globals.color {
            Color::Always => ColorChoice::Always,
            Color::Auto if is_terminal && !plain => ColorChoice::Always,
            _ => ColorChoice::Never,
        };
        let stderr_is_terminal = io::stderr().is_terminal();
        Self {
            json: globals.json,
            quiet: globals.quiet,
            verbose: globals.verbose,
            can_ask: io::stdin().is_terminal() && stderr_is_terminal,
            colour: choice(stderr_is_terminal),
            result_colour: choice(io::stdout().is_terminal()),
        }
    }

    /// Tells people a line, on stderr.
    pub(super) fn say(self, line: impl Display) {
        let mut stderr = AutoStream::new(io::stderr().lock(), self.colour);
        drop(writeln!(stderr, "{line}"));
    }

    /// Tells people a line, unless they asked for quiet.
    pub(super) fn mention(self, line: impl Display) {
        if !self.quiet {
            self.say(line);
        }
    }

    /// Asks without ending the line.
    pub(super) fn prompt(self, question: &str) {
        let mut stderr = AutoStream::new(io::stderr().lock(), self.colour);
        drop(write!(stderr, "{question} "));
        drop(stderr.flush());
    }

    /// Writes a result to stdout, with a newline at its end.
    pub(super) fn result(self, text: impl Display) -> Result<(), Stop> {
        let mut stdout = AutoStream::new(io::stdout().lock(), self.result_colour);
        let mut text = text.to_string();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
        written.map_err(|source| match source.kind() {
            io::ErrorKind::BrokenPipe => Stop::Quiet,
            _ => Error::Output { source }.into(),
        })
    }

    /// Columns of the person's terminal; 80 where there is none.
    pub(super) fn width() -> usize {
        terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| usize::from(width.0))
    }
}

/// `text` in a style.
pub(super) fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}
