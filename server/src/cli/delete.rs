//! `delete`: deletes a token through the HTTP API of any server, with the generated client.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use influxdb3_token_api::models::ErrorMessage;
use influxdb3_token_api::swagger::auth::AuthData;
use influxdb3_token_api::{Api, ApiError, Client, Context, DeleteTokenRequest, DeleteTokenResponse, XSpanIdString};

use super::Failure;

/// Delete a token through the HTTP API
///
/// Exit codes: 0, the token was deleted (204); 1, another failure; 2, wrong usage; 3, the presented token is rejected or
/// has no permission (401); 4, no token has this ID (404); 5, the server did not respond or is unavailable (503), and a
/// retry is safe.
#[derive(Args)]
pub(super) struct Options {
    /// The ID of the token to delete
    #[arg(long, env = "INFLUXDB3_TOKENS_ID")]
    id: String,

    /// The server's address
    #[arg(long, env = "INFLUXDB3_HOST_URL", value_name = "URL", default_value = "http://127.0.0.1:8181")]
    host: String,

    /// An admin token. Prefer the variable, because other users can see arguments
    #[arg(long, env = "INFLUXDB3_AUTH_TOKEN", hide_env_values = true)]
    token: String,
}

const UNAUTHORIZED: u8 = 3;
const NOT_FOUND: u8 = 4;
const NO_RESPONSE: u8 = 5;

/// How long to wait for the response.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn run(options: Options) -> Result<ExitCode, Failure> {
    let client = Client::try_new(&options.host)?;
    let credential =
        AuthData::bearer(&options.token).ok_or("--token contains characters that a header cannot carry")?;
    let context = Context::new(XSpanIdString::default(), Some(credential));
    let request = DeleteTokenRequest::with_id(options.id);
    let answer = tokio::time::timeout(PATIENCE, client.delete_token(request, &context)).await;
    match answer.unwrap_or_else(|_| Err(ApiError::unavailable(format!("no response within {PATIENCE:?}")))) {
        Ok(DeleteTokenResponse::Success) => Ok(ExitCode::SUCCESS),
        Ok(DeleteTokenResponse::UnauthorizedAccess(message)) => end(UNAUTHORIZED, text(&message)),
        Ok(DeleteTokenResponse::TokenNotFound) => end(NOT_FOUND, "no token has this ID"),
        Ok(DeleteTokenResponse::RequestFailed(message)) => end(1, text(&message)),
        Err(error) => {
            super::tell(&error);
            Ok(ExitCode::from(if error.is_unavailable() { NO_RESPONSE } else { 1 }))
        }
    }
}

fn text(message: &ErrorMessage) -> &str {
    message.error.as_deref().unwrap_or("the server gave no reason")
}

fn end(code: u8, reason: &str) -> Result<ExitCode, Failure> {
    super::tell_reason(reason);
    Ok(ExitCode::from(code))
}
