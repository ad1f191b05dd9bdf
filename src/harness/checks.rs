//! Running an issue's checks, and the project's tests with them.

use crate::artifact::event::Event;
use crate::artifact::evidence::{Evidence, Outcome, Shown};
use crate::artifact::plan::{Check, Criterion};

use super::Bench;
use super::run::Seen;

/// When in a build the checks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Before the work: they should be red.
    Before,
    /// After the work of this round, from 1: they should be green.
    After(u32),
}

impl Phase {
    const fn name(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After(_) => "after",
        }
    }

    const fn round(self) -> u32 {
        match self {
            Self::Before => 0,
            Self::After(round) => round,
        }
    }
}

/// Runs the project's test command and every criterion's check, one after the other, and tells each.
///
/// This never fails: what could not be run is in the evidence as not run, with its reason.
pub async fn run(bench: &Bench<'_>, criteria: &[Criterion], phase: Phase) -> Evidence {
    let tests = match &bench.settings.test {
        Some(command) => Some(told(bench, phase, tests(bench, command).await)),
        None => None,
    };
    let mut checks = Vec::with_capacity(criteria.len());
    for criterion in criteria {
        checks.push(told(bench, phase, one(bench, criterion).await));
    }
    Evidence { version: Evidence::VERSION, tree: None, tests, checks }
}

/// Runs one criterion's check, without telling anybody.
pub async fn one(bench: &Bench<'_>, criterion: &Criterion) -> Shown {
    let seen = match &criterion.check {
        Check::Human(_) => Seen::nothing(Outcome::Human),
        Check::Command(command) => bench.shell(command).await,
        Check::Test(name) => test(bench, name).await,
        Check::Sql(query) => {
            let args = ["test", "--sql", query].map(Into::into);
            bench.ourselves(&args).await
        }
    };
    shown(criterion.text.clone(), criterion.check.clone(), seen)
}

async fn tests(bench: &Bench<'_>, command: &str) -> Shown {
    let seen = bench.shell(command).await;
    shown("the project's tests pass".to_owned(), Check::Command(command.to_owned()), seen)
}

async fn test(bench: &Bench<'_>, name: &str) -> Seen {
    match &bench.settings.test {
        Some(command) => bench.shell(&format!("{command} {}", quoted(name))).await,
        None => Seen::nothing(Outcome::NotRun("no test command is configured (`build.test`)".to_owned())),
    }
}

fn shown(criterion: String, check: Check, seen: Seen) -> Shown {
    let Seen { outcome, exit, output, millis, network } = seen;
    Shown { criterion, check, outcome, exit, output, millis, network }
}

fn told(bench: &Bench<'_>, phase: Phase, shown: Shown) -> Shown {
    bench.run.events.send(Event::Check {
        phase: phase.name().to_owned(),
        round: phase.round(),
        shown: shown.clone(),
    });
    shown
}

/// A word that a shell reads back as exactly this text.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_name_stays_one_word_for_the_shell() {
        assert_eq!(quoted("adds two"), "'adds two'");
        assert_eq!(quoted("it's; rm -rf ~ $(x)"), r"'it'\''s; rm -rf ~ $(x)'");
    }
}
