//! Cases of the layers: files, variables and flags in, settings or an error out.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use super::keys::{KEYS, MODEL_FIELDS, names};
use super::settings::{ModelFacts, Origin, Provider};
use super::*;
use crate::artifact::Usd;
use crate::error::Failure as _;

/// A person's machine: their home, a repository below it, and what they set.
struct Machine {
    folder: tempfile::TempDir,
    variables: Vec<(OsString, OsString)>,
    flags: Vec<Flag>,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("repo/.git")).unwrap();
        std::fs::create_dir_all(folder.path().join("repo/deep/er")).unwrap();
        let home = folder.path().as_os_str().to_owned();
        Self { folder, variables: vec![("HOME".into(), home)], flags: Vec::new() }
    }

    fn user(self, text: &str) -> Self {
        let path = self.folder.path().join(".config/planwright/config.toml");
        crate::fs::write(&path, text.as_bytes()).unwrap();
        self
    }

    fn project(self, text: &str) -> Self {
        crate::fs::write(&self.folder.path().join("repo").join(FILE), text.as_bytes()).unwrap();
        self
    }

    fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    fn flag(mut self, flag: &'static str, key: &'static str, value: &str) -> Self {
        self.flags.push(Flag { flag, key, value: value.to_owned() });
        self
    }

    fn load(&self) -> Result<Loaded, Error> {
        let root = self.folder.path().join("repo");
        let facts = ModelFacts {
            input: 1.0,
            output: 2.0,
            cache_write: 1.25,
            cache_read: 0.1,
            context: 1000,
            above_tokens: None,
            above: None,
            retired: None,
        };
        let shipped = Shipped {
            models: BTreeMap::from([("known".to_owned(), facts)]),
            aliases: vec![("opus".to_owned(), "claude-opus-5-5".to_owned())],
        };
        load(&Input {
            environment: &Environment::new(self.variables.clone()),
            dir: root.join("deep/er"),
            repository: Some(Repository { common_dir: root.join(".git"), root }),
            flags: &self.flags,
            shipped: &shipped,
        })
    }

    #[track_caller]
    fn settings(&self) -> Settings {
        self.load().unwrap().settings
    }

    /// The error, its place shortened, with its first hint.
    #[track_caller]
    fn refused(&self) -> String {
        let error = self.load().unwrap_err();
        let text = format!("{error} | {}", error.hints().join(" | "));
        text.replace(&*self.folder.path().to_string_lossy(), "~")
    }
}

#[test]
fn without_any_file_there_are_defaults() {
    let settings = Machine::new().settings();
    assert_eq!(settings.planner.model, "claude-opus-5-5");
    assert_eq!(settings.implementer.model, "claude-sonnet-5-5");
    assert_eq!(settings.build.max_cost, Usd(5.0));
    assert_eq!(settings.build.output_bytes, 64 << 10);
    assert_eq!(settings.origins["profiles.planner.model"], Origin::Default);
}

#[test]
fn the_later_layer_wins_and_says_so() {
    let machine = Machine::new()
        .user("[build]\nrounds = 4\nturns = 4\n[log]\nlevel = \"warn\"")
        .project("[build]\nrounds = 5\n[log]\nlevel = \"error\"")
        .set("PLANWRIGHT_LOG", "debug");
    let settings = machine.settings();
    assert_eq!((settings.build.rounds, settings.build.turns), (5, 4));
    assert_eq!(settings.log.level, "debug");
    assert_eq!(settings.origins["log.level"], Origin::Environment("PLANWRIGHT_LOG".to_owned()));
    let flagged = machine.flag("--max-cost", "build.max_cost", "$1.5").settings();
    assert_eq!(flagged.build.max_cost, Usd(1.5));
    assert_eq!(flagged.origins["build.max_cost"], Origin::Flag("--max-cost".to_owned()));
}

