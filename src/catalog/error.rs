//! Why a request to the catalog was refused or failed.

use crate::store::StoreError;
use crate::token::{ExpiryTooLate, InvalidTokenName, NoEntropy, TokenName};
#[cfg(doc)]
use crate::{catalog::Catalog, token::SecretOrigin};

/// Why [`Catalog::create`], [`Catalog::create_fresh`] or [`Catalog::create_fresh_by`] did not create a token.
#[non_exhaustive]
#[derive(Clone, Debug, thiserror::Error)]
pub enum CreateError {
    /// The principal is not an admin token.
    #[error("only an admin token may create tokens")]
    NotAdmin,
    /// The principal was deleted, or its secret regenerated, after it was authenticated and before the creation.
    #[error("a valid credential is required")]
    Unauthorized,
    /// Live tokens have this name and this secret: the token was created before.
    #[error("the token exists already")]
    AlreadyExists,
    /// A live token with another secret has this name.
    #[error("another token has this name")]
    NameTaken,
    /// A live token with another name has this secret.
    #[error("another token has this secret")]
    SecretTaken,
    /// The secret was given ([`SecretOrigin::Given`]), and a deleted token had it, or the operator token before a
    /// regeneration.
    #[error("a token with this secret was deleted, and its secret cannot be used again")]
    SecretDeleted,
    /// The operator token must be an admin token without an expiry.
    #[error(
        "the token named {} is the operator token, which must be an admin token and cannot expire",
        TokenName::OPERATOR
    )]
    InvalidOperator,
    /// No token creates the operator token.
    #[error("the operator token can only be created on the machine")]
    OperatorToken,
    /// No token can have this name.
    #[error(transparent)]
    InvalidName(#[from] InvalidTokenName),
    /// The lifetime is too long.
    #[error(transparent)]
    ExpiryTooLate(#[from] ExpiryTooLate),
    /// The operating system gave no random bytes for the secret.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// The store failed. [`StoreError::may_have_happened`] says whether the token may have been created nevertheless.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why [`Catalog::delete`] or [`Catalog::delete_by_name`] did not delete a token.
#[non_exhaustive]
#[derive(Clone, Debug, thiserror::Error)]
pub enum DeleteError {
    /// The principal is not an admin token.
    #[error("only an admin token may delete tokens")]
    NotAdmin,
    /// The principal was deleted, or its secret regenerated, after it was authenticated and before the deletion. Answer as
    /// for a credential that is rejected.
    #[error("a valid credential is required")]
    Unauthorized,
    /// The operator token cannot be deleted.
    #[error("the operator token cannot be deleted")]
    OperatorToken,
    /// No live token has this ID or name, or no token can have it.
    #[error("no token has this ID or name")]
    NotFound,
    /// The store failed. [`StoreError::may_have_happened`] says whether the token may have been deleted nevertheless.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why [`Catalog::regenerate_operator`] or [`Catalog::regenerate_operator_by`] did not replace the secret.
#[non_exhaustive]
#[derive(Clone, Debug, thiserror::Error)]
pub enum RegenerateError {
    /// The principal is not the operator token.
    #[error("only the operator token may regenerate its secret")]
    NotOperator,
    /// The principal's secret was replaced by an earlier regeneration, after it was authenticated.
    #[error("a valid credential is required")]
    Unauthorized,
    /// No operator token exists.
    #[error("no operator token exists")]
    NotFound,
    /// Another token has the new secret, or had it: the random source repeats itself.
    #[error("another token has the new secret")]
    SecretTaken,
    /// The operating system gave no random bytes for the new secret.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// The store failed. [`StoreError::may_have_happened`] says whether the secret may have been replaced nevertheless.
    #[error(transparent)]
    Store(#[from] StoreError),
}
