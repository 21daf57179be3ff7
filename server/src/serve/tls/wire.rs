//! The bytes of a TLS connection, and its handshake.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::serve::activity::{Activity, Order};
use crate::serve::pass_on::pass_on_writes;
use crate::serve::watched::Sent;

/// What a client begins a connection with.
pub(in crate::serve) enum Opened<S> {
    /// TLS, whose handshake is done.
    Tls(Box<TlsStream<Wire<S>>>),
    /// HTTP without TLS.
    Http(Wire<S>),
    /// Nothing, until it closed the connection or the server stopped.
    Nothing,
}

/// Reads what a client begins with, and does the handshake of TLS. `buffer` is how many bytes of responses rustls may
/// keep.
pub(in crate::serve) async fn open<S>(
    stream: S,
    activity: &Arc<Activity>,
    config: Arc<ServerConfig>,
    buffer: usize,
) -> io::Result<Opened<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    activity.begin_handshake();
    let opening = async {
        let mut stream = Sent::new(stream, Arc::clone(activity));
        let first = match stream.read_u8().await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Opened::Nothing),
            first => first?,
        };
        let wire = Wire { stream, first: Some(first), activity: Arc::clone(activity) };
        // A record of TLS begins with a number below 32, and a method of HTTP with a capital letter.
        if first.is_ascii_uppercase() {
            return Ok(Opened::Http(wire));
        }
        let accept = TlsAcceptor::from(config).accept_with(wire, |session| session.set_buffer_limit(Some(buffer)));
        Ok(Opened::Tls(Box::new(accept.await?)))
    };
    let mut opening = pin!(opening);
    let opened = poll_fn(|context| match activity.order() {
        Order::Continue => opening.as_mut().poll(context),
        Order::Drain | Order::Close => Poll::Ready(Ok(Opened::Nothing)),
    });
    let opened = opened.await;
    activity.end_handshake(matches!(opened, Ok(Opened::Tls(_))));
    opened
}

/// The encrypted bytes of a connection, counted for its [`Activity`].
#[derive(Debug)]
pub(in crate::serve) struct Wire<S> {
    stream: Sent<S>,
    /// The first byte, which is read again.
    first: Option<u8>,
    activity: Arc<Activity>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() > 0
            && let Some(first) = self.first.take()
        {
            buffer.put_slice(&[first]);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.activity.received_encrypted(buffer.filled().len() - before);
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    pass_on_writes!();

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
