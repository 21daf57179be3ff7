//! [`Service`] serves an implementation of [`Api`] over HTTP.
//!
//! All other items are re-exported from [`openapi_stub_runtime::server`].

#![allow(
    clippy::let_and_return,
    clippy::match_single_binding,
    unused_imports,
    unused_variables,
    reason = "the document decides which are used"
)]

use http::Response;
use openapi_stub_runtime::server as runtime;
use openapi_stub_runtime::{json, validation};

use crate::{Api, BASE_PATH, Context, OPERATIONS, Operation, models, operations};

pub use openapi_stub_runtime::server::*;

/// A service that turns requests into calls of an [`Api`].
pub type Service<T, A> = runtime::Service<Operations, T, A>;

/// Builds a [`Service`].
pub type Builder<T, A> = runtime::Builder<Operations, T, A>;

/// The realm in `WWW-Authenticate` challenges.
pub static REALM: Realm = realm!("influxdb3");

/// Calls the method of [`Api`] for each operation.
#[derive(Debug)]
pub enum Operations {}

impl<T, P> runtime::Document<T, Context<P>> for Operations
where
    T: Api<Context<P>> + Sync,
    P: Send + Sync,
{
    const OPERATIONS: &'static [Operation] = OPERATIONS;
    const BASE_PATH: &'static str = BASE_PATH;
    const REALM: &'static Realm = &REALM;

    async fn call<B: RequestBody>(
        api: &T,
        request: &mut Request<'_, B>,
        context: &Context<P>,
    ) -> Result<Response<Body>, Failure> {
        match request.operation().id {
            "DeleteToken" => Self::delete_token(api, request, context).await,
            _ => Err(Rejection::UnknownPath.into()),
        }
    }
}

impl Operations {
    /// `DELETE /api/v3/configure/token`
    async fn delete_token<T, P, B>(
        api: &T,
        request: &mut Request<'_, B>,
        context: &Context<P>,
    ) -> Result<Response<Body>, Failure>
    where
        T: Api<Context<P>> + Sync,
        P: Send + Sync,
        B: RequestBody,
    {
        let parameters = request.without_body();
        let request = crate::DeleteTokenRequest { id: parameters.get(0)? };
        match api.delete_token(request, context).await? {
            crate::DeleteTokenResponse::Success => Reply::new(204).empty(),
            crate::DeleteTokenResponse::UnauthorizedAccess(body) => Reply::new(401).json("application/json", &body),
            crate::DeleteTokenResponse::TokenNotFound => Reply::new(404).empty(),
            crate::DeleteTokenResponse::RequestFailed(body) => Reply::new(400).json("application/json", &body),
        }
    }
}
