//! Loading all tokens: at the start, and again while tokens are authenticated.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bench_programs::etcd::{Members, deletion};
use bench_programs::{Failure, OPERATOR, resident};
use influxdb3_tokens::{Catalog, SqliteStore, SystemClock};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::OURS;
use crate::measure::{cpu, percentile};

pub async fn load(store: &str) -> Result<Value, Failure> {
    let begin = Instant::now();
    let catalog = if Path::new(store).is_file() {
        Catalog::open(Arc::new(SqliteStore::open(store)?), Arc::new(SystemClock)).await?
    } else {
        Members::parse(store).node(0, OURS).await?
    };
    let start = begin.elapsed().as_secs_f64();
    let cpu = cpu(&[std::process::id()])?;
    Ok(json!({ "tokens": catalog.live().len() - 1, "start": start, "cpu": cpu, "memory": resident()? }))
}

/// Deletes the token with this ID and compacts etcd's history while a node is cut off, so that the node loads all tokens
/// again. Authenticates the operator token all the time.
pub async fn reload(members: &Members, id: u64) -> Result<Value, Failure> {
    /// Between two authentications.
    const PAUSE: Duration = Duration::from_millis(1);
    let (relay, is_open) = relay(members.clone()).await?;
    let node = Members::parse(&relay).node(0, OURS).await?;
    let before = (node.live().len(), resident()?);
    is_open.send_replace(false);
    let mut client = members.client(0).await?;
    let deleted = client.kv_client().txn(deletion(OURS, id)).await?;
    if !deleted.succeeded() {
        return Err("the token is not live".into());
    }
    client.compact(deleted.header().map_or(0, |header| header.revision()), None).await?;
    is_open.send_replace(true);

    let copy = || node.store_statistics().copy.ok_or("the store has no copy");
    let (mut begin, mut refused, mut latencies) = (None, 0, Vec::new());
    let took = loop {
        let at = Instant::now();
        refused += u64::from(node.authenticate_or_ask(OPERATOR).await.is_err());
        latencies.push(at.elapsed());
        let now = copy()?;
        if now.reloads > 0 {
            let begin = *begin.get_or_insert(at);
            // The copy is not trusted from before the load until its end.
            if now.is_fresh && node.live().len() < before.0 {
                break begin.elapsed();
            }
        }
        sleep(PAUSE).await;
    };
    latencies.sort();
    Ok(json!({
        "took": took.as_secs_f64(),
        "p99": percentile(&latencies, 99),
        "longest": latencies.last().map(Duration::as_secs_f64),
        "refused": refused,
        "memory before": before.1,
        "memory": resident()?,
    }))
}

/// Forwards connections to the first member while it is open. Returns its address and the sender that opens and closes it.
async fn relay(members: Members) -> Result<(String, watch::Sender<bool>), Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let is_open = watch::Sender::new(true);
    let opened = is_open.subscribe();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let (mut opened, member) = (opened.clone(), members.first().to_owned());
            if !*opened.borrow_and_update() {
                continue;
            }
            tokio::spawn(async move {
                let mut far = TcpStream::connect(member).await?;
                near.set_nodelay(true)?;
                far.set_nodelay(true)?;
                tokio::select! {
                    copied = tokio::io::copy_bidirectional(&mut near, &mut far) => copied.map(|_| ()),
                    _ = opened.changed() => Ok(()),
                }
            });
        }
    });
    Ok((address, is_open))
}
