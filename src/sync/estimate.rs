//! What a sync will take, told before it begins: requests, time, and what is left of the hour after it.
//!
//! It spends one request at GitHub, and none at other APIs, which tell no limits: the first page of
//! repositories, or, where all of them are named, a look at the limits, which is free; and what it takes to
//! know which are starred. The rest is what the warehouse knows. A lower bound is called one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Error, Options, Server};
use crate::artifact::Events;
use crate::github::{Client, RawPage, Terms};
use crate::pipeline::forecast::{self, Bound, Forecast};
use crate::pipeline::spec::Resource;
use crate::pipeline::warehouse::{self, Mode, Warehouse};
use crate::pipeline::{Spec, extract};

/// Milliseconds that a page is taken to need where none was ever read.
const USUAL: u64 = 300;
/// Requests in flight that the time is told for.
const AT_ONCE: u64 = 8;
/// Response time and requests that GitHub allows in a minute.
const MINUTE: (u64, u64) = (72_000, 900);

/// What a sync will take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// Each resource, in the spec's order.
    pub resources: Vec<Forecast>,
    /// Requests in all. Each costs one point at most; a page that did not change costs none.
    pub requests: u64,
    /// How good the sum is.
    pub bound: Bound,
    /// Seconds.
    pub seconds: u64,
    /// The hour's limit; `null` where the server has none.
    pub quota: Option<Quota>,
}

/// What the server allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Quota {
    /// Requests in an hour.
    pub limit: u64,
    /// Left now.
    pub left: u64,
    /// Left after the sync, or where it would end before.
    pub after: u64,
    /// Kept for the person's other tools.
    pub reserve: u64,
    /// When the hour ends.
    pub resets: Timestamp,
    /// Whether it can be done in this hour.
    pub fits: bool,
}

/// What is read of a repository.
#[derive(Debug, Deserialize)]
struct Repo {
    #[serde(default)]
    open_issues_count: u64,
}

/// What the first page of repositories tells of the account.
#[derive(Debug, Default)]
struct Account {
    repos: Option<u64>,
    open_issues: Option<u64>,
}

/// Estimates. `reserve` is percent of the hour's limit.
pub async fn estimate(server: Server<'_>, options: &Options<'_>, reserve: u64) -> Result<Estimate, Error> {
    let spec = Spec::read(options.folder)?;
    let narrowed = options.narrowed(server, &Events::none()).await?;
    let warehouse = (!options.warehouse.is_missing()).then(|| {
        let settings = options.settings;
        let confined = warehouse::Options::confined(&settings.memory_limit, settings.threads);
        Warehouse::open(options.warehouse.clone(), &warehouse::Options { mode: Mode::ReadOnly, ..confined })
    });
    let known = forecast::read(warehouse.transpose()?.as_ref(), &spec, &narrowed)?;
    let page = match server {
        Server::Github(client) => look(client, &narrowed).await?,
        Server::Rest(_) => None,
    };
    let account = page.as_ref().map(Account::read).unwrap_or_default();
    let resources: Vec<_> = known
        .resources
        .into_iter()
        .map(|(resource, facts)| forecast::forecast(resource, facts, &narrowed, account.rows_of(resource)))
        .collect();
    let requests = resources.iter().map(|forecast| forecast.requests).sum();
    let exact = resources.iter().all(|forecast| forecast.bound == Bound::About);
    Ok(Estimate {
        requests,
        bound: if exact { Bound::About } else { Bound::AtLeast },
        seconds: seconds(requests, known.millis.unwrap_or(USUAL)),
        quota: page.and_then(|page| quota(&page, requests, reserve)),
        resources,
    })
}

/// The one request. A server without limits may not know where they are told.
async fn look(client: &Client, options: &extract::Options) -> Result<Option<RawPage>, Error> {
    if options.choice.is_listed() {
        let query = [("per_page", "100"), ("sort", "full_name")];
        let query = query.map(|(name, value)| (name.to_owned(), value.to_owned()));
        return Ok(Some(client.page("/user/repos", &query, Terms::default()).await?));
    }
    match client.page("/rate_limit", &[], Terms::default()).await {
        Err(crate::github::Error::NotFound { .. }) => Ok(None),
        page => Ok(Some(page?)),
    }
}

impl Account {
    fn read(page: &RawPage) -> Self {
        let Ok(repos) = serde_json::from_slice::<Vec<Repo>>(&page.body) else { return Self::default() };
        let here = u64::try_from(repos.len()).unwrap_or(u64::MAX);
        Self {
            repos: Some(page.last.map_or(here, |pages| pages.saturating_mul(here))),
            open_issues: Some(repos.iter().map(|repo| repo.open_issues_count).sum()),
        }
    }

    /// How many rows a resource has at least, as GitHub's paths tell.
    fn rows_of(&self, resource: &Resource) -> Option<u64> {
        match resource.path.as_str() {
            "/user/repos" => self.repos,
            "/repos/{full_name}/issues" => self.open_issues,
            _ => None,
        }
    }
}

/// How long so many requests take: side by side, and within what GitHub allows in a minute.
fn seconds(requests: u64, millis: u64) -> u64 {
    let (time, points) = MINUTE;
    let all = requests.saturating_mul(millis);
    let free = all.div_ceil(AT_ONCE);
    let by_time = all.saturating_sub(time).saturating_mul(60_000) / time;
    let by_points = requests.saturating_sub(points).saturating_mul(60_000) / points;
    free.max(by_time).max(by_points).div_ceil(1_000)
}

fn quota(page: &RawPage, requests: u64, reserve: u64) -> Option<Quota> {
    let (limit, left) = (page.limit?, page.remaining?);
    let reserve = limit.saturating_mul(reserve.min(100)) / 100;
    Some(Quota {
        limit,
        left,
        after: left.saturating_sub(requests).max(left.min(reserve)),
        reserve,
        resets: Timestamp::from_second(page.resets?).ok()?,
        fits: left.saturating_sub(requests) >= reserve,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_bound_by_whichever_limit_comes_first() {
        for (requests, millis, expected) in
            [(0, 300, 0), (8, 300, 1), (240, 300, 9), (700, 300, 115), (1_800, 10, 60), (5_000, 300, 1_190)]
        {
            assert_eq!(seconds(requests, millis), expected, "{requests} of {millis} ms");
        }
    }

    fn told(left: u64, requests: u64) -> (u64, bool) {
        let page = RawPage {
            status: 200,
            body: bytes::Bytes::new(),
            next: None,
            last: None,
            etag: None,
            remaining: Some(left),
            limit: Some(5_000),
            resets: Some(1_000_000),
        };
        quota(&page, requests, 20).map(|quota| (quota.after, quota.fits)).unwrap()
    }

    #[test]
    fn the_reserve_is_never_counted_on() {
        assert_eq!(told(4_000, 500), (3_500, true));
        assert_eq!(told(4_000, 3_000), (1_000, true));
        assert_eq!(told(4_000, 3_001), (1_000, false));
        assert_eq!(told(800, 10), (800, false), "none of the reserve is spent");
    }
}
