//! Events as people read them, one line or a few each, or as JSON. What an event looks like is decided here only.

use crate::artifact::evidence::{Outcome, Shown};
use crate::artifact::verdict::{Decision, Finding, Severity};
use crate::artifact::{Event, Usd};
use crate::ledger::{self, Entry};

use super::progress;
use super::screen::{BAD, DIM, GOOD, HEAD, LOOK, Line, Screen, styled};

/// Tells one event.
pub(super) fn render(screen: Screen, event: &Event) {
    if screen.json {
        if let Ok(line) = serde_json::to_string(event) {
            drop(screen.result(line));
        }
        return;
    }
    match event {
        Event::Progress { .. } => {
            if screen.line == Line::Drawn {
                progress::draw(event);
            }
        }
        Event::Stage { .. } => {
            progress::clear();
            screen.mention(text(event));
        }
        Event::Warning { .. } => screen.say(text(event)),
        // That something began, and that one more test holds, is for those who asked to be told more.
        Event::Resource { status, .. } if status == "running" && screen.verbose == 0 => {}
        Event::DataTest { outcome, .. } if outcome == "green" && screen.verbose == 0 => {}
        Event::Model { rows: 0, .. } if screen.verbose == 0 => {}
        _ => screen.mention(text(event)),
    }
}

/// An event in words.
pub(super) fn text(event: &Event) -> String {
    match event {
        Event::Stage { name, detail } => format!("{} {detail}", styled(HEAD, format_args!("{name:<10}"))),
        Event::Note { text } => indented(text),
        Event::Warning { text } => format!("{} {text}", styled(LOOK, "warning:")),
        Event::Wait { reason, seconds, until } => {
            indented(&format!("waiting {} until {until}: {reason}", time(seconds * 1_000)))
        }
        Event::Turn { .. } => turn(event),
        Event::Tool { name, summary, outcome, reason } => tool(name, summary, outcome, reason.as_deref()),
        Event::Issue { change, key: _, link, title } => {
            indented(&format!("{change:<9} {} {title}", styled(HEAD, link.number)))
        }
        Event::Check { phase, shown, .. } => check(phase, shown),
        Event::Review { decision, findings, tree } => review(decision, findings, tree.short()),
        Event::Commit { commit, subject, .. } => {
            format!("{} {} {subject}", styled(GOOD, "committed "), styled(HEAD, commit.short()))
        }
        Event::Resource { name, status, rows, requests, reason } => {
            let line = format!("{name:<24} {status:<9} {rows:>8} rows {requests:>5} requests");
            indented(&with_reason(&line, reason.as_deref()))
        }
        // It is a line of its own, which is redrawn.
        Event::Progress { .. } => String::new(),
        Event::Model { name, rows } => indented(&format!("{name:<24} {:<9} {rows:>8} rows", "built")),
        Event::DataTest { name, outcome, rows, detail } => {
            let colour = if outcome == "green" { GOOD } else { BAD };
            let line = format!("{name:<24} {} {rows:>8} rows", styled(colour, format_args!("{outcome:<9}")));
            indented(&with_reason(&line, detail.as_deref()))
        }
    }
}

fn turn(event: &Event) -> String {
    let Event::Turn { role, model, turn, input_tokens, output_tokens, cost, millis } = event else {
        return String::new();
    };
    let (input, output) = (thousands(*input_tokens), thousands(*output_tokens));
    let line =
        format!("{role} {model}, turn {turn}: {input} in, {output} out, {}, {}", money(*cost), time(*millis));
    indented(&styled(DIM, line))
}

fn tool(name: &str, summary: &str, outcome: &str, reason: Option<&str>) -> String {
    let outcome = if outcome == "ok" { String::new() } else { styled(LOOK, outcome) };
    let said = [name, summary, &outcome].into_iter().filter(|word| !word.is_empty());
    // The model is told more than a line where that helps it; people see the rest in the transcript.
    let reason = reason.and_then(|reason| reason.lines().next());
    indented(&format!("· {}", with_reason(&said.collect::<Vec<_>>().join(" "), reason)))
}

