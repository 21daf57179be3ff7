//! `cluster WHAT MEMBERS…`: measures nodes on etcd, whose members are `HOST:PORT,…`, and prints JSON.
//!
//! - `deletions MEMBERS ROUNDS`: deletions through three nodes and by bare transactions, which take turns; then how long
//!   after its answer each deletion is known to the other nodes.
//! - `parts MEMBERS PROCESSES ROUNDS`: single deletions with one part after another of what a node adds; the processes are
//!   those of etcd.
//! - `fill MEMBERS COUNT`: puts the operator token and `COUNT` others.
//! - `load STORE`: loads all tokens of the members or of a file of `SqliteStore`.
//! - `reload MEMBERS ID`: loads them again while tokens are authenticated, after the token with this ID was deleted.
//! - `authentication MEMBERS COUNT`: a live token over `EtcdStore` and over `SqliteStore`, which take turns; then misses.

mod authentication;
mod deletions;
mod loads;
mod measure;
mod parts;

use bench_programs::Failure;
use bench_programs::etcd::Members;
use serde_json::json;

const NODES: usize = 3;

const OURS: &str = "/ours";

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let figures = match arguments[..] {
        ["deletions", members, rounds] => deletions::deletions(&Members::parse(members), rounds.parse()?).await?,
        ["parts", members, etcd, rounds] => {
            let etcd = etcd.split(',').map(str::parse).collect::<Result<Vec<u32>, _>>()?;
            parts::parts(&Members::parse(members), &etcd, rounds.parse()?).await?
        }
        ["fill", members, count] => {
            Members::parse(members).fill(OURS, count.parse()?).await?;
            json!({})
        }
        ["load", store] => loads::load(store).await?,
        ["reload", members, id] => loads::reload(&Members::parse(members), id.parse()?).await?,
        ["authentication", members, count] => {
            authentication::authentication(&Members::parse(members), count.parse()?).await?
        }
        _ => return Err("usage: cluster deletions|parts|fill|load|reload|authentication MEMBERS …".into()),
    };
    println!("{figures}");
    Ok(())
}
