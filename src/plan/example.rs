//! A small plan that unit tests begin with.

use crate::artifact::plan::{Check, Criterion, Epic, Plan, Planned, Size};

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
