//! Checks run for real, confined, and told as they are.

use std::path::PathBuf;
use std::time::Duration;

use planwright::artifact::event::Event;
use planwright::artifact::evidence::Outcome;
use planwright::artifact::plan::{Check, Criterion};
use planwright::artifact::{Events, Evidence, Usd};
use planwright::clock::Clock;
use planwright::config::settings::Build;
use planwright::harness::Bench;
use planwright::harness::checks::{self, Phase};
use planwright::sandbox::{Network, Policy, Sandbox};
use planwright::telemetry::Run;

use crate::support::World;

/// What the checks showed, and the events that told it.
fn show(world: &World, test: Option<&str>, wanted: &[Check]) -> (Evidence, Vec<Event>) {
    let environment = world.environment().iter().map(|(name, value)| (name.into(), value.into())).collect();
    let sandbox = Sandbox::new(PathBuf::from(env!("CARGO_BIN_EXE_planwright")), environment);
    let policy = Policy {
        worktree: world.root().to_owned(),
        temp: world.folder().join("private"),
        network: Network::Refused,
        pass_environment: Vec::new(),
        read_only: Vec::new(),
        cache: None,
    };
    let settings = Build {
        test: test.map(str::to_owned),
        setup: None,
        setup_network: false,
        rounds: 1,
        turns: 1,
        max_cost: Usd(1.0),
        command_time: Duration::from_secs(3),
        output_bytes: 400,
        pass_environment: Vec::new(),
    };
    let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
    let run = Run::new(world.folder(), "build", Clock::System, Events::to(sender));
    let bench = Bench { sandbox: &sandbox, policy: &policy, settings: &settings, run: &run };
    let criteria: Vec<_> =
        wanted.iter().map(|check| Criterion { text: "it holds".to_owned(), check: check.clone() }).collect();
    let evidence = world.wait(checks::run(&bench, &criteria, Phase::After(2)));
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        told.push(event);
    }
    (evidence, told)
}

fn outcomes(evidence: &Evidence) -> Vec<&Outcome> {
    evidence.checks.iter().map(|shown| &shown.outcome).collect()
}

#[test]
fn a_check_is_red_before_the_work_and_green_after() {
    let world = World::with(&[("a.txt", "a\n")]);
    let check = [Check::Command("grep -q b a.txt".to_owned())];
    let (before, _) = show(&world, None, &check);
    assert_eq!((outcomes(&before), before.is_green()), (vec![&Outcome::Red], false));
    world.write("a.txt", "b\n");
    let (after, events) = show(&world, None, &check);
    assert_eq!((outcomes(&after), after.is_green()), (vec![&Outcome::Green], true));
    assert!(matches!(&events[..], [Event::Check { phase, round: 2, .. }] if phase == "after"), "{events:?}");
}

#[test]
fn what_could_not_run_is_neither_green_nor_red() {
    let world = World::with(&[("a.txt", "a\n")]);
    let (evidence, _) = show(
        &world,
        None,
        &[
            Check::Command("no-such-command".to_owned()),
            Check::Command("./a.txt".to_owned()),
            Check::Command("sleep 600".to_owned()),
            Check::Test("adds_two".to_owned()),
        ],
    );
    assert!(outcomes(&evidence).iter().all(|outcome| matches!(outcome, Outcome::NotRun(_))), "{evidence:?}");
    assert!(!evidence.is_green());
    let (person, _) = show(&world, None, &[Check::Human("taste".to_owned())]);
    assert_eq!(outcomes(&person), [&Outcome::Human]);
}

#[test]
fn a_named_test_is_one_word_for_the_test_command() {
    let world = World::with(&[("run.sh", "[ $# -le 1 ] && [ \"${1-it's fine}\" = \"it's fine\" ]\n")]);
    let (evidence, events) = show(&world, Some("sh run.sh"), &[Check::Test("it's fine".to_owned())]);
    assert_eq!(evidence.tests.as_ref().map(|tests| &tests.outcome), Some(&Outcome::Green));
    assert_eq!(outcomes(&evidence), [&Outcome::Green]);
    assert_eq!(events.len(), 2);
}

#[test]
fn output_is_capped_and_secrets_are_taken_out() {
    let world = World::bare();
    let token = ["ghp_", "abcdefghijklmnopqrstuvwxyz0123456789"].concat();
    let shell = format!("echo {token}; yes | head -c 9000; echo last >&2; exit 1");
    let (evidence, _) = show(&world, None, &[Check::Command(shell)]);
    let shown = &evidence.checks[0];
    assert_eq!((&shown.outcome, shown.exit), (&Outcome::Red, Some(1)));
    assert!(shown.output.len() < 900 && shown.output.contains("bytes left out"), "{}", shown.output);
    assert!(!shown.output.contains(&token) && shown.output.ends_with("last"), "{}", shown.output);
}

#[test]
fn what_a_test_tried_on_the_network_is_in_the_evidence() {
    let world = World::bare();
    let (evidence, _) = show(&world, Some("bash -c 'exec 3<>/dev/tcp/api.github.com/443'"), &[]);
    let tried: Vec<_> = evidence.network().map(|attempt| (attempt.host.as_str(), attempt.port)).collect();
    assert_eq!(tried, [("api.github.com", Some(443))]);
    assert!(!evidence.is_green());
}
