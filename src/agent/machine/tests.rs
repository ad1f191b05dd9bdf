//! Lists of events and what they must lead to.

use serde_json::{Value, json};

use super::super::step::{Answer, Call, Effect, Ended, Event, Limits, Shortfall};
use super::super::tools::Outcome;
use super::Machine;
use crate::artifact::Usd;
use crate::model::request::Role;
use crate::model::{Block, Message, Reply, Stop, Usage};

fn machine(turns: u32) -> Machine {
    let mut machine = Machine::new(Limits { turns });
    assert_eq!(machine.handle(start()), [Effect::Send]);
    machine
}

fn start() -> Event {
    Event::Start { message: "work".to_owned() }
}

fn text(text: &str) -> Block {
    Block::Text { text: text.to_owned() }
}

fn thinking() -> Block {
    Block::Thinking { model: "m".to_owned(), raw: json!({"signature": "s"}) }
}

fn tool(id: &str, name: &str, input: Value) -> Block {
    Block::ToolUse { id: id.to_owned(), name: name.to_owned(), input }
}

fn reply(stop: Stop, content: Vec<Block>) -> Event {
    let (id, model) = (String::new(), "m".to_owned());
    Event::Replied(Reply {
        id,
        model,
        content,
        stop,
        usage: Usage::default(),
        cost: None,
        attempts: 1,
        millis: 1,
    })
}

fn read(id: &str) -> Event {
    reply(Stop::ToolUse, vec![tool(id, "read", json!({"path": "a"}))])
}

fn ran(answers: &[(&str, &str)]) -> Event {
    let answer =
        |(id, text): &(&str, &str)| Answer { id: (*id).to_owned(), outcome: Outcome::Ok((*text).to_owned()) };
    Event::ToolsRan(answers.iter().map(answer).collect())
}

fn failed(id: &str) -> Event {
    Event::ToolsRan(vec![Answer { id: id.to_owned(), outcome: Outcome::Failed(format!("no {id}")) }])
}

fn last(machine: &Machine) -> &Message {
    machine.messages().last().unwrap()
}

/// The results in the last message as `id: text`, errors with `!`, and after them its texts.
fn told(machine: &Machine) -> Vec<String> {
    let message = last(machine);
    assert_eq!(message.role, Role::User);
    let show = |block: &Block| match block {
        Block::ToolResult { id, content, is_error: false } => format!("{id}: {content}"),
        Block::ToolResult { id, content, .. } => format!("{id}! {content}"),
        Block::Text { text } => text.clone(),
        other => panic!("{other:?} is not for the user's side"),
    };
    message.content.iter().map(show).collect()
}

fn ended(effects: &[Effect]) -> &Ended {
    match effects {
        [.., Effect::End(ended)] => ended,
        other => panic!("{other:?} is no end"),
    }
}

#[test]
fn words_without_a_call_end_the_work() {
    let mut machine = machine(5);
    let effects = machine.handle(reply(Stop::EndTurn, vec![thinking(), text("done")]));
    assert_eq!(effects, [Effect::End(Ended::Done { text: "done".to_owned() })]);
    assert_eq!(last(&machine).content, [thinking(), text("done")]);
}

#[test]
fn all_calls_of_a_turn_are_run_and_answered_in_one_message() {
    let mut machine = machine(9);
    let content = vec![text("look"), tool("1", "read", json!({})), tool("2", "list", json!({}))];
    let effects = machine.handle(reply(Stop::ToolUse, content));
    let call = |id: &str, name: &str| Call { id: id.to_owned(), name: name.to_owned(), input: json!({}) };
    assert_eq!(effects, [Effect::RunTools(vec![call("1", "read"), call("2", "list")])]);
    assert_eq!(machine.handle(ran(&[("1", "one"), ("2", "two")])), [Effect::Send]);
    assert_eq!(told(&machine), ["1: one", "2: two"]);
    assert_eq!(machine.messages().len(), 3);
}

#[test]
fn a_call_that_was_not_answered_is_answered_all_the_same() {
    let mut machine = machine(9);
    machine.handle(reply(Stop::ToolUse, vec![tool("1", "read", json!({})), tool("2", "read", json!({}))]));
    machine.handle(ran(&[("1", "one")]));
    assert_eq!(told(&machine), ["1: one", "2! Not run."]);
}

#[test]
fn calls_under_another_stop_reason_are_run_all_the_same() {
    let mut machine = machine(9);
    let effects = machine.handle(reply(Stop::EndTurn, vec![tool("1", "read", json!({}))]));
    assert!(matches!(effects.as_slice(), [Effect::RunTools(_)]), "{effects:?}");
}

