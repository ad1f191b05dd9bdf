//! Models over real sockets: the send loop against scripted bytes, the protocols against recorded ones.

use std::path::{Path, PathBuf};
use std::time::Duration;

use planwright::clock::Clock;
use planwright::config::Secret;
use planwright::config::settings::{Credential, Effort, Profile, Provider, Role};
use planwright::error::{Exit, Failure as _};
use planwright::model::script::{self, Running, Script, Turn, turn};
use planwright::model::{Block, Client, Error, Event, Message, Reply, Request, Stop, Tool, price, request};
use planwright::net;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const OPUS: &str = "claude-opus-5-5";

fn profile(model: &str, base_url: &str) -> Profile {
    Profile {
        role: Role::Planner,
        provider: Provider::Anthropic,
        model: model.into(),
        effort: Some(Effort::High),
        max_tokens: 32_000,
        base_url: base_url.into(),
        credential: Some(Credential::Key(Secret::new("key-1".into()))),
        idle: Duration::from_mins(1),
        retries: 2,
    }
}

fn client(profile: &Profile) -> Result<Client, Error> {
    let http = net::client(&net::Options::default()).unwrap();
    let clock = Clock::starting_at("2026-11-22T10:00:00Z".parse().unwrap());
    Client::new(profile, &price::table(), http, clock)
}

fn request(model: &str, messages: Vec<Message>) -> Request {
    let schema = json!({"type": "object", "properties": {"path": {"type": "string"}}});
    let tool = Tool { name: "read".into(), description: "Reads a file.".into(), input_schema: schema };
    Request {
        model: model.into(),
        system: "Build.".into(),
        tools: vec![tool],
        messages,
        max_tokens: 32_000,
        effort: Some(Effort::High),
        schema: None,
    }
}

async fn ask(client: &Client) -> Result<Reply, Error> {
    let request = request(client.model(), vec![Message::user("Go.")]);
    client.send(&request, &mut |_| {}, &CancellationToken::new()).await
}

/// Serves turns of the usual model and asks once.
async fn serve(turns: impl IntoIterator<Item = Turn>) -> (Running, Client) {
    let running = script::serve(Script::new().model(OPUS, turns)).await.unwrap();
    let client = client(&profile(OPUS, &running.url())).unwrap();
    (running, client)
}

fn presented(error: &Error) -> String {
    let hints: Vec<_> = error.hints().into_iter().map(|hint| format!("\nhint: {hint}")).collect();
    format!("{error}{}", hints.concat())
}

#[tokio::test]
async fn every_passing_fault_ends_in_the_whole_reply() {
    let said = || turn().text("Half of a text that is longer than one piece of it.");
    let faults = [
        turn().status(529, "overloaded_error", "Overloaded"),
        turn().status(500, "api_error", "Internal").header("retry-after", "7"),
        turn().status(429, "rate_limit_error", "Slow down").header("retry-after-ms", "20"),
        turn().status(409, "conflict_error", "Again"),
        said().cut_after(500),
        said().cut_after(0),
        said().ends_after(500),
        said().then_error("overloaded_error", "Overloaded"),
    ];
    for fault in faults {
        let told = format!("{fault:?}");
        let (running, client) = serve([fault, turn().text("Whole.")]).await;
        let reply = ask(&client).await.unwrap();
        assert_eq!((reply.text().as_str(), reply.attempts), ("Whole.", 2), "{told}");
        assert_eq!((running.received().len(), running.remaining(OPUS)), (2, 0), "{told}");
    }
}

#[tokio::test]
async fn silence_counts_as_a_cut() {
    let running = script::serve(
        Script::new().model(OPUS, [turn().text("Ha").stalls_after(300), turn().text("Whole.")]),
    );
    let running = running.await.unwrap();
    let quick = Profile { idle: Duration::from_millis(200), ..profile(OPUS, &running.url()) };
    assert_eq!(ask(&client(&quick).unwrap()).await.unwrap().text(), "Whole.");
}

#[tokio::test]
async fn display_is_told_of_a_void_attempt_by_a_second_start() {
    let (_running, client) =
        serve([turn().text("Half.").then_error("api_error", "no"), turn().text("Whole.")]).await;
    let mut shown = Vec::new();
    let mut show = |event: &Event| match event {
        Event::Started { .. } => shown.clear(),
        Event::Text { text, .. } => shown.push(text.clone()),
        _ => {}
    };
    let request = request(OPUS, vec![Message::user("Go.")]);
    let reply = client.send(&request, &mut show, &CancellationToken::new()).await.unwrap();
    assert_eq!(shown.concat(), reply.text());
}

#[tokio::test]
async fn retries_end() {
    let (running, client) = serve((0..5).map(|_| turn().status(529, "overloaded_error", "Overloaded"))).await;
    let error = ask(&client).await.unwrap_err();
    assert_eq!(presented(&error), "the model server is overloaded after 3 attempts: Overloaded");
    assert_eq!((error.exit(), running.received().len()), (Exit::Unable, 3));
}

