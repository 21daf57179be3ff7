//! Tests the laws of all stores on [`EtcdStore`], and what several nodes do together.

use influxdb3_tokens::EtcdStore;

use crate::etcd;
use crate::store_laws::{Subject, laws};

laws!(subject);

async fn subject() -> Subject {
    let options = etcd::options().await;
    let open = move || {
        let options = options.clone();
        async move { EtcdStore::open(options).await.unwrap() }
    };
    Subject::new(open().await).await.reopened_by(open)
}
