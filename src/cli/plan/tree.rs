//! Plans as people see them: a tree with what waits for what, and which issue is next.

use super::super::plans::Plans;
use super::super::render::{indented, thousands, wrapped};
use super::super::screen::{DIM, GOOD, HEAD, LOOK, Screen, styled};
use crate::artifact::IssueNumber;
use crate::context::Pack;
use crate::plan::lint::Weight;
use crate::plan::preview::Row;
use crate::plan::ready::State;
use crate::plan::status::Entry;
use crate::plan::{Preview, Report};

/// A drafted plan, blockers first.
pub(super) fn preview(preview: &Preview) -> String {
    let head = format!("\n{} {}", styled(HEAD, &preview.epic), styled(DIM, &preview.plan));
    let last = preview.rows.len().saturating_sub(1);
    let rows = preview.rows.iter().enumerate().map(|(at, issue)| row(issue, at == last));
    let problems = preview.problems.iter().map(|problem| {
        let word = if problem.weight == Weight::Error { "error:" } else { "warning:" };
        format!("{} {problem}", styled(LOOK, word))
    });
    std::iter::once(head).chain(rows).chain(problems).collect::<Vec<_>>().join("\n")
}

fn row(row: &Row, is_last: bool) -> String {
    let (branch, trunk) = if is_last { ("└─", "   ") } else { ("├─", "│  ") };
    let size = styled(DIM, row.size.name());
    let next = if row.next { format!(" {}", styled(GOOD, "◀ next")) } else { String::new() };
    let width = Screen::width();
    let below = format!("{trunk}    ");
    let head = format!("{} {} {} {size}{next}", styled(HEAD, &row.key), row.title, styled(DIM, "·"));
    let mut lines = vec![wrapped(&head, (&format!("{branch} "), &below), width)];
    if !row.after.is_empty() {
        let after = format!("after {}", row.after.join(", "));
        lines.push(wrapped(&after, (&format!("{trunk}  "), &below), width));
    }
    lines.extend(row.acceptance.iter().map(|one| {
        let kind = styled(DIM, format_args!("({})", one.check.kind()));
        wrapped(&format!("{} {kind}", one.text), (&format!("{trunk}  ☐ "), &below), width)
    }));
    lines.join("\n")
}

/// What publishing did, in one line, and what a person's edits kept from changing.
pub(super) fn published(report: &Report) -> String {
    let unchanged =
        (report.issues.len() + 1).saturating_sub(report.created + report.updated + report.kept.len());
    let line = format!(
        "{} {}: {} created, {} updated, {unchanged} as they were, {} links made",
        styled(GOOD, "published"),
        report.epic.number,
        report.created,
        report.updated,
        report.linked
    );
    if report.kept.is_empty() {
        return line;
    }
    format!("{line}\n{}", indented(&format!("kept as people edited them: {}", numbers(&report.kept))))
}

/// Where every planned issue stands.
pub(super) fn status(plans: &Plans) -> String {
    let status = &plans.status;
    let next = status.next().map(|entry| entry.number);
    let mut lines = Vec::new();
    for group in &status.epics {
        let (done, all) = (group.done(), group.issues.len());
        let head = format!("{} {}", group.epic.number, group.epic.title);
        lines.push(format!("{} {}", styled(HEAD, head), styled(DIM, format!("· {done} of {all} done"))));
        let last = group.issues.len().saturating_sub(1);
        let issues = group.issues.iter().enumerate();
        lines.extend(issues.map(|(at, issue)| {
            let branch = if at == last { "└─" } else { "├─" };
            format!("{branch} {}", entry(issue, plans, next))
        }));
    }
    lines.extend(status.loose.iter().map(|issue| entry(issue, plans, next)));
    lines.join("\n")
}

fn entry(issue: &Entry, plans: &Plans, next: Option<IssueNumber>) -> String {
    let state = match &issue.state {
        State::Done => styled(DIM, "done"),
        State::Ready if next == Some(issue.number) => styled(GOOD, "ready ◀ next"),
        State::Ready => styled(GOOD, "ready"),
        State::Built => {
            styled(LOOK, plans.build_of(issue.number).map(ToString::to_string).unwrap_or_default())
        }
        State::Blocked(by) => styled(LOOK, format!("waits for {}", waited_for(by, plans))),
        State::Open => styled(DIM, "open"),
    };
    format!("{} {} · {state}", issue.number, issue.title)
}

/// `#12 (built, not merged), #13`.
fn waited_for(by: &[IssueNumber], plans: &Plans) -> String {
    let name = |number: &IssueNumber| match plans.build_of(*number) {
        Some(build) => format!("{number} ({})", build.standing),
        None => number.to_string(),
    };
    by.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// What is sent along with a goal, in a few lines.
pub(super) fn pack(screen: Screen, pack: &Pack) {
    let files = pack.included.len();
    let tokens = thousands(pack.tokens);
    screen.mention(styled(DIM, format!("context: {files} files, about {tokens} tokens")));
    let cut = pack.included.iter().filter(|file| !file.whole).map(|file| format!("  cut: {}", file.path));
    let left = pack.left_out.iter().map(|file| format!("  left out: {} ({})", file.path, file.reason));
    for line in cut.chain(left).take(if screen.verbose > 0 { usize::MAX } else { 8 }) {
        screen.mention(styled(DIM, line));
    }
    for (path, found) in &pack.redacted {
        screen.say(format!(
            "{} {path}, line {}: {} was taken out",
            styled(LOOK, "secret:"),
            found.line,
            found.kind
        ));
    }
}

fn numbers(numbers: &[IssueNumber]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
