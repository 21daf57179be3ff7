//! The service that `openapi-to-rust` generates, served as its README shows.

use std::io;

use peer::generated::{AuthTokenApi, DeleteTokenResponse, auth_token_api_router};

#[derive(Clone)]
struct Stub;

#[async_trait::async_trait]
impl AuthTokenApi for Stub {
    async fn delete_token(&self, _: String) -> DeleteTokenResponse {
        DeleteTokenResponse::NoContent
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, auth_token_api_router(Stub)).await
}
