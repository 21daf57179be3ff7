//! The options of a service.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, Response};

use super::{Body, Inner, Prefix, Rejection, Service};
use crate::BASE_PATH;
use crate::security::Authenticator;

/// A [`Service`] with options, made by [`Service::builder`].
#[must_use]
pub struct Builder<T, A> {
    service: Inner<T, A>,
}

impl<T, A: Authenticator> Builder<T, A> {
    pub(super) fn new(service: Inner<T, A>) -> Self {
        Self { service }
    }

    /// Headers that every response carries, unless the implementation gives it one of that name.
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.service.guard = self.service.guard.headers(headers);
        self
    }

    /// A path that precedes those of all operations. What is not below it is unknown.
    pub fn prefix(mut self, prefix: Prefix) -> Self {
        self.service.base = format!("{}{BASE_PATH}", prefix.as_str()).into();
        self
    }

    /// How rejections are answered; see [`Guard::rejections`](super::Guard::rejections). A response that an operation
    /// declares is none.
    pub fn rejections<F>(mut self, render: F) -> Self
    where
        F: Fn(&Rejection, Response<Body>) -> Response<Body> + Send + Sync + 'static,
    {
        self.service.guard = self.service.guard.rejections(render);
        self
    }

    /// The service.
    pub fn build(self) -> Service<T, A> {
        Service { inner: Arc::new(self.service) }
    }
}

impl<T, A> fmt::Debug for Builder<T, A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Builder").finish_non_exhaustive()
    }
}
