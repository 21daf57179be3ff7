//! A connection over the control socket, for either end.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::UnixStream;

#[derive(Debug)]
pub(super) struct Connection(BufStream<UnixStream>);

impl Connection {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self(BufStream::new(stream))
    }

    /// Sends a message, at the latest when [`flush`](Self::flush) is called.
    pub(super) async fn send(&mut self, message: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        self.0.write_all(&line).await
    }

    pub(super) async fn flush(&mut self) -> io::Result<()> {
        self.0.flush().await
    }

    /// The next message of at most `limit` bytes; `None` at the end. A message that lacks its line break is incomplete, and
    /// an error. The text of an error does not contain the message, which may be a secret.
    pub(super) async fn receive<M: DeserializeOwned>(&mut self, limit: u64) -> io::Result<Option<M>> {
        let mut line = Vec::new();
        (&mut self.0).take(limit).read_until(b'\n', &mut line).await?;
        match line.last() {
            None => return Ok(None),
            Some(b'\n') => {}
            Some(_) if line.len() as u64 == limit => {
                return Err(io::Error::other(format!("a message is longer than {limit} bytes")));
            }
            Some(_) => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a message broke off")),
        }
        serde_json::from_slice(&line).map(Some).map_err(|_| io::Error::other("not a message of this version"))
    }
}
