use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::error::HttpError;
use crate::trace::Trace;

/// How long the text of an error is awaited.
const EXPLANATION: Duration = Duration::from_secs(5);

/// A body on the wire. Nothing is read ahead beyond one buffer; dropping it closes the connection.
#[derive(Debug)]
pub struct Body {
    incoming: Incoming,
    /// Drives the connection, and ends with this.
    _driving: JoinSet<()>,
    remote: SocketAddr,
    idle: Duration,
    deadline: Instant,
    limit: u64,
    received: u64,
}

impl Body {
    pub(super) const fn new(
        incoming: Incoming,
        driving: JoinSet<()>,
        remote: SocketAddr,
        idle: Duration,
        deadline: Instant,
        limit: u64,
    ) -> Self {
        Self { incoming, _driving: driving, remote, idle, deadline, limit, received: 0 }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// [`HttpError`]. A body that announces more than it may be is not read at all.
    pub async fn next(&mut self, trace: &mut Trace) -> Result<Option<Bytes>, HttpError> {
        let too_large = HttpError::TooLarge { limit: self.limit };
        let rest = self.incoming.size_hint().lower();
        if self.received.saturating_add(rest) > self.limit {
            return Err(too_large);
        }
        let piece = self.frame(self.idle).await.inspect_err(|error| {
            trace.broken_off |= matches!(error, HttpError::EndedEarly { .. });
        })?;
        let length = piece.as_ref().map_or(0, |piece| piece.len() as u64);
        self.received = self.received.saturating_add(length);
        trace.received = trace.received.saturating_add(length);
        if self.received > self.limit { Err(too_large) } else { Ok(piece) }
    }

    /// Keep what the body of an error says, as far as it says it soon.
    pub async fn explain(mut self, trace: &mut Trace) {
        let patience = Instant::now() + EXPLANATION;
        self.deadline = self.deadline.min(patience);
        while let Ok(Some(piece)) = self.frame(self.idle).await {
            trace.received = trace.received.saturating_add(piece.len() as u64);
            if !trace.explained(&piece) {
                return;
            }
        }
    }

    async fn frame(&mut self, idle: Duration) -> Result<Option<Bytes>, HttpError> {
        loop {
            let patience = Instant::now() + idle;
            let frame = timeout_at(patience.min(self.deadline), self.incoming.frame()).await;
            let frame = match frame {
                Err(_) if self.deadline <= patience => return Err(HttpError::TotalTimeout),
                Err(_) => return Err(HttpError::Stalled { received: self.received }),
                Ok(None) => return Ok(None),
                Ok(Some(frame)) => {
                    frame.map_err(|error| HttpError::of(error, self.remote, Some(self.received)))?
                }
            };
            // Trailers are passed over; they are few, and the end comes behind them.
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
    }
}
