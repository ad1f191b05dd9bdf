//! Labels and milestones, as far as plans need them.

use super::answer::{Desk, Place, Reply, Spot};
use super::refusal::Refusal;
use super::request::Request;
use super::state::{Change, Edit, Label, Milestone, Repo, State};

/// The color of labels that issues bring along, as on GitHub.
const PLAIN: &str = "ededed";

/// The names as the repository spells them, each once, and the changes that make the unknown ones.
pub(super) fn unknown_labels(
    state: &State,
    repo: &Repo,
    names: &[String],
    nth: u64,
) -> Result<(Vec<String>, Vec<Change>), Refusal> {
    let (mut known, mut changes): (Vec<String>, Vec<Change>) = (Vec::new(), Vec::new());
    for name in names {
        if name.trim().is_empty() {
            return Err(Refusal::field("Label", "name", "missing_field"));
        }
        let name = repo.label(name).map_or(name, |label| &label.name);
        if known.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            continue;
        }
        if repo.label(name).is_none() {
            let id = state.fresh_id(nth + changes.len() as u64);
            let label = Label { id, name: name.clone(), color: PLAIN.to_owned(), description: None };
            changes.push(Change::Label { repo: repo.id, label });
        }
        known.push(name.clone());
    }
    Ok((known, changes))
}

pub(super) fn list(desk: &Desk<'_>, request: &Request, (owner, name): Place<'_>) -> Result<Reply, Refusal> {
    let repo = desk.repo(owner, name)?;
    let mut rows: Vec<_> = repo.labels.iter().collect();
    rows.sort_by_key(|label| label.name.to_lowercase());
    let context = desk.context();
    Reply::list(request, rows, |label| context.label(repo, label))
}

pub(super) fn get(desk: &Desk<'_>, (owner, name): Place<'_>, label: &str) -> Result<Reply, Refusal> {
    let repo = desk.repo(owner, name)?;
    let label = repo.label(label).ok_or_else(Refusal::not_found)?;
    Reply::json(200, &desk.context().label(repo, label))
}

pub(super) fn create(desk: &mut Desk<'_>, request: &Request, at: Place<'_>) -> Result<Reply, Refusal> {
    let fields = request.fields()?;
    let name = fields.required("Label", "name")?;
    let repo = desk.writable(at.0, at.1)?;
    if repo.label(&name).is_some() {
        return Err(Refusal::field("Label", "name", "already_exists"));
    }
    let color = fields.text("color")?.unwrap_or_else(|| PLAIN.to_owned());
    if color.len() != 6 || !color.chars().all(|c| c.is_ascii_hexdigit()) {
        return Err(Refusal::field("Label", "color", "invalid"));
    }
    let description = fields.text("description")?;
    let label = Label { id: desk.store.state.fresh_id(0), name: name.clone(), color, description };
    let made = Change::Label { repo: repo.id, label };
    desk.store.commit(&[made])?;
    Ok(Reply { status: 201, ..get(desk, at, &name)? })
}

pub(super) fn of_issue(desk: &Desk<'_>, request: &Request, at: Spot<'_>) -> Result<Reply, Refusal> {
    let (repo, issue) = desk.issue(at.0, at.1, at.2)?;
    let rows: Vec<_> = issue.new.labels.iter().filter_map(|name| repo.label(name)).collect();
    let context = desk.context();
    Reply::list(request, rows, |label| context.label(repo, label))
}

/// POST adds, PUT replaces.
pub(super) fn set(
    desk: &mut Desk<'_>,
    request: &Request,
    at: Spot<'_>,
    replace: bool,
) -> Result<Reply, Refusal> {
    let named = request.fields()?.names_in("labels")?.unwrap_or_default();
    let (repo, issue) = desk.writable_issue(at.0, at.1, at.2)?;
    let mut names = if replace { Vec::new() } else { issue.new.labels.clone() };
    names.extend(named);
    let (labels, mut changes) = unknown_labels(&desk.store.state, repo, &names, 0)?;
    changes.push(relabel(desk, issue.new.id, labels));
    desk.store.commit(&changes)?;
    of_issue(desk, request, at)
}

pub(super) fn remove(desk: &mut Desk<'_>, at: Spot<'_>, name: &str) -> Result<Reply, Refusal> {
    let (_, issue) = desk.writable_issue(at.0, at.1, at.2)?;
    let mut labels = issue.new.labels.clone();
    labels.retain(|label| !label.eq_ignore_ascii_case(name));
    if labels.len() == issue.new.labels.len() {
        return Err(Refusal::new(404, "Label does not exist"));
    }
    let change = relabel(desk, issue.new.id, labels);
    desk.store.commit(&[change])?;
    of_issue(desk, &Request::default(), at)
}

fn relabel(desk: &Desk<'_>, issue: u64, labels: Vec<String>) -> Change {
    let edit = Edit { labels: Some(labels), ..Edit::default() };
    Change::Edited { issue, by: desk.store.login.clone(), edit }
}

pub(super) fn milestones(desk: &Desk<'_>, request: &Request, at: Place<'_>) -> Result<Reply, Refusal> {
    let repo = desk.repo(at.0, at.1)?;
    let wanted = request.query("state").unwrap_or("open");
    let mut rows: Vec<_> = repo.milestones.iter().collect();
    rows.retain(|milestone| wanted == "all" || milestone.open == (wanted == "open"));
    let context = desk.context();
    Reply::list(request, rows, |milestone| context.milestone(repo, milestone))
}

pub(super) fn milestone(desk: &Desk<'_>, at: Place<'_>, number: &str) -> Result<Reply, Refusal> {
    let repo = desk.repo(at.0, at.1)?;
    let found = repo.milestones.iter().find(|milestone| milestone.number.to_string() == number);
    Reply::json(200, &desk.context().milestone(repo, found.ok_or_else(Refusal::not_found)?))
}

pub(super) fn create_milestone(
    desk: &mut Desk<'_>,
    request: &Request,
    at: Place<'_>,
) -> Result<Reply, Refusal> {
    let fields = request.fields()?;
    let title = fields.required("Milestone", "title")?;
    let repo = desk.writable(at.0, at.1)?;
    if repo.milestones.iter().any(|milestone| milestone.title == title) {
        return Err(Refusal::field("Milestone", "title", "already_exists"));
    }
    let number = repo.milestones.len() as u64 + 1;
    let fresh = Milestone {
        id: desk.store.state.fresh_id(0),
        number,
        title,
        description: fields.text("description")?,
        by: desk.store.login.clone(),
        open: true,
        at: desk.store.now(),
    };
    let made = Change::Milestone { repo: repo.id, milestone: fresh };
    desk.store.commit(&[made])?;
    Ok(Reply { status: 201, ..milestone(desk, at, &number.to_string())? })
}
