//! The options of a [`TokenApi`].

use std::fmt;
use std::sync::Arc;

use http::Response;
use influxdb3_token_api::security::Authenticator;
use influxdb3_token_api::server::{Body, Prefix, Rejection, Service};

use super::{TokenApi, headers};
use crate::{Catalog, CatalogApi, Clock, Principal, StoreError, SystemClock, TokenStore};

impl TokenApi {
    /// Builds the API of the tokens in `store`, which must not have been loaded before.
    pub fn builder(store: Arc<dyn TokenStore>) -> TokenApiBuilder<OverStore> {
        TokenApiBuilder::new(OverStore { store, clock: Arc::new(SystemClock) })
    }

    /// Builds the API of these tokens.
    pub fn over(catalog: Catalog) -> TokenApiBuilder<OverCatalog> {
        TokenApiBuilder::new(OverCatalog(catalog))
    }
}

/// Builds a [`TokenApi`] with options. Start with a store ([`TokenApi::builder`]) or a catalog ([`TokenApi::over`]).
#[must_use]
pub struct TokenApiBuilder<S, A = CatalogApi> {
    source: S,
    authenticator: Box<dyn FnOnce(&Catalog) -> A + Send>,
    prefix: Option<Prefix>,
    rejections: Option<Box<Rejections>>,
}

type Rejections = dyn Fn(&Rejection, Response<Body>) -> Response<Body> + Send + Sync;

/// The state of a [`TokenApiBuilder`] that will load a store.
#[derive(Debug)]
pub struct OverStore {
    store: Arc<dyn TokenStore>,
    clock: Arc<dyn Clock>,
}

/// The state of a [`TokenApiBuilder`] that has a catalog.
#[derive(Debug)]
pub struct OverCatalog(Catalog);

impl<S> TokenApiBuilder<S> {
    fn new(source: S) -> Self {
        let authenticator = Box::new(|catalog: &Catalog| CatalogApi::new(catalog.clone()));
        Self { source, authenticator, prefix: None, rejections: None }
    }
}

impl<S, A> TokenApiBuilder<S, A> {
    /// Authenticates requests with `authenticator` instead of the tokens of the catalog. It may accept other credentials
    /// and make a principal of each ([`Principal::new`]).
    pub fn authenticator<N>(self, authenticator: N) -> TokenApiBuilder<S, N>
    where
        N: Authenticator<Principal = Principal>,
    {
        let Self { source, prefix, rejections, .. } = self;
        TokenApiBuilder { source, authenticator: Box::new(|_| authenticator), prefix, rejections }
    }

    /// Serves the API under a path, as in `"/influx".parse()?`. A router that removes the path from requests needs none.
    pub fn prefix(self, prefix: Prefix) -> Self {
        Self { prefix: Some(prefix), ..self }
    }

    /// Renders rejections. `render` gets each rejection and the default response, and returns the response to send.
    /// `cluster-uuid` and `x-span-id` are added afterwards.
    pub fn rejections<F>(self, render: F) -> Self
    where
        F: Fn(&Rejection, Response<Body>) -> Response<Body> + Send + Sync + 'static,
    {
        Self { rejections: Some(Box::new(render)), ..self }
    }
}

impl<A: Authenticator<Principal = Principal>> TokenApiBuilder<OverStore, A> {
    /// Reads the time from `clock` instead of [`SystemClock`].
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.source.clock = clock;
        self
    }

    /// Loads the tokens and returns the API.
    ///
    /// # Errors
    ///
    /// If the store cannot be read or has already been loaded.
    pub async fn build(self) -> Result<TokenApi<A>, StoreError> {
        let Self { source: OverStore { store, clock }, authenticator, prefix, rejections } = self;
        let source = OverCatalog(Catalog::open(store, clock).await?);
        Ok(TokenApiBuilder { source, authenticator, prefix, rejections }.build())
    }
}

impl<A: Authenticator<Principal = Principal>> TokenApiBuilder<OverCatalog, A> {
    /// Returns the API.
    pub fn build(self) -> TokenApi<A> {
        let OverCatalog(catalog) = self.source;
        let authenticator = (self.authenticator)(&catalog);
        let mut service = Service::builder(CatalogApi::new(catalog.clone()), authenticator).headers(headers(&catalog));
        if let Some(prefix) = self.prefix {
            service = service.prefix(prefix);
        }
        if let Some(render) = self.rejections {
            service = service.rejections(render);
        }
        TokenApi { service: service.build(), catalog }
    }
}

impl<S: fmt::Debug, A> fmt::Debug for TokenApiBuilder<S, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenApiBuilder").field("source", &self.source).finish_non_exhaustive()
    }
}
