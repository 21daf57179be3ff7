//! Deletions through three nodes and by bare transactions, and how soon the other nodes refuse the tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bench_programs::etcd::{Members, deletion};
use bench_programs::{Failure, OPERATOR};
use futures::future::{join_all, try_join_all};
use influxdb3_tokens::{Catalog, Secret};
use serde_json::{Value, json};

use crate::measure::{Figures, add_took, delete_until, percentile, timed, transact_until};
use crate::{NODES, OURS};

/// Clients of each node, and how many tokens they delete together in a round.
const LOADS: [(usize, u64); 3] = [(1, 150), (16, 1_500), (64, 3_000)];

/// Deletions of a round that are followed to the other nodes.
const FOLLOWED: usize = 300;

/// Clients of each node that delete meanwhile.
const MEANWHILE: usize = 16;

/// Tokens in a round that those clients may delete.
const SPARE: u64 = 20_000;

const BARE: &str = "/bare";

pub async fn deletions(members: &Members, rounds: u64) -> Result<Value, Failure> {
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
                        async move { transact_until(&client, &ids, end, |id| deletion(BARE, id)).await }
                    };
                    ("bare", timed(clients_each, delete).await?)
                };
                add_took(&mut figures, &format!("{subject}/{clients_each}"), took);
            }
        }
        for is_busy in [false, true] {
            let mut lags = propagation(&nodes, &ids, &secrets, is_busy).await?;
            lags.sort();
            let name = if is_busy { "busy" } else { "idle" };
            let mut add = |what, value| figures.entry(format!("propagation/{name}/{what}")).or_default().push(value);
            add("p50", percentile(&lags, 50));
            add("p99", percentile(&lags, 99));
            add("longest", percentile(&lags, 100));
            add("at once", lags.iter().filter(|lag| lag.is_zero()).count() as f64 / lags.len() as f64);
        }
    }
    Ok(json!(figures))
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
