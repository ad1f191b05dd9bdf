//! Reads one stream: bytes to events to a reply, with a limit on silence.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use reqwest::header::CONTENT_TYPE;

use super::assemble::{Assembled, Assembly, Void};
use super::error::Broken;
use super::event::Event;
use super::provider::Decoder;
use super::retry::Trouble;
use super::sse;

/// How long the end of a connection is waited for after the end of the reply, so that it can be used again.
const LINGER: Duration = Duration::from_millis(100);

/// How a stream is read.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) decoder: Decoder,
    pub(super) idle: Duration,
}

/// Reads the body of a successful answer, which must be an event stream.
pub(super) async fn stream(
    response: reqwest::Response,
    reading: Reading,
    on_event: &mut (dyn FnMut(&Event) + Send),
) -> Result<Assembled, Trouble> {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") || kind.starts_with("text/html") {
        return Err(Trouble::Broken(Broken::NotAStream(kind.to_owned())));
    }
    let pieces =
        response.bytes_stream().map(|piece| piece.map_err(|error| Broken::Connection(error.without_url())));
    read(Box::pin(pieces), reading, on_event).await
}

/// Reads pieces until the reply is over; silence longer than `idle` cuts it.
pub(super) async fn read(
    mut pieces: impl Stream<Item = Result<Bytes, Broken>> + Unpin + Send,
    mut reading: Reading,
    on_event: &mut (dyn FnMut(&Event) + Send),
) -> Result<Assembled, Trouble> {
    let mut lines = sse::Decoder::default();
    let mut assembly = Assembly::default();
    while !assembly.is_over() {
        let piece =
            tokio::time::timeout(reading.idle, pieces.next()).await.map_err(|_elapsed| idle(reading.idle))?;
        let Some(piece) = piece.transpose().map_err(Trouble::Broken)? else { break };
        let events = lines.push(&piece);
        take(&events, &mut reading.decoder, &mut assembly, on_event)?;
    }
    if assembly.is_over() {
        let rest = async { while pieces.next().await.is_some() {} };
        drop(tokio::time::timeout(LINGER, rest).await);
    } else {
        take(&lines.finish(), &mut reading.decoder, &mut assembly, on_event)?;
        for event in reading.decoder.end() {
            on_event(&event);
            assembly.push(event);
        }
    }
    assembly.finish().map_err(|void| match void {
        Void::Cut => Trouble::Broken(Broken::Ended),
        Void::Failed { kind, message } => Trouble::Event { kind, message },
    })
}

/// The trouble of too long a silence.
pub(super) const fn idle(after: Duration) -> Trouble {
    Trouble::Broken(Broken::Idle(after))
}

fn take(
    events: &[sse::Event],
    decoder: &mut Decoder,
    assembly: &mut Assembly,
    on_event: &mut (dyn FnMut(&Event) + Send),
) -> Result<(), Trouble> {
    for event in events {
        for event in decoder.push(event).map_err(|error| Trouble::Broken(Broken::Garbled(error)))? {
            on_event(&event);
            assembly.push(event);
        }
    }
    Ok(())
}
