//! Planning against the hub and a scripted planner: published once whatever happens, people's edits kept.

use std::path::PathBuf;

use planwright::agent::{Toolbox, View};
use planwright::artifact::body;
use planwright::artifact::plan::Plan;
use planwright::artifact::{Events, IssueNumber};
use planwright::error::{Exit, Failure as _};
use planwright::github::{Edit, Issue, IssueQuery, State, StateChange};
use planwright::hub::{Only, What};
use planwright::plan::{self, Report, Target, file};
use planwright::prompts::Prompts;
use planwright::telemetry::Run;
use serde_json::{Value, json};

use crate::support::tracker::{Tracker, numbers};

const PLAN: &str = "tests/fixtures/plans/labels.json";

/// A tracker, and a copy of the plan's file that publishing may write to.
struct Desk {
    tracker: Tracker,
    file: PathBuf,
    run: Run,
}

impl Desk {
    async fn new() -> Self {
        let tracker = Tracker::start().await;
        let file = tracker.folder.path().join("plan.json");
        let run = Run::new(tracker.folder.path(), "plan", tracker.clock.clone(), Events::none());
        let desk = Self { tracker, file, run };
        desk.forget();
        desk
    }

    /// Puts the plan's file back to what it was before anything was published.
    fn forget(&self) {
        file::save(&self.file, &original()).unwrap();
    }

    async fn publish(&self) -> Result<Report, plan::Error> {
        self.publish_changed(|_| {}).await
    }

    async fn publish_changed(&self, change: impl FnOnce(&mut Plan)) -> Result<Report, plan::Error> {
        let mut plan = file::load(&self.file).unwrap();
        change(&mut plan);
        let target = Target {
            client: &self.tracker.client,
            tracker: "hub",
            repo: &self.tracker.repo,
            run: &self.run,
            file: &self.file,
        };
        plan::publish(target, &mut plan).await
    }

    async fn issues(&self) -> Vec<Issue> {
        let query = IssueQuery { state: State::All, ..IssueQuery::default() };
        let mut issues = self.tracker.client.issues(&self.tracker.repo, &query).await.unwrap();
        issues.sort_by_key(|issue| issue.number);
        issues
    }

    async fn issue(&self, key: &str) -> Issue {
        let is_it = |issue: &Issue| body::marker(&issue.body).is_some_and(|marker| marker.key == key);
        self.issues().await.into_iter().find(is_it).unwrap()
    }

    /// The whole graph in words: issues by key, their texts, sub-issues and blockers.
    async fn graph(&self) -> Vec<String> {
        let issues = self.issues().await;
        let key = |issue: &Issue| body::marker(&issue.body).unwrap().key;
        let keys = |mut found: Vec<Issue>| {
            found.sort_by_key(|issue| issue.number);
            found.iter().map(key).collect::<Vec<_>>().join(" ")
        };
        let mut graph = Vec::new();
        for issue in &issues {
            let client = &self.tracker.client;
            let children = client.sub_issues(&self.tracker.repo, issue.number).await.unwrap();
            let blockers = client.blocked_by(&self.tracker.repo, issue.number).await.unwrap();
            let own = if body::untouched(&issue.title, &issue.body) { "" } else { " edited" };
            graph.push(format!("{}{own} | {} | {}", key(issue), keys(children), keys(blockers)));
        }
        graph.sort();
        graph
    }
}

fn original() -> Plan {
    file::load(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(PLAN)).unwrap()
}

const WHOLE: [&str; 5] = [
    "count-labels |  | land-issues land-labels",
    "epic | record-cassette land-issues land-labels count-labels | ",
    "land-issues |  | record-cassette",
    "land-labels |  | record-cassette",
    "record-cassette |  | ",
];

#[tokio::test]
async fn a_plan_becomes_an_epic_with_native_links_that_its_text_names_too() {
    let desk = Desk::new().await;
    let report = desk.publish().await.unwrap();
    assert_eq!((report.created, report.updated, report.linked), (5, 0, 8));
    assert_eq!(desk.graph().await, WHOLE);
    let epic = desk.issue("epic").await;
    let number = |key: &str| report.issues.iter().find(|(known, _)| known == key).unwrap().1.number;
    let (cassette, labels, count) =
        (number("record-cassette"), number("land-labels"), number("count-labels"));
    let after = format!("- {count}, after {}, {labels}\n", number("land-issues"));
    assert!(epic.body.contains(&after), "{}", epic.body);
    let issue = desk.issue("land-labels").await;
    assert!(
        issue.body.contains(&format!("Part of {} · blocked by {cassette}", epic.number)),
        "{}",
        issue.body
    );
    assert_eq!(body::criteria(&desk.issue("count-labels").await.body), original().issues[0].acceptance);
    assert_eq!(desk.issue("count-labels").await.labels, ["pipeline"]);
}

