//! Accepts connections, serves the API on each, and drains them at the end.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use influxdb3_token_api::security::Authenticator;
use influxdb3_token_api::server::Body;
use influxdb3_tokens::{Principal, TokenApi};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket};

#[cfg(test)]
mod tests;

/// How long a connection may take until its first request, and a client to send the head of an HTTP/1.1 request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an HTTP/2 connection may be idle before the server pings its client.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long requests in flight may take to end after the server is told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// How long to wait if no connection can be accepted, usually because file descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many connections may wait to be accepted, if the system allows it.
const BACKLOG: u32 = 4096;

/// Listens on `address`, for [`serve`]. It must be called in a tokio runtime with I/O.
///
/// Up to 4,096 connections may wait to be accepted. Tokio's `TcpListener::bind` allows 128; the other clients of a burst
/// would have to try again after a second.
///
/// # Errors
///
/// If the address cannot be bound.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As Tokio does. Otherwise a restarted server must wait until the connections of the previous one have timed out.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves the API on `listener`, over HTTP/1.1 and HTTP/2 without TLS, until `shutdown` is ready.
///
/// Then it stops accepting connections, waits at most ten seconds for requests in flight, and returns. It must be called
/// in a tokio runtime with I/O and time.
///
/// A connection is closed 30 seconds after it was accepted unless it has made a request by then. Over HTTP/1.1, it is
/// closed 30 seconds after its last response unless the head of the next request is complete by then. Over HTTP/2, a
/// connection on which nothing arrives for 30 seconds is sent a ping, and is closed if no answer comes within 20 seconds.
pub async fn serve<A>(listener: TcpListener, api: TokenApi<A>, shutdown: impl Future<Output = ()>)
where
    A: Authenticator<Principal = Principal>,
{
    let connections = GracefulShutdown::new();
    let mut shutdown = pin!(shutdown);
    let mut accepting = true;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    accepting = true;
                    // Otherwise a small response waits until the client has acknowledged the previous one.
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "cannot set TCP_NODELAY");
                    }
                    connect(stream, &api, &connections);
                }
                Err(error) if is_aborted(&error) => {}
                Err(error) => {
                    // One line, however long this lasts.
                    if accepting {
                        tracing::error!(%error, "cannot accept connections");
                    }
                    accepting = false;
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            () = &mut shutdown => break,
        }
    }
    drop(listener);
    tracing::info!(connections = connections.count(), "stopping");
    if tokio::time::timeout(DRAIN, connections.shutdown()).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

/// Assembles the stack of one connection, and runs it in its own task.
pub(crate) fn connect<A, S>(stream: S, api: &TokenApi<A>, connections: &GracefulShutdown)
where
    A: Authenticator<Principal = Principal>,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // The connection has its own reference count. Threads would contend for one that all connections share.
    let api = Arc::new(api.clone());
    let used = Arc::new(AtomicBool::new(false));
    let service = service_fn({
        let used = Arc::clone(&used);
        move |request| {
            used.store(true, Ordering::Relaxed);
            respond(Arc::clone(&api), request)
        }
    });
    let mut protocol = auto::Builder::new(TokioExecutor::new());
    // Responses are small, so copying a body behind its head is cheaper than a gathering write. A half-closed client still
    // receives its response. The server therefore notices a client's disconnect only when it responds; the store completes
    // the change in any case. It also spares hyper a second buffer, with which it would read ahead during a request.
    protocol.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).writev(false).half_close(true);
    protocol.http2().timer(TokioTimer::new()).keep_alive_interval(KEEP_ALIVE);
    let connection = protocol.serve_connection(TokioIo::new(stream), service).into_owned();
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        let mut connection = pin!(connection);
        let ended = match tokio::time::timeout(HEADER_TIMEOUT, &mut connection).await {
            Ok(ended) => ended,
            // Nothing else is certain to end a connection that stays silent before its first request.
            Err(_) if !used.load(Ordering::Relaxed) => return,
            Err(_) => connection.await,
        };
        if let Err(error) = ended {
            tracing::debug!(error, "a connection ended early");
        }
    });
}

/// Answers a request, and logs one line without its path and query, which may contain a credential.
async fn respond<A>(api: Arc<TokenApi<A>>, request: Request<Incoming>) -> Result<Response<Body>, Infallible>
where
    A: Authenticator<Principal = Principal>,
{
    let begun = tracing::enabled!(tracing::Level::DEBUG).then(|| (Instant::now(), request.method().clone()));
    let response = api.handle(request).await;
    if let Some((begun, method)) = begun {
        tracing::debug!(
            method = method.as_str(),
            status = response.status().as_u16(),
            span_id = response.headers().get("x-span-id").and_then(|id| id.to_str().ok()),
            microseconds = begun.elapsed().as_micros(),
            "answered",
        );
    }
    Ok(response)
}

/// Whether a connection went away before it was accepted.
fn is_aborted(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
