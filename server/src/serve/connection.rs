//! The stack of one connection.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime};

use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use influxdb3_token_api::Payload;
use influxdb3_token_api::security::{AuthenticationError, PeerAddress};
use influxdb3_token_api::server::{Body, logged_span_id};
use openapi_stub_runtime::Printable;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::task::yield_now;

use super::activity::{Activity, Answering, Order};
use super::collected::Collected;
use super::connections::{Connected, Connections};
use super::failures::Failures;
use super::head::{Fault, Refusal, Screened};
use super::limits::Limits;
use super::service::Service;
use super::tls::wire::{self as tls, Opened};
use super::watched::{Received, Sent};
use crate::logged;

/// How long an HTTP/2 connection may be silent before the server pings its client.
const PING: Duration = Duration::from_secs(30);

/// How many requests an HTTP/1.1 connection answers before other connections get their turn. A client that sends many
/// without waiting would otherwise hold a thread for milliseconds.
const TURN: u32 = 8;

/// What all connections of a server share.
#[derive(Debug)]
pub(super) struct Shared<S> {
    pub(super) service: S,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    pub(super) connections: Arc<Connections>,
    pub(super) failures: Failures,
}

impl<S> Shared<S> {
    pub(super) fn new(service: S, limits: Limits) -> Arc<Self> {
        let (http1, http2, failures) = (http1(&limits), http2(&limits), Failures::new(&limits));
        Arc::new(Self { service, http1, http2, failures, connections: Connections::new(limits) })
    }
}

fn http1(limits: &Limits) -> http1::Builder {
    let mut http1 = http1::Builder::new();
    // Responses are small, so copying a body behind its head is cheaper than a gathering write. A half-closed client still
    // receives its response. The server therefore notices a client's disconnect only when it responds; the store completes
    // the change in any case. It also spares hyper a second buffer, with which it would read ahead during a request.
    http1.writev(false).half_close(true);
    // `Activity` limits the time, without a timer for each request.
    http1.header_read_timeout(None).max_buf_size(limits.buffer_size()).max_header_size(limits.max_head_size);
    // With any other number, hyper allocates memory for each head.
    if limits.header_count() != Limits::default().max_headers {
        http1.max_headers(limits.header_count());
    }
    http1
}

fn http2(limits: &Limits) -> http2::Builder<TokioExecutor> {
    // The window of a connection at its start, which cannot be smaller. No operation reads a body.
    const CONNECTION_WINDOW: u32 = (1 << 16) - 1;
    const STREAM_WINDOW: u32 = 1 << 14;
    // How many streams a client may reset before they are looked at, and how many more it may open than are allowed.
    const PENDING_RESETS: usize = 20;
    const REFUSED_STREAMS: usize = 256;
    let mut http2 = http2::Builder::new(TokioExecutor::new());
    http2
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .max_concurrent_streams(limits.max_streams)
        .max_header_list_size(u32::try_from(limits.max_head_size).unwrap_or(u32::MAX))
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_stream_window_size(STREAM_WINDOW)
        .max_send_buf_size(limits.buffer_size())
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(REFUSED_STREAMS);
    http2
}

/// Assembles the stack of one connection, and runs it in its own task.
pub(super) fn connect<T, S>(stream: T, peer: SocketAddr, connected: Connected, server: &Arc<Shared<S>>)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service,
{
    let stream = Sent::new(stream, Arc::clone(&connected));
    let served = serve_http(stream, peer, None, &connected, server);
    run(connected, served);
}

/// Assembles the stack of one connection with TLS, and runs it in its own task.
pub(super) fn connect_tls<T, S>(
    stream: T,
    peer: SocketAddr,
    connected: Connected,
    server: &Arc<Shared<S>>,
    config: Arc<ServerConfig>,
) where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service,
{
    let (activity, server) = (Arc::clone(&connected), Arc::clone(server));
    let served = async move {
        match tls::open(stream, &activity, config, server.connections.limits().buffer_size()).await {
            // What follows takes more memory than a handshake.
            Ok(Opened::Tls(stream)) => Box::pin(serve_http(stream, peer, None, &activity, &server)).await,
            Ok(Opened::Http(stream)) => Box::pin(serve_http(stream, peer, Some(Fault::Http), &activity, &server)).await,
            Ok(Opened::Nothing) => Ok(()),
            Err(error) => {
                tracing::debug!(%peer, reason = %Printable(&error.to_string()), "a TLS handshake failed");
                Ok(())
            }
        }
    };
    run(connected, served);
}