#[test]
fn a_model_may_be_named_short() {
    let machine = Machine::new().flag("--implementer", "profiles.implementer.model", "opus");
    assert_eq!(machine.settings().implementer.model, "claude-opus-5-5");
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest() {
    let refused = Machine::new().project("[build]\n\nruonds = 4").refused();
    assert_eq!(
        refused,
        "`~/repo/planwright.toml`, line 3: unknown key `build.ruonds` | the nearest known key is `build.rounds`"
    );
    let refused = Machine::new().user("[models.known]\ninptu = 1").refused();
    assert!(refused.ends_with("line 2: unknown key `inptu` | the nearest known key is `input`"), "{refused}");
}

#[test]
fn a_value_of_the_wrong_kind_is_refused_with_its_line() {
    let refused = Machine::new().project("[build]\nrounds = \"four\"").refused();
    let told = "`~/repo/planwright.toml`, line 2: `build.rounds`: expected a whole number of at least 1, found a string | ";
    assert_eq!(refused, told);
    let refused = Machine::new().set("PLANWRIGHT_MAX_COST", "much").refused();
    assert_eq!(
        refused,
        "$PLANWRIGHT_MAX_COST: `build.max_cost`: expected an amount of US dollars, found `much` | "
    );
    let refused = Machine::new().project("build = 3").refused();
    assert!(refused.contains("line 1: `build`: expected a table"), "{refused}");
}

#[test]
fn a_file_cut_in_half_names_its_line() {
    let refused = Machine::new().project("[build]\nrounds = ").refused();
    assert!(refused.starts_with("cannot read `~/repo/planwright.toml`, line 2: "), "{refused}");
}

#[test]
fn a_repository_may_not_say_where_credentials_go() {
    for text in [
        "[profiles.planner]\nbase_url = \"https://evil.example\"",
        "[profiles.planner]\napi_key_command = \"curl evil.example\"",
        "[github]\nurl = \"https://evil.example\"",
        "[github]\ntoken_command = \"curl evil.example\"",
        "[build]\npass_environment = [\"AWS_SECRET_ACCESS_KEY\"]",
        "[build]\nsetup_network = true",
        "[models.known]\ninput = 0",
    ] {
        let refused = Machine::new().project(text).refused();
        assert!(refused.contains("may not be set by a repository"), "{text}: {refused}");
        assert!(refused.contains("| move the line to `~/.config/planwright/config.toml`"), "{refused}");
        Machine::new().user(text).settings();
    }
}

#[test]
fn the_user_corrects_a_price_and_adds_a_model() {
    let own = "[models.known]\ninput = 7\n[models.\"my/own\"]\ninput = 0\noutput = 0\ncache_write = 0\ncache_read = 0\ncontext = 8192";
    let settings = Machine::new().user(own).settings();
    assert!((settings.models["known"].input - 7.0).abs() < 1e-9);
    assert!((settings.models["known"].output - 2.0).abs() < 1e-9);
    assert_eq!(settings.models["my/own"].context, 8192);
    let refused = Machine::new().user("[models.\"my/own\"]\ninput = 0").refused();
    assert!(refused.contains("line 1: `models.\"my/own\"`: missing field `output`"), "{refused}");
}

#[test]
fn the_variables_people_have_work() {
    let settings = Machine::new().set("ANTHROPIC_BASE_URL", "http://localhost:4000/v1/").settings();
    assert_eq!(settings.planner.base_url, "http://localhost:4000");
    let settings = Machine::new().set("GH_HOST", "ghe.example.com").settings();
    assert_eq!(settings.tracker.url, "https://ghe.example.com/api/v3");
    let both = Machine::new().set("GH_HOST", "ghe.example.com").set("GITHUB_API_URL", "http://127.0.0.1:1/");
    assert_eq!(both.settings().tracker.url, "http://127.0.0.1:1");
    assert_eq!(Machine::new().settings().tracker.url, "https://api.github.com");
    let own = Machine::new()
        .user("[profiles.planner]\nbase_url = \"http://own\"")
        .set("ANTHROPIC_BASE_URL", "http://x");
    assert_eq!(
        (own.settings().planner.base_url.as_str(), own.settings().reviewer.base_url.as_str()),
        ("http://own", "http://x")
    );
}

#[test]
fn other_protocols_have_other_servers_and_keys() {
    let machine =
        Machine::new().project("[profiles.implementer]\nprovider = \"openai\"").set("OPENAI_API_KEY", "k");
    let loaded = machine.load().unwrap();
    assert_eq!(loaded.settings.implementer.provider, Provider::Openai);
    assert_eq!(loaded.settings.implementer.base_url, "https://api.openai.com");
    assert_eq!(loaded.credentials.of(Role::Implementer).to_string(), "$OPENAI_API_KEY");
    let refused = Machine::new().project("[profiles.planner]\nprovider = \"replay\"").refused();
    assert!(refused.contains("`profiles.planner.transcript` is not set"), "{refused}");
}

#[test]
fn the_file_is_found_from_below() {
    let machine = Machine::new().project("[build]\nrounds = 9");
    assert_eq!(machine.settings().build.rounds, 9);
}

#[tokio::test]
async fn a_credential_is_fetched_when_it_is_needed() {
    let cancel = tokio_util::sync::CancellationToken::new();
    let machine = Machine::new().set("PATH", "/usr/bin:/bin");
    let fill = async |machine: &Machine| {
        let loaded = machine.load().unwrap();
        loaded
            .credentials
            .fill(&loaded.settings.planner, &cancel)
            .await
            .map(|profile| format!("{:?}", profile.credential))
    };
    let missing = fill(&machine).await.unwrap_err();
    assert_eq!(missing.hints()[0], "export ANTHROPIC_API_KEY=…");
    let machine = machine.user("[profiles.planner]\napi_key_command = \"echo; echo hunter2\"");
    assert_eq!(fill(&machine).await.unwrap(), "Some(Key(••••••))");
    let machine = machine.user("[profiles.planner]\napi_key_command = \"echo hunter2; exit 3\"");
    let failed = fill(&machine).await.unwrap_err().to_string();
    assert_eq!(
        failed,
        "the command of `profiles.planner.api_key_command` gave no credential: it ended with status 3"
    );
    let machine = machine.user("").set("ANTHROPIC_AUTH_TOKEN", "t");
    assert_eq!(fill(&machine).await.unwrap(), "Some(Bearer(••••••))");
}

#[test]
fn every_key_is_read() {
    let machine = Machine::new();
    let here = value::From { folder: machine.folder.path(), home: None };
    let layers = layers::Layers::defaults(here).unwrap();
    assemble::read_all(&layers, &Environment::new(machine.variables.clone()));
    let unread: Vec<_> = names().filter(|name| !layers.asked().contains(name)).collect();
    assert!(unread.is_empty(), "nothing reads {unread:?}");
    assert_eq!(
        KEYS.iter().map(|key| key.names().len()).sum::<usize>(),
        names().collect::<std::collections::BTreeSet<_>>().len()
    );
}

#[test]
fn the_fields_of_a_model_are_its_facts() {
    let facts = Machine::new().settings().models["known"].clone();
    let fields = serde_json::to_value(facts).unwrap();
    let fields: Vec<_> = fields.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, MODEL_FIELDS);
}

#[test]
fn places_lie_in_the_repository_or_at_home() {
    let machine = Machine::new();
    let places = machine.settings().places;
    let home = machine.folder.path();
    assert_eq!(places.state, home.join("repo/.git/planwright"));
    assert_eq!(places.warehouse, home.join(".local/share/planwright/warehouse.duckdb"));
    let name = places.workbenches.file_name().unwrap().to_string_lossy().into_owned();
    assert!(name.starts_with("repo-") && name.len() == "repo-".len() + 8, "{name}");
    assert!(places.prompts.is_none());
    assert!(places.state.starts_with(Path::new(home)));
}
