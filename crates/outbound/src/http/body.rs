use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::client::Pace;
use super::error::HttpError;
use crate::places::Place;
use crate::trace::Trace;

/// How long the text of an error is awaited.
const EXPLANATION: Duration = Duration::from_secs(5);

/// What a body is held to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Between two pieces.
    pub(super) idle: Duration,
    pub(super) deadline: Instant,
    pub(super) pace: Pace,
    /// Bytes.
    pub(super) limit: u64,
}

/// A body on the wire. Nothing is read ahead beyond one buffer; dropping it closes the connection.
#[derive(Debug)]
pub struct Body {
    incoming: Incoming,
    /// Drives the connection, and ends with this.
    _driving: JoinSet<()>,
    remote: SocketAddr,
    _place: Option<Place<IpAddr>>,
    bounds: Bounds,
    begun: Instant,
    received: u64,
}

impl Body {
    pub(super) fn new(
        incoming: Incoming,
        driving: JoinSet<()>,
        (remote, place): (SocketAddr, Option<Place<IpAddr>>),
        bounds: Bounds,
    ) -> Self {
        let begun = Instant::now();
        Self { incoming, _driving: driving, remote, _place: place, bounds, begun, received: 0 }
    }

    /// The next piece; `None` at the end.
    ///
    /// # Errors
    /// [`HttpError`]. A body that announces more than it may be is not read at all.
    pub async fn next(&mut self, trace: &mut Trace) -> Result<Option<Bytes>, HttpError> {
        let too_large = HttpError::TooLarge { limit: self.bounds.limit };
        let rest = self.incoming.size_hint().lower();
        if self.received.saturating_add(rest) > self.bounds.limit {
            return Err(too_large);
        }
        let piece = self.frame().await.inspect_err(|error| {
            trace.broken_off |= matches!(error, HttpError::EndedEarly { .. });
        })?;
        let length = piece.as_ref().map_or(0, |piece| piece.len() as u64);
        self.received = self.received.saturating_add(length);
        trace.received = trace.received.saturating_add(length);
        if self.received > self.bounds.limit { Err(too_large) } else { Ok(piece) }
    }

    /// Keep what the body of an error says, as far as it says it soon.
    pub async fn explain(mut self, trace: &mut Trace) {
        let patience = Instant::now() + EXPLANATION;
        self.bounds.deadline = self.bounds.deadline.min(patience);
        while let Ok(Some(piece)) = self.frame().await {
            trace.received = trace.received.saturating_add(piece.len() as u64);
            if !trace.explained(&piece) {
                return;
            }
        }
    }

    async fn frame(&mut self) -> Result<Option<Bytes>, HttpError> {
        let Bounds { idle, deadline, pace, .. } = self.bounds;
        let received = self.received;
        let slow = HttpError::TooSlow { received, rate: pace.rate };
        let overdue = pace.patience(received).and_then(|patience| self.begun.checked_add(patience));
        if overdue.is_some_and(|overdue| overdue <= Instant::now()) {
            return Err(slow);
        }
        loop {
            let still = Instant::now() + idle;
            let last = overdue.map_or(deadline, |overdue| overdue.min(deadline));
            let frame = timeout_at(still.min(last), self.incoming.frame()).await;
            let frame = match frame {
                Err(_) if still < last => return Err(HttpError::Stalled { received }),
                Err(_) if deadline <= last => return Err(HttpError::TotalTimeout),
                Err(_) => return Err(slow),
                Ok(None) => return Ok(None),
                Ok(Some(frame)) => {
                    frame.map_err(|error| HttpError::of(error, self.remote, Some(received)))?
                }
            };
            // Trailers are passed over; they are few, and the end comes behind them.
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
    }
}
