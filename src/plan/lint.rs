//! Whether a plan is good enough to publish: each problem with its place, in words that a model or a
//! person can mend it by. Pure; what is only doubtful is a warning.

use std::collections::BTreeSet;

use super::order::{Cycle, waves};
use crate::artifact::body::EPIC;
use crate::artifact::plan::{Check, Criterion, Plan, Planned};

/// Issues above which a plan is refused: GitHub holds 100 sub-issues, and nobody reads more than this.
pub const MOST_ISSUES: usize = 30;
/// Issues above which a plan is doubtful.
const MANY_ISSUES: usize = 8;
const LONGEST_TITLE: usize = 100;
const LONGEST_BODY: usize = 20_000;
const SHORTEST_BODY: usize = 60;
const MOST_CRITERIA: usize = 12;
const LONGEST_VALUE: usize = 4_000;
const LONGEST_KEY: usize = 40;

/// Something wrong with a plan.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// Whether it stands in the way.
    pub weight: Weight,
    /// Where: `epic`, `plan`, or an issue's key.
    pub place: String,
    /// What, and what would be right.
    pub text: String,
}

/// Whether a problem stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// The plan cannot be published.
    Error,
    /// Worth a look.
    Warning,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// The errors alone.
pub fn errors(problems: &[Problem]) -> Vec<Problem> {
    problems.iter().filter(|problem| problem.weight == Weight::Error).cloned().collect()
}

/// Everything wrong with a plan, in its own order.
pub fn lint(plan: &Plan) -> Vec<Problem> {
    let mut lint = Lint::default();
    lint.whole(plan);
    for issue in &plan.issues {
        lint.place.clone_from(&issue.key);
        lint.issue(plan, issue);
    }
    lint.problems
}

#[derive(Default)]
struct Lint {
    place: String,
    problems: Vec<Problem>,
}

impl Lint {
    fn error(&mut self, text: impl Into<String>) {
        self.add(Weight::Error, text.into());
    }

    fn warn(&mut self, text: impl Into<String>) {
        self.add(Weight::Warning, text.into());
    }

    fn add(&mut self, weight: Weight, text: String) {
        self.problems.push(Problem { weight, place: self.place.clone(), text });
    }

    fn whole(&mut self, plan: &Plan) {
        "plan".clone_into(&mut self.place);
        if !is_plan_id(&plan.id) {
            self.error(format!("the id `{}` must be `p-` and lowercase letters or digits", plan.id));
        }
        if plan.goal.trim().is_empty() {
            self.error("there is no goal");
        }
        match plan.issues.len() {
            0 => self.error("there are no issues"),
            1..=MANY_ISSUES => {}
            many @ ..=MOST_ISSUES => {
                self.warn(format!("{many} issues are many; 2 to {MANY_ISSUES} read well"));
            }
            many => self.error(format!("{many} issues; at most {MOST_ISSUES} are allowed")),
        }
        if let Err(Cycle(keys)) = waves(plan) {
            self.error(format!("issues wait for one another: {}", keys.join(" ← ")));
        }
        EPIC.clone_into(&mut self.place);
        self.title(&plan.epic.title);
        self.body(&plan.epic.body);
    }

    fn issue(&mut self, plan: &Plan, issue: &Planned) {
        self.key(plan, issue);
        self.title(&issue.title);
        self.body(&issue.body);
        self.blockers(plan, issue);
        self.files(issue);
        if let Some(label) = issue.labels.iter().find(|label| label.trim().is_empty() || label.len() > 50) {
            self.error(format!("the label `{label}` must have 1 to 50 characters"));
        }
        match issue.acceptance.len() {
            0 => self.error("there is no acceptance criterion; give at least one with a check that can run"),
            1..=MOST_CRITERIA => {}
            many => self.error(format!("{many} criteria; at most {MOST_CRITERIA} are allowed")),
        }
        if !issue.acceptance.is_empty() && !issue.acceptance.iter().any(|one| one.check.is_executable()) {
            self.warn("no check can run by itself; a person must decide every criterion");
        }
        for criterion in &issue.acceptance {
            self.criterion(criterion);
        }
    }

