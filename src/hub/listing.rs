//! Listings: which issues match, in which order, and which page of them. Pure.

use std::cmp::Ordering;
use std::ops::Range;

use jiff::Timestamp;

use super::refusal::Refusal;
use super::request::Request;
use super::state::{Issue, Repo};

/// A page number and its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paging {
    pub(super) page: usize,
    pub(super) per_page: usize,
}

/// GitHub refuses to count pages beyond this many rows of a listing of issues.
const DEEPEST: usize = 10_000;

impl Paging {
    /// Nonsense counts as the default and more than 100 as 100, silently, as on GitHub.
    pub(super) fn of(request: &Request) -> Self {
        let number =
            |name| request.query(name).and_then(|text| text.parse().ok()).filter(|number| *number > 0);
        Self { page: number("page").unwrap_or(1), per_page: number("per_page").unwrap_or(30).min(100) }
    }

    /// The rows of this page, and the number of the last page.
    pub(super) fn cut<T>(self, rows: Vec<T>) -> (Vec<T>, usize) {
        let (range, last) = (self.range(rows.len()), self.last(rows.len()));
        (rows.into_iter().skip(range.start).take(range.len()).collect(), last)
    }

    /// The places of this page's rows in a listing of so many.
    pub(super) fn range(self, total: usize) -> Range<usize> {
        let start = (self.page - 1).saturating_mul(self.per_page).min(total);
        start..start.saturating_add(self.per_page).min(total)
    }

    /// The number of the last page of a listing of so many.
    pub(super) fn last(self, total: usize) -> usize {
        total.div_ceil(self.per_page).max(1)
    }

    pub(super) fn refuse_too_deep(self) -> Result<(), Refusal> {
        if self.page.saturating_mul(self.per_page) <= DEEPEST {
            return Ok(());
        }
        let text = "Pagination with the page parameter is not supported for large datasets, \
                    please use cursor based pagination (after/before)";
        Err(Refusal::new(422, text))
    }
}

/// What a listing of issues asks for.
#[derive(Debug)]
pub(super) struct Filter<'a> {
    pub(super) open: Option<bool>,
    pub(super) since: Option<Timestamp>,
    pub(super) labels: Vec<&'a str>,
    pub(super) creator: Option<&'a str>,
    pub(super) assignee: Option<&'a str>,
    pub(super) milestone: Option<&'a str>,
    pub(super) order: Order,
    pub(super) ascending: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    Created,
    Updated,
    Comments,
}

impl<'a> Filter<'a> {
    pub(super) fn of(request: &'a Request) -> Result<Self, Refusal> {
        let invalid = |field| Refusal::field("Issue", field, "invalid");
        let open = match request.query("state").unwrap_or("open") {
            "open" => Some(true),
            "closed" => Some(false),
            "all" => None,
            _ => return Err(invalid("state")),
        };
        let order = match request.query("sort").unwrap_or("created") {
            "created" => Order::Created,
            "updated" => Order::Updated,
            "comments" => Order::Comments,
            _ => return Err(invalid("sort")),
        };
        let ascending = match request.query("direction").unwrap_or("desc") {
            "asc" => true,
            "desc" => false,
            _ => return Err(invalid("direction")),
        };
        let labels = request.query("labels").unwrap_or_default();
        Ok(Self {
            open,
            since: request.time("since")?,
            labels: labels.split(',').map(str::trim).filter(|label| !label.is_empty()).collect(),
            creator: request.query("creator"),
            assignee: request.query("assignee"),
            milestone: request.query("milestone"),
            order,
            ascending,
        })
    }

    /// Whether it leaves nothing out but by time.
    pub(super) const fn is_open_to_all(&self) -> bool {
        self.open.is_none()
            && self.labels.is_empty()
            && self.creator.is_none()
            && self.assignee.is_none()
            && self.milestone.is_none()
    }

    /// The issues of one repository that match.
    pub(super) fn select<'s>(&self, repo: &'s Repo) -> impl Iterator<Item = (&'s Repo, &'s Issue)> {
        repo.issues.iter().filter(|issue| self.matches(issue)).map(move |issue| (repo, issue))
    }

    fn matches(&self, issue: &Issue) -> bool {
        let same = |name: &str, other: &str| name.eq_ignore_ascii_case(other);
        let has = |label: &&str| issue.new.labels.iter().any(|name| same(name, label));
        self.open.is_none_or(|open| issue.open == open)
            && self.since.is_none_or(|since| is_since(issue.updated_at, since))
            && self.labels.iter().all(has)
            && self.creator.is_none_or(|login| same(&issue.new.by, login))
            && self.assignee.is_none_or(|login| matches_assignee(issue, login))
            && self.milestone.is_none_or(|wanted| matches_milestone(issue, wanted))
    }

    pub(super) fn sort(&self, rows: &mut [(&Repo, &Issue)]) {
        rows.sort_by(|(_, one), (_, other)| {
            let order = self.compare(one, other).then(one.new.id.cmp(&other.new.id));
            if self.ascending { order } else { order.reverse() }
        });
    }

    fn compare(&self, one: &Issue, other: &Issue) -> Ordering {
        match self.order {
            Order::Created => one.created_at.cmp(&other.created_at),
            Order::Updated => one.updated_at.cmp(&other.updated_at),
            Order::Comments => one.comments.cmp(&other.comments),
        }
    }
}

/// Inclusive; and `since=1970-01-01T00:00:00Z` gives an empty list, as on GitHub.
pub(super) fn is_since(at: Timestamp, since: Timestamp) -> bool {
    at >= since && since > Timestamp::UNIX_EPOCH
}

fn matches_assignee(issue: &Issue, wanted: &str) -> bool {
    match wanted {
        "none" => issue.new.assignees.is_empty(),
        "*" => !issue.new.assignees.is_empty(),
        login => issue.new.assignees.iter().any(|name| name.eq_ignore_ascii_case(login)),
    }
}

fn matches_milestone(issue: &Issue, wanted: &str) -> bool {
    match wanted {
        "none" => issue.new.milestone.is_none(),
        "*" => issue.new.milestone.is_some(),
        number => issue.new.milestone.is_some_and(|milestone| milestone.to_string() == number),
    }
}
