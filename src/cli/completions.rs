//! `completions`: a script for the person's shell.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::args::Cli;
use super::error::Stop;
use super::screen::Screen;
use crate::error::Exit;

const EXAMPLES: &str = "\
Examples:
  planwright completions bash > ~/.local/share/bash-completion/completions/planwright
  planwright completions fish > ~/.config/fish/completions/planwright.fish";

/// Print completions for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

/// Prints the script.
pub(super) fn run(args: &Args, screen: Screen) -> Result<Exit, Stop> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "planwright", &mut script);
    screen.result(String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}
