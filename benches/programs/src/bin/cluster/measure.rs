//! What the measurements share: clients that take turns, and figures of what they did.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bench_programs::{Failure, OPERATOR};
use etcd_client::{Client, Txn};
use influxdb3_tokens::Catalog;

use crate::NODES;

pub type Figures = BTreeMap<String, Vec<f64>>;

pub struct Took {
    whole: Duration,
    latencies: Vec<Duration>,
}

pub fn add_took(figures: &mut Figures, subject: &str, Took { whole, mut latencies }: Took) {
    latencies.sort();
    let mut add = |name, value| figures.entry(format!("{subject}/{name}")).or_default().push(value);
    add("rate", latencies.len() as f64 / whole.as_secs_f64());
    add("p50", percentile(&latencies, 50));
    add("p99", percentile(&latencies, 99));
}

/// Runs this many clients of each node until all end.
pub async fn timed<F>(clients: usize, client: impl Fn(usize) -> F) -> Result<Took, Failure>
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
pub async fn delete_until(node: &Catalog, ids: &AtomicU64, end: u64) -> Result<Vec<Duration>, Failure> {
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

/// Sends one transaction after another, as long as their IDs are below `end`.
pub async fn transact_until(
    client: &Client,
    ids: &AtomicU64,
    end: u64,
    transaction: impl Fn(u64) -> Txn,
) -> Result<Vec<Duration>, Failure> {
    let mut latencies = Vec::new();
    while let id = ids.fetch_add(1, Ordering::Relaxed)
        && id < end
    {
        let begin = Instant::now();
        if !client.kv_client().txn(transaction(id)).await?.succeeded() {
            return Err(format!("the bare deletion of {id} failed").into());
        }
        latencies.push(begin.elapsed());
    }
    Ok(latencies)
}

/// The CPU time of these processes in seconds.
pub fn cpu(processes: &[u32]) -> Result<f64, Failure> {
    let mut nanoseconds = 0;
    for process in processes {
        for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
            let statistics = std::fs::read_to_string(thread?.path().join("schedstat"))?;
            nanoseconds += statistics.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
    }
    Ok(nanoseconds as f64 / 1e9)
}

/// Of times in order, in seconds.
pub fn percentile(times: &[Duration], of_hundred: usize) -> f64 {
    let index = (times.len() * of_hundred / 100).min(times.len() - 1);
    times[index].as_secs_f64()
}
