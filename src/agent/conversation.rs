//! The driver: performs what the machine decides and tells it what came of it. It decides nothing.

use serde_json::Value;

use super::error::Error;
use super::machine::Machine;
use super::mind::Mind;
use super::step::{Answer, Call, Effect, Ended, Event, Limits};
use super::tools::{Outcome, Toolbox};
use crate::artifact;
use crate::model;
use crate::model::error::Kind;

/// One conversation with one model, from its instruction to its last answer.
#[derive(Debug)]
pub struct Conversation<'a> {
    mind: &'a Mind<'a>,
    system: String,
    toolbox: &'a Toolbox<'a>,
    tools: Vec<model::Tool>,
    machine: Machine,
    turn: u32,
}

impl<'a> Conversation<'a> {
    /// A conversation that has not begun; `system` and the tools are frozen for all of it.
    pub fn new(mind: &'a Mind<'a>, system: String, toolbox: &'a Toolbox<'a>, limits: Limits) -> Self {
        Self { mind, system, toolbox, tools: toolbox.declared(), machine: Machine::new(limits), turn: 0 }
    }

    /// Gives the model work and lets it call tools until it stops, or something stops it. May be called
    /// again: the conversation goes on, with its turns granted anew.
    pub async fn work(&mut self, message: String) -> Result<Ended, Error> {
        self.drive(Event::Start { message }, None).await
    }

    /// Asks for one closing answer in the shape of `schema`; tools no longer run. May be called again,
    /// to have an answer mended. Whether the answer keeps the schema is for the caller to check.
    pub async fn answer(&mut self, message: String, schema: Value) -> Result<String, Error> {
        match self.drive(Event::Close { message }, Some(schema)).await? {
            Ended::Done { text } => Ok(text),
            other => Err(Error::NoAnswer(other)),
        }
    }

    /// Turns made so far.
    pub const fn turns(&self) -> u32 {
        self.turn
    }

    async fn drive(&mut self, first: Event, schema: Option<Value>) -> Result<Ended, Error> {
        let mut event = first;
        loop {
            let mut next = None;
            for effect in self.machine.handle(event) {
                match effect {
                    Effect::Say(text) => self.mind.run.events.warn(text),
                    Effect::Send => next = Some(self.send(schema.clone()).await?),
                    Effect::RunTools(calls) => next = Some(self.run(calls).await?),
                    Effect::End(ended) => return Ok(ended),
                }
            }
            let Some(came) = next else {
                return Ok(Ended::Stuck { why: "nothing was left to do".to_owned() });
            };
            event = came;
        }
    }

    async fn send(&mut self, schema: Option<Value>) -> Result<Event, Error> {
        let mut request = self.mind.request(&self.system, &self.tools, self.machine.messages());
        request.schema = schema;
        self.turn += 1;
        match self.mind.turn(&request, self.turn).await {
            Ok(reply) => Ok(Event::Replied(reply)),
            Err(Error::Unaffordable(shortfall)) => Ok(Event::Unaffordable(shortfall)),
            Err(Error::Model(error)) if error.kind() == Kind::ContextTooLong => Ok(Event::Overflowed),
            Err(error) => Err(error),
        }
    }

    async fn run(&self, calls: Vec<Call>) -> Result<Event, Error> {
        let mut answers = Vec::with_capacity(calls.len());
        for call in calls {
            let outcome = self.toolbox.run(&call).await;
            if self.mind.run.cancel.is_cancelled() {
                return Err(Error::Interrupted);
            }
            self.tell(&call, &outcome);
            answers.push(Answer { id: call.id, outcome });
        }
        Ok(Event::ToolsRan(answers))
    }

    fn tell(&self, call: &Call, outcome: &Outcome) {
        self.mind.run.events.send(artifact::Event::Tool {
            name: call.name.clone(),
            summary: call.summary(),
            outcome: outcome.word().to_owned(),
            reason: outcome.reason().map(ToOwned::to_owned),
        });
    }
}
