//! The agent's loop with real tools in a real worktree, against a scripted model on loopback.

use std::path::{Path, PathBuf};
use std::time::Duration;

use planwright::agent::{Budget, Conversation, Ended, Error, Limits, Mind, Toolbox, View};
use planwright::artifact::evidence::{Attempt, Outcome, Shown};
use planwright::artifact::plan::{Check, Criterion};
use planwright::artifact::verdict::{Finding, Severity};
use planwright::artifact::{Event, Events, Evidence, IssueNumber, Usd};
use planwright::clock::Clock;
use planwright::config::settings::{Build, Credential, Profile, Provider};
use planwright::config::{Role, Secret};
use planwright::harness::Bench;
use planwright::ledger::Ledger;
use planwright::model::script::{self, Received, Script, Turn, turn};
use planwright::model::{self, price};
use planwright::net;
use planwright::prompts::{Name, Prompts};
use planwright::sandbox::{Network, Policy, Sandbox};
use planwright::telemetry::Run;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::support::World;

const MODEL: &str = "claude-sonnet-5-5";

/// What came of a conversation.
struct Worked {
    ended: Result<Ended, Error>,
    received: Vec<Received>,
    events: Vec<Event>,
    ledger: Ledger,
    transcript: String,
}

impl Worked {
    /// The tool results that the model was sent in the request with this index, in order.
    fn results(&self, request: usize) -> Vec<(bool, String)> {
        let messages = self.received[request].body["messages"].as_array().unwrap();
        let content = messages.last().unwrap()["content"].as_array().unwrap().clone();
        let results = content.iter().filter(|block| block["type"] == "tool_result");
        results.map(|block| (block["is_error"] == true, text_of(&block["content"]))).collect()
    }

    fn done(&self) -> &str {
        match &self.ended {
            Ok(Ended::Done { text }) => text,
            other => panic!("{other:?}"),
        }
    }
}

fn text_of(content: &Value) -> String {
    content
        .as_str()
        .map_or_else(|| content[0]["text"].as_str().unwrap_or_default().to_owned(), ToOwned::to_owned)
}

fn profile(url: String) -> Profile {
    Profile {
        role: Role::Implementer,
        provider: Provider::Anthropic,
        model: MODEL.to_owned(),
        effort: None,
        max_tokens: 32_000,
        base_url: url,
        credential: Some(Credential::Key(Secret::new("key".to_owned()))),
        idle: Duration::from_secs(20),
        retries: 0,
    }
}

fn settings() -> Build {
    Build {
        test: None,
        setup: None,
        setup_network: false,
        rounds: 1,
        turns: 10,
        max_cost: Usd(1.0),
        command_time: Duration::from_mins(1),
        output_bytes: 64 * 1024,
        pass_environment: Vec::new(),
    }
}

fn criteria() -> Vec<Criterion> {
    let check = Check::Command("grep -q two greeting.txt".to_owned());
    vec![Criterion { text: "the greeting counts to two".to_owned(), check }]
}

/// Works "go" in `world` with a model that takes these turns.
fn work(world: &World, turns: Vec<Turn>) -> Worked {
    within(world, turns, Usd(5.0), 10)
}

fn within(world: &World, turns: Vec<Turn>, cap: Usd, limit: u32) -> Worked {
    let policy = Policy {
        worktree: world.root().to_owned(),
        temp: world.folder().join("sandbox"),
        network: Network::Refused,
        pass_environment: Vec::new(),
        read_only: Vec::new(),
        cache: None,
    };
    let environment = world.environment().iter().map(|(name, value)| (name.into(), value.into())).collect();
    let sandbox = Sandbox::new(PathBuf::from(env!("CARGO_BIN_EXE_planwright")), environment);
    let (settings, criteria) = (settings(), criteria());
    converse(world, turns, cap, |mind, run| {
        let bench = Bench { sandbox: &sandbox, policy: &policy, settings: &settings, run };
        let toolbox = Toolbox::building(bench, &criteria, &[]);
        let mut conversation =
            Conversation::new(mind, "system".to_owned(), &toolbox, Limits { turns: limit });
        world.wait(conversation.work("go".to_owned()))
    })
}

