//! The tokens that the benchmark's programs serve.

pub mod autocommit;
pub mod etcd;
pub mod turns;

use std::error::Error;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use influxdb3_tokens::{Catalog, NewToken, Permissions, Secret, SystemClock, TokenName, TokenStore};

/// The secret of the operator token. It protects only the tokens of the benchmark.
pub const OPERATOR: &str =
    "apiv3_bWVhc3VyZSBtZWFzdXJlIG1lYXN1cmUgbWVhc3VyZSBtZWFzdXJlIG1lYXN1cmUgbWVhc3VyZSBtZWFzdXJlIQ";

pub type Failure = Box<dyn Error + Send + Sync>;

/// The number of concurrent creations.
const CREATIONS: usize = 1024;

/// Opens a store. If it is empty, creates the operator token and `count` others, with IDs from 1 on.
pub async fn catalog(store: Arc<dyn TokenStore>, count: u64) -> Result<Catalog, Failure> {
    let catalog = Catalog::open(store, Arc::new(SystemClock)).await?;
    if catalog.live().is_empty() {
        create(&catalog, count).await?;
    }
    Ok(catalog)
}

/// Creates the operator token and `count` others, and returns the secrets of the others.
pub async fn create(catalog: &Catalog, count: u64) -> Result<Vec<Secret>, Failure> {
    let operator = NewToken::given(TokenName::OPERATOR.parse()?, Permissions::ADMIN, &OPERATOR.parse()?);
    catalog.create(operator).await?;
    let creations = stream::iter(1..=count).map(|number| async move {
        let name = format!("token {number}").parse()?;
        let permissions = format!("db:metrics{}:read,write", number % 100).parse()?;
        let (token, secret) = NewToken::fresh(name, permissions)?;
        catalog.create(token).await?;
        Ok::<_, Failure>(secret)
    });
    creations.buffered(CREATIONS).try_collect().await
}

/// The bytes of this process that are in memory.
pub fn resident() -> Result<u64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("this is not Linux")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}
