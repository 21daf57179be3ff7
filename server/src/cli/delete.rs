//! `delete`: deletes a token by its ID through the HTTP API of any server, with the generated client; or by its name on
//! the server's machine, because the document's operation takes only the ID.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use influxdb3_token_api::models::{ErrorMessage, Secret};
use influxdb3_token_api::swagger::auth::AuthData;
use influxdb3_token_api::{
    Api, ApiError, Client, Context, DeleteTokenRequest, DeleteTokenResponse, XSpanIdString, with_sources,
};
use openapi_stub_runtime::Printable;
use openapi_stub_runtime::client::AddressError;

use super::access::Access;
use super::arguments::server_address;
use super::named_server::{self, Refused};
use super::store::{Opening, StoreArguments, is_temporary};
use super::tls::TlsClientOptions;
use super::{Failure, confirmation, no_response};
use crate::control::{self, Delete, Error, RefusalKind};

const EXAMPLES: &str = "Examples:
  # By its name, on the server's machine; INFLUXDB3_AUTH_TOKEN has an admin token
  influxdb3-tokens delete token --token-name ci
  # By its ID, on any machine
  influxdb3-tokens delete token --id 7 --host http://127.0.0.1:8181
  # Without being asked
  influxdb3-tokens delete token --token-name ci --yes";

/// Delete a token: by its ID through the HTTP API, or by its name on the server's machine
///
/// Asks first if standard input is a terminal.
///
/// Exit codes: 0, the token was deleted (204); 1, another failure; 2, wrong usage; 3, the presented token is rejected or
/// has no permission (401); 4, no token has this ID or name (404); 5, the server did not respond or is unavailable (503),
/// and a retry is safe. A retry by name deletes the token that has the name by then.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// The name of the token to delete. The API takes no name, so this uses the control socket of the server of
    /// --data-dir, or its database if no server runs, or --store
    #[arg(long, env = "INFLUXDB3_TOKENS_TOKEN_NAME", value_name = "NAME", conflicts_with = "id")]
    token_name: Option<String>,

    /// The ID of the token to delete, instead of its name. With --store and without --host, it is deleted in etcd
    #[arg(long, env = "INFLUXDB3_TOKENS_ID")]
    id: Option<String>,

    /// Do not ask before the deletion
    #[arg(long, short)]
    yes: bool,

    /// The server's address. For --token-name, it must be that of the server of --data-dir
    /// [default for --id: http://127.0.0.1:8181]
    #[arg(short = 'H', long, env = "INFLUXDB3_HOST_URL", hide_env_values = true, value_name = "URL",
        value_parser = server_address)]
    host: Option<String>,

    /// An admin token. Prefer the variable, because other users can see arguments
    #[arg(long, env = "INFLUXDB3_AUTH_TOKEN", hide_env_values = true)]
    token: String,

    #[command(flatten)]
    tls: TlsClientOptions,

    #[command(flatten)]
    store: StoreArguments,
}

const UNAUTHORIZED: u8 = 3;
const NOT_FOUND: u8 = 4;
const NO_RESPONSE: u8 = 5;

/// How long to wait for the response.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn run(options: Options) -> Result<ExitCode, Failure> {
    let Options { token_name, id, yes, host, token, store, tls } = options;
    match (token_name, id) {
        (Some(name), _) => {
            let access = match named_server::access(host.as_deref(), &store, true).await {
                Ok(access) => access,
                // The name could be that of a token of another server than the one that is meant.
                Err(Refused::Other(reason)) => wrong_usage(&reason),
                Err(Refused::NotRunning(reason)) => return end(NO_RESPONSE, &reason),
                Err(Refused::Failed(error)) => return Err(error),
            };
            match is_confirmed(yes, &format!("Delete the token \"{name}\"?"))? {
                true => by_name(access, name, token).await,
                false => not_confirmed(),
            }
        }
        (None, Some(id)) if host.is_none() && store.is_etcd() => {
            let catalog = store.open(Opening::Existing).await?;
            match is_confirmed(yes, &format!("Delete the token with the ID {id}?"))? {
                true => {
                    let deleted = async { control::delete_by_id(&catalog, &id, &Secret(token)).await };
                    let ended = in_store(deleted, |id| format!("with ID {id}")).await;
                    // The credential of the deletion was used.
                    catalog.save_uses().await;
                    ended
                }
                false => not_confirmed(),
            }
        }
        (None, Some(id)) => {
            let host = host.as_deref().unwrap_or("http://127.0.0.1:8181");
            let client = client(host, &tls)?;
            match is_confirmed(yes, &format!("Delete the token with the ID {id} of {host}?"))? {
                true => by_id(client, host, id, &token).await,
                false => not_confirmed(),
            }
        }
        (None, None) => wrong_usage("say which token to delete, with --token-name or --id"),
    }
}

/// Gives the failure to reach etcd its exit code: nothing was deleted.
pub(super) fn exit_code(error: Failure) -> Result<ExitCode, Failure> {
    if !is_temporary(&error) {
        return Err(error);
    }
    super::tell(error.as_ref());
    Ok(ExitCode::from(NO_RESPONSE))
}

fn is_confirmed(yes: bool, question: &str) -> io::Result<bool> {
    if yes { Ok(true) } else { confirmation::is_confirmed(question) }
}