fn check(phase: &str, shown: &Shown) -> String {
    let (word, style) = match &shown.outcome {
        Outcome::Green => ("green", GOOD),
        Outcome::Red => ("red", BAD),
        Outcome::NotRun(_) => ("not run", LOOK),
        Outcome::Human => ("for you", LOOK),
    };
    let reason = if let Outcome::NotRun(why) = &shown.outcome { Some(why.as_str()) } else { None };
    let word = styled(style, format_args!("{word:<7}"));
    let line = format!("{phase:<6} {word} {} ({})", shown.criterion, time(shown.millis));
    let mut text = indented(&with_reason(&line, reason));
    for attempt in &shown.network {
        let port = attempt.port.map_or_else(String::new, |port| format!(":{port}"));
        text.push_str(&format_line(&format!("tried to reach {}{port} ({})", attempt.host, attempt.by)));
    }
    text
}

fn format_line(line: &str) -> String {
    format!("\n{}", indented(&indented(&styled(LOOK, line))))
}

fn review(decision: &Decision, findings: &[Finding], tree: &str) -> String {
    let head = match decision {
        Decision::Pass => format!("{} tree {tree}", styled(GOOD, "passed    ")),
        Decision::Block => format!("{} tree {tree}", styled(BAD, "blocked   ")),
        Decision::Unreviewed(why) => format!("{} tree {tree}: {why}", styled(BAD, "unreviewed")),
    };
    let findings = findings.iter().map(finding);
    std::iter::once(head).chain(findings).collect::<Vec<_>>().join("\n")
}

/// One finding, with its place, its evidence and what would mend it.
pub(super) fn finding(finding: &Finding) -> String {
    let (word, style) = match finding.severity {
        Severity::Blocking => ("blocking", BAD),
        Severity::Warning => ("warning", LOOK),
        Severity::Note => ("note", DIM),
    };
    let head = format!("{} {} [{}]", styled(style, word), finding.placed(), finding.source);
    let is_said = |text: &&str| !text.trim().is_empty();
    let evidence = Some(finding.evidence.trim_end()).filter(is_said).map(str::to_owned);
    let suggestion = finding.suggestion.as_deref().filter(is_said);
    let suggestion = suggestion.map(|text| format!("suggested: {}", text.trim()));
    let more = evidence.into_iter().chain(suggestion).map(|text| indented(&indented(&text)));
    std::iter::once(indented(&head)).chain(more).collect::<Vec<_>>().join("\n")
}

/// What a run came to that took `millis` from its beginning to its end, in one line; nothing if it asked no
/// model.
pub(super) fn costs(turns: &[Entry], millis: u64) -> Option<String> {
    let total = ledger::sum(turns);
    if total.turns == 0 {
        return None;
    }
    let roles = ledger::totals(turns);
    let roles = roles.iter().map(|((role, _), total)| format!("{} {}", role.name(), money(total.cost)));
    let roles = roles.collect::<Vec<_>>().join(", ");
    let tokens = format!("{} in, {} out", thousands(total.usage.all_input()), thousands(total.usage.output));
    let turns = if total.turns == 1 { "1 turn".to_owned() } else { format!("{} turns", total.turns) };
    Some(styled(DIM, format!("{} for {turns} ({roles}); {tokens}; {}", money(total.cost), time(millis))))
}

/// An amount, or that it is not known.
pub(super) fn money(cost: Option<Usd>) -> String {
    cost.map_or_else(|| "cost unknown".to_owned(), |cost| cost.to_string())
}

/// A time as people say it.
pub(super) fn time(millis: u64) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        _ => format!("{} min {} s", millis / 60_000, millis % 60_000 / 1_000),
    }
}

/// A number with its thousands set apart.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

fn with_reason(line: &str, reason: Option<&str>) -> String {
    reason.map_or_else(|| line.to_owned(), |reason| format!("{line}: {}", reason.trim_end()))
}

