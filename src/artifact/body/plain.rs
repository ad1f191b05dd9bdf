//! A body without what planwright wrote there for itself: what is left is what the issue says.
//!
//! Whoever is given the criteria apart has no use for the marker, the acceptance list and the footer.
//! What a person wrote or changed in those places stays: a part goes only where it is, to the letter, as
//! planwright writes it.

use super::read::{criteria, section};
use super::write::task;
use crate::artifact::IssueNumber;
use crate::artifact::plan::Size;

/// The heading that planwright writes above the criteria.
pub(super) const HEADING: &str = "## Acceptance";
/// What stands between the parts of the footer.
pub(super) const BETWEEN: &str = " · ";

/// The body without marker, acceptance list and footer, as far as they are planwright's own words.
pub fn plain(body: &str) -> String {
    let marker = super::found(body).map(|(line, _, _)| line);
    let lines = body.lines().enumerate().filter(|(number, _)| Some(*number) != marker);
    let mut lines: Vec<&str> = lines.map(|(_, line)| line.trim_end()).collect();
    trim(&mut lines);
    if lines.last().is_some_and(|line| is_footer(line)) && is_set_apart(&lines) {
        lines.truncate(lines.len() - 3);
        trim(&mut lines);
    }
    if let Some(section) = section(&lines).filter(|section| is_own(lines.get(section.clone()), body)) {
        let heading = section.start - 1;
        if lines.get(heading) == Some(&HEADING) {
            lines.drain(heading..section.end);
        }
    }
    lines.join("\n").trim().to_owned()
}

fn trim(lines: &mut Vec<&str>) {
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
}

/// Whether a section says exactly what its criteria say, in the same words.
fn is_own(section: Option<&[&str]>, body: &str) -> bool {
    let written: String = criteria(body).iter().map(task).collect();
    let section = section.unwrap_or_default().join("\n");
    !written.is_empty() && section.trim().lines().eq(written.trim().lines().map(str::trim_end))
}

/// `Part of #11 · blocked by #12 · size: small`: the parts in their order, the last one always there.
fn is_footer(line: &str) -> bool {
    let mut parts = line.split(BETWEEN).peekable();
    if let Some(part) = parts.peek().and_then(|part| part.strip_prefix("Part of #")) {
        if part.parse::<IssueNumber>().is_err() {
            return false;
        }
        parts.next();
    }
    if parts.peek().is_some_and(|part| part.starts_with("blocked by ")) {
        parts.next();
    }
    let size = parts.next().and_then(|part| part.strip_prefix("size: "));
    let sizes = [Size::Small, Size::Medium, Size::Large].map(Size::name);
    size.is_some_and(|size| sizes.contains(&size)) && parts.next().is_none()
}

/// Whether a rule and an empty line stand above the last line.
fn is_set_apart(lines: &[&str]) -> bool {
    matches!(lines, [.., "---", "", _])
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: &str = "<!-- planwright:plan=p-1 key=stars v1 sum=0 -->\nLoad the stars.\n\n## Acceptance\n\n- [ ] they are there\n  - check (command): `make stars`\n\n## Files\n\n- `stars.sql`\n\n---\n\nPart of #11 · blocked by #12 · size: small\n";

    #[track_caller]
    fn check(change: impl Fn(String) -> String, expected: &str) {
        let body = change(WRITTEN.to_owned());
        assert_eq!(plain(&body), expected, "{body}");
        assert_eq!(plain(&body.replace('\n', "\r\n")), expected, "{body}");
    }

    #[test]
    fn only_what_planwright_wrote_for_itself_goes() {
        let files = "## Files\n\n- `stars.sql`";
        let list = "## Acceptance\n\n- [ ] they are there\n  - check (command): `make stars`";
        let footer = "---\n\nPart of #11 · blocked by #12 · size: small";
        let same = format!("Load the stars.\n\n{files}");
        check(|body| body, &same);
        check(|body| body.replace("make stars", "make all"), &same);
        check(|body| body.replace("## Files\n\n- `stars.sql`\n\n", ""), "Load the stars.");
        check(
            |body| format!("A person was here.\n{body}"),
            &format!("A person was here.\nLoad the stars.\n\n{files}"),
        );
        // What a person wrote into the list, above the rule or into the footer keeps its place.
        check(
            |body| body.replace("[ ]", "[x]"),
            &format!("Load the stars.\n\n{}\n\n{files}", list.replace("[ ]", "[x]")),
        );
        check(
            |body| body.replace("stars`\n\n## F", "stars`\n\nAsk Ada first.\n\n## F"),
            &format!("Load the stars.\n\n{list}\n\nAsk Ada first.\n\n{files}"),
        );
        check(
            |body| body.replace("## Acceptance", "## Acceptance, agreed with Ada"),
            &format!("Load the stars.\n\n{}\n\n{files}", list.replace("ance\n", "ance, agreed with Ada\n")),
        );
        check(
            |body| body.replace("size: small", "size: small, says Ada"),
            &format!("{same}\n\n{footer}, says Ada"),
        );
        check(|body| format!("{body}\nAda: take care."), &format!("{same}\n\n{footer}\n\nAda: take care."));
        check(
            |body| body.replace("---\n\nPart", "Part"),
            &format!("{same}\n\n{}", footer.replace("---\n\n", "")),
        );
    }

    #[test]
    fn a_body_that_a_person_wrote_stays_as_it_is() {
        for body in [
            "",
            "Say hello.",
            "## Acceptance",
            "## Acceptance\n\nIt is friendly.",
            "size: small",
            "a\n\n---\n\nb",
        ] {
            assert_eq!(plain(body), body);
        }
    }
}
