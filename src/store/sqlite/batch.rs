//! Changes that share a commit.

use tokio::sync::oneshot;

use crate::live::LiveTokensWriter;
use crate::store::{
    Creation, CreationOutcome, Deletion, DeletionOutcome, Regeneration, RegenerationOutcome, StoreError,
};

/// Where the answer to a request is sent.
pub(super) type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// A change that was requested.
pub(super) enum Change {
    Create(Box<Request<Creation, CreationOutcome>>),
    Delete(Request<Deletion, DeletionOutcome>),
    Regenerate(Box<Request<Regeneration, RegenerationOutcome>>),
}

/// What is requested, its outcome, and where to send it.
pub(super) struct Request<T, Outcome> {
    pub(super) content: T,
    /// `None` until the change is staged.
    pub(super) outcome: Option<Outcome>,
    answer: Answer<Outcome>,
}

impl Change {
    /// Applies a committed change to the live tokens, and then answers it.
    pub(super) fn apply(self, live: &mut LiveTokensWriter) {
        match self {
            Self::Create(request) => {
                if let Some(CreationOutcome::Created(record)) = &request.outcome {
                    live.insert(record);
                }
                request.succeed();
            }
            Self::Delete(request) => {
                if let Some(DeletionOutcome::Deleted(id)) = request.outcome {
                    live.remove(id);
                }
                request.succeed();
            }
            Self::Regenerate(request) => {
                if let Some(RegenerationOutcome::Regenerated(record)) = &request.outcome {
                    live.insert(record);
                }
                request.succeed();
            }
        }
    }

    /// Answers a change that was not committed, or may not have been.
    pub(super) fn fail(self, error: StoreError) {
        match self {
            Self::Create(request) => request.fail(error),
            Self::Delete(request) => request.fail(error),
            Self::Regenerate(request) => request.fail(error),
        }
    }
}

impl<T, Outcome> Request<T, Outcome> {
    pub(super) fn new(content: T, answer: Answer<Outcome>) -> Self {
        Self { content, outcome: None, answer }
    }

    // The receiver may be gone; both ignore the error.

    fn succeed(self) {
        let outcome = self.outcome.expect("a change is staged before it is committed");
        let _ = self.answer.send(Ok(outcome));
    }

    fn fail(self, error: StoreError) {
        let _ = self.answer.send(Err(error));
    }
}
