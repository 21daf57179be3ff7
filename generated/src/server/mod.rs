//! The HTTP service: it turns requests into calls of an [`Api`], and what that returns into responses.
//!
//! A request is checked in this order: path, method, credentials, parameters; then the implementation is called.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::Full;
use swagger::XSpanIdString;

use crate::security::Authenticator;
use crate::{Api, Context, Operation};

mod credentials;
mod handlers;
mod parameters;
mod response;
mod route;
mod span;

use response::Rejection;
use route::Route;

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
    authenticator: A,
    headers: HeaderMap,
}

impl<T, A: Authenticator> Service<T, A>
where
    T: Api<Context<A::Principal>> + Send + Sync + 'static,
{
    /// A service that asks `authenticator` who a request acts as, and then calls `api`.
    pub fn new(api: T, authenticator: A) -> Self {
        Self::with_headers(api, authenticator, HeaderMap::new())
    }

    /// The same, with headers that every response carries, unless the implementation gives it one of that name.
    pub fn with_headers(api: T, authenticator: A, headers: HeaderMap) -> Self {
        Self { inner: Arc::new(Inner { api, authenticator, headers }) }
    }

    /// Answers one request. This is the service without the box around its future that `tower` and `hyper` need.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: RequestBody,
    {
        let (parts, body) = request.into_parts();
        let span_id = span::accept_or_make(&parts.headers);
        let answer = AssertUnwindSafe(self.answer(&parts, body, &span_id)).catch_unwind().await;
        let mut response = match answer {
            Ok(Ok(response)) => response,
            Ok(Err(rejection)) => rejection.into_response(),
            Err(_) => {
                tracing::error!(span_id = span::as_str(&span_id), "a panic below the service");
                Rejection::Internal.into_response()
            }
        };
        for name in self.inner.headers.keys() {
            // What the implementation says of this response goes before what is said of all.
            if !response.headers().contains_key(name) {
                for value in self.inner.headers.get_all(name) {
                    response.headers_mut().append(name, value.clone());
                }
            }
        }
        response.headers_mut().insert(X_SPAN_ID, span_id);
        if parts.method == Method::HEAD { response::without_body(response) } else { response }
    }

    async fn answer<B>(&self, parts: &Parts, body: B, span_id: &HeaderValue) -> Result<Response<Body>, Rejection>
    where
        B: RequestBody,
    {
        let route = route::find(&parts.method, parts.uri.path())?;
        let Operation { security, credentials_optional, .. } = *route.operation();
        let principal = match credentials::find(security, credentials_optional, parts)? {
            Some(credential) => {
                let authenticated = self.inner.authenticator.authenticate(credential).await;
                Some(authenticated.map_err(|error| Rejection::unauthenticated(error, security))?)
            }
            None => None,
        };
        let context = Context::new(XSpanIdString(span::as_str(span_id).to_owned()), principal);
        let api = &self.inner.api;
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
