//! A connection's bytes, observed for its [`Activity`]: those that the client sends, as HTTP, and those that it receives,
//! as they are on the wire. TLS is between the two.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::Activity;
use super::pass_on::pass_on_writes;

/// Reads and writes what `S` does, and records when bytes arrive, and the end.
#[derive(Debug)]
pub(super) struct Received<S> {
    stream: S,
    activity: Arc<Activity>,
}

/// Reads and writes what `S` does, and records when the client does not receive any bytes.
#[derive(Debug)]
pub(super) struct Sent<S> {
    stream: S,
    activity: Arc<Activity>,
    is_blocked: bool,
}

impl<S> Received<S> {
    pub(super) fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self { stream, activity }
    }
}

impl<S> Sent<S> {
    pub(super) fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self { stream, activity, is_blocked: false }
    }

    /// A client that receives a little at a time is blocked until it has received everything that was ready for it.
    fn record_write(&mut self, written: &Poll<io::Result<usize>>, length: usize) {
        let is_blocked = match written {
            Poll::Pending => true,
            Poll::Ready(Ok(written)) => self.is_blocked && *written < length,
            Poll::Ready(Err(_)) => return,
        };
        if is_blocked != self.is_blocked {
            self.is_blocked = is_blocked;
            self.activity.set_blocked(is_blocked);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Received<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        let received = &buffer.filled()[before..];
        if !received.is_empty() {
            self.activity.received(received);
        }
        polled
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Sent<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Received<S> {
    pass_on_writes!();

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.activity.set_is_ending();
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Sent<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.record_write(&written, bytes.len());
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.record_write(&written, parts.iter().map(|part| part.len()).sum());
        written
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
