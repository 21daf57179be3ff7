//! The service that `openapi-trait` generates, served as its README shows.

use std::io;

use axum::extract::State;
use axum::http::HeaderMap;
use peer::api::{ApiApi, BearerAuthentication, DeleteTokenRequest, DeleteTokenResponse, NotImplemented};

struct Stub;

impl ApiApi for Stub {
    type Error = NotImplemented;

    async fn delete_token(
        &self,
        _: DeleteTokenRequest,
        _: BearerAuthentication,
        _: State<()>,
        _: HeaderMap,
    ) -> Result<DeleteTokenResponse, NotImplemented> {
        Ok(DeleteTokenResponse::Status204)
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, Stub.router()).await
}
