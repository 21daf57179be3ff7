//! `tokens STORE ADDRESS`: our server, with this crate's operator token and one of these stores.
//!
//! | STORE | tokens |
//! |---|---|
//! | `memory:COUNT` | `COUNT` tokens in `MemoryStore` |
//! | `sqlite:FILE` | a file that `seed` wrote, in `SqliteStore` |
//! | `autocommit:FILE` | the same file, with a transaction for each request |
//!
//! It serves until its standard input ends, and then prints the number of commits.

use std::sync::Arc;

use bench_programs::autocommit::AutocommitStore;
use bench_programs::{Failure, catalog};
use influxdb3_tokens::{MemoryStore, SqliteStore, TokenApi, TokenStore};
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

/// Serves the tokens of a store, or `count` new ones, until the standard input ends.
async fn serve(store: Arc<dyn TokenStore>, count: u64, address: &str) -> Result<(), Failure> {
    let api = TokenApi::new(catalog(store, count).await?);
    let listener = influxdb3_tokens_server::listen(address.parse()?)?;
    println!("listening on http://{}", listener.local_addr()?);
    influxdb3_tokens_server::serve(listener, api, async {
        // An error ends the input, too.
        let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
    })
    .await;
    Ok(())
}
