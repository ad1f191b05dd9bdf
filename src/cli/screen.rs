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
use super::progress::beside;
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

/// The line that tells how far a verb is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// It is redrawn at the bottom of the terminal.
    Drawn,
    /// There is none: nobody looks, or wants to.
    Absent,
}

/// Both streams. Nothing is held open: copies are free.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    /// Events go to stdout as JSON.
    pub(super) json: bool,
    /// Only warnings and errors are told.
    pub(super) quiet: bool,
    /// How much is told of the log: 0, 1 or 2.
    pub(super) verbose: u8,
    /// Whether a line is redrawn that tells how far it is.
    pub(super) line: Line,
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
        let is_dumb = environment.get(TERM) == Some("dumb");
        let is_drawn = stderr_is_terminal && !is_dumb && !globals.quiet && !globals.json;
        Self {
            json: globals.json,
            quiet: globals.quiet,
            verbose: globals.verbose,
            line: if is_drawn { Line::Drawn } else { Line::Absent },
            can_ask: io::stdin().is_terminal() && stderr_is_terminal,
            colour: choice(stderr_is_terminal),
            result_colour: choice(io::stdout().is_terminal()),
        }
    }

    /// Tells people a line, on stderr.
    pub(super) fn say(self, line: impl Display) {
        beside(|| {
            let mut stderr = AutoStream::new(io::stderr().lock(), self.colour);
            drop(writeln!(stderr, "{line}"));
        });
    }

    /// Tells people a line, unless they asked for quiet.
    pub(super) fn mention(self, line: impl Display) {
        if !self.quiet {
            self.say(line);
        }
    }

    /// Asks without ending the line.
    pub(super) fn prompt(self, question: &str) {
        beside(|| {
            let mut stderr = AutoStream::new(io::stderr().lock(), self.colour);
            drop(write!(stderr, "{question} "));
            drop(stderr.flush());
        });
    }

    /// Writes a result to stdout, with a newline at its end.
    pub(super) fn result(self, text: impl Display) -> Result<(), Stop> {
        let mut text = text.to_string();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let written = beside(|| {
            let mut stdout = AutoStream::new(io::stdout().lock(), self.result_colour);
            stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
        });
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
