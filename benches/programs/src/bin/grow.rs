//! `grow FILE`: opens a file that `seed` wrote, and deletes tokens from it, 64 at a time.
//!
//! Prints a line of JSON when the tokens are loaded, with the memory they take, and one when the deletions are done.

use std::future::ready;
use std::sync::Arc;
use std::time::Instant;

use bench_programs::{Failure, OPERATOR, catalog, resident};
use futures::{StreamExt, TryStreamExt, stream};
use influxdb3_tokens::SqliteStore;
use serde_json::json;

/// The number of deletions under way at a time.
const CLIENTS: usize = 64;

/// The most tokens to delete.
const DELETIONS: usize = 20_000;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let file = std::env::args().nth(1).ok_or("usage: grow FILE")?;
    let store = Arc::new(SqliteStore::open(file)?);
    let catalog = catalog(store.clone(), 0).await?;
    let tokens = catalog.live().len() - 1;
    println!("{}", json!({ "tokens": tokens, "memory": resident()? }));

    let operator = catalog.authenticate(OPERATOR).ok_or("`seed` did not write this file")?;
    let ids: Vec<usize> = (1..=tokens).step_by(tokens.div_ceil(DELETIONS).max(1)).collect();
    let count = ids.len();
    let begun = Instant::now();
    stream::iter(ids)
        .map(|id| {
            let (catalog, operator) = (&catalog, &operator);
            async move { catalog.delete(operator, &id.to_string()).await }
        })
        .buffer_unordered(CLIENTS)
        .try_for_each(|_| ready(Ok(())))
        .await?;
    let rate = count as f64 / begun.elapsed().as_secs_f64();
    println!("{}", json!({ "deletions": count, "rate": rate, "commits": store.commits() }));
    Ok(())
}
