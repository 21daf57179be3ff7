//! Says in the log when the copy of tokens that others change becomes too old, and when it is fresh again.

use std::time::Duration;

use influxdb3_tokens::Catalog;

/// How often the copy is looked at.
const PERIOD: Duration = Duration::from_millis(100);

/// Writes one line for each change. Never ends.
pub(super) async fn log(catalog: &Catalog) {
    if catalog.store_statistics().copy.is_none() {
        // The tokens of this server are no copy.
        std::future::pending::<()>().await;
    }
    let mut was_fresh = true;
    loop {
        let is_fresh = catalog.live().is_fresh();
        if is_fresh != was_fresh {
            let staleness = catalog.store_statistics().copy.and_then(|copy| copy.staleness);
            match is_fresh {
                false => tracing::warn!(
                    staleness = staleness.map(tracing::field::debug),
                    "the copy of the tokens is too old, because etcd does not confirm it; requests are answered with 503 \
                     unless etcd decides about them"
                ),
                true => tracing::info!("the copy of the tokens is fresh again"),
            }
        }
        was_fresh = is_fresh;
        tokio::time::sleep(PERIOD).await;
    }
}
