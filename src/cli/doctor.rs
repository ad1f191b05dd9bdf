//! `doctor`: whether everything that planwright stands on is there, and what to do where it is not.
//!
//! It changes nothing and sends nothing but questions: who a token belongs to, what a model accepts. A
//! credential is named by its source, never shown.

use serde::Serialize;
use serde_json::json;

use super::error::Stop;
use super::minds::profile_of;
use super::payers::installation;
use super::screen::{BAD, DIM, GOOD, LOOK, styled};
use super::session::{Call, Settled};
use crate::artifact::RepoChoice;
use crate::config::keys::ROLES;
use crate::config::settings::GithubApi;
use crate::config::{App, Role, Secret, Source};
use crate::error::{Exit, Failure};
use crate::github::{Governor, Identity, Terms};
use crate::pipeline::warehouse::{self, Place, Warehouse};
use crate::sandbox::Sandbox;
use crate::{github, hub, model, review};
use tokio_util::sync::CancellationToken;

const EXAMPLES: &str = "\
Examples:
  planwright doctor              everything, servers too
  planwright doctor --offline    only what is on this machine
  planwright doctor --json | jq 'select(.state == \"bad\")'";

/// Check what planwright needs, and say what is missing
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Ask no server
    #[arg(long)]
    offline: bool,
}

/// One thing looked at.
#[derive(Debug, Serialize)]
struct Finding {
    name: String,
    state: State,
    text: String,
    hints: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It is there.
    Good,
    /// Some verbs do without it.
    Look,
    /// Something that is needed is missing or refused.
    Bad,
}

impl Finding {
    fn new(name: &str, state: State, text: impl Into<String>) -> Self {
        Self { name: name.to_owned(), state, text: text.into(), hints: Vec::new() }
    }

    fn good(name: &str, text: impl Into<String>) -> Self {
        Self::new(name, State::Good, text)
    }

    fn hint(mut self, hint: &str) -> Self {
        self.hints.push(hint.to_owned());
        self
    }

    /// A failure with its causes on one line.
    fn failed(name: &str, state: State, failure: &dyn Failure) -> Self {
        let causes = std::iter::successors(failure.source(), |cause| (*cause).source());
        let texts: Vec<_> =
            std::iter::once(failure.to_string()).chain(causes.map(ToString::to_string)).collect();
        Self { hints: failure.hints(), ..Self::new(name, state, texts.join(": ")) }
    }
}

/// Looks at everything, in the order in which verbs come to need it.
pub(super) async fn run(args: &Args, call: &Call) -> Result<Exit, Stop> {
    let mut findings = Vec::new();
    let settled = match call.settled(&[]).await {
        Ok(settled) => settled,
        Err(Stop::Failed(failure)) => {
            tell(call, &[Finding::failed("settings", State::Bad, &*failure)])?;
            return Ok(failure.exit());
        }
        Err(quiet) => return Err(quiet),
    };
    findings.push(repository(call, &settled));
    findings.push(settings(&settled));
    findings.push(sandbox(call).await);
    findings.extend(tokens(call, &settled, args).await);
    findings.push(the_hub(&settled));
    for role in ROLES {
        findings.push(profile(call, &settled, role, args).await);
    }
    findings.push(the_warehouse(&settled));
    findings.extend(hook(&settled).await);
    tell(call, &findings)?;
    let is_bad = findings.iter().any(|finding| finding.state == State::Bad);
    Ok(if is_bad { Exit::Unable } else { Exit::Done })
}

fn tell(call: &Call, findings: &[Finding]) -> Result<(), Stop> {
    for finding in findings {
        call.screen.result(if call.screen.json { json!(finding).to_string() } else { line(finding) })?;
    }
    Ok(())
}

fn line(finding: &Finding) -> String {
    let mark = match finding.state {
        State::Good => styled(GOOD, "good"),
        State::Look => styled(LOOK, "look"),
        State::Bad => styled(BAD, "bad "),
    };
    let head = format!("{mark} {:<11} {}", finding.name, finding.text);
    let hints = finding.hints.iter().map(|hint| styled(DIM, format!("                 {hint}")));
    std::iter::once(head).chain(hints).collect::<Vec<_>>().join("\n")
}

fn repository(call: &Call, settled: &Settled) -> Finding {
    match &settled.repo {
        Some(repo) => Finding::good("git", repo.root().display().to_string()),
        None => {
            Finding::new("git", State::Look, format!("{} is not in a git repository", call.dir.display()))
                .hint("plan, build and review need one; sync and query do not")
        }
    }
}

