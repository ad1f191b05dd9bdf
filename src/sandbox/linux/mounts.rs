//! Mounts: everything read-only but the worktree and temp, secrets and the machine's sockets out of sight.

use std::fs::File;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, open};
use nix::mount::{MsFlags, mount};
use nix::sys::stat::Mode;

use super::{Failed, is_in, namespaces, within};
use crate::sandbox::order::Order;
use crate::sandbox::policy::Network;

/// Folders that are shared with everybody: of them only what the command needs stays visible. Sockets
/// lie there, through which services outside would act for it.
const SHARED: [&str; 3] = ["/tmp", "/var/tmp", "/run"];

/// Kept of `/run`: systems whose programs lie there.
const PROGRAMS: [&str; 3] = ["/run/current-system", "/run/booted-system", "/run/opengl-driver"];

/// The devices a command gets.
pub(super) const DEVICES: [&str; 6] =
    ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];

/// What the mounts let be written.
pub(super) struct Arranged {
    /// Private folders beside those of the order that may be written.
    pub(super) writable: Vec<PathBuf>,
    /// Mounts that could not be made read-only.
    pub(super) left_writable: Vec<PathBuf>,
}

/// Arranges the mounts of our namespace.
pub(super) fn arrange(order: &Order) -> Result<Arranged, Failed> {
    change(Path::new("/"), MsFlags::MS_REC | MsFlags::MS_PRIVATE)?;
    let kept = kept(order);
    let mut writable = Vec::new();
    for folder in SHARED.map(Path::new) {
        if folder.is_dir() && !folder.is_symlink() && !kept.iter().any(|keep| keep == folder) {
            veil(folder, &within(&kept, folder), "mode=1777,size=50%")?;
            writable.push(folder.to_owned());
        }
    }
    devices()?;
    writable.push(PathBuf::from("/dev/shm"));
    for path in order.writable.iter().chain(&order.read_only) {
        bind(path, path)?;
    }
    let left_writable = make_read_only(order, &writable)?;
    for path in &order.hidden {
        let is_veiled = !path.exists();
        if !is_veiled && !kept.iter().any(|keep| is_in(keep, path)) {
            hide(path)?;
        }
    }
    if order.network == Network::Refused {
        name_resolver(order)?;
    }
    processes();
    Ok(Arranged { writable, left_writable })
}

/// Paths that must stay visible.
fn kept(order: &Order) -> Vec<PathBuf> {
    let programs = PROGRAMS.iter().map(PathBuf::from).filter(|path| path.exists());
    let resolver = Path::new("/etc/resolv.conf").canonicalize().ok();
    let own = order.writable.iter().chain([&order.private]).chain(&order.visible).cloned();
    let mut kept: Vec<_> = own.chain(programs).chain(resolver).collect();
    kept.sort();
    kept.dedup();
    let all = kept.clone();
    kept.retain(|path| !all.iter().any(|other| other != path && is_in(path, other)));
    kept
}

/// Puts an empty folder over `folder`, and in it, at their places, what is to stay visible. The folders
/// on the way to these are mounts of their own, so that they can be made read-only.
fn veil(folder: &Path, keep: &[&PathBuf], options: &str) -> Result<(), Failed> {
    let held: Vec<_> =
        keep.iter().map(|path| hold(path).map(|held| (held, path))).collect::<Result<_, _>>()?;
    empty(folder, MsFlags::empty(), options)?;
    for (held, path) in held {
        let top = path
            .strip_prefix(folder)
            .ok()
            .and_then(|below| below.iter().next())
            .map(|name| folder.join(name));
        if let Some(top) = top.filter(|top| top != *path && !top.exists()) {
            place(&top, true)?;
            bind(&top, &top)?;
        }
        place(path, is_folder(&held))?;
        bind(Path::new(&format!("/proc/self/fd/{}", held.as_raw_fd())), path)?;
    }
    Ok(())
}

fn hold(path: &Path) -> Result<OwnedFd, Failed> {
    open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())
        .map_err(Failed::at(format!("open `{}`", path.display())))
}

fn is_folder(held: &OwnedFd) -> bool {
    nix::sys::stat::fstat(held).is_ok_and(|stat| stat.st_mode & nix::libc::S_IFMT == nix::libc::S_IFDIR)
}

/// Makes an empty folder or file to mount something on.
fn place(path: &Path, folder: bool) -> Result<(), Failed> {
    let made = if folder {
        std::fs::create_dir_all(path)
    } else {
        std::fs::create_dir_all(path.parent().unwrap_or(path)).and_then(|()| File::create(path).map(drop))
    };
    made.map_err(Failed::at(format!("create `{}`", path.display())))
}

