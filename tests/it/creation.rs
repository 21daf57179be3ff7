//! New tokens, for the tests of every package.

use std::time::Duration;

use influxdb3_tokens::{Catalog, TokenId, TokenRequest};

/// The ID of a new token, and its secret.
pub(crate) async fn create(
    catalog: &Catalog,
    name: &str,
    permissions: &str,
    expires_in: Option<Duration>,
) -> (TokenId, String) {
    let token = TokenRequest { name: name.parse().unwrap(), permissions: permissions.parse().unwrap(), expires_in };
    let (record, secret) = catalog.create(token).await.unwrap();
    (record.id, secret.expose().to_owned())
}