    fn key(&mut self, plan: &Plan, issue: &Planned) {
        if !is_key(&issue.key) {
            let text = format!(
                "the key `{}` must be lowercase words joined by `-`, at most {LONGEST_KEY} long",
                issue.key
            );
            self.error(text);
        }
        if issue.key == EPIC {
            self.error("the key `epic` is taken by the epic");
        }
        let first = plan.issues.iter().find(|other| other.key == issue.key);
        if first.is_some_and(|first| !std::ptr::eq(first, issue)) {
            self.error(format!("the key `{}` is used twice", issue.key));
        }
    }

    fn title(&mut self, title: &str) {
        let length = title.chars().count();
        if title.trim().is_empty() || title.contains(['\n', '\r']) {
            self.error("the title must be one line of words");
        } else if length > LONGEST_TITLE {
            self.error(format!("the title has {length} characters; at most {LONGEST_TITLE} are allowed"));
        }
    }

    fn body(&mut self, body: &str) {
        let length = body.trim().chars().count();
        if length < SHORTEST_BODY {
            let text = format!(
                "the body has {length} characters; a stranger needs at least {SHORTEST_BODY}: what, why, and where"
            );
            self.error(text);
        }
        if length > LONGEST_BODY {
            self.error(format!("the body has {length} characters; at most {LONGEST_BODY} are allowed"));
        }
        let lower = body.to_lowercase();
        if let Some(phrase) = ELSEWHERE.iter().find(|phrase| lower.contains(*phrase)) {
            self.warn(format!(
                "“{phrase}” points outside the issue; whoever carries it out sees only the issue"
            ));
        }
    }

    fn blockers(&mut self, plan: &Plan, issue: &Planned) {
        let mut seen = BTreeSet::new();
        for key in &issue.blocked_by {
            if plan.issue(key).is_none() {
                let near = plan.issues.iter().map(|other| (strsim::jaro(&other.key, key), &other.key));
                let near = near.filter(|(near, _)| *near > 0.7).max_by(|a, b| a.0.total_cmp(&b.0));
                let hint = near.map_or(String::new(), |(_, near)| format!("; the nearest key is `{near}`"));
                self.error(format!("blocked_by names `{key}`, which is no issue of the plan{hint}"));
            }
            if !seen.insert(key) {
                self.error(format!("blocked_by names `{key}` twice"));
            }
        }
    }

    fn files(&mut self, issue: &Planned) {
        for file in &issue.files {
            if file.trim_end_matches('/').parse::<crate::artifact::RepoPath>().is_err() {
                self.error(format!("`{file}` is no path inside the repository"));
            }
        }
    }

    fn criterion(&mut self, criterion: &Criterion) {
        let (text, value) = (criterion.text.trim(), criterion.check.value().trim());
        if text.is_empty() {
            self.error("a criterion has no words");
        }
        let named = format!("the check of “{}”", short(text));
        if value.is_empty() {
            let need = if criterion.check.is_executable() { "nothing to run" } else { "no reason" };
            return self.error(format!("{named} is `{}` and has {need}", criterion.check.kind()));
        }
        if value.len() > LONGEST_VALUE {
            self.error(format!("{named} has {} bytes; at most {LONGEST_VALUE} are allowed", value.len()));
        }
        if criterion.check.value().contains('\0') {
            self.error(format!("{named} holds a zero byte"));
        }
        if let Check::Command(command) = &criterion.check {
            self.command(&named, command.trim());
        }
    }

    fn command(&mut self, named: &str, command: &str) {
        let first = command.split_whitespace().next().unwrap_or_default();
        let chained = command.contains(['|', '&', ';', '\n']);
        if !chained && matches!(first, "true" | ":" | "echo" | "exit" | "printf") {
            self.error(format!("{named} is always green: `{command}`"));
        }
        if command.ends_with("|| true") || command.ends_with("; true") {
            self.error(format!("{named} hides its failure: `{command}`"));
        }
        if ["curl ", "wget ", "gh api", "gh issue", "gh pr"].iter().any(|word| command.contains(word)) {
            self.warn(format!("{named} reaches the network, which checks cannot: `{}`", short(command)));
        }
    }
}

