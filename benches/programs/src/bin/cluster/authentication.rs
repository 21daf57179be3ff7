//! A live token over `EtcdStore` and over `SqliteStore`, and secrets that no store has.

use std::fs::Permissions;
use std::hint::black_box;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Instant;

use bench_programs::Failure;
use bench_programs::etcd::Members;
use bench_programs::turns::{TURNS, Texts, turn};
use futures::future::join_all;
use influxdb3_tokens::{Catalog, Secret, SqliteStore, SystemClock};
use serde_json::{Value, json};
use sha2::{Digest, Sha512};

use crate::OURS;
use crate::measure::{Figures, percentile};

pub async fn authentication(members: &Members, count: u64) -> Result<Value, Failure> {
    /// Misses one after the other, and at the same time.
    const MISSES: usize = 1_000;
    // The store refuses a folder that others may read.
    let folder = tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir()?;
    let sqlite = SqliteStore::open(folder.path().join("tokens.db"))?;
    let sqlite = Catalog::open(Arc::new(sqlite), Arc::new(SystemClock)).await?;
    let in_sqlite = Texts::of(bench_programs::create(&sqlite, count).await?);
    let in_etcd = Texts::of(members.fill(OURS, count).await?);
    let etcd = members.node(0, OURS).await?;
    let mut figures = Figures::new();
    let mut add = |name: &str, value| figures.entry(name.to_owned()).or_default().push(value);
    for _ in 0..TURNS {
        let sha512 = turn(1, &in_etcd, |secret| _ = black_box(Sha512::digest(black_box(secret))));
        let hit =
            |catalog: &Catalog, secret: &str| assert!(black_box(catalog.authenticate(black_box(secret))).is_some());
        let [in_sqlite, in_etcd] = [
            tokio::task::block_in_place(|| turn(1, &in_sqlite, |secret| hit(&sqlite, secret))),
            tokio::task::block_in_place(|| turn(1, &in_etcd, |secret| hit(&etcd, secret))),
        ];
        add("sha512", sha512);
        add("sqlite", in_sqlite);
        add("etcd", in_etcd);
    }
    let client = members.client(0).await?;
    let unknown = (0..MISSES).map(|_| Secret::generate()).collect::<Result<Vec<_>, _>>()?;
    let (mut misses, mut reads) = (Vec::new(), Vec::new());
    for secret in &unknown {
        let begin = Instant::now();
        client.kv_client().get(format!("{OURS}/live/head"), None).await?;
        reads.push(begin.elapsed());
        let begin = Instant::now();
        if etcd.authenticate_or_ask(secret.expose()).await.is_ok() {
            return Err("an unknown token is accepted".into());
        }
        misses.push(begin.elapsed());
    }
    for (name, times) in [("miss", &mut misses), ("read", &mut reads)] {
        times.sort();
        add(&format!("{name}/p50"), percentile(times, 50));
        add(&format!("{name}/p99"), percentile(times, 99));
    }
    let copy = || etcd.store_statistics().copy.ok_or("the store has no copy");
    let (before, begin) = (copy()?, Instant::now());
    let together = unknown.into_iter().map(|secret| {
        let etcd = etcd.clone();
        tokio::spawn(async move { etcd.authenticate_or_ask(secret.expose()).await.is_ok() })
    });
    for accepted in join_all(together.collect::<Vec<_>>()).await {
        if accepted? {
            return Err("an unknown token is accepted".into());
        }
    }
    let (after, took) = (copy()?, begin.elapsed().as_secs_f64());
    add("together/rate", MISSES as f64 / took);
    let reads = after.confirmations + after.failed_confirmations + 2 * after.fallback_reads;
    let before = before.confirmations + before.failed_confirmations + 2 * before.fallback_reads;
    add("together/reads", (reads - before) as f64);
    Ok(json!(figures))
}
