//! Watching a network that has nothing on it but loopback.
//!
//! Every address of the world is routed to loopback, where nobody listens: a connection is refused at
//! once instead of hanging, and passes before our eyes. Names are asked of us, and each is given an
//! address of its own out of 198.18.0.0/15, which RFC 2544 keeps for tests: so the connection that
//! follows tells which name it was for. What the command serves on loopback works as ever.

use std::collections::HashSet;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::Path;

use nix::libc;
use nix::poll::{PollFd, PollFlags};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, sendto, socket,
};

use super::Failed;
use super::packet;
use crate::sandbox::order::{Line, Report};

/// The one interface of a new network.
const LOOPBACK: i32 = 1;

/// Addresses for names: those of 198.18.0.0/15 but the first.
const ADDRESSES: u32 = 131_071;

/// A watched network.
pub(super) struct Watch {
    packets: OwnedFd,
    names: UdpSocket,
    /// The names asked for, in the order of their addresses.
    known: Vec<String>,
    told: HashSet<(String, Option<u16>)>,
    /// Names that mean this machine.
    own: Vec<String>,
}

impl Watch {
    /// Sets the network up, in our new namespace. `resolver` is written to be put in place of
    /// `/etc/resolv.conf`.
    pub(super) fn start(resolver: &Path) -> Result<Self, Failed> {
        wire().map_err(Failed::at("set loopback up"))?;
        let packets = socket(AddressFamily::Packet, SockType::Datagram, FLAGS, SockProtocol::EthAll);
        let packets = packets.map_err(Failed::at("watch the network"))?;
        let names = UdpSocket::bind((Ipv4Addr::LOCALHOST, 53)).map_err(Failed::at("answer for names"))?;
        names.set_nonblocking(true).map_err(Failed::at("answer for names"))?;
        let written = std::fs::File::create(resolver);
        let written = written
            .and_then(|mut file| file.write_all(b"nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"));
        written.map_err(Failed::at("write the name server's address"))?;
        let host = crate::fs::read_text(Path::new("/proc/sys/kernel/hostname")).unwrap_or_default();
        let own = vec!["localhost".to_owned(), host.trim().to_owned()];
        Ok(Self { packets, names, known: Vec::new(), told: HashSet::new(), own })
    }

    /// What to wait for.
    pub(super) fn descriptors(&self) -> [PollFd<'_>; 2] {
        [self.packets.as_fd(), self.names.as_fd()]
            .map(|descriptor| PollFd::new(descriptor, PollFlags::POLLIN))
    }

    /// Answers and reports everything that has come.
    pub(super) fn look(&mut self, report: &mut Report) {
        let mut buffer = [0; 2048];
        while let Ok((count, from)) = self.names.recv_from(&mut buffer) {
            let query = buffer.get(..count).unwrap_or_default();
            if let Some(question) = packet::question(query) {
                let address = self.address(&question, report);
                drop(self.names.send_to(&packet::answer(query, &question, address), from));
            }
        }
        while let Ok(count) = recv(self.packets.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT) {
            let seen = buffer.get(..count).and_then(packet::destination);
            if let Some((address, port)) = seen.filter(|(address, _)| is_abroad(*address)) {
                self.tell(self.name_of(address), Some(port), report);
            }
        }
    }

    /// The address to answer with, if an address was asked for.
    fn address(&mut self, question: &packet::Question, report: &mut Report) -> Option<Ipv4Addr> {
        let name = question.name.to_ascii_lowercase();
        if self.own.contains(&name) || name.ends_with(".localhost") {
            return (question.kind == packet::A).then_some(Ipv4Addr::LOCALHOST);
        }
        if question.kind == packet::PTR {
            return None;
        }
        self.tell(name.clone(), None, report);
        let place = self.known.iter().position(|known| *known == name).unwrap_or_else(|| {
            self.known.push(name);
            self.known.len() - 1
        });
        let number = u32::try_from(place + 1).ok().filter(|number| *number < ADDRESSES)?;
        (question.kind == packet::A).then(|| Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + number))
    }

    /// The name that was given this address, or the address.
    fn name_of(&self, address: IpAddr) -> String {
        let name = match address {
            IpAddr::V4(address) => {
                let number = u32::from(address).checked_sub(u32::from(Ipv4Addr::new(198, 18, 0, 1)));
                number.and_then(|number| self.known.get(usize::try_from(number).ok()?))
            }
            IpAddr::V6(_) => None,
        };
        name.cloned().unwrap_or_else(|| address.to_string())
    }

    fn tell(&mut self, host: String, port: Option<u16>, report: &mut Report) {
        if self.told.insert((host.clone(), port)) {
            report.say(&Line::Attempt { host, port });
        }
    }
}

/// Whether an address is somebody else's: not loopback, not everybody at once.
fn is_abroad(address: IpAddr) -> bool {
    !address.is_loopback() && !address.is_multicast() && !address.is_unspecified()
}

const FLAGS: SockFlag = SockFlag::SOCK_CLOEXEC;

/// Brings loopback up and routes the whole world to it, by the messages that rtnetlink(7) describes.
fn wire() -> io::Result<()> {
    let kernel = socket(AddressFamily::Netlink, SockType::Raw, FLAGS, SockProtocol::NetlinkRoute)?;
    bind(kernel.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
    let up = u32::try_from(libc::IFF_UP).map_err(io::Error::other)?.to_ne_bytes();
    let link = [&[0; 4][..], &LOOPBACK.to_ne_bytes(), &up, &up].concat();
    request(&kernel, libc::RTM_NEWLINK, 0, &link)?;
    let create = u16::try_from(libc::NLM_F_CREATE).map_err(io::Error::other)?;
    let family = |family: libc::c_int| u8::try_from(family).map_err(io::Error::other);
    request(&kernel, libc::RTM_NEWROUTE, create, &everywhere(family(libc::AF_INET)?))?;
    // A machine without IPv6 has no such addresses to reach either.
    drop(request(&kernel, libc::RTM_NEWROUTE, create, &everywhere(family(libc::AF_INET6)?)));
    Ok(())
}

/// A route by which every address of a family is this machine's own.
fn everywhere(family: u8) -> Vec<u8> {
    const RTA_OIF: [u8; 2] = 4u16.to_ne_bytes();
    let attribute = [&8u16.to_ne_bytes()[..], &RTA_OIF, &LOOPBACK.to_ne_bytes()].concat();
    let route =
        [family, 0, 0, 0, libc::RT_TABLE_LOCAL, libc::RTPROT_BOOT, libc::RT_SCOPE_HOST, libc::RTN_LOCAL];
    [&route[..], &[0; 4], &attribute].concat()
}

/// Sends one request and waits for the kernel's yes or no.
fn request(kernel: &OwnedFd, kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
    const HEADER: usize = 16;
    let length = u32::try_from(HEADER + body.len()).map_err(io::Error::other)?;
    let wanted = u16::try_from(libc::NLM_F_REQUEST | libc::NLM_F_ACK).map_err(io::Error::other)?;
    let message =
        [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), &(wanted | flags).to_ne_bytes(), &[0; 8], body]
            .concat();
    sendto(kernel.as_raw_fd(), &message, &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
    let mut answer = [0; 1024];
    let count = recv(kernel.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    let code = answer.get(HEADER..count.min(HEADER + 4)).and_then(|code| code.try_into().ok());
    match code.map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(-code)),
        None => Err(io::Error::other("the kernel's answer is cut short")),
    }
}
