//! How many changes were requested of a catalog, and what came of them.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{CreateError, DeleteError, RegenerateError};

/// A kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeKind {
    /// A token is created.
    Creation,
    /// A token is deleted.
    Deletion,
    /// The operator token gets another secret.
    Regeneration,
}

/// What came of the request for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeOutcome {
    /// The change was made.
    Made,
    /// The token does not exist.
    NotFound,
    /// The name or the secret is in use, or was refused before.
    Conflict,
    /// The requester may not make it, or it cannot be made.
    Refused,
    /// The store failed, and the change may have been made or not.
    Failed,
}

impl ChangeKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Creation, Self::Deletion, Self::Regeneration];

    /// Its name in a metric.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creation => "creation",
            Self::Deletion => "deletion",
            Self::Regeneration => "regeneration",
        }
    }
}

impl ChangeOutcome {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Made, Self::NotFound, Self::Conflict, Self::Refused, Self::Failed];

    /// Its name in a metric.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// Counts changes.
#[derive(Debug, Default)]
pub(super) struct Changes([[AtomicU64; ChangeOutcome::ALL.len()]; ChangeKind::ALL.len()]);

impl Changes {
    /// Counts this result, and returns it.
    pub(super) fn count<T, E: Outcome>(&self, kind: ChangeKind, result: Result<T, E>) -> Result<T, E> {
        let outcome = result.as_ref().map_or_else(Outcome::outcome, |_| ChangeOutcome::Made);
        self.of(kind, outcome).fetch_add(1, Ordering::Relaxed);
        result
    }

    pub(super) fn read(&self, kind: ChangeKind, outcome: ChangeOutcome) -> u64 {
        self.of(kind, outcome).load(Ordering::Relaxed)
    }

    fn of(&self, kind: ChangeKind, outcome: ChangeOutcome) -> &AtomicU64 {
        &self.0[kind as usize][outcome as usize]
    }
}

/// An error that is an outcome.
pub(super) trait Outcome {
    fn outcome(&self) -> ChangeOutcome;
}

impl Outcome for CreateError {
    fn outcome(&self) -> ChangeOutcome {
        match self {
            Self::AlreadyExists | Self::NameTaken | Self::SecretTaken | Self::SecretDeleted => ChangeOutcome::Conflict,
            Self::Store(_) => ChangeOutcome::Failed,
            _ => ChangeOutcome::Refused,
        }
    }
}

impl Outcome for DeleteError {
    fn outcome(&self) -> ChangeOutcome {
        match self {
            Self::NotFound => ChangeOutcome::NotFound,
            Self::Store(_) => ChangeOutcome::Failed,
            _ => ChangeOutcome::Refused,
        }
    }
}

impl Outcome for RegenerateError {
    fn outcome(&self) -> ChangeOutcome {
        match self {
            Self::NotFound => ChangeOutcome::NotFound,
            Self::SecretTaken => ChangeOutcome::Conflict,
            Self::Store(_) => ChangeOutcome::Failed,
            _ => ChangeOutcome::Refused,
        }
    }
}
