//! The bodies of answers: every field that strict clients ask for, written straight from the state.
//!
//! Each view serializes itself without building a tree of values first, because big listings are
//! what the hub is benchmarked with.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::state::{Comment, Issue, Label, Milestone, Repo, State, User};

/// Writes an object from names and values.
macro_rules! object {
    ($serializer:expr; $($name:literal: $value:expr),* $(,)?) => {{
        use serde::ser::SerializeMap as _;
        let mut map = $serializer.serialize_map(None)?;
        $(map.serialize_entry($name, &$value)?;)*
        map.end()
    }};
}
pub(super) use object;

/// Writes names and values into an object.
macro_rules! entries {
    ($map:ident; $($name:literal: $value:expr),* $(,)?) => {{
        $($map.serialize_entry($name, &$value)?;)*
    }};
}
pub(super) use entries;

/// What every view needs: the state, and where the hub is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) state: &'a State,
    /// The API's base, with `/api/v3` when the client asked there.
    pub(super) api: &'a str,
    /// The base of pages for people.
    pub(super) web: &'a str,
    /// Who the hub's person is.
    pub(super) login: &'a str,
}

impl<'a> Context<'a> {
    pub(super) fn user(self, login: &'a str) -> UserView<'a> {
        UserView { context: self, login, user: self.state.users.get(&login.to_lowercase()), whole: false }
    }

    pub(super) fn issue(self, repo: &'a Repo, issue: &'a Issue) -> IssueView<'a> {
        IssueView { context: self, repo, issue }
    }

    /// Views of issues by id, in any repository.
    pub(super) fn issues(self, ids: &[u64]) -> Vec<IssueView<'a>> {
        let state: &'a State = self.state;
        let view = |id: &u64| {
            let issue = state.issue_by_id(*id)?;
            Some(self.issue(state.repo_by_id(issue.repo)?, issue))
        };
        ids.iter().filter_map(view).collect()
    }

    fn open_among(self, ids: &[u64]) -> usize {
        ids.iter().filter(|id| self.state.issue_by_id(**id).is_some_and(|issue| issue.open)).count()
    }

    pub(super) fn association(self, login: &str) -> &'static str {
        if login.eq_ignore_ascii_case(self.login) { "OWNER" } else { "NONE" }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct UserView<'a> {
    context: Context<'a>,
    login: &'a str,
    user: Option<&'a User>,
    whole: bool,
}

impl UserView<'_> {
    /// With the fields of a profile.
    pub(super) const fn whole(mut self) -> Self {
        self.whole = true;
        self
    }
}

impl Serialize for UserView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Context { api, web, state, .. } = self.context;
        let login = self.user.map_or(self.login, |user| &user.login);
        let id = self.user.map_or(0, |user| user.id);
        let url = format_args!("{api}/users/{login}");
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("login", login)?;
        map.serialize_entry("id", &id)?;
        map.serialize_entry("node_id", &format_args!("U_hub{id}"))?;
        map.serialize_entry("avatar_url", &format_args!("{web}/avatars/u/{id}"))?;
        map.serialize_entry("gravatar_id", "")?;
        map.serialize_entry("url", &url)?;
        map.serialize_entry("html_url", &format_args!("{web}/{login}"))?;
        map.serialize_entry("followers_url", &format_args!("{url}/followers"))?;
        map.serialize_entry("following_url", &format_args!("{url}/following{{/other_user}}"))?;
        map.serialize_entry("gists_url", &format_args!("{url}/gists{{/gist_id}}"))?;
        map.serialize_entry("starred_url", &format_args!("{url}/starred{{/owner}}{{/repo}}"))?;
        map.serialize_entry("subscriptions_url", &format_args!("{url}/subscriptions"))?;
        map.serialize_entry("organizations_url", &format_args!("{url}/orgs"))?;
        map.serialize_entry("repos_url", &format_args!("{url}/repos"))?;
        map.serialize_entry("events_url", &format_args!("{url}/events{{/privacy}}"))?;
        map.serialize_entry("received_events_url", &format_args!("{url}/received_events"))?;
        map.serialize_entry("type", "User")?;
        map.serialize_entry("user_view_type", "public")?;
        map.serialize_entry("site_admin", &false)?;
        if self.whole {
            for absent in
                ["name", "company", "blog", "location", "email", "hireable", "bio", "twitter_username"]
            {
                map.serialize_entry(absent, &None::<&str>)?;
            }
            let owned = state.repos.iter().filter(|repo| repo.name.owner.eq_ignore_ascii_case(login)).count();
            map.serialize_entry("public_repos", &owned)?;
            for none in ["public_gists", "followers", "following"] {
                map.serialize_entry(none, &0)?;
            }
            let at = self.user.map(|user| user.at);
            map.serialize_entry("created_at", &at)?;
            map.serialize_entry("updated_at", &at)?;
        }
        map.end()
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct RepoView<'a> {
    pub(super) context: Context<'a>,
    pub(super) repo: &'a Repo,
}

