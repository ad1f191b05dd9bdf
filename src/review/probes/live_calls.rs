//! Tests that reach a live service: they meet its rate limit, need its credentials and fail with it.
//!
//! Two witnesses. The harness saw an attempt to reach the network; or an added line of a test file
//! calls a public host and nothing in that file records, replays or mocks it. A URL that is only
//! compared with, an example host, loopback and recorded exchanges are nobody's concern.

use std::sync::LazyLock;

use regex::Regex;

use super::{Scene, at, is_recording, is_test};
use crate::artifact::evidence::Attempt;
use crate::artifact::verdict::{Finding, Severity};

const SOURCE: &str = "live_calls";
const MEND: &str = "record the exchange once as a cassette and replay it in the test, or serve the answer from a \
                    loopback server and give its address to the client (in a pipeline's test: `source = \"cassette:NAME\"`); \
                    the test must pass without a network";

/// A URL and its host.
static URL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"https?://(?:[^\s/"'@]*@)?([A-Za-z0-9.\-\[\]:]+)(/[^\s"'`)]*)?"#).ok());

/// A call that sends a request, in the languages people write tests in.
static CALL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"\b(requests|httpx|session|client|http|axios|got|superagent|ureq|reqwest|urllib3?)\s*(\.|::)\s*(get|post|put|patch|delete|head|request|send|stream|urlopen|Get|Post|Do)\b",
        r"|\burlopen\s*\(|\bfetch\s*\(|\bhttp\.(Get|Post|NewRequest)|\bNet::HTTP\b|\bopen-uri\b",
        r"|\bread_(json|csv|parquet)(_auto)?\s*\(\s*'https?:|\b(curl|wget)\s+\S*",
        r"|\.(get|post|send)\s*\(\s*[brf]*['\x22`]https?:",
        r"|^\s*(url|base_url|endpoint|source)\s*=\s*['\x22]https?:",
    ))
    .ok()
});

/// A client of a public API that reaches it unless told otherwise.
static CLIENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"\bnew\s+Octokit\s*\(|\bOctocrab::(builder|default)\b|\boctocrab::instance\b|\bgithub\.NewClient\s*\(",
        r"|(^|[^.\w])Github\s*\(|\bOctokit::Client\.new\b|\bnew\s+(OpenAI|Anthropic)\s*\(|(^|[^.\w])(OpenAI|Anthropic)\s*\(",
        r"|^\s*source\s*=\s*['\x22]live['\x22]",
    ))
    .ok()
});

/// Words of a file that keeps its tests off the network.
const MOCKED: &[&str] = &[
    "cassette",
    "vcr",
    "replay",
    "mock",
    "responses.activate",
    "httpretty",
    "respx",
    "nock",
    "msw",
    "wiremock",
    "httptest",
    "stub_request",
    "webmock",
    "pook",
    "localhost",
    "127.0.0.1",
    "[::1]",
    "fakeserver",
    "testserver",
];

/// The attempts seen and the lines that reach out.
pub fn probe(scene: &Scene<'_>) -> Vec<Finding> {
    let mut found: Vec<Finding> = scene.attempts.iter().map(|attempt| seen(scene, attempt)).collect();
    for file in scene.files {
        if !is_test(&file.path) || is_recording(&file.path) {
            continue;
        }
        let text = scene.texts.get(&file.path).map(|text| text.to_ascii_lowercase());
        if text.is_some_and(|text| MOCKED.iter().any(|word| text.contains(word))) {
            continue;
        }
        for (number, line) in file.added() {
            if let Some(what) = reaches(line) {
                let title = format!("a test calls {what} live");
                let mut finding = at(file, Some(number), Severity::Blocking, SOURCE, title);
                finding.evidence = format!(
                    "the added line is `{}`, and nothing in this file replays or mocks it",
                    capped(line)
                );
                finding.suggestion = Some(MEND.to_owned());
                found.push(finding);
            }
        }
    }
    found
}

/// What the harness saw, placed at an added line that names the host if there is one.
fn seen(scene: &Scene<'_>, attempt: &Attempt) -> Finding {
    let named = scene.files.iter().find_map(|file| {
        let (number, _) = file.added().find(|(_, line)| line.contains(&attempt.host))?;
        Some((file.repo_path()?, number))
    });
    let (path, line) = named.map_or((None, None), |(path, line)| (Some(path), Some(line)));
    let port = attempt.port.map_or_else(String::new, |port| format!(":{port}"));
    Finding {
        severity: Severity::Blocking,
        path,
        line,
        title: format!("the tests reach for {} over the network", attempt.host),
        evidence: format!(
            "with the network off, the harness saw `{}` try {}{port}",
            attempt.by, attempt.host
        ),
        suggestion: Some(MEND.to_owned()),
        source: SOURCE.to_owned(),
    }
}