const ELSEWHERE: &[&str] = &[
    "as discussed",
    "as mentioned",
    "as described above",
    "in the previous issue",
    "the previous issue",
    "see above",
    "our conversation",
    "as before",
    "as we agreed",
];

fn short(text: &str) -> String {
    let cut: String = text.chars().take(60).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}

/// Lowercase words joined by single `-`.
fn is_key(key: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    key.len() <= LONGEST_KEY && key.split('-').all(word)
}

fn is_plan_id(id: &str) -> bool {
    id.strip_prefix("p-").is_some_and(is_key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::plan::Size;
    use crate::plan::example;

    #[track_caller]
    fn check(change: impl FnOnce(&mut Plan), expected: &[&str]) {
        let mut plan = example::plan();
        change(&mut plan);
        let found: Vec<String> = lint(&plan).iter().map(|one| format!("{:?} {one}", one.weight)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_example_is_good() {
        check(|_| {}, &[]);
    }

    #[test]
    fn keys_and_blockers() {
        check(
            |plan| plan.issues[1].key = "Land Issues".to_owned(),
            &[
                "Error Land Issues: the key `Land Issues` must be lowercase words joined by `-`, at most 40 long",
                "Error count-labels: blocked_by names `land-issues`, which is no issue of the plan; the nearest key is `Land Issues`",
            ],
        );
        check(
            |plan| plan.issues[2].key = "cassette".to_owned(),
            &["Error cassette: the key `cassette` is used twice"],
        );
        check(
            |plan| plan.issues[0].blocked_by = vec!["count-labels".to_owned()],
            &["Error plan: issues wait for one another: cassette ← count-labels ← land-issues ← cassette"],
        );
        check(
            |plan| plan.issues[0].blocked_by = vec!["cassette".to_owned()],
            &["Error plan: issues wait for one another: cassette ← cassette"],
        );
    }

    #[test]
    fn checks_that_show_nothing() {
        let command = |value: &str| Check::Command(value.to_owned());
        for (check_, expected) in [
            (command("true"), "Error cassette: the check of “One row an issue” is always green: `true`"),
            (
                command("make test || true"),
                "Error cassette: the check of “One row an issue” hides its failure: `make test || true`",
            ),
            (
                command(" "),
                "Error cassette: the check of “One row an issue” is `command` and has nothing to run",
            ),
            (
                Check::Human(String::new()),
                "Error cassette: the check of “One row an issue” is `human` and has no reason",
            ),
        ] {
            let criterion = Criterion { text: "One row an issue".to_owned(), check: check_ };
            check(|plan| plan.issues[0].acceptance.push(criterion), &[expected]);
        }
        check(
            |plan| plan.issues[0].acceptance.clear(),
            &[
                "Error cassette: there is no acceptance criterion; give at least one with a check that can run",
            ],
        );
    }

    #[test]
    fn sizes_and_words() {
        check(
            |plan| plan.issues[0].title = "x".repeat(101),
            &["Error cassette: the title has 101 characters; at most 100 are allowed"],
        );
        check(
            |plan| plan.issues[0].body = "Do it.".to_owned(),
            &[
                "Error cassette: the body has 6 characters; a stranger needs at least 60: what, why, and where",
            ],
        );
        check(
            |plan| plan.issues[0].body.push_str(" Do it as discussed."),
            &[
                "Warning cassette: “as discussed” points outside the issue; whoever carries it out sees only the issue",
            ],
        );
        check(
            |plan| plan.issues[0].files = vec!["../x".to_owned()],
            &["Error cassette: `../x` is no path inside the repository"],
        );
        check(|plan| plan.issues[0].size = Size::Large, &[]);
    }
}
