//! Imports that are interrupted, and continued by another target.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use influxdb3_tokens::{
    Begun, ImportId, Imported, MemoryTarget, MoveError, MoveSource, MoveTarget, Moved, MovedChange, SqliteSource,
    SqliteStore, StoreError, TokenStore, export, import,
};
#[cfg(feature = "etcd")]
use influxdb3_tokens::{EtcdOpenError, EtcdOptions, EtcdSource, EtcdStore, EtcdTarget};
use tempfile::TempDir;

use super::place::{Kind, Place, kinds};
use super::{Everything, created, delete, history, obeys_laws};
use crate::store_laws::{creation, token};

/// A target that ends as a process would that is killed: `left` calls are made, and no more.
struct Killed<'a> {
    target: &'a mut dyn MoveTarget,
    left: usize,
}

impl Killed<'_> {
    fn step(&mut self) -> Result<(), MoveError> {
        self.left = self.left.checked_sub(1).ok_or_else(|| StoreError::unavailable("killed"))?;
        Ok(())
    }
}

#[async_trait]
impl MoveTarget for Killed<'_> {
    async fn begin(&mut self, import: ImportId, moved: &Moved) -> Result<Begun, MoveError> {
        self.target.begin(import, moved).await
    }

    async fn add(&mut self, changes: Vec<MovedChange>) -> Result<(), MoveError> {
        self.step()?;
        self.target.add(changes).await
    }

    async fn written(&mut self) -> Result<Box<dyn MoveSource>, MoveError> {
        self.step()?;
        self.target.written().await
    }

    async fn finish(&mut self) -> Result<(), MoveError> {
        self.step()?;
        self.target.finish().await
    }
}

/// Places that outlive a process.
fn lasting() -> impl Iterator<Item = Kind> {
    kinds().into_iter().filter(|kind| *kind != Kind::Memory)
}

/// A folder with an export of some thousand changes, and what it has.
async fn exported() -> (TempDir, PathBuf, Everything, std::collections::BTreeSet<String>) {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(Kind::Memory).await;
    let store = place.open().await;
    let mut ended = history(&*store).await;
    for number in 0..2000 {
        let record = created(&*store, creation(token(&format!("token {}", number % 1500)))).await;
        if number % 3 == 0 || number < 500 {
            delete(&*store, record.id, number).await;
            if number % 100 == 0 {
                ended.insert(record.digest.to_string());
            }
        }
    }
    let file = folder.path().join("export");
    export(&mut *place.source().await, &file, false, |_, _| {}).await.unwrap();
    (folder, file, Everything::of(&*store).await, ended)
}

