//! One value: from TOML, from an environment variable, from a flag, by what its key may be. Pure.
//!
//! What is wrong is told with what was found, but of places that hold credentials: somebody may have written
//! the credential itself there.

use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::keys::Kind;
use crate::artifact::{RepoChoice, RepoName};

/// A value that is what its key may be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(u64),
    Money(f64),
    Truth(bool),
    List(Vec<String>),
    Path(PathBuf),
    Sources(Vec<Place>),
}

/// A place that holds a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The variable with this name.
    Env(String),
    /// A file's first line.
    File(PathBuf),
    /// What a shell command prints first.
    Command(String),
}

/// Where paths in a value lead from.
#[derive(Debug, Clone, Copy)]
pub(super) struct From<'a> {
    /// The folder of the file that says it, or the one planwright was called in.
    pub(super) folder: &'a Path,
    /// What `~/` is.
    pub(super) home: Option<&'a Path>,
}

/// Why something is no value of its key, as the end of a sentence.
pub(super) type Wrong = String;

/// Reads a value out of a file.
pub(super) fn from_toml(kind: Kind, found: &DeValue<'_>, from: From<'_>) -> Result<Value, Wrong> {
    let mismatch = || format!("expected {}, found {}", expected(kind), with_article(found.type_str()));
    match (kind, found) {
        (Kind::List | Kind::Repos, DeValue::Array(items)) => {
            let texts = items.iter().map(|item| item.get_ref().as_str().map(str::to_owned));
            list(kind, texts.collect::<Option<_>>().ok_or_else(|| format!("expected {}", expected(kind)))?)
        }
        (Kind::Sources, DeValue::Array(items)) => {
            let places = items.iter().map(|item| place(item.get_ref(), from));
            places.collect::<Result<_, _>>().map(Value::Sources)
        }
        (Kind::Source, found) => Ok(Value::Sources(vec![place(found, from)?])),
        (Kind::Number(_), DeValue::Integer(number)) => {
            let digits = number.as_str().replace('_', "");
            let parsed = i128::from_str_radix(digits.trim_start_matches('+'), number.radix());
            number_at_least(kind, parsed.ok().ok_or_else(mismatch)?)
        }
        (Kind::Money, DeValue::Integer(number)) if number.radix() == 10 => money(number.as_str()),
        (Kind::Money, DeValue::Float(number)) => money(number.as_str()),
        (Kind::Truth, DeValue::Boolean(truth)) => Ok(Value::Truth(*truth)),
        (Kind::Text | Kind::Choice(_) | Kind::Path | Kind::Repo, DeValue::String(text)) => {
            from_text(kind, text, from)
        }
        _ => Err(mismatch()),
    }
}

/// Reads a value that was typed: lists are split at commas.
pub(super) fn from_text(kind: Kind, text: &str, from: From<'_>) -> Result<Value, Wrong> {
    let mismatch = || format!("expected {}, found `{text}`", expected(kind));
    match kind {
        Kind::Text => Ok(Value::Text(text.to_owned())),
        Kind::Number(_) => number_at_least(kind, text.trim().parse().ok().ok_or_else(mismatch)?),
        Kind::Money => money(text.trim().trim_start_matches('$')),
        Kind::Truth => match text.trim() {
            "true" | "1" => Ok(Value::Truth(true)),
            "false" | "0" => Ok(Value::Truth(false)),
            _ => Err(mismatch()),
        },
        Kind::Choice(choices) if choices.contains(&text) => Ok(Value::Text(text.to_owned())),
        Kind::Choice(_) => Err(mismatch()),
        Kind::Path => Ok(Value::Path(path(text, from))),
        Kind::Repo => match text.parse::<RepoName>() {
            Ok(repo) => Ok(Value::Text(repo.to_string())),
            Err(_) => Err(mismatch()),
        },
        Kind::List | Kind::Repos => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            list(kind, items.map(str::to_owned).collect())
        }
        Kind::Sources => {
            let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
            names.map(variable).collect::<Result<_, _>>().map(Value::Sources)
        }
        Kind::Source => Ok(Value::Sources(vec![variable(text.trim())?])),
    }
}

/// One place, as a table with one field.
fn place(found: &DeValue<'_>, from: From<'_>) -> Result<Place, Wrong> {
    let wrong = || format!("expected a table with {PLACE}");
    let mut fields = found.as_table().ok_or_else(wrong)?.iter();
    let (Some((field, said)), None) = (fields.next(), fields.next()) else { return Err(wrong()) };
    let said = said.get_ref().as_str().filter(|said| !said.trim().is_empty()).ok_or_else(wrong)?;
    match field.get_ref().as_ref() {
        "env" => variable(said),
        "file" => Ok(Place::File(path(said, from))),
        "command" => Ok(Place::Command(said.to_owned())),
        _ => Err(wrong()),
    }
}

/// A variable by its name. GitHub's tokens could be names of variables too, and are not taken for such.
fn variable(name: &str) -> Result<Place, Wrong> {
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_token = TOKENS.iter().any(|prefix| name.starts_with(prefix))
        || name.len() == 40 && name.chars().all(|c| c.is_ascii_hexdigit());
    if is_name && !is_token {
        return Ok(Place::Env(name.to_owned()));
    }
    Err("expected the name of an environment variable, never the secret itself".to_owned())
}

