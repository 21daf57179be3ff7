//! Writes and reads single frames of HTTP/2 (RFC 9113, section 4).

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::limits::within;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

/// Of SETTINGS and PING.
pub(super) const ACK: u8 = 1;
pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;
pub(super) const PADDED: u8 = 8;
pub(super) const WITH_PRIORITY: u8 = 32;

pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The fields `GET`, `http`, `/`, and the authority `x`.
pub(super) const GET: &[u8] = b"\x82\x86\x84\x41\x01x";

/// The same with `POST`.
pub(super) const POST: &[u8] = b"\x83\x86\x84\x41\x01x";

/// The bytes of a frame.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// HEADERS of a whole request without a body.
pub(super) fn request(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, GET)
}

/// HEADERS of a request whose body follows.
pub(super) fn begun(stream: u32) -> Vec<u8> {
    frame(HEADERS, END_HEADERS, stream, POST)
}

/// A field that is not in a table (RFC 7541, section 6.2.2).
pub(super) fn field(name: &str, value: &str) -> Vec<u8> {
    let length = |text: &str| vec![u8::try_from(text.len()).ok().filter(|length| *length < 127).unwrap()];
    [vec![0], length(name), name.into(), length(value), value.into()].concat()
}

#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    /// The number that begins here in the payload.
    pub(super) fn number(&self, at: usize) -> u32 {
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }
}

pub(super) struct Connection {
    pub(super) stream: TcpStream,
}

impl Connection {
    /// Connects and sends the preface alone.
    pub(super) async fn bare(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(PREFACE).await.unwrap();
        Self { stream }
    }

    /// Connects and sends the preface with empty SETTINGS.
    pub(super) async fn open(address: SocketAddr) -> Self {
        let mut connection = Self::bare(address).await;
        connection.send(&frame(SETTINGS, 0, 0, b"")).await.unwrap();
        connection
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        within("frames to be sent", self.stream.write_all(bytes)).await
    }

    /// The next frame, or `None` at the end of the connection.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        let read = async {
            let mut head = [0; 9];
            self.stream.read_exact(&mut head).await.ok()?;
            let [a, b, c, kind, flags, stream @ ..] = head;
            let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
            self.stream.read_exact(&mut payload).await.ok()?;
            Some(Frame { kind, flags, stream: u32::from_be_bytes(stream), payload })
        };
        within("a frame", read).await
    }

    /// What the server has answered, up to the answer to a last request or the end of the connection.
    pub(super) async fn outcome(&mut self) -> Outcome {
        const LAST: u32 = 0x7fff_ffff;
        let _ = self.send(&request(LAST)).await;
        let mut outcome = Outcome::default();
        while let Some(frame) = self.next().await {
            match frame.kind {
                HEADERS | RST_STREAM if frame.stream == LAST => {
                    outcome.is_open = true;
                    break;
                }
                HEADERS => outcome.answered.push((frame.stream, frame.payload)),
                RST_STREAM => outcome.resets.push((frame.stream, frame.number(0))),
                GOAWAY => outcome.goaway = Some(frame.number(4)),
                _ => {}
            }
        }
        outcome
    }
}

/// What has happened on a connection.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The streams with a response, and its fields.
    pub(super) answered: Vec<(u32, Vec<u8>)>,
    /// The streams that were reset, and with which error.
    pub(super) resets: Vec<(u32, u32)>,
    pub(super) goaway: Option<u32>,
    pub(super) is_open: bool,
}
