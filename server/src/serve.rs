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
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// How long a connection may take to its first request, and a client to send the head of one over HTTP/1.1.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an idle HTTP/2 connection goes without proof that its client is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long requests that have begun may take to end once the server is told to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// How long to wait where no connection can be accepted, for want of file descriptors as a rule.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How many connections may wait to be accepted, where the system allows it.
const BACKLOG: u32 = 4096;

/// Listens on `address`, for [`serve`]. Must be called in a tokio runtime with I/O.
///
/// Tokio's `TcpListener::bind` lets 128 connections wait to be accepted. The others of a burst of clients are left to try
/// again after a second.
///
/// # Errors
///
/// The address cannot be bound.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As Tokio does: without it, a server that is started again must wait for the connections of the one before.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves the API on `listener`, over HTTP/1.1 and HTTP/2 without TLS, until `shutdown` is ready.
///
/// Then it accepts no more connections, lets requests that have begun end for at most ten seconds, and returns. Must be
/// called in a tokio runtime with I/O and time.
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
                    connect(stream, &api, &connections);
                }
                Err(error) if is_the_clients(&error) => {}
                Err(error) => {
                    // Once for as long as it lasts.
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

/// Puts the stack of one connection together, and runs it in a task of its own.
fn connect<A>(stream: TcpStream, api: &TokenApi<A>, connections: &GracefulShutdown)
where
    A: Authenticator<Principal = Principal>,
{
    // Without it a small response waits for the client's acknowledgement of the one before.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection without TCP_NODELAY");
    }
    // A count of the connection's own: threads do not contend for it, as they would for that of all connections.
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
    // Responses are small: to copy their bodies behind their heads costs less than to have them gathered. A client that
    // has said all may close its side and still gets its answer. That one has gone is therefore seen only when it is
    // answered, which the store does in any case; and hyper does not read ahead during a request, for which it took
    // another buffer each time.
    protocol.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).writev(false).half_close(true);
    protocol.http2().timer(TokioTimer::new()).keep_alive_interval(KEEP_ALIVE);
    let connection = protocol.serve_connection(TokioIo::new(stream), service).into_owned();
    let connection = connections.watch(connection);
    tokio::spawn(async move {
        let mut connection = pin!(connection);
        let ended = match tokio::time::timeout(HEADER_TIMEOUT, &mut connection).await {
            Ok(ended) => ended,
            // Until the first request, nothing else is sure to end a connection that stays silent.
            Err(_) if !used.load(Ordering::Relaxed) => return,
            Err(_) => connection.await,
        };
        if let Err(error) = ended {
            tracing::debug!(error, "a connection ended early");
        }
    });
}

/// Answers a request and writes one line about it, without its path and query, where a client may put a credential.
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
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
