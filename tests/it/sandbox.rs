//! What a confined command can and cannot do, with real commands.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, ToSocketAddrs as _, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Duration;

use planwright::process::{Limits, Status};
use planwright::sandbox::{Access, Cache, Network, Policy, Ran, Sandbox};
use tokio_util::sync::CancellationToken;

use crate::support::World;

/// A worktree, a home with secrets, and a sandbox for them.
struct Bench {
    _folder: tempfile::TempDir,
    sandbox: Sandbox,
    policy: Policy,
    home: PathBuf,
    outside: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["worktree/.git", "home/.ssh", "home/code", "outside"] {
            std::fs::create_dir_all(path(name)).unwrap();
        }
        put(&path("worktree/.git/config"), "as it was");
        put(&path("home/.ssh/id_ed25519"), "PRIVATE");
        put(&path("home/.netrc"), "PRIVATE");
        put(&path("home/code/readme"), "public");
        let given =
            [("PATH", "/usr/local/bin:/usr/bin:/bin"), ("GITHUB_TOKEN", "PRIVATE"), ("WANTED", "given")];
        let mut environment: Vec<(OsString, OsString)> =
            given.map(|(name, value)| (name.into(), value.into())).into();
        environment.push(("HOME".into(), path("home").into()));
        let policy = Policy {
            worktree: path("worktree"),
            temp: path("temp"),
            network: Network::Refused,
            pass_environment: vec!["WANTED".to_owned()],
            read_only: vec![path("home"), std::env::current_exe().unwrap()],
            cache: None,
        };
        let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_planwright").into(), environment);
        Self { sandbox, policy, home: path("home"), outside: path("outside"), _folder: folder }
    }

    async fn run(&self, shell: &str) -> Ran {
        self.within(shell, Duration::from_mins(1)).await
    }

    async fn within(&self, shell: &str, time: Duration) -> Ran {
        let limits = Limits { time, output_bytes: 4096 };
        self.sandbox.run(&self.policy, shell, limits, &CancellationToken::new()).await.unwrap()
    }

    /// Standard output of a command that must succeed.
    async fn says(&self, shell: &str) -> String {
        let ran = self.run(shell).await;
        let (out, err) = (ran.output.stdout.text(), ran.output.stderr.text());
        assert_eq!(ran.output.status, Status::Exited(0), "`{shell}` said {out}{err}");
        out.trim_end().to_owned()
    }

    /// Runs this test binary inside, on an errand of [`visitor`].
    async fn errand(&self, errand: &str) -> Ran {
        let ourselves = std::env::current_exe().unwrap();
        let visit = "--exact sandbox::visitor --nocapture";
        let ran = self.run(&format!("ERRAND='{errand}' {} {visit}", ourselves.display())).await;
        assert_eq!(ran.output.status, Status::Exited(0), "{}", ran.output.stderr.text());
        ran
    }

    /// A command that must fail.
    async fn refuses(&self, shell: &str) {
        let ran = self.run(shell).await;
        assert_ne!(ran.output.status, Status::Exited(0), "`{shell}` said {}", ran.output.stdout.text());
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's own file")]
fn put(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "a test's own file")]
fn content(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn this_machine_confines_completely() {
    let bench = Bench::new();
    let protections = bench.sandbox.protections().await.unwrap();
    assert!(protections.to_string().starts_with("complete"), "{protections}");
}

#[tokio::test]
async fn a_cache_is_filled_by_one_command_and_only_read_by_the_next() {
    let mut bench = Bench::new();
    std::fs::create_dir_all(bench.home.join(".cargo")).unwrap();
    let folder = bench.outside.join("cache");
    assert_eq!(bench.says("echo $CARGO_HOME").await, bench.home.join(".cargo").display().to_string());
    bench.policy.cache = Some(Cache { folder: folder.clone(), access: Access::Fill });
    bench.says("mkdir -p $CARGO_HOME $PIP_CACHE_DIR && echo crate > $CARGO_HOME/it").await;
    assert_eq!(content(&folder.join("cargo/it")), "crate\n");
    bench.refuses(&format!("echo bad > {}/beside", bench.outside.display())).await;
    bench.policy.cache = Some(Cache { folder: folder.clone(), access: Access::Read });
    assert_eq!(bench.says("cat $CARGO_HOME/it; echo ${PIP_CACHE_DIR-its own}").await, "crate\nits own");
    bench.refuses("echo bad > $CARGO_HOME/it").await;
    bench.refuses("rm $CARGO_HOME/it").await;
    assert_eq!(content(&folder.join("cargo/it")), "crate\n");
}

#[tokio::test]
async fn writes_stay_in_worktree_and_temp() {
    let bench = Bench::new();
    bench
        .says("echo new > made && mkdir folder && mv made folder/ && echo t > $TMPDIR/t && echo h > ~/h")
        .await;
    assert_eq!(content(&bench.policy.worktree.join("folder/made")), "new\n");
    let outside = bench.outside.display();
    for shell in [
        format!("echo bad > {outside}/made"),
        "echo bad > /etc/planwright-was-here".to_owned(),
        "echo bad > ../beside".to_owned(),
        format!("ln -s {outside} link && echo bad > link/made"),
        format!("chmod 777 {}", bench.home.display()),
        "touch /usr/bin/env".to_owned(),
    ] {
        bench.refuses(&shell).await;
    }
    assert_eq!(std::fs::read_dir(&bench.outside).unwrap().count(), 0);
    assert!(!bench.policy.worktree.join("../beside").exists());
}

#[tokio::test]
async fn the_machines_own_temp_folder_is_another() {
    let bench = Bench::new();
    let name = format!("planwright-test-{}", std::process::id());
    bench.says(&format!("echo private > /tmp/{name}; cat /tmp/{name}")).await;
    assert!(!Path::new("/tmp").join(name).exists());
}

#[tokio::test]
async fn git_folder_of_the_worktree_cannot_be_changed() {
    let bench = Bench::new();
    for shell in [
        "echo bad > .git/config",
        "mkdir .git/hooks",
        "rm -rf .git",
        "mv .git elsewhere",
        "umount .git && echo bad > .git/config",
        "mount -o remount,rw .git",
    ] {
        bench.refuses(shell).await;
    }
    assert_eq!(content(&bench.policy.worktree.join(".git/config")), "as it was");
}

#[tokio::test]
async fn git_file_of_a_worktree_cannot_be_changed() {
    let bench = Bench::new();
    let dot_git = bench.policy.worktree.join(".git");
    std::fs::remove_dir_all(&dot_git).unwrap();
    put(&dot_git, "gitdir: /where/it/is");
    for shell in ["echo bad > .git", "rm -f .git", "mv .git elsewhere"] {
        bench.refuses(shell).await;
    }
    assert_eq!(content(&dot_git), "gitdir: /where/it/is");
}

#[tokio::test]
async fn secrets_are_out_of_sight_and_the_rest_of_the_home_is_not() {
    let bench = Bench::new();
    let home = bench.home.display();
    assert_eq!(bench.says(&format!("cat {home}/code/readme")).await, "public");
    bench.refuses(&format!("cat {home}/.ssh/id_ed25519")).await;
    bench.refuses(&format!("grep PRIVATE {home}/.netrc")).await;
    let whole =
        bench.says("env; cat /proc/*/environ | tr '\\0' '\\n'; cat /proc/*/cmdline | tr '\\0' ' '").await;
    assert!(whole.contains("WANTED=given"), "{whole}");
    assert!(!whole.contains("PRIVATE"), "{whole}");
}

#[tokio::test]
async fn only_its_own_processes_are_there() {
    let bench = Bench::new();
    let others = std::process::id();
    bench.refuses(&format!("kill -0 {others} || test -d /proc/{others}/task")).await;
    let count: usize = bench.says("ls -d /proc/[0-9]* | wc -l").await.trim().parse().unwrap();
    assert!(count < 8, "{count} processes");
}

#[tokio::test]
async fn loopback_of_the_machine_is_out_of_reach_and_its_own_is_not() {
    let bench = Bench::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let refused = bench.errand(&format!("connect {}", listener.local_addr().unwrap())).await;
    assert!(refused.output.stdout.text().contains("Connection refused"), "{}", refused.output.stdout.text());
    let own = bench.errand("serve").await;
    assert!(own.output.stdout.text().contains("it said hello"), "{}", own.output.stdout.text());
    assert_eq!(own.attempts, []);
}

#[tokio::test]
async fn every_attempt_to_reach_the_network_is_refused_and_told() {
    let bench = Bench::new();
    let errand =
        "connect api.github.com:443 192.0.2.7:8080 [2001:db8::7]:81; ask pypi.org; send 198.51.100.1:123";
    let ran = bench.errand(errand).await;
    let out = ran.output.stdout.text();
    assert_eq!(out.matches("Connection refused").count(), 3, "{out}");
    let mut told: Vec<_> = ran.attempts.iter().map(|attempt| (attempt.host.as_str(), attempt.port)).collect();
    told.sort_unstable();
    let expected = [
        ("192.0.2.7", Some(8080)),
        ("198.51.100.1", Some(123)),
        ("2001:db8::7", Some(81)),
        ("api.github.com", Some(443)),
        ("pypi.org", None),
    ];
    assert_eq!(told, expected);
    assert!(ran.seen_by.is_some());
    assert!(ran.attempts.iter().all(|attempt| attempt.by.starts_with("ERRAND='connect api.github.com")));
}

/// What [`Bench::errand`] runs inside: this test binary, started again. Without an errand it passes.
#[test]
fn visitor() {
    #[expect(clippy::disallowed_methods, reason = "the errand is given by the environment")]
    let Ok(errands) = std::env::var("ERRAND") else { return };
    for errand in errands.split("; ") {
        let (verb, targets) = errand.split_once(' ').unwrap_or((errand, ""));
        for target in targets.split(' ') {
            println!(
                "{target}: it said {}",
                run_errand(verb, target).unwrap_or_else(|error| error.to_string())
            );
        }
    }
}

fn run_errand(verb: &str, target: &str) -> std::io::Result<String> {
    match verb {
        "connect" => TcpStream::connect(target).map(|_| "reached".to_owned()),
        "ask" => (target, 80).to_socket_addrs().map(|found| format!("{} addresses", found.count())),
        "send" => UdpSocket::bind("0.0.0.0:0")?.send_to(b"hello", target).map(|_| "sent".to_owned()),
        "serve" => {
            let server = TcpListener::bind("127.0.0.1:0")?;
            let mut client = TcpStream::connect(server.local_addr()?)?;
            server.accept()?.0.write_all(b"hello")?;
            let mut heard = String::new();
            client.read_to_string(&mut heard).map(|_| heard)
        }
        "nest" => inside_a_sandbox(),
        "hold" => hold(Path::new(target)),
        "terminal" => {
            let opened = std::fs::OpenOptions::new().read(true).write(true).open("/dev/ptmx");
            opened.map(|_| "opened".to_owned())
        }
        other => panic!("no errand `{other}`"),
    }
}

#[tokio::test]
async fn a_daemon_that_left_its_group_dies_with_the_command() {
    let bench = Bench::new();
    let ran = bench
        .within("setsid sh -c 'sleep 600; :' & echo started > here; sleep 600", Duration::from_secs(2))
        .await;
    assert_eq!(ran.output.status, Status::TimedOut);
    assert!(bench.policy.worktree.join("here").exists());
    let marker = bench.policy.worktree.display().to_string();
    let left: Vec<_> = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.unwrap().path().join("cwd")).ok())
        .filter(|cwd| cwd.display().to_string().starts_with(&marker))
        .collect();
    assert_eq!(left, Vec::<PathBuf>::new());
}

