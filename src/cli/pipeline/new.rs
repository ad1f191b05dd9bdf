//! `pipeline new`: a pipeline that is right and green at once, to be changed into one's own.

use super::super::error::{Error, Stop};
use super::super::session::Call;
use crate::error::Exit;
use crate::pipeline::{Spec, spec};

/// The files of a pipeline for GitHub, and those of one for another API: paths and texts.
const GITHUB: [(&str, &str); 4] = [
    ("pipeline.toml", include_str!("template/github.toml")),
    ("models/repos_by_language.sql", include_str!("template/repos_by_language.sql")),
    ("tests/repos.toml", include_str!("template/repos_tests.toml")),
    ("cassettes/example.jsonl", include_str!("template/repos.jsonl")),
];
const REST: [(&str, &str); 4] = [
    ("pipeline.toml", include_str!("template/rest.toml")),
    ("models/items_by_status.sql", include_str!("template/items_by_status.sql")),
    ("tests/items.toml", include_str!("template/items_tests.toml")),
    ("cassettes/example.jsonl", include_str!("template/items.jsonl")),
];

/// What stands in the templates for the API's address.
const BASE: &str = "https://api.example.com/v1";

/// Write a new pipeline that passes its tests, to be made your own
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Its name, which is its folder's under pipelines/
    name: String,
    /// What it reads from: github, or the address of a REST API
    #[arg(long, value_name = "SOURCE", default_value = "github")]
    from: String,
}

/// Writes the files.
pub(super) async fn run(args: &Args, call: &Call) -> Result<Exit, Stop> {
    let name = &args.name;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(fits) {
        return Err(Error::PipelineName { name: name.clone() }.into());
    }
    let settled = call.settled(&[]).await?;
    let folder = settled.require_repo(&call.dir)?.root().join("pipelines").join(name);
    if folder.exists() {
        return Err(Error::PipelineExists { path: folder }.into());
    }
    let templates = if args.from == "github" { GITHUB } else { REST };
    let base = args.from.trim_end_matches('/');
    let files = templates.map(|(path, text)| (path, text.replace(BASE, base).replace("NAME", name)));
    let [(path, text), ..] = &files;
    // An address that cannot be one is told before anything is written.
    Spec::parse(name, text).map_err(|problem| spec::Error::Unreadable {
        place: folder.join(path).display().to_string(),
        problem,
    })?;
    for (path, text) in &files {
        crate::fs::write(&folder.join(path), text.as_bytes())?;
        call.screen.mention(format!("wrote {}", folder.join(path).display()));
    }
    call.screen.mention("next:");
    for next in [
        format!("planwright test {name}             it is green: nothing was asked of any network"),
        format!("planwright pipeline check {name}   after each change"),
        format!("planwright sync --pipeline {name}  read it for real"),
    ] {
        call.screen.mention(format!("  {next}"));
    }
    Ok(Exit::Done)
}
