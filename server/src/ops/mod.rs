//! The operations listener: what the people and programs that run the server ask it, apart from the API.
//!
//! Each topic is a file with a function `routes`, which [`router`] merges.

mod assets;
mod docs;
mod health;
mod hosts;
mod metrics;
mod page;
mod process;
mod readiness;
mod rendering;
mod requests;
mod tokens;
mod verify;
mod yaml;

use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
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
use influxdb3_tokens_server::{Limits, Observer, Server, Service, Statistics, Tls, descriptors_for_connections};
use tower_service::Service as _;
use uuid::Uuid;

use crate::cli::DroppedLines;
pub(crate) use hosts::Hosts;
pub(crate) use process::Process;
use readiness::Probes;
pub(crate) use requests::{Counted, Requests};

/// What the handlers of the operations listener read. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Ops(Arc<State>);

/// See [`Ops`].
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) sources: Sources,
    pub(crate) started: SystemTime,
    /// Another one for each start.
    process_id: Uuid,
    is_draining: AtomicBool,
    probes: Probes,
    /// The connections of the operations listener itself.
    own_connections: OnceLock<Observer>,
}

/// What the operations listener shows.
#[derive(Debug)]
pub(crate) struct Sources {
    /// The API, whose [`catalog`](TokenApi::catalog) has the tokens. This listener serves its operations too, so that a
    /// page can call them.
    pub(crate) api: TokenApi,
    pub(crate) requests: Arc<Requests>,
    /// The connections of the API.
    pub(crate) connections: Observer,
    pub(crate) dropped_lines: DroppedLines,
    pub(crate) process: Process,
    /// The TLS of the API.
    pub(crate) tls: Option<Tls>,
}

impl Ops {
    pub(crate) fn new(sources: Sources) -> Self {
        Self(Arc::new(State {
            sources,
            started: SystemTime::now(),
            process_id: Uuid::new_v4(),
            is_draining: AtomicBool::new(false),
            probes: Probes::default(),
            own_connections: OnceLock::new(),
        }))
    }

    /// The server of the operations listener, which answers requests for these hosts.
    pub(crate) fn server(&self, hosts: Hosts) -> Server<Operations> {
        let server = Server::new(Operations::limits(), Operations::new(self, hosts));
        // It is set once, by the first server.
        let _ = self.own_connections.set(server.observer());
        server
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

    /// Why requests should not be sent to this server, as far as it is known without asking the store.
    fn known_reasons(&self) -> Vec<&'static str> {
        let store = self.sources.api.catalog().store_statistics();
        readiness::against_requests(self.is_draining.load(Ordering::Relaxed), &store)
    }

    /// The connections of each listener.
    fn listeners(&self) -> Vec<(&'static str, Statistics)> {
        let api = ("api", self.sources.connections.statistics());
        let own = self.own_connections.get().map(|observer| ("operations", observer.statistics()));
        [api].into_iter().chain(own).collect()
    }
}

/// The routes of every topic. A path that is none of theirs is one of the API, or unknown.
fn router(ops: &Ops) -> Router {
    let Sources { api, requests, .. } = &ops.sources;
    let routes = Router::new()
        .merge(docs::routes())
        .merge(health::routes())
        .merge(metrics::routes())
        .merge(page::routes())
        .merge(tokens::routes(api, requests))
        .merge(verify::routes(api, requests));
    routes.with_state(ops.clone()).fallback_service(api.clone())
}

/// How many connections the operations listener may have: no more than a proxy needs that asks `/verify`, and a quarter of
/// those for which there are descriptors, so that the API has the rest.
pub(crate) fn max_connections() -> usize {
    (descriptors_for_connections() / 4).clamp(1, 1024)
}

/// The operations listener as a service.
pub(crate) struct Operations {
    router: Router,
    hosts: Hosts,
    /// Its operations are counted on this listener too.
    api: Counted,
}

impl Operations {
    fn new(ops: &Ops, hosts: Hosts) -> Self {
        let api = Counted::new(ops.sources.api.clone(), Arc::clone(&ops.sources.requests));
        Self { router: router(ops), hosts, api }
    }

    /// What the listener allows its clients. Rejected credentials are never answered late, because a proxy that asks for the
    /// sake of many clients has one address.
    fn limits() -> Limits {
        let mut limits = Limits::default();
        limits.max_connections = max_connections();
        limits.max_connections_per_address = 0;
        limits.max_connection_memory = 64 << 20;
        limits.max_failures = 0;
        limits.drain_timeout = Duration::from_secs(1);
        limits
    }
}

impl Service for Operations {
    async fn handle(&self, request: Request<Incoming>) -> Response<Body> {
        // A proxy asks `/verify` with the `Host` of its client's request. A page of another site learns nothing from it.
        if !verify::is_path(request.uri().path()) && !self.hosts.admit(&request) {
            return hosts::misdirected();
        }
        if self.api.has(&request) {
            return self.api.handle(request).await;
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
