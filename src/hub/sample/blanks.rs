//! What goes into the blanks of shapes, by name.

use super::account::{Account, BEGIN, DAY, END, PEOPLE};
use super::activity::WORKFLOWS;
use super::marks::{
    LABELS, MILESTONES, What, assigned_of, association, in_milestone, is_starred, labels_of, milestone_of,
    settled,
};
use super::prose;
use super::routes::REVIEWED;
use super::scene::{RUNS, Row, Scene};
use super::shape::{self, Fill, number, text, time};
use super::spread::{choice, mix};

/// Sentences in bodies, least and most.
const ISSUE_SENTENCES: (usize, usize) = (1, 6);
const COMMENT_SENTENCES: (usize, usize) = (3, 52);

pub(super) const REPOS: usize = 500_000_000;
const USERS: usize = 1_000_000;
const LABEL_IDS: usize = 6_000_000_000;
const MILESTONE_IDS: usize = 7_000_000;
const WORKFLOW_IDS: usize = 9_000_000;

/// How long a workflow runs.
const RUN_SECONDS: i64 = 240;

/// Every blank.
pub(super) const ALL: &[(&str, Fill)] = &[
    ("api", |scene, into| text(into, &scene.base.api)),
    ("web", |scene, into| text(into, &scene.base.web)),
    ("login", |scene, into| text(into, scene.login())),
    ("user_id", |scene, into| number(into, USERS + scene.user)),
    ("public_repos", |scene, into| number(into, if scene.user == 0 { scene.account.repos } else { 0 })),
    ("begin", |_, into| time(into, BEGIN - 365 * DAY)),
    ("user", |scene, into| shape::USER.fill(scene, into)),
    ("owner", |scene, into| shape::USER.fill(&scene.with(0), into)),
    ("place", place),
    ("page", page),
    ("full_name", full_name),
    ("repo", |scene, into| shape::REPO.fill(scene, into)),
    ("owner_login", |_, into| text(into, PEOPLE[0])),
    ("repo_name", |scene, into| repo_name(scene.repo, into)),
    ("repo_id", |scene, into| number(into, REPOS + scene.repo)),
    ("repo_created", |scene, into| time(into, BEGIN - 60 * from_last(scene))),
    ("repo_updated", |scene, into| time(into, END - from_last(scene))),
    ("open", |scene, into| number(into, scene.account.open(scene.repo))),
    ("id", |scene, into| number(into, scene.id)),
    ("number", |scene, into| number(into, scene.number())),
    ("kind", |scene, into| text(into, if scene.is_pull { "pull" } else { "issues" })),
    ("node", |scene, into| text(into, if scene.is_pull { "PR" } else { "I" })),
    ("title", title),
    ("issue_body", |scene, into| prose::body(scene.seed, ISSUE_SENTENCES, into)),
    ("comment_body", comment_body),
    ("created", |scene, into| time(into, scene.created)),
    ("updated", |scene, into| time(into, scene.updated)),
    ("association", |scene, into| text(into, association(scene.user))),
    ("state", |scene, into| text(into, if scene.is_open() { "open" } else { "closed" })),
    ("closed", |scene, into| if scene.is_open() { text(into, "null") } else { time(into, settled(scene)) }),
    ("reason", reason),
    ("merged", |scene, into| if is_merged(scene) { time(into, settled(scene)) } else { text(into, "null") }),
    ("head_commit", |scene, into| commit(scene.nth, 1, into)),
    ("base_commit", |scene, into| commit(scene.nth, 0, into)),
    ("merge_commit", merge_commit),
    ("comments", |scene, into| number(into, scene.account.comments(scene.repo).held(scene.nth))),
    ("here", here),
    ("verdict", |scene, into| text(into, if scene.part == 0 { "APPROVED" } else { "COMMENTED" })),
    ("likes", |scene, into| number(into, usize::from(scene.is_liked()))),
    ("reactions", |scene, into| shape::REACTIONS.fill(scene, into)),
    ("labels", labels),
    ("assignee", assignee),
    ("assignees", assignees),
    ("milestone", milestone),
    ("draft_and_pull", draft_and_pull),
    ("parent_url", parent_url),
    ("children_summary", children_summary),
    ("dependencies_summary", dependencies_summary),
    ("repository", repository),
    ("whole_repo", |scene, into| {
        if matches!(scene.row, Row::WholeRepo(_)) {
            shape::WHOLE_REPO.fill(scene, into);
        }
    }),
    ("whole_pull", |scene, into| {
        if matches!(scene.row, Row::WholePull(_)) {
            shape::WHOLE_PULL.fill(scene, into);
        }
    }),
    ("is_merged", |scene, into| text(into, if is_merged(scene) { "true" } else { "false" })),
    ("merged_by", merged_by),
    ("remarks", |scene, into| number(into, remarks(scene))),
    ("commits", |scene, into| number(into, changed_files(scene).div_ceil(3))),
    ("changed_files", |scene, into| number(into, changed_files(scene))),
    ("additions", |scene, into| number(into, changed_files(scene) * (1 + choice(scene.seed ^ 2, 80)))),
    ("deletions", |scene, into| number(into, changed_files(scene) * choice(scene.seed ^ 3, 40))),
    ("label_id", |scene, into| number(into, LABEL_IDS + scene.repo * LABELS.len() + scene.part)),
    ("label_name", |scene, into| label(scene, 0, into)),
    ("label_path", |scene, into| label(scene, 1, into)),
    ("label_color", |scene, into| label(scene, 2, into)),
    ("label_description", |scene, into| label(scene, 3, into)),
    ("milestone_id", |scene, into| number(into, MILESTONE_IDS + scene.repo * MILESTONES + scene.part)),
    ("milestone_number", |scene, into| number(into, scene.part + 1)),
    ("milestone_open", |scene, into| number(into, in_milestone(scene.account, scene.repo, scene.part).0)),
    ("milestone_closed", |scene, into| number(into, in_milestone(scene.account, scene.repo, scene.part).1)),
    ("stars", |scene, into| number(into, usize::from(is_starred(scene.repo)))),
    ("event", |scene, into| text(into, happened(scene).map_or("", What::name))),
    ("more_of_event", more_of_event),
    ("workflow_id", |scene, into| number(into, WORKFLOW_IDS + scene.repo * WORKFLOWS.len() + scene.part)),
    ("workflow", |scene, into| text(into, WORKFLOWS.get(scene.part).unwrap_or(&""))),
    ("run_id", |scene, into| number(into, RUNS + scene.account.deal().thing((scene.repo, scene.nth)))),
    ("run_number", |scene, into| {
        number(into, scene.account.pulls(scene.repo).nth(scene.nth).map_or(0, |pull| pull + 1));
    }),
    ("conclusion", |scene, into| {
        text(into, if scene.seed.is_multiple_of(6) { "failure" } else { "success" });
    }),
    ("ended", |scene, into| time(into, scene.created + RUN_SECONDS)),
];

