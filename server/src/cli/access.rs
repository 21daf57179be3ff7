//! The tokens: those of a data directory through its server if one runs, otherwise from the store.

use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use influxdb3_token_api::models::AdminTokenObject;
use influxdb3_tokens::{Catalog, SqliteStore};

use super::store::{Opening, StoreArguments};
use super::{DataDir, Failure};
use crate::control::{self, Audit, Change, Create, Delete, Error, Summary};

pub(super) enum Access {
    Running(control::Client),
    Opened(Catalog),
}

impl Access {
    /// Like [`Self::to`], but does not make a store.
    pub(super) async fn to_existing(store: &StoreArguments) -> Result<Self, Failure> {
        Self::find(store, Opening::Existing).await
    }

    /// The store in etcd if `--store` names one. Otherwise the server of the data directory if it runs, wherever its tokens
    /// are, or else the database.
    pub(super) async fn to(store: &StoreArguments) -> Result<Self, Failure> {
        Self::find(store, Opening::OrCreate).await
    }

    async fn find(store: &StoreArguments, opening: Opening) -> Result<Self, Failure> {
        if !store.is_etcd()
            && let Some(client) = running(&store.directory).await?
        {
            return Ok(Self::Running(client));
        }
        Ok(Self::Opened(store.open(opening).await?))
    }

    /// Creates a token.
    pub(super) async fn create(self, token: Create) -> Result<AdminTokenObject, Failure> {
        Ok(match self {
            Self::Running(client) => client.create(token).await?,
            Self::Opened(catalog) => control::create(&catalog, token).await?,
        })
    }

    /// Gives the operator token another secret.
    pub(super) async fn regenerate(self) -> Result<AdminTokenObject, Failure> {
        Ok(match self {
            Self::Running(client) => client.regenerate().await?,
            Self::Opened(catalog) => control::regenerate(&catalog).await?,
        })
    }

    /// Deletes a token, and returns its ID.
    pub(super) async fn delete(self, token: Delete) -> Result<u64, Error> {
        match self {
            Self::Running(client) => client.delete(token).await,
            Self::Opened(catalog) => {
                let deleted = control::delete(&catalog, token).await;
                // The credential of the deletion was used.
                catalog.save_uses().await;
                deleted
            }
        }
    }

    /// All tokens, in the order of their IDs.
    pub(super) async fn tokens(self) -> Result<BoxStream<'static, Result<Summary, Failure>>, Failure> {
        Ok(match self {
            Self::Running(client) => client.tokens().await?.err_into().boxed(),
            Self::Opened(catalog) => control::tokens(catalog).err_into().boxed(),
        })
    }

    /// The changes of the tokens, in their order.
    pub(super) async fn changes(self, audit: Audit) -> Result<BoxStream<'static, Result<Change, Failure>>, Failure> {
        Ok(match self {
            Self::Running(client) => client.changes(audit).await?.err_into().boxed(),
            Self::Opened(catalog) => control::changes(catalog, &audit).err_into().boxed(),
        })
    }
}

/// Fails if the directory has no database.
pub(super) fn require_database(directory: &DataDir) -> Result<(), Failure> {
    match directory.database().try_exists() {
        Ok(true) => Ok(()),
        Ok(false) if SqliteStore::is_restored(directory.database()) => Ok(()),
        Ok(false) => {
            let shown = directory.data_dir.display();
            let advice = "name the directory of the server with --data-dir or INFLUXDB3_DB_DIR";
            Err(format!("{shown} has no token database; {advice}").into())
        }
        Err(error) => Err(inaccessible(directory, &directory.database(), &error)),
    }
}

/// A connection to the server of the directory, if one runs.
pub(super) async fn running(directory: &DataDir) -> Result<Option<control::Client>, Failure> {
    match control::Client::connect(&directory.control_socket()).await {
        Ok(client) => Ok(Some(client)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => Ok(None),
        Err(error) => Err(inaccessible(directory, &directory.control_socket(), &error)),
    }
}

/// The error for a file of a data directory that cannot be reached, usually because the directory is another user's.
fn inaccessible(directory: &DataDir, file: &Path, error: &io::Error) -> Failure {
    let file = file.display();
    if error.kind() != ErrorKind::PermissionDenied {
        return format!("{file}: {error}").into();
    }
    let whose = match std::fs::metadata(&directory.data_dir) {
        Ok(metadata) => {
            let owner = metadata.uid();
            format!(
                "its directory belongs to the user with the ID {owner}; run the command as that user (`sudo -u '#{owner}'`)"
            )
        }
        Err(_) => "run the command as the user that the server runs as".to_owned(),
    };
    format!("{file}: {error}; {whose}").into()
}
