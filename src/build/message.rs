//! The texts a build leaves behind: the commit message, and the comment with the evidence. Pure.
//!
//! All of it is written from facts, none by a model. What people will read on GitHub is capped, and
//! its cells cannot break out of their table.

use std::fmt;

use crate::artifact::evidence::{Outcome, Shown};
use crate::artifact::plan::Check;
use crate::artifact::verdict::{Decision, Severity};
use crate::artifact::{Branch, CommitId, Evidence, IssueNumber, TreeId, Usd, Verdict};

/// Characters of a subject line.
const SUBJECT: usize = 72;
/// Characters of a comment; GitHub allows 65,536 (REST, issue comments).
const COMMENT: usize = 20_000;

/// The facts that a commit message states.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The issue.
    pub issue: IssueNumber,
    /// Its title.
    pub title: &'a str,
    /// The plan it belongs to, as `plan/key`.
    pub plan: Option<&'a str>,
    /// What the checks showed before.
    pub before: &'a Evidence,
    /// What they show now.
    pub after: &'a Evidence,
    /// The verdict.
    pub verdict: &'a Verdict,
    /// The model that built.
    pub implementer: &'a str,
    /// Rounds that it took.
    pub rounds: u32,
    /// What it cost so far; `None` where prices are unknown.
    pub cost: Option<Usd>,
}

/// The subject line: the issue's title on one line.
pub fn subject(title: &str) -> String {
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    if title.is_empty() {
        return "Work an issue without a title".to_owned();
    }
    if title.chars().count() <= SUBJECT {
        return title;
    }
    let cut: String = title.chars().take(SUBJECT - 1).collect();
    let whole = cut.rsplit_once(' ').map_or(cut.as_str(), |(whole, _)| whole);
    format!("{whole}…")
}

/// The commit message: subject, what closed, and trailers that a program can read.
pub fn commit(facts: &Facts<'_>) -> String {
    let decision = match facts.verdict.decision {
        Decision::Pass => "pass",
        Decision::Block => "block",
        Decision::Unreviewed(_) => "unreviewed",
    };
    let plan = facts.plan.map_or_else(String::new, |plan| format!("Planwright-Plan: {plan}\n"));
    format!(
        "{}\n\nCloses {}\n\n{plan}Planwright-Verdict: {} {decision}\nPlanwright-Checks: {}\nPlanwright-Models: implementer {}, reviewer {}\nPlanwright-Cost: {}\n",
        subject(facts.title),
        facts.issue,
        facts.verdict.tree,
        Tally::of(facts.after),
        facts.implementer,
        facts.verdict.reviewer,
        cost(facts.cost),
    )
}

/// How many checks hold, as people read it: `3/3, 1 for a person`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    green: usize,
    executable: usize,
    human: usize,
}

impl Tally {
    /// Counts the checks of some evidence.
    pub fn of(evidence: &Evidence) -> Self {
        let count = |holds: fn(&Shown) -> bool| evidence.checks.iter().filter(|shown| holds(shown)).count();
        Self {
            green: count(|shown| shown.outcome == Outcome::Green),
            executable: count(|shown| shown.check.is_executable()),
            human: count(|shown| !shown.check.is_executable()),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.green, self.executable)?;
        if self.human > 0 { write!(f, ", {} for a person", self.human) } else { Ok(()) }
    }
}

/// The hidden line by which a comment is found again, so that it is never made twice.
pub fn mark(tree: &TreeId) -> String {
    format!("<!-- planwright:build {tree} -->")
}

/// The comment on the issue: the evidence as a table, what the review said, what to do next.
pub fn comment(facts: &Facts<'_>, commit: &CommitId, branch: &Branch) -> String {
    let head = format!(
        "{}\nBuilt as `{}` on branch `{}` in {}.\n\n| criterion | check | before | after | time |\n| --- | --- | --- | --- | --- |\n",
        mark(&facts.verdict.tree),
        commit.short(),
        cell(&branch.0),
        counted(facts.rounds, "round"),
    );
    let tests = facts.after.tests.iter().map(|after| (facts.before.tests.as_ref(), after));
    let checks =
        facts.after.checks.iter().enumerate().map(|(index, after)| (facts.before.checks.get(index), after));
    let rows: String = tests.chain(checks).map(|(before, after)| row(before, after)).collect();
    let (implementer, reviewer) = (facts.implementer, &facts.verdict.reviewer);
    let models = format!("Implementer `{implementer}`, reviewer `{reviewer}`, cost {}.", cost(facts.cost));
    capped(&format!("{head}{rows}\n{}\n{models}\n", review(facts.verdict)), COMMENT)
}

