//! `shell`: a command in the sandbox.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Denial, Toolbox, shape};
use crate::artifact::evidence::Attempt;
use crate::process::{Limits, Status};
use crate::sandbox::Ran;

/// Bytes shown of standard output and of standard error.
const STDOUT_BYTES: usize = 9 * 1024;
const STDERR_BYTES: usize = 5 * 1024;

/// Run a command with /bin/sh in the worktree's root. It can write only in the worktree and $TMPDIR,
/// `.git` is read-only, and there is no network. Answers with exit status and output; of long output
/// the middle is left out.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// The command line.
    command: String,
    /// Seconds after which it is killed, if less than the project's limit.
    seconds: Option<u64>,
}

/// Runs the tool.
pub(super) async fn run(toolbox: &Toolbox<'_>, input: &Input) -> Result<String, Denial> {
    let bench = toolbox.bench()?;
    let most = bench.settings.command_time;
    let time = input.seconds.map_or(most, |seconds| Duration::from_secs(seconds.max(1)).min(most));
    let limits = Limits { time, output_bytes: bench.settings.output_bytes };
    let ran = bench.sandbox.run(bench.policy, &input.command, limits, &bench.run.cancel).await;
    Ok(show(&ran.map_err(|error| Denial::error(&error))?, time))
}

/// No time it took is shown: the same command with the same result must read the same.
fn show(ran: &Ran, time: Duration) -> String {
    let status = match ran.output.status {
        Status::Exited(status) => format!("exit status {status}"),
        Status::Signaled(signal) => format!("killed by signal {signal}"),
        Status::TimedOut => format!("killed after {} seconds", time.as_secs()),
        Status::Cancelled => "interrupted".to_owned(),
    };
    let mut parts = vec![status];
    let streams =
        [("stdout", &ran.output.stdout, STDOUT_BYTES), ("stderr", &ran.output.stderr, STDERR_BYTES)];
    for (tag, captured, bytes) in streams {
        let text = captured.text();
        if !text.trim().is_empty() {
            parts.push(shape::data(tag, &shape::middle(&text, bytes)));
        }
    }
    parts.extend(network(&ran.attempts));
    parts.join("\n")
}

/// What the model is told of attempts to reach the network.
pub(super) fn network(attempts: &[Attempt]) -> Option<String> {
    if attempts.is_empty() {
        return None;
    }
    let name = |attempt: &Attempt| match attempt.port {
        Some(port) => format!("{}:{port}", attempt.host),
        None => attempt.host.clone(),
    };
    let names: Vec<String> = attempts.iter().take(8).map(name).collect();
    Some(format!(
        "The network is off here; refused: {}. Tests and checks must work without it.",
        names.join(", ")
    ))
}