/// Assembles the layers of HTTP over a stream. With a `fault`, whatever the client sends is refused.
fn serve_http<T, S>(
    stream: T,
    peer: SocketAddr,
    fault: Option<Fault>,
    activity: &Arc<Activity>,
    server: &Arc<Shared<S>>,
) -> impl Future<Output = Result<(), Error>> + Send + use<T, S>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service,
{
    // From the socket upwards; each layer sees the bytes of the one before.
    let stream = Received::new(stream, Arc::clone(activity));
    let (mut stream, refusal) = Screened::new(stream, server.connections.limits().of_head());
    if let Some(fault) = fault {
        stream.refuse(fault);
    }
    let stream = Collected::new(stream);
    // The connection has its own reference count. Threads would contend for one that all connections share.
    let own = Arc::new(Own {
        peer,
        activity: Arc::clone(activity),
        server: Arc::clone(server),
        refusal,
        late: Semaphore::new((server.connections.limits().max_streams / 4).max(1) as usize),
    });
    serve(stream, own)
}

/// Runs a connection in its own task, until it ends or is told to close.
fn run(connected: Connected, served: impl Future<Output = Result<(), Error>> + Send + 'static) {
    tokio::spawn(async move {
        let mut served = pin!(served);
        let until_closed = poll_fn(|context| match connected.watch(context.waker()) {
            Order::Close => Poll::Ready(Ok(())),
            Order::Continue | Order::Drain => served.as_mut().poll(context),
        });
        if let Err(error) = until_closed.await {
            tracing::debug!(reason = logged::ending(&*error), "a connection ended early");
        }
    });
}

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Serves a connection until it ends. Hyper has it only while there are requests, because its buffers take ten times as
/// much memory as the rest.
async fn serve<T, S>(mut stream: Collected<Screened<T>>, own: Arc<Own<S>>) -> Result<(), Error>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service,
{
    loop {
        let has_head = poll_fn(|context| match own.activity.order() {
            Order::Continue => stream.poll_head(context),
            Order::Drain | Order::Close => Poll::Ready(Ok(false)),
        });
        if !has_head.await? {
            if own.activity.is_tls() && own.activity.order() != Order::Close {
                // Otherwise the client cannot tell the end from one that an attacker made.
                stream.shutdown().await?;
            }
            return Ok(());
        }
        own.activity.set_has_buffers();
        if stream.begins_http2() {
            own.activity.set_is_http2();
            return Box::pin(serve_http2(stream, own)).await;
        }
        let Some(resting) = Box::pin(serve_http1(stream, &own)).await? else { return Ok(()) };
        own.activity.rest(resting.held());
        stream = resting;
    }
}

/// Serves HTTP/1.1 until the connection ends, or has been idle for a while and is returned.
async fn serve_http1<T, S>(stream: Collected<T>, own: &Arc<Own<S>>) -> Result<Option<Collected<T>>, Error>
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: Service,
{
    // Only this task uses it.
    let answered = AtomicU32::new(0);
    let service = service_fn(|request| {
        let before = answered.load(Ordering::Relaxed);
        answered.store(before + 1, Ordering::Relaxed);
        let is_over = before >= TURN;
        let (own, fault) = (Arc::clone(own), own.refusal.fault());
        async move {
            if is_over {
                yield_now().await;
            }
            respond(own, fault, request).await
        }
    });
    let mut http1 = own.server.http1.clone();
    http1.auto_date_header(has_http_date(SystemTime::now()));
    let mut connection = http1.serve_connection(TokioIo::new(stream), service);
    let mut draining = false;
    let has_ended = poll_fn(|context| {
        answered.store(0, Ordering::Relaxed);
        if own.activity.order() >= Order::Drain && !draining {
            draining = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        match Pin::new(&mut connection).poll(context) {
            Poll::Pending if own.activity.can_rest() => Poll::Ready(Ok(false)),
            polled => polled.map_ok(|()| true),
        }
    });
    if has_ended.await? {
        return Ok(None);
    }
    // Nothing is left to be sent: the service has answered, and the client has received the response.
    let parts = connection.into_parts();
    let mut stream = parts.io.into_inner();
    stream.read_again(&parts.read_buf);
    Ok(Some(stream))
}

/// Serves HTTP/2 until the connection ends.
async fn serve_http2<T, S>(stream: Collected<T>, own: Arc<Own<S>>) -> Result<(), Error>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service,
{
    let (activity, mut http2) = (Arc::clone(&own.activity), own.server.http2.clone());
    http2.auto_date_header(has_http_date(SystemTime::now()));
    let service = service_fn(move |request| respond(Arc::clone(&own), None, request));
    let mut connection = pin!(http2.serve_connection(TokioIo::new(stream), service));
    let mut draining = false;
    poll_fn(|context| {
        if activity.order() >= Order::Drain && !draining {
            draining = true;
            connection.as_mut().graceful_shutdown();
        }
        connection.as_mut().poll(context)
    })
    .await
    .map_err(Error::from)
}

/// Whether the header `Date` can state this time. Hyper's formatter panics before 1970 and after the year 9999.
fn has_http_date(time: SystemTime) -> bool {
    const YEAR_10000: Duration = Duration::from_secs(253_402_300_800);
    time.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|since| since < YEAR_10000)
}