fn place(scene: &Scene<'_>, into: &mut Vec<u8>) {
    text(into, &scene.base.api);
    text(into, "/repos/");
    full_name(scene, into);
}

fn page(scene: &Scene<'_>, into: &mut Vec<u8>) {
    text(into, &scene.base.web);
    text(into, "/");
    full_name(scene, into);
}

fn full_name(scene: &Scene<'_>, into: &mut Vec<u8>) {
    text(into, PEOPLE[0]);
    text(into, "/");
    repo_name(scene.repo, into);
}

/// All as long as each other, so that names sort like numbers.
fn repo_name(repo: usize, into: &mut Vec<u8>) {
    text(into, "repo-");
    let zeros = [9, 99, 999, 9_999].iter().filter(|limit| repo < **limit).count();
    into.resize(into.len() + zeros, b'0');
    number(into, repo + 1);
}

/// How many repositories are younger.
fn from_last(scene: &Scene<'_>) -> i64 {
    i64::try_from(scene.account.repos - scene.repo).unwrap_or(0)
}

fn title(scene: &Scene<'_>, into: &mut Vec<u8>) {
    prose::title(scene.seed, into);
    if scene.is_changed {
        text(into, ", once more");
    }
}

fn comment_body(scene: &Scene<'_>, into: &mut Vec<u8>) {
    prose::body(scene.seed, COMMENT_SENTENCES, into);
    if scene.is_changed {
        text(into, "\\n\\nEdited: see the next release.");
    }
}

/// Of four closed pull requests, three were merged.
pub(super) const fn is_merged(scene: &Scene<'_>) -> bool {
    scene.is_pull && !scene.is_open() && !scene.seed.is_multiple_of(4)
}

fn merged_by(scene: &Scene<'_>, into: &mut Vec<u8>) {
    if is_merged(scene) {
        shape::USER.fill(&scene.with(0), into);
    } else {
        text(into, "null");
    }
}

/// Files that a pull request changes.
const fn changed_files(scene: &Scene<'_>) -> usize {
    1 + choice(scene.seed ^ 1, 12)
}

/// Remarks on the diff of a pull request.
fn remarks(scene: &Scene<'_>) -> usize {
    let pull = scene.account.pulls(scene.repo).nth(scene.nth);
    usize::from(pull.is_some_and(|pull| pull.is_multiple_of(REVIEWED)))
}

fn merge_commit(scene: &Scene<'_>, into: &mut Vec<u8>) {
    if is_merged(scene) {
        into.push(b'"');
        commit(scene.nth, 2, into);
        into.push(b'"');
    } else {
        text(into, "null");
    }
}

/// The id of a commit: forty digits.
fn commit(nth: usize, which: usize, into: &mut Vec<u8>) {
    let seed = mix((3 * nth + which) as u64 ^ (1 << 42));
    for place in 0..40 {
        into.push(b"0123456789abcdef".get(choice(seed ^ place, 16)).copied().unwrap_or_default());
    }
}

fn reason(scene: &Scene<'_>, into: &mut Vec<u8>) {
    let reason = match (scene.is_pull || scene.is_open(), scene.seed.is_multiple_of(8)) {
        (true, _) => "null",
        (false, true) => "\"not_planned\"",
        (false, false) => "\"completed\"",
    };
    text(into, reason);
}

