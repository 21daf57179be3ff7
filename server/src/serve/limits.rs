//! The limits of a server, and their defaults.

use std::time::Duration;

use super::head::Limits as HeadLimits;

/// What a server allows its clients, of all of them together and of each.
///
/// The defaults suit a server that strangers can reach, directly or through a proxy. `docs/limits.md` says what happens
/// at each limit, and how to choose it.
///
/// ```
/// let mut limits = influxdb3_tokens_server::Limits::default();
/// limits.max_connections = 1_000;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// How many connections may be open. The server keeps three fifths of its descriptors, but at most 128, for other
    /// files, and lowers this limit accordingly. At the limit, a new connection replaces one that waits for its client.
    pub max_connections: usize,
    /// How many connections one address may have, or one network of 64 bits in IPv6; 0 for any number. At the limit, a
    /// new connection replaces one of the same address that waits for its client. Loopback addresses have no limit,
    /// because a proxy on the same machine connects from there.
    pub max_connections_per_address: usize,
    /// How many bytes of memory all connections may take, as estimated from the state of each. Above the limit,
    /// connections that wait for their clients are closed.
    pub max_connection_memory: usize,
    /// How long the handshake of TLS may take, from the moment that the connection is accepted.
    pub handshake_timeout: Duration,
    /// How long a client may take until its first request, after the handshake of TLS if there is one, and to send the head of an HTTP/1.1 request.
    pub head_timeout: Duration,
    /// How many bytes of a head must arrive in a second over HTTP/1.1, counted after ten seconds; 0 for any number.
    pub min_head_rate: u32,
    /// How long a connection may be open without a request, after its last response. Pings do not count as requests.
    pub idle_timeout: Duration,
    /// How long a client may take to receive what the server has ready for it.
    pub write_timeout: Duration,
    /// How many bytes the head of a request may have, and the buffers of a connection. At least 8192.
    pub max_head_size: usize,
    /// How many headers a request may have over HTTP/1.1. At most 24,576.
    pub max_headers: usize,
    /// How many bytes the target of a request may have. A longer one is answered with 414.
    pub max_target_size: usize,
    /// How many requests a client may have in flight on one HTTP/2 connection.
    pub max_streams: u32,
    /// How many rejected credentials an address may send in a second, on average over two seconds, or a network of 64
    /// bits in IPv6; 0 for any number. Beyond that, 401 is sent later; other responses never are.
    pub max_failures: u32,
    /// How much later 401 is sent beyond [`max_failures`](Self::max_failures).
    pub failure_delay: Duration,
    /// How long requests in flight may take to end after the server is told to stop.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 20_000,
            max_connections_per_address: 5_000,
            max_connection_memory: 160 << 20,
            handshake_timeout: Duration::from_secs(10),
            head_timeout: Duration::from_secs(30),
            min_head_rate: 50,
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(20),
            max_head_size: 16 << 10,
            max_headers: 100,
            max_target_size: 8 << 10,
            max_streams: 32,
            max_failures: 100,
            failure_delay: Duration::from_secs(1),
            drain_timeout: Duration::from_secs(10),
        }
    }
}

/// The smallest and the largest buffer of a connection, in bytes, which hyper demands.
const SMALLEST_BUFFER: usize = 8 << 10;
const LARGEST_BUFFER: usize = u32::MAX as usize;

/// How many headers fit in an `http::HeaderMap`, which panics if there are more.
const MOST_HEADERS: usize = 24_576;

/// The shortest header: a name of one byte, a colon, CR LF.
const SHORTEST_HEADER: usize = 4;

impl Limits {
    /// The size of the buffers of an HTTP/1.1 connection, and of the heads that fit in.
    pub(super) fn buffer_size(&self) -> usize {
        self.max_head_size.clamp(SMALLEST_BUFFER, LARGEST_BUFFER)
    }

    /// How many headers a request may have over HTTP/1.1, and no more than can arrive: hyper allocates memory for as many.
    pub(super) fn header_count(&self) -> usize {
        self.max_headers.min(MOST_HEADERS).min(self.buffer_size() / SHORTEST_HEADER)
    }

    /// The limits of a head over HTTP/1.1.
    pub(super) fn of_head(&self) -> HeadLimits {
        let number = |limit: usize| u32::try_from(limit).unwrap_or(u32::MAX);
        HeadLimits {
            head: number(self.max_head_size),
            target: number(self.max_target_size),
            fields: number(self.header_count()),
        }
    }
}
