//! A request for each operation, and its declared responses.

use async_trait::async_trait;
use http::Method;
use swagger::auth::AuthData;
use swagger::{ApiError, Has, XSpanIdString};

use super::Client;
use crate::*;

#[async_trait]
impl<C> Api<C> for Client
where
    C: Has<Option<AuthData>> + Has<XSpanIdString> + Send + Sync,
{
    async fn delete_token(&self, id: String, context: &C) -> Result<DeleteTokenResponse, ApiError> {
        let query = super::query(&[("id", Some(id.to_string()))]);
        let path = "/api/v3/configure/token";
        let request = self.request(Method::DELETE, path, &query, context)?;
        let (status, body) = self.send(request).await?;
        match status.as_u16() {
            204 if body.is_empty() => Ok(DeleteTokenResponse::Success),
            401 => Ok(DeleteTokenResponse::UnauthorizedAccess(super::json(&body)?)),
            404 if body.is_empty() => Ok(DeleteTokenResponse::TokenNotFound),
            400 => Ok(DeleteTokenResponse::RequestFailed(super::json(&body)?)),
            _ => Err(super::undeclared(status, &body)),
        }
    }
}
