//! Counts the instructions of the hot paths. `tools/instructions.py` compares them with `instructions.txt`.
//!
//! The count covers the body of a benchmark function, but not the drop of what it borrows or returns. Set-up runs the
//! same call once before and checks its result, so first-time work is not counted.

#![allow(missing_docs, reason = "the macros' items are public")]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;

use futures::FutureExt;
use gungraun::{library_benchmark, library_benchmark_group, main};
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use influxdb3_token_api::server::Body;
use influxdb3_tokens::{
    Action, Catalog, Guarded, MemoryStore, NewToken, Permissions, Principal, SystemClock, TokenApi,
};
use sha2::{Digest, Sha512};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::runtime::{self, Runtime};
use tower::util::ServiceFn;
use tower::{Layer, Service};

/// The number of live tokens.
const TOKENS: u64 = 1_000;

/// The number of requests on a connection.
const REQUESTS: usize = 100;

const PATH: &str = "/api/v3/configure/token";

library_benchmark_group!(name = hot_paths, benchmarks = [sha512, authenticate, handle, require_token, http1]);
main!(library_benchmark_groups = hot_paths);

// The lower bound of `authenticate`.
#[library_benchmark(setup = hashed)]
#[bench::secret(&secret(1))]
fn sha512(secret: &str) -> [u8; 64] {
    Sha512::digest(secret).into()
}

#[library_benchmark(setup = presented)]
#[bench::valid(&secret(1), true)]
#[bench::unknown(&secret(TOKENS + 1), false)]
#[bench::longest(&format!("apiv3_{}", "x".repeat(512)), false)]
#[bench::malformed(&secret(1).replace("1A", " A"), false)]
fn authenticate((catalog, secret): (&Catalog, &str)) -> Option<Principal> {
    catalog.authenticate(secret)
}

// The whole service, without a socket.
#[library_benchmark(setup = requested)]
#[bench::without_credentials(401, |id| request("DELETE", &format!("{PATH}?id={id}"), None))]
#[bench::unknown_path(404, |_| request("DELETE", "/api/v3/configure/tokens", Some(1)))]
#[bench::other_method(405, |_| request("GET", PATH, Some(1)))]
#[bench::without_id(400, |_| request("DELETE", PATH, Some(1)))]
#[bench::unknown_id(404, |_| request("DELETE", &format!("{PATH}?id=1000000"), Some(1)))]
#[bench::deleted(204, |id| request("DELETE", &format!("{PATH}?id={id}"), Some(1)))]
fn handle((api, request): (&TokenApi, Request<NoBody>)) {
    black_box(at_once(api.handle(request)));
}

// An empty route of a larger server, behind the layer.
#[library_benchmark(setup = guarded)]
#[bench::admitted(204, Some(1))]
#[bench::rejected(401, Some(TOKENS + 1))]
fn require_token((route, request): (&mut Guarded<Route>, Request<NoBody>)) {
    let _ = black_box(at_once(route.call(request)));
}

// One connection, from bytes to bytes.
#[library_benchmark(teardown = closed)]
#[bench::without_credentials(connection(api(), 401, None))]
#[bench::unknown_id(connection(api(), 404, Some(1)))]
#[bench::hyper_alone(connection(service_fn(no_content), 204, None))]
fn http1(mut connection: Connection) -> Connection {
    connection.serve();
    connection
}

type NoBody = Empty<&'static [u8]>;

type Route = ServiceFn<fn(Request<NoBody>) -> Ready<Result<Response<NoBody>, Infallible>>>;

fn hashed(secret: &str) -> &'static str {
    black_box(Sha512::digest(secret));
    leak(secret.to_owned())
}

fn presented(secret: &str, known: bool) -> (&'static Catalog, &'static str) {
    let catalog = leak(catalog());
    assert_eq!(catalog.authenticate(secret).is_some(), known);
    (catalog, leak(secret.to_owned()))
}

/// `request` builds a request for the ID of a live token. Each call gets another ID.
fn requested(status: u16, request: fn(u64) -> Request<NoBody>) -> (&'static TokenApi, Request<NoBody>) {
    let api = leak(api());
    // Several times, to fill glibc's cache of freed blocks. Otherwise the count depends on the heap that the set-up has
    // left: one block that is not in the cache costs 350 instructions.
    for id in 2..10 {
        assert_eq!(at_once(api.handle(request(id))).status(), status);
    }
    (api, request(10))
}

