//! What `fuzz/` calls of the control socket: both ends, each with any bytes from the other.

use futures::TryStreamExt;
use influxdb3_token_api::models;
use influxdb3_tokens::Catalog;
use tokio::net::UnixStream;

use super::connection::Connection;
use super::{Audit, Client, Create, Delete, Error, Reply, Served, server};

/// Serves the requests of a connection, until the client sends no more.
pub async fn converse(stream: UnixStream, catalog: Catalog) {
    let served = Served { catalog, store: None, address: ([127, 0, 0, 1], 8181).into() };
    server::converse(stream, Some(served)).await;
}

/// Makes a request of each kind, one of which `kind` chooses, and reads the reply. Returns the text of an error.
pub async fn ask(stream: UnixStream, kind: u8, secret: &str) -> Result<(), String> {
    let mut client = Client(Connection::new(stream));
    let name = "ci".to_owned();
    let asked = match kind % 7 {
        0 => client
            .create(Create { name, description: None, permissions: "*:*:*".to_owned(), expires_in: None })
            .await
            .map(|_| ()),
        1 => client.regenerate().await.map(|_| ()),
        2 => client.delete(Delete { name, by: models::Secret(secret.to_owned()) }).await.map(|_| ()),
        3 => changes(client).await,
        4 => tokens(client).await,
        5 => client.health().await,
        _ => client.address().await.map(|_| ()),
    };
    asked.map_err(|error| error.to_string())
}

/// Whether all that arrives are replies of this version.
pub async fn are_replies(stream: UnixStream) -> bool {
    let mut connection = Connection::new(stream);
    loop {
        match connection.receive::<Reply>(u64::MAX).await {
            Ok(Some(_)) => {}
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

async fn changes(client: Client) -> Result<(), Error> {
    client.changes(Audit { since: None }).await?.try_for_each(|_| async { Ok(()) }).await
}

async fn tokens(client: Client) -> Result<(), Error> {
    client.tokens().await?.try_for_each(|_| async { Ok(()) }).await
}
