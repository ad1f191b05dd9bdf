//! What a command gets of the person's home and environment: a few variables, their toolchains to read,
//! none of their secrets. Pure, but for asking which paths are there.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::policy::{Access, Cache, Policy};

/// Variables that a command gets as they are, besides those that begin with `LC_`.
const PASSED: [&str; 14] = [
    "LANG",
    "LANGUAGE",
    "TERM",
    "TZ",
    "USER",
    "LOGNAME",
    "NO_COLOR",
    "LD_LIBRARY_PATH",
    "JAVA_HOME",
    "RUSTUP_TOOLCHAIN",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NIX_PATH",
    "LOCALE_ARCHIVE",
];

/// Variables that name a toolchain's folder, and where it lies when they are not set. A command's own
/// `HOME` is empty, so that it must be told.
const TOOLCHAINS: [(&str, &str); 12] = [
    ("CARGO_HOME", ".cargo"),
    ("RUSTUP_HOME", ".rustup"),
    ("GOPATH", "go"),
    ("PYENV_ROOT", ".pyenv"),
    ("PYTHONUSERBASE", ".local"),
    ("RBENV_ROOT", ".rbenv"),
    ("NVM_DIR", ".nvm"),
    ("VOLTA_HOME", ".volta"),
    ("BUN_INSTALL", ".bun"),
    ("ASDF_DATA_DIR", ".asdf"),
    ("MISE_DATA_DIR", ".local/share/mise"),
    ("SDKMAN_DIR", ".sdkman"),
];

/// Variables that name a tool's folder of downloads, its name in our cache, and whether the tool can do with
/// one that it may only read. One that cannot gets its usual place, in the command's own `HOME`.
const DOWNLOADS: [(&str, &str, bool); 6] = [
    ("CARGO_HOME", "cargo", true),
    ("GOMODCACHE", "go", true),
    ("npm_config_cache", "npm", false),
    ("PIP_CACHE_DIR", "pip", false),
    ("UV_CACHE_DIR", "uv", false),
    ("YARN_CACHE_FOLDER", "yarn", false),
];

/// What keeps common tools from leaving their caches in the worktree, where they would look like work.
const TIDY: [(&str, &str); 2] = [("PYTHONDONTWRITEBYTECODE", "1"), ("PYTEST_ADDOPTS", "-p no:cacheprovider")];

/// Where people and programs keep secrets, below the home.
const SECRETS: [&str; 52] = [
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".docker",
    ".netrc",
    "_netrc",
    ".git-credentials",
    ".gitconfig",
    ".npmrc",
    ".yarnrc.yml",
    ".pypirc",
    ".pgpass",
    ".my.cnf",
    ".s3cfg",
    ".boto",
    ".vault-token",
    ".password-store",
    ".terraform.d",
    ".terraformrc",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".gem/credentials",
    ".bundle/config",
    ".composer/auth.json",
    ".m2/settings.xml",
    ".m2/settings-security.xml",
    ".gradle/gradle.properties",
    ".subversion/auth",
    ".bash_history",
    ".zsh_history",
    ".python_history",
    ".psql_history",
    ".mozilla",
    ".thunderbird",
    ".claude",
    ".claude.json",
    ".codex",
    ".config/gh",
    ".config/git",
    ".config/hub",
    ".config/planwright",
    ".config/gcloud",
    ".config/op",
    ".config/sops",
    ".config/rclone",
    ".config/pip",
    ".config/containers",
    ".config/google-chrome",
    ".config/chromium",
    ".local/share/keyrings",
];

/// The whole environment of a command.
pub(super) fn environment(
    ours: &[(OsString, OsString)],
    policy: &Policy,
    bin: &Path,
) -> Vec<(OsString, OsString)> {
    let passed = |name: &OsStr| {
        let Some(name) = name.to_str() else { return false };
        PASSED.contains(&name)
            || name.starts_with("LC_")
            || policy.pass_environment.iter().any(|pass| pass == name)
    };
    let mut given: Vec<_> = ours.iter().filter(|(name, _)| passed(name)).cloned().collect();
    let downloads: Vec<_> = policy.cache.iter().flat_map(downloads).collect();
    let is_moved = |name: &str| downloads.iter().any(|(moved, _)| *moved == name);
    let toolchains = toolchains(ours).filter(|(name, _)| !is_moved(name)).chain(downloads.iter().cloned());
    given.extend(toolchains.map(|(name, path)| (name.into(), path.into_os_string())));
    let mut path = bin.as_os_str().to_owned();
    for folder in path_folders(ours) {
        path.push(":");
        path.push(folder);
    }
    given.push(("PATH".into(), path));
    given.push(("HOME".into(), policy.temp.join("home").into_os_string()));
    given.push(("TMPDIR".into(), policy.temp.join("tmp").into_os_string()));
    for (name, value) in [("CONFIG_COUNT", "1"), ("CONFIG_KEY_0", "safe.directory"), ("CONFIG_VALUE_0", "*")]
    {
        given.push((format!("GIT_{name}").into(), value.into()));
    }
    for (name, value) in TIDY {
        given.push((name.into(), value.into()));
    }
    given
}