fn here(scene: &Scene<'_>, into: &mut Vec<u8>) {
    place(scene, into);
    let (kind, name) = match scene.row {
        Row::Comment(_) | Row::Said(_) => ("/issues/comments/", scene.id),
        Row::Review(_) => ("/pulls/comments/", scene.id),
        _ => ("/issues/", scene.number()),
    };
    text(into, kind);
    number(into, name);
}

/// Between brackets.
fn labels(scene: &Scene<'_>, into: &mut Vec<u8>) {
    into.push(b'[');
    for (nth, part) in labels_of(scene.seed).enumerate() {
        text(into, if nth > 0 { "," } else { "" });
        shape::LABEL.fill(&Scene { part, ..*scene }, into);
    }
    into.push(b']');
}

fn assigned(scene: &Scene<'_>) -> Option<usize> {
    assigned_of(scene.seed)
}

fn assignee(scene: &Scene<'_>, into: &mut Vec<u8>) {
    match assigned(scene) {
        Some(user) => shape::USER.fill(&scene.with(user), into),
        None => text(into, "null"),
    }
}

fn assignees(scene: &Scene<'_>, into: &mut Vec<u8>) {
    into.push(b'[');
    if let Some(user) = assigned(scene) {
        shape::USER.fill(&scene.with(user), into);
    }
    into.push(b']');
}

fn milestone(scene: &Scene<'_>, into: &mut Vec<u8>) {
    match milestone_of(scene.nth) {
        Some(part) => shape::MILESTONE.fill(&Scene { part, ..*scene }, into),
        None => text(into, "null"),
    }
}

fn draft_and_pull(scene: &Scene<'_>, into: &mut Vec<u8>) {
    if scene.is_pull {
        text(into, "\"draft\":false,\"pull_request\":");
        shape::PULL_LINK.fill(scene, into);
        text(into, ",");
    }
}

fn parent_url(scene: &Scene<'_>, into: &mut Vec<u8>) {
    if let Some(nth) = scene.links.parent {
        text(into, "\"parent_issue_url\":\"");
        here(&Scene { nth, ..*scene }, into);
        text(into, "\",");
    }
}

fn children_summary(scene: &Scene<'_>, into: &mut Vec<u8>) {
    let (total, open) = counted(scene.links.children.into_iter());
    let percent = ((total - open) * 100).checked_div(total).unwrap_or(0);
    members(&[("total", total), ("completed", total - open), ("percent_completed", percent)], into);
}

fn dependencies_summary(scene: &Scene<'_>, into: &mut Vec<u8>) {
    let (total_blocked_by, blocked_by) = counted(scene.links.blocked_by.into_iter());
    let (total_blocking, blocking) = counted([scene.links.blocking].into_iter());
    members(
        &[
            ("blocked_by", blocked_by),
            ("total_blocked_by", total_blocked_by),
            ("blocking", blocking),
            ("total_blocking", total_blocking),
        ],
        into,
    );
}

/// How many, and how many of them are open.
fn counted(issues: impl Iterator<Item = Option<usize>>) -> (usize, usize) {
    issues.flatten().fold((0, 0), |(all, open), nth| (all + 1, open + usize::from(Account::is_open(nth))))
}

/// An object of numbers.
fn members(members: &[(&str, usize)], into: &mut Vec<u8>) {
    for (nth, (name, value)) in members.iter().enumerate() {
        text(into, if nth == 0 { "{\"" } else { ",\"" });
        text(into, name);
        text(into, "\":");
        number(into, *value);
    }
    text(into, "}");
}

fn repository(scene: &Scene<'_>, into: &mut Vec<u8>) {
    if matches!(scene.row, Row::IssueAtHome(_)) {
        text(into, "\"repository\":");
        shape::REPO.fill(scene, into);
        text(into, ",");
    }
}

/// What was done to the issue.
const fn happened(scene: &Scene<'_>) -> Option<What> {
    match scene.row {
        Row::Happened(_, what) | Row::Event(_, what) => Some(what),
        _ => None,
    }
}

/// What an event is about, and in a repository's list the issue it was done to.
fn more_of_event(scene: &Scene<'_>, into: &mut Vec<u8>) {
    match happened(scene) {
        Some(What::Labeled(_)) => {
            text(into, "\"label\":{\"name\":\"");
            label(scene, 0, into);
            text(into, "\",\"color\":\"");
            label(scene, 2, into);
            text(into, "\"},");
        }
        Some(What::Assigned) => {
            text(into, "\"assignee\":");
            assignee(scene, into);
            text(into, ",");
        }
        Some(What::Closed) | None => {}
    }
    if let Row::Event(entry, _) = scene.row {
        text(into, "\"issue\":");
        shape::ISSUE.fill(&Scene::of(scene.account, scene.base, Row::Issue(entry)), into);
        text(into, ",");
    }
}

fn label(scene: &Scene<'_>, column: usize, into: &mut Vec<u8>) {
    let known = LABELS.get(scene.part).and_then(|label: &[&str; 4]| label.get(column));
    text(into, known.unwrap_or(&""));
}
