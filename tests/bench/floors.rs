//! What no loader can be faster than: downloading the same pages and keeping nothing, and DuckDB reading
//! the same pages from files into typed tables. Each runs as a process of its own, as the tools do.

use std::path::Path;
use std::process::ExitCode;

use futures_util::{StreamExt as _, stream};
use planwright::pipeline::warehouse::{Access, Mode, Options, Warehouse};

use crate::account::{Served, Size};
use crate::support::World;

/// Requests in flight.
pub(crate) const IN_FLIGHT: usize = 32;

/// The first argument that makes this program download, and nothing else.
pub(crate) const DOWNLOAD: &str = "download";

/// The first argument that makes this program read pages from files, and nothing else.
pub(crate) const READ: &str = "read";

/// The pages of a full sync as planwright asks for them, each with the listing it belongs to.
pub(crate) struct Pages(Vec<(&'static str, String)>);

impl Pages {
    /// Finds out how many pages each listing has.
    pub(crate) fn of(world: &World, served: &Served, size: Size) -> Self {
        let mut pages = Self(Vec::new());
        pages.add("repos", "/user/repos?sort=full_name", size.repos);
        pages.add("issues", "/issues?filter=all&state=all&sort=updated&direction=asc", size.issues);
        for repo in 1..=size.repos {
            let path = format!("/repos/sample/repo-{repo:05}/issues/comments?sort=updated&direction=asc");
            // One row a page, so that the number of the last page is the number of rows.
            let answer =
                world.wait(get(&client(), &served.token, format!("{}{path}&per_page=1", served.url)));
            let links = answer.headers().get("link").map_or("", |links| links.to_str().unwrap());
            let last = links.split(", ").find(|link| link.ends_with("rel=\"last\"")).unwrap_or_default();
            let page = last.split(['&', '?', '>']).find_map(|part| part.strip_prefix("page="));
            pages.add("issue_comments", &path, page.map_or(1, |page| page.parse().unwrap()));
        }
        pages
    }

    fn add(&mut self, listing: &'static str, path: &str, rows: usize) {
        let page = |page| (listing, format!("{path}&per_page=100&page={page}"));
        self.0.extend((1..=rows.div_ceil(100)).map(page));
    }

    /// The arguments that make this program download them all.
    pub(crate) fn download(&self, served: &Served) -> Vec<String> {
        let fixed = [DOWNLOAD, &served.token].map(str::to_owned);
        fixed.into_iter().chain(self.0.iter().map(|(_, path)| format!("{}{path}", served.url))).collect()
    }

    /// Writes each page to a file `listing-number.json`.
    pub(crate) fn save(&self, world: &World, served: &Served, folder: &Path) {
        for (number, (listing, path)) in self.0.iter().enumerate() {
            let body = world.wait(async {
                get(&client(), &served.token, format!("{}{path}", served.url)).await.text().await.unwrap()
            });
            world.write(folder.join(format!("{listing}-{number}.json")), &body);
        }
    }
}

fn client() -> reqwest::Client {
    planwright::net::client(&planwright::net::Options::default()).unwrap()
}

async fn get(client: &reqwest::Client, token: &str, url: String) -> reqwest::Response {
    client.get(url).bearer_auth(token).send().await.unwrap().error_for_status().unwrap()
}

/// Downloads every address after the token.
pub(crate) fn download(arguments: &[String]) -> ExitCode {
    let [token, addresses @ ..] = arguments else { panic!("{DOWNLOAD} TOKEN ADDRESS ...") };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let client = client();
    let bodies = stream::iter(addresses).map(|url| async {
        get(&client, token, url.clone()).await.bytes().await.unwrap();
    });
    runtime.block_on(bodies.buffer_unordered(IN_FLIGHT).collect::<Vec<()>>());
    ExitCode::SUCCESS
}

/// The columns that planwright's tables have, as DuckDB's reader takes them.
const TABLES: [(&str, &str, &str); 3] = [
    (
        "repos",
        "id: 'BIGINT', node_id: 'VARCHAR', full_name: 'VARCHAR', owner: 'STRUCT(login VARCHAR)', name: 'VARCHAR', \
         description: 'VARCHAR', private: 'BOOLEAN', fork: 'BOOLEAN', archived: 'BOOLEAN', has_issues: 'BOOLEAN', \
         default_branch: 'VARCHAR', language: 'VARCHAR', topics: 'JSON', stargazers_count: 'BIGINT', \
         open_issues_count: 'BIGINT', created_at: 'TIMESTAMP', updated_at: 'TIMESTAMP', pushed_at: 'TIMESTAMP'",
        "* REPLACE (owner.login AS owner)",
    ),
    (
        "issues",
        "id: 'BIGINT', node_id: 'VARCHAR', number: 'BIGINT', title: 'VARCHAR', body: 'VARCHAR', state: 'VARCHAR', \
         state_reason: 'VARCHAR', user: 'STRUCT(login VARCHAR)', assignees: 'STRUCT(login VARCHAR)[]', \
         labels: 'STRUCT(name VARCHAR)[]', milestone: 'STRUCT(title VARCHAR)', type: 'STRUCT(name VARCHAR)', \
         pull_request: 'JSON', comments: 'BIGINT', sub_issues_summary: 'STRUCT(total BIGINT, completed BIGINT)', \
         issue_dependencies_summary: 'STRUCT(total_blocked_by BIGINT)', \
         repository: 'STRUCT(id BIGINT, full_name VARCHAR)', html_url: 'VARCHAR', created_at: 'TIMESTAMP', \
         updated_at: 'TIMESTAMP', closed_at: 'TIMESTAMP'",
        "*",
    ),
    (
        "issue_comments",
        "id: 'BIGINT', node_id: 'VARCHAR', issue_url: 'VARCHAR', user: 'STRUCT(login VARCHAR)', body: 'VARCHAR', \
         html_url: 'VARCHAR', created_at: 'TIMESTAMP', updated_at: 'TIMESTAMP'",
        "*",
    ),
];

/// Reads the pages of a folder into a new database there, within the bounds that planwright sets itself.
pub(crate) fn read(arguments: &[String]) -> ExitCode {
    let [pages, database] = arguments else { panic!("{READ} PAGES DATABASE") };
    let options =
        Options { memory_limit: "1GB".to_owned(), threads: 1, access: Access::Free, mode: Mode::ReadWrite };
    let warehouse = Warehouse::open(Path::new(database), &options).unwrap();
    for (table, columns, chosen) in TABLES {
        let files = format!("{pages}/{table}-*.json").replace('\'', "''");
        let sql = format!(
            "CREATE TABLE {table} AS SELECT {chosen} FROM read_json('{files}', format = 'array', columns = {{{columns}}})"
        );
        warehouse.query(&sql).unwrap();
    }
    ExitCode::SUCCESS
}
