//! The service that the generator `rust-server` generates, with a layer of our own for authentication.

use std::io;

use async_trait::async_trait;
use hyper::Request;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use peer::server::context::AddContext;
use peer::{Api, DeleteTokenResponse};
use swagger::auth::{AuthData, Authorization, Scopes};
use swagger::{ApiError, EmptyContext, Has, Push};

#[derive(Clone)]
struct Stub;

#[async_trait]
impl<C: Send + Sync> Api<C> for Stub {
    async fn delete_token(&self, _: String, _: &C) -> Result<DeleteTokenResponse, ApiError> {
        Ok(DeleteTokenResponse::Success)
    }
}

/// The layer that `rust-server` leaves to its user: it authorizes every bearer token.
#[derive(Clone)]
struct Authorize<S>(S);

impl<S, B, C> Service<(Request<B>, C)> for Authorize<S>
where
    C: Has<Option<AuthData>> + Push<Option<Authorization>>,
    S: Service<(Request<B>, C::Result)>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, (request, context): (Request<B>, C)) -> S::Future {
        let credential: &Option<AuthData> = context.get();
        let authorization = matches!(credential, Some(AuthData::Bearer(_))).then(|| Authorization {
            subject: "anyone".to_owned(),
            scopes: Scopes::All,
            issuer: None,
        });
        self.0.call((request, context.push(authorization)))
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = AddContext::<_, EmptyContext>::new(Authorize(peer::server::Service::new(Stub, true)));
        tokio::spawn(async move {
            Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await
        });
    }
}