#[test]
fn an_unknown_stop_reason_is_said_and_ends_the_turn() {
    let mut machine = machine(9);
    let effects = machine.handle(reply(Stop::Other("weather".to_owned()), vec![text("so")]));
    assert!(
        matches!(effects.as_slice(), [Effect::Say(said), Effect::End(Ended::Done { .. })] if said.contains("weather"))
    );
}

#[test]
fn a_cut_call_does_not_run_and_the_model_is_told() {
    let mut machine = machine(9);
    let content = vec![tool("1", "read", json!({"path": "a"})), tool("2", "write", json!("{\"path\": \"b"))];
    let effects = machine.handle(reply(Stop::MaxTokens, content));
    assert!(
        matches!(effects.as_slice(), [Effect::RunTools(calls)] if calls.len() == 1 && calls[0].id == "1")
    );
    assert_eq!(machine.handle(ran(&[("1", "one")])), [Effect::Send]);
    let told = told(&machine);
    assert!(
        told[0] == "1: one" && told[1].starts_with("2! Not run: the message hit the output limit"),
        "{told:?}"
    );
}

#[test]
fn a_lone_cut_call_is_answered_at_once_and_goes_back_as_an_object() {
    let mut machine = machine(9);
    let effects =
        machine.handle(reply(Stop::MaxTokens, vec![thinking(), tool("1", "write", json!("{\"pa"))]));
    assert_eq!(effects, [Effect::Send]);
    assert_eq!(machine.messages()[1].content, [thinking(), tool("1", "write", json!({}))]);
}

#[test]
fn a_cut_thought_is_dropped_and_a_cut_text_goes_on() {
    let mut machine = machine(9);
    assert_eq!(machine.handle(reply(Stop::MaxTokens, vec![thinking()])), [Effect::Send]);
    assert_eq!(machine.messages().len(), 2, "nothing of the model's is kept");
    assert_eq!(machine.handle(reply(Stop::MaxTokens, vec![text("half")])), [Effect::Send]);
    assert!(told(&machine)[0].starts_with("Your last message hit the output limit"));
}

#[test]
fn a_model_that_is_cut_again_and_again_is_stopped() {
    let mut machine = machine(20);
    for _ in 0..3 {
        assert_eq!(machine.handle(reply(Stop::MaxTokens, vec![text("half")])), [Effect::Send]);
    }
    let effects = machine.handle(reply(Stop::MaxTokens, vec![text("half")]));
    assert!(matches!(ended(&effects), Ended::Stuck { why } if why.contains("output limit")));
}

#[test]
fn a_refusal_is_discarded() {
    let mut machine = machine(9);
    let stop = Stop::Refusal { explanation: "no".to_owned() };
    let effects = machine.handle(reply(stop, vec![text("I was about to")]));
    assert_eq!(ended(&effects), &Ended::Refused { explanation: "no".to_owned() });
    assert_eq!(machine.messages().len(), 1);
}

#[test]
fn a_pause_is_sent_back_as_it_is() {
    let mut machine = machine(9);
    assert_eq!(machine.handle(reply(Stop::Pause, vec![thinking(), text("hm")])), [Effect::Send]);
    assert_eq!(last(&machine).content, [thinking(), text("hm")]);
}

#[test]
fn a_full_context_ends_the_work() {
    let mut machine = machine(9);
    assert_eq!(ended(&machine.handle(reply(Stop::ContextFull, vec![text("…")]))), &Ended::ContextFull);
}

#[test]
fn silence_is_asked_about_once() {
    let mut machine = machine(9);
    assert_eq!(machine.handle(reply(Stop::EndTurn, vec![text(" ")])), [Effect::Send]);
    assert!(told(&machine)[0].starts_with("You ended your turn without a word"));
    let effects = machine.handle(reply(Stop::EndTurn, vec![]));
    assert_eq!(ended(&effects), &Ended::Done { text: String::new() });
}

#[test]
fn the_model_is_warned_two_turns_before_the_end() {
    let mut machine = machine(4);
    let mut warnings = Vec::new();
    for turn in ["1", "2", "3"] {
        machine.handle(read(turn));
        assert_eq!(machine.handle(ran(&[(turn, turn)])), [Effect::Send]);
        warnings.push(told(&machine).get(1).cloned().unwrap_or_default());
    }
    assert_eq!(warnings[0], "");
    assert!(warnings[1].starts_with("Two turns are left"), "{warnings:?}");
    assert!(warnings[2].starts_with("This is the last turn"), "{warnings:?}");
    machine.handle(read("4"));
    let effects = machine.handle(ran(&[("4", "4")]));
    assert_eq!(effects, [Effect::End(Ended::OutOfTurns { turns: 4 })]);
    assert_eq!(machine.handle(start()), [Effect::Send], "another round may follow");
}

