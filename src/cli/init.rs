//! `init`: a `planwright.toml` for this project, every key with its sentence, commented out but for what was found.

use std::path::Path;

use super::error::{Error, Stop};
use super::session::Call;
use crate::config::FILE;
use crate::config::keys::{From, KEYS, Key};
use crate::error::Exit;

const EXAMPLES: &str = "\
Examples:
  planwright init                          at the top of this repository
  planwright init --test \"make check\"      with the command that runs your tests
  planwright init --force                  write it anew";

/// Write planwright.toml for this project
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The command that runs the project's tests; found out if not given
    #[arg(long, value_name = "COMMAND")]
    test: Option<String>,
    /// Overwrite an existing file
    #[arg(long)]
    force: bool,
}

/// Writes the file.
pub(super) async fn run(args: &Args, call: &Call) -> Result<Exit, Stop> {
    let repo = call.repository().await?;
    let root = repo.as_ref().ok_or_else(|| Error::NoRepository { dir: call.dir.clone() })?.root();
    let path = root.join(FILE);
    if path.exists() && !args.force {
        return Err(Error::Exists { path }.into());
    }
    let test = args.test.clone().or_else(|| found_test(root).map(str::to_owned));
    crate::fs::write(&path, file(test.as_deref()).as_bytes())?;
    call.screen.mention(format!("wrote {}", path.display()));
    call.screen.mention(match &test {
        Some(test) => format!("tests are run by `{test}`"),
        None => "no test command was found: set `test` under [build]".to_owned(),
    });
    call.screen.mention("for data that is not in GitHub: planwright pipeline new NAME --from URL");
    Ok(Exit::Done)
}

/// What runs the tests of a project that has these files; the first that is there wins.
fn found_test(root: &Path) -> Option<&'static str> {
    const SIGNS: [(&str, &str); 6] = [
        ("Cargo.toml", "cargo test"),
        ("package.json", "npm test"),
        ("pyproject.toml", "pytest"),
        ("go.mod", "go test ./..."),
        ("Makefile", "make test"),
        ("pipelines", "planwright test"),
    ];
    SIGNS.into_iter().find(|(sign, _)| root.join(sign).exists()).map(|(_, command)| command)
}

/// The file's text: made from the registry, so that it holds every key a repository may set.
fn file(test: Option<&str>) -> String {
    let mut text = String::from(
        "# planwright: settings of this project. A line that is commented out shows the default.\n\
         # Keys, servers and prices are yours alone: they go to ~/.config/planwright/config.toml.\n",
    );
    let mut table = "";
    for key in KEYS.iter().filter(|key| key.from == From::Anywhere && !key.name.contains('*')) {
        let Some((head, name)) = key.name.split_once('.') else { continue };
        if head != table {
            table = head;
            text = text + "\n[" + head + "]\n";
        }
        text.push_str(&line(key, name, test));
    }
    text.push_str("\n# [profiles.implementer]\n");
    for key in KEYS.iter().filter(|key| key.from == From::Anywhere) {
        if let (Some(name), Some(default)) = (key.name.strip_prefix("profiles.*."), key.default_at(1)) {
            text = text + &wrapped(key.about) + "# " + name + " = " + default + "\n";
        }
    }
    text
}

fn line(key: &Key, name: &str, test: Option<&str>) -> String {
    let about = wrapped(key.about);
    match (key.name, test) {
        ("build.test", Some(test)) => format!("{about}{name} = {}\n", toml::Value::String(test.to_owned())),
        _ => format!("{about}# {name} = {}\n", key.default_at(0).unwrap_or("\"\"")),
    }
}

fn wrapped(about: &str) -> String {
    format!("# {about}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_file_is_understood_once_it_is_uncommented() {
        let written = file(Some("cargo test"));
        let read: toml::Table = written.parse().unwrap();
        assert_eq!(read["build"]["test"].as_str(), Some("cargo test"));
        let is_setting =
            |line: &&str| line.starts_with("# ") && (line.contains(" = ") || line.starts_with("# ["));
        let open: Vec<_> = written
            .lines()
            .map(|line| line.strip_prefix("# ").filter(|_| is_setting(&line)).unwrap_or(line))
            .collect();
        let all: toml::Table = open.join("\n").parse().unwrap();
        for key in KEYS.iter().filter(|key| key.from == From::Anywhere && !key.name.contains('*')) {
            let (table, name) = key.name.split_once('.').unwrap();
            assert!(all[table].get(name).is_some(), "{} is missing", key.name);
        }
        assert_eq!(all["profiles"]["implementer"]["model"].as_str(), Some("claude-sonnet-5-5"));
    }
}
