//! Creates tokens for the tests of every package.

use std::time::Duration;

use influxdb3_tokens::{Catalog, NewToken, Permissions};

use crate::document::Token;

/// Creates a token, and returns it with its secret. Its permissions may exceed the limits of new ones.
pub(crate) async fn create(
    catalog: &Catalog,
    name: &str,
    permissions: &str,
    expires_in: Option<Duration>,
) -> (Token, String) {
    let permissions = Permissions::existing(permissions).unwrap();
    let (token, secret) = NewToken::fresh(name.parse().unwrap(), permissions).unwrap();
    let expires_at = expires_in.map(|duration| catalog.now().checked_add(duration).unwrap());
    let record = catalog.create(NewToken { expires_at, ..token }).await.unwrap();
    (Token::new(record.id, name), secret.expose().to_owned())
}
