//! Measuring calls that take nanoseconds, turn by turn.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use influxdb3_tokens::Secret;

use crate::OPERATOR;

/// The least duration of a turn.
const TURN: Duration = Duration::from_millis(20);

/// The number of turns of each measurement. The result is their median.
pub const TURNS: usize = 15;

/// Secrets one after the other in memory, so that the next one is in the cache, as the secret of a request is. Their
/// order does not follow the order of the tokens in memory.
pub struct Texts(String);

impl Texts {
    const LENGTH: usize = OPERATOR.len();

    pub fn of(mut secrets: Vec<Secret>) -> Self {
        secrets.sort_by(|one, other| one.expose().cmp(other.expose()));
        Self(secrets.iter().map(Secret::expose).collect())
    }

    fn len(&self) -> usize {
        self.0.len() / Self::LENGTH
    }

    /// Repeats all of them, starting with the one at `index`.
    fn from(&self, index: usize) -> impl Iterator<Item = &str> {
        let nth = |index: usize| &self.0[index * Self::LENGTH..][..Self::LENGTH];
        (0..self.len()).cycle().skip(index).map(nth)
    }
}

/// Calls `call` in this many threads, each of which starts at another secret, and returns the nanoseconds per call in
/// one thread.
pub fn turn(threads: usize, secrets: &Texts, call: impl Fn(&str) + Sync) -> f64 {
    let run = |thread: usize| {
        // Start elsewhere each time: the previous turn left its tokens in the cache.
        static PLACE: AtomicUsize = AtomicUsize::new(0);
        let place = PLACE.fetch_add(99_991, Ordering::Relaxed) + thread * secrets.len() / threads;
        let mut secrets = secrets.from(place % secrets.len());
        let (begun, mut calls) = (Instant::now(), 0_u32);
        while begun.elapsed() < TURN {
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
