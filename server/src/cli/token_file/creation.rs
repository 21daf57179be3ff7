//! Creates the tokens of files when the server starts.

use futures::{StreamExt, TryStreamExt, stream};
use influxdb3_tokens::{Catalog, CreateError, NewToken, Origin};

use crate::cli::Failure;
use crate::control::AUDIT;

/// How many tokens wait for a database at a time; fewer than its queue takes.
const AT_A_TIME: usize = 1024;

/// Creates each token, unless it has expired, or it or another with its name or secret exists or was deleted.
///
/// # Errors
///
/// If the store fails.
pub(in crate::cli) async fn create(catalog: &Catalog, tokens: Vec<NewToken>) -> Result<(), Failure> {
    let catalog = catalog.requested_from(Origin::TokenFile);
    // In their order. In a database many share a commit; in etcd each is a transaction of its own, and one that waits for
    // long behind others is given up.
    let at_a_time = if catalog.store_statistics().copy.is_some() { 1 } else { AT_A_TIME };
    let creations = stream::iter(tokens).map(|token| create_one(&catalog, token)).buffered(at_a_time);
    creations.try_collect().await
}

async fn create_one(catalog: &Catalog, mut token: NewToken) -> Result<(), Failure> {
    let name = token.name.clone();
    if token.expires_at.is_some_and(|at| at <= catalog.now()) {
        tracing::warn!(%name, "the token of a file has expired, and is not created; remove it from the file");
        return Ok(());
    }
    if name.is_operator() && token.expires_at.take().is_some() {
        tracing::warn!(%name, "the operator token never expires, whatever the `expiry_millis` of its file says");
    }
    match catalog.create(token).await {
        Ok(record) => {
            let (id, origin) = (record.id, Origin::TokenFile);
            tracing::info!(target: AUDIT, %name, %id, %origin, change = "created", "created the token of a file");
        }
        Err(CreateError::AlreadyExists) => tracing::debug!(%name, "the token of a file exists"),
        Err(CreateError::NameTaken) => {
            tracing::warn!(%name, "another token has the name of a file's token, which is not created")
        }
        Err(CreateError::SecretTaken) => tracing::warn!(%name, "the token of a file exists under another name"),
        Err(CreateError::SecretDeleted) => tracing::warn!(%name, "the token of a file was deleted, and stays so"),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
