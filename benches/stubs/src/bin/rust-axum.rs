//! Serves the stub of the generator `rust-axum` as the generated README shows. It answers 204 to any bearer token.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use axum::ServiceExt;
use axum::extract::Request;
use axum::serve::ListenerExt;
use axum_extra::extract::CookieJar;
use headers::authorization::Bearer;
use headers::{Authorization, HeaderMapExt, Host};
use http::Method;
use http::header::{HOST, HeaderMap, HeaderValue};
use rust_axum::apis::auth_token::{AuthToken, DeleteTokenResponse};
use rust_axum::apis::{ApiAuthBasic, ApiKeyAuthHeader, BasicAuthKind, ErrorHandler};
use rust_axum::models::DeleteTokenQueryParams;
use tower::Layer;
use tower::util::MapRequestLayer;

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

#[async_trait]
impl ApiAuthBasic for Stub {
    type Claims = ();

    async fn extract_claims_from_auth_header(&self, _: BasicAuthKind, headers: &HeaderMap, _: &str) -> Option<()> {
        headers.typed_get::<Authorization<Bearer>>().map(drop)
    }
}

// The generated server demands this trait for a scheme that the operation does not list. Nothing calls it.
#[async_trait]
impl ApiKeyAuthHeader for Stub {
    type Claims = ();

    async fn extract_claims_from_header(&self, _: &HeaderMap, _: &str) -> Option<()> {
        None
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let router = rust_axum::server::new(Arc::new(Stub));
    let service = MapRequestLayer::new(with_host).layer(router);
    let listener = stubs::listen()?.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            eprintln!("TCP_NODELAY: {error}");
        }
    });
    axum::serve(listener, ServiceExt::<Request>::into_make_service(service)).await
}

/// Copies `:authority` to `Host`, which an HTTP/2 client need not send (RFC 9113, section 8.3.1). The generated handler
/// answers 400 to a request without `Host`.
fn with_host(mut request: Request) -> Request {
    if !request.headers().contains_key(HOST)
        && let Some(authority) = request.uri().authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        request.headers_mut().insert(HOST, host);
    }
    request
}
