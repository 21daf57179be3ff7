//! Where the time of a deletion goes: the same deletions with one part after another of what a node adds.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bench_programs::Failure;
use bench_programs::etcd::{Members, deletion, deletion_in_transaction};
use etcd_client::{Client, Txn, WatchOptions};
use futures::future::try_join_all;
use serde_json::{Value, json};

use crate::measure::{Figures, add_took, cpu, delete_until, timed, transact_until};
use crate::{NODES, OURS};

/// Deletions of each subject in a round.
const COUNT: u64 = 300;

/// The deletion of a token under a prefix, by its ID.
type Form = fn(&str, u64) -> Txn;

/// Deletions by transactions alone: the key, the form of the transaction, and whether each connection follows the changes.
const BY_TRANSACTIONS: [(&str, Form, bool); 4] = [
    ("bare", deletion, false),
    ("nested", deletion_in_transaction, false),
    ("watched", deletion, true),
    ("nested, watched", deletion_in_transaction, true),
];

/// `etcd` are the processes of the members.
pub async fn parts(members: &Members, etcd: &[u32], rounds: u64) -> Result<Value, Failure> {
    let prefix = |number: usize| format!("/part{number}");
    let mut connections = Vec::new();
    for (number, (_, _, is_watched)) in BY_TRANSACTIONS.iter().enumerate() {
        members.fill(&prefix(number), rounds * COUNT).await?;
        let clients = try_join_all((0..NODES).map(|number| members.client(number))).await?;
        if *is_watched {
            for client in &clients {
                watch(client, &prefix(number)).await?;
            }
        }
        connections.push(clients);
    }
    members.fill(OURS, rounds * COUNT).await?;
    let nodes = try_join_all((0..NODES).map(|number| members.node(number, OURS))).await?;
    let mut figures = Figures::new();
    for round in 0..rounds {
        let (begin, end) = (round * COUNT + 1, (round + 1) * COUNT + 1);
        for turn in 0..=BY_TRANSACTIONS.len() {
            let number = (turn + round as usize) % (BY_TRANSACTIONS.len() + 1);
            let ids = Arc::new(AtomicU64::new(begin));
            let before = (cpu(&[std::process::id()])?, cpu(etcd)?);
            let (name, took) = if let Some((name, form, _)) = BY_TRANSACTIONS.get(number) {
                let delete = |node: usize| {
                    let (client, ids, prefix) = (connections[number][node].clone(), ids.clone(), prefix(number));
                    async move { transact_until(&client, &ids, end, |id| form(&prefix, id)).await }
                };
                (*name, timed(1, delete).await?)
            } else {
                let delete = |node: usize| {
                    let (node, ids) = (nodes[node].clone(), ids.clone());
                    async move { delete_until(&node, &ids, end).await }
                };
                ("ours", timed(1, delete).await?)
            };
            let after = (cpu(&[std::process::id()])?, cpu(etcd)?);
            add_took(&mut figures, name, took);
            let mut add = |what, seconds: f64| {
                figures.entry(format!("{name}/{what}")).or_default().push(seconds / COUNT as f64);
            };
            add("client", after.0 - before.0);
            add("etcd", after.1 - before.1);
        }
    }
    Ok(json!(figures))
}

/// Follows the changes as a node does, on the connection of this client, and does nothing with them.
async fn watch(client: &Client, prefix: &str) -> Result<(), Failure> {
    let options = WatchOptions::new().with_range(format!("{prefix}/live0"));
    let mut stream = client.watch_client().watch(format!("{prefix}/deleted/"), Some(options)).await?;
    tokio::spawn(async move { while let Ok(Some(_)) = stream.message().await {} });
    Ok(())
}
