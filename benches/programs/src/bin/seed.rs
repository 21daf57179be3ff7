//! `seed FILE COUNT`: a new file of `SqliteStore` with the operator token of this crate and so many others.

use std::sync::Arc;

use influxdb3_tokens::SqliteStore;
use programs::{Failure, catalog};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, count] = arguments.as_slice() else { return Err("usage: seed FILE COUNT".into()) };
    catalog(Arc::new(SqliteStore::open(file)?), count.parse()?).await?;
    Ok(())
}
