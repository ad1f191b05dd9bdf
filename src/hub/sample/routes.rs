//! From a request to a sheet: the table of routes of a sample account, which can only be read.

use super::account::{Account, PEOPLE};
use super::families::Links;
use super::marks::{LABELS, MILESTONES, assigned_of, labels_of};
use super::scene::{Base, Entry, Row, Scene, comment_of, verdicts};
use super::series::Of;
use super::visit::{KEEP_ALL, Keep, Sifted, Visit, second};
use crate::hub::answer::Reply;
use crate::hub::listing::Paging;
use crate::hub::refusal::Refusal;
use crate::hub::request::Request;

/// Answers. Whatever would write is refused, as GitHub refuses a token that may only read.
pub(in crate::hub) fn answer(account: Account, base: &Base, request: &Request) -> Result<Reply, Refusal> {
    if request.method != "GET" {
        return Err(Refusal::new(403, "Resource not accessible by personal access token"));
    }
    let visit = Visit { account, base, request };
    let parts: Vec<&str> = request.parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["user"] => Ok(visit.one(Row::Person(0))),
        ["users", login] => Ok(visit.one(Row::Person(person(login)?))),
        ["user", "repos"] => Ok(visit.repos(account.repos)),
        ["user", "starred"] => Ok(visit.starred()),
        // What nobody in a sample account has.
        ["user", "orgs"] | ["gists" | "notifications"] => Ok(visit.short(std::iter::empty())),
        ["users", login, "projectsV2"] => person(login).map(|_| visit.short(std::iter::empty())),
        ["users" | "orgs", login, "repos"] => {
            Ok(visit.repos(if person(login)? == 0 { account.repos } else { 0 }))
        }
        ["issues"] | ["user", "issues"] => visit.everything(),
        ["repos", owner, name, rest @ ..] => {
            let repo = visit.repo(owner, name)?;
            visit.in_repo(repo, rest)
        }
        _ => Err(Refusal::not_found()),
    }
}

/// One of so many pull requests has a remark on its diff.
pub(super) const REVIEWED: usize = 4;

const fn review(repo: usize, nth: usize) -> Row {
    Row::Review(Entry { repo, nth, changed: None })
}

fn person(login: &str) -> Result<usize, Refusal> {
    let known = PEOPLE.iter().position(|known| known.eq_ignore_ascii_case(login));
    known.ok_or_else(Refusal::not_found)
}

