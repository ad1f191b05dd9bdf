//! Issues and their comments.

use serde::Serialize;

use super::answer::{Desk, Place, Reply, Spot};
use super::labels::unknown_labels;
use super::listing::{Filter, Paging, is_since};
use super::refusal::Refusal;
use super::render::{CommentView, IssueView, RepoView};
use super::request::{Fields, Request};
use super::state::{Change, Edit, NewIssue, Repo};

/// GitHub's longest title and body, in characters.
const LONGEST: [(&str, usize); 2] = [("title", 256), ("body", 65_536)];

pub(super) fn list(desk: &Desk<'_>, request: &Request, (owner, name): Place<'_>) -> Result<Reply, Refusal> {
    let repo = desk.tracked(owner, name)?;
    Paging::of(request).refuse_too_deep()?;
    let filter = Filter::of(request)?;
    let mut rows: Vec<_> = filter.select(repo).collect();
    filter.sort(&mut rows);
    let context = desk.context();
    Reply::list(request, rows, |(repo, issue)| context.issue(repo, issue))
}

/// `GET /issues`: over all repositories. Without `filter=all` only what is assigned to the person.
pub(super) fn list_all(desk: &Desk<'_>, request: &Request) -> Result<Reply, Refusal> {
    let filter = Filter::of(request)?;
    let mut rows: Vec<_> = desk.store.state.repos.iter().flat_map(|repo| filter.select(repo)).collect();
    let login = &desk.store.login;
    match request.query("filter").unwrap_or("assigned") {
        "all" | "repos" | "subscribed" | "mentioned" => {}
        "created" => rows.retain(|(_, issue)| issue.new.by.eq_ignore_ascii_case(login)),
        "assigned" => rows.retain(|(_, issue)| issue.new.assignees.contains(login)),
        _ => return Err(Refusal::field("Issue", "filter", "invalid")),
    }
    filter.sort(&mut rows);
    let context = desk.context();
    Reply::list(request, rows, |(repo, issue)| Anywhere {
        issue: context.issue(repo, issue),
        repository: RepoView { context, repo },
    })
}

/// A row of a listing over all repositories, which says whose it is.
#[derive(Debug, Serialize)]
struct Anywhere<'a> {
    #[serde(flatten)]
    issue: IssueView<'a>,
    repository: RepoView<'a>,
}

pub(super) fn get(desk: &Desk<'_>, (owner, name, number): Spot<'_>) -> Result<Reply, Refusal> {
    let (repo, issue) = desk.issue(owner, name, number)?;
    Reply::json(200, &desk.context().issue(repo, issue))
}

pub(super) fn create(
    desk: &mut Desk<'_>,
    request: &Request,
    (owner, name): Place<'_>,
) -> Result<Reply, Refusal> {
    let fields = request.fields()?;
    let repo = desk.writable(owner, name)?;
    let (labels, mut changes) = known_labels(desk, repo, &fields, 1)?;
    let issue = NewIssue {
        id: desk.store.state.fresh_id(0),
        number: repo.issues.len() as u64 + 1,
        by: desk.store.login.clone(),
        title: fields.required("Issue", "title")?,
        body: fields.text("body")?.unwrap_or_default(),
        labels: labels.unwrap_or_default(),
        assignees: assignees(desk, &fields)?.unwrap_or_default(),
        milestone: milestone(repo, &fields)?.filter(|number| *number > 0),
        pull: None,
    };
    refuse_too_long(&issue.title, &issue.body)?;
    let id = issue.id;
    changes.push(Change::Issue { repo: repo.id, issue });
    desk.store.commit(&changes)?;
    desk.show_issue(201, id)
}

pub(super) fn edit(desk: &mut Desk<'_>, request: &Request, at: Spot<'_>) -> Result<Reply, Refusal> {
    let fields = request.fields()?;
    let (repo, issue) = desk.writable_issue(at.0, at.1, at.2)?;
    let (labels, mut changes) = known_labels(desk, repo, &fields, 0)?;
    let (open, reason) = state_change(&fields, issue.open)?;
    let title = fields.names("title").then(|| fields.required("Issue", "title")).transpose()?;
    let body = if fields.names("body") { Some(fields.text("body")?.unwrap_or_default()) } else { None };
    refuse_too_long(title.as_deref().unwrap_or_default(), body.as_deref().unwrap_or_default())?;
    let milestone = milestone(repo, &fields)?;
    let edit = Edit { title, body, open, reason, labels, assignees: assignees(desk, &fields)?, milestone };
    let id = issue.new.id;
    if edit != Edit::default() {
        changes.push(Change::Edited { issue: id, by: desk.store.login.clone(), edit });
    }
    desk.store.commit(&changes)?;
    desk.show_issue(200, id)
}

/// The new state and its reason, when they change. Closing needs no reason: it is `completed` then.
fn state_change(fields: &Fields, is_open: bool) -> Result<(Option<bool>, Option<String>), Refusal> {
    let open = match fields.text("state")?.as_deref() {
        None => return Ok((None, None)),
        Some("open") => true,
        Some("closed") => false,
        Some(_) => return Err(Refusal::field("Issue", "state", "invalid")),
    };
    let reason = fields.text("state_reason")?;
    let fits = match reason.as_deref() {
        None => true,
        Some("completed" | "not_planned" | "duplicate") => !open,
        Some("reopened") => open,
        Some(_) => false,
    };
    if !fits {
        return Err(Refusal::field("Issue", "state_reason", "invalid"));
    }
    if open == is_open && reason.is_none() {
        return Ok((None, None));
    }
    let usual = if open { "reopened" } else { "completed" };
    Ok((Some(open), Some(reason.unwrap_or_else(|| usual.to_owned()))))
}

