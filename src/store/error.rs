use std::error::Error;
use std::sync::Arc;

/// Why a store did not do what it was asked to do.
///
/// The request may be repeated. If it was a deletion by name and the outcome is unknown, it may have been made, and another
/// token may have the name by then; a repeated deletion by ID cannot meet another token.
#[non_exhaustive]
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Too many changes are waiting. This one was not made; try again later.
    #[error("too many changes are waiting to be committed")]
    Busy,

    /// The storage failed. The change was not made.
    #[error("the token store is unavailable")]
    Unavailable {
        /// What failed, for the log.
        source: Cause,
    },

    /// The change may have been made or not. Reading the store tells which.
    #[error("it is unknown whether the change was committed")]
    OutcomeUnknown {
        /// What failed, for the log.
        source: Cause,
    },
}

/// The source of a [`StoreError`]. Shared, because one failed commit can fail many changes.
pub type Cause = Arc<dyn Error + Send + Sync>;

impl StoreError {
    /// The storage failed, and the change was certainly not made.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable { source: Arc::from(source.into()) }
    }

    /// The storage failed, and the change may have been made.
    pub fn outcome_unknown(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::OutcomeUnknown { source: Arc::from(source.into()) }
    }

    /// Whether the change may have been made. If not, it certainly was not.
    pub fn may_have_happened(&self) -> bool {
        matches!(self, Self::OutcomeUnknown { .. })
    }
}
