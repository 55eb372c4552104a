//! What stands before the pages: connections with limits, answers from memory, metrics.

mod cache;
mod connections;
mod controller;
mod encoding;
mod gates;
mod headers;
mod metrics;
mod proxies;
mod service;
mod stall;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};

use self::connections::{Place, Refused};
use self::stall::Stall;

pub(crate) use self::cache::Scope;
pub(crate) use self::controller::Controller;
pub(crate) use self::gates::Flood;
pub(crate) use self::proxies::Range;
pub(crate) use self::service::Service;

/// What a visitor may take up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    /// Connections in all.
    pub(crate) connections: usize,
    /// Connections from one address; a /64 of version 6 is one.
    pub(crate) connections_per_address: usize,
    /// Addresses of reverse proxies, behind which many people stand: only the total counts for them, and what they say in `X-Forwarded-For` is
    /// believed.
    pub(crate) proxies: Vec<Range>,
    /// Seconds until a request's head is complete; also how long a connection may be idle.
    pub(crate) head_seconds: u16,
    /// Seconds that a visitor may take nothing of an answer.
    pub(crate) write_seconds: u16,
    /// Seconds in which an answer has to be made.
    pub(crate) request_seconds: u16,
    /// Seconds for open requests when the service is asked to end.
    pub(crate) drain_seconds: u16,
    /// Bytes of a request's head.
    pub(crate) head_bytes: usize,
    /// Bytes of answers that are kept in memory.
    pub(crate) cache_bytes: usize,
}

impl Limits {
    fn request(&self) -> Duration {
        Duration::from_secs(self.request_seconds.into())
    }
}

#[cfg(test)]
impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 100,
            connections_per_address: 100,
            proxies: Vec::new(),
            head_seconds: 10,
            write_seconds: 10,
            request_seconds: 10,
            drain_seconds: 5,
            head_bytes: 16 << 10,
            cache_bytes: 16 << 20,
        }
    }
}

/// Said to a connection that is one too many, without reading from it.
const REFUSAL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Pause after a failed accept: out of file descriptors, it would fail at once again.
const BREATH: Duration = Duration::from_millis(50);

/// Serve until `stop` is ready; then let open requests end, for as long as the limits say.
pub(crate) async fn serve(
    listener: TcpListener,
    service: Arc<Service>,
    limits: &Limits,
    stop: impl Future<Output = ()>,
) {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.head_seconds.into()))
        .max_header_size(limits.head_bytes)
        .max_buf_size(limits.head_bytes.max(16 << 10));
    let graceful = GracefulShutdown::new();
    let patience = Duration::from_secs(limits.write_seconds.into());
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, from) = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => (stream, from),
                Err(error) => {
                    tracing::debug!(%error, "a connection could not be accepted");
                    tokio::time::sleep(BREATH).await;
                    continue;
                }
            },
        };
        let place = match service.connections.admit(from.ip()) {
            Ok(place) => place,
            Err(why) => {
                refuse(&stream, &service, why);
                continue;
            }
        };
        // Answers are whole: waiting for more only delays them.
        if stream.set_nodelay(true).is_err() {
            continue;
        }
        let answering = Arc::clone(&service);
        let handle = service_fn(move |request| {
            let service = Arc::clone(&answering);
            async move { Ok::<_, Infallible>(service.answer(request, from.ip()).await) }
        });
        let connection = builder.serve_connection(TokioIo::new(Stall::new(stream, patience)), handle);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let _place: Place = place;
            if let Err(error) = connection.await {
                tracing::trace!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(Duration::from_secs(limits.drain_seconds.into()), graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            connections = service.connections.count(),
            "requests were cut off: the time to end them is over"
        );
    }
}

fn refuse(stream: &TcpStream, service: &Service, why: Refused) {
    service.metrics.refused(why);
    // A new connection's buffer takes so little; whoever does not take it is dropped all the same.
    if let Err(error) = stream.try_write(REFUSAL) {
        tracing::trace!(%error, "a refused connection was gone already");
    }
}