#[tokio::test]
async fn publishing_again_writes_nothing_with_or_without_the_files_memory() {
    let desk = Desk::new().await;
    desk.publish().await.unwrap();
    let no_more = What::Answer(500, Vec::new(), "no write was due".to_owned());
    for forgets in [false, true, false] {
        if forgets {
            desk.forget();
        }
        desk.tracker.faults.once(Only::Writes, 1, no_more.clone());
        let report = desk.publish().await.unwrap();
        desk.tracker.faults.clear();
        assert_eq!((report.created, report.updated, report.linked, report.kept), (0, 0, 0, vec![]));
    }
    assert_eq!(desk.graph().await, WHOLE);
}

/// From request `n` on the process is as good as dead: that one is struck, no later one arrives.
async fn killed_at(n: u64, strike: What, forgets: bool) -> bool {
    let desk = Desk::new().await;
    desk.tracker.faults.once(Only::Any, n, strike.clone());
    desk.tracker.faults.add(planwright::hub::Fault {
        only: Only::Any,
        from: n + 1,
        times: u64::MAX,
        what: What::CutBefore,
    });
    let survived = desk.publish().await.is_ok();
    desk.tracker.faults.clear();
    if forgets {
        desk.forget();
    }
    desk.publish().await.unwrap();
    assert_eq!(desk.graph().await, WHOLE, "killed at request {n} by {strike:?}");
    survived
}

#[tokio::test]
async fn killed_at_any_request_the_next_run_makes_the_same_issues() {
    for strike in [What::CutBefore, What::CutAfter] {
        for forgets in [false, true] {
            let mut requests = 0;
            while !killed_at(requests + 1, strike.clone(), forgets).await {
                requests += 1;
                assert!(requests < 60, "publishing ends");
            }
            assert!(requests > 12, "it was cut in the middle: {requests}");
        }
    }
}

#[tokio::test]
async fn a_request_that_is_not_answered_is_looked_for_and_never_doubled() {
    for strike in [
        What::CutBefore,
        What::CutAfter,
        What::AnswerAfter(502),
        What::Answer(502, Vec::new(), "busy".to_owned()),
    ] {
        for n in 1..20 {
            let desk = Desk::new().await;
            desk.tracker.faults.once(Only::Any, n, strike.clone());
            desk.publish().await.unwrap_or_else(|error| panic!("request {n}, {strike:?}: {error}"));
            assert_eq!(desk.graph().await, WHOLE, "request {n}, {strike:?}");
        }
    }
}

#[tokio::test]
async fn what_stopped_in_the_middle_says_what_is_there_and_how_to_go_on() {
    let desk = Desk::new().await;
    desk.tracker.faults.once(
        Only::Writes,
        3,
        What::Answer(403, Vec::new(), "Resource not accessible".to_owned()),
    );
    let error = desk.publish().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "publishing stopped: 2 of 5 issues are there, 8 links between them are missing"
    );
    assert_eq!(error.exit(), Exit::Partial);
    let hint = format!("go on where it stopped: `planwright plan publish {}`", desk.file.display());
    assert!(error.hints().contains(&hint), "{:?}", error.hints());
}

#[tokio::test]
async fn what_a_person_edited_closed_or_unlinked_is_left_alone() {
    let desk = Desk::new().await;
    desk.publish().await.unwrap();
    let (mine, closed, free) = (
        desk.issue("land-issues").await,
        desk.issue("record-cassette").await,
        desk.issue("land-labels").await,
    );
    let Tracker { client, repo, .. } = &desk.tracker;
    let edit = Edit { body: Some(format!("{}\nMind the time zone.", mine.body)), ..Edit::default() };
    client.edit_issue(repo, mine.number, &edit).await.unwrap();
    let close = Edit { state: Some(StateChange::Complete), ..Edit::default() };
    client.edit_issue(repo, closed.number, &close).await.unwrap();
    let path = format!("/repos/{repo}/issues/{}/dependencies/blocked_by/{}", free.number.0, closed.id.0);
    assert_eq!(desk.tracker.raw("DELETE", &path, "").await.0, 200);
    let report = desk
        .publish_changed(|plan| {
            for issue in &mut plan.issues {
                issue.body.push_str(" Write a test for the empty case.");
            }
        })
        .await
        .unwrap();
    assert_eq!((report.created, report.updated, report.linked, report.kept), (0, 2, 0, vec![mine.number]));
    assert!(desk.issue("land-issues").await.body.ends_with("Mind the time zone."));
    assert!(!desk.issue("record-cassette").await.body.contains("empty case"));
    assert!(desk.issue("land-labels").await.body.contains("empty case"));
    assert_eq!(client.blocked_by(repo, free.number).await.unwrap(), []);
}

