//! What a running verb tells the outside: typed events, which `cli` renders for people or as JSON lines.
//!
//! Verbs never print. They send events; sending never fails and never blocks, and with nobody
//! listening it does nothing. The JSON shape of each event is the public contract of `--json`.

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::mpsc::UnboundedSender;

use super::evidence::Shown;
use super::plan::Link;
use super::verdict::{Decision, Finding};
use super::{CommitId, IssueNumber, TreeId, Usd};

/// Something that happened, as `--json` prints it: one object a line, told apart by `event`.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A stage of the verb began: `survey`, `publish`, `checks`.
    Stage {
        /// The stage's name.
        name: String,
        /// One line for people.
        detail: String,
    },
    /// Something worth saying that is not an error.
    Note {
        /// One line for people.
        text: String,
    },
    /// Something the person should look at; the work goes on.
    Warning {
        /// One line for people.
        text: String,
    },
    /// Requests wait for a limit of GitHub's; they go on by themselves.
    Wait {
        /// What is waited for.
        reason: String,
        /// How long.
        seconds: u64,
        /// Until when.
        until: Timestamp,
    },
    /// A model turn ended.
    Turn {
        /// `planner`, `implementer` or `reviewer`.
        role: String,
        /// The model that answered.
        model: String,
        /// The turn's number in its conversation, from 1.
        turn: u32,
        /// All input tokens, cached ones included.
        input_tokens: u64,
        /// Output tokens.
        output_tokens: u64,
        /// What it cost; `null` where the model's prices are unknown.
        cost: Option<Usd>,
        /// How long it took.
        millis: u64,
    },
    /// A tool call of a model ended.
    Tool {
        /// The tool's name.
        name: String,
        /// What it was asked, in one line.
        summary: String,
        /// `ok`, `refused` or `failed`.
        outcome: String,
        /// The reason, where it was refused or failed.
        reason: Option<String>,
    },
    /// An issue was created, updated or found as it should be.
    Issue {
        /// `created`, `updated`, `unchanged`.
        change: String,
        /// The key in the plan.
        key: String,
        /// The issue.
        link: Link,
        /// Its title.
        title: String,
    },
    /// A check or the test command was run.
    Check {
        /// `before` or `after`.
        phase: String,
        /// The round it was run in; 0 is before the work.
        round: u32,
        /// What it showed.
        shown: Shown,
    },
    /// A review ended.
    Review {
        /// The tree reviewed.
        tree: TreeId,
        /// What was decided.
        decision: Decision,
        /// What was found.
        findings: Vec<Finding>,
    },
    /// A commit was made.
    Commit {
        /// The issue it closes.
        issue: Option<IssueNumber>,
        /// The commit.
        commit: CommitId,
        /// Its subject line.
        subject: String,
    },
    /// A pipeline resource made progress or ended.
    Resource {
        /// The resource's name.
        name: String,
        /// `running`, `complete`, `partial`, `skipped` or `failed`.
        status: String,
        /// Rows that were new or changed.
        rows: u64,
        /// Requests made.
        requests: u64,
        /// Why it is partial, skipped or failed.
        reason: Option<String>,
    },
    /// How far the reading of resources is, some times a second at most; with `--json` once.
    Progress {
        /// The resource whose page came last.
        name: String,
        /// Resources that ended.
        done: u64,
        /// Resources in all.
        of: u64,
        /// Rows so far that were new or changed.
        rows: u64,
        /// Rows in a second so far.
        rows_per_second: u64,
        /// Requests answered so far.
        requests: u64,
        /// Requests left of the hour's limit; `null` where the server tells of none.
        left: Option<u64>,
        /// Seconds until the end, where earlier syncs tell how much there is; `null` where not.
        seconds_left: Option<u64>,
    },
    /// A SQL model was built.
    Model {
        /// The model's name.
        name: String,
        /// Rows in it.
        rows: u64,
    },
    /// A data test ran.
    DataTest {
        /// The test's name.
        name: String,
        /// `green` or `red`.
        outcome: String,
        /// Rows that break it.
        rows: u64,
        /// The first of them, or how to see them.
        detail: Option<String>,
    },
}

/// Where events go. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Events(Option<UnboundedSender<Event>>);

impl Events {
    /// Sends every event to `sender`.
    pub const fn to(sender: UnboundedSender<Event>) -> Self {
        Self(Some(sender))
    }

    /// Nobody listens.
    pub const fn none() -> Self {
        Self(None)
    }

    /// Whether anybody listens.
    pub const fn are_heard(&self) -> bool {
        self.0.is_some()
    }

    /// Tells that something happened. A listener that has gone is not the sender's concern.
    pub fn send(&self, event: Event) {
        if let Some(sender) = &self.0 {
            drop(sender.send(event));
        }
    }

    /// Tells that a stage began.
    pub fn stage(&self, name: &str, detail: impl Into<String>) {
        self.send(Event::Stage { name: name.to_owned(), detail: detail.into() });
    }

    /// Says something worth knowing.
    pub fn note(&self, text: impl Into<String>) {
        self.send(Event::Note { text: text.into() });
    }

    /// Says something the person should look at.
    pub fn warn(&self, text: impl Into<String>) {
        self.send(Event::Warning { text: text.into() });
    }
}