async fn imported(place: &mut Place, file: &Path, calls: usize) -> Result<Imported, MoveError> {
    place.import(async |target| import(file, &mut Killed { target, left: calls }, |_, _| {}).await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_import_is_continued_and_nobody_opens_the_store_before_its_end() {
    let (_folder, file, expected, ended) = exported().await;
    for kind in lasting() {
        let mut place = Place::new(kind).await;
        let mut before = 0;
        // Ends after each of the calls.
        for _ in 0..5 {
            assert!(imported(&mut place, &file, 1).await.is_err());
            is_closed(&place).await;
            let begun = imported(&mut place, &file, 0).await;
            assert!(begun.is_err());
            before += 1;
        }
        let Imported { begun: Begun::After(done), .. } = imported(&mut place, &file, 9).await.unwrap() else {
            panic!()
        };
        assert!(done > 1000, "{kind:?}: {done} changes after {before} attempts");
        let again = imported(&mut place, &file, 9).await.unwrap();
        assert_eq!(again.begun, Begun::Finished, "{kind:?}");
        let store = place.open().await;
        assert_eq!(Everything::of(&*store).await, expected, "{kind:?}");
        obeys_laws(&*store, &expected, &ended).await;
    }
}

async fn is_closed(place: &Place) {
    match place {
        Place::Memory(_) => {}
        Place::Database { .. } => {
            let error = SqliteStore::open(place.database()).unwrap_err();
            let error = influxdb3_tokens::influxdb3_token_api::with_sources(&error);
            assert!(error.contains("an import was interrupted: run `import` with the same file again"), "{error}");
            assert!(SqliteSource::open(place.database()).is_err());
        }
        #[cfg(feature = "etcd")]
        Place::Etcd(options) => {
            let error = EtcdStore::open(options.clone()).await.unwrap_err();
            assert!(matches!(error, EtcdOpenError::Importing), "{error:?}");
            assert!(EtcdSource::open(options.clone()).await.is_err());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_replaces_no_store_and_no_other_import() {
    let (folder, file, ..) = exported().await;
    let other = folder.path().join("other");
    export(&mut *Place::new(Kind::Memory).await.source().await, &other, false, |_, _| {}).await.unwrap();
    for kind in lasting() {
        let mut place = Place::new(kind).await;
        assert!(imported(&mut place, &file, 1).await.is_err());
        let error = imported(&mut place, &other, 9).await.unwrap_err();
        assert!(matches!(error, MoveError::OtherImport { .. }), "{kind:?}: {error:?}");
        imported(&mut place, &file, 9).await.unwrap();
        for place in [&mut place, &mut used(kind).await] {
            let error = imported(place, &other, 9).await.unwrap_err();
            assert!(matches!(error, MoveError::NotEmpty { .. }), "{kind:?}: {error:?}");
        }
    }
}

async fn used(kind: Kind) -> Place {
    let place = Place::new(kind).await;
    drop::<std::sync::Arc<dyn TokenStore>>(place.open().await);
    place
}

/// A target that loses the digest of one deletion.
struct Lossy(MemoryTarget);

#[async_trait]
impl MoveTarget for Lossy {
    async fn begin(&mut self, import: ImportId, moved: &Moved) -> Result<Begun, MoveError> {
        self.0.begin(import, moved).await
    }

    async fn add(&mut self, mut changes: Vec<MovedChange>) -> Result<(), MoveError> {
        if let Some(change) = changes.iter_mut().find(|change| change.digest.is_some()) {
            change.digest = None;
        }
        self.0.add(changes).await
    }

    async fn written(&mut self) -> Result<Box<dyn MoveSource>, MoveError> {
        self.0.written().await
    }

    async fn finish(&mut self) -> Result<(), MoveError> {
        self.0.finish().await
    }
}

#[tokio::test]
async fn an_import_that_has_lost_something_is_not_finished() {
    let (_folder, file, ..) = exported().await;
    let mut target = Lossy(MemoryTarget::default());
    let error = import(&file, &mut target, |_, _| {}).await.unwrap_err();
    assert!(matches!(error, MoveError::NotVerified { .. }), "{error:?}");
    assert!(target.0.into_store().is_none());
}

/// A target whose place another process imports to as soon as this one has begun, until it has made so many calls.
#[cfg(feature = "etcd")]
struct Overtaken<'a> {
    target: &'a mut dyn MoveTarget,
    options: EtcdOptions,
    file: &'a Path,
    calls: usize,
}

#[cfg(feature = "etcd")]
#[async_trait]
impl MoveTarget for Overtaken<'_> {
    async fn begin(&mut self, id: ImportId, moved: &Moved) -> Result<Begun, MoveError> {
        let begun = self.target.begin(id, moved).await?;
        let mut other = EtcdTarget::new(self.options.clone());
        _ = import(self.file, &mut Killed { target: &mut other, left: self.calls }, |_, _| {}).await;
        Ok(begun)
    }

    async fn add(&mut self, changes: Vec<MovedChange>) -> Result<(), MoveError> {
        self.target.add(changes).await
    }

    async fn written(&mut self) -> Result<Box<dyn MoveSource>, MoveError> {
        self.target.written().await
    }

    async fn finish(&mut self) -> Result<(), MoveError> {
        self.target.finish().await
    }
}

#[cfg(feature = "etcd")]
#[tokio::test(flavor = "multi_thread")]
async fn an_import_ends_when_another_process_imports_to_the_same_place() {
    let (_folder, file, expected, ended) = exported().await;
    for calls in [1, 9] {
        let options = crate::etcd::options().await;
        let target = &mut EtcdTarget::new(options.clone());
        let mut target = Overtaken { target, options: options.clone(), file: &file, calls };
        let error = import(&file, &mut target, |_, _| {}).await.unwrap_err();
        assert!(matches!(error, MoveError::Interfered { .. }), "{error:?}");
        let mut place = Place::Etcd(options);
        imported(&mut place, &file, 9).await.unwrap();
        let store = place.open().await;
        assert_eq!(Everything::of(&*store).await, expected);
        obeys_laws(&*store, &expected, &ended).await;
    }
}