#[tokio::test]
async fn an_issue_added_to_the_plan_joins_the_epic() {
    let desk = Desk::new().await;
    desk.publish().await.unwrap();
    let report = desk
        .publish_changed(|plan| {
            let mut more = plan.issues[0].clone();
            "show-labels".clone_into(&mut more.key);
            "Show the counts".clone_into(&mut more.title);
            more.blocked_by = vec!["count-labels".to_owned()];
            plan.issues.push(more);
        })
        .await
        .unwrap();
    assert_eq!((report.created, report.updated, report.linked), (1, 1, 2));
    assert!(desk.graph().await.contains(&"show-labels |  | count-labels".to_owned()));
}

#[tokio::test]
async fn a_copied_marker_takes_nothing_over() {
    let desk = Desk::new().await;
    desk.publish().await.unwrap();
    let epic = desk.issue("epic").await;
    let copy =
        planwright::github::NewIssue { title: "a copy".to_owned(), body: epic.body, labels: Vec::new() };
    desk.tracker.client.create_issue(&desk.tracker.repo, &copy).await.unwrap();
    for _ in 0..2 {
        let report = desk.publish().await.unwrap();
        assert_eq!((report.created, report.updated, report.epic.number), (0, 0, epic.number));
        desk.forget();
    }
}

#[tokio::test]
async fn a_bad_plan_is_refused_before_any_request() {
    let desk = Desk::new().await;
    desk.tracker.faults.once(Only::Any, 1, What::Answer(500, Vec::new(), "no request was due".to_owned()));
    let error =
        desk.publish_changed(|plan| plan.issues[1].blocked_by = vec!["count-labels".to_owned()]).await;
    let error = error.unwrap_err();
    assert!(error.to_string().contains("issues wait for one another: count-labels ← land-issues"), "{error}");
    assert_eq!(error.exit(), Exit::Usage);
}

#[tokio::test]
async fn next_is_what_is_ready_and_what_most_waits_for() {
    let desk = Desk::new().await;
    desk.publish().await.unwrap();
    let Tracker { client, repo, .. } = &desk.tracker;
    let at = async |number: Option<IssueNumber>| plan::status(client, repo, number, &[]).await.unwrap();
    let key = |status: &plan::Status| status.next().and_then(|entry| entry.key.clone());
    assert_eq!(key(&at(None).await).as_deref(), Some("record-cassette"));
    let close = Edit { state: Some(StateChange::Complete), ..Edit::default() };
    client.edit_issue(repo, desk.issue("record-cassette").await.number, &close).await.unwrap();
    let status = at(None).await;
    assert_eq!(key(&status).as_deref(), Some("land-issues"));
    assert_eq!(status.ready, numbers(&[desk.issue("land-issues").await, desk.issue("land-labels").await]));
    assert_eq!((status.epics[0].done(), status.epics[0].issues.len()), (1, 4));

    // A blocked epic blocks its issues, and a stranger's issue is not planned work.
    let stranger = desk.tracker.issue("Decide whether we want this").await;
    let epic = desk.issue("epic").await;
    client.add_blocked_by(repo, epic.number, stranger.id).await.unwrap();
    let status = at(Some(epic.number)).await;
    assert_eq!((status.ready.len(), status.next()), (0, None));
    client.edit_issue(repo, stranger.number, &close).await.unwrap();
    assert_eq!(at(None).await.ready.len(), 2);
}

#[tokio::test]
async fn the_same_goal_on_an_open_epic_is_noticed() {
    let desk = Desk::new().await;
    desk.publish().await.unwrap();
    let settings = planwright::config::settings::Context { budget_tokens: 1_000, exclude: Vec::new() };
    let tracker = Some((&desk.tracker.client, &desk.tracker.repo));
    let goal = "show how many open issues each label has!";
    let survey = plan::survey(desk.tracker.folder.path(), &settings, &[], tracker, goal).await.unwrap();
    let existing = survey.existing.unwrap();
    assert_eq!((existing.number, existing.plan.as_str()), (desk.issue("epic").await.number, "p-7c21d09e"));
    assert!(survey.issues.contains("Land the labels of issues (part of #"), "{}", survey.issues);
}

/// The answer that a planner would give for the plan of the fixture.
fn answer(change: impl FnOnce(&mut Value)) -> Value {
    let plan = original();
    let issues: Vec<Value> = plan
        .issues
        .iter()
        .map(|issue| {
            let mut issue = serde_json::to_value(issue).unwrap();
            issue.as_object_mut().unwrap().remove("published");
            issue
        })
        .collect();
    let mut answer = json!({"epic_title": plan.epic.title, "epic_body": plan.epic.body, "issues": issues});
    change(&mut answer);
    answer
}

mod drafting {
    use planwright::agent::{Budget, Mind};
    use planwright::artifact::Usd;
    use planwright::config::settings::{Context, Credential, Profile, Provider};
    use planwright::config::{Role, Secret};
    use planwright::ledger::Ledger;
    use planwright::model::script::{self, Received, Script, Turn, turn};
    use planwright::model::{self, price};
    use planwright::plan::draft;

