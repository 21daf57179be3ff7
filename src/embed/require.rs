//! A layer that admits only requests with a token.

use std::borrow::Cow;
use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::Either;
use influxdb3_token_api::SECURITY_SCHEMES;
use influxdb3_token_api::security::{AuthenticationOutcome, Authenticator, SecurityRequirement};
use influxdb3_token_api::server::{Body, Guard, REALM, Rejection, query_parameter};
use tower_layer::Layer;
use tower_service::Service;

use super::headers;
use crate::{Action, Catalog, CatalogApi, Principal, Resource};

/// A `tower` layer for the routes of a larger server. It admits a request that carries a valid token with the required
/// permission, and rejects any other request as the API does.
///
/// The inner service finds the [`Principal`] in the request's extensions. The layer checks a request once, before the
/// inner service runs: if the token is deleted meanwhile, the request continues and the next one is rejected. A handler
/// that outlives a request can wait for [`Catalog::until_deleted`].
///
/// By default it admits any live token, under any security scheme of the document. If a request carries several live
/// tokens, the first counts, in the order of the alternatives ([`security`](RequireToken::security)).
#[derive(Clone)]
pub struct RequireToken<A = CatalogApi> {
    guard: Guard<A>,
    security: &'static [SecurityRequirement],
    required: Required,
}

/// Any scheme of the document.
const ANY_SCHEME: &[SecurityRequirement] = &SecurityRequirement::each::<{ SECURITY_SCHEMES.len() }>(SECURITY_SCHEMES);

#[derive(Clone)]
enum Required {
    Token,
    Admin,
    Database(Action, Name),
    Accepted(Arc<Accept>),
}

type Accept = dyn Fn(&Parts, &Principal) -> Result<(), Rejection> + Send + Sync;

#[derive(Clone)]
enum Name {
    Fixed(Arc<str>),
    Of(Arc<NameOf>),
}

type NameOf = dyn Fn(&Parts) -> Result<Cow<'_, str>, Rejection> + Send + Sync;

impl RequireToken {
    /// Requires a token of this catalog. For a layer with your own authenticator, use
    /// [`TokenApi::require_token`](crate::TokenApi::require_token).
    pub fn new(catalog: &Catalog) -> Self {
        Self::with_guard(Guard::new(CatalogApi::new(catalog.clone()), &REALM).headers(headers(catalog)))
    }
}

impl<A: Authenticator<Principal = Principal>> RequireToken<A> {
    pub(super) fn with_guard(guard: Guard<A>) -> Self {
        Self { guard, security: ANY_SCHEME, required: Required::Token }
    }

    /// Requires one of these alternatives, as the operations of a document do. The default is one alternative for each
    /// scheme of the document ([`SECURITY_SCHEMES`]).
    pub fn security(self, alternatives: &'static [SecurityRequirement]) -> Self {
        Self { security: alternatives, ..self }
    }

    /// Requires an admin token.
    pub fn admin(self) -> Self {
        Self { required: Required::Admin, ..self }
    }

    /// Requires a token that may perform `action` on the database with this name.
    pub fn database(self, action: Action, name: &str) -> Self {
        Self { required: Required::Database(action, Name::Fixed(name.into())), ..self }
    }

    /// Requires a token that may perform `action` on the database that a query parameter names. If the parameter is
    /// missing, repeated, or not percent-encoded UTF-8, the response is 400.
    pub fn database_in_query(self, action: Action, parameter: &'static str) -> Self {
        self.database_of(action, move |parts| query_parameter(parts, parameter))
    }

    /// Requires a token that may perform `action` on the database that `name` reads from the request. If `name` returns
    /// a rejection, that is the response.
    pub fn database_of<F>(self, action: Action, name: F) -> Self
    where
        F: Fn(&Parts) -> Result<Cow<'_, str>, Rejection> + Send + Sync + 'static,
    {
        Self { required: Required::Database(action, Name::Of(Arc::new(name))), ..self }
    }

