//! `authenticate COUNT`: measures `Catalog::authenticate` with `COUNT` tokens, and prints nanoseconds per call as JSON.
//!
//! The measurement takes turns with its lower bounds: SHA-512 of a secret, and SHA-512 with one read of memory at a
//! place that depends on the digest.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use bench_programs::Failure;
use bench_programs::turns::{TURNS, Texts, turn};
use influxdb3_tokens::{Catalog, MemoryStore, Principal, Secret, SystemClock};
use sha2::{Digest, Sha512};

fn main() -> Result<(), Failure> {
    let count = std::env::args().nth(1).ok_or("usage: authenticate COUNT")?.parse::<u64>()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let (catalog, secrets) = runtime.block_on(async {
        let catalog = Catalog::open(Arc::new(MemoryStore::new()), Arc::new(SystemClock)).await?;
        let secrets = bench_programs::create(&catalog, count).await?;
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
        // The next call waits for this read, as the handler of a request waits for its principal.
        fence(Ordering::SeqCst);
    };
    let authenticate = |secret: &str| {
        black_box(catalog.authenticate(black_box(secret)));
    };
    let mut figures = BTreeMap::new();
    for threads in [1, 2] {
        let mut turns: [Vec<f64>; 4] = Default::default();
        for _ in 0..TURNS {
            turns[0].push(turn(threads, &secrets, sha512));
            turns[1].push(turn(threads, &secrets, authenticate));
            turns[2].push(turn(threads, &unknown, authenticate));
            turns[3].push(turn(threads, &secrets, sha512_and_read));
        }
        for (name, turns) in ["sha512", "hit", "miss", "read"].into_iter().zip(turns) {
            figures.insert(format!("{name}/{threads}"), median(turns));
        }
    }
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
