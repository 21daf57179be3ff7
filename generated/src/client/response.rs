//! A response, taken apart.

use bytes::Bytes;
use http::Response;
use http::StatusCode;
use http_body_util::BodyExt;
use http_body_util::{Collected, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use swagger::ApiError;

use super::failed;
use super::request::Request;
use super::{Client, chain};
use crate::unavailable;

/// The longest body that is read into memory, in bytes.
const LONGEST: usize = 64 << 20;

/// Sends a request.
pub(super) async fn of(client: &Client, request: Request) -> Result<Response<Incoming>, ApiError> {
    let request = request.finish(client)?;
    client.http.request(request).await.map_err(|error| unavailable(chain("no response", &error)))
}

/// A response without a body. One that has a body is not the one that is declared.
pub(super) async fn empty(response: Response<Incoming>) -> Result<(), ApiError> {
    let status = response.status();
    let body = bytes(response).await?;
    if body.is_empty() { Ok(()) } else { Err(unexpected(status, &body)) }
}

/// The value of a JSON body.
pub(super) async fn json<V: DeserializeOwned>(response: Response<Incoming>) -> Result<V, ApiError> {
    serde_json::from_slice(&bytes(response).await?).map_err(failed("the response's body"))
}
/// A response that the document does not declare.
pub(super) async fn undeclared(response: Response<Incoming>) -> ApiError {
    let status = response.status();
    match bytes(response).await {
        Ok(body) => unexpected(status, &body),
        Err(error) => error,
    }
}

/// What was answered; of the body only the beginning is kept.
fn unexpected(status: StatusCode, body: &[u8]) -> ApiError {
    let text: String = String::from_utf8_lossy(body).chars().take(200).collect();
    let reason = format!("undeclared response {status}: {text:?}");
    if status == StatusCode::SERVICE_UNAVAILABLE { unavailable(reason) } else { ApiError(reason) }
}

async fn bytes(response: Response<Incoming>) -> Result<Bytes, ApiError> {
    let read = Limited::new(response.into_body(), LONGEST).collect().await;
    read.map(Collected::to_bytes).map_err(|error| ApiError(format!("the response's body: {error}")))
}
