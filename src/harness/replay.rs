//! Replaying a cassette as a pipeline's source: the client of its server, with a cassette under it.
//!
//! Retries, waits, redirects, limits and pacing are the client's own, on a clock that jumps ahead
//! instead of waiting. Nothing here has a socket.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::artifact::Events;
use crate::artifact::evidence::Attempt;
use crate::clock::Clock;
use crate::config::Secret;
use crate::config::settings::GithubApi;
use crate::github::{self, Client, Governor};
use crate::net::Transport;
use crate::net::cassette::{Asked, Cassette, Player, Strike};
use crate::pipeline::source::{Page, PageRequest, Source, SourceError};
use crate::pipeline::spec::Rest;
use crate::source::{Github, rest};

/// The host that a pipeline's unanswered requests would have gone to.
pub(crate) const HOST: &str = "api.github.com";

/// What stands for a credential; where the query carries it, on cassettes too.
pub(super) const CREDENTIAL: &str = "cassette";

/// A cassette that is being replayed.
#[derive(Debug)]
pub struct Replay {
    server: Server,
    player: Player,
    events: Events,
    clock: Clock,
    /// Which resource asked for a path first.
    asked: Mutex<HashMap<String, String>>,
}

/// The client of whoever recorded it.
#[derive(Debug)]
enum Server {
    Github(Client),
    Rest(rest::Client),
}

impl Replay {
    /// Begins at the cassette's start and at its time. Must be called inside a tokio runtime.
    pub fn new(cassette: &Cassette) -> Result<Self, github::Error> {
        Self::disturbed(cassette, Vec::new())
    }

    /// The same, with faults on the way.
    pub fn disturbed(cassette: &Cassette, strikes: Vec<Strike>) -> Result<Self, github::Error> {
        let (clock, player) = played(cassette, strikes);
        // Nobody is asked who the token belongs to: the cassette answers whoever asks.
        let api = GithubApi { url: format!("https://{HOST}"), token: credential() };
        let governor = Governor::alone(clock.clone());
        let transport = Transport::Played(player.clone());
        let client = Client::governed(transport, &api, clock.clone(), governor)?;
        Ok(Self::of(Server::Github(client), player, clock))
    }

    /// Of an API other than GitHub, with faults on the way.
    pub fn of_rest(rest: &Rest, cassette: &Cassette, strikes: Vec<Strike>) -> Result<Self, rest::Error> {
        let base = url::Url::parse(&rest.base);
        let cassette = cassette.clone().below(base.as_ref().map_or("", |base| base.path()));
        let (clock, player) = played(&cassette, strikes);
        let transport = Transport::Played(player.clone());
        let client = rest::Client::new(transport, rest, Some(credential()), clock.clone())?;
        Ok(Self::of(Server::Rest(client), player, clock))
    }

    fn of(server: Server, player: Player, clock: Clock) -> Self {
        Self { server, player, events: Events::none(), clock, asked: Mutex::default() }
    }

    /// The clock that jumps, for whatever runs beside.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Every request that was asked, by what it is known on cassettes.
    pub fn requests(&self) -> Vec<String> {
        self.player.asked().into_iter().map(|asked| asked.request).collect()
    }

    /// Whether the fault of this number met a request.
    pub fn struck(&self, number: usize) -> bool {
        self.player.struck(number)
    }

    /// Every request that no line answered.
    pub fn attempts(&self) -> Vec<Attempt> {
        let refused = self.player.asked().into_iter().filter(|asked| !asked.answered);
        refused.map(|asked| self.attempt(asked)).collect()
    }

    /// Keeps which resource asked.
    fn remember(&self, request: &PageRequest) {
        let target = request.target.to_string();
        let base = match &self.server {
            Server::Github(client) => client.base(),
            Server::Rest(client) => client.base(),
        };
        let target = target.strip_prefix(base).unwrap_or(&target);
        let path = path(&format!("GET {target}")).to_owned();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.entry(path).or_insert_with(|| request.resource.clone());
    }

    fn attempt(&self, Asked { request, host, .. }: Asked) -> Attempt {
        let known = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let by = match known.get(path(&request)) {
            Some(resource) => format!("resource `{resource}`: {request}"),
            None => request,
        };
        Attempt { host, port: Some(443), by }
    }
}

/// A cassette that plays, and its clock.
fn played(cassette: &Cassette, strikes: Vec<Strike>) -> (Clock, Player) {
    let clock = Clock::starting_at(cassette.begins());
    let player = Player::new(cassette.clone(), strikes, clock.clone());
    (clock, player)
}

/// Where one must be, though nobody looks at it.
fn credential() -> Secret {
    Secret::new(CREDENTIAL.to_owned())
}

/// The path of a request, which all spellings of its query share.
fn path(request: &str) -> &str {
    let target = request.split(' ').nth(1).unwrap_or(request);
    target.split('?').next().unwrap_or(target)
}

impl Source for Replay {
    async fn page(&self, request: &PageRequest) -> Result<Page, SourceError> {
        self.remember(request);
        match &self.server {
            Server::Github(client) => Github::new(client, &self.events).page(request).await,
            Server::Rest(client) => client.page(request).await,
        }
    }
}
