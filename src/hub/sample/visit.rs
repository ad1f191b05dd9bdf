//! A request to an account, and the pages that answer it: by arithmetic where that can be.

use jiff::Timestamp;

use super::account::{Account, PEOPLE};
use super::marks::{LABELS, assigned_of, labels_of, milestone_of};
use super::scene::{Base, Entry, Row, Scene};
use super::series::{Of, Series};
use super::sheet::Sheet;
use crate::hub::answer::{Body, Reply};
use crate::hub::listing::{Filter, Order, Paging};
use crate::hub::refusal::Refusal;
use crate::hub::request::Request;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit<'a> {
    pub(super) account: Account,
    pub(super) base: &'a Base,
    pub(super) request: &'a Request,
}

impl Visit<'_> {
    pub(super) fn one(self, row: Row) -> Reply {
        Reply { status: 200, body: Body::Sheet(Sheet::one(self.account, self.base, row)), page: None }
    }

    /// The rows of one page out of a listing with so many.
    pub(super) fn page(self, rows: Vec<Row>, total: usize) -> Reply {
        let paging = Paging::of(self.request);
        let body = Body::Sheet(Sheet::list(self.account, self.base, rows));
        Reply { status: 200, body, page: Some((paging, paging.last(total))) }
    }

    /// The same under a name, beside how many there are.
    pub(super) fn counted(self, name: &'static str, (rows, total): (Vec<Row>, usize)) -> Reply {
        let paging = Paging::of(self.request);
        let sheet = Sheet::list(self.account, self.base, rows).counted(name, total);
        Reply { status: 200, body: Body::Sheet(sheet), page: Some((paging, paging.last(total))) }
    }

    /// A page of a short listing.
    pub(super) fn short(self, rows: impl Iterator<Item = Row>) -> Reply {
        let rows: Vec<Row> = rows.collect();
        let total = rows.len();
        let (rows, _) = Paging::of(self.request).cut(rows);
        self.page(rows, total)
    }

    pub(super) const fn series(self, of: Of, by_update: bool) -> Series {
        Series { account: self.account, of, by_update }
    }

    pub(super) fn issue(self, repo: usize, nth: usize) -> Entry {
        self.series(Of::Issues(repo), false).entry(nth)
    }

    pub(super) fn comment(self, repo: usize, nth: usize) -> Entry {
        self.series(Of::Comments(repo), false).entry(nth)
    }

    pub(super) fn scene(&self, row: Row) -> Scene<'_> {
        Scene::of(self.account, self.base, row)
    }

    /// A page of issues that the query asks for, out of those to keep; `None` keeps all.
    pub(super) fn filtered(
        self,
        of: Of,
        keep: Option<&Keep<'_>>,
        row: fn(Entry) -> Row,
    ) -> Result<Reply, Refusal> {
        let filter = Filter::of(self.request)?;
        let sifted = Sifted {
            series: self.series(of, matches!(filter.order, Order::Updated)),
            by_comments: matches!(filter.order, Order::Comments),
            ascending: filter.ascending,
            since: filter.since.map(second),
            row,
        };
        if filter.is_open_to_all() && keep.is_none() {
            return Ok(self.sifted(sifted, None));
        }
        let both = |scene: &Scene<'_>| matches(&filter, scene) && keep.is_none_or(|keep| keep(scene));
        Ok(self.sifted(sifted, Some(&both)))
    }

    /// A page of a long listing: by arithmetic where that can be, otherwise by looking at every row.
    pub(super) fn sifted(
        self,
        Sifted { series, by_comments, ascending, since, row }: Sifted,
        keep: Option<&Keep<'_>>,
    ) -> Reply {
        let paging = Paging::of(self.request);
        let len = series.len();
        if keep.is_none() && !by_comments && (series.by_update || since.is_none()) {
            let begin = since.map_or(0, |since| series.since(since));
            let range = paging.range(len - begin);
            let (start, end) = if ascending {
                (begin + range.start, begin + range.end)
            } else {
                (len - range.end, len - range.start)
            };
            let mut rows: Vec<Row> = series.rows(start..end).into_iter().map(row).collect();
            if !ascending {
                rows.reverse();
            }
            return self.page(rows, len - begin);
        }
        let mut entries = series.rows(0..len);
        entries.retain(|entry| {
            since.is_none_or(|since| series.updated(*entry) >= since)
                && keep.is_none_or(|keep| keep(&self.scene(row(*entry))))
        });
        if by_comments {
            entries.sort_by_key(|entry| self.account.comments(entry.repo).held(entry.nth));
        }
        if !ascending {
            entries.reverse();
        }
        let total = entries.len();
        let (entries, _) = paging.cut(entries);
        self.page(entries.into_iter().map(row).collect(), total)
    }
}

/// Whether a row belongs to a listing.
pub(super) type Keep<'a> = dyn Fn(&Scene<'_>) -> bool + 'a;

/// Every row belongs to it.
pub(super) const KEEP_ALL: Option<&Keep<'static>> = None;

/// What is asked of a long listing.
pub(super) struct Sifted {
    pub(super) series: Series,
    pub(super) by_comments: bool,
    pub(super) ascending: bool,
    pub(super) since: Option<i64>,
    pub(super) row: fn(Entry) -> Row,
}

/// The first whole second that is not before this time; GitHub finds nothing since 1970.
pub(super) fn second(since: Timestamp) -> i64 {
    if since <= Timestamp::UNIX_EPOCH {
        i64::MAX
    } else {
        since.as_second() + i64::from(since.subsec_nanosecond() > 0)
    }
}

fn matches(filter: &Filter<'_>, scene: &Scene<'_>) -> bool {
    let login = |user: usize| PEOPLE.get(user).copied().unwrap_or_default();
    let named = |part: usize| LABELS.get(part).map_or("", |label| label[0]);
    let has = |label: &&str| labels_of(scene.seed).any(|part| named(part).eq_ignore_ascii_case(label));
    let (assigned, milestone) = (assigned_of(scene.seed), milestone_of(scene.nth));
    filter.open.is_none_or(|open| scene.is_open() == open)
        && filter.labels.iter().all(has)
        && filter.creator.is_none_or(|name| login(scene.user).eq_ignore_ascii_case(name))
        && filter.assignee.is_none_or(|wanted| match wanted {
            "none" => assigned.is_none(),
            "*" => assigned.is_some(),
            name => assigned.is_some_and(|user| login(user).eq_ignore_ascii_case(name)),
        })
        && filter.milestone.is_none_or(|wanted| match wanted {
            "none" => milestone.is_none(),
            "*" => milestone.is_some(),
            number => milestone.is_some_and(|part| (part + 1).to_string() == number),
        })
}