#[test]
fn the_same_call_with_the_same_result_is_a_circle() {
    let mut machine = machine(20);
    for (turn, circling) in [("1", false), ("2", true)] {
        machine.handle(read(turn));
        assert_eq!(machine.handle(ran(&[(turn, "same")])), [Effect::Send]);
        assert_eq!(told(&machine).len() == 2, circling, "turn {turn}");
    }
    machine.handle(read("3"));
    let effects = machine.handle(ran(&[("3", "same")]));
    assert!(
        matches!(ended(&effects), Ended::Stuck { why } if why.contains("`read`") && why.contains("3 times")),
        "{effects:?}"
    );
}

#[test]
fn the_same_call_with_another_result_is_work() {
    let mut machine = machine(20);
    for turn in ["1", "2", "3", "4", "5", "6", "7", "8"] {
        machine.handle(read(turn));
        assert_eq!(machine.handle(ran(&[(turn, turn)])), [Effect::Send]);
        assert_eq!(told(&machine).len(), 1);
    }
}

#[test]
fn two_steps_in_turn_are_a_circle() {
    let mut machine = machine(20);
    let mut effects = Vec::new();
    for (turn, path) in ["a", "b", "a", "b", "a", "b"].iter().enumerate() {
        assert!(!matches!(effects.as_slice(), [Effect::End(_)]), "ended before turn {turn}");
        let id = turn.to_string();
        machine.handle(reply(Stop::ToolUse, vec![tool(&id, "edit", json!({"path": path}))]));
        effects = machine.handle(ran(&[(&id, "ok")]));
    }
    assert!(matches!(ended(&effects), Ended::Stuck { why } if why.contains("alternate")), "{effects:?}");
}

#[test]
fn turns_in_which_nothing_works_end_the_work() {
    let mut machine = machine(20);
    let mut effects = Vec::new();
    for turn in 0..6 {
        let id = turn.to_string();
        machine.handle(read(&id));
        effects = machine.handle(failed(&id));
    }
    assert!(matches!(ended(&effects), Ended::Stuck { why } if why.contains("last 6 turns")), "{effects:?}");
}

#[test]
fn a_closing_answer_runs_no_tool() {
    let mut machine = machine(9);
    machine.handle(reply(Stop::EndTurn, vec![text("explored")]));
    assert_eq!(machine.handle(Event::Close { message: "answer".to_owned() }), [Effect::Send]);
    assert!(machine.is_closing());
    assert_eq!(machine.handle(read("1")), [Effect::Send]);
    assert!(told(&machine)[0].starts_with("1! Refused: Tools no longer run"));
    let effects = machine.handle(reply(Stop::EndTurn, vec![text("{}")]));
    assert_eq!(effects, [Effect::End(Ended::Done { text: "{}".to_owned() })]);
}

#[test]
fn a_closing_answer_is_bounded() {
    let mut machine = machine(9);
    machine.handle(Event::Close { message: "answer".to_owned() });
    assert_eq!(machine.handle(reply(Stop::MaxTokens, vec![text("{")])), [Effect::Send]);
    assert!(told(&machine)[0].contains("whole answer again"));
    assert_eq!(machine.handle(reply(Stop::MaxTokens, vec![text("{")])), [Effect::Send]);
    let effects = machine.handle(reply(Stop::MaxTokens, vec![text("{")]));
    assert_eq!(effects, [Effect::End(Ended::OutOfTurns { turns: 3 })]);
}

#[test]
fn money_that_is_short_ends_the_work() {
    let mut machine = machine(9);
    let shortfall = Shortfall { spent: Usd(1.0), next: Usd(0.5), cap: Usd(1.2) };
    let effects = machine.handle(Event::Unaffordable(shortfall));
    assert_eq!(ended(&effects).to_string(), "the next turn may cost $0.50, $1.00 of $1.20 are spent");
}

#[test]
fn history_only_grows() {
    let mut machine = machine(20);
    let mut before = machine.messages().to_vec();
    let events = [
        reply(Stop::MaxTokens, vec![thinking(), text("half")]),
        read("1"),
        ran(&[("1", "one")]),
        reply(Stop::EndTurn, vec![]),
        reply(Stop::Pause, vec![thinking()]),
        reply(Stop::EndTurn, vec![text("done")]),
        start(),
    ];
    for event in events {
        machine.handle(event);
        assert_eq!(&machine.messages()[..before.len()], &before[..]);
        before = machine.messages().to_vec();
    }
}
