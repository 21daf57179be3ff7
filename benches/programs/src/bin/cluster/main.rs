//! `cluster WHAT MEMBERS…`: measures nodes on etcd, whose members are `HOST:PORT,…`, and prints JSON.
//!
//! - `deletions MEMBERS ROUNDS`: deletions through three nodes and by bare transactions, which take turns; then how long
//!   after its answer each deletion is known to the other nodes.
//! - `fill MEMBERS COUNT`: puts the operator token and `COUNT` others.
//! - `load STORE`: loads all tokens of the members or of a file of `SqliteStore`.
//! - `authentication MEMBERS COUNT`: a live token over `EtcdStore` and over `SqliteStore`, which take turns; then misses.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::hint::black_box;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bench_programs::etcd::{Members, deletion};
use bench_programs::turns::{TURNS, Texts, turn};
use bench_programs::{Failure, OPERATOR, resident};
use futures::future::{join_all, try_join_all};
use influxdb3_tokens::{Catalog, Secret, SqliteStore, SystemClock};
use serde_json::{Value, json};
use sha2::{Digest, Sha512};

const NODES: usize = 3;

/// Clients of each node, and how many tokens they delete together in a round.
const LOADS: [(usize, u64); 3] = [(1, 150), (16, 1_500), (64, 3_000)];

/// Deletions of a round that are followed to the other nodes.
const FOLLOWED: usize = 100;

/// Clients of each node that delete meanwhile.
const MEANWHILE: usize = 16;

/// Tokens in a round that those clients may delete.
const SPARE: u64 = 4_000;

const OURS: &str = "/ours";
const BARE: &str = "/bare";

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let figures = match arguments[..] {
        ["deletions", members, rounds] => deletions(&Members::parse(members), rounds.parse()?).await?,
        ["fill", members, count] => {
            Members::parse(members).fill(OURS, count.parse()?).await?;
            json!({})
        }
        ["load", store] => load(store).await?,
        ["authentication", members, count] => authentication(&Members::parse(members), count.parse()?).await?,
        _ => return Err("usage: cluster deletions|fill|load|authentication MEMBERS …".into()),
    };
    println!("{figures}");
    Ok(())
}

type Figures = BTreeMap<String, Vec<f64>>;

async fn deletions(members: &Members, rounds: u64) -> Result<Value, Failure> {
    let count = rounds * LOADS.iter().map(|(_, count)| count).sum::<u64>();
    members.fill(BARE, count).await?;
    let secrets = members.fill(OURS, count + rounds * (2 * FOLLOWED as u64 + SPARE)).await?;
    let nodes = try_join_all((0..NODES).map(|number| members.node(number, OURS))).await?;
    let clients = try_join_all((0..NODES).map(|number| members.client(number))).await?;
    let (mut figures, mut bare_ids) = (Figures::new(), 1);
    let ids = Arc::new(AtomicU64::new(1));
    for round in 0..rounds {
        for (clients_each, count) in LOADS {
            for turn in 0..2 {
                let (subject, took) = if turn == round % 2 {
                    let end = ids.load(Ordering::Relaxed) + count;
                    let delete = |node: usize| {
                        let (node, ids) = (nodes[node].clone(), ids.clone());
                        async move { delete_until(&node, &ids, end).await }
                    };
                    let took = timed(clients_each, delete).await?;
                    ids.store(end, Ordering::Relaxed);
                    ("ours", took)
                } else {
                    let (begin, end) = (Arc::new(AtomicU64::new(bare_ids)), bare_ids + count);
                    bare_ids = end;
                    let delete = |node: usize| {
                        let (client, ids) = (clients[node].clone(), begin.clone());
                        async move {
                            let mut latencies = Vec::new();
                            while let id = ids.fetch_add(1, Ordering::Relaxed)
                                && id < end
                            {
                                let begin = Instant::now();
                                if !client.kv_client().txn(deletion(BARE, id)).await?.succeeded() {
                                    return Err(format!("the bare deletion of {id} failed").into());
                                }
                                latencies.push(begin.elapsed());
                            }
                            Ok::<_, Failure>(latencies)
                        }
                    };
                    ("bare", timed(clients_each, delete).await?)
                };
                let Took { whole, mut latencies } = took;
                latencies.sort();
                let mut add =
                    |name, value| figures.entry(format!("{subject}/{clients_each}/{name}")).or_default().push(value);
                add("rate", latencies.len() as f64 / whole.as_secs_f64());
                add("p50", percentile(&latencies, 50));
                add("p99", percentile(&latencies, 99));
            }
        }
        for is_busy in [false, true] {
            let mut lags = propagation(&nodes, &ids, &secrets, is_busy).await?;
            lags.sort();
            let name = if is_busy { "busy" } else { "idle" };
            let mut add = |what, value| figures.entry(format!("propagation/{name}/{what}")).or_default().push(value);
            add("p50", percentile(&lags, 50));
            add("p99", percentile(&lags, 99));
            add("at once", lags.iter().filter(|lag| lag.is_zero()).count() as f64 / lags.len() as f64);
        }
    }
    Ok(json!(figures))
}

