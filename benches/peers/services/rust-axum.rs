//! The service that the generator `rust-axum` generates, served as its README shows.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use axum_extra::extract::CookieJar;
use headers::Host;
use http::{HeaderMap, Method};
use peer::apis::auth_token::{AuthToken, DeleteTokenResponse};
use peer::apis::{ApiAuthBasic, ApiKeyAuthHeader, BasicAuthKind, ErrorHandler};
use peer::models::DeleteTokenQueryParams;

struct Stub;

#[async_trait]
impl AuthToken for Stub {
    type Claims = ();

    async fn delete_token(
        &self,
        _: &Method,
        _: &Host,
        _: &CookieJar,
        (): &Self::Claims,
        _: &DeleteTokenQueryParams,
    ) -> Result<DeleteTokenResponse, ()> {
        Ok(DeleteTokenResponse::Status204_Success)
    }
}

impl ErrorHandler for Stub {}

// The implementation reads the credential itself, and is told which scheme the operation lists.
#[async_trait]
impl ApiAuthBasic for Stub {
    type Claims = ();

    async fn extract_claims_from_auth_header(&self, kind: BasicAuthKind, headers: &HeaderMap, key: &str) -> Option<()> {
        let value = headers.get(key)?.to_str().ok()?;
        let (scheme, _) = value.split_once(' ')?;
        let expected = if kind == BasicAuthKind::Bearer { "bearer" } else { "basic" };
        scheme.eq_ignore_ascii_case(expected).then_some(())
    }
}

#[async_trait]
impl ApiKeyAuthHeader for Stub {
    type Claims = ();

    async fn extract_claims_from_header(&self, _: &HeaderMap, _: &str) -> Option<()> {
        None
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, peer::server::new(Arc::new(Stub))).await
}