impl Visit<'_> {
    fn repo(self, owner: &str, name: &str) -> Result<usize, Refusal> {
        let digits = name.get(..5).filter(|start| start.eq_ignore_ascii_case("repo-")).and(name.get(5..));
        let number = digits.filter(|digits| digits.len() == 5).and_then(|digits| digits.parse().ok());
        let repo = number.and_then(|number: usize| number.checked_sub(1));
        let is_here = |repo: &usize| person(owner) == Ok(0) && *repo < self.account.repos;
        repo.filter(is_here).ok_or_else(Refusal::not_found)
    }

    /// Repositories in the order of their names, which is that of their births and updates too.
    fn repos(self, count: usize) -> Reply {
        let by_name = matches!(self.request.query("sort"), None | Some("full_name"));
        let ascending = self.request.query("direction").map_or(by_name, |direction| direction == "asc");
        let range = Paging::of(self.request).range(count);
        let turn = |at: usize| if ascending { at } else { count - 1 - at };
        self.page(range.map(|at| Row::Repo(turn(at))).collect(), count)
    }

    fn in_repo(self, repo: usize, rest: &[&str]) -> Result<Reply, Refusal> {
        match rest {
            [] => Ok(self.one(Row::WholeRepo(repo))),
            ["labels"] => Ok(self.short((0..LABELS.len()).map(|part| Row::Label(repo, part)))),
            ["milestones"] => {
                let count = if self.request.query("state") == Some("closed") { 0 } else { MILESTONES };
                Ok(self.short((0..count).map(|part| Row::Milestone(repo, part))))
            }
            ["issues"] => self.issues(repo),
            ["issues", "comments"] => self.comments(repo),
            ["issues", "comments", id] => Ok(self.one(Row::Comment(self.comment_by_id(repo, id)?))),
            ["issues", "comments", id, "reactions"] => {
                Ok(self.likes(Row::LikedComment(self.comment_by_id(repo, id)?)))
            }
            ["issues", "events"] => Ok(self.events(repo)),
            ["pulls"] => self.pulls(repo),
            ["pulls", "comments"] => self.reviews(repo),
            ["pulls", "comments", id, "reactions"] => {
                Ok(self.likes(Row::LikedRemark(self.remark(repo, id)?)))
            }
            ["pulls", number] => Ok(self.one(Row::WholePull(self.issue(repo, self.pull(repo, number)?.0)))),
            ["pulls", number, "comments"] => {
                let (nth, pull) = self.pull(repo, number)?;
                let rows = pull.is_multiple_of(REVIEWED).then(|| review(repo, nth));
                Ok(self.short(rows.into_iter()))
            }
            ["pulls", number, "reviews"] => {
                let (nth, pull) = self.pull(repo, number)?;
                let entry = Entry { repo, nth, changed: None };
                Ok(self.short((0..verdicts(pull)).map(|part| Row::Verdict(entry, part))))
            }
            ["stargazers"] => Ok(self.stargazers(repo)),
            ["assignees"] => Ok(self.short((0..PEOPLE.len()).map(Row::User))),
            ["actions", rest @ ..] => self.actions(repo, rest),
            ["languages"] => Reply::json(200, &serde_json::json!({"Rust": 100_000 + repo})),
            // What a sample account has none of.
            ["environments"] => Ok(self.counted("environments", (Vec::new(), 0))),
            ["releases" | "branches" | "tags" | "commits" | "events" | "contributors" | "deployments"] => {
                Ok(self.short(std::iter::empty()))
            }
            ["issues", number, rest @ ..] => self.in_issue(repo, self.nth(repo, number)?, rest),
            _ => Err(Refusal::not_found()),
        }
    }

    fn in_issue(self, repo: usize, nth: usize, rest: &[&str]) -> Result<Reply, Refusal> {
        let links = Links::of(self.account, repo, nth);
        let issue = |nth| Row::Issue(self.issue(repo, nth));
        match rest {
            [] => Ok(self.one(issue(nth))),
            ["comments"] => {
                let spread = self.account.comments(repo);
                let since = self.request.time("since")?.map(second);
                let rows = (spread.start(nth)..spread.start(nth + 1)).map(|nth| self.comment(repo, nth));
                let series = self.series(Of::Comments(repo), false);
                let fresh = rows.filter(|entry| since.is_none_or(|since| series.updated(*entry) >= since));
                Ok(self.short(fresh.map(Row::Comment)))
            }
            ["labels"] => {
                let seed = self.scene(Row::Issue(self.issue(repo, nth))).seed;
                Ok(self.short(labels_of(seed).map(|part| Row::Label(repo, part))))
            }
            ["reactions"] => Ok(self.likes(Row::Liked(self.issue(repo, nth)))),
            ["timeline"] => Ok(self.timeline(repo, nth)),
            ["parent"] => Ok(self.one(issue(links.parent.ok_or_else(Refusal::not_found)?))),
            ["sub_issues"] => Ok(self.short(links.children.into_iter().flatten().map(issue))),
            ["dependencies", "blocked_by"] => {
                Ok(self.short(links.blocked_by.into_iter().flatten().map(issue)))
            }
            ["dependencies", "blocking"] => Ok(self.short(links.blocking.into_iter().map(issue))),
            _ => Err(Refusal::not_found()),
        }
    }

    /// The comment that has this database id, if it is in this repository.
    fn comment_by_id(self, repo: usize, id: &str) -> Result<Entry, Refusal> {
        let id = id.parse().ok().and_then(comment_of).filter(|id| *id < self.account.comments);
        let place = id.map(|id| self.account.comment_deal().place(id));
        let entry = place.filter(|(home, _)| *home == repo).map(|(_, nth)| self.comment(repo, nth));
        entry.ok_or_else(Refusal::not_found)
    }

    fn nth(self, repo: usize, number: &str) -> Result<usize, Refusal> {
        let nth = number.parse().ok().and_then(|number: usize| number.checked_sub(1));
        nth.filter(|nth| *nth < self.account.deal().held(repo)).ok_or_else(Refusal::not_found)
    }

    fn issues(self, repo: usize) -> Result<Reply, Refusal> {
        Paging::of(self.request).refuse_too_deep()?;
        self.filtered(Of::Issues(repo), KEEP_ALL, Row::Issue)
    }

    /// The issues of all repositories. Without `filter=all` only what is assigned to the person.
    fn everything(self) -> Result<Reply, Refusal> {
        let keep: Option<&Keep<'_>> = match self.request.query("filter").unwrap_or("assigned") {
            "all" | "repos" | "subscribed" | "mentioned" => KEEP_ALL,
            "created" => Some(&|scene| scene.user == 0),
            "assigned" => Some(&|scene| assigned_of(scene.seed) == Some(0)),
            _ => return Err(Refusal::field("Issue", "filter", "invalid")),
        };
        self.filtered(Of::Everything, keep, Row::IssueAtHome)
    }

    /// A pull request by its number: its place among issues and among pull requests.
    fn pull(self, repo: usize, number: &str) -> Result<(usize, usize), Refusal> {
        let nth = self.nth(repo, number)?;
        Ok((nth, self.account.pulls(repo).nth(nth).ok_or_else(Refusal::not_found)?))
    }

    fn pulls(self, repo: usize) -> Result<Reply, Refusal> {
        let branch = |name: &str| {
            self.request.query(name).map(|name| name.rsplit(':').next().unwrap_or(name).to_owned())
        };
        let (head, base) = (branch("head"), branch("base"));
        self.filtered(
            Of::Issues(repo),
            Some(&|scene: &Scene<'_>| {
                scene.is_pull
                    && head.as_ref().is_none_or(|head| *head == format!("topic-{}", scene.number()))
                    && base.as_ref().is_none_or(|base| base == "main")
            }),
            Row::Pull,
        )
    }

    /// Remarks on diffs, in the order of their ids unless asked otherwise: one on every fourth pull request.
    fn reviews(self, repo: usize) -> Result<Reply, Refusal> {
        let (pulls, since) = (self.account.pulls(repo), self.request.time("since")?.map(second));
        let mut rows: Vec<Row> = (0..pulls.count)
            .step_by(REVIEWED)
            .map(|pull| review(repo, pulls.thing(pull)))
            .filter(|row| since.is_none_or(|since| self.scene(*row).updated >= since))
            .collect();
        if self.request.query("sort").is_some() && self.request.query("direction") == Some("desc") {
            rows.reverse();
        }
        Ok(self.short(rows.into_iter()))
    }

    /// All comments of a repository, in the order of their ids unless asked otherwise.
    fn comments(self, repo: usize) -> Result<Reply, Refusal> {
        let by_update = match self.request.query("sort") {
            Some("updated") => true,
            Some("created") | None => false,
            Some(_) => return Err(Refusal::field("IssueComment", "sort", "invalid")),
        };
        // GitHub ignores `direction` without `sort`.
        let is_sorted = self.request.query("sort").is_some();
        let sifted = Sifted {
            series: self.series(Of::Comments(repo), by_update),
            by_comments: false,
            ascending: !(is_sorted && self.request.query("direction") == Some("desc")),
            since: self.request.time("since")?.map(second),
            row: Row::Comment,
        };
        Ok(self.sifted(sifted, None))
    }
}

