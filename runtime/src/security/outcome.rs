//! How the credentials of a request fared.

use super::AuthenticationError;

/// How the credentials of a request fared, for the server's log and metrics. The [`Body`](crate::Body) of the response
/// carries it, because the first extension of a response costs three allocations. It is not sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthenticationOutcome {
    /// They were not looked at, or it could not be decided: the request needs none, is not valid, or asks for nothing that
    /// exists; or the authenticator is unavailable.
    #[default]
    Unchecked,
    /// They belong to a principal. The request may be rejected for another reason.
    Accepted,
    /// They were rejected. The response is the same for most reasons.
    Rejected(AuthenticationError),
}

impl AuthenticationOutcome {
    /// This outcome, or the other one if the credentials were not looked at.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        match self {
            Self::Unchecked => other,
            Self::Accepted | Self::Rejected(_) => self,
        }
    }

    /// Why they were rejected, if they were.
    pub const fn rejection(self) -> Option<AuthenticationError> {
        match self {
            Self::Rejected(reason) => Some(reason),
            Self::Unchecked | Self::Accepted => None,
        }
    }
}
