//! Compares how long it takes to refuse an unknown, a deleted and an expired token: for a client over loopback, in the
//! service, and in the authentication alone. It fails if the client can tell them apart, or if the others differ by more
//! than a client could ever measure.
//!
//! The classes take turns in a random order, so that a change of the machine's speed affects all alike. Of each pair it
//! prints Welch's t without the slowest tenth of all samples, which interrupts cause, as dudect does ("Dude, is my code
//! constant time?", DATE 2017). Above 4.5 the means differ beyond doubt; the difference itself says how much.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt;
use hyper::{Request, StatusCode};
use influxdb3_tokens::{Catalog, Clock, MemoryStore, NewToken, Permissions, Secret, Timestamp, TokenApi};
use influxdb3_tokens_server::{listen, serve};
use tokio::runtime::{Builder, Runtime};

const CLASSES: [&str; 3] = ["unknown", "deleted", "expired"];

/// Secrets of each class.
const SECRETS: usize = 1000;

/// Rounds over loopback, in each of which every class has one turn, unless the first argument says how many. Ten times as
/// many are made inside the process.
const ROUNDS: usize = 100_000;

/// The largest difference of two means inside the process that passes, in nanoseconds.
const NEGLIGIBLE: f64 = 100.0;

/// Beyond this, the means of two classes differ.
const SIGNIFICANT: f64 = 4.5;

fn main() -> ExitCode {
    let clock = Arc::new(SetClock::default());
    let (catalog, secrets) = at_once(secrets(&clock));
    let api = TokenApi::new(catalog.clone());
    let rounds = std::env::args().nth(1).map_or(ROUNDS, |rounds| rounds.parse().expect("a number of rounds"));
    let mut client = Client::connect(api.clone());
    let client = compare("a client over loopback", &secrets, rounds, |secret| client.refused(secret));
    let service = compare("the service", &secrets, 10 * rounds, |secret| {
        let request = Request::delete("/api/v3/configure/token?id=7").header("host", "localhost");
        let request = request.header("authorization", format!("Bearer {secret}")).body(String::new());
        let request = request.expect("the parts are well-formed");
        let begun = Instant::now();
        let response = at_once(api.handle(request));
        let took = begun.elapsed();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        took
    });
    let alone = compare("authentication alone", &secrets, 10 * rounds, |secret| {
        let begun = Instant::now();
        let principal = catalog.authenticate(secret);
        let took = begun.elapsed();
        assert!(principal.is_none());
        took
    });
    let is_alike = client.t <= SIGNIFICANT && service.difference <= NEGLIGIBLE && alone.difference <= NEGLIGIBLE;
    println!("{}", if is_alike { "alike" } else { "NOT ALIKE" });
    if is_alike { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A connection to a server in this process.
struct Client {
    stream: TcpStream,
    /// Every response has the same length.
    response: Vec<u8>,
    _runtime: Runtime,
}

impl Client {
    fn connect(api: TokenApi) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let entered = runtime.enter();
        let listener = listen(([127, 0, 0, 1], 0).into()).expect("a port");
        let address = listener.local_addr().expect("an address");
        runtime.spawn(serve(listener, api, std::future::pending()));
        drop(entered);
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("an option of TCP");
        let secret = Secret::generate().expect("entropy");
        stream.write_all(Self::request(secret.expose()).as_bytes()).expect("a request");
        // One read, because the response is sent at once.
        let mut response = vec![0; 4096];
        let length = stream.read(&mut response).expect("a response");
        response.truncate(length);
        Self { stream, response, _runtime: runtime }
    }

    fn request(secret: &str) -> String {
        format!(
            "DELETE /api/v3/configure/token?id=7 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {secret}\r\n\r\n"
        )
    }

    fn refused(&mut self, secret: &str) -> Duration {
        let request = Self::request(secret);
        let begun = Instant::now();
        self.stream.write_all(request.as_bytes()).expect("a request");
        self.stream.read_exact(&mut self.response).expect("a response");
        let took = begun.elapsed();
        assert!(self.response.starts_with(b"HTTP/1.1 401 ") && self.response.ends_with(b"}"));
        took
    }
}

/// The largest difference of two classes.
struct Comparison {
    t: f64,
    /// In nanoseconds.
    difference: f64,
}

#[derive(Debug, Default)]
struct SetClock(AtomicU64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed)).expect("a time")
    }
}

