//! seccomp: system calls that could undo the rest, or that nothing a project runs has a use for.

use std::collections::BTreeMap;
use std::io;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter,
};

/// Refused as not permitted.
const REFUSED: [libc::c_long; 38] = [
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_userfaultfd,
    libc::SYS_open_by_handle_at,
    libc::SYS_quotactl,
    libc::SYS_acct,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_sethostname,
    libc::SYS_syslog,
];

/// Refused as not known, so that programs fall back to what can be judged: the flags of `clone3` lie in
/// memory, and `io_uring` makes calls that no filter sees.
const UNKNOWN: [libc::c_long; 4] =
    [libc::SYS_clone3, libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register];

/// Filters our system calls and those of whoever we start, for good. Says whether the kernel does it.
/// Without `internet`, sockets reach no further than this machine's files.
pub(super) fn filter(internet: bool) -> io::Result<bool> {
    let mut refused: Rules = REFUSED.map(|call| (call, Vec::new())).into();
    refused.insert(libc::SYS_socket, strange_sockets(internet)?);
    refused.insert(libc::SYS_clone, NAMESPACES.into_iter().map(has).collect::<io::Result<_>>()?);
    refused.insert(libc::SYS_ioctl, vec![rule([is(1, libc::TIOCSTI)?])?, rule([is(1, libc::TIOCLINUX)?])?]);
    let unknown: Rules = UNKNOWN.map(|call| (call, Vec::new())).into();
    for (rules, errno) in [(unknown, libc::ENOSYS), (refused, libc::EPERM)] {
        let program = compile(rules, errno.unsigned_abs())?;
        if apply_filter(&program).is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

type Rules = BTreeMap<libc::c_long, Vec<SeccompRule>>;

/// Flags by which a child would get namespaces, and rights in them.
const NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

/// Every family but those that programs use; of netlink only what lists interfaces and routes.
fn strange_sockets(internet: bool) -> io::Result<Vec<SeccompRule>> {
    let mut usual = vec![is_not(0, libc::AF_UNIX)?, is_not(0, libc::AF_NETLINK)?];
    if internet {
        usual.extend([is_not(0, libc::AF_INET)?, is_not(0, libc::AF_INET6)?]);
    }
    let netlink = [condition(0, SeccompCmpOp::Eq, libc::AF_NETLINK)?, is_not(2, libc::NETLINK_ROUTE)?];
    Ok(vec![rule(usual)?, rule(netlink)?])
}

fn compile(rules: Rules, errno: u32) -> io::Result<BpfProgram> {
    let arch = std::env::consts::ARCH.try_into().map_err(io::Error::other)?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno), arch);
    filter.and_then(TryInto::try_into).map_err(io::Error::other)
}

fn rule(conditions: impl Into<Vec<SeccompCondition>>) -> io::Result<SeccompRule> {
    SeccompRule::new(conditions.into()).map_err(io::Error::other)
}

fn is_not(argument: u8, value: libc::c_int) -> io::Result<SeccompCondition> {
    condition(argument, SeccompCmpOp::Ne, value)
}

fn condition(argument: u8, operator: SeccompCmpOp, value: libc::c_int) -> io::Result<SeccompCondition> {
    let value = u64::from(value.unsigned_abs());
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value).map_err(io::Error::other)
}

fn is(argument: u8, value: libc::Ioctl) -> io::Result<SeccompCondition> {
    let value = value & 0xffff_ffff;
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
        .map_err(io::Error::other)
}

/// The first argument has this flag.
fn has(flag: libc::c_int) -> io::Result<SeccompRule> {
    let flag = u64::from(flag.unsigned_abs());
    let condition = SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(flag), flag);
    rule([condition.map_err(io::Error::other)?])
}
