//! A small plan and issues that unit tests begin with.

use crate::artifact::plan::{Check, Criterion, Epic, Plan, Planned, Size};
use crate::artifact::{IssueId, IssueNumber};
use crate::github::Issue;

/// Three issues in a row: `cassette`, `land-issues`, `count-labels`.
pub(super) fn plan() -> Plan {
    let issue = |key: &str, title: &str, after: &[&str]| Planned {
        key: key.to_owned(),
        title: title.to_owned(),
        body: format!(
            "Build {title} in `pipelines/github/`, because the count of labels reads it in the end."
        ),
        acceptance: vec![Criterion {
            text: "The pipeline's tests pass".to_owned(),
            check: Check::Command("planwright test pipelines/github".to_owned()),
        }],
        blocked_by: after.iter().map(|key| (*key).to_owned()).collect(),
        files: vec!["pipelines/github/".to_owned()],
        labels: Vec::new(),
        size: Size::Small,
    };
    Plan {
        version: Plan::VERSION,
        id: "p-7c21d09e".to_owned(),
        drafted: None,
        goal: "Count issues by label".to_owned(),
        epic: Epic {
            title: "Count issues by label".to_owned(),
            body:
                "One table that tells how many issues each label has; counted in SQL, because it is one join."
                    .to_owned(),
        },
        issues: vec![
            issue("cassette", "Record a cassette of issues", &[]),
            issue("land-issues", "Land issues from the cassette", &["cassette"]),
            issue("count-labels", "Count issues by label", &["land-issues"]),
        ],
        published: Vec::new(),
    }
}

/// An open issue as the tracker has it; its id is 900,000 above its number.
pub(super) fn issue(number: u64, title: &str, body: &str) -> Issue {
    Issue {
        id: IssueId(900_000 + number),
        node_id: String::new(),
        number: IssueNumber(number),
        title: title.to_owned(),
        body: body.to_owned(),
        open: true,
        labels: Vec::new(),
        parent: None,
        url: String::new(),
        is_pull: false,
        updated_at: jiff::Timestamp::UNIX_EPOCH,
    }
}