struct Took {
    whole: Duration,
    latencies: Vec<Duration>,
}

/// Runs this many clients of each node until all end.
async fn timed<F>(clients: usize, client: impl Fn(usize) -> F) -> Result<Took, Failure>
where
    F: Future<Output = Result<Vec<Duration>, Failure>> + Send + 'static,
{
    let begin = Instant::now();
    let tasks: Vec<_> = (0..clients * NODES).map(|number| tokio::spawn(client(number % NODES))).collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await??);
    }
    Ok(Took { whole: begin.elapsed(), latencies })
}

/// Deletes one token after another through this node, as long as their IDs are below `end`.
async fn delete_until(node: &Catalog, ids: &AtomicU64, end: u64) -> Result<Vec<Duration>, Failure> {
    let operator = node.authenticate_or_ask(OPERATOR).await.map_err(|error| format!("{error:?}"))?;
    let mut latencies = Vec::new();
    while let id = ids.fetch_add(1, Ordering::Relaxed)
        && id < end
    {
        let id = id.to_string();
        let begin = Instant::now();
        node.delete(&operator, &id).await?;
        latencies.push(begin.elapsed());
    }
    Ok(latencies)
}

/// How long after the answer of one node the last other node refuses the token. Zero if all do so before the answer.
async fn propagation(
    nodes: &[Catalog],
    ids: &Arc<AtomicU64>,
    secrets: &[Secret],
    is_busy: bool,
) -> Result<Vec<Duration>, Failure> {
    let (first, last) = (ids.load(Ordering::Relaxed), ids.load(Ordering::Relaxed) + FOLLOWED as u64);
    ids.store(last, Ordering::Relaxed);
    let is_over = Arc::new(AtomicBool::new(false));
    let meanwhile: Vec<_> = (0..if is_busy { MEANWHILE * NODES } else { 0 })
        .map(|number| {
            let (node, ids, is_over) = (nodes[number % NODES].clone(), ids.clone(), is_over.clone());
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) && ids.load(Ordering::Relaxed) < last + SPARE / 2 {
                    let end = ids.load(Ordering::Relaxed) + 1;
                    delete_until(&node, &ids, end).await?;
                }
                Ok::<_, Failure>(())
            })
        })
        .collect();
    let operator = nodes[0].authenticate_or_ask(OPERATOR).await.map_err(|error| format!("{error:?}"))?;
    let mut lags = Vec::new();
    for id in first..last {
        let secret = secrets[id as usize - 1].expose();
        let others = nodes[1..].iter().map(|node| {
            let token = node.authenticate(secret).ok_or("the token is not live")?;
            let (node, secret) = (node.clone(), secret.to_owned());
            Ok::<_, Failure>(tokio::spawn(async move {
                node.until_deleted(&token).await;
                let at = Instant::now();
                node.authenticate(&secret).is_none().then_some(at)
            }))
        });
        let others = others.collect::<Result<Vec<_>, _>>()?;
        nodes[0].delete(&operator, &id.to_string()).await?;
        let answered = Instant::now();
        let mut lag = Duration::ZERO;
        for refused in join_all(others).await {
            let refused = refused?.ok_or("a node accepts a deleted token")?;
            lag = lag.max(refused.saturating_duration_since(answered));
        }
        lags.push(lag);
    }
    is_over.store(true, Ordering::Relaxed);
    for client in meanwhile {
        client.await??;
    }
    Ok(lags)
}

async fn load(store: &str) -> Result<Value, Failure> {
    let begin = Instant::now();
    let catalog = if Path::new(store).is_file() {
        Catalog::open(Arc::new(SqliteStore::open(store)?), Arc::new(SystemClock)).await?
    } else {
        Members::parse(store).node(0, OURS).await?
    };
    let took = begin.elapsed().as_secs_f64();
    Ok(json!({ "tokens": catalog.live().len() - 1, "start": took, "memory": resident()? }))
}

async fn authentication(members: &Members, count: u64) -> Result<Value, Failure> {
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

/// Of times in order, in seconds.
fn percentile(times: &[Duration], of_hundred: usize) -> f64 {
    let index = (times.len() * of_hundred / 100).min(times.len() - 1);
    times[index].as_secs_f64()
}