fn settings(settled: &Settled) -> Finding {
    let files: Vec<_> = settled.loaded.files.iter().map(|path| path.display().to_string()).collect();
    if files.is_empty() {
        return Finding::good("settings", "defaults; no file")
            .hint("`planwright init` writes planwright.toml");
    }
    Finding::good("settings", files.join(", "))
}

async fn sandbox(call: &Call) -> Finding {
    let sandbox = Sandbox::new(call.executable.clone(), call.environment.all());
    match sandbox.protections().await {
        Ok(protections) => {
            let text = protections.to_string();
            let state = if text.starts_with("complete") { State::Good } else { State::Look };
            Finding::new("sandbox", state, text)
        }
        Err(error) => Finding::failed("sandbox", State::Bad, &error),
    }
}

/// The person's token, then those that share the reading.
async fn tokens(call: &Call, settled: &Settled, args: &Args) -> Vec<Finding> {
    let (first, owner) = token(call, settled, args).await;
    let (mut findings, mut owners) = (vec![first], Vec::from_iter(owner));
    if let Some(app) = settled.loaded.credentials.app() {
        findings.push(the_app(call, settled, (app, args)).await);
    }
    for source in settled.loaded.credentials.more() {
        let (finding, owner) = further(call, settled, (source, args), &owners).await;
        findings.push(finding);
        owners.extend(owner);
    }
    findings
}

/// The GitHub App, and whether it gets a token where it is installed.
async fn the_app(call: &Call, settled: &Settled, (app, args): (&App, &Args)) -> Finding {
    let (name, cancel) = ("github app", CancellationToken::new());
    let (id, source) = (&app.id, &app.key);
    if args.offline {
        return Finding::good(name, format!("{id} (key from {source}), not asked"));
    }
    let owner = RepoChoice::owner(&settled.loaded.settings.sync.repos);
    let asked = async {
        let installation = installation(call, settled, (app, owner), &cancel).await?;
        let number = installation.id();
        let at = (call.http()?.into(), settled.loaded.settings.tracker.url.as_str());
        let identity = Identity::App(Box::new(installation));
        let client = github::Client::of(at, identity, call.clock.clone(), Governor::off())?;
        client.page("/user/repos", &[], Terms::default()).await?;
        Ok::<_, Stop>(number)
    };
    match asked.await {
        Ok(number) => Finding::good(name, format!("{id}, installation {number} (key from {source})")),
        Err(Stop::Failed(failure)) => Finding::failed(name, State::Bad, &*failure),
        Err(Stop::Quiet) => Finding::new(name, State::Bad, "not asked"),
    }
}

/// One of the further tokens, and whose it is. GitHub counts by user: another one of the same user adds
/// nothing.
async fn further(
    call: &Call,
    settled: &Settled,
    (source, args): (&Source, &Args),
    owners: &[String],
) -> (Finding, Option<String>) {
    let cancel = CancellationToken::new();
    let token = match settled.loaded.credentials.named(source, &cancel).await {
        Ok(token) => token,
        Err(error) => return (Finding::failed("github too", State::Bad, &error), None),
    };
    if args.offline {
        return (Finding::good("github too", format!("a token from {source}, not asked")), None);
    }
    match owner(call, settled, ("github too", token)).await {
        Ok(login) if owners.contains(&login) => {
            let text = format!("{login} again (token from {source}): GitHub counts the two as one");
            (Finding::new("github too", State::Look, text).hint("name tokens of different users"), None)
        }
        Ok(login) => (Finding::good("github too", format!("as {login} (token from {source})")), Some(login)),
        Err(finding) => (finding, None),
    }
}

/// Whose a token is, as GitHub says, or what is told instead under `name`.
async fn owner(call: &Call, settled: &Settled, (name, token): (&str, Secret)) -> Result<String, Finding> {
    let api = GithubApi { url: settled.loaded.settings.tracker.url.clone(), token };
    let http = call.http().map_err(|error| Finding::failed(name, State::Bad, &error))?;
    let viewer = async { github::Client::new(http, &api, call.clock.clone())?.viewer().await };
    let viewer = viewer.await.map_err(|error| Finding::failed(name, State::Bad, &error))?;
    Ok(viewer.login)
}