#[test]
fn when_planwright_is_killed_its_commands_die() {
    let world = World::bare();
    let pipe = world.root().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let ourselves = std::env::current_exe().unwrap();
    let mut holder = world.command(ourselves.to_str().unwrap());
    holder.args(["--exact", "sandbox::visitor"]).env("ERRAND", format!("hold {}", world.root().display()));
    let mut holder = holder.spawn().unwrap();
    let mut writers = std::fs::File::open(&pipe).unwrap();
    let mut started = [0; 8];
    writers.read_exact(&mut started).unwrap();
    holder.kill().unwrap();
    holder.wait().unwrap();
    // The end comes when the last process that could write has gone.
    let mut rest = String::new();
    writers.read_to_string(&mut rest).unwrap();
    assert_eq!((&started, rest.as_str()), (b"started\n", ""));
}

/// Runs a command that does not end.
fn hold(worktree: &Path) -> std::io::Result<String> {
    let sandbox = Sandbox::new(env!("CARGO_BIN_EXE_planwright").into(), Vec::new());
    let (worktree, temp) = (worktree.to_owned(), worktree.join("../temp"));
    let policy = Policy {
        worktree,
        temp,
        network: Network::Refused,
        pass_environment: Vec::new(),
        read_only: Vec::new(),
        cache: None,
    };
    let limits = Limits { time: Duration::from_mins(10), output_bytes: 4096 };
    let shell = "exec 3>pipe; setsid sh -c 'sleep 600; :' & echo started >&3; sleep 600";
    let cancel = CancellationToken::new();
    let ran =
        runtime().block_on(sandbox.run(&policy, shell, limits, &cancel)).map_err(std::io::Error::other)?;
    Ok(ran.output.stdout.text())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

#[tokio::test]
async fn where_there_are_no_namespaces_less_is_held_and_that_is_said() {
    let bench = Bench::new();
    let ran = bench.errand("nest").await;
    let out = ran.output.stdout.text();
    assert!(out.contains("it said as expected"), "{out}{}", ran.output.stderr.text());
}

/// Inside a sandbox there are no namespaces to be had: a second one is made of filters alone.
fn inside_a_sandbox() -> std::io::Result<String> {
    let bench = Bench::new();
    runtime().block_on(async {
        let protections = bench.sandbox.protections().await.map_err(std::io::Error::other)?;
        assert!(protections.landlock && protections.seccomp && !protections.mounts && !protections.network);
        assert!(protections.to_string().contains("no network namespace"), "{protections}");
        bench.says("echo new > made; echo x > /dev/null; echo t > $TMPDIR/t").await;
        assert_eq!(bench.says(&format!("cat {}/code/readme", bench.home.display())).await, "public");
        for shell in [
            format!("echo bad > {}/made", bench.outside.display()),
            format!("cat {}/.ssh/id_ed25519", bench.home.display()),
            format!("cat {}/.netrc", bench.home.display()),
            "kill -0 1".to_owned(),
        ] {
            bench.refuses(&shell).await;
        }
        let tried = bench.errand("serve").await;
        assert!(tried.output.stdout.text().contains("not permitted"), "{}", tried.output.stdout.text());
        assert_eq!(tried.seen_by, None);
        let left = bench.run("setsid sleep 600 & echo $!").await.output.stdout.text();
        assert!(!Path::new("/proc").join(left.trim()).exists(), "{left} is alive");
        Ok("as expected".to_owned())
    })
}

#[tokio::test]
async fn the_status_is_the_commands_own() {
    let bench = Bench::new();
    assert_eq!(bench.run("exit 7").await.output.status, Status::Exited(7));
    assert_eq!(bench.run("kill -9 $$").await.output.status, Status::Exited(128 + 9));
    assert_eq!(bench.run("no-such-command").await.output.status, Status::Exited(127));
    assert_eq!(bench.run("cat").await.output.status, Status::Exited(0), "input is empty");
}

#[tokio::test]
async fn what_could_undo_it_is_refused() {
    let bench = Bench::new();
    for shell in [
        "unshare -U true",
        "unshare -m true",
        "nsenter -t 1 -m true",
        "mount -t tmpfs x /mnt",
        "mknod d b 254 0",
    ] {
        bench.refuses(shell).await;
    }
}

#[tokio::test]
async fn planwright_is_there_under_its_own_name() {
    let bench = Bench::new();
    let seen = bench.says("command -v planwright; readlink $(command -v planwright)").await;
    let program = Path::new(env!("CARGO_BIN_EXE_planwright")).canonicalize().unwrap();
    assert!(seen.ends_with(&program.display().to_string()), "{seen}");
    bench.refuses("rm $(command -v planwright)").await;
}

#[tokio::test]
async fn ordinary_work_goes_on() {
    let bench = Bench::new();
    let script = "set -e
echo x > /dev/null; head -c4 /dev/urandom | wc -c; echo 1 | tee /dev/stderr | cat; test -w /dev/shm
git init -q inner && cd inner && git status --short
id -u";
    let said = bench.says(script).await;
    assert!(said.ends_with(&own_id()), "{said}");
    let terminal = bench.errand("terminal").await;
    assert!(terminal.output.stdout.text().contains("it said opened"), "{}", terminal.output.stdout.text());
}

/// The user who runs the tests, as the owner of a file that they just made.
fn own_id() -> String {
    use std::os::unix::fs::MetadataExt as _;
    tempfile::tempfile().unwrap().metadata().unwrap().uid().to_string()
}