/// A `/dev` of its own, with the harmless devices and terminals of its own.
fn devices() -> Result<(), Failed> {
    let devices: Vec<_> = DEVICES.iter().map(PathBuf::from).filter(|device| device.exists()).collect();
    veil(Path::new("/dev"), &devices.iter().collect::<Vec<_>>(), "mode=755,size=64k")?;
    for folder in ["/dev/shm", "/dev/pts"] {
        place(Path::new(folder), true)?;
    }
    empty(Path::new("/dev/shm"), MsFlags::MS_NODEV, "mode=1777,size=50%")?;
    let options = "newinstance,ptmxmode=0666,mode=620";
    let terminals = (MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC, options);
    mount(Some("devpts"), "/dev/pts", Some("devpts"), terminals.0, Some(terminals.1))
        .map_err(Failed::at("mount terminals"))?;
    let links = [
        ("pts/ptmx", "ptmx"),
        ("/proc/self/fd", "fd"),
        ("fd/0", "stdin"),
        ("fd/1", "stdout"),
        ("fd/2", "stderr"),
    ];
    for (to, name) in links {
        let at = Path::new("/dev").join(name);
        std::os::unix::fs::symlink(to, at).map_err(Failed::at(format!("link `/dev/{name}`")))?;
    }
    Ok(())
}

/// Makes every mount read-only but the writable folders, what is mounted inside these, and `private`. What
/// the kernel refuses to change is returned.
fn make_read_only(order: &Order, private: &[PathBuf]) -> Result<Vec<PathBuf>, Failed> {
    let table = crate::fs::read_text(Path::new("/proc/self/mountinfo"));
    let table = table.map_err(|error| Failed::at("read the mounts")(error.source))?;
    let own = |path: &Path| {
        order.writable.iter().any(|folder| is_in(path, folder)) || is_in(path, Path::new("/dev/pts"))
    };
    let mut left = Vec::new();
    for (path, flags) in table.lines().filter_map(parse_mount) {
        let stays = (own(&path) || private.contains(&path)) && !order.read_only.contains(&path);
        let done = stays || flags.contains(MsFlags::MS_RDONLY) || !path.exists();
        if !done
            && change(&path, MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | flags).is_err()
        {
            left.push(path);
        }
    }
    Ok(left)
}

/// The mount point and the flags of one line of `mountinfo`, as proc(5) describes it.
fn parse_mount(line: &str) -> Option<(PathBuf, MsFlags)> {
    let mut fields = line.split(' ').skip(4);
    let (path, options) = (fields.next()?, fields.next()?);
    let mut flags = MsFlags::empty();
    for option in options.split(',') {
        flags |= match option {
            "ro" => MsFlags::MS_RDONLY,
            "nosuid" => MsFlags::MS_NOSUID,
            "nodev" => MsFlags::MS_NODEV,
            "noexec" => MsFlags::MS_NOEXEC,
            "noatime" => MsFlags::MS_NOATIME,
            "nodiratime" => MsFlags::MS_NODIRATIME,
            "relatime" => MsFlags::MS_RELATIME,
            _ => MsFlags::empty(),
        };
    }
    if !flags.intersects(MsFlags::MS_NOATIME | MsFlags::MS_RELATIME) {
        flags |= MsFlags::MS_STRICTATIME;
    }
    Some((PathBuf::from(unescaped(path)), flags))
}

/// `mountinfo` writes blanks, tabs, newlines and backslashes as three octal digits.
fn unescaped(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .iter()
        .fold(text.to_owned(), |text, (code, character)| text.replace(code, character))
}

/// Puts nothing over a file or folder.
fn hide(path: &Path) -> Result<(), Failed> {
    if path.is_dir() {
        empty(path, MsFlags::MS_RDONLY, "mode=000,size=4k")
    } else {
        bind(Path::new("/dev/null"), path)
    }
}

/// Names are asked of us, whatever the machine's own name server is.
fn name_resolver(order: &Order) -> Result<(), Failed> {
    match Path::new("/etc/resolv.conf").canonicalize() {
        Ok(configuration) => bind(&order.resolver(), &configuration),
        Err(_) => Ok(()),
    }
}

/// A `/proc` that shows our own processes. Where the kernel refuses, because parts of the old one are
/// covered, the old one stays, and shows processes that cannot be touched. A superuser could change the
/// machine's settings there, so for one it is read-only.
fn processes() {
    let superuser = if namespaces::outside().is_none() { MsFlags::MS_RDONLY } else { MsFlags::empty() };
    let flags = superuser | MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let _refused = mount(Some("proc"), "/proc", Some("proc"), flags, None::<&str>);
}

fn empty(at: &Path, flags: MsFlags, options: &str) -> Result<(), Failed> {
    mount(Some("tmpfs"), at, Some("tmpfs"), flags | MsFlags::MS_NOSUID, Some(options))
        .map_err(Failed::at(format!("mount an empty folder over `{}`", at.display())))
}

fn bind(from: &Path, at: &Path) -> Result<(), Failed> {
    mount(Some(from), at, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>)
        .map_err(Failed::at(format!("bind `{}`", at.display())))
}

fn change(at: &Path, flags: MsFlags) -> Result<(), Failed> {
    mount(None::<&str>, at, None::<&str>, flags, None::<&str>)
        .map_err(Failed::at(format!("change the mount `{}`", at.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_keeps_the_flags_that_are_locked() {
        let line =
            "36 35 98:0 /mnt1 /mnt\\0402 ro,nosuid,relatime master:1 - ext3 /dev/root rw,errors=continue";
        let (path, flags) = parse_mount(line).unwrap();
        assert_eq!(path, Path::new("/mnt 2"));
        assert_eq!(flags, MsFlags::MS_RDONLY | MsFlags::MS_NOSUID | MsFlags::MS_RELATIME);
    }
}
