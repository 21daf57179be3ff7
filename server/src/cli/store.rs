//! Where the tokens are: in the database of a data directory, or in etcd.

mod directory;
#[cfg(feature = "etcd")]
mod etcd;
#[cfg(not(feature = "etcd"))]
#[path = "store/no_etcd.rs"]
mod etcd;
#[cfg(feature = "etcd")]
mod unusable;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use influxdb3_tokens::{Catalog, Origin, SqliteStore, SystemClock};

use super::{DataDir, Failure, access};
use directory::LockedDirectory;
pub(super) use etcd::{EtcdArguments, NotHere, is_temporary};

/// Where the tokens are.
#[derive(Args)]
pub(super) struct StoreArguments {
    #[command(flatten)]
    pub(super) directory: DataDir,

    #[command(flatten)]
    pub(super) etcd: EtcdArguments,
}

impl StoreArguments {
    /// Whether the tokens are in etcd, and not in the data directory.
    pub(super) fn is_etcd(&self) -> bool {
        self.etcd.is_given()
    }

    /// Makes and locks what `serve` uses, before its sandbox is entered.
    pub(super) fn prepare(&self) -> Result<PreparedStore, Failure> {
        let database = self.directory.database();
        let Some(etcd) = self.etcd.read()? else {
            SqliteStore::prepare(&database)?;
            return Ok(PreparedStore::Database(database));
        };
        let directory = LockedDirectory::prepare(&self.directory.data_dir)?;
        etcd.look_up();
        let unused = database.exists().then_some(database);
        Ok(PreparedStore::Etcd { etcd: Box::new(etcd), directory, unused })
    }

    /// Opens the store, and makes it unless it exists. Its changes are those of a command on the machine.
    pub(super) async fn open(&self) -> Result<Catalog, Failure> {
        match self.etcd.read()? {
            Some(etcd) => Ok(of_command(etcd.open().await?)),
            None => Ok(open_database(self.directory.database()).await?.catalog),
        }
    }

    /// Opens the store, which must exist.
    pub(super) async fn open_existing(&self) -> Result<Catalog, Failure> {
        match self.etcd.read()? {
            Some(etcd) => Ok(of_command(etcd.open_existing().await?)),
            None => {
                access::require_database(&self.directory)?;
                self.open().await
            }
        }
    }
}

/// A store that can be opened in the sandbox.
pub(super) enum PreparedStore {
    Database(PathBuf),
    Etcd {
        etcd: Box<etcd::Etcd>,
        directory: LockedDirectory,
        /// A database in the data directory.
        unused: Option<PathBuf>,
    },
}

/// A store that this process has open.
pub(super) struct Opened {
    pub(super) catalog: Catalog,
    /// The store, if it has a file that can be backed up.
    pub(super) sqlite: Option<Arc<SqliteStore>>,
    /// Keeps another server out of the data directory. A database does that by itself.
    _directory: Option<LockedDirectory>,
}

impl PreparedStore {
    /// The ports of other machines that the store connects to.
    pub(super) fn ports(&self) -> Vec<u16> {
        match self {
            Self::Database(_) => Vec::new(),
            Self::Etcd { etcd, .. } => etcd.ports(),
        }
    }

    /// Opens the store, and makes it unless it exists.
    pub(super) async fn open(self) -> Result<Opened, Failure> {
        match self {
            Self::Database(database) => open_database(database).await,
            Self::Etcd { etcd, directory, unused } => {
                if let Some(database) = unused {
                    let database = database.display().to_string();
                    tracing::warn!(database, "the tokens of this database are not served, because --store names etcd");
                }
                let catalog = of_command(etcd.open_patiently().await?);
                Ok(Opened { catalog, sqlite: None, _directory: Some(directory) })
            }
        }
    }
}

/// Opens a database, and makes it unless it exists.
pub(super) async fn open_database(database: PathBuf) -> Result<Opened, Failure> {
    let store = Arc::new(SqliteStore::open(database)?);
    let catalog = of_command(Catalog::open(Arc::clone(&store) as _, Arc::new(SystemClock)).await?);
    Ok(Opened { catalog, sqlite: Some(store), _directory: None })
}

/// The catalog for changes by this user on this machine.
fn of_command(catalog: Catalog) -> Catalog {
    catalog.requested_from(Origin::Command(Some(rustix::process::getuid().as_raw())))
}
