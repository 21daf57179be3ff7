//! The HTTP service: it turns requests into calls of an [`Api`], and what that returns into responses.
//!
//! A request is checked in this order: path, method, credentials, parameters; then the implementation is called.
//!
//! | type | what it is |
//! |---|---|
//! | [`Service`], [`Builder`], [`Prefix`] | the document's operations, and where and how they are served |
//! | [`Guard`] | authentication as the service does it, for other routes |
//! | [`Rejection`] | why a request is refused |

use std::borrow::Cow;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::Full;
use swagger::XSpanIdString;

use crate::security::Authenticator;
use crate::{Api, BASE_PATH, Context, Operation};

mod builder;
mod credentials;
mod guard;
mod handlers;
mod parameters;
mod prefix;
mod rejection;
mod response;
mod route;
mod span;

use route::Route;

pub use builder::Builder;
pub use guard::Guard;
pub use parameters::query_parameter;
pub use prefix::{InvalidPrefix, Prefix};
pub use rejection::Rejection;

/// The body of a response.
pub type Body = Full<Bytes>;

fn full(bytes: Bytes) -> Body {
    Full::new(bytes)
}

type BoxError = Box<dyn Error + Send + Sync>;

/// The body of a request: any whose data can be sent and whose errors can be told.
pub trait RequestBody: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static {}

impl<B> RequestBody for B where B: http_body::Body<Data: Send, Error: Into<BoxError>> + Send + 'static {}

const X_SPAN_ID: HeaderName = HeaderName::from_static("x-span-id");

/// The service over an implementation of [`Api`]: a `tower` service and a `hyper` service.
///
/// It is cheap to clone, takes no lock, and never fails: what goes wrong is a response. A panic below it is answered
/// with 500.
pub struct Service<T, A> {
    inner: Arc<Inner<T, A>>,
}

struct Inner<T, A> {
    api: T,
    guard: Guard<A>,
    /// What precedes the paths of operations: the prefix, if there is one, and [`BASE_PATH`].
    base: Cow<'static, str>,
}

impl<T, A: Authenticator> Service<T, A>
where
    T: Api<Context<A::Principal>> + Send + Sync + 'static,
{
    /// A service that asks `authenticator` who a request acts as, and then calls `api`.
    pub fn new(api: T, authenticator: A) -> Self {
        Self::builder(api, authenticator).build()
    }

    /// The same, with options.
    pub fn builder(api: T, authenticator: A) -> Builder<T, A> {
        Builder::new(Inner { api, guard: Guard::new(authenticator), base: Cow::Borrowed(BASE_PATH) })
    }

    /// What admits requests to the operations, to clone for other routes.
    pub fn guard(&self) -> &Guard<A> {
        &self.inner.guard
    }

    /// Answers one request. This is the service without the box around its future that `tower` and `hyper` need.
    pub fn handle<B>(&self, request: Request<B>) -> impl Future<Output = Response<Body>> + Send
    where
        B: RequestBody,
    {
        // Taken apart here, so that the future, which is moved about, does not keep it whole and in parts.
        let (parts, body) = request.into_parts();
        let span_id = span::accept_or_make(&parts.headers);
        async move {
            let answer = AssertUnwindSafe(self.answer(&parts, body, &span_id)).catch_unwind().await;
            let guard = &self.inner.guard;
            let mut response = match answer {
                Ok(Ok(response)) => response,
                Ok(Err(rejection)) => guard.render(&rejection),
                Err(_) => {
                    tracing::error!(span_id = span::as_str(&span_id), "a panic below the service");
                    guard.render(&Rejection::Internal)
                }
            };
            guard.finish(&mut response, span_id, &parts.method);
            response
        }
    }

    async fn answer<B>(&self, parts: &Parts, body: B, span_id: &HeaderValue) -> Result<Response<Body>, Rejection>
    where
        B: RequestBody,
    {
        let Inner { api, guard, base } = &*self.inner;
        let path = parts.uri.path().strip_prefix(&**base).ok_or(Rejection::UnknownPath)?;
        let route = route::find(&parts.method, path)?;
        let Operation { security, credentials_optional, .. } = *route.operation();
        let principal = guard.admit(security, credentials_optional, parts).await?;
        let context = Context::new(XSpanIdString(span::as_str(span_id).to_owned()), principal);
        match route {
            Route::DeleteToken => {
                drop(body);
                handlers::delete_token(api, parts, &context).await
            }
        }
    }
}

impl<T, A> Clone for Service<T, A> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<T, A> fmt::Debug for Service<T, A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Service").finish_non_exhaustive()
    }
}

impl<T, A, B> hyper::service::Service<Request<B>> for Service<T, A>
where
    T: Api<Context<A::Principal>> + Send + Sync + 'static,
    A: Authenticator,
    B: RequestBody,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn call(&self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.handle(request).await) })
    }
}

impl<T, A, B> tower_service::Service<Request<B>> for Service<T, A>
where
    T: Api<Context<A::Principal>> + Send + Sync + 'static,
    A: Authenticator,
    B: RequestBody,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        hyper::service::Service::call(self, request)
    }
}
