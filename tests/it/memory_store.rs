//! Tests the laws of all stores on [`MemoryStore`], the reference implementation.

use influxdb3_tokens::MemoryStore;

use crate::store_laws::{Subject, laws};

laws!(subject);

async fn subject() -> Subject {
    Subject::new(MemoryStore::new()).await
}
