//! `tokens STORE ADDRESS`: our server on a store, with the operator token of this crate.
//!
//! | STORE | what it is |
//! |---|---|
//! | `memory:COUNT` | `MemoryStore` with so many tokens |
//! | `sqlite:FILE` | `SqliteStore` on a file that `seed` made |
//! | `autocommit:FILE` | the same file with a `DELETE` and a commit for each request |
//!
//! It ends when its standard input does, and prints how many commits there were.

use std::sync::Arc;

use influxdb3_tokens::{MemoryStore, SqliteStore, TokenApi, TokenStore};
use programs::autocommit::AutocommitStore;
use programs::{Failure, catalog};
use tokio::io::AsyncReadExt;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let usage = "usage: tokens memory:COUNT|sqlite:FILE|autocommit:FILE ADDRESS";
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [store, address] = arguments.as_slice() else { return Err(usage.into()) };
    match store.split_once(':').ok_or(usage)? {
        ("memory", count) => serve(Arc::new(MemoryStore::new()), count.parse()?, address).await,
        ("sqlite", file) => {
            let store = Arc::new(SqliteStore::open(file)?);
            serve(store.clone(), 0, address).await?;
            println!("commits {}", store.commits());
            Ok(())
        }
        ("autocommit", file) => {
            let store = Arc::new(AutocommitStore::open(file)?);
            serve(store.clone(), 0, address).await?;
            println!("commits {}", store.commits());
            Ok(())
        }
        _ => Err(usage.into()),
    }
}

/// Serves on `address` the tokens of a store, or `count` new ones, until the standard input ends.
async fn serve(store: Arc<dyn TokenStore>, count: u64, address: &str) -> Result<(), Failure> {
    let api = TokenApi::new(catalog(store, count).await?);
    let listener = influxdb3_tokens_server::listen(address.parse()?)?;
    println!("listening on http://{}", listener.local_addr()?);
    influxdb3_tokens_server::serve(listener, api, async {
        // Whatever comes of it, there is nothing more to wait for.
        let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
    })
    .await;
    Ok(())
}