/// Sets the scene for `act` and gathers what it left behind.
fn converse(
    world: &World,
    turns: Vec<Turn>,
    cap: Usd,
    act: impl FnOnce(&Mind<'_>, &Run) -> Result<Ended, Error>,
) -> Worked {
    let server = world.wait(script::serve(Script::new().model(MODEL, turns))).unwrap();
    let profile = profile(server.url());
    let clock = Clock::starting_at("2026-11-22T11:42:33Z".parse().unwrap());
    let http = net::client(&net::Options::default()).unwrap();
    let client = model::Client::new(&profile, &price::table(), http, clock.clone()).unwrap();
    let (sender, mut listener) = unbounded_channel();
    let state = world.folder().join("state");
    let run = Run::new(&state, "build", clock, Events::to(sender));
    let ledger = Ledger::open(&state);
    let budget = Budget::new(cap);
    let mind = Mind {
        client: &client,
        profile: &profile,
        run: &run,
        ledger: &ledger,
        budget: &budget,
        issue: Some(IssueNumber(34)),
    };
    let ended = act(&mind, &run);
    let transcript =
        planwright::fs::read_text_if_exists(&run.folder.join("transcript-implementer.jsonl")).unwrap();
    assert_eq!(server.missed(), Vec::<String>::new(), "{ended:?}");
    Worked {
        ended,
        received: server.received(),
        events: gathered(&mut listener),
        ledger,
        transcript: transcript.unwrap_or_default(),
    }
}

fn gathered(listener: &mut UnboundedReceiver<Event>) -> Vec<Event> {
    std::iter::from_fn(|| listener.try_recv().ok()).collect()
}

fn hello() -> World {
    World::with(&[("greeting.txt", "one\n"), ("src/main.rs", "fn main() {}\n"), (".env.example", "A=\n")])
}

#[test]
fn a_model_edits_checks_and_ends() {
    let world = hello();
    let turns = vec![
        turn()
            .text("I look.")
            .tool("check", &json!({}))
            .tool("read", &json!({"path": "greeting.txt"}))
            .usage(900, 40),
        turn()
            .expect("1. RED")
            .tool("edit", &json!({"path": "greeting.txt", "old_text": "one\n", "new_text": "one\ntwo\n"})),
        turn().expect("Edited `greeting.txt`").tool("check", &json!({"number": 1})),
        turn().expect("1. green").text("greeting.txt counts to two."),
    ];
    let worked = work(&world, turns);
    assert_eq!(worked.done(), "greeting.txt counts to two.");
    assert_eq!(world.read("greeting.txt"), "one\ntwo\n");
    assert_eq!(worked.results(1)[1], (false, "1\tone\n".to_owned()));
    let entries = worked.ledger.entries().unwrap();
    assert_eq!(entries.len(), 4);
    assert_eq!((entries[0].turn, entries[0].usage.input, entries[0].issue), (1, 900, Some(IssueNumber(34))));
    assert!(entries.iter().all(|entry| entry.cost.is_some()));
    let tools =
        worked.events.iter().filter(|event| matches!(event, Event::Tool { outcome, .. } if outcome == "ok"));
    assert_eq!(tools.count(), 4);
    assert_eq!(worked.events.iter().filter(|event| matches!(event, Event::Turn { .. })).count(), 4);
    assert_eq!(worked.transcript.lines().count(), 1 + 4 + 4, "{}", worked.transcript);
}

#[test]
fn what_is_out_of_reach_is_refused_with_a_reason() {
    let world = hello();
    world.write(".env", "SECRET=1\n");
    std::os::unix::fs::symlink("/etc", world.root().join("etc")).unwrap();
    std::os::unix::fs::symlink(".env", world.root().join("harmless.txt")).unwrap();
    std::os::unix::fs::symlink("/nowhere/at/all", world.root().join("dangling")).unwrap();
    std::os::unix::fs::symlink(".git", world.root().join("history")).unwrap();
    let read = |path: &str| ("read", json!({"path": path}));
    let write = |path: &str| ("write", json!({"path": path, "content": "x"}));
    let cases = [
        (read("../secret"), "outside the worktree"),
        (read("/etc/passwd"), "outside the worktree"),
        (read("src/../../x"), "outside the worktree"),
        (read(".git/config"), "`.git` is out of reach"),
        (read("sub/.GIT/config"), "`.git` is out of reach"),
        (read("history/config"), "`.git` is out of reach"),
        (read("etc/passwd"), "out of the worktree through a symlink"),
        (read(".env"), "may hold secrets"),
        (read("harmless.txt"), "may hold secrets"),
        (write(".git/hooks/pre-commit"), "`.git` is out of reach"),
        (write("etc/planwright"), "out of the worktree through a symlink"),
        (write("etc/deep/planwright"), "out of the worktree through a symlink"),
        (write("dangling"), "There is no file"),
        (write("history/hooks/x"), "`.git` is out of reach"),
        (write("greeting.txt"), "you have not read it"),
        (write("/tmp/planwright-escape"), "outside the worktree"),
        (("edit", json!({"path": "../x", "old_text": "a", "new_text": "b"})), "outside the worktree"),
    ];
    let calls = cases.iter().fold(turn(), |turn, ((name, input), _)| turn.tool(*name, input));
    let worked = work(&world, vec![calls, turn().text("I see.")]);
    assert_eq!(worked.done(), "I see.");
    let results = worked.results(1);
    assert_eq!(results.len(), cases.len());
    for ((call, reason), (is_error, text)) in cases.iter().zip(&results) {
        assert!(*is_error && text.contains(reason), "{call:?} was answered with: {text}");
    }
    assert_eq!(world.read("greeting.txt"), "one\n");
    assert!(!Path::new("/tmp/planwright-escape").exists());
}

#[test]
fn calls_that_make_no_sense_are_answered_with_what_would() {
    let world = hello();
    let calls = turn()
        .tool("delete", &json!({}))
        .tool_json("read", "{\"path\": greeting.txt}")
        .tool("read", &json!({"file": "greeting.txt"}))
        .tool("read", &json!({"path": "src/greeting.txt"}))
        .tool("search", &json!({"pattern": "main("}));
    let worked = work(&world, vec![calls, turn().text("I see.")]);
    let results = worked.results(1);
    let wanted = [
        "There is no tool `delete`; there are read, list, search, edit, write, shell, check.",
        "Not run: the input was not valid JSON. The input of `read` is {\"path\": string, \"offset\"?: integer, \"limit\"?: integer}.",
        "Not run: unknown field `file`",
        "There is no file `src/greeting.txt`. Did you mean `greeting.txt`?",
        "the pattern is not valid",
    ];
    for (wanted, (is_error, text)) in wanted.iter().zip(&results) {
        assert!(*is_error && text.starts_with(wanted), "{text}");
    }
}

#[test]
fn a_cut_call_writes_nothing_and_the_model_goes_on() {
    let world = hello();
    let turns = vec![
        turn().tool_json("write", "{\"path\": \"half.txt\", \"content\": \"the first ha").stop("max_tokens"),
        turn()
            .expect("hit the output limit")
            .tool("write", &json!({"path": "whole.txt", "content": "whole\n"})),
        turn().expect("Created `whole.txt`: 1 lines.").text("Done in two steps."),
    ];
    let worked = work(&world, turns);
    assert_eq!(worked.done(), "Done in two steps.");
    assert!(!world.root().join("half.txt").exists());
}

#[test]
fn a_refusal_ends_the_work_with_its_reason() {
    let worked = work(&hello(), vec![turn().text("I will").refusal("not this")]);
    assert_eq!(worked.ended.unwrap(), Ended::Refused { explanation: "not this".to_owned() });
}

#[test]
fn a_conversation_that_is_too_long_is_told_as_that() {
    let long =
        turn().status(400, "invalid_request_error", "prompt is too long: 1200000 tokens > 1000000 maximum");
    assert_eq!(work(&hello(), vec![long]).ended.unwrap(), Ended::ContextFull);
}

#[test]
fn the_cap_stops_the_work_before_the_request() {
    let worked = within(&hello(), vec![], Usd(0.000_1), 10);
    assert!(matches!(worked.ended, Ok(Ended::OutOfMoney(_))), "{:?}", worked.ended);
    assert_eq!(worked.received.len(), 0);
}

#[test]
fn the_shell_is_confined_and_says_how_it_ended() {
    let world = hello();
    let run = |command: &str| json!({"command": command});
    let calls = turn()
        .tool("shell", &run("echo out; echo err >&2; exit 3"))
        .tool("shell", &run("echo x > ../outside.txt"))
        .tool("shell", &run("echo '[core]' >> .git/config"))
        .tool("shell", &run("echo fine > inside.txt && cat inside.txt"));
    let before = world.read(".git/config");
    let worked = work(&world, vec![calls, turn().text("I see.")]);
    let results = worked.results(1);
    assert_eq!(
        results[0],
        (false, "exit status 3\n<stdout>\nout\n</stdout>\n<stderr>\nerr\n</stderr>".to_owned())
    );
    assert!(!results[1].1.starts_with("exit status 0"), "{}", results[1].1);
    assert_eq!(results[3].1, "exit status 0\n<stdout>\nfine\n</stdout>");
    assert!(!world.folder().join("outside.txt").exists());
    assert_eq!(world.read(".git/config"), before);
    assert_eq!(world.read("inside.txt"), "fine\n");
}

#[test]
fn a_secret_in_a_file_reaches_neither_model_nor_transcript() {
    let token = ["gh", "p_", "a8Fk2LmQ9xZt4RvB7nWc1YpD6sGh3JeU5oTi"].concat();
    let world = hello();
    world.write("notes.txt", &format!("use {token} here\n"));
    let calls = turn().tool("read", &json!({"path": "notes.txt"})).tool("search", &json!({"pattern": "use"}));
    let worked = work(&world, vec![calls, turn().text("I see.")]);
    assert!(worked.results(1)[0].1.contains("[secret removed"));
    let sent: String = worked.received.iter().map(|received| received.body.to_string()).collect();
    assert!(!sent.contains(&token) && !worked.transcript.contains(&token));
}

#[test]
fn a_first_request_is_small() {
    let worked = work(&hello(), vec![turn().text("Nothing to do.")]);
    let tools = &worked.received[0].body["tools"];
    assert_eq!(tools.as_array().unwrap().len(), 7);
    let bytes = worked.received[0].bytes;
    assert!(
        bytes < 5_000,
        "tools and frame take {bytes} bytes; with prompts the first request must stay below 12 kB"
    );
}

#[test]
fn planning_reads_and_then_answers_once_in_a_shape() {
    let world = hello();
    let schema = json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": false});
    let turns = vec![
        turn().tool("list", &json!({})).tool("write", &json!({"path": "x", "content": ""})),
        turn().expect("src/main.rs").text("I have seen it."),
        turn().expect("the plan, please").json(&json!({"n": 3})),
    ];
    let mut answer = String::new();
    let worked = converse(&world, turns, Usd(5.0), |mind, _run| {
        let toolbox = Toolbox::read_only(View::WorkTree { root: world.root().to_owned(), exclude: &[] });
        let mut conversation = Conversation::new(mind, "system".to_owned(), &toolbox, Limits { turns: 5 });
        let ended = world.wait(conversation.work("explore".to_owned()));
        answer = world.wait(conversation.answer("the plan, please".to_owned(), schema.clone()))?;
        ended
    });
    assert_eq!((worked.done(), answer.as_str()), ("I have seen it.", "{\"n\":3}"));
    assert_eq!(
        worked.results(1)[1],
        (true, "There is no tool `write`; there are read, list, search.".to_owned())
    );
    let [first, .., last] = worked.received.as_slice() else { panic!("too few requests") };
    assert_eq!(first.body["tools"], last.body["tools"], "the cached prefix holds");
    assert_eq!(last.body["output_config"]["format"]["schema"], schema);
    assert!(!world.root().join("x").exists());
}

#[test]
fn the_issue_is_told_with_its_checks_in_order() {
    let human = Criterion { text: "it reads well".to_owned(), check: Check::Human("taste".to_owned()) };
    let criteria: Vec<Criterion> = criteria().into_iter().chain([human]).collect();
    let values = json!({
        "number": 34, "title": "Greet twice", "body": "Say it twice.", "criteria": criteria, "test": "make test",
        "pack": "",
    });
    insta::assert_snapshot!(Prompts::new(None).render(Name::ImplementerIssue, values).unwrap(), @r"
    Implement issue #34: Greet twice

    <issue>
    Say it twice.
    </issue>

    It is done when these checks are green; `check` runs them in this order:
    1. the greeting counts to two [command: grep -q two greeting.txt]
    2. it reads well (a person decides: taste)

    The project's tests run with `make test` and must stay green.
    ");
}

#[test]
fn a_later_round_is_told_what_to_mend_and_nothing_else() {
    let shown = |criterion: &str, outcome: Outcome, output: &str| Shown {
        criterion: criterion.to_owned(),
        check: Check::Command("make".to_owned()),
        outcome,
        exit: None,
        output: output.to_owned(),
        millis: 1,
        network: Vec::new(),
    };
    let mut tests = shown("the project's tests pass", Outcome::Green, "fine");
    tests.network.push(Attempt { host: "api.github.com".to_owned(), port: Some(443), by: "make".to_owned() });
    let checks = vec![
        shown("it is green", Outcome::Green, "fine"),
        shown("it is red", Outcome::Red, "assertion failed"),
        shown("it is missing", Outcome::NotRun("no such command".to_owned()), ""),
    ];
    let evidence = Evidence { version: 1, tree: None, tests: Some(tests), checks };
    let findings = [Finding {
        severity: Severity::Blocking,
        path: Some("tests/a.rs".parse().unwrap()),
        line: Some(7),
        title: "a test calls the live API".to_owned(),
        evidence: "`https://api.github.com` in line 7".to_owned(),
        suggestion: Some("replay a cassette".to_owned()),
        source: "live_calls".to_owned(),
    }];
    let values = json!({"evidence": evidence, "findings": findings});
    insta::assert_snapshot!(Prompts::new(None).render(Name::ImplementerRound, values).unwrap(), @r#"
    Your work is not accepted yet. What follows is what stands in its way; everything else stays as it is.

    Not green: it is red [command: make]
    <output>
    assertion failed
    </output>

    Not green: it is missing [command: make]
    It could not be run: no such command

    "the project's tests pass" tried to reach api.github.com:443 on the network, which is off.

    blocking: a test calls the live API (tests/a.rs:7)
    `https://api.github.com` in line 7
    Suggested: replay a cassette

    Mend every blocking finding. Mend a warning where it takes a few lines; otherwise name it in your last message. Notes need nothing. If a finding is wrong, leave the code as it is and say why in your last message, with what shows it.
    "#);
}
