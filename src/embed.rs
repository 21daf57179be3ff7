//! The API as a service, to be embedded in a larger server.

use std::convert::Infallible;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, Request, Response};
use influxdb3_token_api::server::{Body, RequestBody, Service};

use crate::{Catalog, CatalogApi};

/// The document's `components.headers.ClusterUUID`.
const CLUSTER_UUID: HeaderName = HeaderName::from_static("cluster-uuid");

/// The token API over a [`Catalog`], as a `tower` and a `hyper` service for requests with any body.
///
/// Clones are cheap and share the tokens. Every response carries `cluster-uuid` and `x-span-id`.
#[derive(Clone, Debug)]
pub struct TokenApi {
    service: Service<CatalogApi, CatalogApi>,
    catalog: Catalog,
}

impl TokenApi {
    /// The API of these tokens.
    pub fn new(catalog: Catalog) -> Self {
        let uuid = HeaderValue::try_from(catalog.cluster_uuid().to_string()).expect("a UUID is visible ASCII");
        let headers = HeaderMap::from_iter([(CLUSTER_UUID, uuid)]);
        let api = CatalogApi::new(catalog.clone());
        Self { service: Service::builder(api.clone(), api).headers(headers).build(), catalog }
    }

    /// The tokens, to authenticate requests of other routes with.
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Answers one request, without the box around the future that `tower` and `hyper` need.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: RequestBody,
    {
        self.service.handle(request).await
    }
}

impl<B> tower_service::Service<Request<B>> for TokenApi
where
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

impl<B> hyper::service::Service<Request<B>> for TokenApi
where
    B: RequestBody,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn call(&self, request: Request<B>) -> Self::Future {
        hyper::service::Service::call(&self.service, request)
    }
}
