//! What a whole process takes: time on the clock, CPU with that of its children, and memory.

use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};

use crate::usage::children;

/// The middle one; of an even number, the later of the two in the middle.
pub(crate) fn median<T: Copy + PartialOrd>(all: &[T]) -> T {
    let mut all = all.to_vec();
    all.sort_by(|one, other| one.partial_cmp(other).unwrap());
    all[all.len() / 2]
}

/// What one run of a program took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Taken {
    /// Seconds on the clock.
    pub(crate) wall: f64,
    /// Seconds of CPU, user and system, of the process and all that it waited for.
    pub(crate) cpu: f64,
    /// The highest resident memory of the largest of these processes, in megabytes.
    pub(crate) memory: f64,
}

/// The first argument that makes this program run another one and write down what it took.
pub(crate) const MEASURED: &str = "measured";

/// Runs `arguments[1..]` and writes what it took to the file `arguments[0]`. In a process of its own,
/// because the kernel keeps one account of all children, whose highest memory never falls again.
#[expect(clippy::disallowed_methods, reason = "the benchmark starts programs from outside")]
#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
pub(crate) fn measure(arguments: &[String]) -> ExitCode {
    let [file, program, rest @ ..] = arguments else { panic!("{MEASURED} FILE PROGRAM [ARGUMENT ...]") };
    let begun = Instant::now();
    let status = Command::new(program).args(rest).status().unwrap();
    let wall = begun.elapsed().as_secs_f64();
    let memory = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss() as f64 * 1024.0 / 1e6;
    std::fs::write(file, format!("{wall} {} {memory}", children().as_secs_f64())).unwrap();
    ExitCode::from(u8::try_from(status.code().unwrap_or(255)).unwrap_or(255))
}

/// What [`measure`] wrote down.
#[expect(clippy::disallowed_methods, reason = "the benchmark reads what it wrote")]
pub(crate) fn taken(file: &Path) -> Taken {
    let text = std::fs::read_to_string(file).unwrap();
    let parts: Vec<f64> = text.split(' ').map(|part| part.parse().unwrap()).collect();
    Taken { wall: parts[0], cpu: parts[1], memory: parts[2] }
}
