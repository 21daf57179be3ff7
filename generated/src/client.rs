//! [`Client`] implements [`Api`] over HTTP.
//!
//! All other items are re-exported from [`openapi_stub_runtime::client`].

#![allow(
    clippy::match_overlapping_arm,
    clippy::match_single_binding,
    unused_imports,
    unused_mut,
    unused_variables,
    reason = "the document decides which are used"
)]

use async_trait::async_trait;
use swagger::auth::AuthData;
use swagger::{Has, XSpanIdString};

use crate::{Api, ApiError, Operation, Style, operations};

pub use openapi_stub_runtime::client::*;

/// The address of the document's first server, with the default of each variable.
pub const DEFAULT_ADDRESS: &str = "https://localhost:8181";

#[async_trait]
impl<C> Api<C> for Client
where
    C: Has<Option<AuthData>> + Has<XSpanIdString> + Send + Sync,
{
    async fn delete_token(
        &self,
        request: crate::DeleteTokenRequest,
        context: &C,
    ) -> Result<crate::DeleteTokenResponse, ApiError> {
        static OPERATION: Operation = operations::DELETE_TOKEN;
        let mut call = Call::new(self, &OPERATION, context)?;
        call.parameter(0, &request.id)?;
        let mut answer = call.send().await?;
        match answer.status().as_u16() {
            204 => {
                answer.empty().await?;
                Ok(crate::DeleteTokenResponse::Success)
            }
            401 => {
                let body = answer.json().await?;
                Ok(crate::DeleteTokenResponse::UnauthorizedAccess(body))
            }
            404 => {
                answer.empty().await?;
                Ok(crate::DeleteTokenResponse::TokenNotFound)
            }
            400 => {
                let body = answer.json().await?;
                Ok(crate::DeleteTokenResponse::RequestFailed(body))
            }
            _ => Err(answer.undeclared().await),
        }
    }
}
