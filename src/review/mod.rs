//! The review of one exact tree, and the gate that build, the hook and `cli` share.
//!
//! The index is frozen with `git write-tree`; everything that is read is read from that tree, and the
//! verdict is bound to its id. Probes find what can be found without a model; the reviewer judges from
//! first principles; `decide` and `gate` are pure. A review that could not be made is never a pass.

pub mod answer;
pub mod change;
mod critic;
pub mod decide;
pub mod diff;
mod earlier;
mod error;
pub mod gate;
pub mod hook;
pub mod probes;
pub mod sarif;
pub mod store;
pub mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::agent::Mind;
use crate::artifact::evidence::Attempt;
use crate::artifact::plan::Criterion;
use crate::artifact::verdict::Finding;
use crate::artifact::{Event, Evidence, IssueNumber, Verdict};
use crate::config::settings;
use crate::context::tokens;
use crate::git::{self, Repo};
use crate::prompts::Prompts;
use crate::telemetry::Run;

use answer::Known;
use change::Shown;
use decide::Judged;
use diff::{FileDiff, Kind};
use store::{MadeWith, Stored};
use tree::Frozen;

pub use earlier::Earlier;
pub use error::Error;
pub use gate::{Gate, gate};

/// Unchanged lines shown around each change.
const CONTEXT: u32 = 12;

/// What a review is made with.
#[derive(Debug, Clone, Copy)]
pub struct Desk<'a> {
    /// The reviewer.
    pub mind: &'a Mind<'a>,
    /// Its prompts.
    pub prompts: &'a Prompts,
    /// The repository that holds the tree.
    pub repo: &'a Repo,
    /// The budget of the change.
    pub settings: &'a settings::Review,
    /// Where verdicts are kept.
    pub state: &'a Path,
}

impl<'a> Desk<'a> {
    fn records(&self) -> Records<'a> {
        Records {
            prompts: self.prompts,
            repo: self.repo,
            state: self.state,
            reviewer: &self.mind.profile.model,
            run: self.mind.run,
        }
    }
}

/// What is at hand before a reviewer is asked, and without one.
#[derive(Debug, Clone, Copy)]
pub struct Records<'a> {
    /// The reviewer's prompts, which a verdict is bound to.
    pub prompts: &'a Prompts,
    /// The repository that holds the tree.
    pub repo: &'a Repo,
    /// Where verdicts are kept.
    pub state: &'a Path,
    /// The reviewing model, which a verdict is bound to.
    pub reviewer: &'a str,
    /// Where events go.
    pub run: &'a Run,
}

/// What is reviewed, and what is known about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// The tree.
    pub frozen: Frozen,
    /// The issue it is for; `None` where the change stands for itself.
    pub brief: Option<Brief>,
    /// What must be true at its end.
    pub criteria: Vec<Criterion>,
    /// What the checks showed on this tree.
    pub evidence: Option<Evidence>,
    /// Attempts to reach the network that came with the change.
    pub attempts: Vec<Attempt>,
    /// What blocked an earlier tree of the same work; `None` in the first round.
    pub earlier: Option<Earlier>,
}

impl Subject {
    /// A change that stands for itself: the hook's and `planwright review`'s.
    pub const fn alone(frozen: Frozen) -> Self {
        Self {
            frozen,
            brief: None,
            criteria: Vec::new(),
            evidence: None,
            attempts: Vec::new(),
            earlier: None,
        }
    }
}

/// The issue a change is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brief {
    /// Its number.
    pub number: IssueNumber,
    /// Its title.
    pub title: String,
    /// Its body.
    pub body: String,
}

/// Whether the reviewer was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was, or there was nothing to ask.
    Now,
    /// The verdict of an earlier review of the same tree was taken.
    Kept,
}

/// A verdict and where it is from.
#[derive(Debug, Clone, PartialEq)]
pub struct Reviewed {
    /// The verdict.
    pub verdict: Verdict,
    /// Where it is from.
    pub from: Origin,
}

/// Reviews one frozen tree. The verdict is kept under the tree's id, and a kept one is taken where it
/// answers the same question.
pub async fn review(desk: &Desk<'_>, subject: &Subject) -> Result<Reviewed, Error> {
    let records = desk.records();
    let (files, probed) = match begin(&records, subject).await? {
        Begun::Settled(probed, opinion) => return conclude(&records, subject, probed, opinion),
        Begun::Open(files, probed) => (files, probed),
    };
    records.run.events.stage("review", format!("reviewing tree {}", subject.frozen.tree.short()));
    let opinion = asked(desk, subject, &files, &probed).await?;
    conclude(&records, subject, probed, opinion)
}

/// As [`review`], where nobody needs to be asked: above all where a verdict on the same tree is kept. It
/// takes no credential and no network. `None` where the reviewer must be asked.
pub async fn recall(records: &Records<'_>, subject: &Subject) -> Result<Option<Reviewed>, Error> {
    match begin(records, subject).await? {
        Begun::Settled(probed, opinion) => conclude(records, subject, probed, opinion).map(Some),
        Begun::Open(..) => Ok(None),
    }
}

/// How far a review comes by itself.
enum Begun {
    /// To its end: the findings of the probes, and an opinion.
    Settled(Vec<Finding>, Opinion),
    /// To the question: the change, and the findings of the probes.
    Open(Vec<FileDiff>, Vec<Finding>),
}

