//! The head of a request, collected before hyper gets the connection.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::head::Screened;
use super::pass_on::pass_on_writes;

/// A stream whose first bytes may have been read already.
///
/// Most connections of a server wait for a head, and a hostile one makes it wait as long as it can. So a head is collected
/// in a buffer of its size, before the larger ones of hyper are allocated.
#[derive(Debug)]
pub(super) struct Collected<S> {
    stream: S,
    /// Bytes that arrived and are read next.
    collected: Vec<u8>,
}

impl<S> Collected<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, collected: Vec::new() }
    }

    /// Bytes that are read before those of the stream.
    pub(super) fn read_again(&mut self, bytes: &[u8]) {
        self.collected.splice(..0, bytes.iter().copied());
    }

    /// Whether HTTP/2 begins (RFC 9113, section 3.4).
    pub(super) fn begins_http2(&self) -> bool {
        self.collected.starts_with(b"PRI * HTTP/2.0\r\n\r\n")
    }
}

impl<S> Collected<Screened<S>> {
    /// How many bytes have been read from the client and are still to be passed on.
    pub(super) fn held(&self) -> usize {
        self.collected.len() + self.stream.held()
    }
}

impl<S: AsyncRead + Unpin> Collected<S> {
    /// Waits for the head of a request, of which the stream passes on whole ones, or the end. Returns whether there is one.
    pub(super) fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if self.collected.is_empty() {
            let mut bytes = [MaybeUninit::uninit(); 1024];
            let mut buffer = ReadBuf::uninit(&mut bytes);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
            self.collected = buffer.filled().to_vec();
        }
        Poll::Ready(Ok(!self.collected.is_empty()))
    }
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
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Collected<S> {
    pass_on_writes!();

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
