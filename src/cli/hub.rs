//! `hub serve`: the embedded GitHub for other tools, until it is interrupted.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Subcommand;

use super::error::Stop;
use super::session::{self, Call};
use crate::artifact::RepoName;
use crate::error::Exit;
use crate::hub;

const EXAMPLES: &str = "\
Examples:
  planwright hub serve                     the hub of this repository
  planwright hub serve --repo ada/hello    with a repository made in it
  eval \"$(planwright hub serve --quiet &)\"  let gh and others find it";

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
}

/// Serves until interrupted.
pub(super) async fn run(args: &Args, call: &Call) -> Result<Exit, Stop> {
    let Verb::Serve(serve) = &args.verb;
    session::within(call, "hub", &[], async |session| {
        let state = &session.settled.loaded.settings.places.state;
        let running = hub::start(hub::Options {
            folder: serve.folder.as_ref().map_or_else(|| state.join("hub"), |folder| call.dir.join(folder)),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, serve.port)),
            login: "you".to_owned(),
            clock: call.clock.clone(),
            faults: hub::Faults::default(),
        })
        .await?;
        for repo in &serve.repo {
            running.ensure_repo(repo)?;
        }
        // The token lets in to this hub only, on this machine only; showing it is what the verb is for.
        let token = running.token();
        call.screen.result(format!(
            "export GITHUB_API_URL={}\nexport GITHUB_TOKEN={}",
            running.url(),
            token.expose()
        ))?;
        session.run.events.stage("serving", format!("{}; interrupt to stop", running.url()));
        session.run.cancel.cancelled().await;
        running.stop().await;
        Ok(Exit::Done)
    })
    .await
}
