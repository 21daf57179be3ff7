//! Code that calls the API, tested against the generated mock, without a server.
//!
//! ```sh
//! cargo test --example mock
//! TOKEN=... cargo run --example mock http://127.0.0.1:8181 ID...
//! ```
//!
//! The second deletes tokens of a server that runs.
#![allow(clippy::print_stdout, reason = "says what it did")]

use std::error::Error;

use influxdb3_token_api::swagger::auth::AuthData;
use influxdb3_token_api::{Api, ApiError, Client, Context, DeleteTokenResponse, XSpanIdString};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let client = Client::try_new(&arguments.next().ok_or("say the server's address, and the IDs of tokens")?)?;
    let context = Context::new(XSpanIdString::default(), AuthData::bearer(&std::env::var("TOKEN")?));
    println!("{} deleted", revoke(&client, arguments, &context).await?);
    Ok(())
}

/// Deletes tokens, and says how many of them there were. One that is gone already is none to worry about.
async fn revoke<C: Send + Sync>(
    api: &impl Api<C>,
    ids: impl Iterator<Item = String>,
    context: &C,
) -> Result<usize, ApiError> {
    let mut deleted = 0;
    for id in ids {
        match api.delete_token(id, context).await? {
            DeleteTokenResponse::Success => deleted += 1,
            DeleteTokenResponse::TokenNotFound => {}
            DeleteTokenResponse::UnauthorizedAccess(message) | DeleteTokenResponse::RequestFailed(message) => {
                return Err(ApiError(message.error.unwrap_or_default()));
            }
        }
    }
    Ok(deleted)
}

#[cfg(test)]
mod tests {
    use influxdb3_token_api::MockApi;
    use influxdb3_token_api::models::ErrorMessage;

    use super::*;

    #[tokio::test]
    async fn tokens_that_are_gone_are_passed_over() {
        let mut api = MockApi::new();
        api.expect_delete_token().times(3).returning(|id, ()| {
            Ok(if id == "2" { DeleteTokenResponse::TokenNotFound } else { DeleteTokenResponse::Success })
        });
        assert_eq!(revoke(&api, ids(), &()).await.unwrap(), 2);
    }

    #[tokio::test]
    async fn the_first_refusal_ends_it_with_what_the_server_says() {
        let mut api = MockApi::new();
        api.expect_delete_token().once().returning(|_, ()| {
            let message = ErrorMessage { error: Some("only an admin token may".to_owned()), data: None };
            Ok(DeleteTokenResponse::UnauthorizedAccess(message))
        });
        assert_eq!(revoke(&api, ids(), &()).await.unwrap_err().0, "only an admin token may");
    }

    fn ids() -> impl Iterator<Item = String> {
        ["1", "2", "3"].into_iter().map(str::to_owned)
    }
}
