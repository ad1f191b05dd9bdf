//! The sockets of the hub: listens, lets in who has the token, and puts answers into HTTP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use tokio::net::TcpListener;

use super::answer::Reply;
use super::content::Content;
use super::exchange::{self, Exchange};
use super::faults::What;
use super::graphql::Place;
use super::journal::{Journal, private};
use super::meter::{Meter, Served};
use super::received;
use super::refusal::Refusal;
use super::request::Request;
use super::state::Change;
use super::store::Store;
use super::wire::{Cut, Door};
use super::{Error, Faults, Options, Show};
use crate::artifact::{CommitId, IssueNumber, RepoName};
use crate::clock::Clock;
use crate::config::Secret;
use crate::config::settings::GithubApi;
use crate::fs;

/// Bytes of a request's body that are read.
const BODY: usize = 4 << 20;

/// The token of every sample account: there is nothing to guard, and scripts can know it.
const SAMPLE_TOKEN: &str = "hub_sample";

/// There was no last time.
const LAST_UNKNOWN: Option<&str> = None;

/// What every request shares.
#[derive(Debug)]
pub(super) struct Hub {
    content: Content,
    meter: Mutex<Meter>,
    /// The budget of GraphQL, which is another.
    points: Mutex<Meter>,
    stopped: AtomicBool,
    latency: Duration,
    pub(super) clock: Clock,
    pub(super) faults: Faults,
    pub(super) url: String,
    pub(super) token: Secret,
}

impl Hub {
    pub(super) fn meter(&self) -> MutexGuard<'_, Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn points(&self) -> MutexGuard<'_, Meter> {
        self.points.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a node id leads.
    pub(super) fn place(&self, node: &str) -> Option<Place> {
        self.content.place(node)
    }

    /// Answers a request that was let in.
    pub(super) fn reply(&self, request: &Request) -> Result<Reply, Refusal> {
        self.content.reply(&self.url, request)
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Lets go of the journal and its lock; connections that are still open get nothing more.
    fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.content.stop();
    }
}

/// A hub that runs. Dropping it stops it.
#[derive(Debug)]
pub struct Running {
    hub: Arc<Hub>,
    serving: tokio::task::JoinHandle<()>,
}

impl Running {
    /// The base of its API, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.hub.url
    }

    /// The token that it lets in. The same at every start on the same folder.
    pub fn token(&self) -> Secret {
        self.hub.token.clone()
    }

    /// Address and token together, as a client takes them.
    pub fn api(&self) -> GithubApi {
        GithubApi { url: self.hub.url.clone(), token: self.token() }
    }

    /// What it answered so far.
    pub fn served(&self) -> Served {
        self.hub.meter().served().and(self.hub.points().served())
    }

    /// Makes a repository unless it exists.
    pub fn ensure_repo(&self, repo: &RepoName) -> Result<(), Error> {
        self.hub.content.change(|store| store.ensure_repo(repo)).map_err(refused)
    }

    /// Tells the hub that commits reached the default branch. Closes the open issues that their
    /// messages name (`Closes #34`) and tells which; being told twice does nothing.
    pub fn received(
        &self,
        repo: &RepoName,
        commits: &[(CommitId, String)],
    ) -> Result<Vec<IssueNumber>, Error> {
        let messages: Vec<&str> = commits.iter().map(|(_, message)| message.as_str()).collect();
        self.hub.content.change(|store| received::receive(store, repo, &messages)).map_err(refused)
    }

    /// Stops: the port and the folder are free when this returns.
    pub async fn stop(mut self) {
        self.serving.abort();
        if let Err(error) = (&mut self.serving).await
            && !error.is_cancelled()
        {
            tracing::error!(%error, "the hub's server had failed");
        }
        self.hub.stop();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.serving.abort();
        self.hub.stop();
    }
}

fn refused(refusal: Refusal) -> Error {
    Error::Refused { message: refusal.message }
}

/// The address and the token of the hub in a folder, as the process that serves it left them.
pub fn running(folder: &Path) -> Result<Option<GithubApi>, Error> {
    if fs::try_lock(&folder.join("lock"))?.is_some() {
        return Ok(None);
    }
    let url = fs::read_text_if_exists(&folder.join("address"))?;
    let token = fs::read_text_if_exists(&folder.join("token"))?;
    let api = |(url, token): (String, String)| GithubApi { url, token: Secret::new(token) };
    Ok(url.zip(token).map(api))
}