/// What the requests of a connection share.
struct Own<S> {
    peer: SocketAddr,
    activity: Arc<Activity>,
    server: Arc<Shared<S>>,
    refusal: Refusal,
    /// How many responses may be late at a time. A proxy may send the requests of many clients over one HTTP/2 connection,
    /// and late responses must not take all of its streams.
    late: Semaphore,
}

/// Answers a request, and logs one line without its path and query, which may contain a credential.
///
/// A `fault` means that this request takes the place of one that was refused.
async fn respond<S: Service>(
    own: Arc<Own<S>>,
    fault: Option<Fault>,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let answering = own.activity.answering();
    let begun = tracing::enabled!(tracing::Level::DEBUG).then(|| (Instant::now(), logged::method(request.method())));
    let has_credential = request.headers().contains_key(AUTHORIZATION);
    if has_credential {
        // No other request can change anything, and the first extension of a request allocates.
        request.extensions_mut().insert(PeerAddress::from(own.peer.ip()));
    }
    // Over HTTP/2, nothing else looks at the size of the target.
    let is_long = target_size(request.uri()) > own.server.connections.limits().max_target_size;
    let response = match fault.or(is_long.then_some(Fault::TargetTooLong)) {
        Some(fault) => own.server.service.reject(&fault.rejection(), request),
        None => own.server.service.handle(request).await,
    };
    if response.status().is_success() {
        answering.succeeded();
    } else if has_credential
        && response.status() == StatusCode::UNAUTHORIZED
        && let Ok(_late) = own.late.try_acquire()
        && own.server.failures.hold_back(own.activity.client).await
    {
        own.server.connections.count_delay();
    }
    if let Some((begun, method)) = begun {
        tracing::debug!(
            method,
            status = response.status().as_u16(),
            reason = response.body().authentication().rejection().map(AuthenticationError::reason),
            peer = %own.peer,
            span_id = response.headers().get("x-span-id").and_then(|id| id.to_str().ok()).map(logged_span_id),
            microseconds = begun.elapsed().as_micros(),
            "answered",
        );
    }
    Ok(response.map(|body| until_sent(body, answering)))
}

/// The body, which counts as being answered until it has ended. Hyper takes a whole body at once.
fn until_sent(mut body: Body, answering: Answering) -> Body {
    if body.size_hint().exact().is_some() {
        return body;
    }
    let bytes = futures::stream::poll_fn(move |context| {
        let _answering = &answering;
        Pin::new(&mut body).poll_frame(context).map_ok(|frame| frame.into_data().unwrap_or_default())
    });
    // The head of the response has the media type already.
    Payload::stream(HeaderValue::from_static(""), bytes).into()
}

/// The size of a request's target, without the scheme and the authority of its absolute form.
fn target_size(target: &Uri) -> usize {
    target.path_and_query().map_or(0, |target| target.as_str().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_have_a_date_from_1970_to_the_year_9999() {
        let last = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
        let second = Duration::from_secs(1);
        let times = [SystemTime::UNIX_EPOCH - second, SystemTime::UNIX_EPOCH, SystemTime::now(), last, last + second];
        assert_eq!(times.map(has_http_date), [false, true, true, true, false]);
    }
}