/// The catalog, and the secrets of each class.
async fn secrets(clock: &Arc<SetClock>) -> (Catalog, [Vec<String>; 3]) {
    let opened = Catalog::open(Arc::new(MemoryStore::new()), Arc::clone(clock) as _).await;
    let catalog = opened.expect("a store in memory can be loaded");
    let operator = Secret::generate().expect("entropy");
    let operator = NewToken::given("_admin".parse().expect("a name"), Permissions::ADMIN, &operator);
    let operator = catalog.create(operator).await.expect("the first token");
    let mut secrets = [const { Vec::new() }; 3];
    for number in 0..SECRETS {
        secrets[0].push(Secret::generate().expect("entropy").expose().to_owned());
        for (class, lifetime) in [(1, None), (2, Some(Duration::from_secs(1))), (3, None)] {
            let name = format!("token {number} of {class}");
            let (_, secret) = catalog.create_fresh(&name, Permissions::ADMIN, lifetime).await.expect("a new token");
            if class == 1 {
                let admin = catalog.live().by_id(operator.id).expect("the operator token");
                catalog.delete_by_name(&admin, &name).await.expect("the token exists");
            }
            // The others stay valid.
            if class < 3 {
                secrets[class].push(secret.expose().to_owned());
            }
        }
    }
    clock.0.store(10_000, Ordering::Relaxed);
    (catalog, secrets)
}

/// Measures each class, and prints the comparison.
fn compare(
    what: &str,
    secrets: &[Vec<String>; 3],
    rounds: usize,
    mut measure: impl FnMut(&str) -> Duration,
) -> Comparison {
    let mut samples = [const { Vec::new() }; 3];
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..rounds {
        // xorshift64
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        for turn in 0..3 {
            let class = (turn + usize::try_from(random % 3).expect("small")) % 3;
            let class = if random & (1 << 40) == 0 { class } else { 2 - class };
            samples[class].push(measure(&secrets[class][round % SECRETS]).as_nanos() as f64);
        }
    }
    let mut all: Vec<f64> = samples.iter().flatten().copied().collect();
    all.sort_by(f64::total_cmp);
    let slowest = all[all.len() / 10 * 9];
    samples.iter_mut().for_each(|samples| samples.retain(|sample| *sample <= slowest));
    println!("{what}:");
    for (class, samples) in CLASSES.iter().zip(&samples) {
        let (mean, variance) = moments(samples);
        println!("  {class}: {} samples, mean {mean:.1} ns, deviation {:.1} ns", samples.len(), variance.sqrt());
    }
    let mut largest = Comparison { t: 0.0, difference: 0.0 };
    for (a, b) in [(0, 1), (0, 2), (1, 2)] {
        let ((mean_a, variance_a), (mean_b, variance_b)) = (moments(&samples[a]), moments(&samples[b]));
        let error = (variance_a / samples[a].len() as f64 + variance_b / samples[b].len() as f64).sqrt();
        let (difference, t) = (mean_b - mean_a, (mean_b - mean_a) / error);
        println!("  {} to {}: {difference:+.1} ns, t = {t:+.1}", CLASSES[a], CLASSES[b]);
        largest.t = largest.t.max(t.abs());
        largest.difference = largest.difference.max(difference.abs());
    }
    largest
}

/// The mean and the variance.
fn moments(samples: &[f64]) -> (f64, f64) {
    let count = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / count;
    (mean, samples.iter().map(|sample| (sample - mean).powi(2)).sum::<f64>() / (count - 1.0))
}

/// The output of a future that never waits.
fn at_once<F: Future>(future: F) -> F::Output {
    future.now_or_never().expect("the future is ready at the first poll")
}
