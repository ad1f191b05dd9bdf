//! How a resource ended: complete, partial, skipped or failed, judged from how its listings ended. Pure.
//!
//! Partial is never success, and a resource that could not be reached is never empty data.

use serde::Serialize;

use super::source::Trouble;

/// How a resource ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The resource.
    pub name: String,
    /// How it ended.
    pub status: Status,
    /// Rows that were new or changed.
    pub rows: u64,
    /// Rows that went because they are gone at the source.
    pub removed: u64,
    /// Values that did not fit their column; they are kept in raw and listed in `planwright.rejects`.
    pub rejected: u64,
    /// Requests made.
    pub requests: u64,
    /// Why it is not complete, or what was left out of it.
    pub reason: Option<String>,
    /// Rows that are held and rows that the source counts, where they were compared.
    pub counted: Option<Counted>,
}

/// What is held beside what there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// Rows that the warehouse holds.
    pub held: u64,
    /// Rows that the source counts.
    pub total: u64,
}

impl std::fmt::Display for Counted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} rows held", self.held, self.total)
    }
}

/// How a resource ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Everything that can be had is there.
    Complete,
    /// Something is missing.
    Partial,
    /// Nothing of it can be had with this credential, and that is final.
    Skipped,
    /// Nothing of it came.
    Failed,
}

impl Status {
    /// Its name in events and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// How one listing of a resource ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// To its last page.
    Complete,
    /// With trouble, and what the source said.
    Trouble(Trouble, String),
}

/// What the ends of all listings make of their resource.
pub(crate) fn judge(ends: &[End]) -> (Status, Option<String>) {
    let with = |wanted: fn(Trouble) -> bool| {
        let reason = move |end: &End| match end {
            End::Trouble(trouble, reason) if wanted(*trouble) => Some(reason.clone()),
            _ => None,
        };
        ends.iter().filter_map(reason).collect::<Vec<_>>()
    };
    let failed = with(|trouble| {
        matches!(trouble, Trouble::Broken | Trouble::TooMuch | Trouble::Stopped | Trouble::Unauthorized)
    });
    let limited = with(|trouble| trouble == Trouble::Limited);
    let pending = with(|trouble| trouble == Trouble::Pending);
    let hidden = with(|trouble| trouble == Trouble::NotPermitted);
    let absent = with(|trouble| trouble == Trouble::Absent);
    let complete = ends.len() - failed.len() - limited.len() - pending.len() - hidden.len() - absent.len();
    if !limited.is_empty() {
        // What the table holds is true, and the rest comes with the next run.
        (Status::Partial, summary(&limited, ends.len()))
    } else if !failed.is_empty() {
        let status = if failed.len() == ends.len() { Status::Failed } else { Status::Partial };
        (status, summary(&failed, ends.len()))
    } else if !pending.is_empty() {
        (Status::Partial, summary(&pending, ends.len()))
    } else if !hidden.is_empty() {
        let status = if complete == 0 { Status::Skipped } else { Status::Partial };
        (status, summary(&hidden, ends.len()))
    } else if complete == 0 && !absent.is_empty() {
        (Status::Skipped, summary(&absent, ends.len()))
    } else {
        (Status::Complete, summary(&absent, ends.len()))
    }
}

fn summary(reasons: &[String], all: usize) -> Option<String> {
    let first = reasons.first()?;
    Some(if all == 1 { first.clone() } else { format!("{first} ({} of {all} listings)", reasons.len()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(troubles: &[Option<Trouble>], status: Status, reason: Option<&str>) {
        let end = |trouble: &Option<Trouble>| {
            trouble.map_or(End::Complete, |trouble| End::Trouble(trouble, "x".to_owned()))
        };
        let ends: Vec<_> = troubles.iter().map(end).collect();
        assert_eq!(judge(&ends), (status, reason.map(str::to_owned)), "{troubles:?}");
    }

    #[test]
    fn partial_is_never_success_and_absence_is_no_failure() {
        check(&[], Status::Complete, None);
        check(&[None, None], Status::Complete, None);
        check(&[None, Some(Trouble::Absent)], Status::Complete, Some("x (1 of 2 listings)"));
        check(&[Some(Trouble::Absent)], Status::Skipped, Some("x"));
        check(&[None, Some(Trouble::NotPermitted)], Status::Partial, Some("x (1 of 2 listings)"));
        check(&[Some(Trouble::NotPermitted)], Status::Skipped, Some("x"));
        check(&[Some(Trouble::Pending)], Status::Partial, Some("x"));
        check(&[None, Some(Trouble::Broken)], Status::Partial, Some("x (1 of 2 listings)"));
        check(
            &[Some(Trouble::Limited), Some(Trouble::Limited)],
            Status::Partial,
            Some("x (2 of 2 listings)"),
        );
        check(&[Some(Trouble::Limited), Some(Trouble::Broken)], Status::Partial, Some("x (1 of 2 listings)"));
        check(&[Some(Trouble::Stopped), Some(Trouble::Broken)], Status::Failed, Some("x (2 of 2 listings)"));
    }
}
