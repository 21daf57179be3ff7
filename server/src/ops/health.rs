//! `/health`, `/ready` and `/ping`: whether the server lives, whether it can be used, and which version it is.

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use uuid::Uuid;

use super::{FAILING, Ops, UNANSWERED};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the version was built from, if the build says so.
const REVISION: &str = match option_env!("INFLUXDB3_TOKENS_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

pub(super) fn routes() -> Router<Ops> {
    Router::new().route("/health", get(health)).route("/ready", get(ready)).route("/ping", get(ping))
}

/// The process answers. InfluxDB 3 answers the same text.
async fn health() -> &'static str {
    "OK"
}

/// Whether requests should be sent to this server.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
    /// Why it is not ready; empty if it is.
    reasons: Vec<&'static str>,
    /// How old the tokens in memory may be, in milliseconds; `None` if that is not known. A store of one node has them as
    /// they are.
    staleness_milliseconds: Option<u64>,
}

async fn ready(State(ops): State<Ops>) -> Response {
    let mut reasons = ops.known_reasons();
    let copy = ops.sources.api.catalog().store_statistics().copy;
    // Without requests, no commit would show that the store works again, or that one on other machines cannot be reached.
    if reasons.contains(&FAILING) || copy.is_some() {
        match (ops.store_works().await, reasons.iter().position(|reason| *reason == FAILING)) {
            (true, Some(failing)) => _ = reasons.remove(failing),
            (false, None) => reasons.push(UNANSWERED),
            _ => {}
        }
    }
    let ready = reasons.is_empty();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let staleness = copy.map_or(Some(Duration::ZERO), |copy| copy.staleness);
    let staleness_milliseconds = staleness.map(|staleness| u64::try_from(staleness.as_millis()).unwrap_or(u64::MAX));
    (status, Json(Readiness { ready, reasons, staleness_milliseconds })).into_response()
}

/// The version, as InfluxDB 3 answers it.
#[derive(Debug, Serialize)]
struct Version {
    version: &'static str,
    revision: &'static str,
    /// Another one for each start.
    process_id: Uuid,
}

async fn ping(State(ops): State<Ops>) -> Response {
    const X_INFLUXDB_VERSION: HeaderName = HeaderName::from_static("x-influxdb-version");
    const X_INFLUXDB_BUILD: HeaderName = HeaderName::from_static("x-influxdb-build");
    let headers = [
        (X_INFLUXDB_VERSION, HeaderValue::from_static(VERSION)),
        (X_INFLUXDB_BUILD, HeaderValue::from_static("influxdb3-tokens")),
    ];
    let version = Version { version: VERSION, revision: REVISION, process_id: ops.process_id };
    (headers, Json(version)).into_response()
}
