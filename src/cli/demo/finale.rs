//! The last screen: what it came to, and where everything lies.

use super::stage::Stage;
use crate::cli::error::Stop;
use crate::cli::runs;
use crate::cli::screen::{self, Screen, styled};
use crate::clock::Stopwatch;
use crate::ledger::{self, Ledger};

/// Shows commit, tokens, money and time per role, and places.
pub(super) async fn show(screen: Screen, stage: &Stage, watch: Stopwatch) -> Result<(), Stop> {
    let state = stage.repo.common_dir().join("planwright");
    screen.mention(format!("\n{}", styled(screen::HEAD, "The commit, and what each role took")));
    for commit in stage.repo.log("HEAD", 1).await? {
        screen.mention(format!("commit  {} {}", commit.id.short(), subject(&commit.message)));
        for trailer in commit.message.lines().filter(|line| is_trailer(line)) {
            screen.mention(styled(screen::DIM, format!("        {trailer}")));
        }
    }
    let entries = Ledger::open(&state).entries()?;
    screen.mention(runs::by_role(&entries));
    screen.mention(runs::took("all", "scripted counts", &ledger::sum(&entries)));
    screen.mention(format!("\n{}", styled(screen::HEAD, "Where everything lies")));
    let data = stage.folder.join("home/.local/share/planwright/warehouse.duckdb");
    for (what, place) in [
        ("repository", stage.root().to_owned()),
        ("hub, plan, verdicts, runs, ledger", state),
        ("warehouse", data),
    ] {
        screen.mention(format!("{what:<34} {}", place.display()));
    }
    screen.mention(format!("{:<34} rm -r {}", "to be rid of it", stage.folder.display()));
    let seconds = watch.elapsed().as_secs_f64();
    screen.mention(format!("\nDone in {seconds:.1} s. On your own repository: planwright init"));
    Ok(())
}

fn subject(message: &str) -> &str {
    message.lines().next().unwrap_or_default()
}

fn is_trailer(line: &str) -> bool {
    line.starts_with("Planwright-") || line.starts_with("Closes ")
}
