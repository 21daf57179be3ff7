//! Accepts connections, serves the API on each, and drains them at the end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{Either, pending};
use influxdb3_token_api::security::Authenticator;
use influxdb3_tokens::{Principal, TokenApi};
use tokio::net::{TcpListener, TcpSocket};

use connection::{Shared, connect, connect_tls};

mod activity;
mod collected;
mod connection;
mod connections;
mod descriptors;
mod failures;
mod head;
mod limits;
mod pass_on;
mod service;
mod statistics;
#[cfg(test)]
mod tests;
mod tls;
mod watched;

pub use descriptors::descriptors_for_connections;
#[cfg(unix)]
pub use descriptors::raise_descriptor_limit;
pub use limits::Limits;
pub use service::Service;
pub use statistics::{Observer, Statistics};
pub use tls::{Tls, TlsError, TlsFiles, TlsVersion};

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

/// Serves a service as [`serve`] does, within limits of your own.
pub async fn serve_within<S: Service>(
    limits: Limits,
    listener: TcpListener,
    service: S,
    shutdown: impl Future<Output = ()>,
) {
    Server::new(limits, service).serve(listener, shutdown).await;
}

/// A server that is about to listen.
#[derive(Debug)]
pub struct Server<S> {
    shared: Arc<Shared<S>>,
    tls: Option<Tls>,
}

impl<S: Service> Server<S> {
    /// A server of a service within these limits.
    pub fn new(limits: Limits, service: S) -> Self {
        Self { shared: Shared::new(service, limits), tls: None }
    }

    /// Serves HTTPS instead of HTTP. A request without TLS is answered with 400, without TLS.
    #[must_use]
    pub fn tls(self, tls: Tls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// A handle that reads what the connections do, while the server serves.
    pub fn observer(&self) -> Observer {
        Observer(Arc::clone(&self.shared.connections))
    }

    /// Serves on `listener` until `shutdown` is ready, as [`serve`] does.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let Self { shared: server, tls } = self;
        let connections = &server.connections;
        let address = listener.local_addr().ok();
        let serving = async {
            tokio::select! {
                () = accept(&listener, &server, tls.as_ref()) => {}
                () = shutdown => {}
            }
            drop(listener);
            tracing::info!(
                address = address.map(tracing::field::display),
                connections = connections.count(),
                "stopping"
            );
            if tokio::time::timeout(connections.limits().drain_timeout, connections.drain()).await.is_err() {
                tracing::warn!("some requests did not end in time");
                connections.close_all();
            }
        };
        tokio::select! {
            () = serving => {}
            () = connections.sweep_regularly(|| server.failures.forget()) => {}
            () = tls.as_ref().map_or(Either::Left(pending()), |tls| Either::Right(tls.follow())) => {}
        }
    }
}

/// Serves the API on one connection, within the default limits, until it is dropped.
#[cfg(fuzzing)]
pub async fn serve_one<S>(stream: S, api: TokenApi)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let server = Shared::new(api, Limits::default());
    let peer = SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, 0));
    if let Some(connected) = server.connections.admit(peer.ip()) {
        connect(stream, peer, connected, &server);
    }
    server.connections.sweep_regularly(|| server.failures.forget()).await;
}

/// Accepts connections until it is dropped.
async fn accept<S: Service>(listener: &TcpListener, server: &Arc<Shared<S>>, tls: Option<&Tls>) {
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
                match tls {
                    None => connect(stream, peer, connected, server),
                    Some(tls) => connect_tls(stream, peer, connected, server, tls.config()),
                }
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
