//! One connection's streams: those we open, and those the peer does.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};
use yamux::{Config, Connection, Mode, Stream};

use crate::serve::{self, Server};

/// Streams at once, of both sides: what exceeds it ends the connection.
const MOST_STREAMS: usize = 32;
/// Streams of the peer that are answered at once.
const MOST_SERVED: usize = 8;
/// For saying goodbye.
const PARTING: Duration = Duration::from_secs(1);

type Answer = oneshot::Sender<Stream>;

/// Opens streams; the connection is closed when the last one is gone.
#[derive(Clone, Debug)]
pub(crate) struct Opener(mpsc::Sender<Answer>);

impl Opener {
    /// A new stream; `None` when the connection is gone.
    pub(crate) async fn open(&self) -> Option<Stream> {
        let (answer, stream) = oneshot::channel();
        self.0.send(answer).await.ok()?;
        stream.await.ok()
    }
}

/// Multiplex a connection, in a task of its own.
pub(crate) fn start<T>(io: T, server: Arc<Server>, keep_alive: Duration) -> Opener
where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut config = Config::default();
    // Each stream may have 256 KiB under way: together they bound what a peer can make us hold.
    config.set_max_num_streams(MOST_STREAMS);
    config.set_max_connection_receive_window(Some(MOST_STREAMS * yamux::DEFAULT_CREDIT as usize));
    let (opener, asked) = mpsc::channel(MOST_STREAMS);
    tokio::spawn(drive(Connection::new(io, config, Mode::Client), asked, server, keep_alive));
    Opener(opener)
}

enum Event {
    Opened(Answer, Stream),
    Came(Stream),
    Over,
}

async fn drive<T>(
    mut connection: Connection<T>,
    mut asked: mpsc::Receiver<Answer>,
    server: Arc<Server>,
    keep_alive: Duration,
) where
    T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut served = JoinSet::new();
    let mut waiting = None;
    let mut beat = interval(keep_alive);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat.reset();
    loop {
        let event = poll_fn(|cx| next(&mut connection, &mut asked, &mut waiting, cx));
        tokio::select! {
            event = event => match event {
                Event::Opened(answer, stream) => {
                    // Who asked may be gone: then the stream goes with the answer.
                    let _ = answer.send(stream);
                }
                Event::Came(stream) if served.len() < MOST_SERVED => {
                    served.spawn(serve::answer(stream, Arc::clone(&server)));
                }
                Event::Came(stream) => drop(stream),
                Event::Over => break,
            },
            _ = served.join_next(), if !served.is_empty() => {}
            _ = beat.tick() => {
                if waiting.is_none() {
                    let (answer, stream) = oneshot::channel();
                    waiting = Some(answer);
                    served.spawn(serve::ping(stream));
                }
            }
        }
    }
    let _ = timeout(PARTING, poll_fn(|cx| connection.poll_close(cx))).await;
}

/// What happens next. A connection without its opener is over; so is one that fails.
fn next<T>(
    connection: &mut Connection<T>,
    asked: &mut mpsc::Receiver<Answer>,
    waiting: &mut Option<Answer>,
    cx: &mut Context<'_>,
) -> Poll<Event>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    if waiting.is_none() {
        match asked.poll_recv(cx) {
            Poll::Ready(Some(answer)) => *waiting = Some(answer),
            Poll::Ready(None) => return Poll::Ready(Event::Over),
            Poll::Pending => {}
        }
    }
    if waiting.is_some() {
        match connection.poll_new_outbound(cx) {
            Poll::Ready(Ok(stream)) => {
                if let Some(answer) = waiting.take() {
                    return Poll::Ready(Event::Opened(answer, stream));
                }
            }
            Poll::Ready(Err(_)) => return Poll::Ready(Event::Over),
            Poll::Pending => {}
        }
    }
    match connection.poll_next_inbound(cx) {
        Poll::Ready(Some(Ok(stream))) => Poll::Ready(Event::Came(stream)),
        Poll::Ready(Some(Err(_)) | None) => Poll::Ready(Event::Over),
        Poll::Pending => Poll::Pending,
    }
}