#[cfg(test)]
mod tests {
    use octocrab::models::issues::{Comment, Issue};
    use octocrab::models::pulls::{PullRequest, ReviewComment};
    use octocrab::models::{Label, Milestone, Repository, UserProfile};
    use serde::de::DeserializeOwned;
    use serde_json::Value;

    use super::*;
    use crate::hub::answer::Body;

    fn reply(sizes: &str, path: &str) -> Result<Reply, Refusal> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let base =
            Base { api: "http://127.0.0.1:40000".to_owned(), web: "http://127.0.0.1:40000".to_owned() };
        let request = Request {
            method: "GET".to_owned(),
            parts: path.split('/').skip(1).map(str::to_owned).collect(),
            query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
            ..Request::default()
        };
        answer(sizes.parse().unwrap(), &base, &request)
    }

    fn bytes(sizes: &str, path: &str) -> Vec<u8> {
        reply(sizes, path).unwrap_or_else(|refusal| panic!("{path}: {refusal:?}")).body.write()
    }

    fn typed<T: DeserializeOwned>(sizes: &str, path: &str) -> T {
        let bytes = bytes(sizes, path);
        let text = String::from_utf8_lossy(&bytes);
        serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
    }

    const REPO: &str = "/repos/sample/repo-00001";

    #[test]
    fn octocrabs_own_models_read_every_row() {
        let sizes = "repos=2,issues=300,comments=700,changed=20";
        assert_eq!(typed::<UserProfile>(sizes, "/user").public_repos, 2);
        assert_eq!(typed::<UserProfile>(sizes, "/users/ADA").login, "ada");
        assert_eq!(typed::<Vec<Repository>>(sizes, "/user/repos").len(), 2);
        assert_eq!(typed::<Repository>(sizes, REPO).full_name.as_deref(), Some("sample/repo-00001"));
        assert_eq!(typed::<Vec<Label>>(sizes, &format!("{REPO}/labels")).len(), LABELS.len());
        assert_eq!(typed::<Vec<Milestone>>(sizes, &format!("{REPO}/milestones")).len(), MILESTONES);
        for page in 1..=3 {
            let query = format!("state=all&per_page=100&page={page}");
            let issues: Vec<Issue> = typed(sizes, &format!("/issues?filter=all&{query}"));
            assert_eq!(issues.len(), 100);
            for issue in issues {
                assert!(issue.body.is_some_and(|body| !body.is_empty()) && !issue.title.contains('<'));
            }
            typed::<Vec<Comment>>(sizes, &format!("{REPO}/issues/comments?{query}"));
        }
        let pulls: Vec<PullRequest> = typed(sizes, &format!("{REPO}/pulls?state=all&per_page=100"));
        assert_eq!(pulls.len(), 45);
        let reviews: Vec<ReviewComment> = typed(sizes, &format!("{REPO}/pulls/comments?per_page=100"));
        assert_eq!(reviews.len(), 12);
        for pull in pulls {
            let own: Vec<Value> = typed(sizes, &format!("{REPO}/pulls/{}/comments", pull.number));
            let listed =
                reviews.iter().filter(|review| review.html_url.contains(&format!("/pull/{}#", pull.number)));
            assert_eq!(own.len(), listed.count());
        }
        assert_eq!(bytes(sizes, &format!("{REPO}/releases")), b"[]");
    }

    #[test]
    fn the_numbers_of_an_issue_agree_with_what_is_listed_for_it() {
        let sizes = "repos=2,issues=200,comments=333";
        let issues: Vec<Value> = typed(sizes, &format!("{REPO}/issues?state=all&per_page=100"));
        for issue in &issues {
            let of =
                |kind: &str| typed::<Vec<Value>>(sizes, &format!("{REPO}/issues/{}/{kind}", issue["number"]));
            let (children, blockers) = (of("sub_issues"), of("dependencies/blocked_by"));
            let closed = children.iter().filter(|child| child["state"] == "closed").count();
            let open = blockers.iter().filter(|blocker| blocker["state"] == "open").count();
            assert_eq!(issue["comments"], of("comments").len());
            assert_eq!(issue["sub_issues_summary"]["total"], children.len());
            assert_eq!(issue["sub_issues_summary"]["completed"], closed);
            assert_eq!(issue["issue_dependencies_summary"]["total_blocked_by"], blockers.len());
            assert_eq!(issue["issue_dependencies_summary"]["blocked_by"], open);
            assert_eq!(
                issue["issue_dependencies_summary"]["total_blocking"],
                of("dependencies/blocking").len()
            );
            assert_eq!(issue["labels"].as_array().unwrap(), &of("labels"));
        }
        let open = typed::<Vec<Value>>(sizes, &format!("{REPO}/issues?per_page=100")).len();
        assert_eq!(typed::<Value>(sizes, REPO)["open_issues"], open);
        for milestone in typed::<Vec<Value>>(sizes, &format!("{REPO}/milestones")) {
            let inside = |state: &str| {
                let query = format!("per_page=100&state={state}&milestone={}", milestone["number"]);
                typed::<Vec<Value>>(sizes, &format!("{REPO}/issues?{query}")).len()
            };
            assert_eq!(milestone["open_issues"], inside("open"));
            assert_eq!(milestone["closed_issues"], inside("closed"));
        }
    }

    /// Every id of a listing, paged by the time of the last row.
    fn keyset(sizes: &str, path: &str) -> Vec<u64> {
        let (mut since, mut ids) = ("2008-01-01T00:00:00Z".to_owned(), Vec::new());
        loop {
            let query = format!("state=all&filter=all&sort=updated&direction=asc&per_page=50&since={since}");
            let rows: Vec<Value> = typed(sizes, &format!("{path}?{query}"));
            ids.extend(rows.iter().map(|row| row["id"].as_u64().unwrap()));
            match rows.last().map(|row| row["updated_at"].as_str().unwrap().to_owned()) {
                Some(last) if last != since => since = last,
                _ => break ids,
            }
        }
    }

    #[test]
    fn paging_by_time_finds_every_row_and_meets_none_twice_but_for_ties() {
        let sizes = "repos=2,issues=700,comments=900,changed=9";
        for (path, rows) in [
            ("/issues", 700),
            ("/repos/sample/repo-00002/issues", 348),
            ("/repos/sample/repo-00002/issues/comments", 448),
        ] {
            let found = keyset(sizes, path);
            let mut once = found.clone();
            once.sort_unstable();
            once.dedup();
            assert_eq!(once.len(), rows, "{path}");
            assert!(found.len() < rows + rows / 10 + 20, "{path}: {}", found.len());
        }
    }

    #[test]
    fn changed_rows_come_last_and_only_their_pages_are_new() {
        let path = |page: usize| {
            format!("{REPO}/issues?state=all&sort=created&direction=asc&per_page=10&page={page}")
        };
        let print = |sizes: &str, page| match reply(sizes, &path(page)).unwrap().body {
            Body::Sheet(sheet) => sheet.fingerprint(),
            Body::Written(_) => 0,
        };
        let (before, after) = ("repos=1,issues=400,comments=0", "repos=1,issues=400,comments=0,changed=4");
        let mut new = 0;
        for page in 1..=40 {
            let (old, now) = (bytes(before, &path(page)), bytes(after, &path(page)));
            assert_eq!(old == now, print(before, page) == print(after, page));
            new += usize::from(old != now);
        }
        assert_eq!(new, 4);
        let last: Vec<Value> = typed(after, &format!("{REPO}/issues?state=all&sort=updated&per_page=5"));
        let is_changed = |row: &Value| row["title"].as_str().unwrap().ends_with("once more");
        assert_eq!(last.iter().map(is_changed).collect::<Vec<_>>(), [true, true, true, true, false]);
    }

    #[test]
    fn rows_are_as_full_as_githubs() {
        let average =
            |path: &str| bytes("", &format!("{REPO}/{path}?state=all&per_page=100&page=7")).len() / 100;
        for (path, bounds) in [("issues", 3_000..3_600), ("issues/comments", 3_000..3_600)] {
            assert!(bounds.contains(&average(path)), "{path}: {}", average(path));
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let sizes = "repos=2,issues=8,comments=8";
        for path in [
            "/repos/sample/repo-00003",
            "/repos/sample/repo-1",
            "/repos/ada/repo-00001",
            "/repos/sample/repo-00001/issues/5",
            "/repos/sample/repo-00001/issues/0",
            "/repos/sample/repo-00001/issues/1/parent",
            "/repos/sample/repo-00002/issues/comments/3000000000",
            "/users/nobody",
            "/nothing",
        ] {
            assert_eq!(reply(sizes, path).map_err(|refusal| refusal.status), Err(404), "{path}");
        }
        let deep = reply("issues=99999", &format!("{REPO}/issues?state=all&per_page=100&page=101"));
        assert_eq!(deep.map_err(|refusal| refusal.status), Err(422));
    }
}
