//! `authenticate COUNT`: what `Catalog::authenticate` takes with so many tokens, in nanoseconds a call, as JSON.
//!
//! It is measured in turn with its limits, a slice of time each: SHA-512 of a secret alone, and SHA-512 with one read of
//! memory at a place that only the digest tells.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering, fence};
use std::time::{Duration, Instant};

use influxdb3_tokens::{Catalog, MemoryStore, Principal, Secret, SystemClock};
use programs::{Failure, OPERATOR};
use sha2::{Digest, Sha512};

/// How long one slice is at least.
const SLICE: Duration = Duration::from_millis(20);

/// How many slices there are of each; the median counts.
const SLICES: usize = 15;

fn main() -> Result<(), Failure> {
    let count = std::env::args().nth(1).ok_or("usage: authenticate COUNT")?.parse::<u64>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (catalog, secrets) = runtime.block_on(async {
        let catalog = Catalog::open(Arc::new(MemoryStore::new()), Arc::new(SystemClock)).await?;
        let secrets = programs::create(&catalog, count).await?;
        Ok::<_, Failure>((catalog, Texts::of(secrets)))
    })?;
    let unknown = Texts::of((0..count).map(|_| Secret::generate()).collect::<Result<_, _>>()?);

    let sha512 = |secret: &str| {
        black_box(Sha512::digest(black_box(secret)));
    };
    let memory = vec![[1_u8; size_of::<Principal>()]; usize::try_from(count)?];
    let sha512_and_read = |secret: &str| {
        let [a, b, c, d, ..] = <[u8; 64]>::from(Sha512::digest(black_box(secret)));
        let place = (u64::from(u32::from_le_bytes([a, b, c, d])) * memory.len() as u64) >> 32;
        black_box(memory[place as usize]);
        // Without it, what comes next would not wait for the read, as it does where someone authenticates.
        fence(Ordering::SeqCst);
    };
    let authenticate = |secret: &str| {
        black_box(catalog.authenticate(black_box(secret)));
    };
    let mut figures = BTreeMap::new();
    for threads in [1, 2] {
        let mut slices: [Vec<f64>; 4] = Default::default();
        for _ in 0..SLICES {
            slices[0].push(slice(threads, &secrets, sha512));
            slices[1].push(slice(threads, &secrets, authenticate));
            slices[2].push(slice(threads, &unknown, authenticate));
            slices[3].push(slice(threads, &secrets, sha512_and_read));
        }
        for (name, slices) in ["sha512", "hit", "miss", "read"].into_iter().zip(slices) {
            figures.insert(format!("{name}/{threads}"), median(slices));
        }
    }
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

/// Secrets one after the other in memory, so that a call finds the next one in the cache, where that of a request is,
/// and in an order that has nothing to do with where the tokens are.
struct Texts(String);

impl Texts {
    const LENGTH: usize = OPERATOR.len();

    fn of(mut secrets: Vec<Secret>) -> Self {
        secrets.sort_by(|one, other| one.expose().cmp(other.expose()));
        Self(secrets.iter().map(Secret::expose).collect())
    }

    fn len(&self) -> usize {
        self.0.len() / Self::LENGTH
    }

    /// All of them again and again, beginning with the one at `index`.
    fn from(&self, index: usize) -> impl Iterator<Item = &str> {
        let nth = |index: usize| &self.0[index * Self::LENGTH..][..Self::LENGTH];
        (0..self.len()).cycle().skip(index).map(nth)
    }
}

/// Calls `call` in so many threads, each with all secrets in turn from a place of its own, and returns the nanoseconds
/// that a call took in one thread.
fn slice(threads: usize, secrets: &Texts, call: impl Fn(&str) + Sync) -> f64 {
    let run = |thread: usize| {
        // Another place each time, so that no slice finds what the one before it has left in the cache.
        static PLACE: AtomicUsize = AtomicUsize::new(0);
        let place = PLACE.fetch_add(99_991, Ordering::Relaxed) + thread * secrets.len() / threads;
        let mut secrets = secrets.from(place % secrets.len());
        let (begun, mut calls) = (Instant::now(), 0_u32);
        while begun.elapsed() < SLICE {
            secrets.by_ref().take(256).for_each(&call);
            calls += 256;
        }
        begun.elapsed().as_nanos() as f64 / f64::from(calls)
    };
    let run = &run;
    let times: Vec<f64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run(thread))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no call panics")).collect()
    });
    times.iter().sum::<f64>() / threads as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
