//! A response with a truncated body keeps the meaning of its status.

use influxdb3_token_api::swagger::auth::AuthData;
use influxdb3_token_api::{Api, ApiError, Client, Context, DeleteTokenResponse, XSpanIdString};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::generated_client::request;
use crate::limits::within;

#[tokio::test]
async fn a_503_with_a_truncated_body_is_unavailable() {
    for framing in ["content-length: 1000\r\n\r\n{\"error\":", "transfer-encoding: chunked\r\n\r\n9\r\n{\"error\":\r\n"]
    {
        let error = delete(&format!("HTTP/1.1 503 Service Unavailable\r\n{framing}")).await.unwrap_err();
        assert!(error.is_unavailable(), "{framing:?}: {error:?}");
    }
}

#[tokio::test]
async fn another_status_with_a_truncated_body_is_not_unavailable() {
    for status in ["401 Unauthorized", "400 Bad Request", "404 Not Found", "500 Internal Server Error"] {
        let response = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{{");
        let error = delete(&response).await.unwrap_err();
        assert!(!error.is_unavailable(), "{status}: {error:?}");
    }
}

/// Sends a deletion to a server that writes these bytes and closes the connection.
async fn delete(response: &str) -> Result<DeleteTokenResponse, ApiError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::try_new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let context = Context::new(XSpanIdString::default(), AuthData::bearer("any"));
    let answer = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            assert!(stream.read_buf(&mut request).await.unwrap() > 0);
        }
        stream.write_all(response.as_bytes()).await.unwrap();
    };
    within("a response", async { tokio::join!(client.delete_token(request("7"), &context), answer) }).await.0
}
