//! Where a store is, of any kind.

use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(feature = "etcd")]
use influxdb3_tokens::{EtcdOptions, EtcdSource, EtcdStore, EtcdTarget};
use influxdb3_tokens::{
    MemoryStore, MemoryTarget, MoveError, MoveSource, MoveTarget, SqliteSource, SqliteStore, SqliteTarget, TokenStore,
};
use tempfile::TempDir;

use crate::store_laws::load;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Memory,
    Sqlite,
    #[cfg(feature = "etcd")]
    Etcd,
}

pub(crate) fn kinds() -> Vec<Kind> {
    vec![
        Kind::Memory,
        Kind::Sqlite,
        #[cfg(feature = "etcd")]
        Kind::Etcd,
    ]
}

/// A place for a store, which is made there when it is opened or imported.
pub(crate) enum Place {
    Memory(Arc<MemoryStore>),
    Database {
        _root: TempDir,
        path: PathBuf,
    },
    #[cfg(feature = "etcd")]
    Etcd(EtcdOptions),
}

impl Place {
    pub(crate) async fn new(kind: Kind) -> Self {
        match kind {
            Kind::Memory => Self::Memory(Arc::new(MemoryStore::new())),
            Kind::Sqlite => {
                let directory = tempfile::tempdir().unwrap();
                let path = directory.path().join("data/tokens.db");
                Self::Database { _root: directory, path }
            }
            #[cfg(feature = "etcd")]
            Kind::Etcd => Self::Etcd(crate::etcd::options().await),
        }
    }

    pub(crate) fn database(&self) -> &Path {
        match self {
            Self::Database { path, .. } => path,
            _ => panic!("this is no database"),
        }
    }

    /// The store, which is loaded.
    pub(crate) async fn open(&self) -> Arc<dyn TokenStore> {
        let store: Arc<dyn TokenStore> = match self {
            Self::Memory(store) => Arc::clone(store) as _,
            Self::Database { .. } => Arc::new(SqliteStore::open(self.database()).unwrap()),
            #[cfg(feature = "etcd")]
            Self::Etcd(options) => Arc::new(EtcdStore::open(options.clone()).await.unwrap()),
        };
        // A store in memory is loaded once.
        _ = load(Arc::clone(&store)).await;
        store
    }

    pub(crate) async fn source(&self) -> Box<dyn MoveSource> {
        match self {
            Self::Memory(store) => Box::new(store.source().unwrap()),
            Self::Database { .. } => Box::new(SqliteSource::open(self.database()).unwrap()),
            #[cfg(feature = "etcd")]
            Self::Etcd(options) => Box::new(EtcdSource::open(options.clone()).await.unwrap()),
        }
    }

    /// Imports by a new target, as another process would.
    pub(crate) async fn import<T>(
        &mut self,
        by: impl AsyncFnOnce(&mut dyn MoveTarget) -> Result<T, MoveError>,
    ) -> Result<T, MoveError> {
        match self {
            Self::Memory(store) => {
                let mut target = MemoryTarget::default();
                let imported = by(&mut target).await;
                if let Some(imported) = target.into_store() {
                    *store = Arc::new(imported);
                }
                imported
            }
            Self::Database { .. } => by(&mut SqliteTarget::new(self.database())?).await,
            #[cfg(feature = "etcd")]
            Self::Etcd(options) => by(&mut EtcdTarget::new(options.clone())).await,
        }
    }
}