/// The addresses of what a repository has, below its own (REST, "Minimal Repository").
const BELOW: [(&str, &str); 36] = [
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
];

impl Serialize for RepoView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.write(&mut map)?;
        map.end()
    }
}

impl RepoView<'_> {
    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let Self { context, repo } = *self;
        let (api, web, name) = (context.api, context.web, &repo.name);
        let url = format_args!("{api}/repos/{name}");
        let page = format_args!("{web}/{name}");
        for (name, path) in BELOW {
            map.serialize_entry(name, &format_args!("{url}{path}"))?;
        }
        entries! { map;
            "id": repo.id,
            "node_id": format_args!("R_hub{}", repo.id),
            "name": name.name,
            "full_name": name,
            "private": false,
            "owner": context.user(&name.owner),
            "html_url": page,
            "description": repo.description,
            "fork": false,
            "url": url,
            "clone_url": format_args!("{page}.git"),
            "git_url": format_args!("{page}.git"),
            "ssh_url": format_args!("{page}.git"),
            "svn_url": page,
            "mirror_url": None::<&str>,
            "homepage": None::<&str>,
            "language": None::<&str>,
            "size": 0,
            "stargazers_count": 0,
            "watchers_count": 0,
            "forks_count": 0,
            "forks": 0,
            "watchers": 0,
            "open_issues_count": repo.open,
            "open_issues": repo.open,
            "default_branch": repo.default_branch,
            "topics": [(); 0],
            "is_template": false,
            "has_downloads": false,
            "has_issues": repo.has_issues,
            "has_projects": false,
            "has_wiki": false,
            "has_pages": false,
            "has_discussions": false,
            "archived": repo.archived,
            "disabled": false,
            "visibility": "public",
            "license": None::<&str>,
            "permissions": Permissions,
            "created_at": repo.created_at,
            "updated_at": repo.updated_at,
            "pushed_at": repo.created_at,
        }
        Ok(())
    }
}

/// A repository asked for by itself (REST, "Full Repository").
pub(super) struct WholeRepo<'a>(pub(super) RepoView<'a>);

impl Serialize for WholeRepo<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.0.write(&mut map)?;
        entries! { map; "network_count": 0, "subscribers_count": 0 }
        map.end()
    }
}

struct Permissions;

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object! { serializer; "admin": true, "maintain": true, "push": true, "triage": true, "pull": true }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct IssueView<'a> {
    context: Context<'a>,
    repo: &'a Repo,
    issue: &'a Issue,
}

impl<'a> IssueView<'a> {
    fn labels(&self) -> Vec<LabelView<'a>> {
        let view = |name: &String| self.repo.label(name).map(|label| self.context.label(self.repo, label));
        self.issue.new.labels.iter().filter_map(view).collect()
    }

    fn milestone(&self) -> Option<MilestoneView<'a>> {
        let number = self.issue.new.milestone?;
        let milestone = self.repo.milestones.iter().find(|milestone| milestone.number == number)?;
        Some(self.context.milestone(self.repo, milestone))
    }

    fn assignees(&self) -> Vec<UserView<'a>> {
        self.issue.new.assignees.iter().map(|login| self.context.user(login)).collect()
    }
}

