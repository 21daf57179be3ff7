//! A gRPC service and the API on one port: calls need a token, and a stream ends when its token is deleted.
//!
//! ```sh
//! cargo run --example tonic [ADDRESS]
//! ```
//!
//! The example prints commands to try. `grpcurl` needs gRPC's `health.proto`. The service is gRPC's health check, whose
//! `Watch` is a stream without an end. The path of a request tells which protocol it belongs to.
#![allow(clippy::print_stdout, reason = "prints commands to try")]

use std::error::Error;
use std::sync::Arc;

use axum::Router;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, stream};
use influxdb3_tokens::{Catalog, MemoryStore, NewToken, Permissions, Principal, Secret, TokenApi, TokenId};
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_health::server::{HealthReporter, HealthService};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8181".to_owned());
    let listener = TcpListener::bind(&address).await?;
    let api = TokenApi::builder(Arc::new(MemoryStore::new())).build().await?;
    let (_, operator) = create(api.catalog(), "_admin").await?;
    let (id, watcher) = create(api.catalog(), "watcher").await?;
    println!("OPERATOR={} WATCHER={}", operator.expose(), watcher.expose());
    let (watch, delete) = ("grpc.health.v1.Health/Watch", format!("api/v3/configure/token?id={id}"));
    println!(r#"grpcurl -plaintext -proto health.proto -H "authorization: Bearer $WATCHER" {address} {watch}"#);
    println!(r#"curl -i -H "Authorization: Bearer $OPERATOR" -X DELETE "http://{address}/{delete}""#);
    axum::serve(listener, router(api)).await?;
    Ok(())
}

/// The API answers every request whose path does not belong to a gRPC service.
fn router(api: TokenApi) -> Router {
    let health = HealthService::from_health_reporter(HealthReporter::new());
    let guarded = Guarded { health, catalog: api.catalog().clone() };
    Routes::new(HealthServer::new(guarded)).into_axum_router().fallback_service(api)
}

struct Guarded {
    health: HealthService,
    catalog: Catalog,
}

impl Guarded {
    fn authenticate<T>(&self, request: &Request<T>) -> Result<Principal, Status> {
        let header = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
        let principal = header.and_then(|header| self.catalog.authenticate(header.strip_prefix("Bearer ")?));
        principal.ok_or_else(|| Status::unauthenticated("a valid token is required"))
    }
}

#[tonic::async_trait]
impl Health for Guarded {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        self.authenticate(&request)?;
        self.health.check(request).await
    }

    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let principal = self.authenticate(&request)?;
        let deleted = self.catalog.until_deleted(&principal);
        let deleted = deleted.map(|()| Err(Status::unauthenticated("the token was deleted"))).into_stream();
        let states = self.health.watch(request).await?.into_inner();
        // A call ends at the first error of its stream.
        Ok(Response::new(stream::select(states, deleted).boxed()))
    }
}

async fn create(catalog: &Catalog, name: &str) -> Result<(TokenId, Secret), Box<dyn Error>> {
    let (token, secret) = NewToken::fresh(name.parse()?, Permissions::ADMIN)?;
    Ok((catalog.create(token).await?.id, secret))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use influxdb3_token_api::swagger::auth::AuthData;
    use influxdb3_token_api::{Api, Client, Context, DeleteTokenRequest, DeleteTokenResponse, XSpanIdString};
    use tokio::time::timeout;
    use tonic::Code;
    use tonic::transport::{Channel, Endpoint};
    use tonic_health::pb::health_client::HealthClient;

    use super::*;

    /// Far longer than any wait takes.
    const LIMIT: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_stream_ends_when_its_token_is_deleted_and_others_continue() {
        let (address, catalog) = start().await;
        let (_, operator) = create(&catalog, "_admin").await.unwrap();
        let (id, watcher) = create(&catalog, "watcher").await.unwrap();
        let mut grpc = client(&address).await;
        let mut watched = grpc.watch(call(Some(&watcher))).await.unwrap().into_inner();
        let mut other = grpc.watch(call(Some(&operator))).await.unwrap().into_inner();
        for stream in [&mut watched, &mut other] {
            let state = timeout(LIMIT, stream.message()).await.expect("a state").unwrap();
            assert_eq!(state.unwrap().status, 1);
        }

        let context = Context::new(XSpanIdString::default(), AuthData::bearer(operator.expose()));
        let http = Client::try_new(&address).unwrap();
        let deleted = timeout(LIMIT, http.delete_token(DeleteTokenRequest::with_id(id.to_string()), &context));
        assert_eq!(deleted.await.expect("a response").unwrap(), DeleteTokenResponse::Success);

        let ended = timeout(LIMIT, watched.message()).await.expect("the end of the stream").unwrap_err();
        assert_eq!((ended.code(), ended.message()), (Code::Unauthenticated, "the token was deleted"));
        assert_eq!(grpc.check(call(Some(&watcher))).await.unwrap_err().code(), Code::Unauthenticated);
        assert!(other.message().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_call_needs_a_token() {
        let (address, catalog) = start().await;
        let (_, operator) = create(&catalog, "_admin").await.unwrap();
        let stranger = Secret::generate().unwrap();
        let mut grpc = client(&address).await;
        assert_eq!(grpc.check(call(Some(&operator))).await.unwrap().into_inner().status, 1);
        for token in [None, Some(&stranger)] {
            assert_eq!(grpc.check(call(token)).await.unwrap_err().code(), Code::Unauthenticated);
            assert_eq!(grpc.watch(call(token)).await.unwrap_err().code(), Code::Unauthenticated);
        }
    }

    async fn start() -> (String, Catalog) {
        let api = TokenApi::builder(Arc::new(MemoryStore::new())).build().await.unwrap();
        let catalog = api.catalog().clone();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, router(api)).await });
        (address, catalog)
    }

    async fn client(address: &str) -> HealthClient<Channel> {
        let endpoint = Endpoint::from_shared(address.to_owned()).unwrap().connect_timeout(LIMIT).timeout(LIMIT);
        HealthClient::new(endpoint.connect().await.unwrap())
    }

    fn call(token: Option<&Secret>) -> Request<HealthCheckRequest> {
        let mut request = Request::new(HealthCheckRequest::default());
        if let Some(token) = token {
            let header = format!("Bearer {}", token.expose()).parse().unwrap();
            request.metadata_mut().insert("authorization", header);
        }
        request
    }
}
