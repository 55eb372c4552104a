//! Agreeing on a protocol, by multistream-select.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use futures::{AsyncRead, AsyncWrite};
use multistream_select::{Negotiated, NegotiationError, ProtocolError, Version, dialer_select_proto};

/// A stream on which a protocol was agreed.
pub(crate) type Agreed<S> = Negotiated<Watched<S>>;

/// Offer these protocols, in order.
///
/// `Failed` is a refusal and nothing else: the library says so of a stream that ends, too, which is an error of the stream
/// here. Bytes that are no message are `InvalidMessage`, from wherever they come.
pub(crate) async fn agree<S>(
    stream: S,
    protocols: Vec<&'static str>,
) -> Result<(&'static str, Agreed<S>), NegotiationError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let ended = Arc::new(AtomicBool::new(false));
    let watched = Watched { inner: stream, ended: Arc::clone(&ended) };
    dialer_select_proto(watched, protocols, Version::V1).await.map_err(|error| match error {
        NegotiationError::Failed if ended.load(Ordering::Relaxed) => {
            io::Error::from(io::ErrorKind::UnexpectedEof).into()
        }
        NegotiationError::ProtocolError(ProtocolError::IoError(error))
            if error.kind() == io::ErrorKind::InvalidData =>
        {
            ProtocolError::InvalidMessage.into()
        }
        other => other,
    })
}

/// A stream of which one knows whether it has ended.
#[derive(Debug)]
pub(crate) struct Watched<S> {
    inner: S,
    ended: Arc<AtomicBool>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let read = Pin::new(&mut self.inner).poll_read(cx, buffer);
        if matches!(read, Poll::Ready(Ok(0))) && !buffer.is_empty() {
            self.ended.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }
}
