//! The body of a message that is sent.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::Stream;
use http_body::{Frame, SizeHint};

use crate::security::AuthenticationOutcome;
use crate::{BoxError, ByteStream, Payload};

/// The body of a response that the service sends, or of a request that the client sends.
pub struct Body {
    kind: Kind,
    authentication: AuthenticationOutcome,
}

enum Kind {
    /// `None` once it is sent.
    Whole(Option<Bytes>),
    Stream(ByteStream),
}

impl Body {
    /// A body without content.
    pub const fn empty() -> Self {
        Self::new(Kind::Whole(None))
    }

    const fn new(kind: Kind) -> Self {
        Self { kind, authentication: AuthenticationOutcome::Unchecked }
    }

    /// How the credentials of the request fared whose response this is: for the server's log and metrics. It is not sent.
    pub const fn authentication(&self) -> AuthenticationOutcome {
        self.authentication
    }

    /// Sets how the credentials of the request fared.
    pub const fn set_authentication(&mut self, outcome: AuthenticationOutcome) {
        self.authentication = outcome;
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::empty()
    }
}

impl<B: Into<Bytes>> From<B> for Body {
    fn from(bytes: B) -> Self {
        let bytes = bytes.into();
        Self::new(Kind::Whole((!bytes.is_empty()).then_some(bytes)))
    }
}

impl From<Payload> for Body {
    fn from(payload: Payload) -> Self {
        Self::new(Kind::Stream(payload.into_stream()))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.kind {
            Kind::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Stream(stream) => Pin::new(stream).poll_next(context).map_ok(Frame::data),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.kind, Kind::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Kind::Stream(_) => SizeHint::default(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Body").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use http::HeaderValue;
    use http_body::Body as _;
    use http_body_util::BodyExt;

    use super::*;

    #[test]
    fn a_body_of_bytes_knows_its_length_and_a_stream_does_not() {
        let streamed = || Payload::new(HeaderValue::from_static("text/plain"), "abc");
        for (body, length, content) in [
            (Body::empty(), Some(0), ""),
            (Body::from(""), Some(0), ""),
            (Body::from("abc"), Some(3), "abc"),
            (Body::from(streamed()), None, "abc"),
        ] {
            assert_eq!(body.size_hint().exact(), length);
            assert_eq!(body.is_end_stream(), length == Some(0));
            assert_eq!(block_on(body.collect()).expect("the body is complete").to_bytes(), content);
        }
    }
}
