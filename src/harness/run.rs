//! Running one command of the project and turning what it did into what it showed.

use std::ffi::OsString;

use crate::artifact::evidence::{Attempt, Outcome};
use crate::config::settings;
use crate::context::secrets;
use crate::process::{Limits, Output, Status};
use crate::sandbox::{self, Policy, Ran, Sandbox};
use crate::telemetry::Run;

/// Everything that running a check takes.
#[derive(Debug, Clone, Copy)]
pub struct Bench<'a> {
    /// Who confines.
    pub sandbox: &'a Sandbox,
    /// What commands may do: where they work, and with which network.
    pub policy: &'a Policy,
    /// The test command, time and output of one command.
    pub settings: &'a settings::Build,
    /// Where events go, and how it is interrupted.
    pub run: &'a Run,
}

/// What one command showed, before it is put beside its criterion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) outcome: Outcome,
    pub(super) exit: Option<i32>,
    pub(super) output: String,
    pub(super) millis: u64,
    pub(super) network: Vec<Attempt>,
}

impl Seen {
    pub(super) const fn nothing(outcome: Outcome) -> Self {
        Self { outcome, exit: None, output: String::new(), millis: 0, network: Vec::new() }
    }
}

/// The statuses by which a shell says that it could not run the command at all.
const NOT_EXECUTABLE: i32 = 126;
const NOT_FOUND: i32 = 127;

impl Bench<'_> {
    /// Runs a shell command; status 0 is green.
    pub(super) async fn shell(&self, command: &str) -> Seen {
        let ran = self.sandbox.run(self.policy, command, self.limits(), &self.run.cancel).await;
        self.seen(ran)
    }

    /// Runs planwright itself, confined; status 0 is green and 1 red, and any other says that it could
    /// not decide.
    pub(super) async fn ourselves(&self, args: &[OsString]) -> Seen {
        let ran = self.sandbox.run_self(self.policy, args, self.limits(), &self.run.cancel).await;
        let mut seen = self.seen(ran);
        if let (Outcome::Red, Some(exit @ 2..)) = (&seen.outcome, seen.exit) {
            seen.outcome = Outcome::NotRun(format!("planwright ended with status {exit}"));
        }
        seen
    }

    const fn limits(&self) -> Limits {
        Limits { time: self.settings.command_time, output_bytes: self.settings.output_bytes }
    }

    fn seen(&self, ran: Result<Ran, sandbox::Error>) -> Seen {
        let ran = match ran {
            Ok(ran) => ran,
            Err(error) => return Seen::nothing(Outcome::NotRun(with_causes(&error))),
        };
        let outcome = judge(ran.output.status, self.settings.command_time.as_secs());
        let exit = if let Status::Exited(status) = ran.output.status { Some(status) } else { None };
        Seen { outcome, exit, output: printed(&ran.output), millis: ran.output.millis, network: ran.attempts }
    }
}

/// Whether a status is green, red or neither. A check that runs out of time is red: it did not hold.
fn judge(status: Status, seconds: u64) -> Outcome {
    match status {
        Status::Exited(0) => Outcome::Green,
        Status::Exited(NOT_FOUND) => {
            Outcome::NotRun("the shell found no such command (status 127)".to_owned())
        }
        Status::Exited(NOT_EXECUTABLE) => {
            Outcome::NotRun("the command is not executable (status 126)".to_owned())
        }
        Status::Exited(_) | Status::Signaled(_) => Outcome::Red,
        Status::TimedOut => Outcome::NotRun(format!("it did not end within {seconds} s and was killed")),
        Status::Cancelled => Outcome::NotRun("interrupted".to_owned()),
    }
}

/// What it printed, errors after the rest, secrets removed.
fn printed(output: &Output) -> String {
    let (out, err) = (output.stdout.text(), output.stderr.text());
    let between = if out.is_empty() || out.ends_with('\n') { "" } else { "\n" };
    secrets::redact(format!("{out}{between}{err}").trim_end()).text
}

/// An error and its causes in one line, for a reason that is data and has no chain.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_status_0_is_green_and_what_did_not_run_is_not_red() {
        assert_eq!(judge(Status::Exited(0), 9), Outcome::Green);
        assert_eq!(judge(Status::Exited(1), 9), Outcome::Red);
        assert_eq!(judge(Status::Signaled(11), 9), Outcome::Red);
        for status in [Status::Exited(127), Status::Exited(126), Status::TimedOut, Status::Cancelled] {
            assert!(matches!(judge(status, 9), Outcome::NotRun(_)), "{status:?}");
        }
    }
}
