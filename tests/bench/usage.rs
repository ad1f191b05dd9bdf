//! What processes took, as both benchmarks ask it.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};

/// CPU of every process that ended and was waited for.
pub(crate) fn children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let micros = |time: nix::sys::time::TimeVal| {
        Duration::from_micros(u64::try_from(time.tv_sec() * 1_000_000 + time.tv_usec()).unwrap())
    };
    micros(usage.user_time()) + micros(usage.system_time())
}