fn row(before: Option<&Shown>, after: &Shown) -> String {
    let check = match &after.check {
        Check::Human(reason) => format!("for a person: {}", cell(reason)),
        check => format!("`{}`", code(check.value())),
    };
    let before = before.map_or("–", |shown| word(&shown.outcome));
    let after_word = word(&after.outcome);
    format!("| {} | {check} | {before} | {after_word} | {} ms |\n", cell(&after.criterion), after.millis)
}

fn review(verdict: &Verdict) -> String {
    let tree = &verdict.tree;
    let decision = match &verdict.decision {
        Decision::Pass => format!("The review of tree `{tree}` passed."),
        Decision::Block => format!("The review of tree `{tree}` refused it."),
        Decision::Unreviewed(reason) => format!("Tree `{tree}` could not be reviewed: {}.", cell(reason)),
    };
    let findings = verdict
        .findings
        .iter()
        .map(|finding| format!("- {}: {}\n", severity(finding.severity), cell(&finding.placed())));
    let not_seen = verdict.not_seen.iter().map(|text| format!("- not seen whole: {}\n", cell(text)));
    let list: String = findings.chain(not_seen).collect();
    format!("{decision}\n{list}")
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Blocking => "blocking",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

const fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Green => "green",
        Outcome::Red => "red",
        Outcome::NotRun(_) => "not run",
        Outcome::Human => "a person decides",
    }
}

fn cost(cost: Option<Usd>) -> String {
    cost.map_or_else(|| "unknown".to_owned(), |cost| cost.to_string())
}

fn counted(count: u32, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Text for a table cell or a list: one line, no table ends, no mention that notifies strangers, no HTML.
fn cell(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    capped(&line, 400).replace('|', "\\|").replace('<', "&lt;").replace('@', "@\u{200b}")
}

/// Text inside backticks in a table.
fn code(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    capped(&line, 200).replace('`', "'").replace('|', "\\|")
}

/// The first `most` characters.
fn capped(text: &str, most: usize) -> String {
    let short: String = text.chars().take(most).collect();
    match text.len() - short.len() {
        0 => short,
        left => format!("{short}… [{left} bytes left out]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(check: Check, outcome: Outcome) -> Shown {
        Shown {
            criterion: "a | b @octocat <b>".into(),
            check,
            outcome,
            exit: Some(1),
            output: "x\n".repeat(4000),
            millis: 12,
            network: vec![],
        }
    }

    fn evidence(outcome: Outcome) -> Evidence {
        let checks = vec![
            shown(Check::Command("a | b".into()), outcome),
            shown(Check::Human("taste".into()), Outcome::Human),
        ];
        Evidence { version: 1, tree: None, tests: None, checks }
    }

    fn verdict() -> Verdict {
        Verdict {
            version: 1,
            tree: TreeId("4b825dc".into()),
            base: None,
            decision: Decision::Pass,
            findings: vec![],
            not_seen: vec![],
            reviewer: "strong".into(),
            at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    fn with_facts(check: impl FnOnce(&Facts<'_>)) {
        let (before, after, verdict) = (evidence(Outcome::Red), evidence(Outcome::Green), verdict());
        check(&Facts {
            issue: IssueNumber(34),
            title: "Load\n the stars",
            plan: Some("p-1/stars"),
            before: &before,
            after: &after,
            verdict: &verdict,
            implementer: "fast",
            rounds: 2,
            cost: Some(Usd(0.42)),
        });
    }

    #[test]
    fn the_commit_says_what_it_closes_and_what_proved_it() {
        with_facts(|facts| {
            assert_eq!(
                commit(facts),
                "Load the stars\n\nCloses #34\n\nPlanwright-Plan: p-1/stars\nPlanwright-Verdict: 4b825dc pass\n\
                 Planwright-Checks: 1/1, 1 for a person\nPlanwright-Models: implementer fast, reviewer strong\nPlanwright-Cost: $0.42\n"
            );
        });
    }

    #[test]
    fn a_long_title_is_cut_at_a_word() {
        let long = subject(&"word ".repeat(40));
        assert!(long.chars().count() <= SUBJECT && long.ends_with("word…"), "{long}");
        assert!(!subject("").is_empty());
    }

    #[test]
    fn a_comment_cannot_break_its_table_or_call_strangers() {
        with_facts(|facts| {
            let text = comment(facts, &CommitId("abcdef0123".into()), &Branch("planwright/34-x".into()));
            assert!(
                text.contains("| a \\| b @\u{200b}octocat &lt;b> | `a \\| b` | red | green | 12 ms |"),
                "{text}"
            );
            assert!(text.starts_with(&mark(&facts.verdict.tree)));
        });
    }
}