fn not_confirmed() -> Result<ExitCode, Failure> {
    end(1, "the token was not deleted, because that was not confirmed")
}

/// Prints what was deleted. The exit code says it too, if nobody reads this.
fn print(what: &str) -> ExitCode {
    let _ = writeln!(io::stdout(), "Deleted token {}", Printable(what));
    ExitCode::SUCCESS
}

/// Deletes a token through the HTTP API.
async fn by_id(client: Client, host: &str, id: String, token: &str) -> Result<ExitCode, Failure> {
    let done = format!("with ID {id}");
    let Some(credential) = AuthData::bearer(token) else {
        wrong_usage("--token contains characters that a header cannot carry")
    };
    let context = Context::new(XSpanIdString::default(), Some(credential));
    let answer = tokio::time::timeout(PATIENCE, client.delete_token(DeleteTokenRequest::with_id(id), &context)).await;
    match answer.unwrap_or_else(|_| Err(ApiError::unavailable(format!("no response within {PATIENCE:?}")))) {
        Ok(DeleteTokenResponse::Success) => Ok(print(&done)),
        Ok(DeleteTokenResponse::UnauthorizedAccess(message)) => end(UNAUTHORIZED, &text(&message, token)),
        Ok(DeleteTokenResponse::TokenNotFound) => end(NOT_FOUND, "no token has this ID or name"),
        Ok(DeleteTokenResponse::RequestFailed(message)) => end(1, &text(&message, token)),
        Err(error) => {
            super::tell_reason(&no_response::reason(&error, host));
            if let Some(response) = error.response() {
                super::tell_reason(&format!("the response begins with \"{}\"", beginning(response.body(), token)));
            }
            Ok(ExitCode::from(if error.is_unavailable() { NO_RESPONSE } else { 1 }))
        }
    }
}

/// The client of a server. An address that no request can be sent to is wrong usage.
fn client(host: &str, tls: &TlsClientOptions) -> Result<Client, Failure> {
    if !host.contains("://") {
        wrong_usage("--host is not the address of a server, such as http://127.0.0.1:8181");
    }
    let client = match tls.config()? {
        Some(tls) => Client::with_tls(host, tls),
        None => Client::try_new(host),
    };
    client.map_err(|error| match error {
        AddressError::Certificates(_) => error.into(),
        AddressError::Malformed(_) => {
            wrong_usage(&format!("--host: {}; write it like http://127.0.0.1:8181", with_sources(&error)))
        }
        _ => wrong_usage(&format!("--host: {}", with_sources(&error))),
    })
}

/// Deletes a token on the server's machine.
async fn by_name(access: Access, name: String, token: String) -> Result<ExitCode, Failure> {
    let done = format!("\"{name}\"");
    in_store(access.delete(Delete { name, by: Secret(token) }), |id| format!("{done} (ID {id})")).await
}

/// Makes a deletion, and prints `done` of the ID of the deleted token.
async fn in_store(
    deletion: impl Future<Output = Result<u64, Error>>,
    done: impl FnOnce(u64) -> String,
) -> Result<ExitCode, Failure> {
    let error = match tokio::time::timeout(PATIENCE, deletion).await {
        Ok(Ok(id)) => return Ok(print(&done(id))),
        Ok(Err(error)) => error,
        Err(_) => return end(NO_RESPONSE, &format!("no response within {PATIENCE:?}")),
    };
    super::tell(&error);
    Ok(ExitCode::from(match error {
        Error::Refused(refusal) => match refusal.kind {
            RefusalKind::Unauthorized => UNAUTHORIZED,
            RefusalKind::NotFound => NOT_FOUND,
            RefusalKind::Unavailable => NO_RESPONSE,
            RefusalKind::Other => 1,
        },
        Error::Server(_) | Error::OutcomeUnknown(_) => NO_RESPONSE,
    }))
}

/// The beginning of a response, which may repeat the request's credential.
fn beginning(body: &[u8], token: &str) -> String {
    let in_json = serde_json::Value::from(token).to_string();
    let text = String::from_utf8_lossy(body).replace(&in_json[1..in_json.len() - 1], "[redacted]");
    text.replace(token, "[redacted]").chars().take(200).collect()
}

/// The beginning of a server's message.
fn text(message: &ErrorMessage, token: &str) -> String {
    message.error.as_deref().map_or("the server gave no reason".to_owned(), |text| beginning(text.as_bytes(), token))
}

fn wrong_usage(reason: &str) -> ! {
    super::wrong_usage("delete", reason)
}

fn end(code: u8, reason: &str) -> Result<ExitCode, Failure> {
    super::tell_reason(reason);
    Ok(ExitCode::from(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_that_repeats_the_credential_is_shown_without_it() {
        for token in ["apiv3_0123456789abcdef", r#"apiv3_0123"4567\89abcdef"#] {
            let json = serde_json::json!({"a": token, "b": [format!("Bearer {token}")]}).to_string();
            assert_eq!(beginning(json.as_bytes(), token), r#"{"a":"[redacted]","b":["Bearer [redacted]"]}"#);
            assert_eq!(beginning(format!("no {token}").as_bytes(), token), "no [redacted]");
        }
    }
}
