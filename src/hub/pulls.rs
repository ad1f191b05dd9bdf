//! Pull requests, enough for `build --pr`: made, listed and read. The hub keeps no commits, so their
//! ids are git's zeros.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::answer::{Desk, Place, Reply, Spot};
use super::refusal::Refusal;
use super::render::{Context, RepoView, entries, object};
use super::request::Request;
use super::state::{Change, Issue, NewIssue, Pull, Repo};

/// What git writes where there is no commit.
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

pub(super) fn list(desk: &Desk<'_>, request: &Request, (owner, name): Place<'_>) -> Result<Reply, Refusal> {
    let repo = desk.repo(owner, name)?;
    let state = request.query("state").unwrap_or("open");
    // `head` comes as `owner:branch`.
    let head = request.query("head").map(|head| head.rsplit(':').next().unwrap_or(head));
    let base = request.query("base");
    let context = desk.context();
    let mut rows: Vec<_> =
        repo.issues.iter().filter_map(|issue| PullView::of(context, repo, issue)).collect();
    rows.retain(|row| state == "all" || row.issue.open == (state == "open"));
    rows.retain(|row| {
        head.is_none_or(|head| row.pull.head == head) && base.is_none_or(|base| row.pull.base == base)
    });
    if request.query("sort") == Some("updated") {
        rows.sort_by_key(|row| (row.issue.updated_at, row.issue.new.id));
    }
    if request.query("direction") != Some("asc") {
        rows.reverse();
    }
    Reply::list(request, rows, |row| row)
}

pub(super) fn get(desk: &Desk<'_>, (owner, name): Place<'_>, number: &str) -> Result<Reply, Refusal> {
    let repo = desk.repo(owner, name)?;
    let issue = number.parse().ok().and_then(|number| repo.issue(number));
    let view = issue.and_then(|issue| PullView::of(desk.context(), repo, issue));
    Reply::json(200, &WholePull(view.ok_or_else(Refusal::not_found)?))
}

/// The hub keeps no reviews.
pub(super) fn reviews(
    desk: &Desk<'_>,
    request: &Request,
    (owner, name, number): Spot<'_>,
) -> Result<Reply, Refusal> {
    get(desk, (owner, name), number)?;
    Reply::list(request, Vec::new(), |(): ()| ())
}

pub(super) fn create(desk: &mut Desk<'_>, request: &Request, at: Place<'_>) -> Result<Reply, Refusal> {
    let fields = request.fields()?;
    let repo = desk.writable(at.0, at.1)?;
    let head = fields.required("PullRequest", "head")?;
    let head = head.rsplit(':').next().unwrap_or(&head).to_owned();
    let base = fields.required("PullRequest", "base")?;
    if head == base {
        return Err(Refusal::custom("PullRequest", "head", &format!("No commits between {base} and {head}")));
    }
    let same = |issue: &Issue| {
        issue.open && issue.new.pull.as_ref().is_some_and(|pull| pull.head == head && pull.base == base)
    };
    if repo.issues.iter().any(same) {
        let text = format!("A pull request already exists for {}:{head}.", repo.name.owner);
        return Err(Refusal::custom("PullRequest", "head", &text));
    }
    let issue = NewIssue {
        id: desk.store.state.fresh_id(0),
        number: repo.issues.len() as u64 + 1,
        by: desk.store.login.clone(),
        title: fields.required("PullRequest", "title")?,
        body: fields.text("body")?.unwrap_or_default(),
        pull: Some(Pull {
            id: desk.store.state.fresh_id(1),
            head,
            base,
            draft: fields.flag("draft")?.unwrap_or(false),
        }),
        ..NewIssue::default()
    };
    let (repo, number) = (repo.id, issue.number);
    desk.store.commit(&[Change::Issue { repo, issue }])?;
    Ok(Reply { status: 201, ..get(desk, at, &number.to_string())? })
}

/// The `pull_request` member of an issue that is one.
pub(super) struct Link<'a> {
    pub(super) context: Context<'a>,
    pub(super) repo: &'a Repo,
    pub(super) number: u64,
}

impl Serialize for Link<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (api, web, name, number) = (self.context.api, self.context.web, &self.repo.name, self.number);
        object! { serializer;
            "url": format_args!("{api}/repos/{name}/pulls/{number}"),
            "html_url": format_args!("{web}/{name}/pull/{number}"),
            "diff_url": format_args!("{web}/{name}/pull/{number}.diff"),
            "patch_url": format_args!("{web}/{name}/pull/{number}.patch"),
            "merged_at": None::<&str>,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct PullView<'a> {
    context: Context<'a>,
    repo: &'a Repo,
    issue: &'a Issue,
    pull: &'a Pull,
}

