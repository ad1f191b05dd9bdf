//! Carries a build out: performs what the order says, tells it what came of it, journals each step.
//!
//! It decides nothing. The tree that is reviewed is frozen before the checks run on it, and the commit
//! is made of that tree, so that what a check leaves behind never comes into it.

use serde::Serialize;
use serde_json::json;

use crate::agent::{self, Conversation, Ended, Limits, Mind, Toolbox};
use crate::artifact::plan::Criterion;
use crate::artifact::verdict::{Decision, Finding, Severity};
use crate::artifact::{Evidence, TreeId};
use crate::harness::{Bench, checks};
use crate::prompts::Name;
use crate::review::decide::fingerprint;
use crate::review::gate::new_attempts;
use crate::review::tree::{self, Frozen};
use crate::review::{self, Brief, Desk, Earlier, Gate, Subject};

use super::journal::Journal;
use super::order::{Before, Cause, Colour, Event, Phase, Review, Work};
use super::task::Task;
use super::workbench::Workbench;
use super::{Error, Site, deliver};

/// Characters of an issue's body that a model is given.
const BODY: usize = 24_000;

/// Said to an implementer that takes over.
const TAKEN_OVER: &str =
    "The worktree already holds work on this issue that was cut off. Look at it before you go on.";

/// Works until the build is done, and fails where it was given up.
pub(super) async fn drive(
    site: &Site<'_>,
    task: &Task,
    bench: &Workbench,
    journal: &mut Journal,
) -> Result<(), Error> {
    let mind = site.mind(site.models.implementer, &site.settings.implementer, task.number);
    let harness =
        Bench { sandbox: site.sandbox, policy: &bench.policy, settings: &site.settings.build, run: site.run };
    let toolbox = Toolbox::building(harness, &task.criteria, &site.settings.context.exclude);
    let mut implementer =
        Implementer { mind: &mind, toolbox: &toolbox, finds: Found::Unknown, conversation: None };
    loop {
        let event = match journal.state.phase.clone() {
            Phase::Before => {
                implementer.finds = Found::Untouched;
                before(&harness, &task.criteria, bench, journal).await?
            }
            Phase::Implement => implement(site, task, bench, journal, &mut implementer).await?,
            Phase::After => after(&harness, &task.criteria, bench, journal).await?,
            Phase::Review => reviewed(site, task, bench, journal).await?,
            Phase::Commit => {
                deliver::commit(site, task, bench, journal).await?;
                Event::Committed
            }
            Phase::Tell => {
                deliver::tell(site, task, journal).await?;
                Event::Told
            }
            Phase::Done => return Ok(()),
            Phase::Stopped(stop) => {
                let (rounds, worktree) = (journal.state.round, journal.worktree.clone());
                return Err(Error::Stopped { number: task.number, stop, rounds, worktree });
            }
        };
        journal.state = journal.state.clone().step(event);
        journal.save(&site.settings.places.state)?;
    }
}

async fn before(
    harness: &Bench<'_>,
    criteria: &[Criterion],
    bench: &Workbench,
    journal: &mut Journal,
) -> Result<Event, Error> {
    harness.run.events.stage("checks", "running the checks before the work: they should be red");
    let evidence = checks::run(harness, criteria, checks::Phase::Before).await;
    uninterrupted(harness)?;
    let executable = || evidence.checks.iter().filter(|shown| shown.check.is_executable());
    let proof = if executable().next().is_none() {
        Before::NothingExecutable
    } else if executable().all(|shown| shown.outcome == crate::artifact::evidence::Outcome::Green) {
        Before::AllGreen
    } else {
        Before::SomethingToProve
    };
    journal.before = Some(evidence);
    journal.untouched = Some(bench.repo.stage_all().await?);
    Ok(Event::CheckedBefore(proof))
}

