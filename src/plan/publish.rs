//! Publishing a plan: an epic, its sub-issues and what blocks what, each made exactly once.
//!
//! The tracker is listed once; what is there is found by the plan file's memory or by the marker, and
//! only what is missing is made, blockers first, so that a body can name its blockers by number. The
//! plan file is saved after every change. Cut off anywhere, the next run goes on from there. What a
//! person has edited, unlinked or closed is left as it is, and said.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use super::lint::{errors, lint};
use super::order::order;
use super::reconcile::{self, Edge, Text};
use super::{Error, file};
use crate::artifact::body::EPIC;
use crate::artifact::plan::{Link, Plan, Published};
use crate::artifact::{Event, IssueNumber, RepoName};
use crate::github::{Client, Edit, Issue, IssueQuery, NewIssue, State};
use crate::telemetry::Run;

/// A tracker's clock may be behind ours by this much.
const SKEW: Duration = Duration::from_hours(24);
/// How long to wait before each look for an issue whose creation was not answered.
const LOOKS: [u64; 3] = [0, 2, 5];

/// Where a plan is published to.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The tracker.
    pub client: &'a Client,
    /// What the plan file calls it: the API's base, or a name for the hub that stays when its port changes.
    pub tracker: &'a str,
    /// The repository.
    pub repo: &'a RepoName,
    /// Events, clock and interruption.
    pub run: &'a Run,
    /// The plan's file, saved after every change.
    pub file: &'a Path,
}

/// What publishing did.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// The epic.
    pub epic: Link,
    /// The page of the epic.
    pub url: String,
    /// The issue of each key, blockers first.
    pub issues: Vec<(String, Link)>,
    /// Issues that were made.
    pub created: usize,
    /// Issues whose text was brought up to date.
    pub updated: usize,
    /// Issues whose text differs from the plan because a person edited it: it stays.
    pub kept: Vec<IssueNumber>,
    /// Links that were made.
    pub linked: usize,
}

/// Publishes a plan, or goes on publishing it. Doing it again changes nothing.
pub async fn publish(target: Target<'_>, plan: &mut Plan) -> Result<Report, Error> {
    let problems = errors(&lint(plan));
    let Some(order) = order(plan).ok().filter(|_| problems.is_empty()) else {
        return Err(Error::Lint { problems });
    };
    let mut work = Work::begin(target, plan, order).await?;
    match work.run().await {
        Ok(epic) => Ok(work.report(epic)),
        Err(error) if work.known.is_empty() => Err(error),
        Err(error) => Err(work.partial(error)),
    }
}

/// A publication under way.
struct Work<'a> {
    target: Target<'a>,
    plan: &'a mut Plan,
    order: Vec<usize>,
    /// The issue of each key, as it was read or made.
    known: BTreeMap<String, Issue>,
    /// Keys whose issue this run made: nothing is linked to it yet.
    fresh: BTreeSet<String>,
    updated: usize,
    kept: Vec<IssueNumber>,
    linked: usize,
}

impl<'a> Work<'a> {
    /// Lists what is there.
    async fn begin(target: Target<'a>, plan: &'a mut Plan, order: Vec<usize>) -> Result<Self, Error> {
        let mut work = Self {
            target,
            plan,
            order,
            known: BTreeMap::new(),
            fresh: BTreeSet::new(),
            updated: 0,
            kept: Vec::new(),
            linked: 0,
        };
        let issues = work.list().await?;
        for key in work.keys() {
            if let Some(issue) = work.find(&key, &issues).await? {
                work.known.insert(key, issue);
            }
        }
        Ok(work)
    }

    async fn run(&mut self) -> Result<Link, Error> {
        if !self.known.is_empty() {
            self.remember()?;
        }
        let keys = self.keys();
        self.target.run.events.stage("publish", format!("{} issues to `{}`", keys.len(), self.target.repo));
        let epic = self.ensure(EPIC).await?;
        for key in &keys {
            self.ensure(key).await?;
        }
        for edge in reconcile::missing(self.plan, &self.order, self.links_made()) {
            self.link(&edge).await?;
        }
        for key in &keys {
            self.mend(key).await?;
        }
        Ok(epic)
    }

    /// The epic, then the issues, blockers first.
    fn keys(&self) -> Vec<String> {
        let issues =
            self.order.iter().filter_map(|&index| self.plan.issues.get(index)).map(|issue| issue.key.clone());
        std::iter::once(EPIC.to_owned()).chain(issues).collect()
    }

    fn place(&self) -> Option<&Published> {
        reconcile::published(self.plan, self.target.tracker, self.target.repo)
    }

    fn links_made(&self) -> &[(String, String)] {
        self.place().map_or(&[], |place| &place.linked)
    }