async fn begin(records: &Records<'_>, subject: &Subject) -> Result<Begun, Error> {
    let Frozen { tree, base } = &subject.frozen;
    let files = match records.repo.diff(base, tree, CONTEXT).await {
        Ok(text) => diff::parse(&text),
        Err(error @ git::Error::TooLarge { .. }) => {
            let judged = Judged::No(format!("the change is too large to be reviewed at once: {error}"));
            return Ok(Begun::Settled(vec![], Opinion::now(judged, vec![])));
        }
        Err(error) => return Err(error.into()),
    };
    let texts = test_texts(records.repo, subject, &files).await?;
    let probed = probes::all(&probes::Scene { files: &files, texts: &texts, attempts: &subject.attempts });
    let made_with = made_with(records, subject)?;
    let kept = store::load(records.state, tree)?.filter(|kept| kept.made_with.answers(&made_with));
    Ok(match kept {
        Some(kept) => Begun::Settled(probed, Opinion::kept(kept)),
        None if files.is_empty() => Begun::Settled(probed, Opinion::now(Judged::NothingChanged, vec![])),
        None => Begun::Open(files, probed),
    })
}

/// What the reviewer said, now or earlier.
struct Opinion {
    judged: Judged,
    not_seen: Vec<String>,
    from: Origin,
}

impl Opinion {
    const fn now(judged: Judged, not_seen: Vec<String>) -> Self {
        Self { judged, not_seen, from: Origin::Now }
    }

    /// The probes are asked again each time, so that only the reviewer's own findings are taken over.
    fn kept(kept: Stored) -> Self {
        let mut findings = kept.verdict.findings;
        findings.retain(|finding| finding.source == answer::SOURCE);
        Self { judged: Judged::Findings(findings), not_seen: kept.verdict.not_seen, from: Origin::Kept }
    }
}

async fn asked(
    desk: &Desk<'_>,
    subject: &Subject,
    files: &[FileDiff],
    probed: &[Finding],
) -> Result<Opinion, Error> {
    let Shown { text, not_seen } = change::show(files, desk.settings.budget_tokens, tokens::estimate);
    let shown = Shown { text, not_seen };
    let judged = match critic::ask(desk, subject, &shown, probed).await? {
        Ok(answer) => {
            let known = known(desk.repo, subject, files, &answer).await?;
            Judged::Findings(answer::place(answer, &known, &subject.criteria))
        }
        Err(reason) => Judged::No(reason),
    };
    Ok(Opinion::now(judged, shown.not_seen))
}

/// Decides, tells and keeps the verdict.
fn conclude(
    records: &Records<'_>,
    subject: &Subject,
    probed: Vec<Finding>,
    opinion: Opinion,
) -> Result<Reviewed, Error> {
    let (decision, findings) = decide::decide(probed, opinion.judged);
    let verdict = Verdict {
        version: Verdict::VERSION,
        tree: subject.frozen.tree.clone(),
        base: Some(subject.frozen.base.clone()),
        decision,
        findings,
        not_seen: opinion.not_seen,
        reviewer: records.reviewer.to_owned(),
        at: records.run.clock.now(),
    };
    records.run.events.send(Event::Review {
        tree: verdict.tree.clone(),
        decision: verdict.decision.clone(),
        findings: verdict.findings.clone(),
    });
    if opinion.from == Origin::Now {
        let made_with = made_with(records, subject)?;
        store::save(records.state, &Stored { verdict: verdict.clone(), made_with })?;
    }
    Ok(Reviewed { verdict, from: opinion.from })
}

fn made_with(records: &Records<'_>, subject: &Subject) -> Result<MadeWith, Error> {
    let [system, message] = critic::texts(records.prompts)?;
    let subject_digest = subject.brief.as_ref().map(|brief| {
        let criteria = subject.criteria.iter().flat_map(|one| [one.text.as_str(), one.check.value()]);
        let texts: Vec<&str> = [brief.title.as_str(), &brief.body].into_iter().chain(criteria).collect();
        store::digest(&texts)
    });
    Ok(MadeWith {
        base: subject.frozen.base.clone(),
        prompts: store::digest(&[&system, &message]),
        reviewer: records.reviewer.to_owned(),
        subject: subject_digest,
    })
}

/// The new text of every changed test file, which a probe reads whole.
async fn test_texts(
    repo: &Repo,
    subject: &Subject,
    files: &[FileDiff],
) -> Result<BTreeMap<String, String>, Error> {
    let mut texts = BTreeMap::new();
    for file in files.iter().filter(|file| probes::is_test(&file.path) && file.kind != Kind::Deleted) {
        let Some(path) = file.repo_path() else { continue };
        if let Some(bytes) = repo.read_blob(&subject.frozen.tree, &path).await? {
            texts.insert(file.path.clone(), String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    Ok(texts)
}

/// What an answer may be held against: the tree's files, the deleted ones, the lengths of those it names.
async fn known(
    repo: &Repo,
    subject: &Subject,
    files: &[FileDiff],
    answer: &answer::Answer,
) -> Result<Known, Error> {
    let tree = &subject.frozen.tree;
    let mut paths: BTreeSet<String> = repo.list_tree(tree).await?.into_iter().map(String::from).collect();
    paths.extend(files.iter().map(|file| file.path.clone()));
    let mut known = Known { paths, lines: BTreeMap::new() };
    for path in known.named(answer) {
        if let Some(bytes) = repo.read_blob(tree, &path).await? {
            let lines = String::from_utf8_lossy(&bytes).lines().count();
            known.lines.insert(path, u32::try_from(lines).unwrap_or(u32::MAX));
        }
    }
    Ok(known)
}
