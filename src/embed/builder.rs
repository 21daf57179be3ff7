//! The options of a [`TokenApi`].

use std::fmt;
use std::sync::Arc;

use http::Response;
use influxdb3_token_api::security::Authenticator;
use influxdb3_token_api::server::{Body, Prefix, Rejection, Service};

use super::{TokenApi, headers};
use crate::{Catalog, CatalogApi, Clock, Principal, StoreError, SystemClock, TokenStore};

impl TokenApi {
    /// Options for the API of the tokens in `store`, which must not have been loaded before.
    pub fn builder(store: Arc<dyn TokenStore>) -> TokenApiBuilder<OverStore> {
        TokenApiBuilder::new(OverStore { store, clock: Arc::new(SystemClock) })
    }

    /// Options for the API of these tokens.
    pub fn over(catalog: Catalog) -> TokenApiBuilder<OverCatalog> {
        TokenApiBuilder::new(OverCatalog(catalog))
    }
}

/// A [`TokenApi`] with options: [`TokenApi::builder`] begins with a store, [`TokenApi::over`] with a catalog.
#[must_use]
pub struct TokenApiBuilder<S, A = CatalogApi> {
    source: S,
    authenticator: Box<dyn FnOnce(&Catalog) -> A + Send>,
    prefix: Option<Prefix>,
    rejections: Option<Box<Rejections>>,
}

type Rejections = dyn Fn(&Rejection, Response<Body>) -> Response<Body> + Send + Sync;

/// Says that a [`TokenApiBuilder`] has a store, whose tokens are yet to be loaded, and a clock.
#[derive(Debug)]
pub struct OverStore {
    store: Arc<dyn TokenStore>,
    clock: Arc<dyn Clock>,
}

/// Says that a [`TokenApiBuilder`] has a catalog.
#[derive(Debug)]
pub struct OverCatalog(Catalog);

impl<S> TokenApiBuilder<S> {
    fn new(source: S) -> Self {
        let authenticator = Box::new(|catalog: &Catalog| CatalogApi::new(catalog.clone()));
        Self { source, authenticator, prefix: None, rejections: None }
    }
}

impl<S, A> TokenApiBuilder<S, A> {
    /// Who a request acts as, in the place of the tokens themselves: an authenticator may accept credentials of another
    /// kind, and make a [`Principal`] of each ([`Principal::new`]).
    pub fn authenticator<N>(self, authenticator: N) -> TokenApiBuilder<S, N>
    where
        N: Authenticator<Principal = Principal>,
    {
        let Self { source, prefix, rejections, .. } = self;
        TokenApiBuilder { source, authenticator: Box::new(|_| authenticator), prefix, rejections }
    }

    /// A path that precedes the API's own, as in `"/influx".parse()?`: for requests whose path still has it.
    pub fn prefix(self, prefix: Prefix) -> Self {
        Self { prefix: Some(prefix), ..self }
    }

    /// How refused requests are answered: `render` gets the rejection with the response that would be sent, and returns
    /// the one to send. `cluster-uuid` and `x-span-id` are added after that.
    pub fn rejections<F>(self, render: F) -> Self
    where
        F: Fn(&Rejection, Response<Body>) -> Response<Body> + Send + Sync + 'static,
    {
        Self { rejections: Some(Box::new(render)), ..self }
    }
}

impl<A: Authenticator<Principal = Principal>> TokenApiBuilder<OverStore, A> {
    /// What time it is, in the place of [`SystemClock`].
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.source.clock = clock;
        self
    }

    /// Loads the tokens.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn build(self) -> Result<TokenApi<A>, StoreError> {
        let Self { source: OverStore { store, clock }, authenticator, prefix, rejections } = self;
        let source = OverCatalog(Catalog::open(store, clock).await?);
        Ok(TokenApiBuilder { source, authenticator, prefix, rejections }.build())
    }
}

impl<A: Authenticator<Principal = Principal>> TokenApiBuilder<OverCatalog, A> {
    /// The API.
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