/// Where tools find their downloads in a cache.
fn downloads(cache: &Cache) -> impl Iterator<Item = (&'static str, PathBuf)> + '_ {
    let serves = |reads: bool| reads || cache.access == Access::Fill;
    let found = DOWNLOADS.into_iter().filter(move |(_, _, reads)| serves(*reads));
    found.map(|(name, folder, _)| (name, cache.folder.join(folder)))
}

/// Folders that a command must see: its programs and its toolchains.
pub(super) fn visible(ours: &[(OsString, OsString)]) -> Vec<PathBuf> {
    path_folders(ours).chain(toolchains(ours).map(|(_, path)| path)).collect()
}

/// Secrets below the home, where they are.
pub(super) fn secrets(ours: &[(OsString, OsString)]) -> Vec<PathBuf> {
    let mut found: Vec<_> =
        home(ours).iter().flat_map(|home| SECRETS.map(|secret| home.join(secret))).collect();
    if let Some(config) = value(ours, "XDG_CONFIG_HOME") {
        found.extend(
            SECRETS.iter().filter_map(|secret| secret.strip_prefix(".config/")).map(|it| config.join(it)),
        );
    }
    if let Some(cargo) = value(ours, "CARGO_HOME") {
        found.extend(["credentials", "credentials.toml"].map(|name| cargo.join(name)));
    }
    found
}

fn toolchains(ours: &[(OsString, OsString)]) -> impl Iterator<Item = (&'static str, PathBuf)> {
    let home = home(ours);
    TOOLCHAINS.into_iter().filter_map(move |(name, usual)| {
        let path = value(ours, name).or_else(|| home.as_ref().map(|home| home.join(usual)))?;
        path.is_dir().then_some((name, path))
    })
}

/// The folders of `PATH`; one that depends on where we stand is left out.
fn path_folders(ours: &[(OsString, OsString)]) -> impl Iterator<Item = PathBuf> {
    let path = value(ours, "PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect::<Vec<_>>().into_iter()
}

fn home(ours: &[(OsString, OsString)]) -> Option<PathBuf> {
    value(ours, "HOME").filter(|home| home.is_absolute())
}

fn value(ours: &[(OsString, OsString)], name: &str) -> Option<PathBuf> {
    ours.iter().rev().find(|(given, _)| given == name).map(|(_, value)| PathBuf::from(value))
}

#[cfg(test)]
mod tests {
    use super::super::policy::Network;
    use super::*;

    #[test]
    fn only_a_few_variables_get_in() {
        let ours: Vec<(OsString, OsString)> = [
            ("PATH", "/usr/bin:relative:/bin"),
            ("HOME", "/no/such/home"),
            ("LC_TIME", "C"),
            ("GITHUB_TOKEN", "secret"),
            ("SSH_AUTH_SOCK", "/run/agent"),
            ("DATABASE_URL", "wanted"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .into();
        let policy = Policy {
            worktree: "/w".into(),
            temp: "/t".into(),
            network: Network::Refused,
            pass_environment: vec!["DATABASE_URL".to_owned()],
            read_only: Vec::new(),
            cache: None,
        };
        let mut names = environment(&ours, &policy, Path::new("/private/bin"))
            .into_iter()
            .map(|(name, value)| format!("{}={}", name.to_string_lossy(), value.to_string_lossy()))
            .filter(|line| !line.starts_with("GIT_CONFIG"))
            .collect::<Vec<_>>();
        names.sort();
        let expected = [
            "DATABASE_URL=wanted",
            "HOME=/t/home",
            "LC_TIME=C",
            "PATH=/private/bin:/usr/bin:/bin",
            "PYTEST_ADDOPTS=-p no:cacheprovider",
            "PYTHONDONTWRITEBYTECODE=1",
            "TMPDIR=/t/tmp",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn setup_fills_every_cache_and_what_follows_reads_those_that_can_be_read() {
        let check = |access, expected: &[&str]| {
            let cache = Cache { folder: "/c".into(), access };
            let names: Vec<_> =
                downloads(&cache).map(|(name, path)| format!("{name}={}", path.display())).collect();
            assert_eq!(names, expected);
        };
        check(Access::Read, &["CARGO_HOME=/c/cargo", "GOMODCACHE=/c/go"]);
        check(
            Access::Fill,
            &[
                "CARGO_HOME=/c/cargo",
                "GOMODCACHE=/c/go",
                "npm_config_cache=/c/npm",
                "PIP_CACHE_DIR=/c/pip",
                "UV_CACHE_DIR=/c/uv",
                "YARN_CACHE_FOLDER=/c/yarn",
            ],
        );
    }
}
