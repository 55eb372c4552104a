//! One stream of one client.

use std::io;
use std::sync::Mutex;
use std::time::Duration;

use apogee_market::ask::AskRequest;
use apogee_market::cbor::{Limits, Scanner};
use apogee_market::deal::{DealParams, DealResponse};
use apogee_market::status::DealStatusRequest;
use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p_swarm::Stream;
use tokio::time::{sleep, timeout};

use super::book::Book;
use super::{Misdeed, Talk, lock};

/// For a client to send its request (`providerReadDeadline` of Boost).
const READ_CAP: Duration = Duration::from_secs(10);
/// Bytes that are sent at once without end.
const FLOOD: usize = 16 << 10;

/// Serve a stream as the book says. What breaks in it, ends it.
pub(super) async fn serve(talk: Talk, mut stream: Stream, book: &Mutex<Book>) {
    let _ = answer(talk, &mut stream, book).await;
}

async fn answer(talk: Talk, stream: &mut Stream, book: &Mutex<Book>) -> io::Result<()> {
    let request = match talk {
        Talk::Transports => Vec::new(),
        _ => timeout(READ_CAP, read_item(stream)).await??,
    };
    if talk == Talk::Deal {
        lock(book).count();
    }
    let misdeed = lock(book).misdeed(talk);
    let reply = match misdeed {
        None => reply(talk, &request, book)?,
        Some(Misdeed::Slow(wait)) => {
            sleep(wait).await;
            reply(talk, &request, book)?
        }
        Some(Misdeed::Reject(message)) if talk == Talk::Deal => {
            DealResponse { message, accepted: false }.encode().map_err(io::Error::other)?
        }
        // Dropped without being closed, a stream is reset.
        Some(Misdeed::Reset | Misdeed::Reject(_)) => return Ok(()),
        Some(Misdeed::Forget) => return reply(talk, &request, book).map(drop),
        Some(Misdeed::Silent) => std::future::pending().await,
        Some(Misdeed::Bytes(bytes)) => bytes,
        Some(Misdeed::Endless(head)) => {
            stream.write_all(&head).await?;
            loop {
                stream.write_all(&[0; FLOOD]).await?;
            }
        }
    };
    stream.write_all(&reply).await?;
    stream.close().await
}

fn reply(talk: Talk, request: &[u8], book: &Mutex<Book>) -> io::Result<Vec<u8>> {
    let mut book = lock(book);
    let reply = match talk {
        Talk::Deal => book.propose(DealParams::decode(request).map_err(io::Error::other)?).encode(),
        Talk::Status => book.status(&DealStatusRequest::decode(request).map_err(io::Error::other)?).encode(),
        Talk::Ask => book.ask(&AskRequest::decode(request).map_err(io::Error::other)?).encode(),
        Talk::Transports => book.transports().encode(),
    };
    reply.map_err(io::Error::other)
}

async fn read_item(stream: &mut Stream) -> io::Result<Vec<u8>> {
    let mut scanner = Scanner::new(Limits::REQUEST);
    let (mut item, mut chunk) = (Vec::new(), [0; 4_096]);
    loop {
        let count = stream.read(&mut chunk).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        item.extend_from_slice(chunk.get(..count).unwrap_or(&chunk));
        if let Some(end) = scanner.advance(&item).map_err(io::Error::other)? {
            item.truncate(end);
            return Ok(item);
        }
    }
}
