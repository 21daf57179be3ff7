//! `/health`, `/ready` and `/ping`: whether the server lives, whether it can be used, and which version it is.

use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use uuid::Uuid;

use super::Ops;
use super::readiness::{FAILING, Shown, UNANSWERED, against_changes};

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
    /// Whether it can create, delete and regenerate tokens.
    accepts_changes: bool,
    /// Why it is not ready or accepts no changes; empty if both are well.
    reasons: Vec<&'static str>,
    /// How old the tokens in memory may be, in milliseconds; `None` if that is not known. A store of one node has them as
    /// they are.
    staleness_milliseconds: Option<u64>,
}

async fn ready(State(ops): State<Ops>) -> Response {
    let (mut reasons, catalog) = (ops.known_reasons(), ops.sources.api.catalog());
    let store = catalog.store_statistics();
    // Without requests, no commit would show that the store works again, or that one on other machines cannot be reached.
    let shown = match store.is_failing || store.copy.is_some() {
        true => ops.probes.of(catalog).await,
        false => Shown { commits: true, answers: true },
    };
    if !shown.answers {
        reasons.push(UNANSWERED);
    }
    let ready = reasons.is_empty();
    let mut against_changes = against_changes(&store);
    if shown.answers && !shown.commits {
        against_changes.push(FAILING);
    }
    let accepts_changes = ready && against_changes.is_empty();
    reasons.append(&mut against_changes);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let staleness = store.copy.map_or(Some(Duration::ZERO), |copy| copy.staleness);
    let staleness_milliseconds = staleness.map(|staleness| u64::try_from(staleness.as_millis()).unwrap_or(u64::MAX));
    (status, Json(Readiness { ready, accepts_changes, reasons, staleness_milliseconds })).into_response()
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
