//! One stream: a request out, a reply in, within its time and its size.

use std::io;
use std::time::Duration;

use apogee_market::cbor::{DecodeError, EncodeError, Limits, Scanner};
use futures::{AsyncReadExt, AsyncWriteExt};
use multistream_select::{NegotiationError, ProtocolError};
use tokio::time::timeout;
use yamux::Stream;

use crate::agree::{Agreed, agree};
use crate::error::{Exchange, ExchangeError, StreamFault};
use crate::identify::{self, Identity};
use crate::mux::Opener;

/// Bytes that are read at once.
const CHUNK: usize = 4 << 10;

type Io = Agreed<Stream>;

/// Counts what went out and came in, so that an error can say it.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    sent: usize,
    received: usize,
}

/// An exchange to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) exchange: Exchange,
    pub(crate) cap: Duration,
}

/// A protocol to speak, and the request in it.
pub(crate) type Offer = (&'static str, Vec<u8>);

/// One item of CBOR that came back.
#[derive(Debug)]
pub(crate) struct Reply {
    exchange: Exchange,
    /// What was agreed on.
    pub(crate) protocol: &'static str,
    sent: usize,
    item: Vec<u8>,
}

impl Reply {
    pub(crate) fn decode<T>(
        &self,
        decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
    ) -> Result<T, ExchangeError> {
        decode(&self.item).map_err(|error| self.malformed(error))
    }

    pub(crate) const fn malformed(&self, error: DecodeError) -> ExchangeError {
        let fault = StreamFault::Malformed(error);
        ExchangeError { exchange: self.exchange, sent: self.sent, received: self.item.len(), fault }
    }
}

impl Call {
    /// Send the request of the first offer that the peer takes, and wait for one item of CBOR.
    pub(crate) async fn item(self, opener: &Opener, offers: Vec<Offer>) -> Result<Reply, ExchangeError> {
        let mut tally = Tally::default();
        let outcome = timeout(self.cap, talk(opener, offers, &mut tally)).await;
        let outcome = outcome.unwrap_or(Err(StreamFault::Timeout(self.cap)));
        let (protocol, item) = outcome.map_err(|fault| self.failed(fault, &tally))?;
        Ok(Reply { exchange: self.exchange, protocol, sent: tally.sent, item })
    }

    /// Read who the peer says it is.
    pub(crate) async fn identity(
        self,
        opener: &Opener,
        protocol: &'static str,
    ) -> Result<Identity, ExchangeError> {
        let mut tally = Tally::default();
        let outcome = timeout(self.cap, introduction(opener, protocol, &mut tally)).await;
        let outcome = outcome.unwrap_or(Err(StreamFault::Timeout(self.cap)));
        outcome.map_err(|fault| self.failed(fault, &tally))
    }

    pub(crate) const fn failed(self, fault: StreamFault, tally: &Tally) -> ExchangeError {
        ExchangeError { exchange: self.exchange, sent: tally.sent, received: tally.received, fault }
    }

    /// The request could not be written: there was no exchange.
    pub(crate) const fn unwritten(self, error: EncodeError) -> ExchangeError {
        ExchangeError { exchange: self.exchange, sent: 0, received: 0, fault: StreamFault::Encode(error) }
    }
}

async fn talk(
    opener: &Opener,
    offers: Vec<Offer>,
    tally: &mut Tally,
) -> Result<(&'static str, Vec<u8>), StreamFault> {
    let protocols = offers.iter().map(|(protocol, _)| *protocol).collect();
    let (protocol, mut io) = negotiate(opener, protocols).await?;
    let request = offers.into_iter().find(|(offered, _)| *offered == protocol);
    send(&mut io, &request.map(|(_, request)| request).unwrap_or_default(), tally).await?;
    let item = read_item(&mut io, tally).await?;
    let _ = io.close().await;
    Ok((protocol, item))
}

async fn introduction(
    opener: &Opener,
    protocol: &'static str,
    tally: &mut Tally,
) -> Result<Identity, StreamFault> {
    let (_, mut io) = negotiate(opener, vec![protocol]).await?;
    read_identity(&mut io, tally).await
}

async fn negotiate(opener: &Opener, protocols: Vec<&'static str>) -> Result<(&'static str, Io), StreamFault> {
    let stream = opener.open().await.ok_or(StreamFault::Lost)?;
    let unsupported = protocols.clone();
    agree(stream, protocols).await.map_err(|error| match error {
        NegotiationError::Failed => StreamFault::Unsupported(unsupported),
        NegotiationError::ProtocolError(ProtocolError::IoError(error)) => stream_error(&error),
        other => StreamFault::Negotiation(other),
    })
}

/// Yamux says `WriteZero` of a stream that was reset, and ends one for reading.
fn stream_error(error: &io::Error) -> StreamFault {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::WriteZero | io::ErrorKind::ConnectionReset => {
            StreamFault::Reset
        }
        _ => StreamFault::Lost,
    }
}

async fn send(io: &mut Io, request: &[u8], tally: &mut Tally) -> Result<(), StreamFault> {
    if request.is_empty() {
        return Ok(());
    }
    // Counted before it goes: who is not sure whether a proposal went out has to take it that it did.
    tally.sent = request.len();
    io.write_all(request).await.map_err(|error| stream_error(&error))?;
    io.flush().await.map_err(|error| stream_error(&error))
}

async fn read_item(io: &mut Io, tally: &mut Tally) -> Result<Vec<u8>, StreamFault> {
    let mut scanner = Scanner::new(Limits::REPLY);
    let mut item = Vec::new();
    let mut chunk = [0; CHUNK];
    loop {
        let count = io.read(&mut chunk).await.map_err(|error| stream_error(&error))?;
        if count == 0 {
            return Err(StreamFault::Reset);
        }
        tally.received += count;
        item.extend_from_slice(chunk.get(..count).unwrap_or(&chunk));
        let end = scanner.advance(&item);
        if let Some(end) = end.map_err(|bound| StreamFault::Malformed(DecodeError::Bound(bound)))? {
            item.truncate(end);
            return Ok(item);
        }
    }
}

async fn read_identity(io: &mut Io, tally: &mut Tally) -> Result<Identity, StreamFault> {
    let length = unsigned_varint::aio::read_usize(&mut *io).await.map_err(|error| match error {
        unsigned_varint::io::ReadError::Io(error) => stream_error(&error),
        _ => StreamFault::NoIdentity("its length is none"),
    })?;
    if length > identify::LONGEST {
        return Err(StreamFault::NoIdentity("it is too long"));
    }
    let mut message = vec![0; length];
    io.read_exact(&mut message).await.map_err(|error| stream_error(&error))?;
    tally.received = length;
    Identity::decode(&message).map_err(StreamFault::NoIdentity)
}