    /// Requires a token that `accept` accepts. If `accept` returns a rejection, that is the response.
    pub fn accepted_by<F>(self, accept: F) -> Self
    where
        F: Fn(&Parts, &Principal) -> Result<(), Rejection> + Send + Sync + 'static,
    {
        Self { required: Required::Accepted(Arc::new(accept)), ..self }
    }

    /// Renders rejections. `render` gets each rejection and the default response, and returns the response to send.
    /// `cluster-uuid` and `x-span-id` are added afterwards.
    pub fn rejections<F>(self, render: F) -> Self
    where
        F: Fn(&Rejection, Response<Body>) -> Response<Body> + Send + Sync + 'static,
    {
        Self { guard: self.guard.rejections(render), ..self }
    }

    /// Checks in the order of the API: credentials, parameters, permission. Says how the credentials fared, unless the
    /// rejection does.
    async fn check(&self, parts: &Parts, authentication: &mut AuthenticationOutcome) -> Result<Principal, Rejection> {
        let principal = self.guard.check(self.security, parts).await?;
        *authentication = AuthenticationOutcome::Accepted;
        let (is_enough, otherwise) = match &self.required {
            Required::Token => (true, ""),
            Required::Admin => (principal.is_admin(), "only an admin token may do this"),
            Required::Accepted(accept) => {
                accept(parts, &principal)?;
                (true, "")
            }
            Required::Database(action, name) => {
                let name = name.of(parts)?;
                let may = principal.permissions().allows(Resource::Database, &name, *action);
                (
                    may,
                    match action {
                        Action::Read => "the token may not read from this database",
                        Action::Write => "the token may not write to this database",
                    },
                )
            }
        };
        if is_enough {
            return Ok(principal);
        }
        let (security, message) = (self.security, Cow::Borrowed(otherwise));
        Err(Rejection::InsufficientScope { security, forbidden: false, message })
    }
}

impl Name {
    fn of<'r>(&'r self, parts: &'r Parts) -> Result<Cow<'r, str>, Rejection> {
        match self {
            Self::Fixed(name) => Ok(Cow::Borrowed(name)),
            Self::Of(name) => name(parts),
        }
    }
}

impl<A> fmt::Debug for RequireToken<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequireToken").field("security", &self.security).finish_non_exhaustive()
    }
}

impl<S, A: Clone> Layer<S> for RequireToken<A> {
    type Service = Guarded<S, A>;

    fn layer(&self, inner: S) -> Guarded<S, A> {
        Guarded { inner, require: Arc::new(self.clone()) }
    }
}

/// The service that [`RequireToken`] wraps around another.
///
/// The body of a response is `Left` for a rejection and `Right` for a response of the inner service.
pub struct Guarded<S, A = CatalogApi> {
    inner: S,
    require: Arc<RequireToken<A>>,
}

impl<S: Clone, A> Clone for Guarded<S, A> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), require: Arc::clone(&self.require) }
    }
}

impl<S: fmt::Debug, A> fmt::Debug for Guarded<S, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("inner", &self.inner).field("require", &self.require).finish()
    }
}

impl<S, A, B, R> Service<Request<B>> for Guarded<S, A>
where
    S: Service<Request<B>, Response = Response<R>, Future: Send> + Clone + Send + 'static,
    A: Authenticator<Principal = Principal>,
    B: Send + 'static,
{
    type Response = Response<Either<Body, R>>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // Call the service that was polled ready, and leave its clone behind.
        let clone = self.inner.clone();
        let mut inner = mem::replace(&mut self.inner, clone);
        let require = Arc::clone(&self.require);
        // Before the future, which would have room for the request as well.
        let (mut parts, body) = request.into_parts();
        Box::pin(async move {
            let mut authentication = AuthenticationOutcome::Unchecked;
            match require.check(&parts, &mut authentication).await {
                Ok(principal) => {
                    parts.extensions.insert(principal);
                    let response = inner.call(Request::from_parts(parts, body)).await?;
                    Ok(response.map(Either::Right))
                }
                Err(rejection) => {
                    let mut response = require.guard.reject(&rejection, &parts);
                    response.body_mut().set_authentication(rejection.authentication().or(authentication));
                    Ok(response.map(Either::Left))
                }
            }
        })
    }
}