async fn after(
    harness: &Bench<'_>,
    criteria: &[Criterion],
    bench: &Workbench,
    journal: &mut Journal,
) -> Result<Event, Error> {
    let round = journal.state.round;
    harness.run.events.stage("checks", format!("running the checks after round {round}: they must be green"));
    let frozen = tree::freeze_all(&bench.repo).await?;
    tell_of_litter(harness, bench).await?;
    let mut evidence = checks::run(harness, criteria, checks::Phase::After(round)).await;
    uninterrupted(harness)?;
    evidence.tree = Some(frozen.tree.clone());
    let colour = if evidence.is_green() { Colour::Green } else { Colour::Red };
    journal.tree = Some(frozen.tree);
    journal.after = Some(evidence);
    journal.findings.clear();
    Ok(Event::CheckedAfter(colour))
}

/// What tools left behind is not committed, and not passed over in silence.
async fn tell_of_litter(harness: &Bench<'_>, bench: &Workbench) -> Result<(), Error> {
    let litter = bench.repo.litter().await?;
    let parts = litter.into_iter().map(|(part, files)| match files {
        1 => part,
        files => format!("{part} ({files} files)"),
    });
    let parts = parts.collect::<Vec<_>>().join(", ");
    if !parts.is_empty() {
        harness.run.events.note(format!("left behind by tools, and left out of the commit: {parts}"));
    }
    Ok(())
}

/// Evidence of an interrupted run is none.
fn uninterrupted(harness: &Bench<'_>) -> Result<(), Error> {
    if harness.run.cancel.is_cancelled() { Err(agent::Error::Interrupted.into()) } else { Ok(()) }
}

/// The implementer's one conversation, which goes on from round to round while the process lives.
struct Implementer<'a> {
    mind: &'a Mind<'a>,
    toolbox: &'a Toolbox<'a>,
    finds: Found,
    conversation: Option<Conversation<'a>>,
}

/// What an implementer whose conversation begins finds in the worktree.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    /// What the checks before the work left a moment ago.
    Untouched,
    /// What an earlier run left, to be looked at.
    Unknown,
}

async fn implement(
    site: &Site<'_>,
    task: &Task,
    bench: &Workbench,
    journal: &mut Journal,
    implementer: &mut Implementer<'_>,
) -> Result<Event, Error> {
    let round = journal.state.round;
    site.run.events.stage("implement", format!("round {round} of {}", journal.state.bound));
    let untouched = match &journal.untouched {
        Some(tree) => tree.clone(),
        None => bench.repo.tree_of(&journal.base).await?,
    };
    let mut parts = Vec::new();
    if implementer.conversation.is_none() {
        parts.push(site.prompts.render(Name::ImplementerIssue, first(site, task))?);
        if implementer.finds == Found::Unknown && bench.repo.stage_all().await? != untouched {
            parts.push(TAKEN_OVER.to_owned());
        }
    }
    if let Some(cause) = journal.state.because {
        parts.push(site.prompts.render(Name::ImplementerRound, again(journal, cause))?);
    }
    let ended = implementer.work(site, parts.join("\n\n")).await?;
    journal.said = if let Ended::Done { text } = &ended { text.trim().to_owned() } else { String::new() };
    let refused = journal.tree.as_ref().unwrap_or(&untouched);
    work(site, ended, refused, &bench.repo.stage_all().await?)
        .map_or_else(|why| Ok(Event::Implemented(Work::Cannot(why))), |work| Ok(Event::Implemented(work)))
}

impl Implementer<'_> {
    async fn work(&mut self, site: &Site<'_>, message: String) -> Result<Ended, Error> {
        let mut conversation = if let Some(conversation) = self.conversation.take() {
            conversation
        } else {
            let system = site.prompts.render(Name::Implementer, json!({}))?;
            Conversation::new(self.mind, system, self.toolbox, Limits { turns: site.settings.build.turns })
        };
        let ended = conversation.work(message).await?;
        self.finds = Found::Unknown;
        let goes_on = matches!(ended, Ended::Done { .. } | Ended::OutOfTurns { .. });
        self.conversation = goes_on.then_some(conversation);
        Ok(ended)
    }
}

