//! Servers to check: the right one and wrong ones.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Collected, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use influxdb3_token_api::models::Secret;
use influxdb3_token_contract::{Contract, IssuedToken, NotIssued, TokenSource, WantedToken};
use influxdb3_tokens::{Catalog, Digest, MemoryStore, Principal, SystemClock, TokenApi, TokenName, TokenStore};
use tokio::net::TcpListener;

use super::api;
pub(super) use super::api::PATH;
use super::wrong::Change;
use crate::creation::create;

/// A response with its whole body.
pub(super) type Answer = Response<Bytes>;

/// The right server, and the state of wrong ones.
pub(super) struct Right {
    /// This project's server, which answers instead of the one that is written by hand.
    ours: Option<TokenApi>,
    pub(super) catalog: Catalog,
    pub(super) operator: String,
    /// The number of requests so far.
    pub(super) requests: AtomicUsize,
    /// The digest of each deleted token, with the number of the request that deleted it.
    pub(super) deleted: Mutex<HashMap<Digest, usize>>,
    /// The ID of each supplied token, by its name.
    pub(super) names: Mutex<HashMap<String, String>>,
    /// Other state of a wrong server.
    pub(super) notes: Mutex<HashMap<String, usize>>,
    /// Lets a wrong server handle one request at a time.
    pub(super) turn: tokio::sync::Mutex<()>,
}

impl Right {
    pub(super) async fn in_memory() -> Arc<Self> {
        Arc::new(Self::over(Arc::new(MemoryStore::new())).await)
    }

    /// This project's server.
    pub(super) async fn ours(store: Arc<dyn TokenStore>) -> Arc<Self> {
        let right = Self::over(store).await;
        Arc::new(Self { ours: Some(TokenApi::new(right.catalog.clone())), ..right })
    }

    async fn over(store: Arc<dyn TokenStore>) -> Self {
        let catalog = Catalog::open(store, Arc::new(SystemClock)).await.unwrap();
        let (_, operator) = create(&catalog, TokenName::OPERATOR, "*:*:*", None).await;
        Self {
            ours: None,
            catalog,
            operator,
            requests: AtomicUsize::new(0),
            deleted: Mutex::default(),
            names: Mutex::default(),
            notes: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
        }
    }

    /// The response of the right server.
    pub(super) async fn answer(&self, head: &Parts) -> Answer {
        let (before, id) = (self.named(head), self.requests.fetch_add(1, Ordering::SeqCst));
        let answer = match &self.ours {
            None => api::answer(&self.catalog, head).await,
            Some(ours) => {
                let response = ours.handle(Request::from_parts(head.clone(), Empty::<Bytes>::new())).await;
                let (parts, body) = response.into_parts();
                Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
            }
        };
        if let Some(target) = before.filter(|target| !self.catalog.live().contains(target.id())) {
            self.deleted.lock().unwrap().insert(*target.digest(), id);
        }
        answer
    }

    /// The live token whose ID a request names.
    pub(super) fn named(&self, head: &Parts) -> Option<Principal> {
        self.catalog.live().by_id(parameter(head, "id")?.parse().ok()?)
    }

    /// Deletes a token on behalf of the operator.
    pub(super) async fn delete(&self, id: impl ToString) {
        let operator = self.catalog.authenticate(&self.operator).unwrap();
        // It may be deleted already.
        let _ = self.catalog.delete(&operator, &id.to_string()).await;
    }

    /// Makes the operator the caller of a request.
    pub(super) fn promote(&self, head: &mut Parts) {
        head.headers.insert(AUTHORIZATION, bearer(&self.operator));
    }

    /// A check of the server at an address, with tokens of this catalog.
    pub(super) fn contract(self: &Arc<Self>, address: &str) -> Contract {
        let contract = Contract::new(address, Secret(self.operator.clone())).tokens(Source(Arc::clone(self)));
        let contract = if self.ours.is_some() { contract } else { contract.api(api::api()) };
        // Many servers are checked at the same time, perhaps on a slow machine.
        contract.timeout(Duration::from_secs(60))
    }

    /// Serves until the runtime ends. With a change, this is a wrong server.
    pub(super) async fn serve(self: &Arc<Self>, change: Option<Change>) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let right = Arc::clone(self);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let right = Arc::clone(&right);
                let service = service_fn(move |request: Request<Incoming>| {
                    let right = Arc::clone(&right);
                    async move {
                        let (mut head, body) = request.into_parts();
                        // A client may disconnect before it has sent its body.
                        let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
                        head.extensions.insert(body);
                        let answer = match change {
                            None => Some(right.answer(&head).await),
                            Some(change) => change.answer(&right, head).await,
                        };
                        answer.map(|answer| answer.map(Full::new)).ok_or_else(|| io::Error::other("closed on purpose"))
                    }
                });
                tokio::spawn(async move {
                    // The client may disconnect at any time; ignore the error.
                    let _ =
                        auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        address
    }
}

struct Source(Arc<Right>);

#[async_trait]
impl TokenSource for Source {
    async fn issue(&self, wanted: &WantedToken) -> Result<IssuedToken, NotIssued> {
        let permissions = wanted.permission.as_deref().unwrap_or("*:*:*");
        let (token, secret) = create(&self.0.catalog, &wanted.name, permissions, wanted.expires_in).await;
        self.0.names.lock().unwrap().insert(wanted.name.clone(), token.id.to_string());
        Ok(IssuedToken::new(token.id.to_string(), &wanted.name, Secret(secret)))
    }
}

pub(super) fn bearer(secret: &str) -> HeaderValue {
    HeaderValue::try_from(format!("Bearer {secret}")).unwrap()
}

/// The secret after `Bearer`, as it was sent.
pub(super) fn presented(head: &Parts) -> Option<&str> {
    head.headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// The value of `Authorization`; empty if it is not ASCII.
pub(super) fn authorization(head: &Parts) -> &str {
    head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The first value of a query parameter, as it was sent.
pub(super) fn parameter<'h>(head: &'h Parts, name: &str) -> Option<&'h str> {
    pairs(head).find(|(other, _)| *other == name).map(|(_, value)| value)
}

pub(super) fn pairs(head: &Parts) -> impl DoubleEndedIterator<Item = (&str, &str)> {
    head.uri.query().unwrap_or_default().split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Changes the path and query of a request.
pub(super) fn redirect(head: &mut Parts, target: &str) {
    head.uri = target.parse().unwrap();
}

pub(super) fn set_status(answer: &mut Answer, status: u16) {
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
}
