//! Accepts connections, serves the API on each, and drains them at the end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use influxdb3_token_api::security::Authenticator;
#[cfg(fuzzing)]
use influxdb3_token_api::security::PeerAddress;
use influxdb3_tokens::{Principal, TokenApi};
use tokio::net::{TcpListener, TcpSocket};

use connection::{Server, connect};

mod activity;
mod collected;
mod connection;
mod connections;
mod descriptors;
mod failures;
mod head;
mod limits;
#[cfg(test)]
mod tests;
mod watched;

#[cfg(unix)]
pub use descriptors::raise_descriptor_limit;
pub use limits::Limits;

/// How long to wait if no connection can be accepted, and none can be closed instead.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many connections are closed if one cannot be accepted because descriptors or memory have run out.
const CLOSED_INSTEAD: usize = 16;

/// How many connections may wait to be accepted, if the system allows it.
const BACKLOG: u32 = 4096;

/// How many bytes the kernel keeps for a connection in each direction; Linux doubles it. Otherwise it would take up to
/// several megabytes, and the server would answer thousands of requests of a client that does not read.
const SOCKET_BUFFER: u32 = 32 << 10;

/// Listens on `address`, for [`serve`]. It must be called in a tokio runtime with I/O.
///
/// Up to 4,096 connections may wait to be accepted. Tokio's `TcpListener::bind` allows 128; the other clients of a burst
/// would have to try again after a second. The kernel's buffers of each connection are small, because requests and
/// responses are.
///
/// # Errors
///
/// If the address cannot be bound.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As Tokio does. Otherwise a restarted server must wait until the connections of the previous one have timed out.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    // Accepted connections inherit them.
    socket.set_send_buffer_size(SOCKET_BUFFER)?;
    socket.set_recv_buffer_size(SOCKET_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves the API on `listener`, over HTTP/1.1 and HTTP/2 without TLS, within the default [`Limits`], until `shutdown` is
/// ready.
///
/// Then it stops accepting connections, waits at most ten seconds for requests in flight, and returns. It must be called
/// in a tokio runtime with I/O and time.
///
/// The limit of file descriptors at the start bounds the number of connections. A program can raise it before with
/// `raise_descriptor_limit`.
pub async fn serve<A>(listener: TcpListener, api: TokenApi<A>, shutdown: impl Future<Output = ()>)
where
    A: Authenticator<Principal = Principal>,
{
    serve_within(Limits::default(), listener, api, shutdown).await;
}

/// Serves the API as [`serve`] does, within limits of your own.
pub async fn serve_within<A>(
    limits: Limits,
    listener: TcpListener,
    api: TokenApi<A>,
    shutdown: impl Future<Output = ()>,
) where
    A: Authenticator<Principal = Principal>,
{
    let drain_timeout = limits.drain_timeout;
    let server = Server::new(api, limits);
    let connections = &server.connections;
    let serving = async {
        tokio::select! {
            () = accept(&listener, &server) => {}
            () = shutdown => {}
        }
        drop(listener);
        tracing::info!(connections = connections.count(), "stopping");
        if tokio::time::timeout(drain_timeout, connections.drain()).await.is_err() {
            tracing::warn!("some requests did not end in time");
            connections.close_all();
        }
    };
    tokio::select! {
        () = serving => {}
        () = connections.sweep_regularly(|| server.failures.forget()) => {}
    }
}

/// Serves the API on one connection, within the default limits, until it is dropped.
#[cfg(fuzzing)]
pub async fn serve_one<S>(stream: S, api: TokenApi)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let server = Server::new(api, Limits::default());
    if let Some(connected) = server.connections.admit(std::net::Ipv4Addr::LOCALHOST.into()) {
        connect(stream, PeerAddress::default(), connected, &server);
    }
    server.connections.sweep_regularly(|| server.failures.forget()).await;
}

/// Accepts connections until it is dropped.
async fn accept<A>(listener: &TcpListener, server: &Arc<Server<A>>)
where
    A: Authenticator<Principal = Principal>,
{
    let mut accepting = true;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                accepting = true;
                let Some(connected) = server.connections.admit(peer.ip()) else { continue };
                // Otherwise a small response waits until the client has acknowledged the previous one.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "cannot set TCP_NODELAY");
                }
                connect(stream, peer.ip().into(), connected, server);
            }
            Err(error) if is_aborted(&error) => {}
            Err(error) => {
                // One line, however long this lasts.
                if accepting {
                    tracing::error!(%error, "cannot accept connections");
                }
                accepting = false;
                server.connections.shed(CLOSED_INSTEAD);
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
        server.connections.room().await;
    }
}

/// Whether a connection went away before it was accepted.
fn is_aborted(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