impl Serialize for IssueView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { context, repo, issue } = *self;
        let (api, web, name, new) = (context.api, context.web, &repo.name, &issue.new);
        let place = format_args!("{api}/repos/{name}");
        let url = format_args!("{place}/issues/{}", new.number);
        let kind = if new.pull.is_some() { "pull" } else { "issues" };
        let parent = issue.parent.and_then(|id| context.state.issue_by_id(id));
        let parent_repo = parent.and_then(|parent| context.state.repo_by_id(parent.repo));
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("url", &url)?;
        map.serialize_entry("repository_url", &place)?;
        map.serialize_entry("labels_url", &format_args!("{url}/labels{{/name}}"))?;
        map.serialize_entry("comments_url", &format_args!("{url}/comments"))?;
        map.serialize_entry("events_url", &format_args!("{url}/events"))?;
        map.serialize_entry("timeline_url", &format_args!("{url}/timeline"))?;
        map.serialize_entry("html_url", &format_args!("{web}/{name}/{kind}/{}", new.number))?;
        map.serialize_entry("id", &new.id)?;
        map.serialize_entry("node_id", &format_args!("I_hub{}", new.id))?;
        map.serialize_entry("number", &new.number)?;
        map.serialize_entry("title", &new.title)?;
        map.serialize_entry("user", &context.user(&new.by))?;
        map.serialize_entry("labels", &self.labels())?;
        map.serialize_entry("state", if issue.open { "open" } else { "closed" })?;
        map.serialize_entry("state_reason", &issue.reason)?;
        map.serialize_entry("locked", &false)?;
        map.serialize_entry("active_lock_reason", &None::<&str>)?;
        let assignees = self.assignees();
        map.serialize_entry("assignee", &assignees.first())?;
        map.serialize_entry("assignees", &assignees)?;
        map.serialize_entry("milestone", &self.milestone())?;
        map.serialize_entry("comments", &issue.comments)?;
        map.serialize_entry("created_at", &issue.created_at)?;
        map.serialize_entry("updated_at", &issue.updated_at)?;
        map.serialize_entry("closed_at", &issue.closed_at)?;
        map.serialize_entry("closed_by", &issue.closed_by.as_ref().map(|login| context.user(login)))?;
        map.serialize_entry("author_association", context.association(&new.by))?;
        map.serialize_entry("body", &Some(&new.body).filter(|body| !body.is_empty()))?;
        map.serialize_entry("reactions", &Reactions { of: format_args!("{url}") })?;
        map.serialize_entry("sub_issues_summary", &SubIssues(self))?;
        map.serialize_entry("issue_dependencies_summary", &Dependencies(self))?;
        if let (Some(parent), Some(home)) = (parent, parent_repo) {
            let link = format_args!("{api}/repos/{}/issues/{}", home.name, parent.new.number);
            map.serialize_entry("parent_issue_url", &link)?;
        }
        if new.pull.is_some() {
            map.serialize_entry("draft", &new.pull.as_ref().is_some_and(|pull| pull.draft))?;
            map.serialize_entry("pull_request", &super::pulls::Link { context, repo, number: new.number })?;
        }
        map.end()
    }
}

struct Reactions<'a> {
    of: std::fmt::Arguments<'a>,
}

impl Serialize for Reactions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        object! { serializer;
            "url": format_args!("{}/reactions", self.of), "total_count": 0, "+1": 0, "-1": 0, "laugh": 0,
            "hooray": 0, "confused": 0, "heart": 0, "rocket": 0, "eyes": 0,
        }
    }
}

struct SubIssues<'a>(&'a IssueView<'a>);

