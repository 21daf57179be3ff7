//! Creates tokens for the tests of every package.

use std::time::Duration;

use influxdb3_tokens::{Catalog, NewToken, TokenId};

/// Creates a token, and returns its ID and its secret.
pub(crate) async fn create(
    catalog: &Catalog,
    name: &str,
    permissions: &str,
    expires_in: Option<Duration>,
) -> (TokenId, String) {
    let (token, secret) = NewToken::fresh(name.parse().unwrap(), permissions.parse().unwrap()).unwrap();
    let expires_at = expires_in.map(|duration| catalog.now().checked_add(duration).unwrap());
    let record = catalog.create(NewToken { expires_at, ..token }).await.unwrap();
    (record.id, secret.expose().to_owned())
}
