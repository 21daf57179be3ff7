//! The tokens of a data directory: through its server where one runs, else by opening the database.

use std::io::ErrorKind;
use std::sync::Arc;

use influxdb3_tokens::{Catalog, SqliteStore, SystemClock};

use super::{DataDir, Failure};
use crate::control::{self, Reply, Request};

pub(super) enum Access {
    Running(control::Client),
    Opened(Catalog),
}

impl Access {
    pub(super) async fn to(directory: &DataDir) -> Result<Self, Failure> {
        match control::Client::connect(&directory.control_socket()).await {
            Ok(client) => Ok(Self::Running(client)),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
                Ok(Self::Opened(open(directory).await?))
            }
            Err(error) => Err(format!("{}: {error}", directory.control_socket().display()).into()),
        }
    }

    /// Asks for something; that it was refused is an error.
    pub(super) async fn ask(&mut self, request: Request) -> Result<Reply, Failure> {
        let reply = match self {
            Self::Running(client) => client.ask(&request).await.map_err(|error| format!("the server: {error}"))?,
            Self::Opened(catalog) => control::answer(catalog, request).await,
        };
        match reply {
            Reply::Refused(reason) => Err(reason.into()),
            reply => Ok(reply),
        }
    }
}

/// Opens the database, which is made where there is none.
pub(super) async fn open(directory: &DataDir) -> Result<Catalog, Failure> {
    let store = SqliteStore::open(directory.database())?;
    Ok(Catalog::open(Arc::new(store), Arc::new(SystemClock)).await?)
}