/// The labels that the body names, and the changes that make the new ones.
fn known_labels(
    desk: &Desk<'_>,
    repo: &Repo,
    fields: &Fields,
    nth: u64,
) -> Result<(Option<Vec<String>>, Vec<Change>), Refusal> {
    let Some(names) = fields.names_in("labels")? else { return Ok((None, Vec::new())) };
    let (names, changes) = unknown_labels(&desk.store.state, repo, &names, nth)?;
    Ok((Some(names), changes))
}

fn assignees(desk: &Desk<'_>, fields: &Fields) -> Result<Option<Vec<String>>, Refusal> {
    let names = fields.names_in("assignees")?;
    let stranger = |name: &&String| !desk.store.state.users.contains_key(&name.to_lowercase());
    match names.iter().flatten().find(stranger) {
        Some(_) => Err(Refusal::field("Issue", "assignees", "invalid")),
        None => Ok(names),
    }
}

fn milestone(repo: &Repo, fields: &Fields) -> Result<Option<u64>, Refusal> {
    let Some(number) = fields.integer("milestone")? else {
        return Ok(fields.names("milestone").then_some(0));
    };
    let exists = repo.milestones.iter().any(|milestone| milestone.number == number);
    if exists { Ok(Some(number)) } else { Err(Refusal::field("Issue", "milestone", "invalid")) }
}

fn refuse_too_long(title: &str, body: &str) -> Result<(), Refusal> {
    for ((field, longest), text) in LONGEST.into_iter().zip([title, body]) {
        if text.chars().count() > longest {
            let message = format!("{field} is too long (maximum is {longest} characters)");
            return Err(Refusal::custom("Issue", field, &message));
        }
    }
    Ok(())
}

pub(super) fn comments(desk: &Desk<'_>, request: &Request, at: Spot<'_>) -> Result<Reply, Refusal> {
    let (repo, issue) = desk.issue(at.0, at.1, at.2)?;
    let since = request.time("since")?;
    let mut rows: Vec<_> = repo.comments.iter().filter(|comment| comment.issue == issue.new.id).collect();
    rows.retain(|comment| since.is_none_or(|since| is_since(comment.updated_at, since)));
    let context = desk.context();
    Reply::list(request, rows, |comment| CommentView { context, repo, comment })
}

/// All comments of a repository, in the order of their ids unless asked otherwise.
pub(super) fn repo_comments(desk: &Desk<'_>, request: &Request, at: Place<'_>) -> Result<Reply, Refusal> {
    let repo = desk.tracked(at.0, at.1)?;
    let since = request.time("since")?;
    let mut rows: Vec<_> = repo.comments.iter().collect();
    rows.retain(|comment| since.is_none_or(|since| is_since(comment.updated_at, since)));
    match request.query("sort") {
        Some("updated") => rows.sort_by_key(|comment| (comment.updated_at, comment.id)),
        Some("created") | None => {}
        Some(_) => return Err(Refusal::field("IssueComment", "sort", "invalid")),
    }
    // GitHub ignores `direction` without `sort`.
    if request.query("sort").is_some() && request.query("direction") == Some("desc") {
        rows.reverse();
    }
    let context = desk.context();
    Reply::list(request, rows, |comment| CommentView { context, repo, comment })
}

pub(super) fn comment(desk: &mut Desk<'_>, request: &Request, at: Spot<'_>) -> Result<Reply, Refusal> {
    let body = request.fields()?.required("IssueComment", "body")?;
    refuse_too_long("", &body)?;
    let (_, issue) = desk.writable_issue(at.0, at.1, at.2)?;
    let id = desk.store.state.fresh_id(0);
    let made = Change::Comment { issue: issue.new.id, id, by: desk.store.login.clone(), body };
    desk.store.commit(&[made])?;
    Ok(Reply { status: 201, ..show_comment(desk, (at.0, at.1), id)? })
}

/// GET, PATCH and DELETE of one comment.
pub(super) fn one_comment(
    desk: &mut Desk<'_>,
    request: &Request,
    at: Place<'_>,
    (method, id): (&str, &str),
) -> Result<Reply, Refusal> {
    let repo = desk.tracked(at.0, at.1)?;
    let id = id.parse().ok().and_then(|id| repo.comment(id)).ok_or_else(Refusal::not_found)?.id;
    let repo = repo.id;
    match method {
        "GET" => show_comment(desk, at, id),
        "PATCH" => {
            let body = request.fields()?.required("IssueComment", "body")?;
            desk.store.commit(&[Change::CommentEdited { repo, id, body }])?;
            show_comment(desk, at, id)
        }
        "DELETE" => {
            desk.store.commit(&[Change::CommentDeleted { repo, id }])?;
            Ok(Reply::empty())
        }
        _ => Err(Refusal::not_found()),
    }
}

fn show_comment(desk: &Desk<'_>, (owner, name): Place<'_>, id: u64) -> Result<Reply, Refusal> {
    let repo = desk.repo(owner, name)?;
    let comment = repo.comment(id).ok_or_else(Refusal::not_found)?;
    Reply::json(200, &CommentView { context: desk.context(), repo, comment })
}
