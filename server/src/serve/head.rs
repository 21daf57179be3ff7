//! Keeps malformed HTTP/1.1 away from the parser, which is lenient.
//!
//! [`Screened`] is the stream of a connection below hyper. It passes complete, well-formed heads on, and their bodies. A
//! malformed head never reaches hyper: a request of the server's own takes its place, which [`Refusal`] recognizes, so
//! that the response has the headers of every response and comes after those to earlier requests.

mod fault;
mod reader;

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::pass_on::pass_on_writes;
pub(super) use fault::Fault;
pub(super) use reader::Limits;
use reader::{Fed, Reader};

/// What a client sends first over HTTP/2 (RFC 9113, section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Takes the place of a refused head.
const REFUSED: &[u8] = b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n";

/// How much is read at once of a head that arrives in pieces, in bytes.
const PIECE: usize = 4096;

/// How long, and how many bytes, a connection is read after the server has closed its side while the client still sends.
/// Closing both sides at once would reset the connection, and the client could lose the last response.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 1 << 20;

/// Why a connection's last request was refused, once hyper has got what takes its place.
#[derive(Clone, Debug, Default)]
pub(super) struct Refusal(Arc<OnceLock<Fault>>);

impl Refusal {
    /// The fault of the request that hyper has just parsed. Earlier requests have been parsed before.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.0.get().copied()
    }
}

/// A stream from which malformed heads are missing.
#[derive(Debug)]
pub(super) struct Screened<S> {
    stream: S,
    protocol: Protocol,
    /// What has been read and not passed on.
    held: Vec<u8>,
    /// How much of it may be passed on.
    released: usize,
    /// How the bytes that may be passed on end.
    end: Option<End>,
    refusal: Refusal,
    limits: Limits,
    linger: Option<Pin<Box<Sleep>>>,
    lingered: usize,
}

#[derive(Debug)]
enum Protocol {
    /// How many bytes of the [`PREFACE`] have been read.
    Unknown(usize),
    One(Reader),
    Two,
}

#[derive(Clone, Copy, Debug)]
enum End {
    /// The client sends no more.
    Closed,
    /// A head is refused.
    Refused(Fault),
    /// What takes its place is released, or a body is refused.
    Nothing,
}

impl<S> Screened<S> {
    pub(super) fn new(stream: S, limits: Limits) -> (Self, Refusal) {
        let refusal = Refusal::default();
        let screened = Self {
            stream,
            protocol: Protocol::Unknown(0),
            held: Vec::new(),
            released: 0,
            end: None,
            refusal: refusal.clone(),
            limits,
            linger: None,
            lingered: 0,
        };
        (screened, refusal)
    }

    /// Refuses whatever the client sends.
    pub(super) fn refuse(&mut self, fault: Fault) {
        self.end = Some(End::Refused(fault));
    }

    /// How many bytes have been read and not passed on.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    fn feed(&mut self, bytes: &[u8]) -> Fed {
        match &mut self.protocol {
            Protocol::Two => Fed { safe: bytes.len(), fault: None },
            Protocol::One(reader) => reader.feed(bytes),
            Protocol::Unknown(matched) => {
                let expected = &PREFACE[*matched..];
                let common = bytes.len().min(expected.len());
                if bytes[..common] != expected[..common] {
                    let mut reader = Reader::new(self.limits);
                    let before = reader.feed(&PREFACE[..*matched]);
                    let fed = if before.fault.is_some() { before } else { reader.feed(bytes) };
                    self.protocol = Protocol::One(reader);
                    fed
                } else if common == expected.len() {
                    self.protocol = Protocol::Two;
                    Fed { safe: bytes.len(), fault: None }
                } else {
                    *matched += common;
                    Fed { safe: 0, fault: None }
                }
            }
        }
    }

    /// The end that follows a fault: only a head that hyper has not seen can be answered.
    fn end_by(&self, fault: Fault) -> End {
        match &self.protocol {
            Protocol::One(reader) if reader.in_body() => End::Nothing,
            _ => End::Refused(fault),
        }
    }

    /// Passes on what was released, or else what takes the place of a refused head.
    fn pass(&mut self, buffer: &mut ReadBuf<'_>) {
        if self.released == 0
            && let Some(End::Refused(fault)) = self.end
        {
            self.refusal.0.get_or_init(|| fault);
            self.end = Some(End::Nothing);
            self.held = REFUSED.to_vec();
            self.released = self.held.len();
        }
        let length = self.released.min(buffer.remaining());
        buffer.put_slice(&self.held[..length]);
        self.held.drain(..length);
        self.released -= length;
        if self.held.is_empty() {
            self.held = Vec::new();
        }
    }

    /// Whether the client may be sending while nothing reads it.
    fn is_unread(&self) -> bool {
        match (&self.end, &self.protocol) {
            (Some(End::Closed), _) => false,
            (Some(End::Refused(_) | End::Nothing), _) => true,
            (None, Protocol::One(reader)) => !reader.is_between(),
            (None, _) => false,
        }
    }
}

impl<S: AsyncRead + Unpin> Screened<S> {
    /// Reads into hyper's buffer, which needs no copy if a head arrives whole.
    fn poll_whole(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let read = &buffer.filled()[before..];
        if read.is_empty() {
            self.end = Some(End::Closed);
            return Poll::Ready(Ok(()));
        }
        let Fed { safe, fault } = self.feed(read);
        match fault {
            Some(fault) => self.end = Some(self.end_by(fault)),
            None => self.held.extend_from_slice(&read[safe..]),
        }
        buffer.set_filled(before + safe);
        Poll::Ready(Ok(()))
    }

    /// Reads the continuation of a head that is held.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut space = [MaybeUninit::uninit(); PIECE];
        let mut piece = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut piece))?;
        let read = piece.filled();
        if read.is_empty() {
            self.end = Some(End::Closed);
            self.held = Vec::new();
            return Poll::Ready(Ok(()));
        }
        let Fed { safe, fault } = self.feed(read);
        if safe > 0 {
            self.held.extend_from_slice(&read[..safe]);
            self.released = self.held.len();
        }
        match fault {
            Some(fault) => {
                self.held.truncate(self.released);
                self.end = Some(self.end_by(fault));
            }
            None => self.held.extend_from_slice(&read[safe..]),
        }
        Poll::Ready(Ok(()))
    }

    /// Waits for the client to stop sending.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let timer = self.linger.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        if timer.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        while self.lingered < LINGER_BYTES {
            let mut space = [MaybeUninit::uninit(); PIECE];
            let mut piece = ReadBuf::uninit(&mut space);
            let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut piece));
            if read.is_err() || piece.filled().is_empty() {
                break;
            }
            self.lingered += piece.filled().len();
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Screened<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        loop {
            // In a read of its own: what precedes it must be parsed before the refusal is known.
            if buffer.filled().len() == before {
                this.pass(buffer);
            }
            if buffer.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
            match this.end {
                Some(End::Refused(_)) => continue,
                Some(End::Closed | End::Nothing) => return Poll::Ready(Ok(())),
                None => {}
            }
            if this.held.is_empty() {
                ready!(this.poll_whole(context, buffer))?;
            } else {
                ready!(this.poll_piece(context))?;
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Screened<S> {
    pass_on_writes!();

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.linger.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
        }
        if this.is_unread() {
            ready!(this.poll_linger(context));
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
