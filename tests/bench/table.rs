//! What was measured, and the table that it becomes.

use std::fmt::Write as _;

use crate::account::Requests;
use crate::gauge::{Taken, median};

/// Seconds after which a tool is not run again.
const SLOW: f64 = 60.0;

/// What is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scene {
    /// Everything, into an empty database.
    Full,
    /// The same account again.
    Again,
    /// The account after one in a hundred changed.
    Changed,
}

impl Scene {
    const fn title(self) -> &'static str {
        match self {
            Self::Full => "full load",
            Self::Again => "again, nothing changed",
            Self::Changed => "again, 1 % changed",
        }
    }
}

/// One run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) taken: Taken,
    /// Nothing where they were not counted.
    pub(crate) requests: Option<Requests>,
    /// How many were loaded; nothing where a speed would mislead.
    pub(crate) rows: Option<usize>,
    /// How many rows of the account the tool did not have afterwards.
    pub(crate) missing: usize,
}

/// A scene, and how long the server's answers take.
pub(crate) type Place = (Scene, &'static str);

/// All runs, in the order in which they came first.
#[derive(Debug, Default)]
pub(crate) struct Table {
    lines: Vec<(Place, String, Vec<Sample>)>,
}

impl Table {
    /// Adds a run of one tool.
    pub(crate) fn add(&mut self, place: Place, title: &str, sample: Sample) {
        match self.lines.iter_mut().find(|line| line.0 == place && line.1 == title) {
            Some((_, _, samples)) => samples.push(sample),
            None => self.lines.push((place, title.to_owned(), vec![sample])),
        }
    }

    /// Whether a tool took too long to be run often.
    pub(crate) fn is_slow(&self, title: &str) -> bool {
        let mut samples = self.lines.iter().filter(|line| line.1 == title).flat_map(|line| &line.2);
        samples.any(|sample| sample.taken.wall > SLOW)
    }

    /// The middle of a tool's runs, each figure for itself.
    pub(crate) fn middle(&self, place: Place, title: &str) -> Taken {
        let line = self.lines.iter().find(|line| line.0 == place && line.1 == title);
        middle(&line.expect("it was measured").2)
    }

    /// As Markdown. Ratios are to `yardstick` in the same scene.
    pub(crate) fn markdown(&self, yardstick: &str) -> String {
        let mut text = String::from(
            "| | wall, s | CPU, s | memory, MB | requests | rows/s | wall × | CPU × | memory × |\n\
             |---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        );
        let mut places: Vec<Place> = Vec::new();
        for (place, _, _) in &self.lines {
            if !places.contains(place) {
                places.push(*place);
            }
        }
        for place in places {
            let (scene, latency) = place;
            writeln!(text, "| **{}, {latency}** | | | | | | | | |", scene.title()).unwrap();
            let unit = self.middle(place, yardstick);
            for (_, title, samples) in self.lines.iter().filter(|line| line.0 == place) {
                let missing = samples.iter().map(|sample| sample.missing).max().unwrap_or(0);
                let missing = if missing > 0 { format!(", {missing} rows missing") } else { String::new() };
                writeln!(text, "| {title}{missing} |{}", cells(samples, unit)).unwrap();
            }
        }
        text
    }
}

fn middle(samples: &[Sample]) -> Taken {
    let of = |figure: fn(&Taken) -> f64| {
        median(&samples.iter().map(|sample| figure(&sample.taken)).collect::<Vec<_>>())
    };
    Taken { wall: of(|taken| taken.wall), cpu: of(|taken| taken.cpu), memory: of(|taken| taken.memory) }
}

#[expect(clippy::cast_precision_loss, reason = "rows far below 2^52")]
fn cells(samples: &[Sample], unit: Taken) -> String {
    let taken = middle(samples);
    let walls = samples.iter().map(|sample| sample.taken.wall);
    let (least, most) =
        walls.fold((f64::INFINITY, 0.0), |(least, most): (f64, f64), wall| (least.min(wall), most.max(wall)));
    let requests = samples.iter().filter_map(|sample| sample.requests).next_back();
    let requests = requests.map_or(String::new(), |Requests { all, counted }| {
        if all == counted { all.to_string() } else { format!("{all}, {counted} counted") }
    });
    let rows = samples.iter().find_map(|sample| sample.rows);
    let speed = rows.map_or(String::new(), |rows| format!("{:.0}", rows as f64 / taken.wall));
    let spread = if samples.len() > 1 { format!("{least:.2} to {most:.2}") } else { "once".to_owned() };
    format!(
        " {:.2} ({spread}) | {:.2} | {:.0} | {requests} | {speed} | {:.2} | {:.2} | {:.2} |",
        taken.wall,
        taken.cpu,
        taken.memory,
        taken.wall / unit.wall,
        taken.cpu / unit.cpu,
        taken.memory / unit.memory
    )
}