impl Serialize for SubIssues<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let children = &self.0.issue.children;
        let completed = children.len() - self.0.context.open_among(children);
        let percent = (completed * 100).checked_div(children.len()).unwrap_or(0);
        object! { serializer; "total": children.len(), "completed": completed, "percent_completed": percent }
    }
}

struct Dependencies<'a>(&'a IssueView<'a>);

impl Serialize for Dependencies<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let IssueView { context, issue, .. } = self.0;
        object! { serializer;
            "blocked_by": context.open_among(&issue.blocked_by),
            "total_blocked_by": issue.blocked_by.len(),
            "blocking": context.open_among(&issue.blocking),
            "total_blocking": issue.blocking.len(),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct CommentView<'a> {
    pub(super) context: Context<'a>,
    pub(super) repo: &'a Repo,
    pub(super) comment: &'a Comment,
}

impl Serialize for CommentView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { context, repo, comment } = *self;
        let (api, web, name, id) = (context.api, context.web, &repo.name, comment.id);
        let number = context.state.issue_by_id(comment.issue).map_or(0, |issue| issue.new.number);
        object! { serializer;
            "url": format_args!("{api}/repos/{name}/issues/comments/{id}"),
            "html_url": format_args!("{web}/{name}/issues/{number}#issuecomment-{id}"),
            "issue_url": format_args!("{api}/repos/{name}/issues/{number}"),
            "id": id,
            "node_id": format_args!("IC_hub{id}"),
            "user": context.user(&comment.by),
            "created_at": comment.created_at,
            "updated_at": comment.updated_at,
            "author_association": context.association(&comment.by),
            "body": comment.body,
            "performed_via_github_app": None::<&str>,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct LabelView<'a> {
    context: Context<'a>,
    repo: &'a Repo,
    label: &'a Label,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct MilestoneView<'a> {
    context: Context<'a>,
    repo: &'a Repo,
    milestone: &'a Milestone,
}

impl<'a> Context<'a> {
    pub(super) const fn label(self, repo: &'a Repo, label: &'a Label) -> LabelView<'a> {
        LabelView { context: self, repo, label }
    }

    pub(super) const fn milestone(self, repo: &'a Repo, milestone: &'a Milestone) -> MilestoneView<'a> {
        MilestoneView { context: self, repo, milestone }
    }
}

impl Serialize for LabelView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { context, repo, label } = *self;
        let name: String = url::form_urlencoded::byte_serialize(label.name.as_bytes()).collect();
        object! { serializer;
            "id": label.id,
            "node_id": format_args!("LA_hub{}", label.id),
            "url": format_args!("{}/repos/{}/labels/{}", context.api, repo.name, name.replace('+', "%20")),
            "name": label.name,
            "color": label.color,
            "default": false,
            "description": label.description,
        }
    }
}

impl Serialize for MilestoneView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { context, repo, milestone } = *self;
        let (api, web, name, number) = (context.api, context.web, &repo.name, milestone.number);
        let inside = |open| {
            let here = |issue: &&Issue| issue.new.milestone == Some(number) && issue.open == open;
            repo.issues.iter().filter(here).count()
        };
        object! { serializer;
            "url": format_args!("{api}/repos/{name}/milestones/{number}"),
            "html_url": format_args!("{web}/{name}/milestone/{number}"),
            "labels_url": format_args!("{api}/repos/{name}/milestones/{number}/labels"),
            "id": milestone.id,
            "node_id": format_args!("MI_hub{}", milestone.id),
            "number": number,
            "state": if milestone.open { "open" } else { "closed" },
            "title": milestone.title,
            "description": milestone.description,
            "creator": context.user(&milestone.by),
            "open_issues": inside(true),
            "closed_issues": inside(false),
            "created_at": milestone.at,
            "updated_at": milestone.at,
            "closed_at": None::<&str>,
            "due_on": None::<&str>,
        }
    }
}
