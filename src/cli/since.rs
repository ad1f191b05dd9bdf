//! A time in the past as people say it: a day, a moment, or how many days ago.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::error::Error;

/// What was said; what it means depends on when it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Since {
    /// This moment; a day begins at midnight, UTC.
    At(Timestamp),
    /// So many days ago.
    Days(u32),
}

/// Text that is no such time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a date as `2026-01-01`, a time as `2026-01-01T12:00:00Z`, or days as `30d`")]
pub(super) struct NoTime;

impl std::str::FromStr for Since {
    type Err = NoTime;

    fn from_str(text: &str) -> Result<Self, NoTime> {
        let days = text.strip_suffix('d').filter(|days| days.bytes().all(|byte| byte.is_ascii_digit()));
        if let Some(days) = days {
            return days.parse().map(Self::Days).map_err(|_overlong| NoTime);
        }
        let at = text.parse::<Timestamp>().ok();
        let day = || text.parse::<Date>().ok().filter(|_| text.len() == DAY.len());
        let midnight = || Some(day()?.in_tz("UTC").ok()?.timestamp());
        at.or_else(midnight).map(Self::At).ok_or(NoTime)
    }
}

/// How a day is written; jiff takes more for one.
const DAY: &str = "2026-01-01";

impl Since {
    /// The moment, which may not lie ahead.
    pub(super) fn before(&self, now: Timestamp) -> Result<Timestamp, Error> {
        let at = match self {
            Self::At(at) => *at,
            Self::Days(days) => {
                let days = SignedDuration::from_hours(24 * i64::from(*days));
                now.checked_sub(days).unwrap_or(Timestamp::UNIX_EPOCH).max(Timestamp::UNIX_EPOCH)
            }
        };
        if at > now { Err(Error::Ahead { at, now }) } else { Ok(at) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-22T10:00:00Z";

    fn check(text: &str, expected: &str) {
        let since: Since = text.parse().unwrap();
        assert_eq!(since.before(NOW.parse().unwrap()).unwrap().to_string(), expected, "{text}");
    }

    #[test]
    fn a_day_a_moment_and_days_ago_are_moments() {
        check("2026-01-01", "2026-01-01T00:00:00Z");
        check("2026-01-01T12:30:00Z", "2026-01-01T12:30:00Z");
        check("2026-01-01T12:30:00+02:00", "2026-01-01T10:30:00Z");
        check("30d", "2026-10-23T10:00:00Z");
        check("0d", NOW);
        check("4000000000d", "1970-01-01T00:00:00Z");
    }

    #[test]
    fn what_is_no_time_and_what_lies_ahead_is_refused() {
        for text in ["", "d", "-3d", "3 d", "yesterday", "2026-13-01", "2026-02-30", "2026-01-01T12:00", "30"]
        {
            assert_eq!(text.parse::<Since>(), Err(NoTime), "{text}");
        }
        for text in ["2026-11-23", "2026-11-22T10:00:01Z"] {
            let since: Since = text.parse().unwrap();
            assert!(since.before(NOW.parse().unwrap()).is_err(), "{text}");
        }
    }
}
