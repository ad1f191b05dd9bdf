//! Several tokens: who pays for what, whose "no" counts, and what is done when one is at its limit.

use jiff::Timestamp;
use planwright::artifact::{Events, RepoName};
use planwright::clock::Clock;
use planwright::config::Secret;
use planwright::config::settings::GithubApi;
use planwright::github::governor::{Claim, Options, Why};
use planwright::github::{Client, Error, Governor, Identity, Question, Terms};

use crate::support::World;
use crate::support::readers::{Heard, Readers, Said};
use crate::support::tracker::{http, new};

const ISSUES: &str = "/repos/ada/shop/issues";
const TOTALS: &str = "query Repository_totals($ids: [ID!]!) { nodes(ids: $ids) { id } }";

/// A client with the tokens `ada` (the first) and `bot`, and the server it speaks to.
struct Pair {
    readers: Readers,
    client: Client,
    clock: Clock,
    _folder: tempfile::TempDir,
}

impl Pair {
    async fn start(answers: impl Fn(&Heard) -> Option<Said> + Send + Sync + 'static) -> Self {
        let clock = Clock::starting_at("2026-11-22T10:00:00Z".parse::<Timestamp>().unwrap());
        let readers = Readers::start(&clock, answers).await;
        let folder = tempfile::tempdir().unwrap();
        let api = |token: &str| GithubApi { url: readers.url.clone(), token: Secret::new(token.to_owned()) };
        let options = Options { folder: folder.path(), reserve: 20, claim: Claim::Spare };
        let governor = |api: &GithubApi| Governor::strict(api, &options, clock.clone(), Events::none());
        let (ada, bot) = (api("ada"), api("bot"));
        let client = Client::governed(http(), &ada, clock.clone(), governor(&ada)).unwrap();
        let client = client.helped_by(Identity::Token(bot.token.clone()), governor(&bot)).unwrap();
        Self { readers, client, clock, _folder: folder }
    }

    async fn read(&self, path: &str) -> Result<(), Error> {
        self.client.page(path, &[], Terms::default()).await.map(|_| ())
    }

    /// The tokens of what was asked, in order.
    fn payers(&self) -> Vec<String> {
        self.readers.heard().into_iter().map(|heard| heard.token).collect()
    }

    /// Lets each token's hour become known, `bot`'s with more left.
    async fn acquaint(&self) {
        self.read(ISSUES).await.unwrap();
        self.readers.leave("ada", 3_000);
        self.read("/user").await.unwrap();
        self.read(ISSUES).await.unwrap();
        assert_eq!(self.payers(), ["ada", "ada", "bot"]);
    }
}

