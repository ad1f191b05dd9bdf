//! `review`: what is staged, judged before it is committed; and the hook that asks for it.

use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::error::{Error, Stop};
use super::minds::Minds;
use super::screen::{LOOK, styled};
use super::session::{self, Call, Session};
use crate::artifact::verdict::{Decision, Verdict};
use crate::config::Role;
use crate::config::settings::OnUnreviewed;
use crate::error::Exit;
use crate::git::Repo;
use crate::prompts::Prompts;
use crate::review::{self, Desk, Records, Subject, hook, sarif, tree};

const EXAMPLES: &str = "\
Examples:
  git add --patch && planwright review     judge exactly what is staged
  planwright review --format sarif > review.sarif
  planwright review hook install           before every git commit

Exit status: 0 passed, 1 blocking findings, 3 no review could be made.";

/// Judge what is staged, from first principles
///
/// The index is frozen as a tree and the verdict is bound to that tree: the same tree again is answered at once,
/// one byte more is judged anew.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// The form of the result: text, json, sarif
    #[arg(long, value_name = "FORM", default_value = "text", hide_possible_values = true)]
    format: Format,
    /// Answer as the pre-commit hook does: heed `review.on_unreviewed`
    #[arg(long, hide = true)]
    hook: bool,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The pre-commit hook of this repository
    Hook {
        #[command(subcommand)]
        verb: HookVerb,
    },
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum HookVerb {
    /// Review before every commit; a hook that is there is kept and runs first
    Install,
    /// Review no more; a hook that was there before is put back
    Uninstall,
}

/// The form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people, on stderr.
    Text,
    /// The verdict.
    Json,
    /// SARIF 2.1.0.
    Sarif,
}

/// Reviews, or installs the hook.
pub(super) async fn run(args: &Args, call: &Call) -> Result<Exit, Stop> {
    if let Some(Verb::Hook { verb }) = &args.verb {
        return hooked(*verb, call).await;
    }
    let ended = session::within(call, "review", &[], async |session| judged(args, session).await).await;
    match ended {
        Err(Stop::Failed(failure)) if args.hook && failure.exit() == Exit::Unable => {
            let settled = call.settled(&[]).await?;
            let settings = &settled.loaded.settings.review;
            if settings.on_unreviewed == OnUnreviewed::Block {
                return Err(Stop::Failed(failure));
            }
            call.screen.say(format!("{} not reviewed: {failure}", styled(LOOK, "warning:")));
            Ok(Exit::Done)
        }
        other => other,
    }
}

async fn judged(args: &Args, session: &Session<'_>) -> Result<Exit, Stop> {
    let repo = session.settled.require_repo(&session.call.dir)?;
    let frozen = tree::freeze(repo).await?;
    if frozen.tree == frozen.base && args.format == Format::Text {
        session.run.events.note("nothing is staged: `git add` what is to be reviewed");
        return Ok(Exit::Done);
    }
    let verdict = verdict(session, repo, &Subject::alone(frozen)).await?;
    let settings = &session.settled.loaded.settings;
    let screen = session.caught_up().await;
    match args.format {
        Format::Text => {}
        Format::Json => screen.result(json!(verdict))?,
        Format::Sarif => screen.result(format!("{:#}", sarif::log(&verdict)))?,
    }
    Ok(exit(&verdict, settings.review.on_unreviewed, args.hook))
}

/// The verdict: a kept one, else the reviewer's. Only who must be asked needs a credential.
async fn verdict(session: &Session<'_>, repo: &Repo, subject: &Subject) -> Result<Verdict, Stop> {
    let settings = &session.settled.loaded.settings;
    let (state, run) = (settings.places.state.as_path(), &session.run);
    let prompts = Prompts::new(settings.places.prompts.clone());
    let records = Records { prompts: &prompts, repo, state, reviewer: &settings.reviewer.model, run };
    if let Some(reviewed) = review::recall(&records, subject).await? {
        return Ok(reviewed.verdict);
    }
    let minds = Minds::open(session, &[Role::Reviewer]).await?;
    let mind = minds.mind(session, Role::Reviewer, None).ok_or(Error::NoMind)?;
    let desk = Desk { mind: &mind, prompts: &prompts, repo, settings: &settings.review, state };
    Ok(review::review(&desk, subject).await?.verdict)
}

/// Passed 0, blocked 1, unreviewed 3; for the hook an unreviewed change is what the settings say.
fn exit(verdict: &Verdict, on_unreviewed: OnUnreviewed, is_hook: bool) -> Exit {
    match verdict.decision {
        Decision::Pass => Exit::Done,
        Decision::Block => Exit::Refused,
        Decision::Unreviewed(_) if is_hook && on_unreviewed == OnUnreviewed::Warn => Exit::Done,
        Decision::Unreviewed(_) => Exit::Unable,
    }
}

async fn hooked(verb: HookVerb, call: &Call) -> Result<Exit, Stop> {
    let settled = call.settled(&[]).await?;
    let repo: &Repo = settled.require_repo(&call.dir)?;
    let folder = repo.hooks_dir().await?;
    match verb {
        HookVerb::Install => {
            let installed = hook::install(&folder, &[repo.root(), repo.common_dir()], &call.executable)?;
            call.screen.mention(format!("every commit is reviewed first: {}", installed.path.display()));
            if let Some(kept) = installed.kept {
                call.screen.mention(format!("the hook that was there runs before it: {}", kept.display()));
            }
        }
        HookVerb::Uninstall => {
            let was_there = hook::uninstall(&folder)?;
            call.screen.mention(if was_there {
                "commits are reviewed no more"
            } else {
                "there was no hook of ours"
            });
        }
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::TreeId;

    fn verdict(decision: Decision) -> Verdict {
        Verdict {
            version: Verdict::VERSION,
            tree: TreeId("t".to_owned()),
            base: None,
            decision,
            findings: Vec::new(),
            not_seen: Vec::new(),
            reviewer: "m".to_owned(),
            at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn unreviewed_is_never_clean_unless_the_hook_was_told_to_warn() {
        let unreviewed = verdict(Decision::Unreviewed("529".to_owned()));
        assert_eq!(exit(&unreviewed, OnUnreviewed::Warn, false), Exit::Unable);
        assert_eq!(exit(&unreviewed, OnUnreviewed::Block, true), Exit::Unable);
        assert_eq!(exit(&unreviewed, OnUnreviewed::Warn, true), Exit::Done);
        assert_eq!(exit(&verdict(Decision::Block), OnUnreviewed::Warn, true), Exit::Refused);
    }
}
