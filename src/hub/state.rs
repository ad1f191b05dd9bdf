//! What the hub knows, and the changes that make it: a pure fold.
//!
//! A [`Change`] is a fact with its ids already chosen, so that replaying the journal gives the same
//! state byte for byte. Whether a change is allowed was decided before it was written.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::artifact::RepoName;

/// Ids begin here, so that none equals a number.
const FIRST_ID: u64 = 3_000_000_000;

/// Ids that each hub has to itself, and how many hubs there may be: two of them in one warehouse, as a
/// person has who plans in two repositories, do not give their issues the same ids.
const BLOCK: u64 = 1_000_000;
const BLOCKS: u64 = 1_000_000;

/// One fact of the journal. Repositories, issues and comments are named by id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub(super) enum Change {
    User { id: u64, login: String },
    Repo { id: u64, name: RepoName, default_branch: String },
    RepoEdited { repo: u64, edit: RepoEdit },
    Label { repo: u64, label: Label },
    Milestone { repo: u64, milestone: Milestone },
    Issue { repo: u64, issue: NewIssue },
    Edited { issue: u64, by: String, edit: Edit },
    Comment { issue: u64, id: u64, by: String, body: String },
    CommentEdited { repo: u64, id: u64, body: String },
    CommentDeleted { repo: u64, id: u64 },
    SubIssue { parent: u64, child: u64 },
    NoSubIssue { parent: u64, child: u64 },
    Blocked { issue: u64, by: u64 },
    NotBlocked { issue: u64, by: u64 },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Label {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) color: String,
    pub(super) description: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Milestone {
    pub(super) id: u64,
    pub(super) number: u64,
    pub(super) title: String,
    pub(super) description: Option<String>,
    pub(super) by: String,
    pub(super) open: bool,
    pub(super) at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct RepoEdit {
    pub(super) description: Option<String>,
    pub(super) default_branch: Option<String>,
    pub(super) has_issues: Option<bool>,
    pub(super) archived: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct NewIssue {
    pub(super) id: u64,
    pub(super) number: u64,
    pub(super) by: String,
    pub(super) title: String,
    pub(super) body: String,
    pub(super) labels: Vec<String>,
    pub(super) assignees: Vec<String>,
    pub(super) milestone: Option<u64>,
    pub(super) pull: Option<Pull>,
}

/// What makes an issue a pull request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Pull {
    pub(super) id: u64,
    pub(super) head: String,
    pub(super) base: String,
    pub(super) draft: bool,
}

/// `None` leaves as it is; milestone 0 takes it away.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Edit {
    pub(super) title: Option<String>,
    pub(super) body: Option<String>,
    pub(super) open: Option<bool>,
    pub(super) reason: Option<String>,
    pub(super) labels: Option<Vec<String>>,
    pub(super) assignees: Option<Vec<String>>,
    pub(super) milestone: Option<u64>,
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct State {
    pub(super) users: BTreeMap<String, User>,
    pub(super) repos: Vec<Repo>,
    by_name: HashMap<String, usize>,
    repo_ids: HashMap<u64, usize>,
    issue_ids: HashMap<u64, (usize, usize)>,
    last_id: u64,
}

#[derive(Debug, PartialEq)]
pub(super) struct User {
    pub(super) id: u64,
    pub(super) login: String,
    pub(super) at: Timestamp,
}

#[derive(Debug, PartialEq)]
pub(super) struct Repo {
    pub(super) id: u64,
    pub(super) name: RepoName,
    pub(super) description: Option<String>,
    pub(super) default_branch: String,
    pub(super) has_issues: bool,
    pub(super) archived: bool,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) labels: Vec<Label>,
    pub(super) milestones: Vec<Milestone>,
    /// The issue with number n stands at n - 1.
    pub(super) issues: Vec<Issue>,
    /// In the order of their ids.
    pub(super) comments: Vec<Comment>,
    pub(super) open: u64,
}

