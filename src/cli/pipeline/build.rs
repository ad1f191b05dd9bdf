//! `pipeline build`: models and data tests on what the warehouse holds, for people who write models.

use super::super::error::Stop;
use super::super::render::time;
use super::super::session::{self, Call};
use crate::clock::Stopwatch;
use crate::error::Exit;
use crate::pipeline::Folder;
use crate::pipeline::models::{Extent, Increments, Which};
use crate::pipeline::warehouse::Place;
use crate::sync::{Rebuild, rebuild};

/// Build its models in the warehouse and run its data tests, without asking the source anything
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The pipeline; the one that `sync` runs if none is named
    name: Option<String>,
    /// Only models that changed, or that read what changed
    #[arg(long)]
    changed: bool,
    /// Make incremental models anew from their whole SQL
    #[arg(long)]
    full: bool,
}

/// Builds.
pub(super) async fn run(args: &Args, call: &Call) -> Result<Exit, Stop> {
    session::within(call, "models", &[], async |session| {
        let settings = &session.settled.loaded.settings;
        let name = args.name.as_ref().unwrap_or(&settings.sync.pipeline);
        let folder = Folder::find(name, settings.places.pipelines.as_deref())?;
        let place = &Place::of(&settings.places)?;
        let options = Rebuild {
            folder: &folder,
            warehouse: place,
            settings: &settings.sync,
            extent: Extent {
                which: if args.changed { Which::Changed } else { Which::All },
                increments: if args.full { Increments::Anew } else { Increments::Added },
            },
        };
        let watch = Stopwatch::start();
        let report = rebuild(&session.run, &options).await?;
        let took = time(watch.millis());
        let screen = session.caught_up().await;
        screen.mention(match report.models.len() {
            0 => "every model stands as it was built".to_owned(),
            built => format!("{built} models built in {took}"),
        });
        Ok(report.exit())
    })
    .await
}