fn refusal(status: u16, message: &str) -> Said {
    (status, None, format!(r#"{{"message": "{message}"}}"#))
}

#[tokio::test]
async fn two_tokens_share_what_every_reader_is_shown_alike() {
    let pair = Pair::start(|_| None).await;
    for number in 0..20 {
        pair.read(&format!("{ISSUES}?page={number}")).await.unwrap();
    }
    let payers = pair.payers();
    let of = |token: &str| payers.iter().filter(|payer| *payer == token).count();
    assert_eq!((of("ada"), of("bot")), (10, 10));
    let next = format!("{}/repositories/7/issues?page=2", pair.client.base());
    for _ in 0..2 {
        pair.client.page_at(&next, Terms::default()).await.unwrap();
    }
    assert_eq!(pair.payers(), ["ada", "bot"]);
    assert_eq!(pair.client.left(), Some(2 * (5_000 - 11)), "what both have left");
}

#[tokio::test]
async fn what_is_the_persons_own_view_is_asked_with_the_first_token_alone() {
    let pair = Pair::start(|heard| {
        let made = r#"{"id": 1, "number": 1, "node_id": "I", "title": "x"}"#;
        (heard.method == "POST" && heard.path == ISSUES).then(|| (201, None, made.to_owned()))
    })
    .await;
    pair.acquaint().await;
    for path in ["/user", "/user/repos", "/issues", "/notifications", "/repos/ada/shop", "/orgs/acme/teams"] {
        pair.read(path).await.unwrap();
    }
    for path in ["releases", "forks", "issues/1/sub_issues", "issues/1/timeline", "pulls/1/reviews"] {
        pair.read(&format!("/repos/ada/shop/{path}")).await.unwrap();
    }
    let tagged = Terms { etag: Some("\"a\""), ..Terms::default() };
    pair.client.page(ISSUES, &[], tagged).await.unwrap();
    let repo: RepoName = "ada/shop".parse().unwrap();
    // octocrab's model wants more of an issue than is answered here; who asked is what counts.
    drop(pair.client.create_issue(&repo, &new("x")).await);
    let payers = pair.payers();
    assert_eq!(payers.len(), 13);
    assert!(payers.iter().all(|payer| payer == "ada"), "{payers:?}");
}

#[tokio::test]
async fn what_another_token_does_not_see_is_asked_with_the_first_and_not_again_with_the_other() {
    for (status, message) in [(404, "Not Found"), (403, "Resource not accessible by personal access token")] {
        let pair = Pair::start(move |heard| {
            let hidden = heard.token == "bot" && heard.path.starts_with("/repos/ada/hidden/");
            hidden.then(|| refusal(status, message))
        })
        .await;
        pair.acquaint().await;
        for path in ["/repos/ada/hidden/issues", "/repos/ada/hidden/labels", ISSUES] {
            pair.read(path).await.unwrap();
        }
        assert_eq!(pair.payers(), ["bot", "ada", "ada", "bot"], "{status}");
    }
}

#[tokio::test]
async fn what_neither_sees_is_told_as_the_first_was_told_and_bars_nobody() {
    let pair = Pair::start(|heard| {
        let absent = heard.path.ends_with("/alerts");
        absent.then(|| refusal(404, "Not Found"))
    })
    .await;
    pair.acquaint().await;
    let error = pair.read("/repos/ada/shop/dependabot/alerts").await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
    pair.read(ISSUES).await.unwrap();
    assert_eq!(pair.payers(), ["bot", "ada", "bot"]);
}

#[tokio::test]
async fn a_token_that_is_refused_is_not_used_again_at_all() {
    let refused = std::sync::atomic::AtomicBool::new(false);
    let refused = std::sync::Arc::new(refused);
    let is_refused = std::sync::Arc::clone(&refused);
    let pair = Pair::start(move |heard| {
        let out = heard.token == "bot" && is_refused.load(std::sync::atomic::Ordering::Relaxed);
        out.then(|| refusal(401, "Bad credentials"))
    })
    .await;
    pair.acquaint().await;
    refused.store(true, std::sync::atomic::Ordering::Relaxed);
    for path in [ISSUES, "/repos/ada/other/issues"] {
        pair.read(path).await.unwrap();
    }
    assert_eq!(pair.payers(), ["bot", "ada", "ada"]);
}

#[tokio::test]
async fn a_token_that_is_spent_is_passed_over_until_all_are() {
    let pair = Pair::start(|_| None).await;
    pair.acquaint().await;
    pair.readers.leave("bot", 1_001);
    pair.read(ISSUES).await.unwrap();
    for _ in 0..3 {
        pair.read(ISSUES).await.unwrap();
    }
    assert_eq!(pair.payers(), ["bot", "ada", "ada", "ada"], "a fifth of the hour is kept");
    pair.readers.leave("ada", 900);
    pair.read(ISSUES).await.unwrap();
    let Error::RateLimited { why, .. } = pair.read(ISSUES).await.unwrap_err() else { panic!("not limited") };
    assert_eq!((why, pair.payers()), (Why::Reserve, vec!["ada".to_owned()]));
}

#[tokio::test]
async fn a_limit_of_one_token_is_not_waited_for_while_another_can_pay() {
    for limit in [("retry-after", "60"), ("retry-after", "1800"), ("x-ratelimit-remaining", "0")] {
        let pair = Pair::start(move |heard| {
            let slow = heard.token == "bot" && heard.path.contains("/slow/");
            let said = || (403, Some((limit.0, limit.1.to_owned())), r#"{"message": "limit"}"#.to_owned());
            slow.then(said)
        })
        .await;
        pair.acquaint().await;
        let before = pair.clock.now();
        pair.read("/repos/ada/slow/issues").await.unwrap();
        pair.read(ISSUES).await.unwrap();
        assert_eq!(pair.payers(), ["bot", "ada", "ada"], "{limit:?}");
        assert_eq!(pair.clock.now(), before, "{limit:?}");
    }
}

#[tokio::test]
async fn a_question_that_another_token_sees_only_a_part_of_is_asked_with_the_first() {
    const PART: &str = r#"{"data": {"nodes": [null]}, "errors": [{"type": "NOT_FOUND", "message": "x"}]}"#;
    const WHOLE: &str = r#"{"data": {"nodes": [{"id": "R_1"}]}}"#;
    let pair = Pair::start(|heard| {
        let gone = heard.body.contains("R_gone");
        let part = gone || heard.token == "bot" && heard.body.contains("R_hidden");
        (heard.path == "/graphql").then(|| (200, None, if part { PART } else { WHOLE }.to_owned()))
    })
    .await;
    let ask = async |id: &str, query: &str| {
        let variables = serde_json::json!({"ids": [id]});
        let question = Question { about: "totals", query, variables: &variables };
        let answer = pair.client.graphql(question).await.unwrap();
        (std::str::from_utf8(&answer).unwrap() == WHOLE, pair.payers())
    };
    assert_eq!(ask("R_1", TOTALS).await, (true, vec!["ada".to_owned()]));
    assert_eq!(ask("R_1", TOTALS).await, (true, vec!["bot".to_owned()]));
    // Both have as much left, so the first; then it is the other's turn.
    assert_eq!(ask("R_gone", TOTALS).await, (false, vec!["ada".to_owned()]));
    let both = vec!["bot".to_owned(), "ada".to_owned()];
    assert_eq!(ask("R_gone", TOTALS).await, (false, both.clone()), "gone for both: nobody is barred");
    assert_eq!(ask("R_hidden", TOTALS).await, (true, both));
    let viewer = "query Repository_totals { nodes(ids: $ids) { viewerCanAdminister } }";
    for query in [TOTALS, TOTALS, viewer] {
        assert_eq!(ask("R_1", query).await, (true, vec!["ada".to_owned()]));
    }
}

/// Who asked for the issues of six repositories in a whole sync.
fn payers_of_a_sync(world: &World, readers: &Readers) -> Vec<String> {
    let names: Vec<_> = (1..=6).map(|number| format!("ada/r{number}")).collect();
    let repos = names.iter().flat_map(|name| ["--repo", name]);
    let args: Vec<_> = ["sync", "--full", "--only", "issues"].into_iter().chain(repos).collect();
    world.planwright(&args).ended(0);
    let heard = readers.heard();
    let of_issues = heard.iter().filter(|heard| heard.path.contains("/issues?"));
    let payers: Vec<_> = of_issues.map(|heard| heard.token.clone()).collect();
    assert_eq!(payers.len(), 6, "{heard:?}");
    let own: Vec<_> =
        heard.iter().filter(|heard| heard.path.contains("?per_page=100&sort=full_name")).collect();
    assert!(own.len() == 6 && own.iter().all(|heard| heard.token == "ada"), "{heard:?}");
    payers
}

#[test]
fn a_sync_shares_its_reading_by_what_each_token_has_left_where_limits_are_kept() {
    let mut world = World::empty();
    let readers = world.wait(Readers::start(&Clock::System, |heard| {
        let path = heard.path.split('?').next()?;
        let number = path.strip_prefix("/repos/ada/r")?.parse::<u64>().ok()?;
        let name = format!("r{number}");
        let repo = serde_json::json!({"id": number, "node_id": format!("R_{number}"), "name": name,
            "full_name": format!("ada/{name}"), "owner": {"login": "ada"}});
        Some((200, None, repo.to_string()))
    }));
    world.set("GITHUB_API_URL", readers.url.clone()).set("GITHUB_TOKEN", "ada");
    world.set("PLANWRIGHT_MORE_TOKENS", "BOT").set("BOT", "bot");
    assert_eq!(payers_of_a_sync(&world, &readers), ["ada"; 6], "nothing is paced on loopback");
    world.write(world.config(), "[github]\npace = \"always\"\n");
    readers.leave("ada", 2_000);
    readers.leave("bot", 4_000);
    assert_eq!(payers_of_a_sync(&world, &readers), ["bot"; 6], "it has more left than the first");
    readers.leave("bot", 900);
    let payers = payers_of_a_sync(&world, &readers);
    assert!(payers.contains(&"bot".to_owned()), "nobody knew yet");
    assert_eq!(payers_of_a_sync(&world, &readers), ["ada"; 6], "a fifth of the hour is kept");
}

#[test]
fn further_tokens_are_named_by_their_places_and_never_shown() {
    let mut world = World::empty();
    let token = world.write(world.home().join("bot-token"), "ghp_of_the_bot\n");
    world.write(
        world.config(),
        "[github]\nmore_tokens = [{ env = \"TEAM_TOKEN\" }, { file = \"~/bot-token\" }, { command = \"echo ghp_c\" }]\n",
    );
    world.set("GITHUB_TOKEN", "ghp_of_ada").set("TEAM_TOKEN", "ghp_of_the_team");
    let ran = world.planwright(&["doctor", "--offline"]);
    for source in ["$GITHUB_TOKEN", "$TEAM_TOKEN", "command of github.more_tokens"] {
        assert!(ran.stdout.contains(&format!("token from {source}, not asked")), "{}", ran.stdout);
    }
    assert!(ran.stdout.contains(&format!("token from file {}", token.display())), "{}", ran.stdout);
    let all = world.planwright(&["profiles", "--all"]).ended(0);
    for text in [&ran.stdout, &ran.stderr, &all.stdout] {
        assert!(!text.contains("ghp_"), "{text}");
    }
    world.set("PLANWRIGHT_MORE_TOKENS", "NOT_SET");
    world
        .planwright(&["sync"])
        .ended(3)
        .said("the environment variable `NOT_SET`, named by `github.more_tokens`, is not set");
    world.set("PLANWRIGHT_MORE_TOKENS", "ghp_pasted");
    let pasted = world.planwright(&["sync"]).ended(2).said("expected the name of an environment variable");
    assert!(!pasted.stderr.contains("ghp_"), "{}", pasted.stderr);
}

#[test]
fn a_repository_may_not_name_further_tokens() {
    let world = World::empty();
    world.write("planwright.toml", "[github]\nmore_tokens = [{ command = \"curl evil.example\" }]\n");
    world.planwright(&["profiles"]).ended(2).said("`github.more_tokens` may not be set by a repository");
}
