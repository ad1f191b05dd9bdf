//! Measuring: times of several runs, CPU and memory of processes, and lines that set two times side by side.

use std::time::{Duration, Instant};

/// What Linux counts CPU in for everybody to read (proc(5)).
const TICK: Duration = Duration::from_millis(10);

/// The middle and the least of several times.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    middle: Duration,
    least: Duration,
}

impl Times {
    /// Measures this often.
    pub(crate) fn of(times: usize, measure: impl FnMut() -> Duration) -> Self {
        let mut all: Vec<_> = std::iter::repeat_with(measure).take(times).collect();
        all.sort();
        Self { middle: all[times / 2], least: all[0] }
    }
}

/// How long it takes.
pub(crate) fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

/// One line: ours, the yardstick, and how many times the one is the other.
pub(crate) fn compare(what: &str, ours: Times, yardstick: Times, which: &str) {
    let ratio = ours.middle.as_secs_f64() / yardstick.middle.as_secs_f64();
    println!("{what:<42} {} {}  {ratio:.2} × {which}", shown(ours), shown(yardstick));
}

/// One line without a yardstick.
pub(crate) fn tell(what: &str, value: f64, unit: &str) {
    println!("{what:<42} {value:>8.1} {unit}");
}

fn shown(times: Times) -> String {
    format!("{:>8.1} ms ({:>7.1})", millis(times.middle), millis(times.least))
}

/// Milliseconds.
fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// CPU of a running process and of every child that it has waited for; exact to a tick.
pub(crate) fn cpu_of(process: u32) -> Duration {
    let stat = of_process(process, "stat");
    // The name may hold anything; what follows its last bracket is numbers, from the third field on.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u32 = fields.skip(11).take(4).map(|field| field.parse::<u32>().unwrap()).sum();
    TICK * ticks
}

/// The highest resident memory of a running process in bytes.
pub(crate) fn peak(process: u32) -> usize {
    let status = of_process(process, "status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap_or(0) * 1024
}

fn of_process(process: u32, file: &str) -> String {
    #[expect(clippy::disallowed_methods, reason = "the kernel's own account of a process")]
    std::fs::read_to_string(format!("/proc/{process}/{file}")).unwrap_or_default()
}
