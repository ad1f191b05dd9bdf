//! Secrets taken out of text before it goes anywhere: to a model, a transcript, a log, an issue.
//!
//! Two kinds of rules: credentials that have a shape of their own (GitHub's tokens, cloud keys, private
//! key blocks), and assignments to names that speak of secrets, where the value looks random. Text
//! that merely speaks about secrets, and placeholders, stay. Pure: the same text, the same answer.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder};

/// A text without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redacted {
    /// The text; each secret is replaced by `[secret removed: kind]`.
    pub text: String,
    /// What was removed, in order.
    pub found: Vec<Found>,
}

/// One secret that was removed. The secret itself is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is: `GitHub token`, `private key`.
    pub kind: &'static str,
    /// The line it began on, counted from 1.
    pub line: usize,
}

/// A shape of secrets. Where the pattern has a group, only the group is the secret.
struct Rule {
    kind: &'static str,
    /// Without one of these in the lowercase text the pattern is not even compiled.
    hints: &'static [&'static str],
    pattern: &'static str,
    /// Whether the shape alone does not prove it: the text must look random too.
    doubtful: bool,
}

const fn certain(kind: &'static str, hints: &'static [&'static str], pattern: &'static str) -> Rule {
    Rule { kind, hints, pattern, doubtful: false }
}

const fn doubtful(kind: &'static str, hints: &'static [&'static str], pattern: &'static str) -> Rule {
    Rule { kind, hints, pattern, doubtful: true }
}

/// Words in the names of what holds a secret.
const NAMES: &[&str] = &[
    "passw",
    "passphrase",
    "secret",
    "token",
    "api_key",
    "apikey",
    "api-key",
    "access",
    "private",
    "credential",
    "_key",
];

const RULES: [Rule; 17] = [
    certain(
        "private key",
        &["private key"],
        r#"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:[A-Za-z0-9+/=\s\\:,.()"'-]{40,}?-----END [A-Z0-9 ]*-----|[A-Za-z0-9+/=\s\\]{64,})"#,
    ),
    certain(
        "GitHub token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
        r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})",
    ),
    certain("GitLab token", &["glpat-"], r"\bglpat-[A-Za-z0-9_-]{20,}"),
    certain("Anthropic key", &["sk-ant-"], r"\bsk-ant-[A-Za-z0-9_-]{20,}"),
    doubtful("API key", &["sk-"], r"\bsk-[A-Za-z0-9_-]{20,}"),
    certain("AWS key", &["akia", "asia", "abia", "acca"], r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    certain("Google key", &["aiza"], r"\bAIza[0-9A-Za-z_-]{35}"),
    certain("Slack token", &["xox"], r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    certain("Stripe key", &["k_live_", "k_test_"], r"\b[sr]k_(?:live|test)_[0-9A-Za-z]{16,}"),
    certain("npm token", &["npm_"], r"\bnpm_[A-Za-z0-9]{36}"),
    certain("PyPI token", &["pypi-"], r"\bpypi-[A-Za-z0-9_-]{50,}"),
    certain("Hugging Face token", &["hf_"], r"\bhf_[A-Za-z0-9]{30,}"),
    certain("JWT", &["eyj"], r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    certain(
        "password in a URL",
        &["://"],
        r#"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@"'<>]*:([^\s/@"'<>${}*\[\]]{3,})@"#,
    ),
    doubtful("bearer token", &["bearer"], r"(?i:\bbearer)\s+([A-Za-z0-9._~+/-]{20,}=*)"),
    doubtful(
        "secret value",
        NAMES,
        r#"(?i:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credential)[A-Za-z0-9_.-]*["']?\s*(?:=>|:=|=|:)\s*["'`]([^"'`\s]{12,})["'`]"#,
    ),
    doubtful(
        "secret value",
        NAMES,
        r"(?m)^[^\n=:]*(?:PASSW(?:OR)?D|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIAL|(?i:_password|_secret|_token|_key))[A-Za-z0-9_]*\s*[=:]\s*([A-Za-z0-9+/_.~=-]{16,})\s*$",
    ),
];

/// Compiled when first needed: most texts need none.
static COMPILED: [OnceLock<Regex>; RULES.len()] = [const { OnceLock::new() }; RULES.len()];

#[expect(clippy::expect_used, reason = "the patterns are constants, and a test compiles each of them")]
fn compiled(rule: &Rule, slot: &'static OnceLock<Regex>) -> &'static Regex {
    // Secrets are ASCII: without Unicode classes the automata stay small.
    let compile = || RegexBuilder::new(rule.pattern).unicode(false).build();
    slot.get_or_init(|| compile().expect("a constant pattern compiles"))
}

/// Removes the secrets from a text.
pub fn redact(text: &str) -> Redacted {
    let spans = spans(text);
    let mut clean = String::with_capacity(text.len());
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    for (span, kind) in spans {
        let before = text.get(at..span.start).unwrap_or_default();
        line += before.matches('\n').count();
        clean.push_str(before);
        clean.push_str("[secret removed: ");
        clean.push_str(kind);
        clean.push(']');
        found.push(Found { kind, line });
        line += text.get(span.clone()).unwrap_or_default().matches('\n').count();
        at = span.end;
    }
    clean.push_str(text.get(at..).unwrap_or_default());
    Redacted { text: clean, found }
}

/// Where the secrets are and what they are, in order, none overlapping; of overlapping ones the earlier rule
/// wins.
pub fn spans(text: &str) -> Vec<(Range<usize>, &'static str)> {
    let mut spans: Vec<(Range<usize>, &'static str)> = Vec::new();
    let lower = text.to_ascii_lowercase();
    for (rule, slot) in RULES.iter().zip(&COMPILED) {
        if !rule.hints.iter().any(|hint| lower.contains(hint)) {
            continue;
        }
        for captures in compiled(rule, slot).captures_iter(text.as_bytes()) {
            let Some(secret) = captures.get(1).or_else(|| captures.get(0)) else { continue };
            let secret = whole_characters(text, secret.range());
            let new = !spans.iter().any(|(span, _)| span.start < secret.end && secret.start < span.end);
            if new && (!rule.doubtful || looks_random(text.get(secret.clone()).unwrap_or_default())) {
                spans.push((secret, rule.kind));
            }
        }
    }
    spans.sort_by_key(|(span, _)| span.start);
    spans
}

/// The range widened to the characters that it cuts.
fn whole_characters(text: &str, range: Range<usize>) -> Range<usize> {
    text.floor_char_boundary(range.start)..text.ceil_char_boundary(range.end)
}

const PLACEHOLDERS: &[&str] = &[
    "example",
    "placeholder",
    "changeme",
    "your",
    "dummy",
    "xxxx",
    "...",
    "redacted",
    "environ",
    "env.",
    "secrets.",
];

/// Letters and digits mixed, of many kinds: what a generator makes and a person does not write.
fn looks_random(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let kinds: BTreeSet<char> = value.chars().collect();
    let has = |test: fn(&char) -> bool| value.chars().any(|c| test(&c));
    let mixed = has(char::is_ascii_digit) && has(char::is_ascii_alphabetic);
    mixed
        && kinds.len() >= 9
        && entropy(value) >= 3.1
        && !PLACEHOLDERS.iter().any(|word| lower.contains(word))
}

/// Shannon's entropy, in bits a character.
#[expect(clippy::cast_precision_loss, reason = "lengths here are far below 2^52")]
fn entropy(value: &str) -> f64 {
    let length = value.chars().count() as f64;
    let mut counts = std::collections::BTreeMap::<char, u32>::new();
    for c in value.chars() {
        *counts.entry(c).or_default() += 1;
    }
    counts.values().map(|&count| f64::from(count) / length).map(|share| -share * share.log2()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, usize)]) {
        let redacted = redact(text);
        let found: Vec<_> = redacted.found.iter().map(|found| (found.kind, found.line)).collect();
        assert_eq!(found, expected, "{text}\n->\n{}", redacted.text);
        assert_eq!(redact(&redacted.text).found, [], "what was removed is gone: {}", redacted.text);
    }

    #[test]
    fn every_pattern_compiles() {
        for (rule, slot) in RULES.iter().zip(&COMPILED) {
            assert!(compiled(rule, slot).captures_len() <= 2, "{}", rule.kind);
        }
    }

    /// Joined at run time, so that scanners of this source find nothing.
    fn joined(parts: &[&str]) -> String {
        parts.concat()
    }

    #[test]
    fn shapes_of_their_own() {
        let random = "a8Fk2LmQ9xZt4RvB7nWc1YpD6sGh3JeU5oTi";
        for (prefix, kind) in [
            ("ghp_", "GitHub token"),
            ("gho_", "GitHub token"),
            ("github_pat_", "GitHub token"),
            ("glpat-", "GitLab token"),
            ("sk-ant-api03-", "Anthropic key"),
            ("sk-proj-", "API key"),
            ("xoxb-", "Slack token"),
            ("npm_", "npm token"),
            ("hf_", "Hugging Face token"),
        ] {
            check(&joined(&["one\nuse ", prefix, random, " here"]), &[(kind, 2)]);
        }
        check(&joined(&["AKIA", "IOSFODNN7EXAMPLE"]), &[("AWS key", 1)]);
        check(
            &joined(&["eyJ", "hbGciOiJIUzI1NiJ9.", "eyJ", "zdWIiOiIxMjM0In0.", "dozjgNryP4J3jVmN"]),
            &[("JWT", 1)],
        );
    }

    #[test]
    fn a_private_key_goes_whole_and_lines_stay_counted() {
        let body = "MIIEpAIBAAKCAQEA7bq98zFqkVv3k1mX0c1ZkT9p\n".repeat(3);
        let text = joined(&[
            "a\n-----BEGIN RSA ",
            "PRIVATE KEY-----\n",
            &body,
            "-----END RSA ",
            "PRIVATE KEY-----\nb",
        ]);
        check(&text, &[("private key", 2)]);
        assert_eq!(redact(&text).text, "a\n[secret removed: private key]\nb");
        check(&joined(&["-----BEGIN ", "PRIVATE KEY-----\n", &body]), &[("private key", 1)]);
        check("match `-----BEGIN PRIVATE KEY-----` at the start of a line;\nlet x = 1;", &[]);
    }

    #[test]
    fn assignments_that_look_random() {
        check(r#"password = "kX9#mP2$vL5nQ8w""#, &[("secret value", 1)]);
        check(r#"{"client_secret": "9f8a7b6c5d4e3f2a1b0c"}"#, &[("secret value", 1)]);
        check("export DB_TOKEN=f3Jk29dmW0plQx81\n", &[("secret value", 1)]);
        check("aws_secret_access_key = wJalrXUtnFEMI0K7MDENGbPxRfiCY1kz3LqA9s2T", &[("secret value", 1)]);
        check("Authorization: Bearer q7Wm3xKp9Tz2Lv8Nc4Rb6Yd1", &[("bearer token", 1)]);
        assert_eq!(
            redact("postgres://me:hunter2@db.local/x").text,
            "postgres://me:[secret removed: password in a URL]@db.local/x"
        );
    }

    #[test]
    fn talk_and_placeholders_stay() {
        for text in [
            "the token is read from the environment",
            r#"token = "your-token-goes-here-1234""#,
            r#"let token = std::env::var("GITHUB_TOKEN");"#,
            "password: ${DB_PASSWORD}",
            "TOKEN_LIMIT=1000000000000000000",
            "postgres://user:${PASSWORD}@host/db",
            "sk-learn-is-a-library-with-a-long-name",
            "max_tokens: estimate_of_all_tokens_here",
            "api_key = settings.profiles.planner.credential",
            "https://example.com:8080/a@b",
        ] {
            check(text, &[]);
        }
    }
}
