//! `hub serve`: the embedded GitHub for other tools, until it is interrupted.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Subcommand;

use super::error::Stop;
use super::session::{self, Call};
use crate::artifact::RepoName;
use crate::error::Exit;
use crate::hub::{self, sample};

const EXAMPLES: &str = "\
Examples:
  planwright hub serve                     the hub of this repository
  planwright hub serve --repo ada/hello    with a repository made in it
  eval \"$(planwright hub serve --quiet &)\"  let gh and others find it
  planwright hub serve --sample repos=50,issues=20000 --latency 30ms
                                           a made-up account to try sync on

Parts of --sample and their defaults: repos=4, issues=6000, comments=25000,
pulls=30% of the issues, changed=0. The same sizes are the same account. Served
again on the same port with changed=1% it is that account on the next day.";

/// The embedded GitHub, for other tools
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve it on loopback until interrupted; prints the variables that lead to it
    #[command(after_help = EXAMPLES)]
    Serve(Serve),
}

#[derive(Debug, clap::Args)]
struct Serve {
    /// Listen on this port of 127.0.0.1; the port of the last time if not given
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// Keep its state in this folder instead of this repository's
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Make this repository in it; may be given more than once
    #[arg(long, value_name = "OWNER/NAME")]
    repo: Vec<RepoName>,
    /// Serve a made-up account of this size instead, to read only
    #[arg(long, value_name = "SIZES", num_args = 0..=1, default_missing_value = "")]
    #[arg(conflicts_with_all = ["folder", "repo"])]
    sample: Option<sample::Account>,
    /// Let every answer take this long: 30ms, 1s
    #[arg(long, value_name = "TIME", value_parser = latency, requires = "sample", default_value = "0ms")]
    #[arg(hide_default_value = true)]
    latency: Duration,
}

/// A short time in whole milliseconds or seconds.
fn latency(text: &str) -> Result<Duration, String> {
    let (number, unit): (_, fn(u64) -> Duration) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => (number, Duration::from_millis),
        (None, Some(number)) => (number, Duration::from_secs),
        (None, None) => return Err("expected a time like 30ms or 1s".to_owned()),
    };
    number.parse().map(unit).map_err(|error| format!("expected a time like 30ms or 1s: {error}"))
}

impl Serve {
    /// Starts what is to be served.
    async fn start(&self, call: &Call, state: &Path) -> Result<hub::Running, hub::Error> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let (clock, faults) = (call.clock.clone(), hub::Faults::default());
        if let Some(account) = self.sample {
            return hub::show(hub::Show { account, address, latency: self.latency, clock, faults }).await;
        }
        let folder = self.folder.as_ref().map_or_else(|| state.join("hub"), |folder| call.dir.join(folder));
        let login = "you".to_owned();
        let running = hub::start(hub::Options { folder, address, login, clock, faults }).await?;
        for repo in &self.repo {
            running.ensure_repo(repo)?;
        }
        Ok(running)
    }
}

/// Serves until interrupted.
pub(super) async fn run(args: &Args, call: &Call) -> Result<Exit, Stop> {
    let Verb::Serve(serve) = &args.verb;
    session::within(call, "hub", &[], async |session| {
        let state = &session.settled.loaded.settings.places.state;
        let running = serve.start(call, state).await?;
        // The token lets in to this hub only, on this machine only; showing it is what the verb is for.
        let token = running.token();
        call.screen.result(format!(
            "export GITHUB_API_URL={}\nexport GITHUB_TOKEN={}",
            running.url(),
            token.expose()
        ))?;
        session.run.events.stage("serving", format!("{}; interrupt to stop", running.url()));
        session.run.cancel.cancelled().await;
        let hub::Served { requests, counted } = running.served();
        session.run.events.stage("served", format!("{requests} requests, {counted} of them counted"));
        running.stop().await;
        Ok(Exit::Done)
    })
    .await
}
