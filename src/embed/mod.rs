//! The API as a service to embed in a larger server, and a layer for the other routes of that server.

mod builder;
mod require;

use std::convert::Infallible;
use std::fmt;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use influxdb3_token_api::Operation;
use influxdb3_token_api::security::Authenticator;
use influxdb3_token_api::server::{Body, Rejection, RequestBody, Service};

use crate::{Catalog, CatalogApi, Principal};

pub use builder::{OverCatalog, OverStore, TokenApiBuilder};
pub use require::{Guarded, RequireToken};

/// The token API of a [`Catalog`]: a `tower` and a `hyper` service for requests with any body.
///
/// Clones share the tokens and are cheap. Every response carries `cluster-uuid` and `x-span-id`. `A` authenticates
/// requests: [`CatalogApi`] by the tokens of the catalog, or your own [`Authenticator`].
pub struct TokenApi<A = CatalogApi> {
    service: Service<CatalogApi, A>,
    catalog: Catalog,
}

impl TokenApi {
    /// The API of these tokens.
    pub fn new(catalog: Catalog) -> Self {
        Self::over(catalog).build()
    }
}

impl<A: Authenticator<Principal = Principal>> TokenApi<A> {
    /// The tokens, for example to authenticate requests of other protocols.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// A layer for other routes, which authenticates and rejects requests as this API does.
    pub fn require_token(&self) -> RequireToken<A>
    where
        A: Clone,
    {
        RequireToken::with_guard(self.service.guard().clone())
    }

    /// The operation that a request asks for; `None` if the document has none with its method and path.
    pub fn operation(&self, method: &Method, path: &str) -> Option<&'static Operation> {
        self.service.operation(method, path)
    }

    /// Answers one request. Unlike the service traits of `tower` and `hyper`, it does not box the future.
    pub fn handle<B>(&self, request: Request<B>) -> impl Future<Output = Response<Body>> + Send
    where
        B: RequestBody,
    {
        self.service.handle(request)
    }

    /// The response to a request that is rejected before it reaches the service, as the service would send it.
    pub fn reject<B>(&self, rejection: &Rejection, request: Request<B>) -> Response<Body> {
        self.service.guard().reject(rejection, &request.into_parts().0)
    }
}

/// The headers of every response besides the span ID: `components.headers.ClusterUUID` of the document.
fn headers(catalog: &Catalog) -> HeaderMap {
    const CLUSTER_UUID: HeaderName = HeaderName::from_static("cluster-uuid");
    let uuid = HeaderValue::try_from(catalog.cluster_uuid().to_string()).expect("a UUID is visible ASCII");
    HeaderMap::from_iter([(CLUSTER_UUID, uuid)])
}

impl<A> Clone for TokenApi<A> {
    fn clone(&self) -> Self {
        Self { service: self.service.clone(), catalog: self.catalog.clone() }
    }
}

impl<A> fmt::Debug for TokenApi<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenApi").field("catalog", &self.catalog).finish_non_exhaustive()
    }
}

impl<A, B> tower_service::Service<Request<B>> for TokenApi<A>
where
    A: Authenticator<Principal = Principal>,
    B: RequestBody,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        tower_service::Service::call(&mut self.service, request)
    }
}

impl<A, B> hyper::service::Service<Request<B>> for TokenApi<A>
where
    A: Authenticator<Principal = Principal>,
    B: RequestBody,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn call(&self, request: Request<B>) -> Self::Future {
        hyper::service::Service::call(&self.service, request)
    }
}
