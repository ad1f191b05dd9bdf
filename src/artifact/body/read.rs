//! Reading criteria back from the visible task list, so that what a person edits counts.
//!
//! Lenient where people write by hand, exact where planwright wrote: a criterion without a check, or
//! with a kind of check that does not exist, is left to the person and never counts as green.

use std::ops::Range;

use super::Fences;
use super::write::unescape;
use crate::artifact::plan::{Check, Criterion};

/// The acceptance criteria in a body.
///
/// They are the task list under the last heading that begins with “Acceptance”; in a body without
/// such a heading, every task that has a check line beneath it.
pub fn criteria(body: &str) -> Vec<Criterion> {
    let lines: Vec<&str> = body.lines().collect();
    match section(&lines) {
        Some(section) => {
            items(lines.get(section).unwrap_or_default()).into_iter().flat_map(Item::criteria).collect()
        }
        None => items(&lines)
            .into_iter()
            .filter(|item| !item.checks.is_empty())
            .flat_map(Item::criteria)
            .collect(),
    }
}

/// A task and the checks beneath it.
#[derive(Debug)]
struct Item {
    text: String,
    checks: Vec<Check>,
    /// Whether the next indented line still belongs to the text.
    open: bool,
}

impl Item {
    fn criteria(self) -> Vec<Criterion> {
        let text = unescape(&self.text);
        if self.checks.is_empty() {
            return vec![Criterion { text, check: Check::Human("no check is given".to_owned()) }];
        }
        self.checks.into_iter().map(|check| Criterion { text: text.clone(), check }).collect()
    }
}

/// Where the lines between the last acceptance heading and the heading after it are.
pub(super) fn section(lines: &[&str]) -> Option<Range<usize>> {
    let mut fences = Fences::default();
    let mut headings = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        if !fences.is_code(line)
            && let Some(title) = heading(line)
        {
            headings.push((number, title));
        }
    }
    let last = headings.iter().rposition(|(_, title)| title.to_lowercase().starts_with("acceptance"))?;
    let end = headings.get(last + 1).map_or(lines.len(), |(number, _)| *number);
    Some(headings.get(last)?.0 + 1..end)
}

fn heading(line: &str) -> Option<&str> {
    let text = line.strip_prefix('#')?.trim_start_matches('#');
    text.starts_with([' ', '\t']).then(|| text.trim().trim_matches(['*', ':']))
}

fn items(lines: &[&str]) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut fences = Fences::default();
    let mut rest = lines.iter();
    while let Some(line) = rest.next() {
        if fences.is_code(line) {
            continue;
        }
        if let Some(text) = task(line) {
            items.push(Item { text: text.to_owned(), checks: Vec::new(), open: true });
            continue;
        }
        let Some(item) = items.last_mut() else { continue };
        if let Some((kind, value)) = check_line(line) {
            // What stands in a code block is the value itself; on the line it stands in a code span.
            let value = match kind.to_lowercase().as_str() {
                _ if value.is_empty() => block(&mut rest),
                "command" | "test" | "sql" => code(value),
                _ => value.to_owned(),
            };
            item.checks.push(check(kind, &value));
            item.open = false;
        } else if item.open && line.starts_with("  ") && bullet(line).is_none() && !line.trim().is_empty() {
            item.text = format!("{} {}", item.text, line.trim());
        } else {
            item.open = false;
        }
    }
    items
}

fn bullet(line: &str) -> Option<&str> {
    let text = line.trim_start();
    text.strip_prefix("- ")
        .or_else(|| text.strip_prefix("* "))
        .or_else(|| text.strip_prefix("+ "))
        .map(str::trim)
}

fn task(line: &str) -> Option<&str> {
    let text = bullet(line)?;
    ["[ ]", "[x]", "[X]"].iter().find_map(|tick| text.strip_prefix(tick)).map(str::trim)
}

/// `check (kind): value`; without a kind it is a command.
fn check_line(line: &str) -> Option<(&str, &str)> {
    let text = bullet(line)?;
    let rest = text.strip_prefix("check").or_else(|| text.strip_prefix("Check"))?.trim_start();
    let (kind, rest) = match rest.strip_prefix('(') {
        Some(inner) => inner.split_once(')')?,
        None => ("command", rest),
    };
    Some((kind.trim(), rest.trim_start().strip_prefix(':')?.trim()))
}

