//! The options of a service.

use std::fmt;
use std::marker::PhantomData;

use http::{HeaderMap, Response};

use super::router::Router;
use super::service::Inner;
use super::{Document, Guard, Prefix, Rejection, Service};
use crate::security::Authenticator;
use crate::{Body, Context};

/// The options of a [`Service`], made by [`Service::builder`].
#[must_use]
pub struct Builder<D, T, A> {
    api: T,
    guard: Guard<A>,
    prefix: Option<Prefix>,
    document: PhantomData<fn() -> D>,
}

impl<D, T, A> Builder<D, T, A>
where
    D: Document<T, Context<A::Principal>>,
    T: Send + Sync + 'static,
    A: Authenticator,
{
    pub(super) fn new(api: T, guard: Guard<A>) -> Self {
        Self { api, guard, prefix: None, document: PhantomData }
    }

    /// Headers that every response carries, unless the implementation adds one of that name itself.
    pub fn headers(self, headers: HeaderMap) -> Self {
        Self { guard: self.guard.headers(headers), ..self }
    }

    /// A path that precedes those of all operations. Any path that is not below it is unknown.
    pub fn prefix(self, prefix: Prefix) -> Self {
        Self { prefix: Some(prefix), ..self }
    }

    /// How rejections are answered; see [`Guard::rejections`]. Declared responses are not rejections.
    pub fn rejections<F>(self, render: F) -> Self
    where
        F: Fn(&Rejection, Response<Body>) -> Response<Body> + Send + Sync + 'static,
    {
        Self { guard: self.guard.rejections(render), ..self }
    }

    /// The service.
    pub fn build(self) -> Service<D, T, A> {
        let prefix = self.prefix.as_ref().map_or("", Prefix::as_str);
        Service::from_inner(Inner {
            base: format!("{prefix}{}", D::BASE_PATH).into(),
            router: Router::new(D::OPERATIONS),
            api: self.api,
            guard: self.guard,
        })
    }
}

impl<D, T, A> fmt::Debug for Builder<D, T, A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Builder").finish_non_exhaustive()
    }
}
