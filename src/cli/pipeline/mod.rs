//! `pipeline`: begin one, look whether it is right, build its models, and see what is in it.

mod build;
mod check;
mod docs;
mod graph;
mod new;

use clap::Subcommand;

use super::error::Stop;
use super::session::Call;
use crate::error::Exit;
use crate::pipeline::{Folder, spec};

const EXAMPLES: &str = "\
Examples:
  planwright pipeline new shop --from https://api.example.com/v1
  planwright pipeline check shop
  planwright pipeline build shop --changed   the models that you wrote, on what is in the warehouse
  planwright pipeline graph shop --format mermaid
  planwright pipeline docs shop --out shop.md
  planwright pipeline schema > pipelines/pipeline.schema.json

With the schema written there, an editor completes and checks pipeline.toml
whose first line is: #:schema ../pipeline.schema.json";

/// Write, check and show pipelines
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    New(new::Args),
    Check(check::Args),
    Build(build::Args),
    Graph(graph::Args),
    Docs(docs::Args),
    Schema(Schema),
}

/// Print the JSON Schema of pipeline.toml, for editors
#[derive(Debug, clap::Args)]
struct Schema {
    /// That of the files under resources/ instead
    #[arg(long)]
    part: bool,
}

/// Runs the verb.
pub(super) async fn run(args: &Args, call: &Call) -> Result<Exit, Stop> {
    match &args.verb {
        Verb::New(args) => new::run(args, call).await,
        Verb::Check(args) => check::run(args, call).await,
        Verb::Build(args) => build::run(args, call).await,
        Verb::Graph(args) => graph::run(args, call).await,
        Verb::Docs(args) => docs::run(args, call).await,
        Verb::Schema(args) => {
            let schema = if args.part { spec::part_schema() } else { spec::schema() };
            call.screen.result(format!("{schema:#}"))?;
            Ok(Exit::Done)
        }
    }
}

/// The pipeline of this name, or the one that `sync` would run.
async fn folder(name: Option<&String>, call: &Call) -> Result<Folder, Stop> {
    let settled = call.settled(&[]).await?;
    let settings = &settled.loaded.settings;
    let name = name.unwrap_or(&settings.sync.pipeline);
    Ok(Folder::find(name, settings.places.pipelines.as_deref())?)
}
