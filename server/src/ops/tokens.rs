//! `/tokens`: the tokens without their secrets, for the page. It requires an admin token.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request};
use influxdb3_token_api::server::{Rejection, query_parameters};
use influxdb3_token_api::{OPERATIONS, with_sources};
use influxdb3_tokens::{Principal, TokenApi, TokenId};
use serde::Serialize;

use super::Ops;
use super::requests::{self, Requests};
use crate::control::Summary;

/// The number of tokens on a page, unless the request says another, and the largest.
const LIMIT: usize = 1000;

pub(super) fn routes(api: &TokenApi, requests: &Arc<Requests>) -> Router<Ops> {
    // Under the schemes of the API. Others would have browsers ask for a password.
    let require = requests::counted(api.require_token().security(OPERATIONS[0].security), requests, accept);
    Router::new().route("/tokens", get(list)).route_layer(require)
}

/// Admits an admin token.
fn accept(_: &Parts, principal: &Principal) -> Result<(), Rejection> {
    if principal.is_admin() {
        return Ok(());
    }
    let message = "only an admin token may do this".into();
    Err(Rejection::InsufficientScope { security: OPERATIONS[0].security, forbidden: false, message })
}

/// A page of the list, in the order of the IDs.
#[derive(Serialize)]
struct Page {
    tokens: Vec<Summary>,
    /// The value of `after` for the next page; `None` if this is the last.
    next: Option<u64>,
}

async fn list(State(ops): State<Ops>, request: Request<Body>) -> Response {
    let parts = request.into_parts().0;
    match page(&ops, &parts).await {
        Ok(page) => {
            const CLUSTER_UUID: HeaderName = HeaderName::from_static("cluster-uuid");
            let uuid = ops.sources.api.catalog().cluster_uuid().to_string();
            let uuid = HeaderValue::try_from(uuid).expect("a UUID is visible ASCII");
            ([(CLUSTER_UUID, uuid)], Json(page)).into_response()
        }
        Err(rejection) => ops.sources.api.reject(&rejection, Request::from_parts(parts, ())).map(Body::new),
    }
}

async fn page(ops: &Ops, parts: &Parts) -> Result<Page, Rejection> {
    let (after, limit) = (after(parts)?, limit(parts)?);
    let catalog = ops.sources.api.catalog();
    let records = catalog.page(after, limit).await.map_err(|error| {
        tracing::error!(error = with_sources(&error), "cannot list the tokens");
        Rejection::Unavailable
    })?;
    let next = records.last().filter(|_| records.len() == limit).map(|last| last.id.as_u64());
    Ok(Page { tokens: records.iter().map(|record| Summary::new(record, catalog)).collect(), next })
}

fn after(parts: &Parts) -> Result<Option<TokenId>, Rejection> {
    Ok(number(parts, "after")?.map(TokenId::from_u64))
}

fn limit(parts: &Parts) -> Result<usize, Rejection> {
    let Some(limit) = number(parts, "limit")? else { return Ok(LIMIT) };
    usize::try_from(limit)
        .ok()
        .filter(|limit| (1..=LIMIT).contains(limit))
        .ok_or(Rejection::Parameter { name: "limit", problem: "is not a number from 1 to 1000".into() })
}

fn number(parts: &Parts, name: &'static str) -> Result<Option<u64>, Rejection> {
    match &query_parameters(parts, name)?[..] {
        [] => Ok(None),
        [text] => {
            let number = text.parse().map_err(|_| Rejection::Parameter { name, problem: "is not a number".into() })?;
            Ok(Some(number))
        }
        _ => Err(Rejection::Parameter { name, problem: "was given more than once".into() }),
    }
}
