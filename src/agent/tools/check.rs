//! `check`: the acceptance checks, run as the harness will run them.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Denial, Toolbox, shape, shell};
use crate::artifact::evidence::{Outcome, Shown};
use crate::artifact::plan::{Check, Criterion};
use crate::harness::checks;

/// Bytes shown of one check's output.
const OUTPUT_BYTES: usize = 5 * 1024;

/// Run the acceptance checks and the project's tests, exactly as they will be run to judge
/// the work. Answers green or red for each, with the output of what is not green, and ends with `All green.`
/// where all are.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// Number of the only check to run, counted from 1; all of them and the tests if left out.
    number: Option<usize>,
}

/// Runs the tool.
pub(super) async fn run(toolbox: &Toolbox<'_>, input: &Input) -> Result<String, Denial> {
    let bench = toolbox.bench()?;
    let criteria = toolbox.criteria();
    let number = |index: usize| (index + 1).to_string();
    let mut chosen: Vec<(String, Criterion)> =
        criteria.iter().enumerate().map(|(index, one)| (number(index), one.clone())).collect();
    if let Some(wanted) = input.number {
        chosen.retain(|(number, _)| *number == wanted.to_string());
        if chosen.is_empty() {
            return Err(Denial::failed(format!("There is no check {wanted}; there are {}.", criteria.len())));
        }
    } else if let Some(tests) = &bench.settings.test {
        let criterion =
            Criterion { text: "the project's tests pass".to_owned(), check: Check::Command(tests.clone()) };
        chosen.push(("tests".to_owned(), criterion));
    }
    let mut parts = Vec::new();
    let mut outcomes = Vec::new();
    for (name, criterion) in &chosen {
        let shown = checks::one(bench, criterion).await;
        parts.push(show(name, &shown));
        outcomes.push(shown.outcome);
    }
    if parts.is_empty() {
        return Ok("The issue has no checks and the project no test command.".to_owned());
    }
    if input.number.is_none() && is_all_green(&outcomes) {
        parts.push("All green.".to_owned());
    }
    Ok(parts.join("\n"))
}

/// Whether everything that can be run is green, and there is something that can.
fn is_all_green(outcomes: &[Outcome]) -> bool {
    let mut run = outcomes.iter().filter(|outcome| **outcome != Outcome::Human).peekable();
    run.peek().is_some() && run.all(|outcome| *outcome == Outcome::Green)
}

fn show(name: &str, shown: &Shown) -> String {
    let (word, why) = match &shown.outcome {
        Outcome::Green => ("green", String::new()),
        Outcome::Red => ("RED", shown.exit.map_or_else(String::new, |exit| format!(" (exit status {exit})"))),
        Outcome::NotRun(reason) => ("NOT RUN", format!(" ({reason})")),
        Outcome::Human => ("left to the person", String::new()),
    };
    let check = if shown.check.is_executable() {
        format!(" [{}: {}]", shown.check.kind(), shown.check.value())
    } else {
        String::new()
    };
    let mut parts = vec![format!("{name}. {word}{why}: {}{check}", shown.criterion)];
    let bad = matches!(shown.outcome, Outcome::Red | Outcome::NotRun(_));
    if bad && !shown.output.trim().is_empty() {
        parts.push(shape::data("output", &shape::middle(&shown.output, OUTPUT_BYTES)));
    }
    parts.extend(shell::network(&shown.network));
    parts.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_green_is_said_only_where_something_ran_and_nothing_failed() {
        let not_run = || Outcome::NotRun("no cassette".to_owned());
        for (outcomes, expected) in [
            (vec![Outcome::Green], true),
            (vec![Outcome::Green, Outcome::Human], true),
            (vec![Outcome::Human], false),
            (vec![Outcome::Green, Outcome::Red], false),
            (vec![Outcome::Green, not_run()], false),
            (vec![], false),
        ] {
            assert_eq!(is_all_green(&outcomes), expected, "{outcomes:?}");
        }
    }
}
