//! The made-up account that everybody loads, served by a process of its own.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Child;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::World;
use crate::tools::PLANWRIGHT;

/// How much is in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) repos: usize,
    pub(crate) issues: usize,
    pub(crate) comments: usize,
}

impl Size {
    /// Rows in all.
    pub(crate) const fn rows(self) -> usize {
        self.repos + self.issues + self.comments
    }

    /// The same, so many times as large.
    pub(crate) const fn times(self, factor: usize) -> Self {
        Self { repos: self.repos * factor, issues: self.issues * factor, comments: self.comments * factor }
    }
}

/// The account, served until it is told to stop.
pub(crate) struct Served {
    hub: Child,
    /// The base of its API.
    pub(crate) url: String,
    /// The token that it lets in.
    pub(crate) token: String,
}

/// How many requests came.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Requests {
    /// All of them.
    pub(crate) all: usize,
    /// Those that cost quota: not the ones answered with "nothing has changed".
    pub(crate) counted: usize,
}

impl Served {
    /// Serves it on a port; 0 takes any. `changed` is a share, as in `1%`; `latency` is a time, as in `30ms`.
    pub(crate) fn start(world: &World, size: Size, [changed, latency]: [&str; 2], port: u16) -> Self {
        let Size { repos, issues, comments } = size;
        let sample = format!("repos={repos},issues={issues},comments={comments},changed={changed}");
        let port = port.to_string();
        let mut command = world.command(PLANWRIGHT);
        command.args(["hub", "serve", "--port", &port, "--sample", &sample, "--latency", latency]);
        let mut hub = command.spawn().unwrap();
        let mut lines = BufReader::new(hub.stdout.as_mut().unwrap()).lines();
        let mut exported = |name: &str| {
            let line = lines.next().expect("the hub says where it is").unwrap();
            line.strip_prefix(&format!("export {name}=")).expect("it exports it").to_owned()
        };
        let (url, token) = (exported("GITHUB_API_URL"), exported("GITHUB_TOKEN"));
        Self { hub, url, token }
    }

    /// The port that it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.url.rsplit(':').next().unwrap().parse().unwrap()
    }

    /// Stops it; what was asked of it.
    pub(crate) fn stop(mut self) -> Requests {
        kill(Pid::from_raw(i32::try_from(self.hub.id()).unwrap()), Signal::SIGINT).unwrap();
        let mut said = String::new();
        self.hub.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        self.hub.wait().unwrap();
        let line = said.lines().find(|line| line.starts_with("served")).expect("the hub says what it served");
        let numbers: Vec<usize> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        Requests { all: numbers[0], counted: numbers[1] }
    }
}
