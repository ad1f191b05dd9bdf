//! Asks the reviewer: one conversation over the frozen tree, closed by a structured answer.
//!
//! It may look around, but only in that tree, and it can change nothing. An answer that does not keep
//! its schema is asked for once more, saying what was wrong. Whatever stays unanswered (a refusal, no
//! money, a server that does not come back) is told as the reason why there is no review.

use serde::Serialize;

use super::answer::{self, Answer};
use super::change::Shown;
use super::{Desk, Error, Subject};
use crate::agent::{self, Conversation, Ended, Limits, Toolbox, View};
use crate::artifact::Evidence;
use crate::artifact::plan::Criterion;
use crate::artifact::verdict::Finding;
use crate::context::secrets;
use crate::model::error::Kind;
use crate::prompts::{self, Name, Prompts};

/// Turns the reviewer may take to look around.
const TURNS: u32 = 12;

/// The answer, or why there is none.
pub(super) type Asked = Result<Answer, String>;

/// What the reviewer's prompt is rendered with.
#[derive(Debug, Serialize)]
struct Values<'a> {
    issue: Option<Issue<'a>>,
    criteria: &'a [Criterion],
    evidence: Option<&'a Evidence>,
    probes: &'a [Finding],
    change: &'a str,
    not_seen: &'a [String],
    earlier: Option<Before>,
}

/// What came before, as text.
#[derive(Debug, Serialize)]
struct Before {
    findings: String,
    said: String,
}

#[derive(Debug, Serialize)]
struct Issue<'a> {
    number: u64,
    title: &'a str,
    body: &'a str,
}

/// The reviewer's instruction and the shape of its message, which a verdict depends on.
pub(super) fn texts(prompts: &Prompts) -> Result<[String; 2], prompts::Error> {
    let values = Values {
        issue: None,
        criteria: &[],
        evidence: None,
        probes: &[],
        change: "",
        not_seen: &[],
        earlier: None,
    };
    Ok([prompts.render(Name::Reviewer, &values)?, prompts.render(Name::ReviewerChange, &values)?])
}

/// Asks about `shown`, saying what the probes found.
pub(super) async fn ask(
    desk: &Desk<'_>,
    subject: &Subject,
    shown: &Shown,
    probes: &[Finding],
) -> Result<Asked, Error> {
    let [system, _] = texts(desk.prompts)?;
    let message = desk.prompts.render(Name::ReviewerChange, values(subject, shown, probes))?;
    let view = View::Tree { repo: desk.repo, tree: subject.frozen.tree.clone() };
    let toolbox = Toolbox::read_only(view);
    let mut conversation = Conversation::new(desk.mind, system, &toolbox, Limits { turns: TURNS });
    match converse(&mut conversation, secrets::redact(&message).text).await {
        Ok(asked) => Ok(asked),
        Err(error) => unanswered(error).map(Err),
    }
}

fn values<'a>(subject: &'a Subject, shown: &'a Shown, probes: &'a [Finding]) -> Values<'a> {
    let brief = subject.brief.as_ref();
    Values {
        issue: brief.map(|brief| Issue { number: brief.number.0, title: &brief.title, body: &brief.body }),
        criteria: &subject.criteria,
        evidence: subject.evidence.as_ref(),
        probes,
        change: &shown.text,
        not_seen: &shown.not_seen,
        earlier: subject
            .earlier
            .as_ref()
            .map(|earlier| Before { findings: earlier.findings(), said: earlier.words() }),
    }
}

/// Lets the reviewer look, then takes its answer, asking once more where it does not parse.
async fn converse(conversation: &mut Conversation<'_>, message: String) -> Result<Asked, agent::Error> {
    let wrong = match conversation.work(message).await? {
        Ended::Done { text } => match answer::parse(&text) {
            Ok(answer) => return Ok(Ok(answer)),
            Err(wrong) => wrong,
        },
        ended @ (Ended::OutOfTurns { .. } | Ended::Stuck { .. }) => ended.to_string(),
        ended => return Ok(Err(ended.to_string())),
    };
    let closing = format!(
        "That is no review yet: {wrong}. Answer now with the JSON object alone, from what you have seen."
    );
    let text = conversation.answer(closing, answer::schema()).await?;
    let wrong = match answer::parse(&text) {
        Ok(answer) => return Ok(Ok(answer)),
        Err(wrong) => wrong,
    };
    let repair = format!("{wrong}. Answer with one JSON object that keeps the schema, and nothing else.");
    Ok(answer::parse(&conversation.answer(repair, answer::schema()).await?))
}

/// The reason why there is no review; an error where the person interrupted or our own files failed.
fn unanswered(error: agent::Error) -> Result<String, Error> {
    match error {
        agent::Error::Model(ref model) if model.kind() == Kind::Cancelled => Err(error.into()),
        agent::Error::Ledger(_) | agent::Error::Transcript(_) | agent::Error::Interrupted => {
            Err(error.into())
        }
        agent::Error::Model(_) | agent::Error::Unaffordable(_) | agent::Error::NoAnswer(_) => {
            Ok(with_causes(&error))
        }
    }
}

/// An error and its causes on one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
