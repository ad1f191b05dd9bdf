//! Writing bodies: prose as the planner gave it, then what planwright reads back or mentions.

use std::fmt::Write as _;

use super::plain::{BETWEEN, HEADING};
use super::{EPIC, Fences, Marker, seal};
use crate::artifact::IssueNumber;
use crate::artifact::plan::{Check, Criterion, Plan, Planned};

/// The body of the epic. `links` are the issues that have numbers already, by key.
pub fn epic(plan: &Plan, links: &[(String, IssueNumber)]) -> String {
    let mut text =
        format!("> {}\n\n{}\n\n## Issues\n\n", escape(&one_line(&plan.goal)), prose(&plan.epic.body));
    for issue in &plan.issues {
        let after = mentions(plan, &issue.blocked_by, links);
        let name = mention(plan, &issue.key, links);
        let after = if after.is_empty() { String::new() } else { format!(", after {after}") };
        push(&mut text, format_args!("- {name}{after}\n"));
    }
    seal(&plan.epic.title, &Marker { plan: plan.id.clone(), key: EPIC.to_owned() }, text.trim_end())
}

/// The body of one issue. `links` are the issues that have numbers already, by key.
pub fn issue(
    plan: &Plan,
    planned: &Planned,
    links: &[(String, IssueNumber)],
    epic: Option<IssueNumber>,
) -> String {
    let mut text = format!("{}\n\n{HEADING}\n\n", prose(&planned.body));
    for criterion in &planned.acceptance {
        text.push_str(&task(criterion));
    }
    if !planned.files.is_empty() {
        text.push_str("\n## Files\n\n");
        for file in &planned.files {
            push(&mut text, format_args!("- {}\n", span(&one_line(file))));
        }
    }
    let mut last = Vec::new();
    last.extend(epic.map(|number| format!("Part of {number}")));
    let blockers = mentions(plan, &planned.blocked_by, links);
    last.extend((!blockers.is_empty()).then(|| format!("blocked by {blockers}")));
    last.push(format!("size: {}", planned.size.name()));
    push(&mut text, format_args!("\n---\n\n{}", last.join(BETWEEN)));
    seal(&planned.title, &Marker { plan: plan.id.clone(), key: planned.key.clone() }, &text)
}

/// Writing to a string cannot fail.
fn push(text: &mut String, piece: std::fmt::Arguments<'_>) {
    text.write_fmt(piece).unwrap_or_default();
}

/// `#12, #13`; an issue without a number yet is named by its title.
fn mentions(plan: &Plan, keys: &[String], links: &[(String, IssueNumber)]) -> String {
    let names: Vec<String> = keys.iter().map(|key| mention(plan, key, links)).collect();
    names.join(", ")
}

fn mention(plan: &Plan, key: &str, links: &[(String, IssueNumber)]) -> String {
    let number = links.iter().find(|(linked, _)| linked == key).map(|(_, number)| number.to_string());
    let title = || plan.issue(key).map_or(key, |issue| &issue.title);
    number.unwrap_or_else(|| format!("“{}”", escape(&one_line(title()))))
}

/// One criterion as a task with its check beneath.
pub(super) fn task(criterion: &Criterion) -> String {
    let check = &criterion.check;
    let value = match check {
        Check::Human(reason) => format!(" {}", escape(&one_line(reason))),
        Check::Command(value) => code(value, "sh"),
        Check::Sql(value) => code(value, "sql"),
        Check::Test(value) => code(value, ""),
    };
    format!("- [ ] {}\n  - check ({}):{value}\n", escape(&one_line(&criterion.text)), check.kind())
}

/// A value as a code span, or as a code block under its list item where it has several lines.
fn code(value: &str, language: &str) -> String {
    let value = value.replace("\r\n", "\n").replace('\r', "\n");
    if !value.contains('\n') && !value.trim().is_empty() {
        return format!(" {}", span(&value));
    }
    let fence = "`".repeat((longest_run(&value) + 1).max(3));
    let mut block = format!("\n    {fence}{language}\n");
    for line in value.split('\n') {
        if !line.is_empty() {
            push(&mut block, format_args!("    {line}"));
        }
        block.push('\n');
    }
    push(&mut block, format_args!("    {fence}"));
    block
}

/// A code span that holds exactly `value`, whatever backticks are in it (`CommonMark` 6.1).
fn span(value: &str) -> String {
    let ticks = "`".repeat(longest_run(value) + 1);
    let pad = if value.starts_with([' ', '`']) || value.ends_with([' ', '`']) { " " } else { "" };
    format!("{ticks}{pad}{value}{pad}{ticks}")
}

