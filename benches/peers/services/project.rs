//! The service that this project generates.

use std::io;

use async_trait::async_trait;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use peer::security::{Authentication, AuthenticationError, Authenticator};
use peer::{Api, ApiError, DeleteTokenRequest, DeleteTokenResponse, Service};

struct Stub;

#[async_trait]
impl<C: Send + Sync> Api<C> for Stub {
    async fn delete_token(&self, _: DeleteTokenRequest, _: &C) -> Result<DeleteTokenResponse, ApiError> {
        Ok(DeleteTokenResponse::Success)
    }
}

struct Everybody;

impl Authenticator for Everybody {
    type Principal = ();

    async fn authenticate(&self, _: Authentication<'_>) -> Result<(), AuthenticationError> {
        Ok(())
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let service = Service::new(Stub, Everybody);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = service.clone();
        tokio::spawn(async move {
            Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await
        });
    }
}