    use super::*;
    use crate::support::World;
    use crate::support::tracker::http;

    const MODEL: &str = "claude-opus-5-5";

    fn profile(url: String) -> Profile {
        Profile {
            role: Role::Planner,
            provider: Provider::Anthropic,
            model: MODEL.to_owned(),
            effort: None,
            max_tokens: 16_000,
            base_url: url,
            credential: Some(Credential::Key(Secret::new("key".to_owned()))),
            idle: std::time::Duration::from_secs(20),
            retries: 0,
        }
    }

    /// Drafts in a small repository with a planner that takes these turns.
    fn draft_with(turns: Vec<Turn>) -> (Result<Plan, draft::Error>, Vec<Received>) {
        let world =
            World::with(&[("README.md", "# Shop\n"), ("pipelines/github/pipeline.toml", "[resources]\n")]);
        let server = world.wait(script::serve(Script::new().model(MODEL, turns))).unwrap();
        let profile = profile(server.url());
        let clock = planwright::clock::Clock::starting_at("2026-11-22T11:42:33Z".parse().unwrap());
        let client = model::Client::new(&profile, &price::table(), http(), clock.clone()).unwrap();
        let state = world.folder().join("state");
        let run = Run::new(&state, "plan", clock, Events::none());
        let (ledger, budget) = (Ledger::open(&state), Budget::new(Usd(5.0)));
        let mind = Mind {
            client: &client,
            profile: &profile,
            run: &run,
            ledger: &ledger,
            budget: &budget,
            issue: None,
        };
        let toolbox = Toolbox::read_only(View::WorkTree { root: world.root().to_owned(), exclude: &[] });
        let drafted = world.wait(async {
            let settings = Context { budget_tokens: 4_000, exclude: Vec::new() };
            let goal = "Show how many open issues each label has";
            let survey = plan::survey(world.root(), &settings, &[], None, goal).await.unwrap();
            let ask = plan::Ask { goal, survey: &survey, test: Some("planwright test"), turns: 8 };
            draft(&mind, &Prompts::new(None), &toolbox, ask).await
        });
        assert_eq!(server.missed(), Vec::<String>::new(), "{drafted:?}");
        (drafted, server.received())
    }

    fn explores() -> Turn {
        turn().expect("Show how many open issues").tool("read", &json!({"path": "README.md"}))
    }

    #[test]
    fn a_planner_explores_and_answers_in_the_schema() {
        let (drafted, received) = draft_with(vec![
            explores(),
            turn().expect("# Shop").text("Four issues."),
            turn().expect("of the given schema").json(&answer(|_| {})),
        ]);
        let plan = drafted.unwrap();
        assert_eq!((plan.issues, plan.epic), (original().issues, original().epic));
        assert!(plan.id.starts_with("p-") && plan.id.len() == 10, "{}", plan.id);
        assert_eq!(received.len(), 3);
        assert!(received[2].body.to_string().contains("json_schema"));
        let tools = |request: &Received| request.body["tools"].clone();
        assert_eq!(
            tools(&received[0]),
            tools(&received[2]),
            "the tools stay, so that the cached prefix holds"
        );
        let names: Vec<_> =
            tools(&received[0]).as_array().unwrap().iter().map(|tool| tool["name"].clone()).collect();
        assert_eq!(names, ["read", "list", "search"], "a planner cannot write");
    }

    #[test]
    fn a_bad_plan_is_sent_back_with_what_is_wrong() {
        let circle = answer(|answer| answer["issues"][1]["blocked_by"] = json!(["count-labels"]));
        let (drafted, _) = draft_with(vec![
            explores(),
            turn().text("Four issues."),
            turn().json(&circle),
            turn().expect("issues wait for one another: count-labels ←").text("I cannot say it in JSON."),
            turn().expect("the answer holds no JSON object").json(&answer(|_| {})),
        ]);
        assert_eq!(drafted.unwrap().issues.len(), 4);
    }

    #[test]
    fn a_planner_that_never_gives_a_good_plan_is_a_clear_error() {
        let empty = answer(|answer| answer["issues"] = json!([]));
        let turns = vec![turn().text("Done."), turn().json(&empty), turn().json(&empty), turn().json(&empty)];
        let error = draft_with(turns).0.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the planner gave no usable plan in 3 attempts: plan: there are no issues"
        );
        assert_eq!(error.exit(), Exit::Unable);
    }

    #[test]
    fn a_refusal_is_told_as_one() {
        let error = draft_with(vec![turn().text("I").refusal("not this")]).0.unwrap_err();
        assert_eq!(error.to_string(), "there is no plan: the model declined: not this");
    }
}
