//! Sub-issues and dependencies: GitHub's own links between issues, by database id.
//!
//! The rules are GitHub's ("Adding sub-issues", "Creating issue dependencies"): the same owner, one
//! parent, no cycles, at most 100 sub-issues and eight levels, at most 50 links each way.

use super::answer::{Desk, Reply, Spot};
use super::refusal::Refusal;
use super::request::Request;
use super::state::{Change, Issue, State};

const CHILDREN: usize = 100;
const LEVELS: usize = 8;
const LINKS: usize = 50;

pub(super) fn parent(desk: &Desk<'_>, at: Spot<'_>) -> Result<Reply, Refusal> {
    let (_, issue) = desk.issue(at.0, at.1, at.2)?;
    desk.show_issue(200, issue.parent.ok_or_else(Refusal::not_found)?)
}

pub(super) fn children(desk: &Desk<'_>, request: &Request, at: Spot<'_>) -> Result<Reply, Refusal> {
    let (_, issue) = desk.issue(at.0, at.1, at.2)?;
    Reply::list(request, desk.context().issues(&issue.children), |view| view)
}

pub(super) fn add_child(desk: &mut Desk<'_>, request: &Request, at: Spot<'_>) -> Result<Reply, Refusal> {
    let fields = request.fields()?;
    let child = fields.required_integer("sub_issue_id")?;
    let replace = fields.flag("replace_parent")?.unwrap_or(false);
    let (_, issue) = desk.writable_issue(at.0, at.1, at.2)?;
    let changes = decide_child(&desk.store.state, issue, child, replace)?;
    let parent = issue.new.id;
    desk.store.commit(&changes)?;
    desk.show_issue(201, parent)
}

/// Whether `child` may become a sub-issue, and the changes that make it one.
fn decide_child(state: &State, parent: &Issue, child: u64, replace: bool) -> Result<Vec<Change>, Refusal> {
    let refuse = |why: &str| {
        Refusal::new(422, format!("An error occurred while adding the sub-issue to the parent issue. {why}"))
    };
    let found = state.issue_by_id(child);
    let issue = found.ok_or_else(|| Refusal::new(404, "The provided sub-issue does not exist"))?;
    let id = parent.new.id;
    if owner(state, issue) != owner(state, parent) {
        return Err(refuse("Sub-issues must belong to the same owner as their parent"));
    }
    if parent.children.contains(&child) {
        return Err(refuse(
            "Issue may not contain duplicate sub-issues and Sub issue may only have one parent",
        ));
    }
    if issue.parent.is_some() && !replace {
        return Err(refuse("Sub issue may only have one parent"));
    }
    let ancestors = ancestors(state, id);
    if child == id || ancestors.contains(&child) {
        return Err(refuse("Sub issue may not create a circular dependency"));
    }
    if parent.children.len() >= CHILDREN {
        return Err(refuse(&format!("Parent cannot have more than {CHILDREN} sub-issues")));
    }
    if ancestors.len() + 1 + height(state, issue, LEVELS) > LEVELS {
        return Err(refuse(&format!("Sub-issues may not be nested deeper than {LEVELS} levels")));
    }
    let old = issue.parent.map(|parent| Change::NoSubIssue { parent, child });
    Ok(old.into_iter().chain([Change::SubIssue { parent: id, child }]).collect())
}

pub(super) fn remove_child(desk: &mut Desk<'_>, request: &Request, at: Spot<'_>) -> Result<Reply, Refusal> {
    let child = request.fields()?.required_integer("sub_issue_id")?;
    let (_, issue) = desk.writable_issue(at.0, at.1, at.2)?;
    let parent = issue.new.id;
    if !issue.children.contains(&child) {
        return Err(Refusal::new(404, "The provided sub-issue does not exist"));
    }
    desk.store.commit(&[Change::NoSubIssue { parent, child }])?;
    desk.show_issue(200, parent)
}

pub(super) fn blockers(
    desk: &Desk<'_>,
    request: &Request,
    at: Spot<'_>,
    side: &str,
) -> Result<Reply, Refusal> {
    let (_, issue) = desk.issue(at.0, at.1, at.2)?;
    let ids = if side == "blocking" { &issue.blocking } else { &issue.blocked_by };
    Reply::list(request, desk.context().issues(ids), |view| view)
}

pub(super) fn add_blocker(desk: &mut Desk<'_>, request: &Request, at: Spot<'_>) -> Result<Reply, Refusal> {
    let by = request.fields()?.required_integer("issue_id")?;
    let (_, issue) = desk.writable_issue(at.0, at.1, at.2)?;
    let id = issue.new.id;
    refuse_blocker(&desk.store.state, issue, by)?;
    desk.store.commit(&[Change::Blocked { issue: id, by }])?;
    desk.show_issue(201, by)
}

fn refuse_blocker(state: &State, issue: &Issue, by: u64) -> Result<(), Refusal> {
    let refuse = |why: &str| Err(Refusal::custom("IssueDependency", "issue_id", why));
    let Some(blocker) = state.issue_by_id(by) else {
        return Err(Refusal::new(404, "The provided issue does not exist"));
    };
    if issue.blocked_by.contains(&by) {
        return refuse("Target issue has already been taken");
    }
    if issue.blocked_by.len() >= LINKS || blocker.blocking.len() >= LINKS {
        return refuse(&format!("An issue may have at most {LINKS} dependencies of each kind"));
    }
    if by == issue.new.id || is_blocked_through(state, blocker, issue.new.id) {
        return refuse("An issue may not block itself, directly or through others");
    }
    Ok(())
}

pub(super) fn remove_blocker(desk: &mut Desk<'_>, at: Spot<'_>, by: &str) -> Result<Reply, Refusal> {
    let (_, issue) = desk.writable_issue(at.0, at.1, at.2)?;
    let id = issue.new.id;
    let by = by.parse().ok().filter(|by| issue.blocked_by.contains(by)).ok_or_else(Refusal::not_found)?;
    desk.store.commit(&[Change::NotBlocked { issue: id, by }])?;
    desk.show_issue(200, by)
}

fn owner(state: &State, issue: &Issue) -> Option<String> {
    state.repo_by_id(issue.repo).map(|repo| repo.name.owner.to_lowercase())
}

/// The issue's ancestors, nearest first. There are no cycles in the state.
fn ancestors(state: &State, id: u64) -> Vec<u64> {
    let parent = |id: &u64| state.issue_by_id(*id)?.parent;
    std::iter::successors(parent(&id), parent).collect()
}

/// Levels below the issue, counted no further than `most`.
fn height(state: &State, issue: &Issue, most: usize) -> usize {
    if most == 0 {
        return 0;
    }
    let below = issue.children.iter().filter_map(|id| state.issue_by_id(*id));
    below.map(|child| 1 + height(state, child, most - 1)).max().unwrap_or(0)
}

/// Whether `from` is blocked by `target`, directly or through others.
fn is_blocked_through(state: &State, from: &Issue, target: u64) -> bool {
    let (mut seen, mut open) = (std::collections::HashSet::new(), from.blocked_by.clone());
    while let Some(id) = open.pop() {
        if id == target {
            return true;
        }
        if seen.insert(id) {
            open.extend(state.issue_by_id(id).into_iter().flat_map(|issue| &issue.blocked_by));
        }
    }
    false
}