    /// Every issue that could be the plan's: none is older than its draft.
    async fn list(&self) -> Result<Vec<Issue>, Error> {
        let since = self.plan.drafted.and_then(|drafted| drafted.checked_sub(SKEW).ok());
        let query = IssueQuery { state: State::All, labels: Vec::new(), since };
        Ok(self.target.client.issues(self.target.repo, &query).await?)
    }

    /// The issue of a key among those listed; a remembered one that a slow listing lacks is asked for.
    async fn find(&self, key: &str, issues: &[Issue]) -> Result<Option<Issue>, Error> {
        let remembered = reconcile::remembered(self.place(), key);
        let doubles = reconcile::marked(self.plan, key, issues);
        if doubles.len() > 1 {
            let numbers: Vec<String> = doubles.iter().map(|issue| issue.number.to_string()).collect();
            let text =
                format!("{} all carry the marker of `{key}`; only one of them is used", numbers.join(", "));
            self.target.run.events.warn(text);
        }
        if let Some(issue) = reconcile::find(self.plan, key, remembered, issues) {
            return Ok(Some(issue.clone()));
        }
        let Some(link) = remembered else { return Ok(None) };
        match self.target.client.issue(self.target.repo, link.number).await {
            Ok(issue) if issue.id == link.id => Ok(Some(issue)),
            Ok(_) | Err(crate::github::Error::NotFound { .. } | crate::github::Error::Gone { .. }) => {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn ensure(&mut self, key: &str) -> Result<Link, Error> {
        match self.known.get(key) {
            Some(issue) => Ok(link_of(issue)),
            None => self.create(key).await,
        }
    }

    /// Makes the issue of a key. When nobody knows whether it was made, it is looked for before it is tried again.
    async fn create(&mut self, key: &str) -> Result<Link, Error> {
        self.go_on()?;
        let (title, body) = reconcile::wanted(self.plan, key, &self.links());
        let labels = self.plan.issue(key).map(|issue| issue.labels.clone()).unwrap_or_default();
        let new = NewIssue { title, body, labels };
        let made = match self.create_once(&new).await {
            Err(error) if error.is_unknown() => match self.look_for(key).await? {
                Some(issue) => issue,
                None => self.create_once(&new).await?,
            },
            other => other?,
        };
        let link = link_of(&made);
        self.known.insert(key.to_owned(), made);
        self.fresh.insert(key.to_owned());
        self.remember()?;
        self.tell(key, "created");
        Ok(link)
    }

    /// On the heap: the request's own state is large.
    async fn create_once(&self, new: &NewIssue) -> Result<Issue, crate::github::Error> {
        Box::pin(self.target.client.create_issue(self.target.repo, new)).await
    }

    async fn look_for(&self, key: &str) -> Result<Option<Issue>, Error> {
        for seconds in LOOKS {
            self.target.run.clock.sleep(Duration::from_secs(seconds)).await;
            let issues = self.list().await?;
            if let Some(issue) = reconcile::find(self.plan, key, None, &issues) {
                return Ok(Some(issue.clone()));
            }
        }
        Ok(None)
    }

    /// Makes a link that was never made, unless it is there.
    async fn link(&mut self, edge: &Edge) -> Result<(), Error> {
        self.go_on()?;
        let (Some(holder), Some(named)) = (self.known.get(&edge.holder), self.known.get(&edge.named)) else {
            return Ok(());
        };
        let (holder, named) = (link_of(holder), named.clone());
        let moved = named.parent.filter(|parent| edge.is_sub_issue() && *parent != holder.number);
        if let Some(parent) = moved {
            let text = format!("{} is part of {parent} by now; it stays there", named.number);
            self.target.run.events.note(text);
        } else if self.fresh.contains(&edge.holder) || !self.is_linked(edge, holder, &named).await? {
            self.add(edge, holder, &named).await?;
            self.linked += 1;
        }
        self.remember_link(edge)
    }

    async fn is_linked(&self, edge: &Edge, holder: Link, named: &Issue) -> Result<bool, Error> {
        let Target { client, repo, .. } = self.target;
        let there = if edge.is_sub_issue() {
            client.sub_issues(repo, holder.number).await?
        } else {
            client.blocked_by(repo, holder.number).await?
        };
        Ok(there.iter().any(|issue| issue.id == named.id))
    }

    async fn add(&self, edge: &Edge, holder: Link, named: &Issue) -> Result<(), Error> {
        match self.add_once(edge, holder, named).await {
            // Unknown, or refused because it is there already: looking tells.
            Err(error) if error.is_unknown() || matches!(error, crate::github::Error::Invalid { .. }) => {
                match (self.is_linked(edge, holder, named).await?, error.is_unknown()) {
                    (true, _) => Ok(()),
                    (false, true) => Ok(self.add_once(edge, holder, named).await?),
                    (false, false) => Err(error.into()),
                }
            }
            other => Ok(other?),
        }
    }

    async fn add_once(&self, edge: &Edge, holder: Link, named: &Issue) -> Result<(), crate::github::Error> {
        let Target { client, repo, .. } = self.target;
        if edge.is_sub_issue() {
            client.add_sub_issue(repo, holder.number, named.id).await
        } else {
            client.add_blocked_by(repo, holder.number, named.id).await
        }
    }

    /// Brings a text up to date that nobody but planwright has written.
    async fn mend(&mut self, key: &str) -> Result<(), Error> {
        let (title, body) = reconcile::wanted(self.plan, key, &self.links());
        let Some(issue) = self.known.get(key) else { return Ok(()) };
        let number = issue.number;
        match reconcile::text(issue, title, body) {
            Text::Update { title, body } => {
                self.go_on()?;
                let edit = Edit { title: Some(title), body: Some(body), ..Edit::default() };
                let issue = self.target.client.edit_issue(self.target.repo, number, &edit).await?;
                self.known.insert(key.to_owned(), issue);
                // The first text of a fresh epic cannot name its issues yet; that is no update.
                if !self.fresh.contains(key) {
                    self.updated += 1;
                    self.tell(key, "updated");
                }
            }
            Text::Edited => {
                self.kept.push(number);
                self.target
                    .run
                    .events
                    .note(format!("{number} was edited by a person; its text stays as it is"));
            }
            Text::Same | Text::Closed if !self.fresh.contains(key) => self.tell(key, "unchanged"),
            Text::Same | Text::Closed => {}
        }
        Ok(())
    }

    fn go_on(&self) -> Result<(), Error> {
        if self.target.run.cancel.is_cancelled() { Err(Error::Interrupted) } else { Ok(()) }
    }

    fn links(&self) -> BTreeMap<String, Link> {
        self.known.iter().map(|(key, issue)| (key.clone(), link_of(issue))).collect()
    }

    /// Writes into the plan file which issues are there.
    fn remember(&mut self) -> Result<(), Error> {
        let links = self.links();
        let Some(&epic) = links.get(EPIC) else { return Ok(()) };
        let issues: Vec<(String, Link)> = self
            .keys()
            .into_iter()
            .skip(1)
            .filter_map(|key| Some((key.clone(), *links.get(&key)?)))
            .collect();
        let is_here =
            |place: &Published| place.tracker == self.target.tracker && place.repo == *self.target.repo;
        let old = self.plan.published.iter().position(is_here).map(|at| self.plan.published.remove(at));
        let same = |key: &str| reconcile::remembered(old.as_ref(), key) == links.get(key).copied();
        // A link is remembered only between the issues it was made between.
        let linked: Vec<(String, String)> = old
            .iter()
            .flat_map(|place| &place.linked)
            .filter(|(holder, named)| same(holder) && same(named))
            .cloned()
            .collect();
        let place = Published {
            tracker: self.target.tracker.to_owned(),
            repo: self.target.repo.clone(),
            epic,
            issues,
            linked,
        };
        let changed = old.as_ref() != Some(&place);
        self.plan.published.push(place);
        if changed { file::save(self.target.file, self.plan) } else { Ok(()) }
    }

    fn remember_link(&mut self, edge: &Edge) -> Result<(), Error> {
        let (tracker, repo) = (self.target.tracker, self.target.repo);
        let place =
            self.plan.published.iter_mut().find(|place| place.tracker == tracker && place.repo == *repo);
        if let Some(place) = place {
            place.linked.push((edge.holder.clone(), edge.named.clone()));
        }
        file::save(self.target.file, self.plan)
    }

    fn tell(&self, key: &str, change: &str) {
        if let Some(issue) = self.known.get(key) {
            self.target.run.events.send(Event::Issue {
                change: change.to_owned(),
                key: key.to_owned(),
                link: link_of(issue),
                title: issue.title.clone(),
            });
        }
    }

    fn partial(&self, source: Error) -> Error {
        Error::Partial {
            made: self.known.len(),
            all: self.plan.issues.len() + 1,
            links: reconcile::missing(self.plan, &self.order, self.links_made()).len(),
            file: self.target.file.to_owned(),
            source: Box::new(source),
        }
    }

    fn report(&self, epic: Link) -> Report {
        let links = self.links();
        Report {
            epic,
            url: self.known.get(EPIC).map(|issue| issue.url.clone()).unwrap_or_default(),
            issues: self
                .keys()
                .into_iter()
                .skip(1)
                .filter_map(|key| Some((key.clone(), *links.get(&key)?)))
                .collect(),
            created: self.fresh.len(),
            updated: self.updated,
            kept: self.kept.clone(),
            linked: self.linked,
        }
    }
}

const fn link_of(issue: &Issue) -> Link {
    Link { number: issue.number, id: issue.id }
}
