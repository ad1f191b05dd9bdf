//! The arguments: what every verb understands, and the verbs. Parsing only checks; it never does anything.

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

use super::{
    build, completions, demo, doctor, hub, init, pipeline, plan, profiles, query, review, runs, schema, sync,
    test,
};
use crate::config::Flag;

/// How help looks: headings bold, literals green.
const STYLES: Styles = Styles::styled()
    .header(AnsiColor::BrightWhite.on_default().bold())
    .usage(AnsiColor::BrightWhite.on_default().bold())
    .literal(AnsiColor::Green.on_default())
    .placeholder(AnsiColor::Cyan.on_default());

const EXAMPLES: &str = "\
Examples:
  planwright demo                        the whole story, without any key
  planwright init                        write planwright.toml for this project
  planwright plan \"load all our issues into DuckDB\"
  planwright plan next                   which issue is ready
  planwright build 34                    work issue 34 to a reviewed commit
  planwright review                      judge what is staged
  planwright sync                        fill the warehouse from GitHub
  planwright query \"select count(*) from issues\"

Exit status: 0 done, 1 refused, 2 usage, 3 could not, 4 partial, 70 a bug,
130 interrupted.";

/// A strong model plans, a fast model builds, the strong model reviews, and you ship.
#[derive(Debug, Parser)]
#[command(name = "planwright", version, max_term_width = 80, styles = STYLES, after_help = EXAMPLES)]
#[command(disable_help_subcommand = true, propagate_version = false, arg_required_else_help = true)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) globals: Globals,
    #[command(subcommand)]
    pub(super) verb: Verb,
}

/// What every verb understands.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Everywhere")]
pub(super) struct Globals {
    /// Run as if started in DIR
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub(super) dir: Option<PathBuf>,
    /// Tell events as JSON, one a line, on stdout
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Tell more; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Tell warnings and errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Use colours
    #[arg(long, value_name = "WHEN", global = true, default_value = "auto", hide_possible_values = true)]
    pub(super) color: Color,
    #[command(flatten)]
    pub(super) models: Models,
}

/// One run's own models and money.
#[derive(Debug, Args, Default)]
#[command(next_help_heading = "Models")]
pub(super) struct Models {
    /// Plan with this model
    #[arg(long, value_name = "MODEL", global = true)]
    planner: Option<String>,
    /// Build with this model
    #[arg(long, value_name = "MODEL", global = true)]
    implementer: Option<String>,
    /// Review with this model
    #[arg(long, value_name = "MODEL", global = true)]
    reviewer: Option<String>,
    /// Spend no more than this in one run
    #[arg(long, value_name = "USD", global = true)]
    max_cost: Option<String>,
}

/// Where issues live, for one run.
#[derive(Debug, Args, Default)]
#[group(skip)]
pub(super) struct Place {
    /// Work on the issues of this repository
    #[arg(short = 'R', long, value_name = "OWNER/NAME")]
    repo: Option<String>,
    /// Use the embedded hub, even where there is a token
    #[arg(long)]
    hub: bool,
}

impl Place {
    /// The settings that were given.
    pub(super) fn flags(&self) -> Vec<Flag> {
        let repo = self.repo.clone().map(|value| Flag { flag: "--repo", key: "github.repo", value });
        let hub = self.hub.then(|| Flag { flag: "--hub", key: "github.hub", value: "true".to_owned() });
        repo.into_iter().chain(hub).collect()
    }
}

/// When to use colours: auto, always, never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Globals {
    /// The settings that were given on the command line.
    pub(super) fn flags(&self) -> Vec<Flag> {
        let flag = |flag, key, value: &Option<String>| Some(Flag { flag, key, value: value.clone()? });
        let flags = [
            flag("--planner", "profiles.planner.model", &self.models.planner),
            flag("--implementer", "profiles.implementer.model", &self.models.implementer),
            flag("--reviewer", "profiles.reviewer.model", &self.models.reviewer),
            flag("--max-cost", "build.max_cost", &self.models.max_cost),
        ];
        flags.into_iter().flatten().collect()
    }
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    Demo(demo::Args),
    Init(init::Args),
    Plan(plan::Args),
    Build(build::Args),
    Review(review::Args),
    Sync(sync::Args),
    Query(query::Args),
    Schema(schema::Args),
    Pipeline(pipeline::Args),
    Test(test::Args),
    Hub(hub::Args),
    Profiles(profiles::Args),
    Doctor(doctor::Args),
    Runs(runs::Args),
    Completions(completions::Args),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn models_of_one_run_are_settings_with_a_flag_as_their_origin() {
        let cli =
            Cli::try_parse_from(["planwright", "runs", "--planner", "opus", "--max-cost", "2"]).unwrap();
        let flags: Vec<_> =
            cli.globals.flags().into_iter().map(|flag| (flag.flag, flag.key, flag.value)).collect();
        assert_eq!(
            flags,
            [
                ("--planner", "profiles.planner.model", "opus".to_owned()),
                ("--max-cost", "build.max_cost", "2".to_owned())
            ]
        );
    }
}
