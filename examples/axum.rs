//! A larger server on axum: the API under a prefix, and a route of the server's own that takes the same tokens.
//!
//! ```sh
//! cargo run --example axum [ADDRESS]
//! ```
//!
//! prints requests to try: a token writes to its database, is deleted, and writes no more.
#![allow(clippy::print_stdout, reason = "says what to try")]

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex};

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Extension, Router};
use influxdb3_tokens::{Action, Catalog, MemoryStore, NewToken, Principal, Secret, TokenApi, TokenId};
use serde::Deserialize;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8181".to_owned());
    let listener = TcpListener::bind(&address).await?;
    let api = TokenApi::builder(Arc::new(MemoryStore::new())).build().await?;
    let (_, operator) = create(api.catalog(), "_admin", "*:*:*").await?;
    let (id, writer) = create(api.catalog(), "sensor", "db:weather:write").await?;
    println!("OPERATOR={} WRITER={}", operator.expose(), writer.expose());
    let (write, delete) = ("api/v3/write_lp?db=weather", format!("tokens/api/v3/configure/token?id={id}"));
    println!(r#"curl -i -H "Authorization: Bearer $WRITER" -d "t c=21" "http://{address}/{write}""#);
    println!(r#"curl -i -H "Authorization: Bearer $OPERATOR" -X DELETE "http://{address}/{delete}""#);
    axum::serve(listener, router(api, Databases::default())).await?;
    Ok(())
}

/// The lines of each database.
type Databases = Arc<Mutex<HashMap<String, Vec<String>>>>;

fn router(api: TokenApi, databases: Databases) -> Router {
    let may_write = api.require_token().database_in_query(Action::Write, "db");
    Router::new()
        .route("/api/v3/write_lp", post(write).route_layer(may_write))
        .nest_service("/tokens", api)
        .with_state(databases)
}

#[derive(Deserialize)]
struct Target {
    db: String,
}

async fn write(
    State(databases): State<Databases>,
    Extension(principal): Extension<Principal>,
    Query(target): Query<Target>,
    lines: String,
) -> StatusCode {
    println!("token {} writes to {:?}", principal.id(), target.db);
    let Ok(mut databases) = databases.lock() else { return StatusCode::INTERNAL_SERVER_ERROR };
    databases.entry(target.db).or_default().extend(lines.lines().map(str::to_owned));
    StatusCode::NO_CONTENT
}

async fn create(catalog: &Catalog, name: &str, permissions: &str) -> Result<(TokenId, Secret), Box<dyn Error>> {
    let (token, secret) = NewToken::fresh(name.parse()?, permissions.parse()?)?;
    Ok((catalog.create(token).await?.id, secret))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::{Method, Request};
    use hyper_util::client::legacy::Client;
    use hyper_util::rt::TokioExecutor;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_deleted_token_writes_no_more() {
        let server = Server::start().await;
        let (id, writer) = server.token("sensor", "db:weather:write").await;
        let (_, operator) = server.token("_admin", "*:*:*").await;
        assert_eq!(server.write("weather", &writer).await, StatusCode::NO_CONTENT);
        assert_eq!(server.delete(id, &operator).await, StatusCode::NO_CONTENT);
        assert_eq!(server.write("weather", &writer).await, StatusCode::UNAUTHORIZED);
        assert_eq!(server.lines("weather"), ["t c=21"]);
    }

    #[tokio::test]
    async fn a_token_writes_to_its_own_database_and_an_admin_token_to_each() {
        let server = Server::start().await;
        let (_, writer) = server.token("sensor", "db:weather:write").await;
        let (_, reader) = server.token("screen", "db:weather:read").await;
        let (_, operator) = server.token("_admin", "*:*:*").await;
        assert_eq!(server.write("bank", &writer).await, StatusCode::UNAUTHORIZED);
        assert_eq!(server.write("weather", &reader).await, StatusCode::UNAUTHORIZED);
        assert_eq!(server.write("bank", &operator).await, StatusCode::NO_CONTENT);
        assert_eq!(server.write("bank&db=weather", &operator).await, StatusCode::BAD_REQUEST);
        assert_eq!((server.lines("weather").len(), server.lines("bank").len()), (0, 1));
    }

    struct Server {
        address: String,
        catalog: Catalog,
        databases: Databases,
    }

    impl Server {
        async fn start() -> Self {
            let api = TokenApi::builder(Arc::new(MemoryStore::new())).build().await.unwrap();
            let (catalog, databases) = (api.catalog().clone(), Databases::default());
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = format!("http://{}", listener.local_addr().unwrap());
            let router = router(api, Arc::clone(&databases));
            tokio::spawn(async { axum::serve(listener, router).await });
            Self { address, catalog, databases }
        }

        async fn token(&self, name: &str, permissions: &str) -> (TokenId, Secret) {
            create(&self.catalog, name, permissions).await.unwrap()
        }

        async fn write(&self, db: &str, token: &Secret) -> StatusCode {
            self.send(Method::POST, &format!("/api/v3/write_lp?db={db}"), token).await
        }

        async fn delete(&self, id: TokenId, token: &Secret) -> StatusCode {
            self.send(Method::DELETE, &format!("/tokens/api/v3/configure/token?id={id}"), token).await
        }

        async fn send(&self, method: Method, path: &str, token: &Secret) -> StatusCode {
            let request = Request::builder().method(method).uri(format!("{}{path}", self.address));
            let request = request.header("authorization", format!("Bearer {}", token.expose()));
            let client = Client::builder(TokioExecutor::new()).build_http();
            let response = client.request(request.body("t c=21".to_owned()).unwrap());
            timeout(Duration::from_secs(60), response).await.expect("a response").unwrap().status()
        }

        fn lines(&self, db: &str) -> Vec<String> {
            self.databases.lock().unwrap().get(db).cloned().unwrap_or_default()
        }
    }
}