fn check(kind: &str, value: &str) -> Check {
    match kind.to_lowercase().as_str() {
        "command" => Check::Command(value.to_owned()),
        "test" => Check::Test(value.to_owned()),
        "sql" => Check::Sql(value.to_owned()),
        "human" => Check::Human(unescape(value)),
        _ => Check::Human(format!("`{kind}` is not a kind of check: {value}")),
    }
}

/// What a code span holds; text that is no span is taken as it stands.
fn code(value: &str) -> String {
    let inner = value.trim_start_matches('`');
    let ticks = value.len() - inner.len();
    let Some(end) = (ticks > 0).then(|| closing(inner, ticks)).flatten() else { return value.to_owned() };
    let span = inner.get(..end).unwrap_or(inner);
    match span.strip_prefix(' ').and_then(|span| span.strip_suffix(' ')) {
        Some(bare) if !span.trim().is_empty() => bare.to_owned(),
        _ => span.to_owned(),
    }
}

/// Where the first run of exactly `ticks` backticks begins.
fn closing(text: &str, ticks: usize) -> Option<usize> {
    let mut at = 0;
    for piece in text.split_inclusive(|c| c != '`') {
        let run = piece.len() - piece.trim_start_matches('`').len();
        if run == ticks {
            return Some(at);
        }
        at += piece.len();
    }
    None
}

/// The content of the code block that comes next, without its indentation.
fn block<'a>(rest: &mut std::slice::Iter<'a, &str>) -> String {
    let mut ahead = rest.clone();
    let Some(open) = ahead.find(|line| !line.trim().is_empty()).and_then(|line| super::Fence::on(line))
    else {
        return String::new();
    };
    let mut lines: Vec<&'a str> = Vec::new();
    for line in ahead.by_ref() {
        if super::Fence::on(line).is_some_and(|fence| open.is_closed_by(&fence)) {
            break;
        }
        let spaces = line.len() - line.trim_start_matches(' ').len();
        lines.push(line.get(spaces.min(open.indent)..).unwrap_or(line));
    }
    *rest = ahead;
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: &[(&str, Check)]) {
        let found = criteria(body);
        let found: Vec<_> = found.iter().map(|one| (one.text.as_str(), one.check.clone())).collect();
        assert_eq!(found, expected, "{body}");
    }

    fn command(value: &str) -> Check {
        Check::Command(value.to_owned())
    }

    fn human(value: &str) -> Check {
        Check::Human(value.to_owned())
    }

    #[test]
    fn what_people_write_by_hand_counts() {
        check(
            "## Acceptance criteria\n\n* [x] a\n  b\n  - Check: make test\n",
            &[("a b", command("make test"))],
        );
        check("### **Acceptance:**\n- [ ] looks good\n", &[("looks good", human("no check is given"))]);
        check(
            "# Acceptance\n- [ ] a\n- [ ] b\n# Tasks\n- [ ] c",
            &[("a", human("no check is given")), ("b", human("no check is given"))],
        );
        check("## Tasks\n- [ ] a\n- [ ] b\n  - check: `make` please", &[("b", command("make"))]);
        check(
            "## Acceptance\r\n- [ ] a\r\n  - check (test):\r\n    ```\r\n    x\r\n    ```\r\n",
            &[("a", Check::Test("x".to_owned()))],
        );
    }

    #[test]
    fn an_unknown_kind_of_check_is_left_to_the_person() {
        check(
            "## Acceptance\n- [ ] a\n  - check (vibes): good",
            &[("a", human("`vibes` is not a kind of check: good"))],
        );
    }

    #[test]
    fn several_checks_of_one_task_are_several_criteria() {
        check(
            "## Acceptance\n- [ ] a\n  - check (command): `x`\n  - check (command): ``y ` z``",
            &[("a", command("x")), ("a", command("y ` z"))],
        );
    }

    #[test]
    fn the_last_acceptance_heading_outside_code_counts() {
        let body =
            "## Acceptance\n- [ ] old\n```\n## Acceptance\n```\n## Acceptance\n- [ ] new\n  - check: `x`\n";
        check(body, &[("new", command("x"))]);
        check("no list at all", &[]);
    }
}
