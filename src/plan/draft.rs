//! A plan from a model: it explores with tools that only read, then answers once in a fixed shape.
//!
//! What comes back is parsed and linted here; what is wrong is said to the model, at most twice. The
//! planner cannot write anything, neither to the repository nor to the tracker.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::error::listed as in_lines;
use super::lint::{errors, lint};
use super::{Survey, wire};
use crate::agent::{self, Conversation, Ended, Limits, Mind, Toolbox};
use crate::artifact::Plan;
use crate::error::{Exit, Failure};
use crate::prompts::{self, Name, Prompts};

/// How often a bad answer is sent back.
const REPAIRS: u32 = 2;
/// Problems named in one repair; more would be noise.
const NAMED: usize = 20;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A prompt could not be rendered.
    #[error(transparent)]
    Prompt(#[from] prompts::Error),
    /// The model could not be asked, or gave no answer.
    #[error(transparent)]
    Agent(#[from] agent::Error),
    /// The planner's exploring ended without hope of a plan.
    #[error("there is no plan: {0}")]
    Ended(Ended),
    /// The planner's last answer is still no good plan.
    #[error("the planner gave no usable plan in {attempts} attempts: {}", in_lines(problems))]
    Unusable {
        /// How often it was asked.
        attempts: u32,
        /// What was wrong with the last answer.
        problems: Vec<String>,
    },
}

impl Failure for Error {
    fn exit(&self) -> Exit {
        match self {
            Self::Prompt(error) => error.exit(),
            Self::Agent(error) => error.exit(),
            Self::Ended(Ended::OutOfMoney(_)) => Exit::Refused,
            Self::Ended(_) | Self::Unusable { .. } => Exit::Unable,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Prompt(error) => error.hints(),
            Self::Agent(error) => error.hints(),
            Self::Ended(Ended::OutOfMoney(short)) => {
                vec![format!("in planwright.toml, under [build], write: max_cost = {:.2}", short.cap.0 * 2.0)]
            }
            Self::Ended(_) => Vec::new(),
            Self::Unusable { .. } => {
                vec!["say the goal in more words, or take a stronger model: `--planner MODEL`".to_owned()]
            }
        }
    }
}

/// What is asked of the planner.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The person's sentence.
    pub goal: &'a str,
    /// What is known already.
    pub survey: &'a Survey,
    /// The project's test command.
    pub test: Option<&'a str>,
    /// Model turns for exploring.
    pub turns: u32,
}

/// Drafts a plan. It is linted: without errors, perhaps with warnings.
pub async fn draft(
    mind: &Mind<'_>,
    prompts: &Prompts,
    toolbox: &Toolbox<'_>,
    ask: Ask<'_>,
) -> Result<Plan, Error> {
    let whole = ask.survey.pack.complete;
    let system = prompts.render(Name::Planner, json!({ "test": ask.test, "whole": whole }))?;
    let goal = json!({ "goal": ask.goal.trim(), "context": ask.survey.text(), "whole": whole });
    let first = prompts.render(Name::PlannerGoal, goal)?;
    let mut conversation = Conversation::new(mind, system, toolbox, Limits { turns: ask.turns });
    match conversation.work(first).await? {
        Ended::Done { .. } => {}
        // What it has read so far is enough to answer from.
        ended @ (Ended::OutOfTurns { .. } | Ended::Stuck { .. }) => {
            mind.run.events.note(format!("{ended}; it is asked for the plan now"));
        }
        ended => return Err(Error::Ended(ended)),
    }
    answer(mind, prompts, conversation, ask.goal).await
}

async fn answer(
    mind: &Mind<'_>,
    prompts: &Prompts,
    mut conversation: Conversation<'_>,
    goal: &str,
) -> Result<Plan, Error> {
    let schema = wire::schema();
    let mut message = prompts.render(Name::PlannerAnswer, json!({}))?;
    let mut attempts = 0;
    loop {
        attempts += 1;
        let text = conversation.answer(message, schema.clone()).await?;
        let problems = match wire::read(&text) {
            Ok(wire) => {
                let plan = wire.into_plan(id(mind, goal), goal, mind.run.clock.now());
                let problems = errors(&lint(&plan));
                if problems.is_empty() {
                    return Ok(plan);
                }
                problems.iter().map(ToString::to_string).collect()
            }
            Err(problem) => vec![problem],
        };
        if attempts > REPAIRS {
            return Err(Error::Unusable { attempts, problems });
        }
        mind.run.events.note(format!("the plan is sent back with {} problem(s)", problems.len()));
        message = prompts.render(Name::PlannerRepair, json!({ "problems": listed(&problems) }))?;
    }
}

fn listed(problems: &[String]) -> String {
    let mut lines: Vec<String> = problems.iter().take(NAMED).map(|problem| format!("- {problem}")).collect();
    let more = problems.len().saturating_sub(NAMED);
    lines.extend((more > 0).then(|| format!("- and {more} more")));
    lines.join("\n")
}

/// A plan's identity: of this run and this goal.
fn id(mind: &Mind<'_>, goal: &str) -> String {
    let mut hex = hex::encode(Sha256::digest(format!("{}\n{goal}", mind.run.id).as_bytes()));
    hex.truncate(8);
    format!("p-{hex}")
}