/// `text` broken between its words where a line would be wider than `width`; `first` stands before the
/// first line, `rest` before the others.
pub(super) fn wrapped(text: &str, (first, rest): (&str, &str), width: usize) -> String {
    let columns = |text: &str| anstream::adapter::strip_str(text).to_string().chars().count();
    let mut lines = vec![first.to_owned()];
    let mut room = 0;
    for (index, word) in text.split(' ').enumerate() {
        let Some(line) = lines.last_mut() else { break };
        if index == 0 {
            line.push_str(word);
        } else if room > columns(word) {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(format!("{rest}{word}"));
        }
        room = width.saturating_sub(lines.last().map_or(0, |line| columns(line)));
    }
    lines.join("\n")
}

/// Two spaces before every line.
pub(super) fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(event: &Event) -> String {
        anstream::adapter::strip_str(&text(event)).to_string()
    }

    #[test]
    fn a_turn_with_an_unknown_price_does_not_look_free() {
        let turn = |cost| Event::Turn {
            role: "planner".to_owned(),
            model: "m".to_owned(),
            turn: 3,
            input_tokens: 12_345,
            output_tokens: 678,
            cost,
            millis: 3_240,
        };
        assert_eq!(told(&turn(None)), "  planner m, turn 3: 12,345 in, 678 out, cost unknown, 3.2 s");
        assert_eq!(told(&turn(Some(Usd(0.0512)))), "  planner m, turn 3: 12,345 in, 678 out, $0.05, 3.2 s");
    }

    #[test]
    fn a_refused_tool_says_why() {
        let event = Event::Tool {
            name: "read".to_owned(),
            summary: "../etc/passwd".to_owned(),
            outcome: "refused".to_owned(),
            reason: Some("outside the worktree".to_owned()),
        };
        assert_eq!(told(&event), "  · read ../etc/passwd refused: outside the worktree");
    }

    #[test]
    fn a_tool_is_told_in_one_line_without_blanks_at_its_end() {
        let told = |summary: &str, outcome: &str, reason: Option<&str>| {
            told(&Event::Tool {
                name: "edit".to_owned(),
                summary: summary.to_owned(),
                outcome: outcome.to_owned(),
                reason: reason.map(str::to_owned),
            })
        };
        assert_eq!(told("", "ok", None), "  · edit");
        assert_eq!(told("a.rs", "ok", None), "  · edit a.rs");
        let reason = "Not changed: it does not occur.\nThe nearest lines are:\n    1\tx";
        assert_eq!(
            told("a.rs", "failed", Some(reason)),
            "  · edit a.rs failed: Not changed: it does not occur."
        );
        assert_eq!(told("", "failed", Some(reason)), "  · edit failed: Not changed: it does not occur.");
    }

    #[test]
    fn a_suggestion_is_told_as_one() {
        let found = Finding {
            severity: Severity::Blocking,
            path: "a.rs".parse().ok(),
            line: Some(3),
            title: "rows are lost".to_owned(),
            evidence: "line 3 drops them".to_owned(),
            suggestion: Some("write them first".to_owned()),
            source: "reviewer".to_owned(),
        };
        let expected = "  blocking a.rs:3: rows are lost [reviewer]\n    line 3 drops them\n    suggested: write them first";
        assert_eq!(anstream::adapter::strip_str(&finding(&found)).to_string(), expected);
    }

    #[test]
    fn long_lines_break_between_words_and_styles_take_no_room() {
        for (text, expected) in [
            ("one two", "- one two"),
            ("one two three", "- one two\n  three"),
            ("averyveryverylongword x", "- averyveryverylongword\n  x"),
            ("", "- "),
        ] {
            assert_eq!(wrapped(text, ("- ", "  "), 10), expected, "{text}");
        }
        let styled = format!("one {}", styled(DIM, "two"));
        assert_eq!(wrapped(&styled, ("- ", "  "), 10), format!("- {styled}"));
    }

    #[test]
    fn numbers_are_told_as_people_say_them() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([12, 1_950, 61_000].map(time), ["12 ms", "1.9 s", "1 min 1 s"]);
    }

    #[test]
    fn an_event_is_one_line_of_json() {
        let event = Event::Stage { name: "survey".to_owned(), detail: "reading".to_owned() };
        let line = serde_json::to_string(&event).unwrap();
        assert_eq!(line, r#"{"event":"stage","name":"survey","detail":"reading"}"#);
    }
}