#[tokio::test]
async fn lasting_failures_are_not_tried_again() {
    let spent = r#"{"type":"error","error":{"type":"rate_limit_error","message":"The limit of May is reached","details":{"error_code":"enforced_spend_limit_reached"}}}"#;
    let cases = [
        (
            turn().status(500, "api_error", "No").header("x-should-retry", "false"),
            "the model server failed (500) after one attempt: No",
        ),
        (
            turn().status(429, "", "").raw(spent),
            "the account at `URL` may not spend more: The limit of May is reached",
        ),
        (
            turn().status(429, "rate_limit_error", "Slow").header("retry-after", "900"),
            "the model server limits the rate after one attempt: Slow\nhint: run it again in 900 seconds",
        ),
        (
            turn().status(401, "authentication_error", "invalid x-api-key"),
            "`URL` does not accept the credential (401): invalid x-api-key\nhint: check the key in ANTHROPIC_API_KEY",
        ),
        (
            turn().status(403, "permission_error", "not yours"),
            "`URL` does not allow the use of `claude-opus-5-5` with this credential: not yours\nhint: choose a model that your key may use: `planwright profiles` shows the current ones",
        ),
        (
            turn().status(400, "invalid_request_error", "prompt is too long: 3 tokens > 2 maximum"),
            "the conversation does not fit into the context of `claude-opus-5-5`: prompt is too long: 3 tokens > 2 maximum",
        ),
        (
            turn().raw("{}").header("content-type", "application/json"),
            "the reply of the model broke off after one attempt",
        ),
        (
            turn().expect("missing words"),
            "the model server refused the request (400): turn 1 of `claude-opus-5-5` expects `missing words` in the last message; it was: Go.",
        ),
    ];
    for (turn, expected) in cases {
        let (running, client) = serve([turn]).await;
        let error = ask(&client).await.unwrap_err();
        assert_eq!(presented(&error).replace(&running.url(), "URL"), expected);
        assert_eq!(running.received().len(), 1, "{expected}");
    }
}

#[tokio::test]
async fn a_model_the_server_does_not_know() {
    let (running, _) = serve([]).await;
    let error = ask(&client(&profile("claude-opus-5.5", &running.url())).unwrap()).await.unwrap_err();
    let text = presented(&error).replace(&running.url(), "URL");
    assert_eq!(
        text,
        "`URL` does not know the model `claude-opus-5.5`: model: claude-opus-5.5\nhint: the nearest known model is `claude-opus-5-5`"
    );
}

#[test]
fn a_retired_model_is_refused_with_the_edit() {
    let error = client(&profile("claude-opus-4-1-20250805", "https://api.anthropic.com")).unwrap_err();
    assert_eq!(
        presented(&error),
        "the model `claude-opus-4-1-20250805` was retired on 2026-08-05\nhint: in planwright.toml, under [profiles.planner], write: model = \"claude-opus-5-5\""
    );
    assert_eq!(error.exit(), Exit::Usage);
}

#[test]
fn a_base_url_must_be_one() {
    for wrong in ["", "api.anthropic.com", "file:///etc", "https://"] {
        let error = client(&profile(OPUS, wrong)).unwrap_err();
        assert_eq!(error.to_string(), format!("`{wrong}` is not the base URL of a model server"));
    }
}

#[tokio::test]
async fn nobody_listens() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = ask(&client(&profile(OPUS, &format!("http://{free}/v1/"))).unwrap()).await.unwrap_err();
    let text = presented(&error).replace(&free.to_string(), "HOST");
    assert_eq!(
        text,
        "cannot reach the model server `http://HOST`\nhint: is a server listening there? try: curl -sS -m 5 http://HOST"
    );
}

#[tokio::test]
async fn an_interrupt_ends_a_stream_at_once() {
    let (_running, client) = serve([turn().text("Never whole.").stalls_after(600)]).await;
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let request = request(OPUS, vec![Message::user("Go.")]);
    let error = client.send(&request, &mut |_| stop.cancel(), &cancel).await.unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.exit()),
        ("the request to the model was interrupted", Exit::Interrupted)
    );
}