/// How the round ended, by what it left in the worktree; the error is why it cannot go on.
fn work(site: &Site<'_>, ended: Ended, refused: &TreeId, now: &TreeId) -> Result<Work, String> {
    match ended {
        Ended::OutOfMoney(_) | Ended::Refused { .. } => return Err(ended.to_string()),
        Ended::Done { text } if !text.trim().is_empty() => site.run.events.note(text),
        Ended::Done { .. } => {}
        Ended::OutOfTurns { .. } | Ended::Stuck { .. } | Ended::ContextFull => {
            site.run.events.warn(ended.to_string());
        }
    }
    Ok(if now == refused { Work::Unchanged } else { Work::Changed })
}

/// What the first message is rendered with.
fn first(site: &Site<'_>, task: &Task) -> impl Serialize {
    let mut body: String = task.body.chars().take(BODY).collect();
    if body.len() < task.body.len() {
        body.push_str("\n[the rest of the issue's body is left out]");
    }
    json!({
        "number": task.number,
        "title": task.title,
        "body": body,
        "criteria": task.criteria,
        "test": site.settings.build.test,
        "pack": "",
    })
}

/// What a later round is rendered with: why the last one was refused.
fn again(journal: &Journal, cause: Cause) -> impl Serialize {
    let nothing = Evidence { version: Evidence::VERSION, tree: None, tests: None, checks: Vec::new() };
    let idle = Finding {
        severity: Severity::Blocking,
        path: None,
        line: None,
        title: "nothing was changed".to_owned(),
        evidence: "the worktree is as it was when the round began".to_owned(),
        suggestion: None,
        source: "build".to_owned(),
    };
    let (evidence, findings) = match cause {
        Cause::NothingChanged => (nothing, vec![idle]),
        Cause::Checks => (journal.after.clone().unwrap_or(nothing), Vec::new()),
        Cause::Findings => (nothing, journal.findings.clone()),
    };
    json!({ "evidence": evidence, "findings": findings })
}

async fn reviewed(
    site: &Site<'_>,
    task: &Task,
    bench: &Workbench,
    journal: &mut Journal,
) -> Result<Event, Error> {
    let (Some(after), Some(tree)) = (journal.after.clone(), journal.tree.clone()) else {
        return Ok(Event::Reviewed(Review::Closed("there is no evidence of this tree".to_owned())));
    };
    let mind = site.mind(site.models.reviewer, &site.settings.reviewer, task.number);
    let desk = Desk {
        mind: &mind,
        prompts: site.prompts,
        repo: &bench.repo,
        settings: &site.settings.review,
        state: &site.settings.places.state,
    };
    let base = bench.repo.tree_of(&journal.base).await?;
    let subject = Subject {
        frozen: Frozen { tree: tree.clone(), base },
        brief: Some(Brief { number: task.number, title: task.title.clone(), body: task.body.clone() }),
        criteria: task.criteria.clone(),
        evidence: Some(after.clone()),
        attempts: new_attempts(journal.before.as_ref(), &after),
        earlier: (!journal.blocked.is_empty())
            .then(|| Earlier { blocked: journal.blocked.clone(), said: journal.said.clone() }),
    };
    let verdict = review::review(&desk, &subject).await?.verdict;
    let event = match &verdict.decision {
        Decision::Unreviewed(reason) => Review::Unreviewed(reason.clone()),
        Decision::Block => {
            journal.blocked.clone_from(&verdict.findings);
            journal.blocked.retain(|finding| finding.severity == Severity::Blocking);
            Review::Block(journal.blocked.iter().map(fingerprint).collect())
        }
        Decision::Pass => match review::gate(&tree, journal.before.as_ref(), &after, &verdict) {
            Gate::Open => Review::Pass,
            Gate::Closed(reasons) => {
                Review::Closed(reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
            }
        },
    };
    journal.findings.clone_from(&verdict.findings);
    journal.verdict = Some(verdict);
    Ok(Event::Reviewed(event))
}
