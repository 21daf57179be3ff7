//! The trait, and the requests and responses of its methods.

#![allow(unused_imports, reason = "the document decides which are used")]

use async_trait::async_trait;
use openapi_stub_runtime::{ApiError, Payload};

use crate::models;

/// The operations of the document.
///
/// A server implements this trait, and `client::Client` implements it over HTTP. `C` is the context of a call;
/// `server::Service` passes a [`Context`](crate::Context).
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Api<C: Send + Sync> {
    /// Delete token
    ///
    /// Deletes a token.
    ///
    /// `DELETE /api/v3/configure/token`, operation `DeleteToken`.
    ///
    /// # Errors
    ///
    /// Returns an [`ApiError`] if no declared response describes the outcome. The service answers 503 for
    /// [`ApiError::Unavailable`], 501 for [`ApiError::NotImplemented`], and 500 for any other error.
    async fn delete_token(&self, request: DeleteTokenRequest, context: &C) -> Result<DeleteTokenResponse, ApiError>;
}

/// The request of `DeleteToken`.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct DeleteTokenRequest {
    /// The ID of the token to delete.
    pub id: String,
}

impl DeleteTokenRequest {
    /// Creates a request with the required fields. Optional fields are `None`.
    pub fn with_id(id: String) -> Self {
        Self { id }
    }
}

/// The responses of `DeleteToken`.
#[derive(Clone, PartialEq, Debug)]
#[must_use]
pub enum DeleteTokenResponse {
    /// 204: Success. The token has been deleted.
    Success,
    /// 401: Unauthorized access.
    UnauthorizedAccess(models::ErrorMessage),
    /// 404: Token not found.
    TokenNotFound,
    /// 400: Request failed. Possible reasons:
    ///
    /// - Invalid database name
    /// - Malformed request body
    /// - Invalid timestamp precision
    RequestFailed(models::ErrorMessage),
}
