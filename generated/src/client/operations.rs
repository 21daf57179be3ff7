//! A request for each operation, and its declared responses.

use async_trait::async_trait;
use swagger::auth::AuthData;
use swagger::{ApiError, Has, XSpanIdString};

use super::request::Request;
use super::{Client, response};
use crate::*;

#[async_trait]
impl<C> Api<C> for Client
where
    C: Has<Option<AuthData>> + Has<XSpanIdString> + Send + Sync,
{
    async fn delete_token(&self, id: String, context: &C) -> Result<DeleteTokenResponse, ApiError> {
        let mut request = Request::new(&OPERATIONS[0], Some("application/json"), context)?;
        request.path("/api/v3/configure/token");
        request.query("id", &id);
        let response = response::of(self, request).await?;
        match response.status().as_u16() {
            204 => {
                response::empty(response).await?;
                Ok(DeleteTokenResponse::Success)
            }
            401 => Ok(DeleteTokenResponse::UnauthorizedAccess(response::json(response).await?)),
            404 => {
                response::empty(response).await?;
                Ok(DeleteTokenResponse::TokenNotFound)
            }
            400 => Ok(DeleteTokenResponse::RequestFailed(response::json(response).await?)),
            _ => Err(response::undeclared(response).await),
        }
    }
}
