//! A connection over the control socket, for either end.

use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use zeroize::{Zeroize, Zeroizing};

/// How many bytes are read, and sent, at a time.
const CHUNK: usize = 8 << 10;

/// Its buffers are wiped, because messages contain secrets.
#[derive(Debug)]
pub(super) struct Connection {
    stream: UnixStream,
    received: Wiped,
    unsent: Wiped,
}

impl Connection {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self { stream, received: Wiped::default(), unsent: Wiped::default() }
    }

    /// Sends a message, at the latest when [`flush`](Self::flush) is called.
    pub(super) async fn send(&mut self, message: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.unsent, message)?;
        self.unsent.extend(b"\n");
        if self.unsent.0.len() >= CHUNK { self.flush().await } else { Ok(()) }
    }

    pub(super) async fn flush(&mut self) -> io::Result<()> {
        let sent = self.stream.write_all(&self.unsent.0).await;
        self.unsent.remove_first(self.unsent.0.len());
        sent
    }

    /// The next message of at most `limit` bytes; `None` at the end. The text of an error does not contain the message,
    /// which may be a secret.
    pub(super) async fn receive<M: DeserializeOwned>(&mut self, limit: u64) -> io::Result<Option<M>> {
        let invalid = || io::Error::other("not a message of this version");
        let mut chunk = Zeroizing::new([0; CHUNK]);
        let mut searched = 0;
        loop {
            let bytes = &self.received.0;
            if let Some(end) = bytes[searched..].iter().position(|byte| *byte == b'\n') {
                let line = searched + end + 1;
                let message = serde_json::from_slice(&bytes[..line]).map_err(|_| invalid());
                self.received.remove_first(line);
                return message.map(Some);
            }
            searched = bytes.len();
            if u64::try_from(searched).is_ok_and(|length| length >= limit) {
                return Err(invalid());
            }
            match self.stream.read(chunk.as_mut_slice()).await? {
                0 if searched == 0 => return Ok(None),
                0 => return Err(invalid()),
                count => self.received.extend(&chunk[..count]),
            }
        }
    }
}

/// Bytes of which no copy is left in memory.
#[derive(Default)]
struct Wiped(Zeroizing<Vec<u8>>);

impl Wiped {
    fn extend(&mut self, bytes: &[u8]) {
        let length = self.0.len() + bytes.len();
        if length > self.0.capacity() {
            // A vector that grows leaves a copy that is not wiped.
            let mut larger = Zeroizing::new(Vec::with_capacity(length.next_power_of_two().max(CHUNK)));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    fn remove_first(&mut self, count: usize) {
        let rest = self.0.len() - count;
        self.0.copy_within(count.., 0);
        self.0[rest..].zeroize();
        self.0.truncate(rest);
    }
}

impl io::Write for Wiped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl std::fmt::Debug for Wiped {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("[redacted]")
    }
}
