//! The service over an implementation of a generated trait.

use std::borrow::Borrow;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::WWW_AUTHENTICATE;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use swagger::{Has, XSpanIdString};

use super::builder::Builder;
use super::guard::Guard;
use super::host;
use super::rejection::Rejection;
use super::request::Request;
use super::router::Router;
use super::{Parameters, Realm, RequestBody, logged_span_id, span};
use crate::error::with_sources;
use crate::security::{AuthenticationError, AuthenticationOutcome, Authenticator, PeerAddress};
use crate::{ApiError, Body, Context, IdempotencyKey, Operation};

/// What the service needs to know of a document. Generated code implements it, for implementations `T` of its trait.
pub trait Document<T, C>: Send + Sync + 'static {
    /// The operations.
    const OPERATIONS: &'static [Operation];

    /// The path that precedes the path of each operation, from the document's first server.
    const BASE_PATH: &'static str;

    /// The realm that challenges name.
    const REALM: &'static Realm;

    /// Calls the operation of a request: reads the parameters and the body, calls the method of the trait, and turns its
    /// result into a response.
    fn call<B: RequestBody>(
        api: &T,
        request: &mut Request<'_, B>,
        context: &C,
    ) -> impl Future<Output = Result<Response<Body>, Failure>> + Send;
}

/// Why a call yields no declared response.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// The request is rejected.
    Rejected(Rejection),
    /// The implementation failed.
    Failed(ApiError),
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

/// The service over an implementation of a generated trait: a `tower` service and a `hyper` service.
///
/// It is cheap to clone, takes no lock, and never fails: an error becomes a response. A panic below it is answered with
/// 500. `D` is the generated [`Document`], `T` implements the generated trait, and `A` authenticates.
pub struct Service<D, T, A> {
    inner: Arc<Inner<T, A>>,
    document: PhantomData<fn() -> D>,
}

pub(super) struct Inner<T, A> {
    pub(super) api: T,
    pub(super) guard: Guard<A>,
    pub(super) router: Router,
    /// The path that precedes the paths of operations: the prefix, if any, and the document's base path.
    pub(super) base: Box<str>,
}

