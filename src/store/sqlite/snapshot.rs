//! Holding the file of the database still while it is copied.
//!
//! Once the write-ahead log has been moved into the file of the database, that file alone has every committed change. A
//! commit writes to the log, and only a checkpoint to the file. So the writer makes no checkpoint while a snapshot is held:
//! the file can be copied at any speed, by another process too, and changes go on meanwhile.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use super::backup::BackupSummary;

/// How long the log may get while a snapshot is held, in bytes. Then the writer gives the snapshot up, because a commit
/// would have to wait too long for the checkpoint.
pub(super) const LONGEST_LOG: u64 = 256 << 20;

/// The file of a database that is held still, so that it can be copied. It has the tokens of one moment: every change that
/// was acknowledged before the snapshot was requested, and none that is requested after.
///
/// Dropping this lets the file change again. At most one snapshot of a store is held at a time.
#[derive(Debug)]
pub struct Snapshot {
    state: Arc<State>,
    database: Arc<File>,
    summary: BackupSummary,
}

#[derive(Debug, Default)]
struct State {
    has_changed: AtomicBool,
}

impl Snapshot {
    /// What the file has.
    pub fn summary(&self) -> &BackupSummary {
        &self.summary
    }

    /// Whether the file is still held. A copy that was read before this returned `true` is that of one moment.
    ///
    /// The store gives a snapshot up when its log has grown by 256 MiB meanwhile, after a failure of the disk, and when it
    /// is dropped.
    pub fn is_held(&self) -> bool {
        !self.state.has_changed.load(Ordering::SeqCst)
    }

    /// The file, which must not be closed before the connection: a process loses its locks on a file when it closes any
    /// descriptor of it.
    pub(super) fn database(&self) -> &File {
        &self.database
    }
}

/// The writer's end. Dropping it gives up the snapshot.
#[derive(Debug, Default)]
pub(super) struct Hold {
    state: Option<Weak<State>>,
}

impl Hold {
    pub(super) fn begin(&mut self, database: Arc<File>, summary: BackupSummary) -> Snapshot {
        self.end();
        let state = Arc::new(State::default());
        self.state = Some(Arc::downgrade(&state));
        Snapshot { state, database, summary }
    }

    /// Whether a snapshot was begun and checkpoints have not been resumed since.
    pub(super) fn is_begun(&self) -> bool {
        self.state.is_some()
    }

    /// Whether somebody still has the snapshot.
    pub(super) fn is_held(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.strong_count() > 0)
    }

    /// Must be called before the file changes.
    pub(super) fn end(&mut self) {
        if let Some(state) = self.state.take().and_then(|state| state.upgrade()) {
            state.has_changed.store(true, Ordering::SeqCst);
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.end();
    }
}