/// Starts a hub. Must be called inside a tokio runtime.
pub async fn start(options: Options) -> Result<Running, Error> {
    let folder = &options.folder;
    let address_file = folder.join("address");
    let last = fs::read_text_if_exists(&address_file)?;
    let Some(lock) = fs::try_lock(&folder.join("lock"))? else {
        return Err(Error::InUse { folder: folder.clone(), address: last });
    };
    let (journal, mut state) = Journal::open(folder, lock)?;
    let clock = options.clock;
    state.choose_block(fastrand::u64(..));
    let mut store = Store { state, journal: Some(journal), login: options.login, clock: clock.clone() };
    let person: Vec<Change> = store.users(&[&store.login], 0);
    store.commit(&person).map_err(refused)?;
    let token = token(folder)?;
    let (listener, url) = listen(options.address, last.as_deref()).await?;
    fs::write(&address_file, url.as_bytes())?;
    let hub = Hub {
        content: Content::Kept(Box::new(Mutex::new(store))),
        meter: Mutex::default(),
        points: Mutex::default(),
        stopped: AtomicBool::default(),
        latency: Duration::ZERO,
        clock,
        faults: options.faults,
        url,
        token,
    };
    Ok(serve(listener, hub))
}

/// Shows a sample account. Must be called inside a tokio runtime.
pub async fn show(options: Show) -> Result<Running, Error> {
    let Show { account, address, latency, clock, faults } = options;
    let (listener, url) = listen(address, LAST_UNKNOWN).await?;
    let hub = Hub {
        content: Content::Sample(account),
        meter: Mutex::default(),
        points: Mutex::default(),
        stopped: AtomicBool::default(),
        latency,
        clock,
        faults,
        url,
        token: Secret::new(SAMPLE_TOKEN.to_owned()),
    };
    Ok(serve(listener, hub))
}

fn serve(listener: TcpListener, hub: Hub) -> Running {
    let hub = Arc::new(hub);
    let app = Router::new().fallback(handle).with_state(Arc::clone(&hub));
    let serving = tokio::spawn(async move {
        let service = app.into_make_service_with_connect_info::<Cut>();
        if let Err(error) = axum::serve(Door(listener), service).await {
            tracing::error!(%error, "the hub's server failed");
        }
    });
    Running { hub, serving }
}

/// Listens on the address; where any port will do, on the port of the last time if it is free, so that links stay good.
/// Tells the URL too.
async fn listen(address: SocketAddr, last: Option<&str>) -> Result<(TcpListener, String), Error> {
    let failed = |source| Error::Listen { address, source };
    let port = last.and_then(|url| url.trim().rsplit(':').next()?.parse().ok()).unwrap_or(0);
    if address.port() == 0
        && port != 0
        && let Ok(listener) = TcpListener::bind(SocketAddr::new(address.ip(), port)).await
    {
        let url = url(&listener).map_err(failed)?;
        return Ok((listener, url));
    }
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let url = url(&listener).map_err(failed)?;
    Ok((listener, url))
}

fn url(listener: &TcpListener) -> std::io::Result<String> {
    Ok(format!("http://{}", reachable(listener.local_addr()?)))
}

/// The address that a client on this machine uses.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        return SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port());
    }
    address
}

/// The folder's token; made once, readable by its owner only.
fn token(folder: &Path) -> Result<Secret, Error> {
    let path = folder.join("token");
    if let Some(token) = fs::read_text_if_exists(&path)?.filter(|token| !token.is_empty()) {
        return Ok(Secret::new(token));
    }
    private(&path)?;
    let token = format!("hub_{}", Secret::random().expose());
    fs::write(&path, token.as_bytes())?;
    Ok(Secret::new(token))
}

async fn handle(
    State(hub): State<Arc<Hub>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: axum::extract::Request,
) -> Response {
    let (head, body) = request.into_parts();
    let fault = hub.faults.strike(head.method.as_str(), head.uri.path());
    if hub.is_stopped() || fault == Some(What::CutBefore) {
        cut.now();
        return Response::default();
    }
    if let Some(What::Answer(status, headers, message)) = &fault {
        return exchange::made_up(*status, headers, message);
    }
    if fault == Some(What::Moved) {
        return exchange::moved(&head.uri);
    }
    let Ok(body) = axum::body::to_bytes(body, BODY).await else {
        return exchange::made_up(413, &[], "Payload too large");
    };
    if !hub.latency.is_zero() {
        hub.clock.sleep(hub.latency).await;
    }
    let is_read = matches!(head.method, http::Method::GET | http::Method::HEAD);
    let exchange = Exchange::new(Arc::clone(&hub), &head, &body);
    let response = if is_read { exchange.answer() } else { answer_blocking(exchange).await };
    match fault {
        Some(What::CutAfter) => {
            cut.now();
            response
        }
        Some(What::Hold) => match hub.faults.hold().await {},
        Some(What::Torn) => exchange::torn(response).await,
        Some(What::Lacks(kind)) => exchange::lacking(response, kind).await,
        Some(What::AnswerAfter(status)) => exchange::made_up(status, &[], "Server Error"),
        _ => response,
    }
}

/// Writes wait for the disk, so they leave the runtime's thread alone.
async fn answer_blocking(exchange: Exchange) -> Response {
    match tokio::task::spawn_blocking(move || exchange.answer()).await {
        Ok(response) => response,
        Err(error) => exchange::made_up(500, &[], &error.to_string()),
    }
}