#[tokio::test]
async fn a_conversation_is_carried_back_exactly() {
    let first = turn().thinking("First read.").tool("read", &json!({"path": "ü"})).usage(1_000, 500);
    let second = turn().expect("the text").text("Done.");
    let (running, client) = serve([first, second]).await;
    let mut messages = vec![Message::user("Go.")];
    let reply = ask(&client).await.unwrap();
    assert_eq!((reply.stop, reply.cost.unwrap().to_string().as_str()), (Stop::ToolUse, "$0.01"));
    messages.push(Message { role: request::Role::Assistant, content: reply.content });
    let result = Block::ToolResult { id: "toolu_1_1".into(), content: "the text".into(), is_error: false };
    messages.push(Message { role: request::Role::User, content: vec![result] });
    let cancel = CancellationToken::new();
    let done = client.send(&request(OPUS, messages), &mut |_| {}, &cancel).await.unwrap();
    assert_eq!((done.text().as_str(), done.stop), ("Done.", Stop::EndTurn));
    let received = running.received();
    let headers = &received[0].headers;
    assert_eq!(
        (headers["x-api-key"].as_str(), headers["anthropic-version"].as_str()),
        ("key-1", "2023-06-01")
    );
    insta::assert_snapshot!(received[1].body["messages"][1], @r#"{"role":"assistant","content":[{"type":"thinking","thinking":"First read.","signature":"sig-toolu_1_0"},{"type":"tool_use","id":"toolu_1_1","name":"read","input":{"path":"ü"}}]}"#);
}

#[tokio::test]
async fn a_short_name_means_its_model() {
    let (running, _) = serve([turn().text("Hi.")]).await;
    let client = client(&profile("opus", &running.url())).unwrap();
    let request = request("opus", vec![Message::user("Go.")]);
    let reply = client.send(&request, &mut |_| {}, &CancellationToken::new()).await.unwrap();
    assert!(reply.cost.is_some());
    assert_eq!(running.received()[0].model, OPUS);
}

#[tokio::test]
async fn chat_completions_leave_out_what_the_server_does_not_know() {
    let whole = "data: {\"id\":\"c1\",\"choices\":[{\"delta\":{\"content\":\"Hi.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let turns = [
        turn().status(400, "invalid_request_error", "unknown parameter: stream_options"),
        turn().raw(whole),
        turn().raw(whole),
    ];
    let running = script::serve(Script::new().model("local-llama", turns)).await.unwrap();
    let local = Profile { provider: Provider::Openai, retries: 0, ..profile("local-llama", &running.url()) };
    let client = client(&local).unwrap();
    let reply = ask(&client).await.unwrap();
    assert_eq!((reply.text().as_str(), reply.cost, reply.attempts), ("Hi.", None, 1));
    ask(&client).await.unwrap();
    let sent: Vec<_> =
        running.received().iter().map(|got| got.body.get("stream_options").is_some()).collect();
    assert_eq!(sent, [true, false, false], "what was learned is kept");
    assert_eq!(running.received()[0].headers["authorization"], "Bearer key-1");
}

#[tokio::test]
async fn the_server_is_asked_what_a_model_is() {
    let (running, client) = serve([]).await;
    let facts = client.facts().await.unwrap().unwrap();
    assert_eq!((facts.id.as_str(), facts.max_input_tokens), (OPUS, Some(1_000_000)));
    let stranger = self::client(&profile("claude-opus-9", &running.url())).unwrap();
    assert!(matches!(stranger.facts().await.unwrap_err(), Error::UnknownModel { .. }));
}

#[tokio::test]
async fn a_transcript_replays_turn_by_turn() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("turns.jsonl");
    let body = fixture("anthropic-pause.sse");
    let lines = format!("{}\n\n{}\n", json!(body), json!({"body": body}));
    planwright::fs::write(&path, lines.as_bytes()).unwrap();
    let client = replay(&path).unwrap();
    for _ in 0..2 {
        assert_eq!(ask(&client).await.unwrap().text(), "Searching");
    }
    let error = ask(&client).await.unwrap_err().to_string();
    assert_eq!(error, format!("cannot replay `{}`: turn 3 was asked for, and it holds 2", path.display()));
}

#[tokio::test]
async fn recorded_streams() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../fixtures/model");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let _bound = settings.bind_to_scope();
    for path in recorded() {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let reply = ask(&replay(&path).unwrap()).await;
        insta::assert_json_snapshot!(name, shown(reply));
    }
}

fn recorded() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(fixtures()).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = entries.filter(|path| path.extension().is_some_and(|ext| ext == "sse")).collect();
    found.sort();
    assert!(found.len() > 15, "the recordings were found");
    found
}

fn shown(reply: Result<Reply, Error>) -> Value {
    match reply {
        Ok(reply) => {
            let cost = reply.cost.map(|cost| cost.to_string());
            json!({"id": reply.id, "model": reply.model, "stop": reply.stop, "usage": reply.usage, "cost": cost, "content": reply.content})
        }
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            json!({"error": error.to_string(), "cause": cause})
        }
    }
}

fn replay(path: &Path) -> Result<Client, Error> {
    let provider = Provider::Replay(path.to_owned());
    client(&Profile { provider, retries: 0, base_url: String::new(), ..profile(OPUS, "") })
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/model")
}

fn fixture(name: &str) -> String {
    crate::support::file(Path::new("tests/fixtures/model").join(name))
}