/// What a place that holds a credential may be.
const PLACE: &str = "one of `env`, `file` and `command`";

/// What GitHub's tokens begin with ("About authentication to GitHub").
const TOKENS: [&str; 6] = ["ghp_", "github_pat_", "gho_", "ghu_", "ghs_", "ghr_"];

/// What an entry of a choice of repositories may be.
const REPOS: &str = "`owner/name`, `owner/*` or `starred`, with `!` before what is left out";

fn list(kind: Kind, items: Vec<String>) -> Result<Value, Wrong> {
    let stranger = items.iter().find(|item| kind == Kind::Repos && item.parse::<RepoChoice>().is_err());
    match stranger {
        Some(item) => Err(format!("expected {REPOS}, found `{item}`")),
        None => Ok(Value::List(items)),
    }
}

fn number_at_least(kind: Kind, number: i128) -> Result<Value, Wrong> {
    let least = if let Kind::Number(least) = kind { least } else { 0 };
    match u64::try_from(number) {
        Ok(number) if number >= least => Ok(Value::Number(number)),
        _ => Err(format!("expected {}, found {number}", expected(kind))),
    }
}

fn money(text: &str) -> Result<Value, Wrong> {
    match text.replace('_', "").parse::<f64>() {
        Ok(amount) if amount.is_finite() && amount >= 0.0 => Ok(Value::Money(amount)),
        _ => Err(format!("expected {}, found `{text}`", expected(Kind::Money))),
    }
}

fn path(text: &str, from: From<'_>) -> PathBuf {
    match (text.strip_prefix("~/"), from.home) {
        (Some(below), Some(home)) => home.join(below),
        _ => from.folder.join(text),
    }
}

fn expected(kind: Kind) -> String {
    match kind {
        Kind::Text => "a text".to_owned(),
        Kind::Number(0) => "a whole number".to_owned(),
        Kind::Number(least) => format!("a whole number of at least {least}"),
        Kind::Money => "an amount of US dollars".to_owned(),
        Kind::Truth => "`true` or `false`".to_owned(),
        Kind::List => "a list of texts".to_owned(),
        Kind::Choice(choices) => {
            let choices: Vec<_> = choices.iter().map(|choice| format!("`{choice}`")).collect();
            format!("one of {}", choices.join(", "))
        }
        Kind::Path => "a path".to_owned(),
        Kind::Repo => "a repository as `owner/name`".to_owned(),
        Kind::Repos => format!("a list of {REPOS}"),
        Kind::Sources => format!("a list of tables with {PLACE}"),
        Kind::Source => format!("a table with {PLACE}"),
    }
}

fn with_article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{article} {kind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(kind: Kind, text: &str) -> Result<Value, Wrong> {
        from_text(kind, text, From { folder: Path::new("/project"), home: Some(Path::new("/home/ada")) })
    }

    #[test]
    fn a_path_leads_from_home_or_from_where_it_is_said() {
        assert_eq!(typed(Kind::Path, "~/key"), Ok(Value::Path("/home/ada/key".into())));
        assert_eq!(typed(Kind::Path, "data/w.duckdb"), Ok(Value::Path("/project/data/w.duckdb".into())));
        assert_eq!(typed(Kind::Path, "/abs"), Ok(Value::Path("/abs".into())));
    }

    #[test]
    fn what_does_not_fit_is_told_with_what_would() {
        assert_eq!(
            typed(Kind::Number(1), "0").unwrap_err(),
            "expected a whole number of at least 1, found 0"
        );
        assert_eq!(typed(Kind::Money, "-1").unwrap_err(), "expected an amount of US dollars, found `-1`");
        assert_eq!(typed(Kind::Money, "nan").unwrap_err(), "expected an amount of US dollars, found `nan`");
        let choice = Kind::Choice(&["block", "warn"]);
        assert_eq!(typed(choice, "wran").unwrap_err(), "expected one of `block`, `warn`, found `wran`");
        let repos = typed(Kind::Repos, "a/b, c").unwrap_err();
        assert_eq!(
            repos,
            "expected `owner/name`, `owner/*` or `starred`, with `!` before what is left out, found `c`"
        );
    }

    #[test]
    fn a_token_where_its_place_should_be_named_is_refused_and_not_told() {
        let classic = "0123456789abcdef".repeat(3);
        for token in ["ghp_abc", "github_pat_abc", "a b", classic.split_at(40).0] {
            let wrong = typed(Kind::Sources, token).unwrap_err();
            assert!(!wrong.contains(token), "{wrong}");
        }
        let key = "-----BEGIN RSA PRIVATE KEY-----\nc2VjcmV0";
        assert!(!typed(Kind::Source, key).unwrap_err().contains("c2VjcmV0"));
        let places = ["A_TOKEN", "b2"].map(|name| Place::Env(name.to_owned()));
        assert_eq!(typed(Kind::Sources, "A_TOKEN, b2,"), Ok(Value::Sources(places.to_vec())));
    }

    #[test]
    fn dollars_may_be_written_with_their_sign() {
        assert_eq!(typed(Kind::Money, "$2.50"), Ok(Value::Money(2.5)));
    }
}
