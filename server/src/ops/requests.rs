//! Counts the requests for the API, and how their credentials fared.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use influxdb3_token_api::security::{AuthenticationError, AuthenticationOutcome};
use influxdb3_token_api::server::{Body, Rejection};
use influxdb3_token_api::{OPERATIONS, Operation};
use influxdb3_tokens::{Distribution, Histogram, Principal, RequireToken, TokenApi};
use influxdb3_tokens_server::Service;

/// The API, whose requests are counted.
#[derive(Clone, Debug)]
pub(crate) struct Counted {
    api: TokenApi,
    requests: Arc<Requests>,
}

impl Counted {
    pub(crate) fn new(api: TokenApi, requests: Arc<Requests>) -> Self {
        Self { api, requests }
    }

    /// Whether a request asks for an operation.
    pub(super) fn has<B>(&self, request: &Request<B>) -> bool {
        self.api.operation(request.method(), request.uri().path()).is_some()
    }
}

impl Service for Counted {
    async fn handle(&self, request: Request<Incoming>) -> Response<Body> {
        let begun = Instant::now();
        let operation = self.api.operation(request.method(), request.uri().path());
        let response = self.api.handle(request).await;
        self.requests.count(operation, &response, begun.elapsed());
        response
    }

    fn reject(&self, rejection: &Rejection, request: Request<Incoming>) -> Response<Body> {
        let response = self.api.reject(rejection, request);
        self.requests.count(None, &response, Duration::ZERO);
        response
    }
}

/// Counts the credentials of the requests for another route than an operation. `accept` decides whether a principal may
/// have what it asks for.
pub(super) fn counted(
    require: RequireToken,
    requests: &Arc<Requests>,
    accept: impl Fn(&Parts, &Principal) -> Result<(), Rejection> + Send + Sync + 'static,
) -> RequireToken {
    let (accepted, rejected) = (Arc::clone(requests), Arc::clone(requests));
    require
        .accepted_by(move |parts, principal| {
            let outcome = accept(parts, principal);
            if outcome.as_ref().err().and_then(|rejection| rejection.authentication().rejection()).is_none() {
                accepted.count_authentication(AuthenticationOutcome::Accepted);
            }
            outcome
        })
        .rejections(move |rejection, response| {
            rejected.count_authentication(rejection.authentication());
            response
        })
}

/// The statuses that a response can have.
const STATUSES: std::ops::Range<u16> = 100..600;

/// The upper bounds of the durations that are told apart.
const NANOSECONDS: &[u64] = &[
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    1_000_000_000,
    10_000_000_000,
];

/// How often each operation was answered with each status. Nothing that a client chooses makes it larger.
#[derive(Debug)]
pub(crate) struct Requests {
    /// One for each operation, in the document's order, and one for requests that ask for none.
    operations: Vec<OfOperation>,
    accepted: AtomicU64,
    rejected: [AtomicU64; REASONS.len()],
}

/// Why credentials are rejected. The others are not reasons of a 401.
const REASONS: [AuthenticationError; 7] = [
    AuthenticationError::Missing,
    AuthenticationError::Malformed,
    AuthenticationError::Refused,
    AuthenticationError::Unknown,
    AuthenticationError::Expired,
    AuthenticationError::Deleted,
    AuthenticationError::InsufficientScope,
];

#[derive(Debug)]
struct OfOperation {
    /// The statuses that are shown before a request had them.
    declared: Vec<u16>,
    statuses: Box<[AtomicU64]>,
    durations: Histogram,
}

impl OfOperation {
    fn new(declared: Vec<u16>) -> Self {
        let statuses = STATUSES.map(|_| AtomicU64::new(0)).collect();
        Self { declared, statuses, durations: Histogram::new(NANOSECONDS) }
    }
}

impl Requests {
    pub(crate) fn new() -> Arc<Self> {
        let declared = |operation: &Operation| STATUSES.filter(|status| operation.declares(*status)).collect();
        let operations = OPERATIONS.iter().map(declared).map(OfOperation::new);
        let operations = operations.chain([OfOperation::new(vec![404])]).collect();
        Arc::new(Self { operations, accepted: AtomicU64::new(0), rejected: Default::default() })
    }

