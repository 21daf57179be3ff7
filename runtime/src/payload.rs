//! Bodies of any length.

use std::fmt;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt, TryStreamExt};
use http::HeaderValue;

use crate::BoxError;

/// The bytes of a [`Payload`] as they arrive.
pub type ByteStream = BoxStream<'static, Result<Bytes, BoxError>>;

/// A body of any length that is passed on as it arrives, and its media type.
pub struct Payload {
    content_type: HeaderValue,
    bytes: ByteStream,
}

impl Payload {
    /// A payload of these bytes.
    pub fn new(content_type: HeaderValue, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self::stream(content_type, stream::iter((!bytes.is_empty()).then_some(Ok::<_, BoxError>(bytes))))
    }

    /// A payload of the bytes of a stream. An error breaks the message off, so that its receiver sees that it is
    /// incomplete.
    pub fn stream<S, E>(content_type: HeaderValue, bytes: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        Self { content_type, bytes: bytes.map_err(Into::into).boxed() }
    }

    /// The media type with its parameters, such as the boundary of `multipart/form-data`: the value of `Content-Type`.
    pub fn content_type(&self) -> &HeaderValue {
        &self.content_type
    }

    /// The bytes as they arrive.
    pub fn into_stream(self) -> ByteStream {
        self.bytes
    }

    /// All bytes at once.
    ///
    /// # Errors
    ///
    /// If there are more than `limit` bytes, or if they break off.
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, BoxError> {
        let mut collected = BytesMut::new();
        while let Some(bytes) = self.bytes.try_next().await? {
            if collected.len() + bytes.len() > limit {
                return Err(format!("more than {limit} bytes").into());
            }
            collected.extend_from_slice(&bytes);
        }
        Ok(collected.freeze())
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Payload").field("content_type", &self.content_type).finish_non_exhaustive()
    }
}
