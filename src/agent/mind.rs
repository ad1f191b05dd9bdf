//! One model turn, accounted for: asked of the budget, sent, charged, entered in the ledger, told as an
//! event, written to the transcript. Verbs and the agent's driver share it; nobody else calls a model.

use super::budget::{self, Budget};
use super::error::Error;
use super::transcript::Transcript;
use crate::artifact::{Event, IssueNumber, Usd};
use crate::clock::Stopwatch;
use crate::config::Profile;
use crate::ledger::{Entry, Ledger};
use crate::model::error::Kind;
use crate::model::{self, Reply, Request, Stop, Usage};
use crate::telemetry::Run;

/// A model in its role, and what accounts for it.
#[derive(Debug, Clone, Copy)]
pub struct Mind<'a> {
    /// Who sends.
    pub client: &'a model::Client,
    /// The model and its role.
    pub profile: &'a Profile,
    /// Where events and transcript go, and how it is interrupted.
    pub run: &'a Run,
    /// Where each turn is entered.
    pub ledger: &'a Ledger,
    /// The cap over all roles of the run.
    pub budget: &'a Budget,
    /// The issue worked on.
    pub issue: Option<IssueNumber>,
}

impl Mind<'_> {
    /// Makes one turn, the `number`th of its conversation. A failed turn is entered too.
    pub async fn turn(&self, request: &Request, number: u32) -> Result<Reply, Error> {
        let estimate = self.client.prices().map(|facts| budget::estimate(facts, request));
        self.budget.admit(estimate).map_err(Error::Unaffordable)?;
        self.say_if_unknown(estimate);
        let transcript = Transcript::new(self.run, self.profile.role.name());
        transcript.sent(request, number)?;
        let watch = Stopwatch::start();
        match self.client.send(request, &mut |_event| {}, &self.run.cancel).await {
            Ok(reply) => {
                self.account(&reply, number)?;
                transcript.replied(&reply, number)?;
                Ok(reply)
            }
            Err(error) => {
                self.account_for_failure(&error, number, watch.millis())?;
                transcript.failed(&error.to_string(), number)?;
                Err(error.into())
            }
        }
    }

    /// A request of this mind's model, without a schema.
    pub(super) fn request(
        &self,
        system: &str,
        tools: &[model::Tool],
        messages: &[model::Message],
    ) -> Request {
        Request {
            model: self.profile.model.clone(),
            system: system.to_owned(),
            tools: tools.to_vec(),
            messages: messages.to_vec(),
            max_tokens: self.profile.max_tokens,
            effort: self.profile.effort,
            schema: None,
        }
    }

    fn account(&self, reply: &Reply, number: u32) -> Result<(), Error> {
        self.budget.charge(reply.cost);
        let mut entry = self.entry(number, &stop_word(&reply.stop), reply.millis);
        entry.model = Some(reply.model.clone());
        entry.usage = reply.usage;
        entry.cost = reply.cost;
        self.ledger.record(&entry)?;
        self.run.events.send(Event::Turn {
            role: self.profile.role.name().to_owned(),
            model: reply.model.clone(),
            turn: number,
            input_tokens: reply.usage.all_input(),
            output_tokens: reply.usage.output,
            cost: reply.cost,
            millis: reply.millis,
        });
        Ok(())
    }

    /// A request that was refused or never got there costs nothing; what one that broke off has cost is
    /// not known.
    fn account_for_failure(&self, error: &model::Error, number: u32, millis: u64) -> Result<(), Error> {
        let mut entry = self.entry(number, word(error.kind()), millis);
        if error.may_have_cost() {
            entry.cost = None;
            self.budget.charge(None);
        }
        Ok(self.ledger.record(&entry)?)
    }

    /// The entry of a turn that used nothing and cost nothing.
    fn entry(&self, turn: u32, outcome: &str, millis: u64) -> Entry {
        Entry {
            run: self.run.id.clone(),
            at: self.run.clock.now(),
            verb: self.run.verb.clone(),
            role: Some(self.profile.role),
            model: Some(self.client.model().to_owned()),
            issue: self.issue,
            turn,
            usage: Usage::default(),
            cost: Some(Usd::default()),
            millis,
            outcome: outcome.to_owned(),
        }
    }

    fn say_if_unknown(&self, estimate: Option<Usd>) {
        if estimate.is_none() && self.budget.spent().unknown_turns == 0 {
            self.run.events.warn(format!(
                "the prices of `{}` are unknown: its turns are bounded in number, but not by the cap of {}",
                self.client.model(),
                self.budget.cap()
            ));
        }
    }
}

fn stop_word(stop: &Stop) -> String {
    match stop {
        Stop::EndTurn => "end_turn".to_owned(),
        Stop::ToolUse => "tool_use".to_owned(),
        Stop::MaxTokens => "max_tokens".to_owned(),
        Stop::Refusal { .. } => "refusal".to_owned(),
        Stop::ContextFull => "context_full".to_owned(),
        Stop::Pause => "pause".to_owned(),
        Stop::Other(reason) => reason.clone(),
    }
}

const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Cancelled => "interrupted",
        Kind::ContextTooLong => "context_too_long",
        Kind::Invalid => "invalid",
        Kind::Account => "account",
        Kind::Passing => "unavailable",
    }
}