#[derive(Debug, PartialEq)]
pub(super) struct Issue {
    pub(super) repo: u64,
    pub(super) new: NewIssue,
    pub(super) open: bool,
    pub(super) reason: Option<String>,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) closed_at: Option<Timestamp>,
    pub(super) closed_by: Option<String>,
    pub(super) comments: u64,
    pub(super) parent: Option<u64>,
    pub(super) children: Vec<u64>,
    pub(super) blocked_by: Vec<u64>,
    pub(super) blocking: Vec<u64>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Comment {
    pub(super) id: u64,
    pub(super) issue: u64,
    pub(super) by: String,
    pub(super) body: String,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

impl State {
    /// An id that was never used; ask with 0, 1, 2 … for several in one change.
    pub(super) fn fresh_id(&self, nth: u64) -> u64 {
        self.last_id.max(FIRST_ID) + 1 + nth
    }

    /// Chooses the block of ids of a hub that has given none yet.
    pub(super) fn choose_block(&mut self, chance: u64) {
        if self.last_id == 0 {
            self.last_id = FIRST_ID + chance % BLOCKS * BLOCK;
        }
    }

    pub(super) fn repo(&self, owner: &str, name: &str) -> Option<&Repo> {
        self.repos.get(*self.by_name.get(&key(owner, name))?)
    }

    pub(super) fn repo_by_id(&self, id: u64) -> Option<&Repo> {
        self.repos.get(*self.repo_ids.get(&id)?)
    }

    pub(super) fn issue_by_id(&self, id: u64) -> Option<&Issue> {
        let (repo, index) = *self.issue_ids.get(&id)?;
        self.repos.get(repo)?.issues.get(index)
    }

    /// Adds one fact. `None` when it names something that does not exist, which a sound journal never does.
    pub(super) fn apply(&mut self, at: Timestamp, change: &Change) -> Option<()> {
        match change {
            Change::User { id, login } => {
                self.use_id(*id);
                self.users.insert(login.to_lowercase(), User { id: *id, login: login.clone(), at });
            }
            Change::Repo { id, name, default_branch } => self.add_repo(at, *id, name, default_branch),
            Change::RepoEdited { repo, edit } => self.repo_mut(*repo)?.edit(at, edit),
            Change::Label { repo, label } => {
                self.use_id(label.id);
                self.repo_mut(*repo)?.labels.push(label.clone());
            }
            Change::Milestone { repo, milestone } => {
                self.use_id(milestone.id);
                self.repo_mut(*repo)?.milestones.push(milestone.clone());
            }
            Change::Issue { repo, issue } => self.add_issue(at, *repo, issue)?,
            Change::Edited { issue, by, edit } => self.edit_issue(at, *issue, by, edit)?,
            Change::Comment { issue, id, by, body } => self.add_comment(at, (*issue, *id), by, body)?,
            Change::CommentEdited { repo, id, body } => {
                let comment = self.repo_mut(*repo)?.comment_mut(*id)?;
                comment.body.clone_from(body);
                comment.updated_at = at;
            }
            Change::CommentDeleted { repo, id } => self.delete_comment(*repo, *id)?,
            Change::SubIssue { parent, child } => self.link(at, *parent, *child)?,
            Change::NoSubIssue { parent, child } => self.unlink(at, *parent, *child)?,
            Change::Blocked { issue, by } => {
                self.touch(at, *issue)?.blocked_by.push(*by);
                self.touch(at, *by)?.blocking.push(*issue);
            }
            Change::NotBlocked { issue, by } => {
                self.touch(at, *issue)?.blocked_by.retain(|id| id != by);
                self.touch(at, *by)?.blocking.retain(|id| id != issue);
            }
        }
        Some(())
    }

    fn use_id(&mut self, id: u64) {
        self.last_id = self.last_id.max(id);
    }

    fn repo_mut(&mut self, id: u64) -> Option<&mut Repo> {
        self.repos.get_mut(*self.repo_ids.get(&id)?)
    }

    fn issue_mut(&mut self, id: u64) -> Option<&mut Issue> {
        let (repo, index) = *self.issue_ids.get(&id)?;
        self.repos.get_mut(repo)?.issues.get_mut(index)
    }

    fn touch(&mut self, at: Timestamp, id: u64) -> Option<&mut Issue> {
        let issue = self.issue_mut(id)?;
        issue.updated_at = at;
        Some(issue)
    }

    fn add_repo(&mut self, at: Timestamp, id: u64, name: &RepoName, default_branch: &str) {
        self.use_id(id);
        self.by_name.insert(key(&name.owner, &name.name), self.repos.len());
        self.repo_ids.insert(id, self.repos.len());
        self.repos.push(Repo {
            id,
            name: name.clone(),
            description: None,
            default_branch: default_branch.to_owned(),
            has_issues: true,
            archived: false,
            created_at: at,
            updated_at: at,
            labels: Vec::new(),
            milestones: Vec::new(),
            issues: Vec::new(),
            comments: Vec::new(),
            open: 0,
        });
    }

    fn add_issue(&mut self, at: Timestamp, repo: u64, new: &NewIssue) -> Option<()> {
        self.use_id(new.id);
        if let Some(pull) = &new.pull {
            self.use_id(pull.id);
        }
        let index = *self.repo_ids.get(&repo)?;
        let home = self.repos.get_mut(index)?;
        self.issue_ids.insert(new.id, (index, home.issues.len()));
        home.open += 1;
        home.issues.push(Issue {
            repo,
            new: new.clone(),
            open: true,
            reason: None,
            created_at: at,
            updated_at: at,
            closed_at: None,
            closed_by: None,
            comments: 0,
            parent: None,
            children: Vec::new(),
            blocked_by: Vec::new(),
            blocking: Vec::new(),
        });
        Some(())
    }

    fn edit_issue(&mut self, at: Timestamp, id: u64, by: &str, edit: &Edit) -> Option<()> {
        let issue = self.touch(at, id)?;
        let (repo, was_open) = (issue.repo, issue.open);
        issue.edit(at, by, edit);
        let is_open = issue.open;
        let home = self.repo_mut(repo)?;
        home.open = home.open + u64::from(is_open && !was_open) - u64::from(was_open && !is_open);
        Some(())
    }

    fn add_comment(&mut self, at: Timestamp, (issue, id): (u64, u64), by: &str, body: &str) -> Option<()> {
        self.use_id(id);
        let on = self.touch(at, issue)?;
        on.comments += 1;
        let repo = on.repo;
        let comment =
            Comment { id, issue, by: by.to_owned(), body: body.to_owned(), created_at: at, updated_at: at };
        self.repo_mut(repo)?.comments.push(comment);
        Some(())
    }

    /// As on GitHub, a deleted comment does not touch the issue's `updated_at`.
    fn delete_comment(&mut self, repo: u64, id: u64) -> Option<()> {
        let home = self.repo_mut(repo)?;
        let index = home.comments.binary_search_by_key(&id, |comment| comment.id).ok()?;
        let issue = home.comments.remove(index).issue;
        self.issue_mut(issue)?.comments -= 1;
        Some(())
    }

    fn link(&mut self, at: Timestamp, parent: u64, child: u64) -> Option<()> {
        self.touch(at, child)?.parent = Some(parent);
        self.touch(at, parent)?.children.push(child);
        Some(())
    }

    fn unlink(&mut self, at: Timestamp, parent: u64, child: u64) -> Option<()> {
        self.touch(at, child)?.parent = None;
        self.touch(at, parent)?.children.retain(|id| *id != child);
        Some(())
    }
}

impl Repo {
    pub(super) fn issue(&self, number: u64) -> Option<&Issue> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        self.issues.get(index)
    }

    pub(super) fn comment(&self, id: u64) -> Option<&Comment> {
        self.comments
            .binary_search_by_key(&id, |comment| comment.id)
            .ok()
            .and_then(|at| self.comments.get(at))
    }

    fn comment_mut(&mut self, id: u64) -> Option<&mut Comment> {
        let index = self.comments.binary_search_by_key(&id, |comment| comment.id).ok()?;
        self.comments.get_mut(index)
    }

    pub(super) fn label(&self, name: &str) -> Option<&Label> {
        self.labels.iter().find(|label| label.name.eq_ignore_ascii_case(name))
    }

    fn edit(&mut self, at: Timestamp, edit: &RepoEdit) {
        self.updated_at = at;
        if edit.description.is_some() {
            self.description.clone_from(&edit.description);
        }
        set(&mut self.default_branch, edit.default_branch.as_ref());
        set(&mut self.has_issues, edit.has_issues.as_ref());
        set(&mut self.archived, edit.archived.as_ref());
    }
}

impl Issue {
    fn edit(&mut self, at: Timestamp, by: &str, edit: &Edit) {
        set(&mut self.new.title, edit.title.as_ref());
        set(&mut self.new.body, edit.body.as_ref());
        set(&mut self.new.labels, edit.labels.as_ref());
        set(&mut self.new.assignees, edit.assignees.as_ref());
        if let Some(milestone) = edit.milestone {
            self.new.milestone = Some(milestone).filter(|number| *number > 0);
        }
        if let Some(open) = edit.open {
            self.reason.clone_from(&edit.reason);
            self.closed_at = (!open).then_some(at);
            self.closed_by = (!open).then(|| by.to_owned());
            self.open = open;
        }
    }
}

fn set<T: Clone>(place: &mut T, value: Option<&T>) {
    if let Some(value) = value {
        place.clone_from(value);
    }
}

/// Names are compared without case, as on GitHub.
fn key(owner: &str, name: &str) -> String {
    format!("{owner}/{name}").to_lowercase()
}
