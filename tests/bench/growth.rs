//! How many requests an account of any size takes, beside the fewest that GitHub's API allows for it.
//!
//! The floor is computed from what was loaded: a hundred repositories, issues, comments or pull requests
//! to a page, each list of a repository that has any by itself where GitHub has no list of the whole
//! account; fifty issues with sub-issues or dependencies, and fifty pull requests with their reviews, to a
//! question by GraphQL.

use std::process::ExitCode;

use crate::account::{Requests, Served, Size};
use crate::support::{FLOOR, World};
use crate::tools::PLANWRIGHT;
use crate::{ANY_PORT, NEAR, UNCHANGED};

/// The smallest account; the others are ten and a hundred times as large. Its lists of comments end in the
/// middle of a page, as most lists do: one that ends with a full page costs a request more.
const SMALLEST: Size = Size { repos: 20, issues: 1_010, comments: 4_100 };

const FACTORS: [usize; 3] = [1, 10, 100];

/// Issues that changed before the last sync, whatever the size of the account.
const CHANGED: &str = "100";

/// In how many repositories they lie: of those, and of no others, comments and pull requests are asked for.
const TOUCHED: &str = "SELECT count(DISTINCT parent) FROM planwright.raw WHERE resource = 'issues' \
    AND run = (SELECT max_by(run, fetched_at) FROM planwright.raw)";

/// Everything that the floor counts.
const RESOURCES: [&str; 6] =
    ["issues", "issue_comments", "pulls", "reviews", "sub_issues", "issue_dependencies"];

/// The argument that makes the benchmark show this and nothing else.
pub(crate) const ALONE: &str = "growth";

/// Measures each size and prints the table.
pub(crate) fn show() -> ExitCode {
    println!(
        "Requests for repositories, issues, pull requests, reviews, comments, sub-issues and dependencies \
         (those that cost quota):\n\n| repositories, issues, comments | floor | full | \
         nothing changed | {CHANGED} issues changed | in so many repositories |\n|---|--:|--:|--:|--:|--:|"
    );
    for factor in FACTORS {
        let size = SMALLEST.times(factor);
        let [full, again, changed] = syncs(size);
        let Size { repos, issues, comments } = size;
        println!(
            "| {repos}, {issues}, {comments} | {} | {} | {} | {} | {} |",
            full.floor, full.asked.counted, again.asked.counted, changed.asked.counted, changed.touched
        );
    }
    ExitCode::SUCCESS
}

/// What one sync asked, and what the account was afterwards.
struct Sync {
    asked: Requests,
    /// The fewest requests that all of it could be had for.
    floor: u64,
    /// The repositories of the issues that came with it.
    touched: u64,
}

/// A first sync, one of the same account and one after a change.
fn syncs(size: Size) -> [Sync; 3] {
    let mut world = World::empty();
    let mut port = ANY_PORT;
    [UNCHANGED, UNCHANGED, CHANGED].map(|changed| {
        let served = Served::start(&world, size, [changed, NEAR], port);
        port = served.port();
        world.set("GITHUB_API_URL", &served.url).set("GITHUB_TOKEN", &served.token);
        let only = RESOURCES.iter().flat_map(|resource| ["--only", resource]);
        let args: Vec<&str> = ["--quiet", "sync"].into_iter().chain(only).collect();
        world.run(PLANWRIGHT, &args, "").ended(0);
        let (floor, touched) = (number(&world, FLOOR), number(&world, TOUCHED));
        Sync { asked: served.stop(), floor, touched }
    })
}

/// The one number that a query returns.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
fn number(world: &World, sql: &str) -> u64 {
    let found = world.run(PLANWRIGHT, &["query", "--format", "csv", sql], "").ended(0);
    let number = found.stdout.lines().last().and_then(|line| line.parse::<f64>().ok());
    number.expect("the query returns a number") as u64
}