fn guarded(status: u16, token: Option<u64>) -> (&'static mut Guarded<Route>, Request<NoBody>) {
    let layer = api().require_token().database_in_query(Action::Write, "db");
    let route: Route = tower::service_fn(|_| ready(Ok(empty(StatusCode::NO_CONTENT))));
    let route = leak(layer.layer(route));
    let make = || request("POST", "/api/v3/write_lp?db=home", token);
    assert_eq!(at_once(route.call(make())).map(|response| response.status().as_u16()), Ok(status));
    (route, make())
}

/// A connection that has received all requests and has not read them yet.
fn connection<S>(service: S, status: u16, token: Option<u64>) -> Connection
where
    S: hyper::service::Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + Clone + 'static,
{
    let mut first = Connection::new(service.clone(), status, token, 1);
    first.serve();
    closed(first);
    Connection::new(service, status, token, REQUESTS)
}

struct Connection {
    runtime: Runtime,
    served: Pin<Box<dyn Future<Output = hyper::Result<()>>>>,
    client: DuplexStream,
    status_line: String,
    requests: usize,
}

impl Connection {
    fn new<S>(service: S, status: u16, token: Option<u64>, requests: usize) -> Self
    where
        S: hyper::service::Service<Request<Incoming>, Response = Response<Body>, Error = Infallible> + 'static,
    {
        let runtime = runtime::Builder::new_current_thread().build().expect("a runtime without drivers");
        // The buffer holds everything, so neither side waits.
        let (mut client, server) = tokio::io::duplex(1 << 20);
        let authorization = token.map(|token| format!("authorization: {}\r\n", bearer(token))).unwrap_or_default();
        let head = format!("DELETE {PATH}?id=1000000 HTTP/1.1\r\nhost: localhost\r\n{authorization}");
        let text = format!("{head}\r\n").repeat(requests - 1) + &head + "connection: close\r\n\r\n";
        runtime.block_on(client.write_all(text.as_bytes())).expect("the buffer holds all requests");
        let served = Box::pin(Builder::new().serve_connection(TokioIo::new(server), service));
        Self { runtime, served, client, status_line: format!("HTTP/1.1 {status} "), requests }
    }

    fn serve(&mut self) {
        self.runtime.block_on(&mut self.served).expect("the connection ends without an error");
    }
}

fn closed(connection: Connection) {
    let Connection { runtime, served, mut client, status_line, requests } = connection;
    drop(served);
    let mut responses = String::new();
    runtime.block_on(client.read_to_string(&mut responses)).expect("the responses are text");
    assert_eq!(responses.matches(&status_line).count(), requests, "{responses}");
}

async fn no_content(_: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    Ok(empty(StatusCode::NO_CONTENT))
}

fn empty<B: Default>(status: StatusCode) -> Response<B> {
    let mut response = Response::new(B::default());
    *response.status_mut() = status;
    response
}

fn request(method: &str, target: &str, token: Option<u64>) -> Request<NoBody> {
    let mut request = Request::builder().method(method).uri(target).header("host", "localhost");
    if let Some(token) = token {
        request = request.header("authorization", bearer(token));
    }
    request.body(Empty::new()).expect("the parts are well-formed")
}

fn api() -> TokenApi {
    TokenApi::new(catalog())
}

/// Admin tokens with the IDs and the secrets 1 to [`TOKENS`].
fn catalog() -> Catalog {
    let opened = Catalog::open(Arc::new(MemoryStore::new()), Arc::new(SystemClock));
    let catalog = at_once(opened).expect("a store in memory can be loaded");
    for number in 1..=TOKENS {
        let name = format!("token {number}").parse().expect("a name");
        let token = NewToken::given(name, Permissions::ADMIN, &secret(number).parse().expect("a secret"));
        let token = at_once(catalog.create(token)).expect("the token is new");
        assert_eq!(token.id.to_string(), number.to_string());
    }
    catalog
}

fn bearer(number: u64) -> String {
    format!("Bearer {}", secret(number))
}

fn secret(number: u64) -> String {
    format!("apiv3_{number:0>85}A")
}

/// The output of a future that never waits.
fn at_once<F: Future>(future: F) -> F::Output {
    future.now_or_never().expect("the future is ready at the first poll")
}

/// Leaks a value, so that its drop is not counted.
fn leak<T: 'static>(value: T) -> &'static mut T {
    Box::leak(Box::new(value))
}