impl<'a> PullView<'a> {
    fn of(context: Context<'a>, repo: &'a Repo, issue: &'a Issue) -> Option<Self> {
        Some(Self { context, repo, issue, pull: issue.new.pull.as_ref()? })
    }

    fn branch(&self, name: &'a str) -> BranchView<'a> {
        BranchView { context: self.context, repo: self.repo, name }
    }
}

impl Serialize for PullView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write(&mut map)?;
        map.end()
    }
}

impl PullView<'_> {
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let Self { context, repo, issue, pull } = *self;
        let (api, web, name, number) = (context.api, context.web, &repo.name, issue.new.number);
        let url = format_args!("{api}/repos/{name}/pulls/{number}");
        let as_issue = format_args!("{api}/repos/{name}/issues/{number}");
        let page = format_args!("{web}/{name}/pull/{number}");
        entries! { map;
            "url": url,
            "id": pull.id,
            "node_id": format_args!("PR_hub{}", pull.id),
            "html_url": page,
            "diff_url": format_args!("{page}.diff"),
            "patch_url": format_args!("{page}.patch"),
            "issue_url": as_issue,
            "commits_url": format_args!("{url}/commits"),
            "review_comments_url": format_args!("{url}/comments"),
            "review_comment_url": format_args!("{api}/repos/{name}/pulls/comments{{/number}}"),
            "comments_url": format_args!("{as_issue}/comments"),
            "statuses_url": format_args!("{api}/repos/{name}/statuses/{NO_COMMIT}"),
            "number": number,
            "state": if issue.open { "open" } else { "closed" },
            "locked": false,
            "title": issue.new.title,
            "user": context.user(&issue.new.by),
            "body": Some(&issue.new.body).filter(|body| !body.is_empty()),
            "created_at": issue.created_at,
            "updated_at": issue.updated_at,
            "closed_at": issue.closed_at,
            "merged_at": None::<&str>,
            "merge_commit_sha": None::<&str>,
            "assignee": None::<&str>,
            "assignees": [(); 0],
            "requested_reviewers": [(); 0],
            "requested_teams": [(); 0],
            "labels": [(); 0],
            "milestone": None::<&str>,
            "draft": pull.draft,
            "head": self.branch(&pull.head),
            "base": self.branch(&pull.base),
            "author_association": context.association(&issue.new.by),
            "auto_merge": None::<&str>,
            "_links": Links(self),
        }
        Ok(())
    }
}

/// A pull request asked for by itself. Without commits it has no size, and nobody merges it.
struct WholePull<'a>(PullView<'a>);

impl Serialize for WholePull<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.0.write(&mut map)?;
        entries! { map;
            "merged": false,
            "merged_by": None::<&str>,
            "mergeable": None::<bool>,
            "mergeable_state": "unknown",
            "maintainer_can_modify": false,
            "comments": self.0.issue.comments,
            "review_comments": 0,
            "commits": 0,
            "additions": 0,
            "deletions": 0,
            "changed_files": 0,
        }
        map.end()
    }
}

/// The addresses of a pull request once more, as its `_links`.
struct Links<'a>(&'a PullView<'a>);

impl Serialize for Links<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let PullView { context, repo, issue, .. } = *self.0;
        let (api, web, name, number) = (context.api, context.web, &repo.name, issue.new.number);
        let place = format_args!("{api}/repos/{name}");
        object! { serializer;
            "self": Href { href: format_args!("{place}/pulls/{number}") },
            "html": Href { href: format_args!("{web}/{name}/pull/{number}") },
            "issue": Href { href: format_args!("{place}/issues/{number}") },
            "comments": Href { href: format_args!("{place}/issues/{number}/comments") },
            "review_comments": Href { href: format_args!("{place}/pulls/{number}/comments") },
            "review_comment": Href { href: format_args!("{place}/pulls/comments{{/number}}") },
            "commits": Href { href: format_args!("{place}/pulls/{number}/commits") },
            "statuses": Href { href: format_args!("{place}/statuses/{NO_COMMIT}") },
        }
    }
}

#[derive(Serialize)]
struct Href<'a> {
    href: std::fmt::Arguments<'a>,
}

struct BranchView<'a> {
    context: Context<'a>,
    repo: &'a Repo,
    name: &'a str,
}

impl Serialize for BranchView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { context, repo, name } = *self;
        object! { serializer;
            "label": format_args!("{}:{name}", repo.name.owner),
            "ref": name,
            "sha": NO_COMMIT,
            "user": context.user(&repo.name.owner),
            "repo": RepoView { context, repo },
        }
    }
}
