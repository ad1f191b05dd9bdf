//! People and repositories.

use super::answer::{Desk, Place, Reply};
use super::refusal::Refusal;
use super::render::{RepoView, WholeRepo};
use super::request::Request;
use super::state::{Change, RepoEdit};
use crate::artifact::RepoName;

pub(super) fn viewer(desk: &Desk<'_>) -> Result<Reply, Refusal> {
    Reply::json(200, &desk.context().user(&desk.store.login).whole())
}

pub(super) fn user(desk: &Desk<'_>, login: &str) -> Result<Reply, Refusal> {
    if !desk.store.state.users.contains_key(&login.to_lowercase()) {
        return Err(Refusal::not_found());
    }
    Reply::json(200, &desk.context().user(login).whole())
}

pub(super) fn list(desk: &Desk<'_>, request: &Request, owner: Option<&str>) -> Result<Reply, Refusal> {
    let (since, before) = (request.time("since")?, request.time("before")?);
    let mut rows: Vec<_> = desk.store.state.repos.iter().collect();
    rows.retain(|repo| owner.is_none_or(|owner| repo.name.owner.eq_ignore_ascii_case(owner)));
    rows.retain(|repo| since.is_none_or(|since| repo.updated_at >= since));
    rows.retain(|repo| before.is_none_or(|before| repo.updated_at <= before));
    let sort = request.query("sort").unwrap_or("full_name");
    rows.sort_by(|one, other| match sort {
        "created" => one.created_at.cmp(&other.created_at).then(one.id.cmp(&other.id)),
        "updated" | "pushed" => one.updated_at.cmp(&other.updated_at).then(one.id.cmp(&other.id)),
        _ => one.name.cmp(&other.name),
    });
    let ascending = request.query("direction").map_or(sort == "full_name", |direction| direction == "asc");
    if !ascending {
        rows.reverse();
    }
    let context = desk.context();
    Reply::list(request, rows, |repo| RepoView { context, repo })
}

pub(super) fn get(desk: &Desk<'_>, (owner, name): Place<'_>) -> Result<Reply, Refusal> {
    Reply::json(200, &WholeRepo(RepoView { context: desk.context(), repo: desk.repo(owner, name)? }))
}

/// The hub keeps no releases.
pub(super) fn releases(desk: &Desk<'_>, request: &Request, at: Place<'_>) -> Result<Reply, Refusal> {
    desk.repo(at.0, at.1)?;
    Reply::list(request, Vec::new(), |(): ()| ())
}

pub(super) fn create(desk: &mut Desk<'_>, request: &Request) -> Result<Reply, Refusal> {
    let name = request.fields()?.required("Repository", "name")?;
    let owner = desk.store.login.clone();
    let full: RepoName = format!("{owner}/{name}")
        .parse()
        .map_err(|_invalid| Refusal::field("Repository", "name", "invalid"))?;
    if desk.repo(&owner, &name).is_ok() {
        return Err(Refusal::custom("Repository", "name", "name already exists on this account"));
    }
    desk.store.ensure_repo(&full)?;
    Ok(Reply { status: 201, ..get(desk, (&owner, &name))? })
}

pub(super) fn edit(desk: &mut Desk<'_>, request: &Request, at: Place<'_>) -> Result<Reply, Refusal> {
    let fields = request.fields()?;
    let edit = RepoEdit {
        description: fields.text("description")?,
        default_branch: fields.text("default_branch")?,
        has_issues: fields.flag("has_issues")?,
        archived: fields.flag("archived")?,
    };
    let repo = desk.repo(at.0, at.1)?.id;
    desk.store.commit(&[Change::RepoEdited { repo, edit }])?;
    get(desk, at)
}