async fn token(call: &Call, settled: &Settled, args: &Args) -> (Finding, Option<String>) {
    let credentials = &settled.loaded.credentials;
    let tracker = &settled.loaded.settings.tracker;
    let token = match credentials.token(&CancellationToken::new()).await {
        Ok(Some(token)) => token,
        Ok(None) => {
            let text = match credentials.github() {
                _ if credentials.app().is_some() => "no token: the GitHub App alone signs in",
                Source::Gh { .. } => "no token: gh is not signed in; issues live on the embedded hub",
                _ => "no token; issues live on the embedded hub",
            };
            let finding = Finding::good("github", text);
            return (finding.hint("`gh auth login` or GITHUB_TOKEN leads to github.com"), None);
        }
        Err(error) => return (Finding::failed("github", State::Bad, &error), None),
    };
    let source = credentials.github();
    if args.offline {
        let text = format!("{} with a token from {source}, not asked", tracker.url);
        return (Finding::good("github", text), None);
    }
    match owner(call, settled, ("github", token)).await {
        Ok(login) => {
            let text = format!("{} as {login} (token from {source})", tracker.url);
            (Finding::good("github", text), Some(login))
        }
        Err(finding) => (finding, None),
    }
}

fn the_hub(settled: &Settled) -> Finding {
    let folder = settled.loaded.settings.places.state.join("hub");
    match hub::running(&folder) {
        Ok(Some(api)) => Finding::good("hub", format!("served at {}", api.url)),
        Ok(None) if folder.exists() => {
            Finding::good("hub", format!("not served now; kept in {}", folder.display()))
        }
        Ok(None) => Finding::good("hub", "not used here yet"),
        Err(error) => Finding::failed("hub", State::Bad, &error),
    }
}

async fn profile(call: &Call, settled: &Settled, role: Role, args: &Args) -> Finding {
    let (settings, credentials) = (&settled.loaded.settings, &settled.loaded.credentials);
    let wanted = profile_of(settings, role);
    let source = credentials.of(role);
    let filled = match credentials.fill(wanted, &CancellationToken::new()).await {
        Ok(filled) => filled,
        Err(error) => return Finding::failed(role.name(), State::Bad, &error),
    };
    let http = match call.http() {
        Ok(http) => http,
        Err(error) => return Finding::failed(role.name(), State::Bad, &error),
    };
    let client = match model::Client::new(&filled, &settings.models, http, call.clock.clone()) {
        Ok(client) => client,
        Err(error) => return Finding::failed(role.name(), State::Bad, &error),
    };
    let key = if *source == Source::None { "no key".to_owned() } else { format!("key from {source}") };
    let text = format!("{} at {} ({key})", client.model(), client.base_url());
    if args.offline {
        return Finding::good(role.name(), format!("{text}, not asked"));
    }
    match client.facts().await {
        Ok(_) if client.prices().is_none() => {
            let hint = format!("tell its prices under [models.\"{}\"]", client.model());
            Finding::new(role.name(), State::Look, format!("{text}; its prices are unknown")).hint(&hint)
        }
        Ok(_) => Finding::good(role.name(), text),
        Err(error) => Finding::failed(role.name(), State::Bad, &error),
    }
}

fn the_warehouse(settled: &Settled) -> Finding {
    let settings = &settled.loaded.settings;
    let place = match Place::of(&settings.places) {
        Ok(place) => place,
        Err(error) => return Finding::failed("warehouse", State::Bad, &error),
    };
    if place.is_missing() {
        return Finding::good("warehouse", format!("not filled yet: {place}")).hint("planwright sync");
    }
    let options = warehouse::Options {
        mode: warehouse::Mode::ReadOnly,
        ..warehouse::Options::confined(&settings.sync.memory_limit, settings.sync.threads)
    };
    match Warehouse::open(place.clone(), &options) {
        Ok(_) => Finding::good("warehouse", place.to_string()),
        Err(error) => Finding::failed("warehouse", State::Bad, &error),
    }
}

async fn hook(settled: &Settled) -> Option<Finding> {
    let repo = settled.repo.as_ref()?;
    let folder = repo.hooks_dir().await.ok()?;
    Some(match review::hook::is_installed(&folder) {
        Ok(true) => Finding::good("hook", "every commit is reviewed first"),
        Ok(false) => Finding::good("hook", "not installed").hint("planwright review hook install"),
        Err(error) => Finding::failed("hook", State::Look, &error),
    })
}