fn longest_run(value: &str) -> usize {
    value.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Prose that cannot swallow or forge what comes after it: a comment that does not close on its line,
/// or has the shape of a marker, is shown as text, and an open code block is closed.
fn prose(text: &str) -> String {
    let mut fences = Fences::default();
    let mut lines = Vec::new();
    for line in text.trim().lines() {
        let closes = line.rfind("<!--") < line.rfind("-->") && !line.contains("planwright:");
        let harmless = fences.is_code(line) || closes;
        lines.push(if harmless { line.to_owned() } else { line.replace("<!--", "&lt;!--") });
    }
    if let Some(open) = fences.open {
        lines.push(format!("{}{}", " ".repeat(open.indent), open.mark.to_string().repeat(open.length)));
    }
    lines.join("\n")
}

const SHOWN: &str = "lt;!--";

/// Shows `<!--` in running text; [`unescape`] is its inverse.
pub(super) fn escape(text: &str) -> String {
    each_shown(text, |whole, before| {
        whole.push_str(before);
        whole.push_str("amp;");
        whole.push_str(SHOWN);
    })
    .replace("<!--", "&lt;!--")
}

/// The inverse of [`escape`].
pub(super) fn unescape(text: &str) -> String {
    each_shown(text, |whole, before| match (before.strip_suffix("amp;"), before.strip_suffix('&')) {
        (Some(fewer), _) => whole.extend([fewer, SHOWN]),
        (None, Some(start)) => whole.extend([start, "<!--"]),
        (None, None) => whole.extend([before, SHOWN]),
    })
}

/// Rebuilds a text, handing every `&lt;!--`, `&amp;lt;!--`, … in it to `put` with what stands before `lt;`.
fn each_shown(text: &str, put: impl Fn(&mut String, &str)) -> String {
    let mut whole = String::with_capacity(text.len() + 8);
    let mut pieces = text.split(SHOWN).peekable();
    while let Some(before) = pieces.next() {
        let is_last = pieces.peek().is_none();
        let is_shown = before.trim_end_matches("amp;").ends_with('&');
        match (is_last, is_shown) {
            (true, _) => whole.push_str(before),
            (false, true) => put(&mut whole, before),
            (false, false) => whole.extend([before, SHOWN]),
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::body::{criteria, goal, marker, plain, untouched};
    use crate::artifact::plan::{Epic, Size};

    const NASTY: &[&str] = &[
        "`",
        "``",
        "```",
        "~~~",
        "\n",
        "\r\n",
        "\n\n",
        " ",
        "  ",
        "\t",
        "-",
        "- [ ] ",
        "- [x] ",
        "## Acceptance\n",
        "# ",
        "<!--",
        "-->",
        "&lt;!--",
        "&amp;lt;!--",
        "lt;!--",
        "amp;",
        "&",
        "check (command): `x`",
        "- check (sql):",
        "<!-- planwright:plan=p-evil key=evil v1 -->",
        "\n<!-- planwright:plan=p-evil key=evil v1 -->\n",
        "ä",
        "数",
        "🦀",
        "select * from t where a = 'b';",
        "\\",
        "|",
        "> ",
        "---",
        "1. ",
        "\u{a0}",
        "x",
        "word",
        "\"",
        "'",
        "#12",
        "@me",
    ];

    fn nasty(random: &mut fastrand::Rng) -> String {
        let pieces = random.usize(0..9);
        (0..pieces).map(|_| random.choice(NASTY).copied().unwrap_or_default()).collect()
    }

    /// Text that the lint lets through: something besides white space.
    fn filled(random: &mut fastrand::Rng) -> String {
        Some(nasty(random)).filter(|text| !text.trim().is_empty()).unwrap_or_else(|| "filled".to_owned())
    }

    fn criterion(random: &mut fastrand::Rng) -> Criterion {
        let value = filled(random);
        let check = match random.u8(0..4) {
            0 => Check::Command(value),
            1 => Check::Test(value),
            2 => Check::Sql(value),
            _ => Check::Human(value),
        };
        Criterion { text: filled(random), check }
    }

    fn plan(random: &mut fastrand::Rng) -> Plan {
        let issue = |key: &str, random: &mut fastrand::Rng| Planned {
            key: key.to_owned(),
            title: filled(random),
            body: nasty(random),
            acceptance: (0..random.usize(1..4)).map(|_| criterion(random)).collect(),
            blocked_by: Vec::new(),
            files: (0..random.usize(0..3)).map(|_| nasty(random)).collect(),
            labels: Vec::new(),
            size: Size::Small,
        };
        let (clock, second) = (issue("clock", random), issue("second", random));
        Plan {
            version: Plan::VERSION,
            id: "p-7c21d09e".to_owned(),
            drafted: None,
            goal: filled(random),
            epic: Epic { title: filled(random), body: nasty(random) },
            issues: vec![clock, Planned { blocked_by: vec!["clock".to_owned()], ..second }],
            published: Vec::new(),
        }
    }

    /// What a body keeps: words of a text on one line; values byte for byte but for their line ends.
    fn kept(criterion: &Criterion) -> Criterion {
        let value = criterion.check.value().replace("\r\n", "\n").replace('\r', "\n");
        let check = match &criterion.check {
            Check::Command(_) => Check::Command(value),
            Check::Test(_) => Check::Test(value),
            Check::Sql(_) => Check::Sql(value),
            Check::Human(reason) => Check::Human(one_line(reason)),
        };
        Criterion { text: one_line(&criterion.text), check }
    }

    /// What is left of a body without marker, criteria and footer.
    fn plainly(planned: &Planned) -> String {
        let mut text = prose(&planned.body);
        if !planned.files.is_empty() {
            let files: Vec<_> =
                planned.files.iter().map(|file| format!("- {}", span(&one_line(file)))).collect();
            text = format!("{text}\n\n## Files\n\n{}", files.join("\n"));
        }
        let lines: Vec<_> = text.lines().map(str::trim_end).collect();
        lines.join("\n").trim().to_owned()
    }

    #[test]
    fn criteria_and_marker_survive_any_text() {
        for seed in 0..1_500 {
            let random = &mut fastrand::Rng::with_seed(seed);
            let plan = plan(random);
            for planned in &plan.issues {
                let body = issue(&plan, planned, &[], Some(IssueNumber(11)));
                let expected: Vec<_> = planned.acceptance.iter().map(kept).collect();
                for body in [body.clone(), body.replace('\n', "\r\n"), body.trim_end().to_owned()] {
                    assert_eq!(criteria(&body), expected, "seed {seed}\n{body}");
                    let marker = marker(&body).map(|marker| (marker.plan, marker.key));
                    assert_eq!(marker, Some((plan.id.clone(), planned.key.clone())), "seed {seed}");
                    assert!(untouched(&planned.title, &body), "seed {seed}\n{body}");
                }
                assert_eq!(plain(&body), plainly(planned), "seed {seed}\n{body}");
                let rest: Vec<_> = body.lines().skip(1).collect();
                assert_eq!(marker(&rest.join("\n")), None, "seed {seed}: text forged a marker\n{body}");
            }
            let body = epic(&plan, &[]);
            assert_eq!(goal(&body), Some(one_line(&plan.goal)), "seed {seed}\n{body}");
            assert_eq!(marker(&body).map(|marker| marker.key).as_deref(), Some(EPIC), "seed {seed}");
        }
    }

    #[test]
    fn an_issue_reads_well() {
        let random = &mut fastrand::Rng::with_seed(1);
        let mut plan = plan(random);
        plan.issues[1] = Planned {
            key: "second".to_owned(),
            title: "Count issues by label".to_owned(),
            body: "Add `models/labels.sql`.\n\nIt reads `issues`.".to_owned(),
            acceptance: vec![
                Criterion {
                    text: "The data tests pass".to_owned(),
                    check: Check::Command("planwright test".to_owned()),
                },
                Criterion {
                    text: "No label twice".to_owned(),
                    check: Check::Sql("select label\nfrom labels".to_owned()),
                },
                Criterion { text: "Names are clear".to_owned(), check: Check::Human("taste".to_owned()) },
            ],
            blocked_by: vec!["clock".to_owned()],
            files: vec!["models/labels.sql".to_owned()],
            labels: Vec::new(),
            size: Size::Small,
        };
        let links = [("clock".to_owned(), IssueNumber(12))];
        insta::assert_snapshot!(issue(&plan, &plan.issues[1], &links, Some(IssueNumber(11))), @r"
        <!-- planwright:plan=p-7c21d09e key=second v1 sum=f20de3d4271c -->
        Add `models/labels.sql`.

        It reads `issues`.

        ## Acceptance

        - [ ] The data tests pass
          - check (command): `planwright test`
        - [ ] No label twice
          - check (sql):
            ```sql
            select label
            from labels
            ```
        - [ ] Names are clear
          - check (human): taste

        ## Files

        - `models/labels.sql`

        ---

        Part of #11 · blocked by #12 · size: small
        ");
    }
}
