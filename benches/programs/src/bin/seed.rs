//! `seed FILE COUNT`: writes a new file of `SqliteStore` with this crate's operator token and `COUNT` others.

use std::sync::Arc;

use bench_programs::{Failure, catalog};
use influxdb3_tokens::SqliteStore;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, count] = arguments.as_slice() else { return Err("usage: seed FILE COUNT".into()) };
    catalog(Arc::new(SqliteStore::open(file)?), count.parse()?).await?;
    Ok(())
}
