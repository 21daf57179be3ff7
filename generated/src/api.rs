//! A method for each operation, and an enum for each operation's responses.

use async_trait::async_trait;
use swagger::ApiError;

use crate::models;

/// The operations of the document.
///
/// A server implements it; the client implements it over HTTP. `C` is what is known of a request besides its
/// parameters: [`Context`](crate::Context) when `server::Service` calls it.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Api<C: Send + Sync> {
    /// Delete token
    ///
    /// Deletes a token.
    ///
    /// `DELETE /api/v3/configure/token`, operation `DeleteToken`.
    ///
    /// - `id`: The ID of the token to delete.
    ///
    /// # Errors
    ///
    /// An [`ApiError`] where none of the declared responses tells what happened. The service answers it with 500, or with
    /// 503 if it was made by [`unavailable`](crate::unavailable).
    async fn delete_token(&self, id: String, context: &C) -> Result<DeleteTokenResponse, ApiError>;
}

/// What `DeleteToken` may answer.
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
