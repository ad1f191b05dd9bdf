//! Reading packets: where one wants to go, and what a name server is asked. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const TCP: u8 = 6;
const UDP: u8 = 17;

/// Flags of a TCP segment.
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// Where an IP packet wants to go, if it is the beginning of something: a TCP connection's first
/// segment, or a UDP datagram.
pub(super) fn destination(packet: &[u8]) -> Option<(IpAddr, u16)> {
    let (address, protocol, payload) = match packet.first()? >> 4 {
        4 => {
            let header = usize::from(packet.first()? & 0x0f) * 4;
            let address: [u8; 4] = packet.get(16..20)?.try_into().ok()?;
            (IpAddr::V4(Ipv4Addr::from(address)), *packet.get(9)?, packet.get(header..)?)
        }
        6 => {
            let address: [u8; 16] = packet.get(24..40)?.try_into().ok()?;
            (IpAddr::V6(Ipv6Addr::from(address)), *packet.get(6)?, packet.get(40..)?)
        }
        _ => return None,
    };
    let port = u16::from_be_bytes(payload.get(2..4)?.try_into().ok()?);
    let begins = match protocol {
        TCP => payload.get(13)? & (SYN | ACK) == SYN,
        UDP => true,
        _ => false,
    };
    begins.then_some((address, port))
}

/// A question to a name server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    /// The name asked for, without a final stop.
    pub(super) name: String,
    /// What is asked about it.
    pub(super) kind: u16,
    /// The bytes of the question, which the answer repeats.
    end: usize,
}

/// Asks for an IPv4 address.
pub(super) const A: u16 = 1;
/// Asks which name an address has.
pub(super) const PTR: u16 = 12;

/// Bytes before the first question.
const HEADER: usize = 12;

/// Reads a query with one question, as RFC 1035 section 4 describes it.
pub(super) fn question(message: &[u8]) -> Option<Question> {
    let is_query = message.get(2)? & 0x80 == 0;
    let questions = u16::from_be_bytes(message.get(4..6)?.try_into().ok()?);
    if !is_query || questions != 1 {
        return None;
    }
    let mut labels = Vec::new();
    let mut at = HEADER;
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        if length > 63 {
            return None;
        }
        labels.push(String::from_utf8_lossy(message.get(at..at + length)?).into_owned());
        at += length;
    }
    let kind = u16::from_be_bytes(message.get(at..at + 2)?.try_into().ok()?);
    message.get(at + 2..at + 4)?;
    Some(Question { name: labels.join("."), kind, end: at + 4 })
}

/// An answer to `query`: the address, or that the name is there and has none of this kind.
pub(super) fn answer(query: &[u8], question: &Question, address: Option<Ipv4Addr>) -> Vec<u8> {
    let mut message = query.get(..question.end).unwrap_or_default().to_vec();
    let answers = u8::from(address.is_some());
    let header = [0x81, 0x80, 0, 1, 0, answers, 0, 0, 0, 0];
    for (place, byte) in message.iter_mut().skip(2).zip(header) {
        *place = byte;
    }
    if let Some(address) = address {
        let pointer_to_the_name = [0xc0, 0x0c];
        message.extend(pointer_to_the_name);
        message.extend([0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        message.extend(address.octets());
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str, kind: u16) -> Vec<u8> {
        let mut message = vec![7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            message.push(u8::try_from(label.len()).unwrap());
            message.extend(label.as_bytes());
        }
        message.push(0);
        message.extend(kind.to_be_bytes());
        message.extend([0, 1]);
        message
    }

    #[test]
    fn a_question_is_read_and_answered() {
        let asked = query("api.github.com", A);
        let question = question(&asked).unwrap();
        assert_eq!((question.name.as_str(), question.kind), ("api.github.com", A));
        let answer = answer(&asked, &question, Some(Ipv4Addr::new(198, 18, 0, 1)));
        assert_eq!(answer.get(..12).unwrap(), [7, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
        assert!(answer.ends_with(&[0, 4, 198, 18, 0, 1]));
    }

    #[test]
    fn cut_questions_are_none() {
        let asked = query("api.github.com", A);
        for end in 0..asked.len() {
            assert_eq!(question(asked.get(..end).unwrap()), None);
        }
    }

    #[test]
    fn only_the_first_segment_of_a_connection_counts() {
        let mut packet = vec![0x45, 0, 0, 40, 0, 0, 0, 0, 64, TCP, 0, 0, 10, 0, 0, 1, 1, 2, 3, 4];
        packet.extend([0x80, 0, 0x01, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, SYN, 0, 0, 0, 0, 0, 0]);
        let there = Some((IpAddr::from([1, 2, 3, 4]), 443));
        assert_eq!(destination(&packet), there);
        *packet.get_mut(33).unwrap() = SYN | ACK;
        assert_eq!(destination(&packet), None);
        for end in 0..24 {
            assert_eq!(destination(packet.get(..end).unwrap()), None);
        }
    }
}