    fn count(&self, operation: Option<&Operation>, response: &Response<Body>, took: Duration) {
        let index = operation.and_then(|asked| OPERATIONS.iter().position(|operation| operation.id == asked.id));
        let of_operation = &self.operations[index.unwrap_or(OPERATIONS.len())];
        let status = usize::from(response.status().as_u16().saturating_sub(STATUSES.start));
        if let Some(count) = of_operation.statuses.get(status) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        if index.is_some() {
            of_operation.durations.observe(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        }
        self.count_authentication(response.body().authentication());
    }

    fn count_authentication(&self, outcome: AuthenticationOutcome) {
        let count = match outcome {
            AuthenticationOutcome::Unchecked => None,
            AuthenticationOutcome::Accepted => Some(&self.accepted),
            AuthenticationOutcome::Rejected(reason) => {
                REASONS.iter().position(|counted| *counted == reason).map(|index| &self.rejected[index])
            }
        };
        if let Some(count) = count {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The operations, by their IDs and `none`, with the number of responses of each status.
    pub(super) fn responses(&self) -> impl Iterator<Item = (&'static str, u16, u64)> {
        self.named().flat_map(|(name, of_operation)| {
            let counts = of_operation.statuses.iter().map(|count| count.load(Ordering::Relaxed));
            STATUSES
                .zip(counts)
                .filter(|(status, count)| *count > 0 || of_operation.declared.contains(status))
                .map(move |(status, count)| (name, status, count))
        })
    }

    /// How long the responses of each operation took, in nanoseconds.
    pub(super) fn durations(&self) -> impl Iterator<Item = (&'static str, Distribution)> {
        OPERATIONS.iter().zip(&self.operations).map(|(operation, of)| (operation.id, of.durations.distribution()))
    }

    /// How many credentials were accepted and rejected: outcome, reason, number.
    pub(super) fn authentications(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        let rejected = REASONS.iter().zip(&self.rejected);
        let rejected = rejected.map(|(reason, count)| ("rejected", reason.reason(), count.load(Ordering::Relaxed)));
        [("accepted", "none", self.accepted.load(Ordering::Relaxed))].into_iter().chain(rejected)
    }

    fn named(&self) -> impl Iterator<Item = (&'static str, &OfOperation)> {
        OPERATIONS.iter().map(|operation| operation.id).chain(["none"]).zip(&self.operations)
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn response(status: u16, outcome: AuthenticationOutcome) -> Response<Body> {
        let mut response = Response::<Body>::default();
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response.body_mut().set_authentication(outcome);
        response
    }

    #[test]
    fn every_reason_of_a_401_is_counted_apart() {
        let requests = Requests::new();
        for (index, reason) in REASONS.into_iter().enumerate() {
            (0..=index).for_each(|_| {
                requests.count(
                    Some(&OPERATIONS[0]),
                    &response(401, AuthenticationOutcome::Rejected(reason)),
                    Duration::ZERO,
                )
            });
        }
        requests.count(Some(&OPERATIONS[0]), &response(404, AuthenticationOutcome::Accepted), Duration::ZERO);
        requests.count(None, &response(404, AuthenticationOutcome::Unchecked), Duration::ZERO);
        let counts: Vec<_> = requests.authentications().map(|(_, _, count)| count).collect();
        assert_eq!(counts, [1, 1, 2, 3, 4, 5, 6, 7]);
        let responses: Vec<_> = requests.responses().filter(|(.., count)| *count > 0).collect();
        assert_eq!(responses, [(OPERATIONS[0].id, 401, 28), (OPERATIONS[0].id, 404, 1), ("none", 404, 1)]);
    }

    #[test]
    fn a_credential_that_was_not_looked_at_is_not_counted() {
        let store = Arc::new(influxdb3_tokens::MemoryStore::new());
        let api = futures::executor::block_on(TokenApi::builder(store).build()).unwrap();
        let operation = &OPERATIONS[0];
        let request = Request::builder().method(&operation.method).uri(operation.path).header("host", "a b");
        let response = futures::executor::block_on(api.handle(request.body(Body::empty()).unwrap()));
        assert_eq!(response.status(), 400);
        let requests = Requests::new();
        requests.count(Some(operation), &response, Duration::ZERO);
        assert!(requests.authentications().all(|(_, _, count)| count == 0));
    }

    #[test]
    fn strange_statuses_make_no_series_of_their_own() {
        let requests = Requests::new();
        let before = requests.responses().count();
        requests.count(None, &response(999, AuthenticationOutcome::Unchecked), Duration::ZERO);
        assert_eq!(requests.responses().count(), before);
    }
}
