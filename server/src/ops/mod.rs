//! The operations listener: what the people and programs that run the server ask it, apart from the API.
//!
//! Each topic is a file with a function `routes`, which [`router`] merges.

mod health;
mod hosts;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use axum::Router;
use http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Request, Response};
use http_body::Body as _;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use influxdb3_token_api::Payload;
use influxdb3_token_api::server::{Body, Rejection};
use influxdb3_tokens::TokenApi;
use influxdb3_tokens_server::{Limits, Service};
use tower_service::Service as _;
use uuid::Uuid;

pub(crate) use hosts::Hosts;

/// What the handlers of the operations listener read. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Ops(Arc<State>);

/// See [`Ops`].
#[derive(Debug)]
pub(crate) struct State {
    /// The API, whose [`catalog`](TokenApi::catalog) has the tokens. This listener serves its operations too, so that a
    /// page can call them.
    pub(crate) api: TokenApi,
    #[allow(dead_code, reason = "the metrics will show it")]
    pub(crate) started: SystemTime,
    process_id: Uuid,
    is_draining: AtomicBool,
}

impl Ops {
    pub(crate) fn new(api: TokenApi) -> Self {
        let (started, process_id) = (SystemTime::now(), Uuid::new_v4());
        Self(Arc::new(State { api, started, process_id, is_draining: AtomicBool::new(false) }))
    }
}

impl Deref for Ops {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

impl State {
    /// The API accepts no further connection.
    pub(crate) fn set_draining(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }
}

/// The routes of every topic. A path that is none of theirs is one of the API, or unknown.
fn router(ops: &Ops) -> Router {
    let routes = Router::new().merge(health::routes());
    routes.with_state(ops.clone()).fallback_service(ops.api.clone())
}

/// The operations listener as a service.
pub(crate) struct Operations {
    router: Router,
    hosts: Hosts,
    api: TokenApi,
}

impl Operations {
    pub(crate) fn new(ops: &Ops, hosts: Hosts) -> Self {
        Self { router: router(ops), hosts, api: ops.api.clone() }
    }

    /// What the listener allows its clients: few connections, because people and scrapers have few. Rejected credentials
    /// are never answered late, because a proxy that asks for the sake of many clients has one address.
    pub(crate) fn limits() -> Limits {
        let mut limits = Limits::default();
        limits.max_connections = 64;
        limits.max_connections_per_address = 0;
        limits.max_connection_memory = 8 << 20;
        limits.max_failures = 0;
        limits.drain_timeout = Duration::from_secs(1);
        limits
    }
}

impl Service for Operations {
    async fn handle(&self, request: Request<Incoming>) -> Response<Body> {
        if let Err(refused) = self.hosts.check(&request) {
            return refused;
        }
        // The error is one that no value has.
        let Ok(mut response) = self.router.clone().call(request).await;
        // Nothing here may be shown later, or as another type than it says.
        response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        let (parts, body) = response.into_parts();
        Response::from_parts(parts, into_body(body).await)
    }

    fn reject(&self, rejection: &Rejection, request: Request<Incoming>) -> Response<Body> {
        self.api.reject(rejection, request)
    }
}

impl fmt::Debug for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operations").field("hosts", &self.hosts).finish_non_exhaustive()
    }
}

/// A whole body stays whole, so that the response has its length.
async fn into_body(body: axum::body::Body) -> Body {
    if body.size_hint().exact().is_none() {
        // The head of the response has the media type already.
        return Payload::stream(HeaderValue::from_static(""), body.into_data_stream()).into();
    }
    // A body in memory cannot fail.
    body.collect().await.map_or_else(|_| Body::empty(), |whole| Body::from(whole.to_bytes()))
}
