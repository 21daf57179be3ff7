//! Where the tokens are: in the database of a data directory, or in etcd.

mod directory;
#[cfg(feature = "etcd")]
mod etcd;
#[cfg(not(feature = "etcd"))]
#[path = "store/no_etcd.rs"]
mod etcd;
#[cfg(feature = "etcd")]
mod renewal;
#[cfg(feature = "etcd")]
mod unusable;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use influxdb3_tokens::{Catalog, Origin, SqliteStore, SystemClock};

use super::tls::places;
use super::{DataDir, Failure, access, warn};
use directory::LockedDirectory;
pub(super) use etcd::{EtcdArguments, NotHere, Renewal, is_temporary};

/// What to do if the store does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// Fail, because the place is probably another one.
    Existing,
    /// Make one.
    OrCreate,
}

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

    /// Opens the store, whose changes are those of a command on the machine.
    pub(super) async fn open(&self, opening: Opening) -> Result<Catalog, Failure> {
        match self.etcd.read()? {
            Some(etcd) => {
                let (_, prefix) = etcd.place();
                let opened = etcd.open(opening, Duration::ZERO).await?;
                if opened.is_new {
                    warn(&format!("etcd had no token store under the prefix {prefix}; this command has made one"));
                }
                Ok(of_command(opened.catalog))
            }
            None => {
                if opening == Opening::Existing {
                    access::require_database(&self.directory)?;
                }
                Ok(open_database(self.directory.database()).await?.catalog)
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
    /// What reads the certificates of a store in etcd again.
    pub(super) renewal: Option<Renewal>,
    /// Keeps another server out of the data directory. A database does that by itself.
    _directory: Option<LockedDirectory>,
}

impl PreparedStore {
    /// The folders and files that must be readable while the store is open, because its files are read again.
    pub(super) fn readable(&self) -> Vec<PathBuf> {
        match self {
            Self::Database(_) => Vec::new(),
            Self::Etcd { etcd, .. } => etcd.files().flat_map(places).collect(),
        }
    }

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
                /// etcd may be starting as well.
                const PATIENCE: Duration = Duration::from_secs(30);
                let (members, prefix) = etcd.place();
                let opened = etcd.open(Opening::OrCreate, PATIENCE).await?;
                match opened.is_new {
                    true => tracing::info!(members, prefix, "etcd had no token store here; this server has made one"),
                    false => tracing::info!(members, prefix, "the tokens are in etcd"),
                }
                let (catalog, renewal) = (of_command(opened.catalog), Some(opened.renewal));
                Ok(Opened { catalog, sqlite: None, renewal, _directory: Some(directory) })
            }
        }
    }
}

/// Opens a database, and makes it unless it exists.
pub(super) async fn open_database(database: PathBuf) -> Result<Opened, Failure> {
    let store = Arc::new(SqliteStore::open(database)?);
    let catalog = of_command(Catalog::open(Arc::clone(&store) as _, Arc::new(SystemClock)).await?);
    Ok(Opened { catalog, sqlite: Some(store), renewal: None, _directory: None })
}

/// The catalog for changes by this user on this machine.
fn of_command(catalog: Catalog) -> Catalog {
    catalog.requested_from(Origin::Command(Some(rustix::process::getuid().as_raw())))
}
