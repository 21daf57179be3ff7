//! The head of a request, collected before hyper gets the connection.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream whose first bytes may have been read already.
///
/// Most connections of a server wait for a head, and a hostile one makes it wait as long as it can. So a head is collected
/// in a buffer of its size, before the larger ones of hyper are allocated.
#[derive(Debug)]
pub(super) struct Collected<S> {
    stream: S,
    /// Bytes that arrived and are read next.
    collected: Vec<u8>,
    /// How many of them contain no end of a head.
    searched: usize,
}

impl<S> Collected<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, collected: Vec::new(), searched: 0 }
    }

    /// Bytes that are read before those of the stream.
    pub(super) fn read_again(&mut self, bytes: &[u8]) {
        self.collected.splice(..0, bytes.iter().copied());
        self.searched = 0;
    }

    /// Whether HTTP/2 begins (RFC 9113, section 3.4).
    pub(super) fn begins_http2(&self) -> bool {
        self.collected.starts_with(b"PRI * HTTP/2.0\r\n\r\n")
    }
}

impl<S: AsyncRead + Unpin> Collected<S> {
    /// Collects bytes until the head of a request is complete, `limit` bytes have arrived, or the client sends no more.
    /// Returns whether there are any bytes.
    pub(super) fn poll_head(&mut self, context: &mut Context<'_>, limit: usize) -> Poll<io::Result<bool>> {
        loop {
            if ends_head(&self.collected, self.searched) || self.collected.len() >= limit {
                return Poll::Ready(Ok(true));
            }
            self.searched = self.collected.len();
            let mut bytes = [MaybeUninit::uninit(); 1024];
            let mut buffer = ReadBuf::uninit(&mut bytes);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
            let received = buffer.filled();
            if received.is_empty() {
                return Poll::Ready(Ok(!self.collected.is_empty()));
            }
            self.collected.reserve_exact(received.len());
            self.collected.extend_from_slice(received);
        }
    }
}

/// Whether a head may end in these bytes, the first of which have been searched. The end is an empty line; hyper decides
/// whether it ends in LF alone.
fn ends_head(bytes: &[u8], searched: usize) -> bool {
    let bytes = &bytes[searched.saturating_sub(2)..];
    bytes.windows(2).any(|end| end == b"\n\n") || bytes.windows(3).any(|end| end == b"\n\r\n")
}

impl<S: AsyncRead + Unpin> AsyncRead for Collected<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.collected.is_empty() {
            let count = self.collected.len().min(buffer.remaining());
            buffer.put_slice(&self.collected[..count]);
            if count == self.collected.len() {
                self.collected = Vec::new();
            } else {
                self.collected.drain(..count);
            }
            self.searched = 0;
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Collected<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
