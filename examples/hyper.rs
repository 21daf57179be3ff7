//! The API on bare hyper, over HTTP/1.1 and HTTP/2.
//!
//! ```sh
//! cargo run --example hyper [ADDRESS]
//! ```
//!
//! prints a request to try: it deletes a token (204), which cannot be deleted again (404).
#![allow(clippy::print_stdout, reason = "says what to try")]

use std::error::Error;
use std::io;
use std::sync::Arc;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use influxdb3_tokens::{Catalog, MemoryStore, NewToken, Permissions, Secret, TokenApi, TokenId};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:8181".to_owned());
    let listener = TcpListener::bind(&address).await?;
    let api = TokenApi::builder(Arc::new(MemoryStore::new())).build().await?;
    let (_, operator) = create(api.catalog(), "_admin").await?;
    let (id, _) = create(api.catalog(), "ci").await?;
    println!("TOKEN={operator}", operator = operator.expose());
    println!(
        r#"curl -i -X DELETE -H "Authorization: Bearer $TOKEN" "http://{address}/api/v3/configure/token?id={id}""#
    );
    serve(listener, api).await?;
    Ok(())
}

async fn serve(listener: TcpListener, api: TokenApi) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        let api = api.clone();
        tokio::spawn(
            async move { Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), api).await },
        );
    }
}

async fn create(catalog: &Catalog, name: &str) -> Result<(TokenId, Secret), Box<dyn Error>> {
    let (token, secret) = NewToken::fresh(name.parse()?, Permissions::ADMIN)?;
    Ok((catalog.create(token).await?.id, secret))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{Request, StatusCode, Version};
    use http_body_util::Empty;
    use hyper::body::Bytes;
    use hyper_util::client::legacy::Client;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_token_is_deleted_over_each_protocol() {
        let api = TokenApi::builder(Arc::new(MemoryStore::new())).build().await.unwrap();
        let catalog = api.catalog().clone();
        let (_, operator) = create(&catalog, "_admin").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve(listener, api));

        for version in [Version::HTTP_11, Version::HTTP_2] {
            let (id, secret) = create(&catalog, "ci").await.unwrap();
            let client = Client::builder(TokioExecutor::new())
                .http2_only(version == Version::HTTP_2)
                .build_http::<Empty<Bytes>>();
            for expected in [StatusCode::NO_CONTENT, StatusCode::NOT_FOUND] {
                let request = Request::delete(format!("http://{address}/api/v3/configure/token?id={id}"))
                    .header("authorization", format!("Bearer {}", operator.expose()))
                    .body(Empty::new())
                    .unwrap();
                let response =
                    timeout(Duration::from_secs(60), client.request(request)).await.expect("a response").unwrap();
                assert_eq!((response.status(), response.version()), (expected, version));
            }
            assert!(catalog.authenticate(secret.expose()).is_none());
        }
    }
}
