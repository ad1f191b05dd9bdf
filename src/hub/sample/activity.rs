//! What goes on in a sample repository: likes, what was done to issues, and workflows that run.
//!
//! All of it follows from what the issues, comments and pull requests say of themselves, and is counted there:
//! there is a like for each that is told, and a run for each pull request.

use super::marks::{What, is_starred};
use super::routes::REVIEWED;
use super::scene::{Entry, REVIEWS, RUNS, Row};
use super::visit::Visit;
use crate::hub::answer::Reply;
use crate::hub::listing::Paging;
use crate::hub::refusal::Refusal;

/// The workflows of every repository. The first runs for pull requests.
pub(super) const WORKFLOWS: [&str; 2] = ["test", "release"];

/// The media type with the times of stars.
const STARS: &str = "star+json";

impl Visit<'_> {
    /// The repositories that the owner starred, with times where they are asked for.
    pub(super) fn starred(self) -> Reply {
        let row = if self.asks_for_stars() { Row::Starred } else { Row::Repo };
        self.short((0..self.account.repos).filter(|repo| is_starred(*repo)).map(row))
    }

    /// Who starred a repository: the owner, or nobody.
    pub(super) fn stargazers(self, repo: usize) -> Reply {
        let row = if self.asks_for_stars() { Row::Stargazer(repo) } else { Row::User(0) };
        self.short(is_starred(repo).then_some(row).into_iter())
    }

    fn asks_for_stars(self) -> bool {
        self.request.accept.as_ref().is_some_and(|accept| accept.contains(STARS))
    }

    /// The reactions to what this row would tell: one or none.
    pub(super) fn likes(self, like: Row) -> Reply {
        self.short(self.scene(like).is_liked().then_some(like).into_iter())
    }

    /// The remark on a diff that has this database id, if it is in this repository.
    pub(super) fn remark(self, repo: usize, id: &str) -> Result<Entry, Refusal> {
        let has_one = |nth: &usize| {
            self.account.pulls(repo).nth(*nth).is_some_and(|pull| pull.is_multiple_of(REVIEWED))
        };
        let nth = self.nth_of(repo, (REVIEWS, id)).filter(has_one).ok_or_else(Refusal::not_found)?;
        Ok(Entry { repo, nth, changed: None })
    }

    /// The page of an issue: what was done to it at first, its comments, and its end.
    pub(super) fn timeline(self, repo: usize, nth: usize) -> Reply {
        let entry = self.issue(repo, nth);
        let scene = self.scene(Row::Issue(entry));
        let spread = self.account.comments(repo);
        let said = (spread.start(nth)..spread.start(nth + 1)).map(|nth| Row::Said(self.comment(repo, nth)));
        let happened = |what| Row::Happened(entry, what);
        let first = What::at_first(&scene).map(happened);
        self.short(first.chain(said).chain(What::at_last(&scene).map(happened)))
    }

    /// What was done to all issues of a repository, the newest first. It looks at every issue.
    pub(super) fn events(self, repo: usize) -> Reply {
        let of = |nth| {
            let entry = self.issue(repo, nth);
            let scene = self.scene(Row::Issue(entry));
            let all: Vec<_> = What::at_first(&scene).chain(What::at_last(&scene)).collect();
            all.into_iter().map(move |what| Row::Event(entry, what))
        };
        let mut rows: Vec<Row> = (0..self.account.deal().held(repo)).flat_map(of).collect();
        rows.sort_by_cached_key(|row| {
            let scene = self.scene(*row);
            std::cmp::Reverse((scene.created, scene.id))
        });
        self.short(rows.into_iter())
    }

    /// What is below `actions` of a repository.
    pub(super) fn actions(self, repo: usize, rest: &[&str]) -> Result<Reply, Refusal> {
        let pulls = self.account.pulls(repo);
        let entry = |nth| Entry { repo, nth, changed: None };
        match rest {
            ["workflows"] => {
                let rows = (0..WORKFLOWS.len()).map(|part| Row::Workflow(repo, part)).collect();
                Ok(self.counted("workflows", (rows, WORKFLOWS.len())))
            }
            // The newest first.
            ["runs"] => {
                let range = Paging::of(self.request).range(pulls.count);
                let rows = range.map(|at| Row::Run(entry(pulls.thing(pulls.count - 1 - at))));
                Ok(self.counted("workflow_runs", (rows.collect(), pulls.count)))
            }
            ["runs", id, "jobs"] => {
                let nth = self.nth_of(repo, (RUNS, id)).filter(|nth| pulls.nth(*nth).is_some());
                let nth = nth.ok_or_else(Refusal::not_found)?;
                Ok(self.counted("jobs", (vec![Row::Job(entry(nth))], 1)))
            }
            _ => Err(Refusal::not_found()),
        }
    }

    /// Which issue of a repository something belongs to whose ids are those of the issues, counted from `base`.
    fn nth_of(self, repo: usize, (base, id): (usize, &str)) -> Option<usize> {
        let issue =
            id.parse::<usize>().ok()?.checked_sub(base).filter(|issue| *issue < self.account.issues)?;
        let (home, nth) = self.account.deal().place(issue);
        (home == repo).then_some(nth)
    }
}
