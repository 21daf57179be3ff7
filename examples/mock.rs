//! Code that calls the API, tested against the generated mock, without a server.
//!
//! ```sh
//! cargo test --example mock
//! TOKEN=... cargo run --example mock http://127.0.0.1:8181 ID...
//! ```
//!
//! The second command deletes tokens on a running server.
#![allow(clippy::print_stdout, reason = "prints the result")]

use std::error::Error;

use influxdb3_token_api::swagger::auth::AuthData;
use influxdb3_token_api::{Api, ApiError, Client, Context, DeleteTokenRequest, DeleteTokenResponse, XSpanIdString};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let client = Client::try_new(&arguments.next().ok_or("usage: mock URL ID...")?)?;
    let context = Context::new(XSpanIdString::default(), AuthData::bearer(&std::env::var("TOKEN")?));
    println!("{} deleted", revoke(&client, arguments, &context).await?);
    Ok(())
}

/// Deletes tokens, skips those that no longer exist, and returns the number of deletions.
async fn revoke<C: Send + Sync>(
    api: &impl Api<C>,
    ids: impl Iterator<Item = String>,
    context: &C,
) -> Result<usize, ApiError> {
    let mut deleted = 0;
    for id in ids {
        match api.delete_token(DeleteTokenRequest::with_id(id), context).await? {
            DeleteTokenResponse::Success => deleted += 1,
            DeleteTokenResponse::TokenNotFound => {}
            DeleteTokenResponse::UnauthorizedAccess(message) | DeleteTokenResponse::RequestFailed(message) => {
                return Err(ApiError::internal(message.error.unwrap_or_default()));
            }
        }
    }
    Ok(deleted)
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use influxdb3_token_api::MockApi;
    use influxdb3_token_api::models::ErrorMessage;

    use super::*;

    #[tokio::test]
    async fn tokens_that_no_longer_exist_are_skipped() {
        let mut api = MockApi::new();
        api.expect_delete_token().times(3).returning(|request, ()| {
            Ok(if request.id == "2" { DeleteTokenResponse::TokenNotFound } else { DeleteTokenResponse::Success })
        });
        assert_eq!(revoke(&api, ids(), &()).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn the_first_rejection_is_an_error_with_the_servers_message() {
        let mut api = MockApi::new();
        api.expect_delete_token().once().returning(|_, ()| {
            let message = ErrorMessage { error: Some("only an admin token may".to_owned()), data: None };
            Ok(DeleteTokenResponse::UnauthorizedAccess(message))
        });
        let error = revoke(&api, ids(), &()).await.unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), "only an admin token may");
    }

    fn ids() -> impl Iterator<Item = String> {
        ["1", "2", "3"].into_iter().map(str::to_owned)
    }
}