/// What an added line of a test reaches, if it does.
fn reaches(line: &str) -> Option<String> {
    let code = line.trim_start();
    if ["#", "//", "--", "*", "/*", "<!--"].iter().any(|comment| code.starts_with(comment)) {
        return None;
    }
    let calls = CALL.as_ref()?.is_match(line);
    let host = URL.as_ref()?.captures_iter(line).find_map(|url| {
        let host = url.get(1)?.as_str().to_ascii_lowercase();
        is_public(&host).then_some(host)
    });
    match host {
        Some(host) if calls || (is_api(&host) && !compares(code)) => Some(format!("`{host}`")),
        Some(_) => None,
        None => {
            let client = CLIENT.as_ref()?.find(line)?.as_str().trim().trim_end_matches('(').trim();
            Some(if client.starts_with("source") {
                "its source".to_owned()
            } else {
                format!("a service through `{client}`")
            })
        }
    }
}

/// Hosts whose every use in a test is a request: their pages are for programs.
fn is_api(host: &str) -> bool {
    host.starts_with("api.")
        || host.contains(".api.")
        || host.starts_with("raw.")
        || host.ends_with(".googleapis.com")
}

/// Whether a URL on this line is only compared with or expected.
fn compares(code: &str) -> bool {
    ["assert", "expect", "==", "!=", " eq ", "toBe", "toEqual", "should", "matches"]
        .iter()
        .any(|word| code.contains(word))
}

/// Whether a host is out on the network: not loopback, not reserved for examples and tests (RFC 2606, RFC 6761).
fn is_public(host: &str) -> bool {
    let name = host.split(':').next().unwrap_or(host).trim_end_matches('.');
    let reserved = [
        "localhost",
        "test",
        "example",
        "invalid",
        "local",
        "internal",
        "example.com",
        "example.org",
        "example.net",
    ];
    let is_reserved = reserved.iter().any(|end| name == *end || name.ends_with(&format!(".{end}")));
    let is_private = name.starts_with("127.")
        || name == "0.0.0.0"
        || host.starts_with('[')
        || name.starts_with("10.")
        || name.starts_with("192.168.");
    name.contains('.') && !is_reserved && !is_private
}

fn capped(line: &str) -> String {
    let line = line.trim();
    let mut text: String = line.chars().take(160).collect();
    if text.len() < line.len() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::review::diff;

    fn found(path: &str, lines: &[&str], attempts: &[Attempt]) -> Vec<Finding> {
        let body: String = lines.iter().map(|line| format!("+{line}\n")).collect::<Vec<_>>().concat();
        let text = format!(
            "diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{} @@\n{body}",
            lines.len()
        );
        let texts = BTreeMap::from([(path.to_owned(), lines.join("\n"))]);
        probe(&Scene { files: &diff::parse(&text), texts: &texts, attempts })
    }

    #[test]
    fn a_test_that_calls_the_live_api_is_blocked_at_its_line() {
        for line in [
            r#"    r = requests.get("https://api.github.com/repos/o/r/issues")"#,
            r#"    let body = reqwest::get("https://api.github.com/user").await?;"#,
            r#"    resp, err := http.Get("https://news.ycombinator.com/")"#,
            r#"  const r = await fetch("https://jsonplaceholder.typicode.com/posts")"#,
            r#"url = "https://api.github.com/repos/o/r/issues""#,
            r"  gh = Github()",
            r"  let github = Octocrab::builder().build()?;",
            r"  select * from read_json('https://api.github.com/users/o')",
            "source = \"live\"",
        ] {
            let found = found("tests/test_live.py", &["first", line], &[]);
            assert_eq!(found.len(), 1, "{line}");
            assert_eq!((found[0].severity, found[0].line), (Severity::Blocking, Some(2)));
            assert!(found[0].suggestion.is_some());
        }
    }

    #[test]
    fn what_stays_off_the_network_is_nobodys_concern() {
        for (path, lines) in [
            ("tests/a.py", &[r#"requests.get("http://127.0.0.1:8080/x")"#][..]),
            ("tests/a.py", &[r#"requests.get("https://api.example.com/x")"#]),
            ("tests/a.py", &[r#"    assert row["url"] == "https://api.github.com/repos/o/r""#]),
            ("tests/a.py", &[r#"    html = "https://github.com/o/r/issues/1""#]),
            ("tests/a.py", &["# see https://api.github.com/"]),
            ("tests/a.py", &["@responses.activate", r#"requests.get("https://api.github.com/x")"#]),
            (
                "tests/a.py",
                &[r#"with vcr.use_cassette("x"):"#, r#"  requests.get("https://api.github.com/x")"#],
            ),
            ("tests/cassettes/a.toml", &[r#"url = "https://api.github.com/x""#]),
            ("src/client.py", &[r#"requests.get("https://api.github.com/x")"#]),
            ("tests/t.sql", &["select * from issues where url like 'https://github.com/%'"]),
        ] {
            assert_eq!(found(path, lines, &[]), [], "{lines:?}");
        }
    }

    #[test]
    fn an_attempt_that_the_harness_saw_blocks_even_where_no_line_tells() {
        let attempt =
            Attempt { host: "api.github.com".into(), port: Some(443), by: "tests/test_a.py".into() };
        let found =
            found("tests/test_a.py", &["from ours import fetch_all", "fetch_all(mock=False)"], &[attempt]);
        assert_eq!(found.len(), 1);
        assert!(found[0].evidence.contains("api.github.com:443"));
    }
}