impl<D, T, A: Authenticator> Service<D, T, A>
where
    D: Document<T, Context<A::Principal>>,
    T: Send + Sync + 'static,
{
    /// A service that asks `authenticator` for the principal of a request, and then calls `api`.
    pub fn new(api: T, authenticator: A) -> Self {
        Self::builder(api, authenticator).build()
    }

    /// The options of such a service.
    pub fn builder(api: T, authenticator: A) -> Builder<D, T, A> {
        Builder::new(api, Guard::new(authenticator, D::REALM))
    }

    pub(super) fn from_inner(inner: Inner<T, A>) -> Self {
        Self { inner: Arc::new(inner), document: PhantomData }
    }

    /// The guard that admits requests to the operations, to clone for other routes.
    pub fn guard(&self) -> &Guard<A> {
        &self.inner.guard
    }

    /// The operation that a request asks for; `None` if the document has none with its method and path.
    pub fn operation(&self, method: &Method, path: &str) -> Option<&'static Operation> {
        let index = self.inner.router.find(method, path.strip_prefix(&*self.inner.base)?).ok()?;
        Some(&D::OPERATIONS[index])
    }

    /// Answers one request. This is the service without the box around its future that `tower` and `hyper` need.
    pub fn handle<B>(&self, request: http::Request<B>) -> impl Future<Output = Response<Body>> + Send
    where
        B: RequestBody,
    {
        Self::respond(self, request)
    }

    /// Answers one request. `service` is a reference, or the service itself for a future that borrows nothing.
    fn respond<S, B>(
        service: S,
        request: http::Request<B>,
    ) -> impl Future<Output = Response<Body>> + Send + use<S, D, T, A, B>
    where
        S: Borrow<Self> + Send,
        B: RequestBody,
    {
        // Taken apart here, so that the future does not hold the request both whole and in parts.
        let (parts, body) = request.into_parts();
        let span_id = span::accept_or_make(&parts.headers);
        async move {
            let service = service.borrow();
            let mut authentication = AuthenticationOutcome::Unchecked;
            let answer = service.answer(&parts, body, &span_id, &mut authentication);
            let answer = AssertUnwindSafe(answer).catch_unwind().await;
            let guard = &service.inner.guard;
            let mut response = match answer {
                Ok(Ok(response)) => response,
                Ok(Err(rejection)) => {
                    authentication = rejection.authentication().or(authentication);
                    guard.render(&rejection)
                }
                Err(_) => {
                    tracing::error!(span_id = logged_span_id(span::as_str(&span_id)), "a call panicked");
                    guard.render(&Rejection::Internal)
                }
            };
            guard.finish(&mut response, span_id, &parts.method);
            response.body_mut().set_authentication(authentication);
            response
        }
    }

    /// Answers a request, and says how its credentials fared, unless the rejection does.
    async fn answer<B>(
        &self,
        parts: &Parts,
        body: B,
        span_id: &HeaderValue,
        authentication: &mut AuthenticationOutcome,
    ) -> Result<Response<Body>, Rejection>
    where
        B: RequestBody,
    {
        let Inner { api, guard, router, base } = &*self.inner;
        host::check(parts)?;
        let path = parts.uri.path().strip_prefix(&**base).ok_or(Rejection::UnknownPath)?;
        let index = router.find(&parts.method, path)?;
        let operation = &D::OPERATIONS[index];
        let principal = guard.admit(operation.security, Some(operation), parts).await?;
        if principal.is_some() {
            *authentication = AuthenticationOutcome::Accepted;
        }
        let peer = parts.extensions.get::<PeerAddress>().copied().unwrap_or_default();
        let context = Context::new(XSpanIdString(span::as_str(span_id).to_owned()), principal)
            .with_peer(peer)
            .with_idempotency_key(IdempotencyKey::of(&parts.headers));
        let parameters = Parameters { operation, parts, path };
        // Passed by reference, so that the futures below stay small: each of them would hold it.
        let mut request = Request { parameters: &parameters, body: Some(body) };
        match D::call(api, &mut request, &context).await {
            Ok(mut response) => {
                // The implementation is called only after credentials were accepted, unless none are required. If it
                // answers 401 all the same, they do not permit the call (RFC 6750, section 3.1).
                if response.status() == StatusCode::UNAUTHORIZED && !response.headers().contains_key(WWW_AUTHENTICATE) {
                    let anonymous = Has::<Option<A::Principal>>::get(&context).is_none();
                    let (challenges, reason) = if anonymous {
                        (&D::REALM.missing, AuthenticationError::Missing)
                    } else {
                        (&D::REALM.insufficient, AuthenticationError::InsufficientScope)
                    };
                    challenges.append_to(&mut response, operation.security);
                    *authentication = AuthenticationOutcome::Rejected(reason);
                }
                Ok(response)
            }
            Err(Failure::Rejected(rejection)) => Err(rejection),
            Err(Failure::Failed(error)) => Err(failed(operation, &error, span_id)),
        }
    }
}

/// Logs why the implementation failed. The client learns only whether a retry makes sense.
fn failed(operation: &Operation, error: &ApiError, span_id: &HeaderValue) -> Rejection {
    let security = operation.security;
    let (operation, reason, span_id) = (operation.id, with_sources(error), logged_span_id(span::as_str(span_id)));
    match error {
        // The principal was deleted after its credentials had been accepted.
        ApiError::Unauthenticated => Rejection::Unauthenticated { security, reason: AuthenticationError::Deleted },
        ApiError::Unavailable { .. } => {
            tracing::warn!(operation, reason, span_id, "the implementation is unavailable");
            Rejection::Unavailable
        }
        ApiError::NotImplemented { .. } => {
            tracing::warn!(operation, reason, span_id, "the implementation lacks the operation");
            Rejection::NotImplemented
        }
        _ => {
            tracing::error!(operation, reason, span_id, "the implementation failed");
            Rejection::Internal
        }
    }
}

impl<D, T, A> Clone for Service<D, T, A> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), document: PhantomData }
    }
}

impl<D, T, A> fmt::Debug for Service<D, T, A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Service").finish_non_exhaustive()
    }
}

impl<D, T, A, B> hyper::service::Service<http::Request<B>> for Service<D, T, A>
where
    D: Document<T, Context<A::Principal>>,
    T: Send + Sync + 'static,
    A: Authenticator,
    B: RequestBody,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn call(&self, request: http::Request<B>) -> Self::Future {
        Box::pin(Self::respond(self.clone(), request).map(Ok))
    }
}

impl<D, T, A, B> tower_service::Service<http::Request<B>> for Service<D, T, A>
where
    D: Document<T, Context<A::Principal>>,
    T: Send + Sync + 'static,
    A: Authenticator,
    B: RequestBody,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        hyper::service::Service::call(self, request)
    }
}

#[cfg(test)]
mod tests;
