//! Serves the stub of the generator `rust-server`, with the layers of its own example server. It answers 204 to every
//! request.

use std::error::Error;

use async_trait::async_trait;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rust_server::server::MakeService;
use rust_server::server::context::MakeAddContext;
use rust_server::{Api, DeleteTokenResponse};
use swagger::auth::MakeAllowAllAuthenticator;
use swagger::{ApiError, EmptyContext};

#[derive(Clone)]
struct Stub;

#[async_trait]
impl<C: Send + Sync> Api<C> for Stub {
    async fn delete_token(&self, _: String, _: &C) -> Result<DeleteTokenResponse, ApiError> {
        Ok(DeleteTokenResponse::Success)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let service = MakeAllowAllAuthenticator::new(MakeService::new(Stub), "anyone");
    let service = MakeAddContext::<_, EmptyContext>::new(service);
    let listener = stubs::listen()?;
    loop {
        let (stream, peer) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = service.call(peer).await?;
        tokio::spawn(async move {
            Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await
        });
    }
}
